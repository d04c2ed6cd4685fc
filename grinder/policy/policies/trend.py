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
    is_harmful,
    one_sided,
    paused,
)


@attrs.frozen(kw_only=True)
class TrendOptions:
    """What ``policy.options`` may say."""

    horizon_minutes: int = choice(5, 1)
    """Whose momentum is followed."""
    momentum_min: float = number(2.0, 0.1, 20)
    """Standard deviations of momentum that are a trend."""
    momentum_max: float = number(4.0, 0.1, 20)
    """Beyond it the trend is exhausted."""
    ofi_max: float = number(3.0, 0.1, 20)
    """So is it with order flow so many standard deviations against it."""
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

    def should_activate(self, view: MarketView) -> bool:
        """Return whether there is momentum that volume carries, and no harmful flow."""
        momentum, volume = view.known(self._momentum), view.known(self._volume)
        if momentum is None or volume is None or is_harmful(view):
            return False
        return abs(momentum) >= self._options.momentum_min and momentum * volume > 0

    def evaluate(self, view: MarketView) -> GridPlan:
        """Return the side of the trend; a pause where it is weak, worn out or held against."""
        options = self._options
        momentum, volume = view.known(self._momentum), view.known(self._volume)
        if momentum is None or volume is None:
            return paused(view, "WARMUP_INCOMPLETE", "TREND_INACTIVE")
        if why := self._why_paused(view, momentum):
            return paused(view, why)
        is_long = momentum > 0
        reasons = [f"MODE_{'LONG' if is_long else 'SHORT'}_MOMENTUM"]
        spacing, levels, size = options.spacing_bps, options.levels, Decimal(options.size)
        if momentum * volume <= 0:
            reasons.insert(0, "THROTTLE_CVD_DIVERGENCE")
            spacing, size = spacing * THROTTLE_SPACING, size * THROTTLE_SIZE
            levels = min(levels, options.throttled_levels)
        return one_sided(
            view, is_long, levels=levels, spacing_bps=spacing, size=size, reasons=reasons
        )

    def _why_paused(self, view: MarketView, momentum: float) -> str:
        options = self._options
        if is_harmful(view):
            return "PAUSE_TOX_HIGH"
        if abs(momentum) < options.momentum_min:
            return "TREND_INACTIVE"
        sign = 1 if momentum > 0 else -1
        flow = view.known("ofi_zscore") or 0.0
        if abs(momentum) > options.momentum_max or flow * sign < -options.ofi_max:
            return "PAUSE_TREND_EXHAUSTED"
        return "PAUSE_WRONG_SIDE" if view.inventory * sign < -options.inventory_max else ""
