"""Public streams of one symbol: turn market events into frames for those who listen.

Nothing is rendered for a stream without a listener, and a frame is rendered once for all.
"""

from __future__ import annotations

from collections.abc import Callable

import attrs

from grinder.simulation.market import DepthDiff, Mark, Quote, Trade
from grinder.venues.sim import frames
from grinder.venues.sim.book import Numbered, PublicBook
from grinder.venues.sim.klines import CandleStreams, Publisher, is_over
from grinder.venues.sim.tape import Printed

AGGREGATION_MS = 100
DIFF_STREAMS = {"@depth": 250, "@depth@100ms": 100, "@depth@250ms": 250, "@depth@500ms": 500}
PARTIAL_LEVELS = (5, 10, 20)
PARTIAL_SPEEDS = {"": 250, "@100ms": 100, "@250ms": 250, "@500ms": 500}
MARK_SLOW_MS = 3000


@attrs.define(kw_only=True)
class _DiffStream:
    """Levels changed since the last frame of one aggregated diff stream."""

    name: str
    every_ms: int
    last_sent_id: int
    sent_ms: int = 0
    bids: set[int] = attrs.field(factory=set)
    asks: set[int] = attrs.field(factory=set)


@attrs.define(kw_only=True)
class _Aggregate:
    """Trades of one aggressor at one price, not sent yet."""

    event: Trade
    first: int
    last: int
    traded_ms: int
    is_heard: bool
    """Whether anybody listened when it began; who came later does not hear of it."""

    def takes(self, trade: Trade, now_ms: int) -> bool:
        """Return whether ``trade`` goes on where this one stands."""
        return (
            self.event.price_ticks == trade.price_ticks
            and self.event.buyer_is_maker == trade.buyer_is_maker
            and now_ms - self.traded_ms < AGGREGATION_MS
        )


