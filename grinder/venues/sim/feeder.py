"""Playing market sources into the venue, in (scaled) real time."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from random import Random

import attrs

from grinder.simulation.generator import GeneratorConfig, Regime, generated, halted, regimes
from grinder.simulation.market import DepthDiff, MarketEvent, Quote, shifted
from grinder.simulation.recording import Timing, looped, together
from grinder.simulation.track import Track
from grinder.venues.sim import catalog
from grinder.venues.sim.clock import VenueClock
from grinder.venues.sim.venue import Venue

LAG_MAX_MS = 5000
"""Market time that a player may be late before it gives up catching up and shifts its start."""
BURST_MAX = 50
"""Events played without letting the doors of the venue work."""
PRIME_MAX = 10_000
"""Events looked at for the first quote."""
TICK_S = 0.05


class Timeline:
    """The clock of one or more recordings: what belongs together stays together.

    Who is late beyond hope moves the whole clock, so nobody runs ahead of the others.
    """

    def __init__(self, clock: VenueClock) -> None:
        self._clock = clock
        self._base_ms: float | None = None

    def wait_ms(self, at_ms: float) -> float:
        """Return the market time left until ``at_ms``; it is negative when that has passed.

        Time 0 is when this was first asked.
        """
        now_ms = self._clock.market_ms()
        if self._base_ms is None:
            self._base_ms = now_ms
        wait_ms = self._base_ms + at_ms - now_ms
        if wait_ms < -LAG_MAX_MS:
            self._base_ms -= wait_ms
        return wait_ms


class Player:
    """Play one symbol's source; it may be paused, moved to another price, or replaced a while."""

    def __init__(
        self, venue: Venue, symbol: str, timeline: Timeline, events: Iterator[MarketEvent]
    ) -> None:
        self._venue = venue
        self.symbol = symbol
        self._timeline = timeline
        self._track = Track(events)
        self._shift_ticks = 0
        self._orders = 0
        self._behind_ms = 0.0
        self._paused_ms = 0.0
        self._running = asyncio.Event()
        if not venue.config.paused:
            self._running.set()

    @property
    def is_paused(self) -> bool:
        """Whether the symbol's market stands still."""
        return not self._running.is_set()

    @property
    def kind(self) -> str:
        """What is played: the regime that was ordered, or where the market comes from."""
        recording = self._venue.recordings.get(self.symbol)
        return self._track.interlude or (recording.kind if recording else "generated")

    def prime(self) -> None:
        """Play up to the first quote, so that there is a market before anybody asks."""
        for _ in range(PRIME_MAX):
            event = next(self._track)
            self._venue.apply(event)
            if isinstance(event, Quote):
                break
        self._venue.mark(self.symbol)

    def pause(self) -> None:
        """Stop the market of this symbol."""
        if not self.is_paused:
            self._paused_ms = self._venue.clock.market_ms()
            self._running.clear()

    def resume(self) -> None:
        """Let the market of this symbol go on, from the price where it stands."""
        if self.is_paused:
            self._behind_ms += self._venue.clock.market_ms() - self._paused_ms
            self._running.set()

    def move_to(self, bid_ticks: int) -> None:
        """Move the whole market so that the best bid stands at ``bid_ticks``; the rest follows."""
        book = self._venue.books[self.symbol]
        if book.quote is None:
            return
        delta = bid_ticks - book.quote.bid_ticks
        self._shift_ticks += delta
        self._track.move(delta)
        self._venue.apply(_moved_book(book.bids, book.asks, delta, self.symbol))
        moved = shifted(book.quote, delta)
        self._venue.apply(moved)
        self._venue.mark(self.symbol)

    def state(self, quote: Quote) -> None:
        """Put ``quote`` in place of the market's own; the next event of the source replaces it."""
        self._venue.apply(self._venue.books[self.symbol].cleared_to(quote))
        self._venue.apply(quote)
        self._venue.mark(self.symbol)

    def order(self, regime: Regime, duration_ms: int | None) -> None:
        """Play ``regime`` from the next event on, for so much market time, or until ended.

        The same orders of the same seed give the same markets, but for where they begin.
        """
        self._orders += 1
        instrument = self._venue.instruments[self.symbol]
        random = chance(self._venue.config.seed, f"{self.symbol}:{regime}:{self._orders}")

        def begin(start_ticks: int) -> Iterator[MarketEvent]:
            if regime is Regime.HALT:
                return halted(instrument.symbol)
            inside = min(max(start_ticks, instrument.price_ticks_min), instrument.price_ticks_max)
            config = GeneratorConfig(instrument=instrument, start_ticks=inside, regimes=(regime,))
            return generated(config, random)

        self._track.order(regime.value, begin, duration_ms)

    def end_order(self) -> None:
        """Let the symbol's own market return at the next event."""
        self._track.end()

    async def play(self) -> None:
        """Play for ever."""
        clock = self._venue.clock
        self._paused_ms = clock.market_ms()
        burst = 0
        for event in self._track:
            shift_ticks = self._shift_ticks
            while (wait_ms := self._wait_ms(event)) > 0 or self.is_paused:
                burst = 0
                if self.is_paused:
                    await self._running.wait()
                else:
                    await asyncio.sleep(wait_ms / 1000 / clock.speed)
            burst += 1
            if burst >= BURST_MAX:
                burst = 0
                await asyncio.sleep(0)
            # The price may have been moved while this event waited for its time.
            self._venue.apply(shifted(event, self._shift_ticks - shift_ticks))

    def _wait_ms(self, event: MarketEvent) -> float:
        return self._timeline.wait_ms(self._behind_ms + event.at_ms)


def players(venue: Venue) -> dict[str, Player]:
    """Return a player for each symbol; recordings whose times overlap share a clock."""
    places: dict[str, tuple[Timeline, Timing]] = {}
    for group in together(venue.recordings.values()):
        timeline = Timeline(venue.clock)
        places |= {symbol: (timeline, timing) for symbol, timing in group.items()}
    found: dict[str, Player] = {}
    for symbol in venue.books:
        timeline, timing = places.get(symbol, (Timeline(venue.clock), None))
        found[symbol] = Player(venue, symbol, timeline, source(venue, symbol, timing))
    return found


def source(venue: Venue, symbol: str, timing: Timing | None = None) -> Iterator[MarketEvent]:
    """Return the endless source of a symbol: its recording, else the generator."""
    recording = venue.recordings.get(symbol)
    if recording is not None:
        return looped(recording, timing)
    instrument = venue.instruments[symbol]
    config = GeneratorConfig(
        instrument=instrument,
        start_ticks=catalog.start_ticks(instrument),
        regimes=regimes(venue.config.regimes),
    )
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
