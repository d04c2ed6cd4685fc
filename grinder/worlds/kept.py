"""What must be true of the books once a world has come to rest, however often the process died."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from math import inf
from typing import TYPE_CHECKING

import attrs

from grinder.actors.world import ACCOUNT
from grinder.books.store import MemoryStore
from grinder.ledger.trips import TripFill, traded
from grinder.messages.books import BookFill, BooksRestored, RestoreBooks
from grinder.messages.ledger import RoundTrip
from grinder.model.trip import TripState
from grinder.model.units import NS_PER_MS
from grinder.worlds.looks import held_lots

if TYPE_CHECKING:
    from grinder.worlds.world import FaultWorld


def kept(world: FaultWorld) -> Iterator[str]:
    """Yield where the books are not what the venue says of the whole life of the account."""
    books = world.books
    if books is not None:
        yield from _sums(world, books)
        yield from _trips(world, books)


def _sums(world: FaultWorld, books: WorldStore) -> Iterator[str]:
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


class WorldStore(MemoryStore):
    """Keeps besides after how many fills somebody has taken up the books."""

    def __init__(self) -> None:
        super().__init__()
        self.taken_up: set[int] = set()

    def restore(self, request: RestoreBooks, now_ns: int) -> BooksRestored:
        """Return what was kept."""
        self.taken_up.add(len(self.fills))
        return super().restore(request, now_ns)


@attrs.frozen
class _Odd:
    """A round trip, or what is open, that only the books have, or only the fills come to."""

    first_ts: float
    last_ts: float
    net: Decimal
    """Its profit; negated where the books have it."""


def _trips(world: FaultWorld, books: WorldStore) -> Iterator[str]:
    for symbol, instrument in world.instruments.items():
        told = [one for one in books.fills.values() if one.symbol == symbol]
        again: dict[str, RoundTrip] = {}
        state = _followed(
            TripState(symbol=symbol), sorted(told, key=lambda one: one.trade_id), again
        )
        known = books.states.get(symbol, TripState(symbol=symbol))
        held = instrument.qty(held_lots(world, symbol))
        if not known.qty == state.qty == held:
            yield f"kept: {symbol}: {known.qty} on the books, {state.qty} filled, {held} held"
        ours = {key: one for key, one in books.trips.items() if one.symbol == symbol}
        odd = [*_odd(again, ours, 1), *_odd(ours, again, -1)]
        if known != state:
            odd += [_open(known), _open(state)]
        lates = _lates(books, symbol)
        for group in _touching(odd):
            if not _is_of_late_fills(group, lates):
                yield f"kept: {symbol}: the fills do not come to {[str(one) for one in group]}"


def _odd(trips: dict[str, RoundTrip], others: dict[str, RoundTrip], sign: int) -> Iterator[_Odd]:
    for key, one in trips.items():
        if others.get(key) != one:
            yield _Odd(one.entry_ts, one.exit_ts, one.net_pnl * sign)


def _open(state: TripState) -> _Odd:
    # What is of no known entry is nobody's fault, and no late fill's.
    entry_ts = inf if state.open is None else state.open.entry_ns // NS_PER_MS
    return _Odd(entry_ts, inf, Decimal(0))


def _lates(books: WorldStore, symbol: str) -> list[int]:
    """Return the times in ms of fills that were told too late to be put in their place.

    That is after a later one, if a round trip was completed or the books were taken up since.
    """
    found = []
    last_id = settled_id = 0
    for number, one in enumerate(books.fills.values()):
        if number in books.taken_up:
            settled_id = last_id
        if one.symbol != symbol:
            continue
        if one.trade_id < settled_id:
            found.append(one.event_ns // NS_PER_MS)
        last_id = max(last_id, one.trade_id)
        if one.trips:
            # One that came late completes a trip with all that was told before it.
            settled_id = last_id
    return found


def _touching(odd: list[_Odd]) -> list[list[_Odd]]:
    """Return them in groups that have a moment in common, one with the next."""
    groups: list[list[_Odd]] = []
    until_ts: float = -1
    for one in sorted(odd, key=lambda one: (one.first_ts, one.last_ts)):
        if one.first_ts > until_ts:
            groups.append([])
        groups[-1].append(one)
        until_ts = max(until_ts, one.last_ts)
    return groups


def _is_of_late_fills(group: list[_Odd], lates: list[int]) -> bool:
    """Return whether a fill told too late is why; the profit of what is complete is the same."""
    last_ts = max(one.last_ts for one in group)
    is_even = last_ts == inf or sum(one.net for one in group) == 0
    return is_even and any(group[0].first_ts <= one <= last_ts for one in lates)


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
