"""Playing market sources into the venue, in (scaled) real time."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from random import Random

import attrs

from grinder.simulation.generator import GeneratorConfig, generated
from grinder.simulation.market import DepthDiff, MarketEvent, Quote, shifted
from grinder.simulation.recording import looped
from grinder.venues.sim import catalog
from grinder.venues.sim.venue import Venue

LAG_MAX_MS = 5000
"""Market time that a player may be late before it gives up catching up and shifts its start."""
BURST_MAX = 50
"""Events played without letting the doors of the venue work."""
PRIME_MAX = 10_000
"""Events looked at for the first quote."""
TICK_S = 0.05


class Player:
    """Play one symbol's source; it may be paused, and moved to another price."""

    def __init__(self, venue: Venue, symbol: str) -> None:
        self._venue = venue
        self.symbol = symbol
        self._source = source(venue, symbol)
        self._shift_ticks = 0
        self._at_ms = 0.0
        self._running = asyncio.Event()
        if not venue.config.paused:
            self._running.set()

    @property
    def is_paused(self) -> bool:
        """Whether the symbol's market stands still."""
        return not self._running.is_set()

    def prime(self) -> None:
        """Play up to the first quote, so that there is a market before anybody asks."""
        for _ in range(PRIME_MAX):
            event = next(self._source)
            self._at_ms = event.at_ms
            self._venue.apply(event)
            if isinstance(event, Quote):
                break
        self._venue.mark(self.symbol)

    def pause(self) -> None:
        """Stop the market of this symbol."""
        self._running.clear()

    def resume(self) -> None:
        """Let the market of this symbol go on, from the price where it stands."""
        self._running.set()

    def move_to(self, bid_ticks: int) -> None:
        """Move the whole market so that the best bid stands at ``bid_ticks``; the rest follows."""
        book = self._venue.books[self.symbol]
        if book.quote is None:
            return
        delta = bid_ticks - book.quote.bid_ticks
        self._shift_ticks += delta
        self._venue.apply(_moved_book(book.bids, book.asks, delta, self.symbol))
        moved = shifted(book.quote, delta)
        self._venue.apply(moved)
        self._venue.mark(self.symbol)

    def state(self, quote: Quote) -> None:
        """Put ``quote`` in place of the market's own; the next event of the source replaces it."""
        self._venue.apply(self._venue.books[self.symbol].cleared_to(quote))
        self._venue.apply(quote)
        self._venue.mark(self.symbol)

    async def play(self) -> None:
        """Play for ever."""
        clock = self._venue.clock
        base_ms = clock.market_ms() - self._at_ms
        burst = 0
        for event in self._source:
            if self.is_paused:
                await self._running.wait()
                base_ms = clock.market_ms() - self._at_ms
            wait_ms = base_ms + event.at_ms - clock.market_ms()
            if wait_ms > 0:
                burst = 0
                await asyncio.sleep(wait_ms / 1000 / clock.speed)
                if self.is_paused:
                    await self._running.wait()
                    base_ms = clock.market_ms() - event.at_ms
            elif -wait_ms > LAG_MAX_MS:
                base_ms -= wait_ms
            burst += 1
            if burst >= BURST_MAX:
                burst = 0
                await asyncio.sleep(0)
            self._at_ms = event.at_ms
            self._venue.apply(shifted(event, self._shift_ticks))


def source(venue: Venue, symbol: str) -> Iterator[MarketEvent]:
    """Return the endless source of a symbol: its recording, else the generator."""
    recording = venue.recordings.get(symbol)
    if recording is not None:
        return looped(recording)
    instrument = venue.instruments[symbol]
    config = GeneratorConfig(instrument=instrument, start_ticks=catalog.start_ticks(instrument))
    return generated(config, chance(venue.config.seed, symbol))


def chance(seed: int, name: str) -> Random:
    """Return the chance of one purpose: equal seeds and names draw alike."""
    return Random(f"{seed}:{name}")


async def mark_regularly(venue: Venue) -> None:
    """State every mark price at the venue's interval, for ever."""
    while True:
        await asyncio.sleep(venue.config.mark_interval_s)
        for symbol in venue.books:
            venue.mark(symbol)


async def tick_regularly(venue: Venue) -> None:
    """Let the venue look at its clock 20 times a second, for ever."""
    while True:
        await asyncio.sleep(TICK_S)
        venue.tick()


def _moved_book(bids: dict[int, int], asks: dict[int, int], delta: int, symbol: str) -> DepthDiff:
    whole = DepthDiff(at_ms=0, symbol=symbol, bids=tuple(bids.items()), asks=tuple(asks.items()))
    moved = shifted(whole, delta)
    assert isinstance(moved, DepthDiff)
    return attrs.evolve(
        moved,
        bids=_gone(bids, moved.bids) + moved.bids,
        asks=_gone(asks, moved.asks) + moved.asks,
    )


def _gone(side: dict[int, int], wanted: tuple[tuple[int, int], ...]) -> tuple[tuple[int, int], ...]:
    kept = {price for price, _ in wanted}
    return tuple((price, 0) for price in side if price not in kept)
