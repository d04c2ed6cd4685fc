"""How a policy words its answer: a pause, or a ladder that the venue would take."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import ROUND_CEILING, Decimal

import attrs

from grinder.model.grid import GridMode, GridPlan, ResetAction
from grinder.planner.ladder import ROOM
from grinder.policy.base import MarketView

LEVELS_MAX = 99
"""A level is named by a letter and at most two digits."""
DEPTH_BPS_MAX = 9_000
"""No level stands further below the centre, so every price is above 0."""
PAUSE_SPACING_BPS = 5.0
"""A plan has to name a spacing, even one without levels."""
THROTTLE_SPACING = 1.5
THROTTLE_SIZE = Decimal("0.5")
"""What throttling does to a spacing and to a size."""
FULL = 100
"""Sizes of the library are relative: so much is one ordinary level."""


def paused(
    view: MarketView,
    *reasons: str,
    spacing_bps: float = PAUSE_SPACING_BPS,
    reset: ResetAction = ResetAction.SOFT,
) -> GridPlan:
    """Return the plan that wants no entries.

    What rests is taken off, because it fits nothing that is wanted; with ``NONE`` it stays, and
    nothing new is placed.
    """
    return GridPlan(
        mode=GridMode.PAUSE,
        center_price=view.mid,
        spacing_bps=spacing_bps,
        levels_up=0,
        levels_down=0,
        regime=view.regime,
        reset_action=reset,
        reason_codes=reasons,
    )


@attrs.frozen(kw_only=True)
class Ladder:
    """What the policies of the library have to say about a ladder."""

    mode: GridMode = GridMode.BILATERAL
    spacing_bps: float
    up: int = 0
    """Sells."""
    down: int = 0
    """Buys."""
    size: Decimal | int = FULL
    """Of each level; 100 is one ordinary level."""
    skew_bps: float = 0.0
    reasons: Sequence[str]


def ladder(view: MarketView, wish: Ladder) -> GridPlan:
    """Return the plan for a ladder of equal levels; a pause if they are too small to place."""
    up = fitting(wish.up, wish.spacing_bps)
    down = fitting(wish.down, wish.spacing_bps)
    size = placeable(view, view.qty(Decimal(wish.size) / FULL))
    if size <= 0 or not up + down:
        return paused(view, "SIZE_BELOW_MINIMUM", *wish.reasons, spacing_bps=wish.spacing_bps)
    return GridPlan(
        mode=wish.mode,
        center_price=view.mid,
        spacing_bps=wish.spacing_bps,
        levels_up=up,
        levels_down=down,
        size_schedule=(size,) * max(up, down),
        skew_bps=wish.skew_bps,
        regime=view.regime,
        width_bps=wish.spacing_bps * (up + down) / 2,
        reason_codes=tuple(wish.reasons),
    )


def one_sided(
    view: MarketView,
    is_long: bool,
    *,
    levels: int,
    spacing_bps: float,
    size: Decimal | int,
    skew_bps: float = 0.0,
    reasons: Sequence[str],
) -> GridPlan:
    """Return the plan for buys alone, or sells alone; the skew moves them away from the market."""
    return ladder(
        view,
        Ladder(
            mode=GridMode.UNI_LONG if is_long else GridMode.UNI_SHORT,
            spacing_bps=spacing_bps,
            up=0 if is_long else levels,
            down=levels if is_long else 0,
            size=size,
            skew_bps=-skew_bps if is_long else skew_bps,
            reasons=reasons,
        ),
    )


def fitting(levels: int, spacing_bps: float) -> int:
    """Return how many of ``levels`` can be named and keep every price above 0; at least 0."""
    return max(0, min(levels, LEVELS_MAX, int(DEPTH_BPS_MAX / spacing_bps)))


def least_qty(view: MarketView) -> Decimal:
    """Return the smallest quantity that the venue takes around the mid, with room for a move."""
    instrument = view.instrument
    lots = (instrument.notional_min * ROOM / view.mid / instrument.lot).to_integral_value(
        ROUND_CEILING
    )
    return instrument.qty(max(int(lots), instrument.qty_lots_min))


def placeable(view: MarketView, qty: Decimal) -> Decimal:
    """Return ``qty``, or the venue's least where that is more; 0 where not even a level fits.

    A level is made larger only while an ordinary one would do: what the operator set is too
    little for the venue is not made good.
    """
    least = least_qty(view)
    if qty >= least:
        return qty
    return least if view.qty() >= least else Decimal(0)


def inventory_skew_bps(view: MarketView, most_bps: float) -> float:
    """Return the move of the centre against what is held, up to ``most_bps`` at the cap.

    The first-order term of the reservation price of Avellaneda and Stoikov (2008), Quantitative
    Finance 8(3): linear in what is held.
    """
    return max(-most_bps, min(most_bps, -view.inventory * most_bps)) + 0.0
