"""REST calls for candles: of trades, and of mark price, index price and premium."""

from __future__ import annotations

from typing import Any

from grinder.simulation.money import from_e8
from grinder.venues.sim import klines
from grinder.venues.sim.refusing import ApiRefusal
from grinder.venues.sim.rendering import eight
from grinder.venues.sim.rest import Call, Endpoint, Security, Table
from grinder.venues.sim.tape import INTERVALS, Candle, Minutes, closed_ms

KLINES_MAX = 1500


def of_trades(call: Call) -> Any:
    """Return candles of a symbol, from the start of the venue on."""
    return _of_trades(call, call.params.text("symbol"))


def continuous(call: Call) -> Any:
    """Return candles of a pair's perpetual contract; other contracts have none."""
    pair, kind = call.params.text("pair"), call.params.text("contractType")
    call.venue.book(pair)
    return _of_trades(call, pair) if kind == "PERPETUAL" else []


def of_marks(call: Call) -> Any:
    """Return candles of a symbol's mark price."""
    return _of_marks(call, "symbol", share=1)


def of_index(call: Call) -> Any:
    """Return candles of a pair's index price, which is the mark price here."""
    return _of_marks(call, "pair", share=1)


def of_premium(call: Call) -> Any:
    """Return candles of a symbol's premium: there is none between mark and index price."""
    return _of_marks(call, "symbol", share=0)


def _of_trades(call: Call, symbol: str) -> Any:
    book = call.venue.book(symbol)
    interval, page = _page(call, book.tape)
    return [klines.kline_row(book, candle, interval) for candle in page]


def _of_marks(call: Call, name: str, share: int) -> Any:
    book = call.venue.book(call.params.text(name))
    interval, page = _page(call, book.marks)
    return [
        [
            each.open_ms,
            *(eight(from_e8(at * share)) for at in (each.open, each.high, each.low, each.close)),
            "0",
            closed_ms(interval, each.open_ms),
            "0",
            each.trades,
            "0",
            "0",
            "0",
        ]
        for each in page
    ]


def _page(call: Call, minutes: Minutes) -> tuple[str, list[Candle]]:
    """Return the interval that is asked for and the candles: the first from a time, or the last."""
    params = call.params
    interval = params.text("interval")
    if interval not in INTERVALS:
        raise ApiRefusal(-1120, "Invalid interval.")
    start, end = params.window()
    first = min(start or 0, call.now_ms)
    found = [
        candle
        for candle in minutes.candles(interval, call.now_ms, first)
        if candle.open_ms >= first and (end is None or candle.open_ms <= end)
    ]
    limit = params.limit(500, KLINES_MAX)
    return interval, found[-limit:] if start is None else found[:limit]


TABLE: Table = {
    ("GET", f"/fapi/v1/{name}"): Endpoint(handler=handler, security=Security.NONE)
    for name, handler in {
        "klines": of_trades,
        "continuousKlines": continuous,
        "markPriceKlines": of_marks,
        "indexPriceKlines": of_index,
        "premiumIndexKlines": of_premium,
    }.items()
}
