"""How harmful the flow is: a weighted sum of what was measured, each made comparable first.

Raw values have units of their own, so a component is counted in standard deviations above its own
mean, the first of which is everyday noise and does not count, within [0, 3]. The widening of the
spread, the shock of the order flow and the surge of liquidations are pure numbers as they are.
"""

from __future__ import annotations

from typing import NamedTuple

from grinder.features.rolling import RollingZ
from grinder.model.grid import ToxicityLevel
from grinder.model.strategy import ToxicitySettings
from grinder.model.units import NS_PER_MS

WEIGHTS = (0.20, 0.15, 0.15, 0.20, 0.20, 0.10)
"""VPIN, Kyle, Amihud, spread, order flow, liquidations."""
COMPONENT_MAX = 3.0
OFI_SCALE = 3.0
NOISE = 1.0
"""Standard deviations above the mean that are no alarm."""
WARM_SHARE = 6
"""A mean is one of at least this part of its window."""
SPREAD_COLD_BPS = 5.0
"""Least mean spread before there is one of an hour."""
SPREAD_LEAST_BPS = 1.0
"""Least mean spread: a spread of one tick that becomes two for a moment harms nobody."""
SPREAD_MIN = 30
"""Spreads without which there is no mean."""


class Measures(NamedTuple):
    """What the composite is made of; None where nothing is known."""

    vpin: float | None
    kyle: float | None
    amihud: float | None
    spread_bps: float
    ofi_z: float | None
    surge: float | None
    ret_1m: float | None
    cvd_1m: float | None
    """In quote units, as the next one."""
    volume_1m: float | None
    volume_ratio: float | None


class _Scaled:
    """A measure, or what stands in for it, in standard deviations above its mean less one."""

    __slots__ = ("_first", "_second")

    def __init__(self, window: int) -> None:
        minimum = max(1, window // WARM_SHARE)
        self._first = RollingZ(window, minimum)
        self._second = RollingZ(window, minimum)

    def add(self, first: float | None, second: float | None) -> float | None:
        """Take the measure and its substitute; return what counts."""
        score = None if first is None else self._first.add(first)
        substitute = None if second is None else self._second.add(second)
        if score is None:
            score = substitute
        return None if score is None else min(COMPONENT_MAX, max(0.0, score - NOISE))


class Composite:
    """The smoothed score of one symbol and the level that follows from it.

    The score jumps up at once and decays slowly. After HIGH the level stays there until the
    cooldown is over and the score is below that of MID.
    """

    __slots__ = (
        "_amihud",
        "_high_ns",
        "_is_held",
        "_kyle",
        "_settings",
        "_spread",
        "_vpin",
        "level",
        "score",
    )

    def __init__(self, settings: ToxicitySettings, spreads: int) -> None:
        self._settings = settings
        window = settings.window_samples
        self._vpin = _Scaled(window)
        self._kyle = _Scaled(window)
        self._amihud = _Scaled(window)
        self._spread = RollingZ(spreads, 1)
        self.score = 0.0
        self.level = ToxicityLevel.LOW
        self._is_held = False
        self._high_ns = 0

    def values(self, now_ns: int, measures: Measures) -> tuple[float | None, ...]:
        """Take the measures of a sample; return the score and its six components in [0, 3]."""
        components = self._components(measures)
        raw = self._settings.gain * sum(
            weight * component
            for weight, component in zip(WEIGHTS, components, strict=True)
            if component is not None
        )
        decay = self._settings.decay
        self.score = max(raw, decay * self.score + (1.0 - decay) * raw)
        self._judge(now_ns)
        return (self.score, *components)

    def _components(self, now: Measures) -> tuple[float | None, ...]:
        ret = None if now.ret_1m is None else abs(now.ret_1m)
        by_flow = by_volume = by_worth = None
        if now.cvd_1m is not None and now.volume_1m is not None:
            by_flow = abs(now.cvd_1m) / (now.volume_1m + 1.0)
        if ret is not None and now.volume_ratio is not None:
            by_volume = ret / (now.volume_ratio + 0.1)
        if ret is not None and now.volume_1m is not None:
            by_worth = ret / (now.volume_1m / 1e6 + 0.01)
        kyle = None if now.kyle is None else max(0.0, now.kyle)
        shock = None if now.ofi_z is None else min(COMPONENT_MAX, abs(now.ofi_z) / OFI_SCALE)
        return (
            self._vpin.add(now.vpin, by_flow),
            self._kyle.add(kyle, by_volume),
            self._amihud.add(now.amihud, by_worth),
            self._widening(now.spread_bps),
            shock,
            now.surge,
        )

    def _widening(self, spread_bps: float) -> float:
        """Return how much wider than its mean of an hour the spread is, as a part of that mean."""
        spreads = self._spread
        if len(spreads) < SPREAD_MIN:
            spreads.add(spread_bps)
            mean = max(SPREAD_COLD_BPS, spreads.mean)
        else:
            mean = max(SPREAD_LEAST_BPS, spreads.mean)
            spreads.add(spread_bps)
        return min(COMPONENT_MAX, max(0.0, spread_bps - mean) / mean)

    def _judge(self, now_ns: int) -> None:
        settings, score = self._settings, self.score
        if score >= settings.high:
            self._is_held = True
            self._high_ns = now_ns
        elif self._is_held:
            is_over = now_ns - self._high_ns >= settings.cooldown_ms * NS_PER_MS
            self._is_held = not (is_over and score < settings.mid)
        if score > settings.extreme:
            self.level = ToxicityLevel.EXTREME
        elif self._is_held:
            self.level = ToxicityLevel.HIGH
        else:
            self.level = ToxicityLevel.MID if score >= settings.mid else ToxicityLevel.LOW
