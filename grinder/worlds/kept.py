"""What must be true of the books once a world has come to rest, however often the process died."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import TYPE_CHECKING

from grinder.actors.world import ACCOUNT
from grinder.ledger.trips import TripFill, traded
from grinder.messages.books import BookFill
from grinder.messages.ledger import RoundTrip
from grinder.model.trip import TripState
from grinder.model.units import NS_PER_MS
from grinder.worlds.looks import held_lots

if TYPE_CHECKING:
    from grinder.books.store import MemoryStore
    from grinder.worlds.world import FaultWorld


def kept(world: FaultWorld) -> Iterator[str]:
    """Yield where the books are not what the venue says of the whole life of the account."""
    books = world.books
    if books is not None:
        yield from _sums(world, books)
        yield from _trips(world, books)


def _sums(world: FaultWorld, books: MemoryStore) -> Iterator[str]:
    venue = world.exchange.ledger(ACCOUNT)
    fills = books.fills.values()
    paid = (one.amount for one in books.funding.values())
    pairs = {
        "fills": (len(fills), venue.fills),
        "realised": (sum((one.realized_pnl for one in fills), Decimal(0)), venue.realised),
        "commission": (sum((one.fee for one in fills), Decimal(0)), venue.commission),
        "funding": (sum(paid, Decimal(0)), venue.funding),
    }
    for name, (ours, theirs) in pairs.items():
        if ours != theirs:
            yield f"kept: {name} {ours}, the venue {theirs}"


def _trips(world: FaultWorld, books: MemoryStore) -> Iterator[str]:
    again: dict[str, RoundTrip] = {}
    for symbol, instrument in world.instruments.items():
        own = [one for one in books.fills.values() if one.symbol == symbol]
        own.sort(key=lambda one: one.trade_id)
        state = _followed(TripState(symbol=symbol), own, again)
        known = books.states.get(symbol, TripState(symbol=symbol))
        held = instrument.qty(held_lots(world, symbol))
        if known.qty != held:
            yield f"kept: {symbol}: {known.qty} on the books, {held} held"
        if known != state:
            yield f"kept: {symbol}: the fills come to {state}, the books have {known}"
    for symbol in world.instruments:
        odd = _odd(symbol, again, books.trips)
        lates = _lates([one for one in books.fills.values() if one.symbol == symbol])
        for group in _touching(odd):
            if not _is_of_late_fills(group, again, lates):
                yield f"kept: {len(group)} round trips are not those that the fills come to"


def _odd(symbol: str, again: dict[str, RoundTrip], kept: dict[str, RoundTrip]) -> list[RoundTrip]:
    """Return the trips of one symbol that only one of both has."""
    both = (*again.values(), *kept.values())
    return [
        one
        for one in both
        if one.symbol == symbol and again.get(one.row_id) != kept.get(one.row_id)
    ]


def _lates(kept: list[BookFill]) -> list[int]:
    """Return the times in ms of fills told after a later one that completed a round trip.

    ``kept`` are fills in the order in which they were kept.
    """
    found, last_id = [], 0
    for one in kept:
        if one.trade_id < last_id:
            found.append(one.event_ns // NS_PER_MS)
        if one.trips:
            last_id = max(last_id, one.trade_id)
    return found


def _touching(trips: list[RoundTrip]) -> list[list[RoundTrip]]:
    """Return the trips in groups that have a moment in common, one with the next."""
    groups: list[list[RoundTrip]] = []
    until_ts = -1
    for one in sorted(trips, key=lambda trip: (trip.entry_ts, trip.exit_ts)):
        if one.entry_ts > until_ts:
            groups.append([])
        groups[-1].append(one)
        until_ts = max(until_ts, one.exit_ts)
    return groups


def _is_of_late_fills(
    group: list[RoundTrip], again: dict[str, RoundTrip], lates: list[int]
) -> bool:
    """Return whether a fill told too late is why trips differ; their profit is the same then."""
    nets = [Decimal(0), Decimal(0)]
    for one in group:
        nets[again.get(one.row_id) == one] += one.net_pnl
    first_ts, last_ts = group[0].entry_ts, max(one.exit_ts for one in group)
    return nets[0] == nets[1] and any(first_ts <= one <= last_ts for one in lates)


def _followed(state: TripState, fills: list[BookFill], done: dict[str, RoundTrip]) -> TripState:
    for one in fills:
        fill = TripFill(
            sign=one.side.sign,
            price=one.price,
            qty=one.qty,
            fee=one.fee if one.fee_asset == "USDT" else Decimal(0),
            event_ns=one.event_ns,
        )
        state, trip = traded(state, fill, "paper")
        if trip is not None:
            done[trip.row_id] = trip
    return state
