"""What the market is taken for: an ordered table, and hysteresis around it.

The first row that matches wins. Comparisons are strict, but for the range score of a trend. A row
whose inputs are not known, because they are cold or stale, does not match.

Two inputs differ from the usual form of this table. The trend has its direction from the signed
return; from the unsigned one no fall would ever be a trend. A book is thin by the worth of its
thinner best quote, in quote units: a limit in base units means one thing for bitcoin and another
for a coin of a tenth of a cent. And one sample makes no thin book: the best quote of a deep market
is used up and refilled all the time.
"""

from __future__ import annotations

from collections.abc import Mapping

import attrs

from grinder.model.grid import MarketRegime, ToxicityLevel
from grinder.model.settings import RiskSettings
from grinder.model.strategy import RegimeSettings

_RANGE = MarketRegime.RANGE
GRAVITY = {MarketRegime.VOL_SHOCK: 1, MarketRegime.TOXIC: 2, MarketRegime.EMERGENCY: 3}
"""Regimes that cut in at once on any that has less; everything else has 0."""


@attrs.frozen(kw_only=True)
class Verdict:
    """What the market is taken for, why, and how surely."""

    regime: MarketRegime
    reason: str
    """KILL_SWITCH, SPREAD_SPIKE, PRICE_IMPACT, TOXIC_FLOW, WARMUP, THIN_LIQUIDITY, WIDE_SPREAD,
    HIGH_VOLATILITY, TREND_DETECTED or DEFAULT."""
    confidence: int
    """Per cent."""


_KILLED = Verdict(regime=MarketRegime.EMERGENCY, reason="KILL_SWITCH", confidence=100)
_SPIKE = Verdict(regime=MarketRegime.TOXIC, reason="SPREAD_SPIKE", confidence=100)
_IMPACT = Verdict(regime=MarketRegime.TOXIC, reason="PRICE_IMPACT", confidence=100)
_FLOW = Verdict(regime=MarketRegime.TOXIC, reason="TOXIC_FLOW", confidence=100)
_COLD = Verdict(regime=_RANGE, reason="WARMUP", confidence=50)
_THIN = Verdict(regime=MarketRegime.THIN_BOOK, reason="THIN_LIQUIDITY", confidence=90)
_WIDE = Verdict(regime=MarketRegime.THIN_BOOK, reason="WIDE_SPREAD", confidence=90)
_SHOCK = Verdict(regime=MarketRegime.VOL_SHOCK, reason="HIGH_VOLATILITY", confidence=85)
_UP = Verdict(regime=MarketRegime.TREND_UP, reason="TREND_DETECTED", confidence=75)
_DOWN = Verdict(regime=MarketRegime.TREND_DOWN, reason="TREND_DETECTED", confidence=75)
_WARM_RANGE = Verdict(regime=_RANGE, reason="DEFAULT", confidence=80)
_COLD_RANGE = Verdict(regime=_RANGE, reason="DEFAULT", confidence=60)


@attrs.frozen(kw_only=True)
class RegimeLimits:
    """Where the rows of the table begin; all in basis points unless said otherwise."""

    spread_spike: float
    price_impact: float
    """Of the move of the mid within a minute."""
    thin_notional: float
    """In quote units."""
    spread_wide: float
    natr_shock: float
    trend_return: float
    trend_score: float
    """Sum of absolute returns over the net one; a plain number."""

    @classmethod
    def of(cls, regime: RegimeSettings, risk: RiskSettings) -> RegimeLimits:
        """Return the limits of ``[regime]``, and those of ``[risk]`` that it shares."""
        return cls(
            spread_spike=risk.spread_spike_bps,
            price_impact=risk.toxicity_high_bps,
            thin_notional=float(regime.thin_notional_min),
            spread_wide=regime.spread_max_bps,
            natr_shock=regime.natr_shock_bps,
            trend_return=regime.trend_net_return_bps,
            trend_score=regime.trend_range_score_max,
        )