class Channels:
    """The public streams of one symbol."""

    def __init__(self, book: PublicBook, publisher: Publisher, depth_ms: int = 250) -> None:
        self._book = book
        self._publisher = publisher
        self._prefix = book.instrument.symbol.lower()
        self._diffs = [
            _DiffStream(name=self._prefix + suffix, every_ms=every, last_sent_id=book.depth_id)
            for suffix, every in (DIFF_STREAMS | {"@depth": depth_ms}).items()
        ]
        self._partials = [
            (f"{self._prefix}@depth{levels}{suffix}", levels, every)
            for levels in PARTIAL_LEVELS
            for suffix, every in PARTIAL_SPEEDS.items()
        ]
        self._partial_sent: dict[str, tuple[int, int]] = {}
        self._candles = CandleStreams(book, publisher)
        self._aggregate: _Aggregate | None = None
        self._agg_id = book.trade_id
        self._mark_slow_ms = 0

    def quoted(self, quote: Quote, update_id: int, now_ms: int) -> None:
        """Tell listeners of a new quote."""
        self._send("@bookTicker", lambda: frames.book_ticker(self._book, quote, update_id, now_ms))

    def traded(self, trade: Trade, trade_id: int, now_ms: int) -> None:
        """Tell listeners of a trade; aggregated trades wait for their window."""
        self._book.tape.take(trade, trade_id, now_ms)
        self._send("@trade", lambda: frames.trade(self._book, trade, trade_id, now_ms))
        pending = self._aggregate
        is_heard = self._publisher.has_listeners(f"{self._prefix}@aggTrade")
        if pending is not None and pending.takes(trade, now_ms) and pending.is_heard == is_heard:
            lots = pending.event.lots + trade.lots
            pending.event = attrs.evolve(pending.event, lots=lots)
            pending.last = trade_id
            return
        self._flush_aggregate(now_ms)
        self._aggregate = _Aggregate(
            event=trade, first=trade_id, last=trade_id, traded_ms=now_ms, is_heard=is_heard
        )

    def changed(self, diff: DepthDiff, ids: Numbered, now_ms: int) -> None:
        """Tell real-time listeners of changed levels; remember them for the slower streams."""
        self._send(
            "@depth@0ms", lambda: frames.depth(self._book, ids, diff.bids, diff.asks, now_ms)
        )
        for stream in self._diffs:
            if self._publisher.has_listeners(stream.name):
                stream.bids.update(price for price, _ in diff.bids)
                stream.asks.update(price for price, _ in diff.asks)
            else:
                # The chain of a stream that nobody hears begins at the book as it is.
                stream.bids.clear()
                stream.asks.clear()
                stream.last_sent_id = ids.last

    def marked(self, mark: Mark, now_ms: int) -> None:
        """Tell listeners of the mark price; the stream without a speed hears every third second."""
        self._send("@markPrice@1s", lambda: frames.mark_price(mark, now_ms))
        if is_over(now_ms, self._mark_slow_ms, MARK_SLOW_MS):
            self._mark_slow_ms = now_ms
            self._send("@markPrice", lambda: frames.mark_price(mark, now_ms))

    def tick(self, now_ms: int) -> None:
        """Send what has waited long enough; called every 50 ms."""
        pending = self._aggregate
        if pending and is_over(now_ms, pending.traded_ms, AGGREGATION_MS):
            self._flush_aggregate(now_ms)
        for stream in self._diffs:
            if is_over(now_ms, stream.sent_ms, stream.every_ms) and (stream.bids or stream.asks):
                stream.sent_ms = now_ms
                self._flush_diff(stream, now_ms)
        self._candles.tick(now_ms)
        for name, levels, every in self._partials:
            if self._publisher.has_listeners(name):
                self._send_partial(name, levels, every, now_ms)

    def _send(self, suffix: str, render: Callable[[], frames.Frame]) -> None:
        stream = self._prefix + suffix
        if self._publisher.has_listeners(stream):
            self._publisher.publish(stream, render())

    def _flush_aggregate(self, now_ms: int) -> None:
        pending, self._aggregate = self._aggregate, None
        if pending is None:
            return
        self._agg_id += 1
        number, event, times = self._agg_id, pending.event, (pending.traded_ms, now_ms)
        self._book.tape.aggregates.append(
            Printed(
                number=number,
                first=pending.first,
                last=pending.last,
                at_ms=pending.traded_ms,
                price_ticks=event.price_ticks,
                lots=event.lots,
                buyer_is_maker=event.buyer_is_maker,
            )
        )
        if pending.is_heard:
            frame = frames.agg_trade(
                self._book,
                event,
                agg_id=number,
                first=pending.first,
                last=pending.last,
                times=times,
            )
            self._publisher.publish(f"{self._prefix}@aggTrade", frame)

    def _flush_diff(self, stream: _DiffStream, now_ms: int) -> None:
        book = self._book
        ids = Numbered(
            first=stream.last_sent_id + 1, last=book.depth_id, previous=stream.last_sent_id
        )
        bids = [(price, book.bids.get(price, 0)) for price in sorted(stream.bids, reverse=True)]
        asks = [(price, book.asks.get(price, 0)) for price in sorted(stream.asks)]
        stream.bids.clear()
        stream.asks.clear()
        stream.last_sent_id = book.depth_id
        if self._publisher.has_listeners(stream.name):
            self._publisher.publish(stream.name, frames.depth(book, ids, bids, asks, now_ms))

    def _send_partial(self, name: str, levels: int, every_ms: int, now_ms: int) -> None:
        book = self._book
        sent_id, sent_ms = self._partial_sent.get(name, (0, 0))
        if book.depth_id == sent_id or not is_over(now_ms, sent_ms, every_ms):
            return
        self._partial_sent[name] = (book.depth_id, now_ms)
        previous = sent_id or book.depth_id - 1
        ids = Numbered(first=previous + 1, last=book.depth_id, previous=previous)
        frame = frames.depth(book, ids, book.best_bids(levels), book.best_asks(levels), now_ms)
        self._publisher.publish(name, frame)
