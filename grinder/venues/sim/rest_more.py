"""REST calls that clients make besides: candles, trades, statistics, tests, settings.

Whatever another table has as well, that table answers.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from grinder.venues.sim import klines, rest_account, rest_trade
from grinder.venues.sim.book import PublicBook
from grinder.venues.sim.params import new_order
from grinder.venues.sim.refusing import ApiRefusal, mandatory
from grinder.venues.sim.rendering import plain
from grinder.venues.sim.rest import Call, Endpoint, Security, Table
from grinder.venues.sim.tape import Printed

USUAL_HOURS = 8
HOUR_MS = 3_600_000


def day_ticker(call: Call) -> Any:
    """Return the last 24 hours of one symbol or of all."""
    symbol = call.params.maybe("symbol")
    if symbol:
        return klines.ticker_row(call.venue.book(symbol), call.now_ms)
    return [klines.ticker_row(book, call.now_ms) for book in call.venue.books.values()]


def trades(call: Call) -> Any:
    """Return public trades, the newest or those from an id on."""
    book = call.venue.book(call.params.text("symbol"))
    rows = _paged(call, book.tape.trades, 500, 1000)
    return [
        {
            "id": row.number,
            "price": book.price(row.price_ticks),
            "qty": book.qty(row.lots),
            "quoteQty": _quote(book, row),
            "time": row.at_ms,
            "isBuyerMaker": row.buyer_is_maker,
            "isRPITrade": False,
        }
        for row in rows
    ]


def agg_trades(call: Call) -> Any:
    """Return aggregated trades, the newest, or those from an id or a time on."""
    book = call.venue.book(call.params.text("symbol"))
    rows = _paged(call, book.tape.aggregates, 500, 1000)
    return [
        {
            "a": row.number,
            "p": book.price(row.price_ticks),
            "q": book.qty(row.lots),
            "nq": book.qty(row.lots),
            "f": row.first,
            "l": row.last,
            "T": row.at_ms,
            "m": row.buyer_is_maker,
        }
        for row in rows
    ]


def _paged(call: Call, rows: Iterable[Printed], default: int, most: int) -> list[Printed]:
    params = call.params
    from_id = params.maybe_integer("fromId")
    start, end = params.window()
    found = [
        row
        for row in rows
        if (from_id is None or row.number >= from_id)
        and (start is None or row.at_ms >= start)
        and (end is None or row.at_ms <= end)
    ]
    limit = params.limit(default, most)
    return found[-limit:] if from_id is None and start is None else found[:limit]


def _quote(book: PublicBook, row: Printed) -> str:
    return book.money(book.scale.worth(row.price_ticks) * row.lots)


def open_interest(call: Call) -> Any:
    """Return what the accounts of this venue hold long; the played market has no holders."""
    book = call.venue.book(call.params.text("symbol"))
    held = sum(
        max(0, each.qty_lots)
        for seed in call.venue.config.accounts
        for each in call.venue.exchange.positions(seed.key)
        if each.symbol == book.instrument.symbol
    )
    return {
        "openInterest": book.qty(held),
        "symbol": book.instrument.symbol,
        "time": call.now_ms,
    }


def funding_info(call: Call) -> Any:
    """Return how often funding is due; the venue lists symbols with the usual interval as well."""
    hours = max(1, call.venue.config.funding_interval_ms // HOUR_MS)
    return [
        {
            "symbol": symbol,
            "adjustedFundingRateCap": "0.02000000",
            "adjustedFundingRateFloor": "-0.02000000",
            "fundingIntervalHours": hours,
            "disclaimer": hours == USUAL_HOURS,
        }
        for symbol in call.venue.books
    ]


def order_amendments(call: Call) -> Any:
    """Return how an order was amended, newest first, as far as the order log remembers."""
    params = call.params
    symbol = params.text("symbol")
    order_id, client_id = params.maybe_integer("orderId"), params.maybe("origClientOrderId")
    if order_id is None and client_id is None:
        raise mandatory("orderId")
    found: list[dict[str, Any]] = []
    before: dict[str, Any] = {}
    count = 0
    for line in call.venue.log.lines():
        is_wanted = line["order_id"] == order_id if order_id else line["client_id"] == client_id
        if not is_wanted or line["symbol"] != symbol or line["account"] != call.account:
            continue
        if line["op"] == "accepted":
            before, count = line, 0
        elif line["op"] == "amended" and before:
            count += 1
            found.append(_amendment(line, before, count))
            before = line
    start, end = params.window()
    rows = [
        row
        for row in reversed(found)
        if (start is None or row["time"] >= start) and (end is None or row["time"] <= end)
    ]
    return rows[: params.limit(50, 100)]


def _amendment(line: dict[str, Any], before: dict[str, Any], count: int) -> dict[str, Any]:
    return {
        "amendmentId": line["n"],
        "symbol": line["symbol"],
        "pair": line["symbol"],
        "orderId": line["order_id"],
        "clientOrderId": line["client_id"],
        "time": line["ts"],
        "amendment": {
            "price": {"before": before["price"], "after": line["price"]},
            "origQty": {"before": before["qty"], "after": line["qty"]},
            "count": count,
            **({"modifyId": line["modify_id"]} if "modify_id" in line else {}),
        },
    }


def test_order(call: Call) -> Any:
    """Judge an order as placing it would, margin included, without placing it."""
    new = new_order(call.params)
    call.venue.exchange.check(call.account, new, call.now_ms)
    return {
        "orderId": 0,
        "symbol": new.symbol,
        "status": "NEW",
        "clientOrderId": new.client_order_id or "test",
        "price": plain(new.price) if new.price is not None else "0",
        "avgPrice": "0.00000",
        "origQty": plain(new.qty),
        "executedQty": "0",
        "cumQty": "0",
        "cumQuote": "0",
        "timeInForce": new.time_in_force.value,
        "type": str(new.type),
        "origType": str(new.type),
        "reduceOnly": new.reduce_only,
        "closePosition": False,
        "side": new.side.value,
        "positionSide": call.params.maybe("positionSide") or "BOTH",
        "stopPrice": "0",
        "workingType": "CONTRACT_PRICE",
        "priceProtect": False,
        "priceMatch": call.params.maybe("priceMatch") or "NONE",
        "selfTradePreventionMode": new.self_trade_prevention.value,
        "goodTillDate": new.good_till_ms or 0,
        "updateTime": call.now_ms,
    }


def set_multi_assets(call: Call) -> Any:
    """Accept what is: the margin mode is one asset."""
    call.params.text("multiAssetsMargin")
    if call.params.flag("multiAssetsMargin"):
        raise ApiRefusal(-1130, "Multi-assets mode is not simulated.")
    raise ApiRefusal(-4171, "No need to change multi-assets mode.")


def order_limits(call: Call) -> Any:
    """Return the order windows of the account."""
    bounds = call.venue.config.limits
    return [
        {
            "rateLimitType": "ORDERS",
            "interval": "SECOND",
            "intervalNum": 10,
            "limit": bounds.orders_10s,
        },
        {
            "rateLimitType": "ORDERS",
            "interval": "MINUTE",
            "intervalNum": 1,
            "limit": bounds.orders_1m,
        },
    ]


def fee_burn(_: Call) -> Any:
    """Return that fees are not paid in another coin."""
    return {"feeBurn": False}


def set_fee_burn(call: Call) -> Any:
    """Accept what is: fees are paid in the margin asset."""
    call.params.text("feeBurn")
    if call.params.flag("feeBurn"):
        raise ApiRefusal(-1130, "Paying fees in BNB is not simulated.")
    return rest_account.SUCCESS


def adl_quantile(call: Call) -> Any:
    """Return the places in the queue of deleveraging: always the last, for it is not simulated.

    Crossed positions of hedge mode are told by HEDGE in place of BOTH.
    """
    symbol = call.params.maybe("symbol")
    is_hedged = call.venue.exchange.is_hedged(call.account)
    held = [each for each in call.venue.exchange.positions(call.account) if each.qty]
    thirds = {
        each.symbol: "HEDGE" if is_hedged and not each.is_isolated else "BOTH" for each in held
    }
    return [
        {"symbol": name, "adlQuantile": {"LONG": 0, "SHORT": 0, third: 0}}
        for name, third in thirds.items()
        if symbol in (None, name)
    ]


def trading_status(call: Call) -> Any:
    """Return that no trading rule is broken."""
    return {"indicators": {}, "updateTime": call.now_ms}


OPEN = {
    "ticker/24hr": day_ticker,
    "trades": trades,
    "aggTrades": agg_trades,
    "openInterest": open_interest,
    "fundingInfo": funding_info,
}

SIGNED = {
    "orderAmendment": order_amendments,
    "rateLimit/order": order_limits,
    "feeBurn": fee_burn,
    "forceOrders": rest_trade.force_orders,
    "adlQuantile": adl_quantile,
    "apiTradingStatus": trading_status,
}

TABLE: Table = {
    **{
        ("GET", f"/fapi/v1/{name}"): Endpoint(handler=handler, security=Security.NONE)
        for name, handler in OPEN.items()
    },
    **{("GET", f"/fapi/v1/{name}"): Endpoint(handler=each) for name, each in SIGNED.items()},
    ("GET", "/fapi/v1/historicalTrades"): Endpoint(handler=trades, security=Security.KEY),
    ("POST", "/fapi/v1/order/test"): Endpoint(handler=test_order),
    ("POST", "/fapi/v1/multiAssetsMargin"): Endpoint(handler=set_multi_assets),
    ("POST", "/fapi/v1/feeBurn"): Endpoint(handler=set_fee_burn),
}
