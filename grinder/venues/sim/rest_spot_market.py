"""Spot by REST: what anybody may read."""

from __future__ import annotations

from typing import Any

import orjson

from grinder.venues.sim import frames, klines, rest_candles, rest_market, rest_more
from grinder.venues.sim.book import DEPTH_MAX, PublicBook
from grinder.venues.sim.refusing import ApiRefusal, invalid_symbol
from grinder.venues.sim.rest import Call, Endpoint, Handler, Security, Table

DEPTH_USUAL = 100
AVERAGE_MINUTES = 5


def exchange_info(call: Call) -> Any:
    """Return the symbols that are traded here, with their filters and the rate limits."""
    info, limits, states = call.venue.info, call.venue.config.limits, call.venue.faults.states
    wanted = {
        ("REQUEST_WEIGHT", "MINUTE"): limits.weight_1m,
        ("ORDERS", "SECOND"): limits.orders_10s,
        ("ORDERS", "DAY"): limits.orders_1m,
    }
    names = [book.instrument.symbol for book in _wanted(call)]
    return {
        **info,
        "serverTime": call.now_ms,
        "rateLimits": [
            {**row, "limit": wanted[row["rateLimitType"], row["interval"]]}
            for row in info["rateLimits"]
        ],
        "symbols": [
            {**row, "status": "BREAK"}
            if row["symbol"] in states and states[row["symbol"]].published != "TRADING"
            else row
            for row in info["symbols"]
            if row["symbol"] in names
        ],
    }


def depth(call: Call) -> Any:
    """Return the book, numbered so that depth streams can be joined to it."""
    book = call.venue.book(call.params.text("symbol"))
    limit = min(call.params.maybe_integer("limit") or DEPTH_USUAL, DEPTH_MAX)
    return {
        "lastUpdateId": book.snapshot_id(),
        "bids": frames.rows(book, book.best_bids(limit)),
        "asks": frames.rows(book, book.best_asks(limit)),
    }


def book_ticker(call: Call) -> Any:
    """Return the best bid and ask of one symbol, of some, or of all."""
    return _rows(call, _book_ticker)


def price(call: Call) -> Any:
    """Return the last price of one symbol, of some, or of all."""
    return _rows(call, _price)


def day(call: Call) -> Any:
    """Return the last 24 hours of one symbol, of some, or of all."""
    return _rows(call, lambda book: _day(book, call.now_ms))


def average_price(call: Call) -> Any:
    """Return the average price of the last minutes: here the middle of the quote."""
    book = call.venue.book(call.params.text("symbol"))
    return {
        "mins": AVERAGE_MINUTES,
        "price": f"{book.mid():.8f}",
        "closeTime": call.now_ms,
    }


def _wanted(call: Call) -> list[PublicBook]:
    symbol, several = call.params.maybe("symbol"), call.params.maybe("symbols")
    if symbol is not None:
        return [call.venue.book(symbol)]
    if several is None:
        return list(call.venue.books.values())
    try:
        names = orjson.loads(several)
    except orjson.JSONDecodeError:
        names = None
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise invalid_symbol()
    return [call.venue.book(name) for name in names]


def _rows(call: Call, render: Any) -> Any:
    rows = [render(book) for book in _wanted(call)]
    return rows[0] if call.params.maybe("symbol") else rows


def _book_ticker(book: PublicBook) -> dict[str, Any]:
    quote = book.quote
    if quote is None:
        raise ApiRefusal(-1016, "No market yet.", 503)
    return {
        "symbol": quote.symbol,
        "bidPrice": book.price(quote.bid_ticks),
        "bidQty": book.qty(quote.bid_lots),
        "askPrice": book.price(quote.ask_ticks),
        "askQty": book.qty(quote.ask_lots),
    }


def _price(book: PublicBook) -> dict[str, Any]:
    trade, quote = book.last_trade, book.quote
    ticks = trade.price_ticks if trade else quote.bid_ticks if quote else 0
    return {"symbol": book.instrument.symbol, "price": book.price(ticks)}


def _day(book: PublicBook, now_ms: int) -> dict[str, Any]:
    quote = _book_ticker(book)
    return klines.ticker_row(book, now_ms) | {
        "prevClosePrice": quote["bidPrice"],
        "bidPrice": quote["bidPrice"],
        "bidQty": quote["bidQty"],
        "askPrice": quote["askPrice"],
        "askQty": quote["askQty"],
    }


def _matched(handler: Handler) -> Handler:
    """Let a handler of public trades say what spot says besides."""

    def handle(call: Call) -> Any:
        rows = handler(call)
        for row in rows:
            row.pop("isRPITrade", None)
            row.pop("nq", None)
            row["M" if "a" in row else "isBestMatch"] = True
        return rows

    return handle


TABLE: Table = {
    ("GET", f"/api/v3/{name}"): Endpoint(
        handler=handler,
        security=Security.KEY if name == "historicalTrades" else Security.NONE,
    )
    for name, handler in {
        "ping": rest_market.ping,
        "time": rest_market.time,
        "exchangeInfo": exchange_info,
        "depth": depth,
        "ticker/bookTicker": book_ticker,
        "ticker/price": price,
        "ticker/24hr": day,
        "avgPrice": average_price,
        "klines": rest_candles.of_trades,
        "uiKlines": rest_candles.of_trades,
        "trades": _matched(rest_more.trades),
        "historicalTrades": _matched(rest_more.trades),
        "aggTrades": _matched(rest_more.agg_trades),
    }.items()
}
