"""trend: go with a move that volume carries, on one side only."""

from __future__ import annotations

from decimal import Decimal
from typing import ClassVar

import attrs

from grinder.model.grid import GridPlan
from grinder.model.settings import Config
from grinder.policy.base import MarketView
from grinder.policy.options import choice, number, read_options
from grinder.policy.plans import (
    THROTTLE_SIZE,
    THROTTLE_SPACING,
    one_sided,
    paused,
)


@attrs.frozen(kw_only=True)
class TrendOptions:
    """What ``policy.options`` may say."""

    horizon_minutes: int = choice(5, 1)
    """Whose momentum is followed."""
    momentum_min: float = number(2.0, 0.1, 20)
    """Standard deviations of momentum from which there is a trend."""
    momentum_exit: float = number(1.0, 0, 20)
    """Below it the trend is over; what hovers about one number does not come and go."""
    momentum_max: float = number(4.0, 0.1, 20)
    """Beyond it the trend is exhausted."""
    ofi_max: float = number(3.0, 0.1, 20)
    """So is it with order flow so many standard deviations against it."""
    exhausted_samples: int = number(30, 1, 10_000)
    """So long nothing is quoted since it was last exhausted."""
    inventory_max: float = number(0.7, 0, 1)
    """Share of the cap that may be held against the trend."""
    levels: int = number(4, 1, 20)
    throttled_levels: int = number(2, 1, 20)
    """While volume does not agree."""
    spacing_bps: float = number(15.0, 1, 280)
    size: int = number(150, 1, 1_000)
    """100 is an ordinary level."""


class TrendPolicy:
    """Buy the dips of a rise, or sell the rallies of a fall, while volume agrees."""

    name: ClassVar[str] = "trend"
    priority: ClassVar[int] = 50
    options: ClassVar[type] = TrendOptions
    reasons: ClassVar[tuple[str, ...]] = (
        "MODE_LONG_MOMENTUM",
        "MODE_SHORT_MOMENTUM",
        "THROTTLE_CVD_DIVERGENCE",
        "PAUSE_TREND_EXHAUSTED",
        "PAUSE_WRONG_SIDE",
        "PAUSE_TOX_HIGH",
        "TREND_INACTIVE",
        "WARMUP_INCOMPLETE",
        "SIZE_BELOW_MINIMUM",
    )

    def __init__(self, settings: Config) -> None:
        self._options = read_options(TrendOptions, self.name, settings)
        self._momentum = f"momentum_{self._options.horizon_minutes}m"
        self._volume = f"cvd_change_{self._options.horizon_minutes}m"
        self._seen_ns = -1
        self._side = 0
        """1 in a rise, -1 in a fall, 0 in neither."""
        self._is_carried = False
        """True once volume has agreed with it."""
        self._worn = 0
        """Samples for which it counts as exhausted."""

    def should_activate(self, view: MarketView) -> bool:
        """Return whether there is a trend that volume has carried, and no harmful flow."""
        self._follow(view)
        return self._side != 0 and self._is_carried and not view.toxicity.is_harmful

    def evaluate(self, view: MarketView) -> GridPlan:
        """Return the side of the trend; a pause where it is weak, worn out or held against."""
        options = self._options
        self._follow(view)
        momentum, volume = view.known(self._momentum), view.known(self._volume)
        if momentum is None or volume is None:
            return paused(view, "WARMUP_INCOMPLETE", "TREND_INACTIVE")
        if why := self._why_paused(view):
            return paused(view, why)
        is_long = self._side > 0
        reasons = [f"MODE_{'LONG' if is_long else 'SHORT'}_MOMENTUM"]
        spacing, levels, size = options.spacing_bps, options.levels, Decimal(options.size)
        if self._side * volume <= 0:
            reasons.insert(0, "THROTTLE_CVD_DIVERGENCE")
            spacing, size = spacing * THROTTLE_SPACING, size * THROTTLE_SIZE
            levels = min(levels, options.throttled_levels)
        return one_sided(
            view, is_long, levels=levels, spacing_bps=spacing, size=size, reasons=reasons
        )

    def _why_paused(self, view: MarketView) -> str:
        if view.toxicity.is_harmful:
            return "PAUSE_TOX_HIGH"
        if not self._side:
            return "TREND_INACTIVE"
        if self._worn:
            return "PAUSE_TREND_EXHAUSTED"
        is_wrong = view.inventory * self._side < -self._options.inventory_max
        return "PAUSE_WRONG_SIDE" if is_wrong else ""

    def _follow(self, view: MarketView) -> None:
        """Take a sample in, once, however often it is asked about."""
        if view.now_ns == self._seen_ns:
            return
        self._seen_ns = view.now_ns
        options = self._options
        momentum = view.known(self._momentum) or 0.0
        volume = view.known(self._volume) or 0.0
        if momentum * self._side < options.momentum_exit:
            self._side, self._is_carried = 0, False
        if not self._side and abs(momentum) >= options.momentum_min:
            self._side = 1 if momentum > 0 else -1
        self._is_carried = self._is_carried or volume * self._side > 0
        flow = view.known("ofi_zscore") or 0.0
        self._worn = max(0, self._worn - 1)
        if self._side and (
            abs(momentum) > options.momentum_max or flow * self._side < -options.ofi_max
        ):
            self._worn = options.exhausted_samples
