"""REST calls about the market: open to everybody."""

from __future__ import annotations

from typing import Any

from grinder.venues.sim import frames
from grinder.venues.sim.book import DEPTH_MAX, PublicBook
from grinder.venues.sim.params import Params
from grinder.venues.sim.refusing import ApiRefusal
from grinder.venues.sim.rendering import eight
from grinder.venues.sim.rest import Call, Endpoint, Security, Table
from grinder.venues.sim.venue import Venue

DEPTH_LIMITS = (5, 10, 20, 50, 100, 500, DEPTH_MAX)

ASSETS = (
    {"asset": "USDT", "marginAvailable": True, "autoAssetExchange": "-10000"},
    {"asset": "BTC", "marginAvailable": True, "autoAssetExchange": "-0.10000000"},
    {"asset": "BNB", "marginAvailable": True, "autoAssetExchange": "-10"},
    {"asset": "ETH", "marginAvailable": True, "autoAssetExchange": "-5"},
)


def ping(_: Call) -> Any:
    """Answer that the venue is there."""
    return {}


def time(call: Call) -> Any:
    """Return venue time."""
    return {"serverTime": call.now_ms}


def exchange_info(call: Call) -> Any:
    """Return the contracts that are traded here, with their filters and the rate limits."""
    info = call.venue.info
    limits = call.venue.config.limits
    wanted = {
        ("REQUEST_WEIGHT", "MINUTE"): limits.weight_1m,
        ("ORDERS", "MINUTE"): limits.orders_1m,
        ("ORDERS", "SECOND"): limits.orders_10s,
    }
    return {
        **info,
        "serverTime": call.now_ms,
        "rateLimits": [
            {**row, "limit": wanted[row["rateLimitType"], row["interval"]]}
            for row in info["rateLimits"]
        ],
        "assets": ASSETS,
        "symbols": [
            {**row, "status": _status(call.venue, row)}
            for row in info["symbols"]
            if row["symbol"] in call.venue.books
        ],
    }


def _status(venue: Venue, row: dict[str, Any]) -> str:
    state = venue.faults.states.get(row["symbol"])
    return state.published if state else str(row["status"])


def depth(call: Call) -> Any:
    """Return the book, numbered so that depth streams can be joined to it."""
    book = call.venue.book(call.params.text("symbol"))
    limit = call.params.limit(500, DEPTH_MAX)
    if limit not in DEPTH_LIMITS:
        raise ApiRefusal(-4021, f"{limit} is not valid depth limit")
    return {
        "lastUpdateId": book.snapshot_id(),
        "E": call.now_ms,
        "T": book.updated_ms,
        "bids": frames.rows(book, book.best_bids(limit)),
        "asks": frames.rows(book, book.best_asks(limit)),
    }


def book_ticker(call: Call) -> Any:
    """Return the best bid and ask of one symbol or of all."""
    return _of_one_or_all(call.venue, call.params, _book_ticker)


def price_v1(call: Call) -> Any:
    """Return the last price of one symbol or of all."""
    return _of_one_or_all(call.venue, call.params, _price)


def premium_index(call: Call) -> Any:
    """Return mark price and funding of one symbol or of all."""
    return _of_one_or_all(call.venue, call.params, _premium)


def funding_rate(call: Call) -> Any:
    """Return the fundings of this venue, ascending: the first from a time on, else the last."""
    symbol = call.params.maybe("symbol")
    symbols = [symbol] if symbol else list(call.venue.books)
    start, end = call.params.window()
    first, last = start or 0, call.now_ms if end is None else end
    limit = call.params.limit(100, 1000)
    rows = [
        {
            "symbol": mark.symbol,
            "fundingTime": mark.next_funding_ms,
            "fundingRate": eight(mark.funding_rate),
            "markPrice": eight(mark.mark_price),
            "rateType": "Regular",
        }
        for each in symbols
        for mark in call.venue.funding_history[call.venue.book(each).instrument.symbol]
        if first <= mark.next_funding_ms <= last
    ]
    rows.sort(key=_funding_time)
    return rows[-limit:] if start is None else rows[:limit]


def _funding_time(row: dict[str, Any]) -> int:
    return int(row["fundingTime"])


def _of_one_or_all(venue: Venue, params: Params, render: Any) -> Any:
    symbol = params.maybe("symbol")
    if symbol:
        return render(venue.book(symbol))
    return [render(book) for book in venue.books.values()]


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
        "time": book.updated_ms,
        "lastUpdateId": book.update_id,
    }


def _price(book: PublicBook) -> dict[str, Any]:
    if book.last_trade is not None:
        ticks = book.last_trade.price_ticks
    elif book.quote is not None:
        ticks = book.quote.bid_ticks
    else:
        raise ApiRefusal(-1016, "No market yet.", 503)
    return {
        "symbol": book.instrument.symbol,
        "price": book.price(ticks),
        "time": book.updated_ms,
    }


def _premium(book: PublicBook) -> dict[str, Any]:
    mark = book.mark
    if mark is None:
        raise ApiRefusal(-1016, "No market yet.", 503)
    return {
        "symbol": mark.symbol,
        "markPrice": eight(mark.mark_price),
        "indexPrice": eight(mark.index_price),
        "estimatedSettlePrice": eight(mark.mark_price),
        "lastFundingRate": eight(mark.funding_rate),
        "interestRate": "0.00010000",
        "nextFundingTime": mark.next_funding_ms,
        "time": book.updated_ms,
    }


TABLE: Table = {
    ("GET", path): Endpoint(handler=handler, security=Security.NONE)
    for path, handler in {
        "/fapi/v1/ping": ping,
        "/fapi/v1/time": time,
        "/fapi/v1/exchangeInfo": exchange_info,
        "/fapi/v1/depth": depth,
        "/fapi/v1/ticker/bookTicker": book_ticker,
        "/fapi/v1/ticker/price": price_v1,
        "/fapi/v2/ticker/price": price_v1,
        "/fapi/v1/premiumIndex": premium_index,
        "/fapi/v1/fundingRate": funding_rate,
    }.items()
}
