"""From one sample of features to the plan of one symbol.

The order is fixed: what market is this, whose turn is it, what does that policy want, how is it
smoothed, how big is it, what holds it back, and is that different enough from the ladder that
rests. Pure: equal samples and facts in the same order give equal decisions.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

import attrs

from grinder.features.registry import known
from grinder.messages.features import FeaturesSampled
from grinder.messages.grid import PolicySwitched, RegimeChanged
from grinder.messages.risk import RiskBudgetChanged
from grinder.model.grid import GridMode, GridPlan, ResetAction, ToxicityLevel
from grinder.model.instrument import Instrument
from grinder.model.settings import Config
from grinder.policy.base import MarketView, Policy
from grinder.policy.controller import (
    PACE_REASONS,
    Pace,
    PlanKeeper,
    SpacingController,
    StepSmoother,
)
from grinder.policy.depth import BookPenalty, penalised
from grinder.policy.quality import RESET, ExecQuality, Outcome, rested
from grinder.policy.regime import (
    Hysteresis,
    Persistence,
    RegimeLimits,
    Verdict,
    classify,
    thin_of,
)
from grinder.policy.registry import AUTO, POLICIES, make_policies
from grinder.policy.selector import Selector
from grinder.policy.sizes import AutoSizer, fitted
from grinder.policy.throttle import (
    BookGate,
    DrawdownBrake,
    calm,
    forbid,
    gate_by_book,
    halted,
    scale,
    spaced,
    temper,
)

STATIC = "static"
EMERGENCY = "emergency"
_HALTED = frozenset({GridMode.PAUSE, GridMode.EMERGENCY})


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
    outcomes: tuple[Outcome, ...] = ()
    """Of entries, since the sample before."""


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
        self, instrument: Instrument, config: Config, policies: Mapping[str, Policy]
    ) -> None:
        """Begin with an empty memory; ``policies`` are of this symbol alone."""
        self._instrument = instrument
        self._config = config
        self._policies = policies
        regime, selector = config.regime, config.selector
        self._limits = RegimeLimits.of(regime, config.risk)
        self._regime = Hysteresis(regime.hold_samples, regime.cooldown_samples)
        self._thin = Persistence(regime.thin_samples)
        is_auto = config.policy.name == AUTO
        names = selector.policies if is_auto else (config.policy.name,)
        self._selector = Selector(
            (policies[name] for name in dict.fromkeys(names)),
            selector.confirm_samples,
            selector.cooldown_samples,
        )
        self._is_auto = is_auto
        self._pace = SpacingController(config.controller)
        self._step = StepSmoother(regime.step_ema)
        self._keeper = PlanKeeper(regime)
        self._sizer = AutoSizer(instrument, config)
        self._gate = BookGate(config.throttle.l2_impact_threshold_bps, regime.cooldown_samples)
        self._penalty = BookPenalty(
            config.throttle.l2_impact_threshold_bps,
            config.throttle.l2_penalty_pct,
            regime.cooldown_samples,
        )
        self._quality = ExecQuality(regime)
        self._drawdown = DrawdownBrake(config.throttle.drawdown_share, config.risk.drawdown_limit)
        self._is_plain = False
        self._last: Decision | None = None

    def consider(self, sample: FeaturesSampled, facts: ConductorFacts) -> Decision:
        """Return what is to be done after ``sample``."""
        features = known(sample.values)
        toxicity = sample.toxicity if self._config.toxicity.enabled else ToxicityLevel.LOW
        regime_changed = self._classify(sample, facts, features, toxicity)
        verdict = self._regime.verdict
        view = self._view(sample, facts, features, toxicity)
        before = self._selector.current
        policy = self._selector.choose(view) if self._is_auto else before
        asked = policy.evaluate(view)
        switched = None
        if policy is not before:
            switched = PolicySwitched(
                symbol=self._instrument.symbol,
                from_policy=before.name,
                to_policy=policy.name,
                reason=asked.reason_codes[0] if asked.reason_codes else "",
            )
        quality = self._quality.follow(facts.outcomes, facts.mid)
        plan, notes = self._steadied(asked, policy.name, view)
        if policy.name != STATIC:
            plan = rested(plan, quality)
        plan = self._held_back(plan, policy.name, view, facts)
        is_plain = policy.name == STATIC and plan is asked
        notes += (RESET,) if quality == RESET and policy.name != STATIC else ()
        plan = self._kept(plan, policy.name, is_plain, notes)
        last = self._last
        if (
            last is not None
            and plan is last.plan
            and not (regime_changed or switched or last.regime_changed or last.policy_switched)
            and verdict is last.verdict
        ):
            return last
        self._last = Decision(
            plan=plan,
            policy=policy.name,
            verdict=verdict,
            is_plain=is_plain,
            regime_changed=regime_changed,
            policy_switched=switched,
        )
        return self._last

    def _classify(
        self,
        sample: FeaturesSampled,
        facts: ConductorFacts,
        features: Mapping[str, float],
        toxicity: ToxicityLevel,
    ) -> RegimeChanged | None:
        before = self._regime.verdict
        seen = classify(
            features,
            self._limits,
            thin=self._thin.follow(thin_of(features, self._limits)),
            toxicity=toxicity,
            is_killed=facts.is_killed,
            is_warm=sample.is_warm,
        )
        if not self._regime.follow(seen):
            return None
        return RegimeChanged(
            symbol=self._instrument.symbol,
            from_regime=before.regime,
            to_regime=seen.regime,
            reason=seen.reason,
            confidence=seen.confidence,
        )

    def _view(
        self,
        sample: FeaturesSampled,
        facts: ConductorFacts,
        features: Mapping[str, float],
        toxicity: ToxicityLevel,
    ) -> MarketView:
        config, budget = self._config, facts.budget
        return MarketView(
            symbol=self._instrument.symbol,
            now_ns=facts.now_ns,
            mid=facts.mid,
            instrument=self._instrument,
            features=features,
            is_warm=sample.is_warm,
            regime=self._regime.verdict.regime,
            toxicity=toxicity,
            position_qty=facts.position_qty,
            entry_price=facts.entry_price,
            level_notional=config.policy.level_notional,
            position_notional_max=config.risk.position_notional_max,
            is_killed=facts.is_killed,
            session_drawdown=budget.session_drawdown if budget else 0.0,
            daily_drawdown=budget.daily_drawdown if budget else 0.0,
            drawdown_limit=config.risk.drawdown_limit,
        )

    def _steadied(
        self, plan: GridPlan, policy: str, view: MarketView
    ) -> tuple[GridPlan, tuple[str, ...]]:
        """Return ``plan`` with the step that it shall have, and codes that say why."""
        factor = self._penalty.follow(view.features)
        if policy == STATIC:
            return self._paced(plan, view), ()
        if plan.mode in _HALTED:
            return plan, ()
        notes = []
        floor = view.get("spread_bps")
        raw = plan.spacing_bps
        if raw < floor:
            raw = floor
            notes.append("STEP_SPREAD_FLOOR")
        step = self._step.follow(raw, (policy, plan.mode, plan.regime))
        if step != raw:
            notes.append("STEP_SMOOTHING")
        if step != plan.spacing_bps:
            plan = spaced(plan, step)
        reach_max_bps = self._config.adaptive.x_cap_bps
        return penalised(plan, factor, reach_max_bps), tuple(notes)

    def _paced(self, plan: GridPlan, view: MarketView) -> GridPlan:
        """Return the static plan as the controller has it; as it is while that is off."""
        if not self._config.controller.enabled:
            return plan
        pace = self._pace.follow(float(view.mid), view.get("spread_bps"))
        if pace is Pace.BASE or plan.mode in _HALTED:
            return plan
        reason = PACE_REASONS[pace]
        if pace is Pace.PAUSE:
            return halted(plan, GridMode.PAUSE, ResetAction.NONE, reason)
        paced = spaced(plan, plan.spacing_bps * self._pace.factor(pace))
        return attrs.evolve(paced, reason_codes=(reason, *plan.reason_codes))

    def _held_back(
        self, plan: GridPlan, policy: str, view: MarketView, facts: ConductorFacts
    ) -> GridPlan:
        """Return ``plan`` with its sizes, after everything that may hold it back."""
        config, budget = self._config, facts.budget
        verdict = self._regime.verdict
        asked = plan
        if config.sizing.mode == "auto":
            plan = self._sizer.size(plan, view, budget)
        is_losing = self._drawdown.follow(max(view.session_drawdown, view.daily_drawdown))
        regime = verdict.regime
        toxicity, ratio = view.toxicity, budget.budget_ratio if budget is not None else None
        if policy == STATIC:
            # Its ladder is that of the settings, whatever the market. Only what is no market to
            # quote in ends it: harmful flow, a book that bears nothing, losses near their limit.
            regime = plan.regime
            if toxicity is ToxicityLevel.MID:
                toxicity = ToxicityLevel.LOW
            if ratio and config.sizing.mode == "fixed":
                ratio = None
        else:
            plan = forbid(plan, verdict)
        plan = calm(temper(plan, regime, is_losing), toxicity, verdict)
        if view.toxicity is ToxicityLevel.EXTREME:
            plan = self._reducing(plan, view)
        plan = gate_by_book(plan, *self._gate.follow(view.features))
        scaled = scale(plan, ratio)
        return fitted(scaled, view, scaled is not plan) if scaled is not asked else asked

    def _reducing(self, plan: GridPlan, view: MarketView) -> GridPlan:
        """Return the ladder that gives back what is held, if there is a policy that makes one."""
        policy = self._policies.get(EMERGENCY)
        if policy is None or not view.position_qty or plan.is_active:
            return plan
        exits = policy.evaluate(view)
        if exits.mode is not GridMode.EMERGENCY:
            return plan
        codes = (*plan.reason_codes[:1], *exits.reason_codes)
        return attrs.evolve(exits, reset_action=ResetAction.HARD, reason_codes=codes)

    def _kept(
        self, plan: GridPlan, policy: str, is_plain: bool, notes: tuple[str, ...]
    ) -> GridPlan:
        """Return the plan in force after ``plan``."""
        if not plan.reason_codes:
            plan = attrs.evolve(plan, reason_codes=(f"REGIME_{plan.regime}",))
        was_plain, self._is_plain = self._is_plain, is_plain
        if is_plain:
            held = self._keeper.plan
            if was_plain and held is not None and held.mode is plan.mode:
                return held
            if held is not None and plan.reset_action is ResetAction.NONE:
                plan = attrs.evolve(plan, reset_action=ResetAction.SOFT)
            return self._keeper.take(plan, policy)
        return self._keeper.follow(plan, policy, notes)


def conductor_for(instrument: Instrument, config: Config) -> Conductor:
    """Return a conductor with policies of its own, by ``policy.name``.

    Raises:
        ConfigError: a policy is not known, or an option does not fit it.
    """
    is_auto = config.policy.name == AUTO
    names = list(config.selector.policies) if is_auto else [config.policy.name]
    if EMERGENCY in POLICIES and EMERGENCY not in names:
        names.append(EMERGENCY)
    return Conductor(instrument, config, make_policies(names, config))
