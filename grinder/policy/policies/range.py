"""range: both sides of a quiet market, leaning against what is held."""

from __future__ import annotations

from decimal import Decimal
from typing import ClassVar

import attrs

from grinder.model.grid import GridMode, GridPlan, ToxicityLevel
from grinder.model.settings import Config
from grinder.policy.base import MarketView
from grinder.policy.options import number, read_options
from grinder.policy.plans import (
    THROTTLE_SIZE,
    THROTTLE_SPACING,
    Ladder,
    inventory_skew_bps,
    ladder,
    paused,
)

TIGHTER = 0.8
"""Spacing where the spread is narrow, as a share of the ordinary one."""


@attrs.frozen(kw_only=True)
class RangeOptions:
    """What ``policy.options`` may say."""

    spacing_bps: float = number(10.0, 1, 150)
    levels: int = number(5, 1, 30)
    size: int = number(100, 1, 1_000)
    """100 is an ordinary level."""
    spread_narrow_bps: float = number(3.0, 0, 100)
    """Below it levels stand closer."""
    spread_wide_bps: float = number(8.0, 0, 1_000)
    """From it on quoting is wider, smaller and thinner ..."""
    spread_calm_bps: float = number(6.0, 0, 1_000)
    """... until it is below this."""
    skew_bps_max: float = number(10.0, 0, 100)
    """The centre moves against what is held by so much at the cap."""
    inventory_heavy: float = number(0.5, 0, 1)
    """Share of the cap beyond which the side that adds to it is thinner, the other deeper."""


class RangePolicy:
    """Quote both sides of a quiet market; wider, smaller and thinner where it costs."""

    name: ClassVar[str] = "range"
    priority: ClassVar[int] = 100
    options: ClassVar[type] = RangeOptions
    reasons: ClassVar[tuple[str, ...]] = (
        "MODE_RANGE_LOW_TOX",
        "THROTTLE_TOX_MID",
        "THROTTLE_SPREAD_WIDE",
        "PAUSE_TOX_HIGH",
        "INVENTORY_SKEW",
        "WARMUP_INCOMPLETE",
        "SIZE_BELOW_MINIMUM",
    )

    def __init__(self, settings: Config) -> None:
        self._options = read_options(RangeOptions, self.name, settings)
        self._is_wide = False

    def should_activate(self, view: MarketView) -> bool:
        """Return True: without a better idea every market is a range."""
        return True

    def evaluate(self, view: MarketView) -> GridPlan:
        """Return the ladder for spread, toxicity and inventory; a pause in harmful flow."""
        options, spread = self._options, view.known("spread_bps")
        if view.toxicity.is_harmful:
            return paused(view, "PAUSE_TOX_HIGH")
        spacing, levels, size = options.spacing_bps, options.levels, Decimal(options.size)
        reasons = self._throttles(view, spread)
        is_throttled = bool(reasons)
        if spread is None:
            reasons.append("WARMUP_INCOMPLETE")
        elif spread < options.spread_narrow_bps:
            spacing *= TIGHTER
        if is_throttled:
            spacing, size = spacing * THROTTLE_SPACING, size * THROTTLE_SIZE
            levels = max(1, levels // 2)
        else:
            reasons.append("MODE_RANGE_LOW_TOX")
        skew = inventory_skew_bps(view, options.skew_bps_max)
        up, down = self._sides(view, levels)
        if skew:
            reasons.append("INVENTORY_SKEW")
        return ladder(
            view,
            Ladder(
                mode=GridMode.THROTTLE if is_throttled else GridMode.BILATERAL,
                spacing_bps=spacing,
                up=up,
                down=down,
                size=size,
                skew_bps=skew,
                reasons=reasons,
            ),
        )

    def _throttles(self, view: MarketView, spread: float | None) -> list[str]:
        reasons = []
        if view.toxicity is ToxicityLevel.MID:
            reasons.append("THROTTLE_TOX_MID")
        options = self._options
        if spread is not None:
            is_calm = spread < min(options.spread_calm_bps, options.spread_wide_bps)
            self._is_wide = spread >= options.spread_wide_bps or (self._is_wide and not is_calm)
            if self._is_wide:
                reasons.append("THROTTLE_SPREAD_WIDE")
        return reasons

    def _sides(self, view: MarketView, levels: int) -> tuple[int, int]:
        """Return sells and buys: fewer on the side that would add to a heavy position."""
        if abs(view.inventory) <= self._options.inventory_heavy:
            return levels, levels
        adding, reducing = max(1, levels - 2), levels + 1
        return (reducing, adding) if view.inventory > 0 else (adding, reducing)
