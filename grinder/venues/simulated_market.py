"""What the stepped runtime's venue remembers of its market: the books, and a day of trades."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from decimal import Decimal

from grinder.messages.venue import DepthRead, MarketStatsRead, ReadDepth, ReadMarketStats
from grinder.model.instrument import Instrument
from grinder.model.units import NS_PER_MS
from grinder.simulation.market import DepthDiff, Levels, Trade

HOUR_MS = 3_600_000
DAY_HOURS = 24


class SeenMarket:
    """The whole book of each symbol whose source tells it, and what was traded in 24 hours.

    Nothing is made up: a source that tells best prices only leaves the book empty, and without
    trades there is no volume. The day is counted in whole hours.
    """

    def __init__(self, instruments: Mapping[str, Instrument]) -> None:
        self._instruments = instruments
        self._levels = {symbol: Levels() for symbol in instruments}
        self._ids = dict.fromkeys(instruments, 0)
        self._hours: dict[str, deque[list[int]]] = {symbol: deque() for symbol in instruments}
        self._last_ticks = dict.fromkeys(instruments, 0)

    def changed(self, diff: DepthDiff, update_id: int) -> int:
        """Take changed levels; return the number of the change before."""
        previous_id = self._ids[diff.symbol]
        self._ids[diff.symbol] = update_id
        self._levels[diff.symbol].apply(diff)
        return previous_id

    def traded(self, trade: Trade, now_ms: int) -> None:
        """Take a public trade."""
        hours = self._hours[trade.symbol]
        hour = now_ms // HOUR_MS
        if not hours or hours[-1][0] != hour:
            hours.append([hour, 0, 0])
            if len(hours) > DAY_HOURS:
                hours.popleft()
        newest = hours[-1]
        newest[1] += trade.price_ticks * trade.lots
        newest[2] += 1
        self._last_ticks[trade.symbol] = trade.price_ticks

    def depth(self, query: ReadDepth, now_ms: int) -> DepthRead:
        """Return the book as it is."""
        levels = self._levels[query.symbol]
        return DepthRead(
            symbol=query.symbol,
            token=query.token,
            last_id=self._ids[query.symbol],
            bids=tuple(sorted(levels.bids.items(), reverse=True)),
            asks=tuple(sorted(levels.asks.items())),
            event_ns=now_ms * NS_PER_MS,
        )

    def stats(self, query: ReadMarketStats, held_lots: int, now_ms: int) -> MarketStatsRead:
        """Return the day's figures; ``held_lots`` is what the accounts hold long."""
        symbol = query.symbol
        instrument = self._instruments[symbol]
        first = now_ms // HOUR_MS - DAY_HOURS
        day = [row for row in self._hours[symbol] if row[0] > first]
        unit: Decimal = instrument.notional(1, 1)
        return MarketStatsRead(
            symbol=symbol,
            token=query.token,
            volume_24h=unit * sum(row[1] for row in day),
            trades_24h=sum(row[2] for row in day),
            open_interest=unit * self._last_ticks[symbol] * held_lots,
            event_ns=now_ms * NS_PER_MS,
        )
