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
from grinder.worlds.looks import held_lots

if TYPE_CHECKING:
    from grinder.worlds.world import FaultWorld


def kept(world: FaultWorld) -> Iterator[str]:
    """Yield where the books are not what the venue says of the whole life of the account."""
    books = world.books
    if books is None:
        return
    venue = world.exchange.ledger(ACCOUNT)
    fills = books.fills.values()
    pairs = {
        "fills": (len(fills), venue.fills),
        "realised": (sum((one.realized_pnl for one in fills), Decimal(0)), venue.realised),
        "commission": (sum((one.fee for one in fills), Decimal(0)), venue.commission),
        "funding": (
            sum((one.amount for one in books.funding.values()), Decimal(0)),
            venue.funding,
        ),
    }
    for name, (ours, theirs) in pairs.items():
        if ours != theirs:
            yield f"kept: {name} {ours}, the venue {theirs}"
    again: dict[str, RoundTrip] = {}
    for symbol, instrument in world.instruments.items():
        own = sorted((one for one in fills if one.symbol == symbol), key=lambda one: one.trade_id)
        state = _followed(TripState(symbol=symbol), own, again)
        known = books.states.get(symbol, TripState(symbol=symbol))
        held = instrument.qty(held_lots(world, symbol))
        if known.qty != held:
            yield f"kept: {symbol}: {known.qty} on the books, {held} held"
        if known != state:
            yield f"kept: {symbol}: the fills come to {state}, the books have {known}"
    if again != books.trips:
        odd = again.keys() ^ books.trips.keys()
        yield f"kept: {len(odd)} round trips are not those that the fills come to"


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
