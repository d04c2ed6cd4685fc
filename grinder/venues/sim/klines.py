"""Candles and day statistics as the venue words them, and the streams that carry them."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Protocol

from grinder.venues.sim.book import PublicBook
from grinder.venues.sim.frames import USDT_MARGINED, Frame
from grinder.venues.sim.tape import DAY_MS, INTERVALS, Candle, closed_ms, opened_ms

CONTINUOUS = "_perpetual"
"""Stream names of continuous candles say which contract of the pair is meant; here is only one."""
KLINE_MS = 250
TICKER_MS = 2000
PERCENT = Decimal(100)


def is_over(now_ms: int, since_ms: int, pause_ms: int) -> bool:
    """Return whether a pause that began at ``since_ms`` is over; it is if the clock is set back."""
    return not since_ms <= now_ms < since_ms + pause_ms


class Publisher(Protocol):
    """Where frames go."""

    def has_listeners(self, stream: str) -> bool:
        """Tell whether anybody listens to ``stream``."""

    def publish(self, stream: str, frame: Frame | list[Frame]) -> None:
        """Send ``frame`` to everybody who listens to ``stream``."""


class CandleStreams:
    """The streams of one symbol that tell of candles and of the last day."""

    def __init__(self, book: PublicBook, publisher: Publisher) -> None:
        self._book = book
        self._publisher = publisher
        self._prefix = book.instrument.symbol.lower()
        self._klines = {
            f"{self._prefix}{kind}_{interval}": interval
            for kind in ("@kline", f"{CONTINUOUS}@continuousKline")
            for interval in INTERVALS
        }
        self._sent: dict[str, tuple[int, int]] = {}
        """Open time and newest trade of the candle last sent, by stream."""
        self._kline_ms = self._ticker_ms = 0

    def tick(self, now_ms: int) -> None:
        """Send what has changed and is due."""
        if is_over(now_ms, self._kline_ms, KLINE_MS):
            self._kline_ms = now_ms
            for name, interval in self._klines.items():
                if self._publisher.has_listeners(name):
                    self._send_kline(name, interval, now_ms)
                else:
                    self._sent.pop(name, None)
        if is_over(now_ms, self._ticker_ms, TICKER_MS):
            self._ticker_ms = now_ms
            for suffix, render in (("@ticker", ticker), ("@miniTicker", mini_ticker)):
                if self._publisher.has_listeners(self._prefix + suffix):
                    self._publisher.publish(self._prefix + suffix, render(self._book, now_ms))

    def _send_kline(self, name: str, interval: str, now_ms: int) -> None:
        open_ms, last_id = self._sent.get(name, (opened_ms(interval, now_ms), 0))
        for candle in self._book.tape.candles(interval, now_ms, open_ms):
            is_closed = closed_ms(interval, candle.open_ms) < now_ms
            key = (candle.open_ms, candle.last_id)
            if not is_closed and key == (open_ms, last_id):
                return
            self._sent[name] = key
            frame = kline(self._book, candle, interval, now_ms, is_closed=is_closed)
            is_continuous = "continuousKline" in name
            self._publisher.publish(name, _continuous(frame) if is_continuous else frame)


def kline_row(book: PublicBook, candle: Candle, interval: str) -> list[Any]:
    """Return a candle as REST shows it."""
    return [
        candle.open_ms,
        book.price(candle.open),
        book.price(candle.high),
        book.price(candle.low),
        book.price(candle.close),
        book.qty(candle.lots),
        closed_ms(interval, candle.open_ms),
        _quote(book, candle.turnover),
        candle.trades,
        book.qty(candle.taker_lots),
        _quote(book, candle.taker_turnover),
        "0",
    ]


def kline(
    book: PublicBook, candle: Candle, interval: str, now_ms: int, *, is_closed: bool
) -> Frame:
    """Return a ``kline`` frame."""
    return {
        "e": "kline",
        "E": now_ms,
        "s": book.instrument.symbol,
        "k": {
            "t": candle.open_ms,
            "T": closed_ms(interval, candle.open_ms),
            "s": book.instrument.symbol,
            "i": interval,
            "f": candle.first_id,
            "L": candle.last_id,
            "o": book.price(candle.open),
            "c": book.price(candle.close),
            "h": book.price(candle.high),
            "l": book.price(candle.low),
            "v": book.qty(candle.lots),
            "n": candle.trades,
            "x": is_closed,
            "q": _quote(book, candle.turnover),
            "V": book.qty(candle.taker_lots),
            "Q": _quote(book, candle.taker_turnover),
            "B": "0",
        },
    }


def _continuous(frame: Frame) -> Frame:
    """Return the ``continuous_kline`` frame of a perpetual contract's ``kline`` frame."""
    candle = {name: value for name, value in frame["k"].items() if name != "s"}
    return {
        "e": "continuous_kline",
        "E": frame["E"],
        "ps": frame["s"],
        "ct": "PERPETUAL",
        "k": candle,
    }


