"""Level arithmetic: where the levels of a ladder stand, in integer ticks.

Levels are evenly spaced from the anchor, in ticks or by ratio. A buy is rounded down and a sell up
to the tick, so that rounding never moves a level towards the market; no two levels ever stand on
one tick.
"""

from __future__ import annotations

from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_UP, Decimal

from grinder.model.grid_settings import GridSettings
from grinder.model.instrument import Instrument
from grinder.model.order import Side
from grinder.model.units import BPS

NOWHERE = (1, 0)
"""Bounds that no mid lies within."""
ROOM = Decimal("1.1")
"""A level has to be worth this much more than the venue's minimum: the price will move."""


def step_ticks(anchor_ticks2: int, spacing_bps: float) -> int:
    """Return the distance between levels in ticks, rounded down, at least one tick.

    Args:
        anchor_ticks2: twice the mid price, in ticks (bid plus ask).
        spacing_bps: distance in basis points of the mid.
    """
    return max(1, int(anchor_ticks2 * spacing_bps // (2 * BPS)))


def buy_prices(anchor_ticks2: int, step: int, levels: int) -> tuple[int, ...]:
    """Return buy prices in ticks, best first; level i stands i steps below the mid."""
    return tuple((anchor_ticks2 - 2 * step * level) // 2 for level in range(1, levels + 1))


def sell_prices(anchor_ticks2: int, step: int, levels: int) -> tuple[int, ...]:
    """Return sell prices in ticks, best first; level i stands i steps above the mid."""
    return tuple(-((-anchor_ticks2 - 2 * step * level) // 2) for level in range(1, levels + 1))


def geometric_prices(
    anchor_ticks2: int, spacing_bps: float, levels: int, side: Side
) -> tuple[int, ...]:
    """Return prices in ticks, best first, each ``spacing_bps`` beyond the one before it.

    Where a tick is wider than that, each is one tick beyond the one before.
    """
    ratio = 1 + Decimal(str(spacing_bps)) / BPS
    exact = Decimal(anchor_ticks2) / 2
    found = []
    last = anchor_ticks2 // 2 if side is Side.SELL else -(-anchor_ticks2 // 2)
    for _ in range(levels):
        if side is Side.SELL:
            exact *= ratio
            last = max(last + 1, int(exact.to_integral_value(ROUND_CEILING)))
        else:
            exact /= ratio
            last = min(last - 1, int(exact.to_integral_value(ROUND_FLOOR)))
        found.append(last)
    return tuple(found)


def has_moved(mid_ticks2: int, anchor_ticks2: int, limit_bps: float) -> bool:
    """Return whether the mid is at least ``limit_bps`` away from the anchor."""
    return abs(mid_ticks2 - anchor_ticks2) * BPS >= limit_bps * anchor_ticks2


def unmoved(anchor_ticks2: int, limit_bps: int) -> tuple[int, int]:
    """Return the lowest and the highest mid that has not moved by ``limit_bps``."""
    reach = (limit_bps * anchor_ticks2 - 1) // BPS
    return anchor_ticks2 - reach, anchor_ticks2 + reach


def why_untradable(instrument: Instrument, settings: GridSettings, price: Decimal) -> str:
    """Return why a level of this worth could not be placed, with the worth that could; else "".

    Args:
        instrument: the venue's minima.
        settings: worth of one level.
        price: of now, in quote per base.
    """
    lots = instrument.lots_for_notional(settings.level_notional, instrument.ticks_down(price))
    needed = max(
        instrument.notional_min * ROOM + price * instrument.lot,
        price * instrument.qty(instrument.qty_lots_min),
    )
    is_enough = lots >= instrument.qty_lots_min and (
        price * instrument.qty(lots) >= instrument.notional_min * ROOM
    )
    if is_enough:
        return ""
    least = needed.quantize(Decimal(1), ROUND_UP)
    return (
        f"policy.level_notional: {settings.level_notional} is too little for {instrument.symbol} "
        f"at {price.normalize():f}; at least {least} is needed"
    )
