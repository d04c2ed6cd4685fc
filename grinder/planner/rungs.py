"""From the numbers of a ladder to the orders that it wants: only what the venue would take.

A rung is an entry that should rest. Its name is that of the order that already stands there, if one
does; so a ladder that moves by whole steps, or changes a little, leaves most of its orders alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import attrs

from grinder.messages.grid import Intent, IntentAction
from grinder.model.grid import GridMode, GridPlan
from grinder.model.instrument import Instrument
from grinder.model.order import Side
from grinder.planner.holdings import Holding, Holdings
from grinder.planner.ladder import buy_prices, geometric_prices, sell_prices, step_ticks

LEVELS_MAX = 99
"""A level is named by a letter and at most two digits."""
BUY_LEVELS = tuple(f"b{number}" for number in range(LEVELS_MAX + 1))
SELL_LEVELS = tuple(f"s{number}" for number in range(LEVELS_MAX + 1))


@attrs.frozen(kw_only=True)
class Geometry:
    """Where levels stand, however many there are."""

    anchor_ticks2: int
    """Twice the price around which they stand, in ticks."""
    spacing_bps: float
    is_geometric: bool = False

    @property
    def step(self) -> int:
        """The distance of the first level from the anchor, in ticks; at least 1."""
        return step_ticks(self.anchor_ticks2, self.spacing_bps)

    def prices(self, side: Side, levels: int) -> tuple[int, ...]:
        """Return the prices of one side in ticks, best first."""
        if self.is_geometric:
            return geometric_prices(self.anchor_ticks2, self.spacing_bps, levels, side)
        of_side = buy_prices if side is Side.BUY else sell_prices
        return of_side(self.anchor_ticks2, self.step, levels)


@attrs.frozen(kw_only=True)
class Place:
    """Where one rung should stand, and how big it should be."""

    price_ticks: int
    qty_lots: int


def rungs_of(side: Side, prices: Sequence[int], lots: int) -> tuple[Intent, ...]:
    """Return equal rungs, best first, named by their number."""
    names = BUY_LEVELS if side is Side.BUY else SELL_LEVELS
    return tuple(
        _rung(side, names[number], Place(price_ticks=price, qty_lots=lots))
        for number, price in enumerate(prices, 1)
    )


def places_of(
    plan: GridPlan, geometry: Geometry, side: Side, instrument: Instrument
) -> list[Place]:
    """Return what ``plan`` wants on one side, best first, on the places of ``geometry``."""
    if plan.mode is (GridMode.UNI_SHORT if side is Side.BUY else GridMode.UNI_LONG):
        return []
    wanted = plan.levels_down if side is Side.BUY else plan.levels_up
    prices = geometry.prices(side, min(wanted, LEVELS_MAX))
    return [
        Place(price_ticks=price, qty_lots=instrument.lots_down(plan.size(level)))
        for level, price in enumerate(prices, 1)
    ]


def placeable(
    places: Iterable[Place], side: Side, instrument: Instrument, mid_ticks2: int
) -> list[Place]:
    """Return those that the venue's filters let stand, at most half as many as may be open."""
    found = [one for one in places if _fits(one, side, instrument, mid_ticks2)]
    return found[: instrument.orders_max // 2]


def _fits(place: Place, side: Side, instrument: Instrument, mid_ticks2: int) -> bool:
    ticks, lots = place.price_ticks, place.qty_lots
    low, high = instrument.price_ticks_min, instrument.price_ticks_max
    # The band hangs on the mark price, which is near the mid.
    upper = int(mid_ticks2 * instrument.multiplier_up / 2)
    lower = -int(-mid_ticks2 * instrument.multiplier_down / 2)
    if side is Side.BUY or instrument.is_banded:
        high = min(high, upper)
    if side is Side.SELL or instrument.is_banded:
        low = max(low, lower)
    return (
        low <= ticks <= high
        and instrument.qty_lots_min <= lots <= instrument.qty_lots_max
        and instrument.notional(ticks, lots) >= instrument.notional_min
    )


@attrs.frozen(kw_only=True)
class Tolerance:
    """How far an order may be from where it should be before it has to go."""

    ticks: int = 0
    qty_pct: float = 0.0
    keeps_size: bool = False
    """True when an order of any size may stay."""


def settle(
    places: Sequence[Place], side: Side, holdings: Holdings, tolerance: Tolerance
) -> tuple[Intent, ...]:
    """Return rungs for ``places``, each with the name, price and size of an order that fits.

    Places stand further apart than twice the tolerance, so an order fits one of them at most. A
    rung that no order fits has the name of its number, or the lowest one that is free.
    """
    names = BUY_LEVELS if side is Side.BUY else SELL_LEVELS
    matched = _matched(places, side, holdings, tolerance.ticks)
    taken = {one.level for one in matched.values()}
    free = [name for name in names[1:] if name not in taken]
    rungs = []
    for number, place in enumerate(places, 1):
        order = matched.get(number)
        if order is not None:
            rungs.append(_rung(side, order.level, _as_rests(place, order, tolerance)))
            continue
        name = names[number] if names[number] in free else free[0]
        free.remove(name)
        rungs.append(_rung(side, name, place))
    return tuple(rungs)


def _matched(
    places: Sequence[Place], side: Side, holdings: Holdings, reach: int
) -> dict[int, Holding]:
    orders = sorted(
        (
            one
            for one in holdings.by_id.values()
            if one.side is side
            and not one.reduce_only
            and not one.is_condemned
            and one.level[:1] == ("b" if side is Side.BUY else "s")
            and holdings.by_level.get(one.level) == one.client_order_id
        ),
        key=lambda one: one.price_ticks,
        reverse=side is Side.BUY,
    )
    found: dict[int, Holding] = {}
    for number, place in enumerate(places, 1):
        near = [one for one in orders if abs(one.price_ticks - place.price_ticks) <= reach]
        if near:
            best = min(near, key=lambda one: abs(one.price_ticks - place.price_ticks))
            found[number] = best
            orders.remove(best)
    return found


def _as_rests(place: Place, order: Holding, tolerance: Tolerance) -> Place:
    off = abs(order.qty_lots - place.qty_lots) * 100
    is_near = tolerance.keeps_size or off <= tolerance.qty_pct * place.qty_lots
    lots = order.qty_lots if is_near else place.qty_lots
    return Place(price_ticks=order.price_ticks, qty_lots=lots)


def _rung(side: Side, level: str, place: Place) -> Intent:
    return Intent(
        action=IntentAction.PLACE,
        level=level,
        side=side,
        price_ticks=place.price_ticks,
        qty_lots=place.qty_lots,
        reason="GRID_FILL",
    )
