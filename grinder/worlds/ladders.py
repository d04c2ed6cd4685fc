"""What has to rest of a ladder once nothing goes wrong any more, whatever the settings ask for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from grinder.execution.identity import decode
from grinder.messages.grid import Intent
from grinder.model.legs import twin_of
from grinder.model.order import Side
from grinder.planner.bounds import price_of
from grinder.planner.grid import must_wait
from grinder.planner.initial import LEVEL
from grinder.planner.ladder import has_moved
from grinder.worlds.looks import (
    entries_of,
    held_lots,
    may_turn,
    opposite_of,
    worst_lots,
)

if TYPE_CHECKING:
    from grinder.worlds.world import FaultWorld

Rung = tuple[Side, int]
"""Side, and price in ticks."""


def ladder_of(world: FaultWorld, symbol: str) -> Iterator[str]:
    """Yield what is wrong with the entries of one symbol that may have some."""
    policy = world.process.actor(f"policy.{symbol}")
    if policy is None:
        yield f"ladder: policy.{symbol} is down"
        return
    opposite = opposite_of(world, symbol)
    if opposite and not may_turn(world):
        yield f"ladder: {symbol}: {opposite} could turn the position"
    planner = policy._planner
    shown = {
        identity.level: (one.side, one.price_ticks)
        for one in entries_of(world, symbol)
        if (identity := decode(one.client_order_id)) is not None
    }
    yield from _initial(world, symbol, planner, shown)
    if planner.why_closing() or (planner.shape.why_off and not planner.shape.stands_still):
        if shown:
            yield f"ladder: {symbol}: entries at {sorted(shown)} although none are wanted"
    elif not planner.shape.why_off:
        yield from _rungs(world, symbol, planner, shown)
        yield from _numbers(world, symbol, planner)
        yield from _limits(world, symbol, planner, shown)


def _initial(world: FaultWorld, symbol: str, planner: Any, shown: dict[str, Rung]) -> Iterator[str]:
    """Hold the order of the initial position against what is left of it, and take it out."""
    initial, held = planner.initial, held_lots(world, symbol)
    order = shown.pop(LEVEL, None) if initial is not None else None
    if order is None:
        return
    if order[0] is not initial.side or not initial.goal or abs(held) >= initial.goal:
        yield f"ladder: {symbol}: an order for {initial.goal} lots to begin with, {held} are held"


def _rungs(
    world: FaultWorld, symbol: str, planner: Any, shown: Mapping[str, Rung]
) -> Iterator[str]:
    """Hold what rests, level by level, against what is wanted."""
    whole: dict[str, Intent] = planner._wanted()
    wanted = {level: (one.side, one.price_ticks) for level, one in whole.items()}
    bid, ask = world.market.quotes[world.instruments[symbol].market]
    is_waiting = must_wait(planner, bid + ask)
    due = {
        level: (one.side, one.price_ticks)
        for level, one in whole.items()
        if (one.price_ticks < ask if one.side is Side.BUY else one.price_ticks > bid)
        and (level in shown or (not is_waiting and _has_room(world, symbol, one)))
    }
    if not due.items() <= shown.items() <= wanted.items():
        off = sorted({level for level, _ in due.items() ^ shown.items()})
        yield f"ladder: {symbol}: not as wanted at {off}"


def _numbers(world: FaultWorld, symbol: str, planner: Any) -> Iterator[str]:
    """Hold the number of levels that are wanted against what the settings or the plan say."""
    grid, plan = world.config.policy, planner.shape.followed
    held = held_lots(world, symbol)
    found = dict.fromkeys(Side, 0)
    for one in planner._wanted().values():
        found[one.side] += 1
    most = {
        Side.BUY: grid.levels if plan is None else plan.levels_down,
        Side.SELL: grid.levels if plan is None else plan.levels_up,
    }
    barred = {"long": Side.SELL, "short": Side.BUY}.get(planner.settings.direction)
    if barred is not None:
        most[barred] = 0
    if grid.lines:
        yield from _numbers_of_lines(world, symbol, found, most)
        return
    has_all = not (held or grid.price_lower or grid.price_upper)
    for side, count in most.items():
        if found[side] > count or (found[side] < count and has_all):
            yield f"ladder: {symbol}: {found[side]} levels wanted of {count} on the {side} side"
    if plan is None and (not held or not grid.freeze_in_position):
        bid, ask = world.market.quotes[world.instruments[symbol].market]
        if has_moved(bid + ask, planner.anchor_ticks2, grid.recentre_bps):
            yield f"ladder: {symbol}: far from the market and nothing holds it back"


def _numbers_of_lines(
    world: FaultWorld, symbol: str, found: Mapping[Side, int], most: Mapping[Side, int]
) -> Iterator[str]:
    """Hold the number of lines with orders against the settings: one of them stays empty."""
    grid, planner = world.config.policy, world.process.actor(f"policy.{symbol}")._planner
    total = sum(found.values())
    is_whole = planner.settings.direction == "neutral" and not held_lots(world, symbol)
    is_by_settings = planner.shape.followed is None
    if total > grid.lines - 1 or (is_whole and is_by_settings and total < grid.lines - 1):
        yield f"ladder: {symbol}: {total} orders wanted on {grid.lines} lines"
    for side, count in most.items():
        if found[side] and not count:
            yield f"ladder: {symbol}: {found[side]} levels wanted of none on the {side} side"


def _limits(
    world: FaultWorld, symbol: str, planner: Any, shown: Mapping[str, Rung]
) -> Iterator[str]:
    """Hold what rests against the limits of the grid, unless those follow the market."""
    grid, instrument = world.config.policy, world.instruments[symbol]
    mid = planner.shape._start.mid
    if mid is None or grid.trailing != "off":
        return
    prices = [instrument.price(ticks) for _, ticks in shown.values()]
    low = price_of(grid.price_lower, mid) if grid.price_lower else Decimal(0)
    high = price_of(grid.price_upper, mid) if grid.price_upper else Decimal("Infinity")
    # A line that is no whole tick has its order one tick further out.
    slack = instrument.tick
    beyond = [str(one) for one in prices if not low - slack <= one <= high + slack]
    if beyond:
        yield f"ladder: {symbol}: orders at {beyond}, beyond the limits of the grid"


def _has_room(world: FaultWorld, symbol: str, one: Intent) -> bool:
    """Return whether the caps leave room for an order that does not rest."""
    is_buy = one.side is Side.BUY
    lots = worst_lots(world, symbol, *((one.qty_lots, 0) if is_buy else (0, one.qty_lots)))
    instrument = world.instruments[symbol]
    lots += sum(worst_lots(world, leg) for leg in world.instruments if leg == twin_of(symbol))
    bid, ask = world.market.quotes[instrument.market]
    notional = instrument.notional(max(bid, ask, one.price_ticks), lots)
    risk = world.config.risk
    # Sizes are worked out about the centre; a line further out may be worth more than an order may.
    is_small = instrument.notional(one.price_ticks, one.qty_lots) <= risk.order_notional_max
    return is_small and notional <= risk.position_notional_max