def classify(
    features: Mapping[str, float],
    limits: RegimeLimits,
    *,
    thin: Verdict | None = None,
    toxicity: ToxicityLevel = ToxicityLevel.LOW,
    is_killed: bool = False,
    is_warm: bool = True,
) -> Verdict:
    """Return what the market is, by the first row that matches.

    Args:
        features: what is known and fresh, by name.
        limits: where the rows begin.
        thin: what ``thin_of`` has said for long enough; None is a book that is not thin.
        toxicity: of the flow; HIGH and above is a toxic market.
        is_killed: whether the kill switch has tripped.
        is_warm: whether the indicators have the bars that they need.
    """
    if is_killed:
        return _KILLED
    gate = _gate(features, limits, toxicity)
    if gate is not None:
        return gate
    if "spread_bps" not in features:
        return _COLD
    if thin is not None:
        return thin
    if features.get("natr_bps", 0.0) > limits.natr_shock:
        return _SHOCK
    return _trend(features, limits) or (_WARM_RANGE if is_warm else _COLD_RANGE)


def thin_of(features: Mapping[str, float], limits: RegimeLimits) -> Verdict | None:
    """Return which of the rows of a thin book one sample matches; None if neither."""
    spread, notional = features.get("spread_bps"), features.get("thin_l1_notional")
    if spread is None:
        return None
    if notional is not None and notional < limits.thin_notional:
        return _THIN
    return _WIDE if spread > limits.spread_wide else None


def _gate(
    features: Mapping[str, float], limits: RegimeLimits, toxicity: ToxicityLevel
) -> Verdict | None:
    spread = features.get("spread_bps")
    if spread is not None and spread > limits.spread_spike:
        return _SPIKE
    jump = features.get("price_jump_bps_1m")
    if jump is not None and abs(jump) > limits.price_impact:
        return _IMPACT
    return _FLOW if toxicity.is_harmful else None


def _trend(features: Mapping[str, float], limits: RegimeLimits) -> Verdict | None:
    net, score = features.get("signed_return_bps"), features.get("range_score")
    if net is None or score is None or score > limits.trend_score:
        return None
    if net > limits.trend_return:
        return _UP
    return _DOWN if -net > limits.trend_return else None


class Persistence:
    """Whether the book is thin, which takes some samples in a row to be believed, either way."""

    __slots__ = ("_against", "_needed", "verdict")

    def __init__(self, needed: int) -> None:
        self._needed = needed
        self._against = 0
        """Samples in a row that said otherwise."""
        self.verdict: Verdict | None = None

    def follow(self, seen: Verdict | None) -> Verdict | None:
        """Take what one sample says; return what is believed now."""
        if (seen is None) is not (self.verdict is None):
            self._against += 1
            if self._against < self._needed:
                return self.verdict
        self._against = 0
        self.verdict = seen
        return seen


class Hysteresis:
    """The regime in force, which does not follow every sample.

    A graver regime (VOL_SHOCK, TOXIC, EMERGENCY, in this order) cuts in at once. Any other change
    waits until the regime has stood for ``hold`` samples. What a graver one interrupted returns
    sooner, after ``cooldown`` samples; a change within the cooldown never happens otherwise.
    """

    __slots__ = ("_age", "_cooldown", "_hold", "_interrupted", "verdict")

    def __init__(self, hold: int, cooldown: int) -> None:
        self._hold = hold
        self._cooldown = cooldown
        self._age = max(hold, cooldown)
        """Samples since the last change; the first regime has nothing to wait for."""
        self._interrupted: MarketRegime | None = None
        self.verdict = _COLD

    def follow(self, seen: Verdict) -> bool:
        """Take what was just seen; return whether another regime is in force now."""
        current = self.verdict.regime
        self._age += 1
        if seen.regime is current:
            self.verdict = seen
            return False
        is_graver = GRAVITY.get(seen.regime, 0) > GRAVITY.get(current, 0)
        if not is_graver:
            if self._age <= self._least(seen.regime):
                return False
            self._interrupted = None
        elif self._interrupted is None:
            self._interrupted = current
        self._age = 0
        self.verdict = seen
        return True

    def _least(self, regime: MarketRegime) -> int:
        """Return how many samples the regime in force has to stand before ``regime`` may come."""
        is_return = regime is self._interrupted
        return self._cooldown if is_return else max(self._hold, self._cooldown)
