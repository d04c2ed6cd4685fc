"""The books: what outlives a run. Between LedgerActor and its port."""

from __future__ import annotations

from decimal import Decimal
from typing import ClassVar

import attrs

from grinder.kernel.message import Lane, Message
from grinder.messages.ledger import DayTotals, RoundTrip
from grinder.model.order import Side
from grinder.model.trip import TripState


@attrs.frozen(kw_only=True)
class RestoreBooks(Message):
    """LedgerActor asks for what was kept, after everything told before has been written.

    An account that is not in the books yet begins at ``started_ns``.
    """

    token: int
    """Comes back in the answer."""
    started_ns: int
    symbols: tuple[str, ...]
    quote_asset: str
    """Fees of which count in the totals of the day."""


@attrs.frozen(kw_only=True)
class SymbolBooks:
    """What was kept of one symbol."""

    state: TripState
    """After the last fill that was kept."""
    trade_ids: tuple[int, ...]
    """The last ones kept, ascending."""
    has_more: bool
    """True when there are older ones."""
    last_ns: int
    """Venue time of the newest fill kept; 0 without any."""


@attrs.frozen(kw_only=True)
class BooksRestored(Message):
    """Answer to RestoreBooks."""

    lane: ClassVar[Lane] = Lane.URGENT

    token: int
    since_ns: int
    """Where the books of the account begin."""
    funding_since_ns: int
    """Venue time of the last payment kept; ``since_ns`` without any."""
    payments: tuple[tuple[str, int], ...]
    """(symbol, transaction id) of the last payments kept."""
    symbols: tuple[SymbolBooks, ...]
    """Only those that the books know."""
    day: DayTotals | None
    """Today, as the rows say; None when nothing was kept of it."""


@attrs.frozen(kw_only=True)
class BookBase(Message):
    """LedgerActor tells where the round trips of a symbol begin, or begin anew."""

    state: TripState


@attrs.frozen(kw_only=True)
class BookFill(Message):
    """LedgerActor tells a fill and what follows from it: kept together or not at all.

    A fill that is kept already changes nothing. Money in quote units, the fee in its own asset.
    """

    symbol: str
    trade_id: int
    order_id: int
    client_order_id: str
    level: str
    side: Side
    price: Decimal
    qty: Decimal
    fee: Decimal
    fee_asset: str
    realized_pnl: Decimal
    """As the venue states it."""
    is_maker: bool
    event_ns: int
    state: TripState
    """After it."""
    trips: tuple[RoundTrip, ...]
    """Those that it completed."""


@attrs.frozen(kw_only=True)
class BookFunding(Message):
    """LedgerActor tells a funding payment; one that is kept already changes nothing."""

    symbol: str
    transaction_id: int
    amount: Decimal
    """Received; negative when paid."""
    event_ns: int


@attrs.frozen(kw_only=True)
class BooksReported(Message):
    """The port tells how it gets on: each second in which it did something, and at every turn."""

    is_written: bool
    """False when the store takes nothing."""
    is_torn: bool
    """True after rows were lost, until what was kept is asked for again."""
    pending: int
    """Rows that wait to be written."""
    written: int
    """Since the start."""
    lost: int
    """Rows refused since the start; LedgerActor reads them from the venue again."""
    conflicts: int
    """Rows that were kept before with other values."""
    detail: str


@attrs.frozen(kw_only=True)
class BooksDoubted(Message):
    """LedgerActor can't reconcile what was kept with what the venue says, or can't keep it."""

    symbol: str
    """Empty when it is about all of them."""
    detail: str
