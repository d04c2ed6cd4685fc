"""What was traded on one symbol: trades, aggregated trades, minute candles, day statistics."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from itertools import islice

import attrs

from grinder.simulation.market import Trade

MINUTE_MS = 60_000
DAY_MS = 86_400_000
WEEK_MS = 7 * DAY_MS
FIRST_MONDAY_MS = 4 * DAY_MS
"""The Unix epoch was a Thursday."""

MONTH = "1M"
INTERVALS = {
    "1m": MINUTE_MS,
    "3m": 3 * MINUTE_MS,
    "5m": 5 * MINUTE_MS,
    "15m": 15 * MINUTE_MS,
    "30m": 30 * MINUTE_MS,
    "1h": 60 * MINUTE_MS,
    "2h": 120 * MINUTE_MS,
    "4h": 240 * MINUTE_MS,
    "6h": 360 * MINUTE_MS,
    "8h": 480 * MINUTE_MS,
    "12h": 720 * MINUTE_MS,
    "1d": DAY_MS,
    "3d": 3 * DAY_MS,
    "1w": WEEK_MS,
    MONTH: 31 * DAY_MS,
}
"""Spans of candles; a month ends with the calendar."""

TRADES_MAX = 5000
CANDLES_MAX = 7 * 24 * 60


@attrs.frozen(kw_only=True)
class Printed:
    """A public trade, or several at one price by one aggressor."""

    number: int
    first: int
    last: int
    at_ms: int
    price_ticks: int
    lots: int
    buyer_is_maker: bool


@attrs.define(kw_only=True)
class Candle:
    """Prices in ticks, volumes in lots, turnover in ticks times lots."""

    open_ms: int
    open: int
    high: int
    low: int
    close: int
    lots: int = 0
    turnover: int = 0
    trades: int = 0
    taker_lots: int = 0
    taker_turnover: int = 0
    first_id: int = -1
    last_id: int = -1

    def add(self, trade: Trade, trade_id: int) -> None:
        """Take a trade."""
        if not self.trades:
            self.first_id = trade_id
        self.close = trade.price_ticks
        self.high = max(self.high, self.close)
        self.low = min(self.low, self.close)
        self.lots += trade.lots
        self.turnover += self.close * trade.lots
        self.trades += 1
        self.last_id = trade_id
        if not trade.buyer_is_maker:
            self.taker_lots += trade.lots
            self.taker_turnover += self.close * trade.lots


class Minutes:
    """A week of minutes of one price, as far as the venue has run."""

    def __init__(self) -> None:
        self._minutes: deque[Candle] = deque(maxlen=CANDLES_MAX)

    def add(self, trade: Trade, trade_id: int, now_ms: int) -> None:
        """Let a trade, or what else states the price, into its minute."""
        self._roll(now_ms)
        if not self._minutes:
            self._minutes.append(_flat(_minute(now_ms), trade.price_ticks))
        last = self._minutes[-1]
        if not last.trades:
            last.open = last.high = last.low = trade.price_ticks
        last.add(trade, trade_id)

    def candles(self, interval: str, now_ms: int, since_ms: int = 0) -> list[Candle]:
        """Return the candles that open at or after ``since_ms``, oldest first.

        A minute without a trade is flat at the price before it.
        """
        self._roll(now_ms)
        return list(_joined(self._since(opened_ms(interval, since_ms)), interval))

    def day(self, now_ms: int) -> Candle | None:
        """Return the last 24 hours as one candle, or None before the first trade."""
        self._roll(now_ms)
        found: Candle | None = None
        for minute in self._since(_minute(now_ms) - DAY_MS + MINUTE_MS):
            found = _grown(found, minute) if found else attrs.evolve(minute)
        return found

    def _since(self, since_ms: int) -> Iterator[Candle]:
        if not self._minutes:
            return iter(())
        # Minutes follow each other without a hole, so the place of one is known.
        skipped = max(0, (since_ms - self._minutes[0].open_ms + MINUTE_MS - 1) // MINUTE_MS)
        return islice(self._minutes, skipped, None)

    def _roll(self, now_ms: int) -> None:
        """Add the minutes that have begun since the last trade."""
        if not self._minutes:
            return
        last = self._minutes[-1]
        minute = _minute(now_ms)
        first = max(last.open_ms + MINUTE_MS, minute - CANDLES_MAX * MINUTE_MS)
        for open_ms in range(first, minute + 1, MINUTE_MS):
            self._minutes.append(_flat(open_ms, last.close))


class Tape(Minutes):
    """The newest trades of one symbol, and its minutes."""

    def __init__(self) -> None:
        super().__init__()
        self.trades: deque[Printed] = deque(maxlen=TRADES_MAX)
        self.aggregates: deque[Printed] = deque(maxlen=TRADES_MAX)

    def take(self, trade: Trade, trade_id: int, now_ms: int) -> None:
        """Remember a trade."""
        self.trades.append(
            Printed(
                number=trade_id,
                first=trade_id,
                last=trade_id,
                at_ms=now_ms,
                price_ticks=trade.price_ticks,
                lots=trade.lots,
                buyer_is_maker=trade.buyer_is_maker,
            )
        )
        self.add(trade, trade_id, now_ms)


def opened_ms(interval: str, at_ms: int) -> int:
    """Return when the candle that holds ``at_ms`` opened."""
    if interval == MONTH:
        day = datetime.fromtimestamp(at_ms // 1000, UTC)
        return int(datetime(day.year, day.month, 1, tzinfo=UTC).timestamp()) * 1000
    span = INTERVALS[interval]
    start = FIRST_MONDAY_MS if interval == "1w" else 0
    return (at_ms - start) // span * span + start


def closed_ms(interval: str, open_ms: int) -> int:
    """Return the last millisecond of the candle that opened at ``open_ms``."""
    if interval == MONTH:
        return opened_ms(interval, open_ms + INTERVALS[MONTH]) - 1
    return open_ms + INTERVALS[interval] - 1


def _minute(at_ms: int) -> int:
    return at_ms // MINUTE_MS * MINUTE_MS


def _flat(open_ms: int, ticks: int) -> Candle:
    return Candle(open_ms=open_ms, open=ticks, high=ticks, low=ticks, close=ticks)


def _joined(minutes: Iterable[Candle], interval: str) -> Iterator[Candle]:
    whole: Candle | None = None
    for minute in minutes:
        open_ms = opened_ms(interval, minute.open_ms)
        if whole is not None and whole.open_ms == open_ms:
            _grown(whole, minute)
            continue
        if whole is not None:
            yield whole
        whole = attrs.evolve(minute, open_ms=open_ms)
    if whole is not None:
        yield whole


def _grown(whole: Candle, part: Candle) -> Candle:
    if not whole.trades:
        whole.first_id = part.first_id
    whole.high = max(whole.high, part.high)
    whole.low = min(whole.low, part.low)
    whole.close = part.close
    whole.lots += part.lots
    whole.turnover += part.turnover
    whole.trades += part.trades
    whole.taker_lots += part.taker_lots
    whole.taker_turnover += part.taker_turnover
    if part.trades:
        whole.last_id = part.last_id
    return whole
