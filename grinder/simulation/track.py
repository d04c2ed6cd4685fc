"""One symbol's market: its own source, and another in its place for a while.

While another market is played, the own source goes on unseen. When the other ends, the book of
the own source returns as it stands by then, moved so that the best bid is where the other left
it; from then on the own source plays at that distance. So clocks shared between symbols stay
shared, and the price never jumps.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator

import attrs

from grinder.simulation.market import DepthDiff, Levels, MarketEvent, Quote, Status, shifted

STATUS_USUAL = "TRADING"

Begin = Callable[[int], Iterator[MarketEvent]]
"""Begins a market at a mid price in ticks, timed from 0."""


@attrs.define(kw_only=True)
class _Interlude:
    """What is played in place of the own source."""

    name: str
    events: Iterator[MarketEvent]
    from_ms: int
    until_ms: int | None
    """None: until it is ended."""
    shift_ticks: int = 0
    is_first_diff: bool = True


@attrs.frozen(kw_only=True)
class _Order:
    name: str
    begin: Begin
    duration_ms: int | None


class Track(Iterator[MarketEvent]):
    """Yields the events of one symbol for ever, in order of time."""

    def __init__(self, source: Iterator[MarketEvent]) -> None:
        self._source = source
        self._ahead: MarketEvent | None = None
        self._own = Levels()
        self._own_quote: Quote | None = None
        self._shift_ticks = 0
        self._told = Levels()
        self._told_quote: Quote | None = None
        self._at_ms = 0
        self._status = STATUS_USUAL
        self._interlude: _Interlude | None = None
        self._order: _Order | None = None
        self._waiting: deque[MarketEvent] = deque()

    @property
    def interlude(self) -> str:
        """Name of what is played or about to be played in place of the own source, or empty."""
        if self._order is not None:
            return self._order.name
        return self._interlude.name if self._interlude is not None else ""

    def order(self, name: str, begin: Begin, duration_ms: int | None) -> None:
        """Play another market from the next event on.

        Args:
            name: what to call it.
            begin: begins it.
            duration_ms: for how long, in market time; None until ended.
        """
        self._order = _Order(name=name, begin=begin, duration_ms=duration_ms)

    def end(self) -> None:
        """End what is played in place of the own source at the next event."""
        self._order = None
        if self._interlude is not None:
            self._interlude.until_ms = self._at_ms

    def move(self, ticks: int) -> None:
        """Move the market by ``ticks`` from the next event on; what was told moves as well."""
        self._shift_ticks += ticks
        self._told.shift(ticks)
        if self._told_quote is not None:
            moved = shifted(self._told_quote, ticks)
            assert isinstance(moved, Quote)
            self._told_quote = moved
        if self._interlude is not None:
            self._interlude.shift_ticks += ticks

    def __next__(self) -> MarketEvent:
        if self._order is not None and self._told_quote is not None:
            self._begin(self._order)
        while not self._waiting:
            if self._interlude is None:
                self._waiting.append(shifted(self._own_next(), self._shift_ticks))
            else:
                self._play(self._interlude)
        return self._tell(self._waiting.popleft())

    def _tell(self, event: MarketEvent) -> MarketEvent:
        self._at_ms = event.at_ms
        if isinstance(event, DepthDiff):
            self._told.apply(event)
        elif isinstance(event, Quote):
            self._told_quote = event
        elif isinstance(event, Status):
            self._status = event.status
        return event

    def _begin(self, order: _Order) -> None:
        self._order = None
        quote = self._told_quote
        assert quote is not None
        until_ms = None if order.duration_ms is None else self._at_ms + order.duration_ms
        self._interlude = _Interlude(
            name=order.name,
            events=order.begin((quote.bid_ticks + quote.ask_ticks) // 2),
            from_ms=self._at_ms,
            until_ms=until_ms,
        )

    def _play(self, interlude: _Interlude) -> None:
        """Let the next event of the interlude wait, or the end of it."""
        event = next(interlude.events)
        event = attrs.evolve(event, at_ms=interlude.from_ms + event.at_ms)
        if interlude.until_ms is not None and event.at_ms > interlude.until_ms:
            self._catch_up(interlude.until_ms)
            self._return(interlude.until_ms)
            return
        self._catch_up(event.at_ms)
        event = shifted(event, interlude.shift_ticks)
        if interlude.is_first_diff and isinstance(event, DepthDiff):
            interlude.is_first_diff = False
            event = self._told.turned_into(event)
        if isinstance(event, Status) or self._status == STATUS_USUAL:
            self._waiting.append(event)
            return
        self._waiting.extend((self._usual(event.at_ms, event.symbol), event))

    def _return(self, at_ms: int) -> None:
        """Let what leads back to the own source wait."""
        self._interlude = None
        at_ms = max(at_ms, self._at_ms)
        own, told = self._own_quote, self._told_quote
        assert own is not None
        assert told is not None
        self._shift_ticks = told.bid_ticks - own.bid_ticks
        if self._status != STATUS_USUAL:
            self._waiting.append(self._usual(at_ms, own.symbol))
        whole = shifted(self._own.whole(at_ms, own.symbol), self._shift_ticks)
        quote = shifted(attrs.evolve(own, at_ms=at_ms), self._shift_ticks)
        assert isinstance(whole, DepthDiff)
        self._waiting.extend((self._told.turned_into(whole), quote))

    def _usual(self, at_ms: int, symbol: str) -> Status:
        return Status(at_ms=at_ms, symbol=symbol, status=STATUS_USUAL)

    def _catch_up(self, at_ms: int) -> None:
        """Let the own source go on unseen up to a time."""
        while True:
            if self._ahead is None:
                self._ahead = next(self._source)
            if self._ahead.at_ms > at_ms:
                return
            self._own_next()

    def _own_next(self) -> MarketEvent:
        event, self._ahead = self._ahead or next(self._source), None
        if isinstance(event, DepthDiff):
            self._own.apply(event)
        elif isinstance(event, Quote):
            self._own_quote = event
        return event
