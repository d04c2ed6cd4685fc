"""static: the symmetric ladder of fixed spacing, whatever the market does."""

from __future__ import annotations

from typing import ClassVar

from grinder.model.grid import GridPlan, MarketRegime
from grinder.model.settings import Config
from grinder.policy.base import MarketView
from grinder.policy.plans import paused


class StaticPolicy:
    """Quote both sides at policy.spacing_bps, policy.levels deep, always."""

    name: ClassVar[str] = "static"
    priority: ClassVar[int] = 120
    reasons: ClassVar[tuple[str, ...]] = ("REGIME_RANGE", "SIZE_BELOW_MINIMUM")

    def __init__(self, settings: Config) -> None:
        self._settings = settings.policy

    def should_activate(self, view: MarketView) -> bool:
        """Return True: it is the last resort."""
        return True

    def evaluate(self, view: MarketView) -> GridPlan:
        """Return the ladder of the settings around the mid, in whole lots."""
        settings, instrument = self._settings, view.instrument
        spacing, levels = settings.spacing_bps, settings.levels
        lots = 0
        if (ticks := instrument.ticks_down(view.mid)) > 0:
            lots = instrument.lots_for_notional(view.level_notional, ticks)
        if not lots:
            return paused(view, "SIZE_BELOW_MINIMUM", "REGIME_RANGE", spacing_bps=spacing)
        return GridPlan(
            center_price=view.mid,
            spacing_bps=spacing,
            levels_up=levels,
            levels_down=levels,
            size_schedule=(instrument.qty(lots),) * levels,
            regime=MarketRegime.RANGE,
            width_bps=spacing * levels,
            reason_codes=("REGIME_RANGE",),
        )
