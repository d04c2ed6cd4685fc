"""What must be true once nothing goes wrong any more and the market stands still."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from grinder.actors.world import ACCOUNT
from grinder.execution.identity import decode
from grinder.model.order import Side
from grinder.worlds.invariants import Watch
from grinder.worlds.kept import kept
from grinder.worlds.ladders import ladder_of
from grinder.worlds.looks import entries_of, held_lots, is_covered, orders_of, pending_lots

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
    yield from _latched(world, watch)
    if watch.is_killed:
        if any(entries_of(world, symbol) for symbol in world.instruments):
            yield "ladder: entries rest although the kill switch has tripped"
    elif watch.banned_ns:
        yield f"ladder: {sorted(watch.banned_ns)} are still banned"
    elif watch.state != "ACTIVE":
        yield f"ladder: the lifecycle is {watch.state}"
    else:
        for symbol in world.instruments:
            is_selected = world.instruments[symbol].market in watch.selected
            is_barred = world.config.selection.enabled and not is_selected
            if not is_barred:
                yield from ladder_of(world, symbol)
            elif entries_of(world, symbol):
                yield f"ladder: {symbol}: entries rest although it is not selected"


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
        one.client_order_id: (symbol, one.side, one.price_ticks, one.filled_lots)
        for symbol in world.instruments
        for one in orders_of(world, symbol)
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
            for one in orders_of(world, symbol)
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
        # Funding of hedge mode is booked by market, where nothing is held.
        held = held_lots(world, symbol) if symbol in world.instruments else 0
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
            for one in orders_of(world, symbol)
            if one.reduce_only
        )
        if lots > abs(held):
            yield f"cover: {symbol}: exits of {lots} lots for {held} held"


def _latched(world: FaultWorld, watch: Watch) -> Iterator[str]:
    """Hold what is kept of latches, over however many processes, against what they do."""
    kept = world.latches.facts
    if bool(kept.get("risk", {}).get("kill_switch")) is not watch.is_killed:
        yield f"ladder: the kill switch is kept as {kept.get('risk')}, killed: {watch.is_killed}"
    for symbol in world.instruments:
        policy = world.process.actor(f"policy.{symbol}")
        bounds = None if policy is None else policy._planner.bounds
        stopped = kept.get(f"policy.{symbol}", {}).get("stopped", "")
        if bounds is not None and bounds.stopped != stopped:
            yield f"ladder: {symbol}: {stopped} is kept of its stops, {bounds.stopped} is so"
        if stopped and entries_of(world, symbol):
            yield f"ladder: {symbol}: entries rest although {stopped} has ended the grid"
