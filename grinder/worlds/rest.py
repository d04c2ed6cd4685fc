"""What must be true once nothing goes wrong any more and the market stands still."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from grinder.actors.world import ACCOUNT
from grinder.execution.identity import decode
from grinder.messages.grid import Intent
from grinder.model.order import Side
from grinder.policy.ladder import has_moved
from grinder.worlds.invariants import Watch
from grinder.worlds.kept import kept
from grinder.worlds.looks import (
    entries_of,
    held_lots,
    is_covered,
    opposite_of,
    pending_lots,
    worst_lots,
)

if TYPE_CHECKING:
    from grinder.worlds.world import FaultWorld

SETTLED: Final = ("picture", "owners", "books", "cover", "ladder")


def at_rest(world: FaultWorld, watch: Watch) -> Iterator[str]:
    """Yield what is not as it has to be once nothing goes wrong any more; empty means converged."""
    yield from _picture(world)
    yield from _owners(world)
    yield from _books(world, watch)
    yield from kept(world)
    yield from _cover(world)
    yield from _surplus(world)
    if watch.is_killed:
        if any(entries_of(world, symbol) for symbol in world.instruments):
            yield "ladder: entries rest although the kill switch has tripped"
    elif watch.state != "ACTIVE":
        yield f"ladder: the lifecycle is {watch.state}"
    else:
        yield from _ladder(world)


def _picture(world: FaultWorld) -> Iterator[str]:
    exchange = world.process.actor("exchange")
    risk = world.process.actor("risk")
    if exchange is None or risk is None:
        yield "picture: an actor is down"
        return
    believed = {
        one.client_order_id: (one.symbol, one.side, one.price_ticks, one.filled_lots)
        for one in exchange._desk.book.live()
    }
    shown = {
        one.client_order_id: (one.symbol, one.side, one.price_ticks, one.filled_lots)
        for one in world.exchange.open_orders(ACCOUNT)
        if decode(one.client_order_id) is not None
    }
    if believed != shown:
        missing = sorted(shown.keys() - believed.keys())
        ghosts = sorted(believed.keys() - shown.keys())
        yield f"picture: unknown to us {missing}, gone at the venue {ghosts}"
    for symbol in world.instruments:
        policy = world.process.actor(f"policy.{symbol}")
        held = held_lots(world, symbol)
        ours = risk._facts.exposure.of(symbol)
        lots = None if policy is None else policy._planner.position_lots
        if (lots, ours.position_lots) != (held, held):
            yield f"picture: {symbol}: {lots} and {ours.position_lots} lots believed, {held} held"
        pending = pending_lots(world, symbol)
        if (ours.buy_lots, ours.sell_lots) != (pending[Side.BUY], pending[Side.SELL]):
            yield (
                f"picture: {symbol}: pending {ours.buy_lots} and {ours.sell_lots} believed, "
                f"{pending[Side.BUY]} and {pending[Side.SELL]} at the venue"
            )


def _owners(world: FaultWorld) -> Iterator[str]:
    for symbol in world.instruments:
        policy = world.process.actor(f"policy.{symbol}")
        if policy is None:
            yield f"owners: policy.{symbol} is down"
            continue
        owned = set(policy._planner.holdings.by_id)
        resting = {
            one.client_order_id
            for one in world.exchange.open_orders(ACCOUNT, symbol)
            if decode(one.client_order_id) is not None
        }
        if owned != resting:
            yield f"owners: {symbol}: {sorted(resting ^ owned)} on one side only"
        levels = Counter(
            identity.level for name in resting if (identity := decode(name)) is not None
        )
        doubles = [level for level, count in levels.items() if count > 1]
        if doubles:
            yield f"owners: {symbol}: more than one order at {sorted(doubles)}"


def _books(world: FaultWorld, watch: Watch) -> Iterator[str]:
    venue = world.exchange.ledger(ACCOUNT)
    start = world.process.books_at_start
    theirs = {
        "realised": venue.realised - start.realised,
        "commission": venue.commission - start.commission,
        "funding": venue.funding - start.funding,
        "fills": venue.fills - start.fills,
    }
    ledgers = watch.ledgers.values()
    ours = {
        "realised": sum((one.realized_pnl for one in ledgers), Decimal(0)),
        "commission": sum((one.fees for one in ledgers), Decimal(0)),
        "funding": sum((one.funding for one in ledgers), Decimal(0)),
        "fills": sum(one.fills for one in ledgers),
    }
    for name, value in theirs.items():
        if ours[name] != value:
            yield f"books: {name} {ours[name]}, the venue {value}"
    for symbol, one in watch.ledgers.items():
        held = held_lots(world, symbol)
        if one.position_lots != held:
            yield f"books: {symbol}: {one.position_lots} lots on the books, {held} held"


def _cover(world: FaultWorld) -> Iterator[str]:
    for symbol in world.instruments:
        if not is_covered(world, symbol):
            yield f"cover: {symbol}: {held_lots(world, symbol)} lots without an exit"


def _surplus(world: FaultWorld) -> Iterator[str]:
    for symbol in world.instruments:
        held = held_lots(world, symbol)
        side = Side.SELL if held > 0 else Side.BUY
        lots = sum(
            one.qty_lots - one.filled_lots if one.side is side else one.qty_lots
            for one in world.exchange.open_orders(ACCOUNT, symbol)
            if one.reduce_only
        )
        if lots > abs(held):
            yield f"cover: {symbol}: exits of {lots} lots for {held} held"


def _ladder(world: FaultWorld) -> Iterator[str]:
    for symbol in world.instruments:
        policy = world.process.actor(f"policy.{symbol}")
        if policy is None:
            yield f"ladder: policy.{symbol} is down"
            continue
        opposite = opposite_of(world, symbol)
        if opposite:
            yield f"ladder: {symbol}: {opposite} could turn the position"
        yield from _rungs(world, symbol, policy._planner)
        if policy._planner.shape.followed is None and not held_lots(world, symbol):
            bid, ask = world.market.quotes[symbol]
            limit_bps = world.config.policy.recentre_bps
            if has_moved(bid + ask, policy._planner.anchor_ticks2, limit_bps):
                yield f"ladder: {symbol}: far from the market and nothing holds it back"


def _rungs(world: FaultWorld, symbol: str, planner: Any) -> Iterator[str]:
    """Hold what rests, level by level, against what is wanted."""
    shown = {
        identity.level: (one.side, one.price_ticks)
        for one in entries_of(world, symbol)
        if (identity := decode(one.client_order_id)) is not None
    }
    shape = planner.shape
    if planner.why_closing() or (shape.why_off() and not shape.stands_still):
        if shown:
            yield f"ladder: {symbol}: entries at {sorted(shown)} although none are wanted"
        return
    if shape.why_off():
        return
    whole = planner._wanted()
    wanted = {level: (one.side, one.price_ticks) for level, one in whole.items()}
    bid, ask = world.market.quotes[symbol]
    due = {
        level: (one.side, one.price_ticks)
        for level, one in whole.items()
        if (one.price_ticks < ask if one.side is Side.BUY else one.price_ticks > bid)
        and (level in shown or _has_room(world, symbol, one))
    }
    if not due.items() <= shown.items() <= wanted.items():
        off = sorted({level for level, _ in due.items() ^ shown.items()})
        yield f"ladder: {symbol}: not as wanted at {off}"
    plan, levels = shape.followed, world.config.policy.levels
    most = {
        Side.BUY: levels if plan is None else plan.levels_down,
        Side.SELL: levels if plan is None else plan.levels_up,
    }
    for side, count in most.items():
        found = sum(1 for one in whole.values() if one.side is side)
        if found > count or (found < count and not held_lots(world, symbol)):
            yield f"ladder: {symbol}: {found} levels wanted of {count} on the {side} side"


def _has_room(world: FaultWorld, symbol: str, one: Intent) -> bool:
    """Return whether the cap leaves room for an order that does not rest."""
    pending = pending_lots(world, symbol)
    held = held_lots(world, symbol)
    signed = held + pending[Side.BUY] if one.side is Side.BUY else held - pending[Side.SELL]
    bid, ask = world.market.quotes[symbol]
    lots = max(worst_lots(world, symbol), abs(signed) + one.qty_lots)
    notional = world.instruments[symbol].notional(max(bid, ask, one.price_ticks), lots)
    return notional <= world.config.risk.position_notional_max
