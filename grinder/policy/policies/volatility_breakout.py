"""volatility-breakout: a market that has been tight and now opens is gone along with."""

from __future__ import annotations

from decimal import Decimal
from typing import ClassVar

import attrs

from grinder.model.grid import GridPlan
from grinder.model.settings import Config
from grinder.model.units import BPS
from grinder.policy.base import MarketView
from grinder.policy.options import number, read_options
from grinder.policy.plans import Ladder, ladder, one_sided, paused


@attrs.frozen(kw_only=True)
class VolatilityBreakoutOptions:
    """What ``policy.options`` may say."""

    compressed_max: float = number(0.3, -5, 5)
    """Standard deviations of the true range up to which a market is tight."""
    expanded_min: float = number(1.5, -5, 20)
    """From which it has opened."""
    compressed_samples: int = number(300, 1, 100_000)
    """So long at a stretch it has to have been tight."""
    memory_samples: int = number(900, 1, 100_000)
    """So long after the last tight sample an opening still counts."""
    hold_samples: int = number(300, 1, 100_000)
    """So long a breakout lasts, unless the market becomes tight again."""
    imbalance_min: float = number(0.4, 0, 1)
    """Depth imbalance that names the direction."""
    levels: int = number(3, 1, 20)
    neutral_levels: int = number(2, 1, 20)
    """On each side, at half the size, while the book names none."""
    spacing_bps: float = number(20.0, 1, 400)
    size: int = number(100, 1, 1_000)
    """100 is an ordinary level."""


class VolatilityBreakoutPolicy:
    """Take the side of the deeper book when volatility opens after it was tight."""

    name: ClassVar[str] = "volatility-breakout"
    priority: ClassVar[int] = 60
    options: ClassVar[type] = VolatilityBreakoutOptions
    reasons: ClassVar[tuple[str, ...]] = (
        "MODE_VOL_BREAKOUT_LONG",
        "MODE_VOL_BREAKOUT_SHORT",
        "MODE_VOL_NEUTRAL",
        "VOL_COMPRESSED",
        "VOL_BREAKOUT_INACTIVE",
        "WARMUP_INCOMPLETE",
        "SIZE_BELOW_MINIMUM",
    )

    def __init__(self, settings: Config) -> None:
        self._options = read_options(VolatilityBreakoutOptions, self.name, settings)
        self._seen_ns = -1
        self._tight = 0
        """Tight samples in a row."""
        self._armed = 0
        """Samples for which an opening would still count."""
        self._open = 0
        """Samples of the breakout that are left."""
        self._side: int | None = None
        """1 or -1 as the book leaned when it began, 0 if it did not; None while it is unknown."""

    def should_activate(self, view: MarketView) -> bool:
        """Return whether volatility has opened after it was tight for long enough."""
        self._follow(view)
        return self._open > 0

    def evaluate(self, view: MarketView) -> GridPlan:
        """Return the side that the book names, or both; a pause while nothing has opened."""
        options = self._options
        self._follow(view)
        if not self._open:
            if view.known("natr_z") is None:
                return paused(view, "WARMUP_INCOMPLETE", "VOL_BREAKOUT_INACTIVE")
            return paused(view, "VOL_COMPRESSED" if self._armed else "VOL_BREAKOUT_INACTIVE")
        if not self._side:
            return self._both_sides(view, is_known=self._side is not None)
        is_long = self._side > 0
        return one_sided(
            view,
            is_long,
            levels=options.levels,
            spacing_bps=options.spacing_bps,
            size=options.size,
            reasons=(f"MODE_VOL_BREAKOUT_{'LONG' if is_long else 'SHORT'}",),
        )

    def _both_sides(self, view: MarketView, is_known: bool) -> GridPlan:
        options = self._options
        return ladder(
            view,
            Ladder(
                spacing_bps=options.spacing_bps,
                up=options.neutral_levels,
                down=options.neutral_levels,
                size=Decimal(options.size) / 2,
                reasons=("MODE_VOL_NEUTRAL", *(() if is_known else ("WARMUP_INCOMPLETE",))),
            ),
        )

    def _follow(self, view: MarketView) -> None:
        """Take a sample in, once, however often it is asked about."""
        if view.now_ns == self._seen_ns:
            return
        self._seen_ns = view.now_ns
        options, natr_z = self._options, view.known("natr_z")
        self._count(natr_z)
        imbalance = view.known("depth_imbalance_bps")
        if not self._open:
            self._side = None
        elif self._side is None and imbalance is not None:
            is_clear = abs(imbalance) > options.imbalance_min * BPS
            self._side = (1 if imbalance > 0 else -1) if is_clear else 0

    def _count(self, natr_z: float | None) -> None:
        options = self._options
        self._armed = max(0, self._armed - 1)
        self._open = max(0, self._open - 1)
        if natr_z is None:
            self._tight = 0
            return
        self._tight = self._tight + 1 if natr_z <= options.compressed_max else 0
        if self._tight:
            self._open = 0
        if self._tight >= options.compressed_samples:
            self._armed = options.memory_samples + 1
        if self._armed and natr_z >= options.expanded_min:
            self._armed = 0
            self._open = options.hold_samples