def ticker_row(book: PublicBook, now_ms: int) -> dict[str, Any]:
    """Return the ``ticker/24hr`` of a symbol; before the first trade, its best bid stands still."""
    day = _day(book, now_ms)
    last = book.tape.trades[-1] if book.tape.trades else None
    change = day.close - day.open
    weighted = book.instrument.price(day.close)
    if day.lots:
        weighted = book.scale.average(day.turnover, day.lots)
    return {
        "symbol": book.instrument.symbol,
        "priceChange": book.price(change),
        "priceChangePercent": f"{PERCENT * change / day.open if day.open else 0:.3f}",
        "weightedAvgPrice": f"{weighted:.8f}",
        "lastPrice": book.price(day.close),
        "lastQty": book.qty(last.lots if last else 0),
        "openPrice": book.price(day.open),
        "highPrice": book.price(day.high),
        "lowPrice": book.price(day.low),
        "volume": book.qty(day.lots),
        "quoteVolume": _quote(book, day.turnover),
        "openTime": now_ms - DAY_MS,
        "closeTime": now_ms,
        "firstId": day.first_id,
        "lastId": day.last_id,
        "count": day.trades,
    }


def ticker(book: PublicBook, now_ms: int) -> Frame:
    """Return a ``24hrTicker`` frame."""
    row = ticker_row(book, now_ms)
    names = {
        "p": "priceChange",
        "P": "priceChangePercent",
        "w": "weightedAvgPrice",
        "c": "lastPrice",
        "Q": "lastQty",
        "o": "openPrice",
        "h": "highPrice",
        "l": "lowPrice",
        "v": "volume",
        "q": "quoteVolume",
        "O": "openTime",
        "C": "closeTime",
        "F": "firstId",
        "L": "lastId",
        "n": "count",
    }
    head = {"e": "24hrTicker", **_head(book, now_ms)}
    return head | {short: row[name] for short, name in names.items()}


def mini_ticker(book: PublicBook, now_ms: int) -> Frame:
    """Return a ``24hrMiniTicker`` frame."""
    day = _day(book, now_ms)
    return {
        "e": "24hrMiniTicker",
        **_head(book, now_ms),
        "c": book.price(day.close),
        "o": book.price(day.open),
        "h": book.price(day.high),
        "l": book.price(day.low),
        "v": book.qty(day.lots),
        "q": _quote(book, day.turnover),
    }


def _head(book: PublicBook, now_ms: int) -> Frame:
    symbol = book.instrument.symbol
    return {"E": now_ms, "s": symbol, "ps": symbol, "st": USDT_MARGINED}


def _day(book: PublicBook, now_ms: int) -> Candle:
    ticks = book.quote.bid_ticks if book.quote else 0
    return book.tape.day(now_ms) or Candle(
        open_ms=now_ms, open=ticks, high=ticks, low=ticks, close=ticks
    )


def _quote(book: PublicBook, turnover: int) -> str:
    return book.money(turnover)
