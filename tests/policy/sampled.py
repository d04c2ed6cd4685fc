"""A market of best prices, sampled by the real features, for the tests of what decides."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import Any

import attrs

from grinder.features.registry import INDEX, NAMES
from grinder.features.sampler import Sampler
from grinder.features.vector import FeatureState
from grinder.messages.features import FeaturesSampled
from grinder.messages.market import BookTicked, DepthSynced
from grinder.messages.risk import RiskBudgetChanged
from grinder.model.grid import ToxicityLevel
from grinder.model.settings import Config
from grinder.policy.conductor import Conductor, ConductorFacts, Decision, conductor_for
from policy.market import BTC, SECOND_NS

START_NS = 1_700_000_040 * SECOND_NS
"""A full minute."""
CALM = {
    "spread_bps": 0.02,
    "thin_l1_notional": 90_000.0,
    "natr_bps": 20.0,
    "signed_return_bps": 10.0,
    "range_score": 12.0,
    "warmup_bars": 20.0,
}

BUDGET = RiskBudgetChanged(
    symbol=BTC.symbol,
    equity=Decimal(10_000),
    budget=Decimal(1_000),
    budget_ratio=None,
    session_drawdown=0.0,
    daily_drawdown=0.0,
    is_killed=False,
)


def budget(**changes: Any) -> dict[str, RiskBudgetChanged]:
    return {"budget": attrs.evolve(BUDGET, **changes)}


def changed(config: Config, section: str, **fields: Any) -> Config:
    part = attrs.evolve(getattr(config, section), **fields)
    return attrs.evolve(config, **{section: part})


class Market:
    """Ticks in, samples out, as FeatureActor has them made."""

    def __init__(self, config: Config) -> None:
        self.state = FeatureState(BTC.symbol, config.features)
        self.sampler = Sampler(BTC, config.features, config.toxicity)
        self.config = config

    def tick(self, at_ns: int, mid: float, lots: int = 5_000) -> FeaturesSampled:
        """Return the sample of a book whose best prices are a tick to both sides of ``mid``."""
        ticks = round(mid * 10)
        tick = BookTicked(
            symbol=BTC.symbol,
            bid_ticks=ticks - 1,
            bid_lots=lots,
            ask_ticks=ticks + 1,
            ask_lots=lots,
            update_id=at_ns,
            event_ns=at_ns,
            received_ns=at_ns,
            connection=1,
        )
        self.state.update(tick)
        return self.sampler.sample(tick, self.state)

    def depth(self, at_ns: int, bids: Iterable[tuple[float, int]], asks: Any) -> None:
        """Let the book begin anew with these levels: (price, lots)."""
        bid_levels, ask_levels = (
            tuple((round(price * 10), lots) for price, lots in side) for side in (bids, asks)
        )
        self.sampler.book.sync(
            DepthSynced(
                symbol=BTC.symbol, last_id=1, bids=bid_levels, asks=ask_levels, event_ns=at_ns
            )
        )


class Conducted:
    """A conductor, and what it decided."""

    def __init__(self, config: Config | None = None) -> None:
        self.config = config or Config()
        self.conductor: Conductor = conductor_for(BTC, self.config)
        self.decisions: list[Decision] = []
        self.facts = ConductorFacts(now_ns=START_NS, mid=Decimal(60_000))

    def hear(self, sample: FeaturesSampled, **facts: Any) -> Decision:
        """Let it consider a sample; what is known besides stays as it was unless it is given."""
        self.facts = attrs.evolve(self.facts, now_ns=sample.event_ns, **facts)
        self.decisions.append(self.conductor.consider(sample, self.facts))
        return self.decisions[-1]

    def see(
        self, samples: int = 1, toxicity: ToxicityLevel = ToxicityLevel.LOW, **features: Any
    ) -> Decision:
        """Let it consider so many samples of a calm market, but for ``features``."""
        for _ in range(samples):
            at_ns = self.facts.now_ns + SECOND_NS
            decision = self.hear(sample_of(at_ns, toxicity, **{**CALM, **features}))
        return decision

    def know(self, **facts: Any) -> Conducted:
        """Change what is known besides the features."""
        self.facts = attrs.evolve(self.facts, **facts)
        return self

    def regimes(self) -> list[str]:
        """Return the regimes that were told of, in order."""
        news = (one.regime_changed for one in self.decisions)
        return [one.to_regime.value for one in news if one is not None]

    def switches(self) -> list[str]:
        """Return the policies that took over, in order."""
        news = (one.policy_switched for one in self.decisions)
        return [one.to_policy for one in news if one is not None]


def sample_of(
    at_ns: int, toxicity: ToxicityLevel = ToxicityLevel.LOW, **features: float | None
) -> FeaturesSampled:
    """Return a sample in which only ``features`` are known."""
    values: list[float | None] = [None] * len(NAMES)
    for name, value in features.items():
        values[INDEX[name]] = value
    return FeaturesSampled(
        symbol=BTC.symbol,
        values=tuple(values),
        toxicity=toxicity,
        is_warm=True,
        event_ns=at_ns,
    )


def falling(minutes: int, a_minute_bps: float = -30.0) -> Iterator[tuple[int, float]]:
    """Yield (time, mid) each five seconds of a market that falls, or with a sign, rises."""
    for number in range(minutes * 12):
        zigzag = 6.0 if number % 2 else -6.0
        bps = a_minute_bps * number / 12 + zigzag / 2
        yield START_NS + number * 5 * SECOND_NS, 60_000 * (1 + bps / 10_000)


def ranging(minutes: int) -> Iterator[tuple[int, float]]:
    """Yield (time, mid) each five seconds of a market that goes up and down again."""
    wave = (0, 8, 15, 20, 15, 8, 0, -8, -15, -20, -15, -8)
    for number in range(minutes * 12):
        bps = wave[number // 7 % len(wave)]
        yield START_NS + number * 5 * SECOND_NS, 60_000 * (1 + bps / 10_000)
