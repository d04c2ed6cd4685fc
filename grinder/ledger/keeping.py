"""Which fills have been kept, in which order, and what round trips they make.

What is kept of a symbol is the state after the last fill that is kept. So a fill is taken only once
the state before it is known: after a start that is when the store has answered and the venue's
trades since then were read. Until then, what is heard waits.
"""

from __future__ import annotations

from collections import deque
from decimal import Decimal

import attrs

from grinder.ledger.trips import TripFill, traded
from grinder.messages.books import BookBase, BookFill, BooksDoubted, SymbolBooks
from grinder.messages.ledger import RoundTrip, RoundTripCompleted
from grinder.messages.orders import OrderFilled
from grinder.model.instrument import Instrument
from grinder.model.trades import TradeLog
from grinder.model.trip import TripState

WAITING_MAX = 10_000
"""Fills that may wait; beyond, they are forgotten and read from the venue again."""
UNDO_MAX = 64
"""How many fills back a late one may be put in its place."""

Outcome = BookBase | BookFill | BooksDoubted | RoundTripCompleted


class SymbolKeeper:
    """The round trips of one symbol."""

    def __init__(self, instrument: Instrument, source: str) -> None:
        self._instrument = instrument
        self._source = source
        self.state: TripState | None = None
        """None while it is not known what was held before the first fill."""
        self.is_reading = False
        """True while trades of the past are being read: what is heard has to wait."""
        self.is_short = False
        """True when fills that waited were forgotten."""
        self.is_foreign = False
        """True once the books turned out to be those of another account; nothing is kept then."""
        self._off: tuple[Decimal, TripState, int] | None = None
        # What the venue holds more than is known here, at which state, and since when in ns.
        self._log = TradeLog()
        self._kept_id = self._kept_ns = 0
        # Highest trade id that was kept in a former life, and the newest venue time.
        self._settled_ns = 0
        self._waiting: dict[int, OrderFilled] = {}
        self._undo: deque[tuple[OrderFilled, TripState]] = deque(maxlen=UNDO_MAX)
        # The fills since the last round trip, each with the state before it.

    @property
    def last_id(self) -> int:
        """Highest trade id taken; 0 when there is none."""
        return self._log.last_id

    def restore(self, books: SymbolBooks) -> None:
        """Go on from what was kept."""
        ids = books.trade_ids
        self._log = TradeLog(floor=ids[0] - 1 if books.has_more and ids else 0)
        for one in ids:
            self._log.add(one)
        self._kept_id, self._kept_ns = self._log.last_id, books.last_ns
        self._settled_ns = 0
        self._undo.clear()
        self.state = books.state

    def forget(self) -> None:
        """Let everything that is heard wait until the books have been restored."""
        self.state = None
        self.is_reading = True
        self._log = TradeLog()
        self._undo.clear()

    def hear(self, fill: OrderFilled) -> list[Outcome]:
        """Take a fill, or let it wait."""
        if self.is_foreign:
            return []
        if fill.trade_id <= self._kept_id and fill.event_ns > self._kept_ns:
            return self._doubt(fill)
        if self._log.knows(fill.trade_id):
            return []
        if self.state is not None and not self.is_reading:
            return self._take(fill)
        if len(self._waiting) >= WAITING_MAX:
            self._waiting.clear()
            self.is_short = True
        self._waiting.setdefault(fill.trade_id, fill)
        return []

    def hear_past(self, fill: OrderFilled) -> list[Outcome]:
        """Take a trade that the venue lists; these come in order."""
        can_wait = self.state is None or fill.trade_id <= self._kept_id
        if can_wait or self.is_foreign or self._log.knows(fill.trade_id):
            return self.hear(fill)
        self._waiting.pop(fill.trade_id, None)
        return self._take(fill)

    def past_read(self) -> list[Outcome]:
        """Take what has waited: every trade of the past was listed."""
        self.is_reading = False
        return [] if self.state is None else self._drain()

    def base(self, position_lots: int, settled_ns: int) -> list[Outcome]:
        """Begin with what the venue says is held; fills up to ``settled_ns`` are in it."""
        waiting = sum(one.side.sign * one.qty_lots for one in self._waiting.values())
        self.state = self._untracked(position_lots - waiting)
        found: list[Outcome] = [BookBase(state=self.state)]
        if not self.is_reading:
            found += self._drain()
        self._settled_ns = settled_ns
        return found

    def off_by(self, position_lots: int) -> Decimal:
        """Return what the venue holds more than is known here; 0 while that can't be said."""
        if self.state is None or self.is_reading or self.is_foreign:
            return Decimal(0)
        return self._instrument.qty(position_lots) - self.state.qty

    @property
    def is_off(self) -> bool:
        """Return whether the venue held something else when it was last asked."""
        return self._off is not None

    def off_for_ns(self, position_lots: int, now_ns: int) -> int:
        """Return for how long the same has been off, with no fill in between; -1 if nothing is.

        A position may be stated before a fill that it holds is told, and a fill before the
        position: with each one it begins anew.
        """
        off, state = self.off_by(position_lots), self.state
        if not off or state is None:
            self._off = None
            return -1
        if self._off is None or self._off[:2] != (off, state):
            self._off = (off, state, now_ns)
        return now_ns - self._off[2]

    def rebase(self, position_lots: int, settled_ns: int = 0) -> list[Outcome]:
        """Let go of what is open: the venue holds something else, and no fill tells why.

        Fills up to ``settled_ns`` are in that position, whenever they are told.
        """
        had = Decimal(0) if self.state is None else self.state.qty
        self.state = self._untracked(position_lots)
        self._off = None
        self._undo.clear()
        self._settled_ns = max(self._settled_ns, settled_ns)
        text = f"{had} on the books, {self.state.qty} at the venue: what was open ends in no trip"
        doubted = BooksDoubted(symbol=self._instrument.symbol, detail=text)
        return [doubted, BookBase(state=self.state)]

    def _untracked(self, lots: int) -> TripState:
        return TripState(
            symbol=self._instrument.symbol, untracked_qty=self._instrument.qty(1) * lots
        )

    def _doubt(self, fill: OrderFilled) -> list[Outcome]:
        """Keep nothing more: numbers of trades rise with time, at one venue and one account."""
        self.is_foreign = True
        self._waiting.clear()
        text = (
            f"trade {fill.trade_id} is younger than {self._kept_id}, which is in the books: "
            "they are another account's (books.account)"
        )
        return [BooksDoubted(symbol=fill.symbol, detail=text)]

    def _drain(self) -> list[Outcome]:
        waiting, self._waiting = self._waiting, {}
        found: list[Outcome] = []
        for trade_id in sorted(waiting):
            if not self._log.knows(trade_id):
                found += self._take(waiting[trade_id])
        return found

    def _take(self, fill: OrderFilled) -> list[Outcome]:
        """Put a fill in its place and follow what comes of it."""
        self._log.add(fill.trade_id)
        assert self.state is not None
        trips: list[RoundTrip] = []
        if fill.event_ns > self._settled_ns:
            later = [fill]
            while self._undo and self._undo[-1][0].trade_id > fill.trade_id:
                moved, self.state = self._undo.pop()
                later.append(moved)
            later[1:] = reversed(later[1:])
            for one in later:
                trips += self._follow(one)
        said = (RoundTripCompleted(**attrs.asdict(one)) for one in trips)
        return [self._row(fill, tuple(trips)), *said]

    def _follow(self, fill: OrderFilled) -> list[RoundTrip]:
        before = self.state
        assert before is not None
        self.state, trip = traded(before, self._plain(fill), self._source)
        if trip is None:
            self._undo.append((fill, before))
            return []
        self._undo.clear()
        return [trip]

    def _plain(self, fill: OrderFilled) -> TripFill:
        instrument = self._instrument
        return TripFill(
            sign=fill.side.sign,
            price=instrument.price(fill.price_ticks),
            qty=instrument.qty(fill.qty_lots),
            fee=fill.fee if fill.fee_asset == instrument.quote_asset else Decimal(0),
            event_ns=fill.event_ns,
        )

    def _row(self, fill: OrderFilled, trips: tuple[RoundTrip, ...]) -> BookFill:
        assert self.state is not None
        return BookFill(
            symbol=fill.symbol,
            trade_id=fill.trade_id,
            order_id=fill.order_id,
            client_order_id=fill.client_order_id,
            level=fill.level,
            side=fill.side,
            price=self._instrument.price(fill.price_ticks),
            qty=self._instrument.qty(fill.qty_lots),
            fee=fill.fee,
            fee_asset=fill.fee_asset,
            realized_pnl=fill.realized_pnl,
            is_maker=fill.is_maker,
            event_ns=fill.event_ns,
            state=self.state,
            trips=trips,
        )
