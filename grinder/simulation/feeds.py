"""What comes in from outside the participants: market data and the passing of time."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from grinder.model.order import Side
from grinder.simulation.book import Book, HalfBook
from grinder.simulation.deadlines import Due
from grinder.simulation.external import FAR
from grinder.simulation.liquidation import Liquidating
from grinder.simulation.matching import cross, print_trade
from grinder.simulation.reports import Event


class Feeds(Liquidating):
    """The half of the exchange that hears the market and the clock.

    Lots are whole and not negative. Market data for an unknown symbol raises KeyError.
    """

    @property
    def events(self) -> list[Event]:
        """Events that wait to be drained, oldest first."""
        return self._clearing.events

    def drain(self) -> list[Event]:
        """Return the waiting events, oldest first, and forget them."""
        events = self._clearing.events
        if events:
            self._clearing.events = []
            return events
        return []

    def next_deadline_ms(self) -> int | None:
        """Return when ``advance`` has something to do next; None when nothing waits."""
        return self._deadlines.next_ms if len(self._deadlines) else None

    def quote(  # noqa: PLR0917 - the hottest call, positional on purpose
        self,
        symbol: str,
        bid_ticks: int,
        bid_lots: int,
        ask_ticks: int,
        ask_lots: int,
        now_ms: int,
    ) -> None:
        """Hear the external best bid and ask; 0 lots mean that the side is empty."""
        if self._deadlines.next_ms <= now_ms:
            self.advance(now_ms)
        book = self._books[symbol]
        bids, asks = book.bids, book.asks
        bid_key = -bid_ticks if bid_lots else FAR
        ask_key = ask_ticks if ask_lots else FAR
        external = bids.external
        if external.is_plain:
            external.touch = bid_key
            external.touch_lots = bid_lots
        else:
            external.state_touch(bid_key, bid_lots)
        external = asks.external
        if external.is_plain:
            external.touch = ask_key
            external.touch_lots = ask_lots
        else:
            external.state_touch(ask_key, ask_lots)
        # The whole cost of a quote that touches nobody: two comparisons per side.
        best = bids.wake
        if best <= bid_key or best <= -ask_key:
            self._meet_touch(book, Side.BUY, now_ms)
        best = asks.wake
        if best <= ask_key or best <= -bid_key:
            self._meet_touch(book, Side.SELL, now_ms)

    def depth(
        self,
        symbol: str,
        bids: Iterable[tuple[int, int]],
        asks: Iterable[tuple[int, int]],
        now_ms: int,
    ) -> None:
        """Hear changed external levels as (ticks, lots displayed now); 0 lots remove a level."""
        self._catch_up(now_ms)
        book = self._books[symbol]
        for ticks, lots in bids:
            book.bids.restate_level(-ticks, lots)
        for ticks, lots in asks:
            book.asks.restate_level(ticks, lots)
        cross(self._clearing, book, Side.BUY, now_ms)
        cross(self._clearing, book, Side.SELL, now_ms)
        if book.watches:
            book.heed_quote()
            self._look(book, now_ms)

    def next_trade_id(self, symbol: str) -> int:
        """Return a new trade id of the symbol, for an external trade that will be told next."""
        return self._books[symbol].next_trade_id()

    def trade(
        self,
        symbol: str,
        price_ticks: int,
        lots: int,
        buyer_is_maker: bool,
        now_ms: int,
        *,
        trade_id: int = 0,
    ) -> None:
        """Hear an external trade; ``buyer_is_maker`` says that a seller took from the bids.

        The first order that it fills bears its ``trade_id``, taken from ``next_trade_id``.
        """
        if self._deadlines.next_ms <= now_ms:
            self.advance(now_ms)
        book = self._books[symbol]
        half: HalfBook = book.bids if buyer_is_maker else book.asks
        key = price_ticks * half.direction
        if half.best <= key:
            print_trade(
                self._clearing, book, half, key, lots=lots, trade_id=trade_id, now_ms=now_ms
            )
        book.last_ticks = price_ticks
        if book.watches:
            self._look(book, now_ms)

    def mark(  # noqa: PLR0917 - called beside quote, in the same manner
        self,
        symbol: str,
        mark_price: Decimal,
        index_price: Decimal | None,
        funding_rate: Decimal,
        next_funding_ms: int,
        now_ms: int,
    ) -> None:
        """Hear mark price, index price, the current funding rate and when it is due (0: never).

        Funding that is due by ``now_ms`` is charged first, at the mark and rate known until then.
        A funding time that was charged already is not charged again.
        """
        self._catch_up(now_ms)
        book = self._books[symbol]
        book.set_mark(mark_price, index_price)
        book.funding_rate = funding_rate
        self._set_funding(symbol, book, next_funding_ms)
        self._liquidate(book, now_ms)
        self._look(book, now_ms)

    def _set_funding(self, symbol: str, book: Book, next_funding_ms: int) -> None:
        if next_funding_ms == book.next_funding_ms or 0 < next_funding_ms <= book.funded_ms:
            return
        if book.next_funding_ms:
            self._deadlines.discard((book.next_funding_ms, Due.FUNDING, 0, "", symbol))
        book.next_funding_ms = next_funding_ms
        if next_funding_ms:
            self._deadlines.add((next_funding_ms, Due.FUNDING, 0, "", symbol))

    def _meet_touch(self, book: Book, side: Side, now_ms: int) -> None:
        half = book.half(side)
        half.restate_touch(half.external.touch, half.external.touch_lots)
        cross(self._clearing, book, side, now_ms)
        if book.watches:
            # The other side comes first, so that what a trigger places meets a settled book.
            other = book.half(side.opposite)
            other.restate_touch(other.external.touch, other.external.touch_lots)
            cross(self._clearing, book, side.opposite, now_ms)
            book.heed_quote()
            self._look(book, now_ms)
