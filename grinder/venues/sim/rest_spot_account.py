"""Spot by REST: the account."""

from __future__ import annotations

from typing import Any

from grinder.simulation.reports import AccountTrade
from grinder.venues.sim import rest_more
from grinder.venues.sim.rendering import Body, eight
from grinder.venues.sim.rest import Call, Endpoint, Table
from grinder.venues.sim.spotorders import ZERO

BASIS_POINTS = 10_000


def account(call: Call) -> Any:
    """Return balances and rates."""
    fees, _ = call.venue.exchange.fees(call.account)
    hides_empty = call.params.flag("omitZeroBalances")
    return {
        "makerCommission": int(fees.maker * BASIS_POINTS),
        "takerCommission": int(fees.taker * BASIS_POINTS),
        "buyerCommission": 0,
        "sellerCommission": 0,
        "commissionRates": _rates(call),
        "canTrade": True,
        "canWithdraw": True,
        "canDeposit": True,
        "brokered": False,
        "requireSelfTradePrevention": False,
        "preventSor": False,
        "updateTime": call.now_ms,
        "accountType": "SPOT",
        "balances": [
            {
                "asset": each.asset,
                "free": eight(each.wallet - each.locked),
                "locked": eight(each.locked),
            }
            for each in call.venue.exchange.balances(call.account)
            if each.wallet or not hides_empty
        ],
        "permissions": ["SPOT"],
    }


def commission(call: Call) -> Any:
    """Return the rates of a symbol: there are neither taxes nor discounts."""
    nothing = {"maker": ZERO, "taker": ZERO, "buyer": ZERO, "seller": ZERO}
    return {
        "symbol": call.venue.book(call.params.text("symbol")).instrument.symbol,
        "standardCommission": _rates(call),
        "specialCommission": nothing,
        "taxCommission": nothing,
        "discount": {
            "enabledForAccount": False,
            "enabledForSymbol": False,
            "discountAsset": "BNB",
            "discount": ZERO,
        },
    }


def my_trades(call: Call) -> Any:
    """Return fills of a symbol."""
    params = call.params
    start_ms, end_ms = params.window(1)
    rows = call.venue.exchange.trades(
        call.account,
        params.text("symbol"),
        now_ms=call.now_ms,
        order_id=params.maybe_integer("orderId"),
        from_id=params.maybe_integer("fromId"),
        start_ms=start_ms,
        end_ms=end_ms,
        limit=params.limit(500, 1000),
    )
    return [_trade(row) for row in rows]


def order_limits(call: Call) -> Any:
    """Return the order windows of the account with what is used of them."""
    rows = rest_more.order_limits(call)
    counts = call.venue.counters.order_headers(call.account, call.now_ms)
    rows[1]["interval"] = "DAY"
    for row, name in zip(rows, ("10S", "1D"), strict=True):
        row["count"] = int(counts[f"X-MBX-ORDER-COUNT-{name}"])
    return rows


def _rates(call: Call) -> Body:
    fees, _ = call.venue.exchange.fees(call.account)
    return {"maker": eight(fees.maker), "taker": eight(fees.taker), "buyer": ZERO, "seller": ZERO}


def _trade(row: AccountTrade) -> Body:
    return {
        "symbol": row.symbol,
        "id": row.trade_id,
        "orderId": row.order_id,
        "orderListId": -1,
        "price": eight(row.price),
        "qty": eight(row.qty),
        "quoteQty": eight(row.price * row.qty),
        "commission": eight(row.commission),
        "commissionAsset": row.commission_asset,
        "time": row.ts_ms,
        "isBuyer": row.side.sign > 0,
        "isMaker": row.is_maker,
        "isBestMatch": True,
    }


TABLE: Table = {
    ("GET", "/api/v3/account"): Endpoint(handler=account),
    ("GET", "/api/v3/account/commission"): Endpoint(handler=commission),
    ("GET", "/api/v3/myTrades"): Endpoint(handler=my_trades),
    ("GET", "/api/v3/rateLimit/order"): Endpoint(handler=order_limits),
}
