"""Streams that carry every symbol at once."""

from __future__ import annotations

import asyncio

from grinder.venues.sim import frames, klines
from grinder.venues.sim.venue import Venue

STEP_S = 1.0
MARK_STEPS = 3
BOOK_STEPS = 5


class AllMarket:
    """Publishes the all-market streams, each at the venue's pace; renders for listeners only."""

    def __init__(self, venue: Venue) -> None:
        self._venue = venue
        self._steps = 0
        self._book_ids: dict[str, int] = {}

    async def work(self) -> None:
        """Publish for ever."""
        while True:
            await asyncio.sleep(STEP_S)
            self.step(self._venue.clock.now_ms())

    def step(self, now_ms: int) -> None:
        """Publish what is due in this second."""
        self._steps += 1
        publisher, books = self._venue.publisher, self._venue.books.values()
        for name in ("!markPrice@arr@1s", "!markPrice@arr"):
            is_due = name.endswith("@1s") or self._steps % MARK_STEPS == 0
            if is_due and publisher.has_listeners(name):
                marks = [book.mark for book in books if book.mark is not None]
                publisher.publish(name, [frames.mark_price(mark, now_ms) for mark in marks])
        if publisher.has_listeners("!ticker@arr"):
            publisher.publish("!ticker@arr", [klines.ticker(book, now_ms) for book in books])
        if publisher.has_listeners("!miniTicker@arr"):
            publisher.publish(
                "!miniTicker@arr", [klines.mini_ticker(book, now_ms) for book in books]
            )
        if self._steps % BOOK_STEPS == 0 and publisher.has_listeners("!bookTicker"):
            for symbol, book in self._venue.books.items():
                if book.quote is not None and self._book_ids.get(symbol) != book.update_id:
                    self._book_ids[symbol] = book.update_id
                    frame = frames.book_ticker(book, book.quote, book.update_id, now_ms)
                    publisher.publish("!bookTicker", frame)
