"""From one sample of features to the plan of one symbol.

The order is fixed: what market is this, whose turn is it, what does that policy want, how is it
smoothed, what holds it back, how big is it. Pure: equal samples and facts in the same order give
equal decisions.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal

import attrs

from grinder.messages.features import FeaturesSampled
from grinder.messages.grid import PolicySwitched, RegimeChanged
from grinder.messages.risk import RiskBudgetChanged
from grinder.model.grid import GridPlan
from grinder.model.instrument import Instrument
from grinder.model.settings import Config
from grinder.policy.base import MarketView, Policy
from grinder.policy.regime import Hysteresis, RegimeLimits, Verdict, classify

Known = Callable[[tuple[float | None, ...]], Mapping[str, float]]
"""Names the values of a sample and leaves out what is not known."""


@attrs.frozen(kw_only=True)
class ConductorFacts:
    """What is known of a symbol besides its features, at the moment of a sample."""

    now_ns: int
    mid: Decimal
    """In quote per base; above 0."""
    position_qty: Decimal = Decimal(0)
    """Held, in base units; negative when short."""
    entry_price: Decimal = Decimal(0)
    budget: RiskBudgetChanged | None = None
    """The last one heard of; None before the first."""
    is_killed: bool = False


@attrs.frozen(kw_only=True)
class Decision:
    """The answer to one sample. The same object as before when nothing at all has changed."""

    plan: GridPlan
    """The same object as before as long as the ladder is to stay as it was told to be."""
    policy: str
    """Name of the policy in charge."""
    verdict: Verdict
    """The regime in force, after hysteresis."""
    is_plain: bool
    """True while the static policy stands exactly as [policy] says: nothing throttled, gated,
    scaled or sized. The ladder then centres and sizes itself, tick by tick; the centre and the
    sizes of the plan are those of the moment at which it was made."""
    regime_changed: RegimeChanged | None = None
    policy_switched: PolicySwitched | None = None


class Conductor:
    """Decides one symbol's plan. Keeps the memory of the symbol; is told everything else."""

    def __init__(
        self,
        instrument: Instrument,
        config: Config,
        policies: Mapping[str, Policy],
        known: Known,
    ) -> None:
        self._instrument = instrument
        self._config = config
        self._policies = policies
        self._known = known
        self._limits = RegimeLimits.of(config.regime, config.risk)
        self._regime = Hysteresis(config.regime.hold_samples, config.regime.cooldown_samples)
        self._last: Decision | None = None

    def consider(self, sample: FeaturesSampled, facts: ConductorFacts) -> Decision:
        """Return what is to be done after ``sample``."""
        features = self._known(sample.values)
        before = self._regime.verdict
        seen = classify(
            features,
            self._limits,
            toxicity=sample.toxicity,
            is_killed=facts.is_killed,
            is_warm=sample.is_warm,
        )
        news = None
        if self._regime.follow(seen):
            news = RegimeChanged(
                symbol=sample.symbol,
                from_regime=before.regime,
                to_regime=seen.regime,
                reason=seen.reason,
                confidence=seen.confidence,
            )
        view = self._view(sample, facts, features)
        policy = self._policies[self._config.policy.name]
        plan = policy.evaluate(view)
        decision = Decision(
            plan=plan,
            policy=policy.name,
            verdict=self._regime.verdict,
            is_plain=policy.name == "static",
            regime_changed=news,
        )
        if decision != self._last:
            self._last = decision
        return self._last or decision

    def _view(
        self, sample: FeaturesSampled, facts: ConductorFacts, features: Mapping[str, float]
    ) -> MarketView:
        config, budget = self._config, facts.budget
        return MarketView(
            symbol=sample.symbol,
            now_ns=facts.now_ns,
            mid=facts.mid,
            instrument=self._instrument,
            features=features,
            is_warm=sample.is_warm,
            regime=self._regime.verdict.regime,
            toxicity=sample.toxicity,
            position_qty=facts.position_qty,
            entry_price=facts.entry_price,
            level_notional=config.policy.level_notional,
            position_notional_max=config.risk.position_notional_max,
            is_killed=facts.is_killed,
            session_drawdown=budget.session_drawdown if budget else 0.0,
            daily_drawdown=budget.daily_drawdown if budget else 0.0,
            drawdown_limit=config.risk.drawdown_limit,
        )
