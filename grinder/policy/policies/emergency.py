"""emergency: losses have reached their limit, so everything that is held has to go."""

from __future__ import annotations

from decimal import Decimal
from typing import ClassVar

import attrs

from grinder.model.grid import GridMode, GridPlan, ResetAction
from grinder.model.settings import Config
from grinder.policy.base import MarketView
from grinder.policy.options import number, read_options
from grinder.policy.plans import paused


@attrs.frozen(kw_only=True)
class EmergencyOptions:
    """What ``policy.options`` may say."""

    levels: int = number(5, 1, 20)
    """Exits, on the side that reduces."""
    spacing_bps: float = number(5.0, 1, 100)
    share: float = number(2.0, 1, 10)
    """All exits together are this many times what is held, so that the first ones reached
    suffice; reduce-only orders can't turn a position."""
    skew_bps: float = number(10.0, 0, 100)
    """The exits begin so much closer to the market, or beyond it."""


class EmergencyPolicy:
    """Offer what is held, close to the market, once losses reach risk.drawdown_limit."""

    name: ClassVar[str] = "emergency"
    priority: ClassVar[int] = 0
    options: ClassVar[type] = EmergencyOptions
    reasons: ClassVar[tuple[str, ...]] = (
        "EMERGENCY_EXIT_LONG",
        "EMERGENCY_EXIT_SHORT",
        "EMERGENCY_FLAT",
        "KILL_SWITCH",
        "DD_LIMIT_SESSION",
        "DD_LIMIT_DAILY",
    )

    def __init__(self, settings: Config) -> None:
        self._options = read_options(EmergencyOptions, self.name, settings)

    def should_activate(self, view: MarketView) -> bool:
        """Return whether the run's or the day's loss has reached its limit, or all is killed."""
        return bool(_causes(view))

    def evaluate(self, view: MarketView) -> GridPlan:
        """Return the exits; a pause when there is nothing to get rid of."""
        options, causes = self._options, _causes(view)
        qty = abs(view.position_qty) * Decimal(repr(options.share)) / options.levels
        if not qty:
            return paused(view, "EMERGENCY_FLAT", *causes, reset=ResetAction.HARD)
        is_long = view.position_qty > 0
        return GridPlan(
            mode=GridMode.EMERGENCY,
            center_price=view.mid,
            spacing_bps=options.spacing_bps,
            levels_up=options.levels if is_long else 0,
            levels_down=0 if is_long else options.levels,
            size_schedule=(qty,) * options.levels,
            skew_bps=-options.skew_bps if is_long else options.skew_bps,
            regime=view.regime,
            width_bps=options.spacing_bps * options.levels / 2,
            reset_action=ResetAction.HARD,
            reason_codes=(f"EMERGENCY_EXIT_{'LONG' if is_long else 'SHORT'}", *causes),
        )


def _causes(view: MarketView) -> tuple[str, ...]:
    limit = view.drawdown_limit
    causes = {
        "KILL_SWITCH": view.is_killed,
        "DD_LIMIT_SESSION": view.session_drawdown >= limit,
        "DD_LIMIT_DAILY": view.daily_drawdown >= limit,
    }
    return tuple(name for name, holds in causes.items() if holds)
