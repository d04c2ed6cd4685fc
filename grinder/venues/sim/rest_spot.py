"""Spot by REST: orders."""

from __future__ import annotations

from typing import Any

from grinder.simulation.orders import Order
from grinder.simulation.refusals import Refusal, Rule
from grinder.simulation.reports import AccountTrade
from grinder.venues.sim.params import Params
from grinder.venues.sim.refusing import ApiRefusal, mandatory
from grinder.venues.sim.rendering import Body, eight
from grinder.venues.sim.rest import Call, Endpoint, Table
from grinder.venues.sim.spotframes import kind_of, quote_qty_of, time_in_force_of
from grinder.venues.sim.spotorders import ZERO, new_order, spot_exchange

RESPONSES = ("ACK", "RESULT", "FULL")
MODES = ("STOP_ON_FAILURE", "ALLOW_FAILURE")


def place(call: Call) -> Any:
    """Place one order."""
    return _placed(call, call.params)


def test_order(call: Call) -> Any:
    """Judge an order as placing it would, funds included, without placing it."""
    call.venue.exchange.check(call.account, new_order(call, call.params), call.now_ms)
    return {}


def cancel(call: Call) -> Any:
    """Cancel one order."""
    return _canceled(call, *_keys(call.params))


def cancel_all(call: Call) -> Any:
    """Cancel every open order of a symbol."""
    symbol = call.params.text("symbol")
    found = call.venue.exchange.open_orders(call.account, symbol)
    if not found:
        raise Refusal(Rule.UNKNOWN_ON_CANCEL)
    return [_canceled(call, order.order_id, None) for order in found]


def query(call: Call) -> Any:
    """Return one order, open or closed."""
    order_id, client_id = _keys(call.params)
    order = call.venue.exchange.order(
        call.account,
        call.params.text("symbol"),
        order_id=order_id,
        client_order_id=client_id,
        now_ms=call.now_ms,
    )
    return read_order(order)


def open_orders(call: Call) -> Any:
    """Return the open orders of one symbol or of all."""
    found = call.venue.exchange.open_orders(call.account, call.params.maybe("symbol"))
    return [read_order(order) for order in found]


def all_orders(call: Call) -> Any:
    """Return orders of every status of a symbol."""
    params = call.params
    start_ms, end_ms = params.window(1)
    found = call.venue.exchange.orders(
        call.account,
        params.text("symbol"),
        now_ms=call.now_ms,
        from_order_id=params.maybe_integer("orderId"),
        start_ms=start_ms,
        end_ms=end_ms,
        limit=params.limit(500, 1000),
    )
    return [read_order(order) for order in found]


def cancel_replace(call: Call) -> Any:
    """Cancel an order and place another, even where cancelling failed if that is allowed."""
    params = call.params
    mode = params.text("cancelReplaceMode")
    if mode not in MODES:
        raise mandatory("cancelReplaceMode")
    client_id = params.maybe("cancelOrigClientOrderId")
    order_id = params.maybe_integer("cancelOrderId")
    if order_id is None and client_id is None:
        raise Refusal(Rule.NO_ORDER_KEY)
    new_order(call, params)
    canceled, first = _tried(call, lambda: _canceled(call, order_id, client_id))
    if not canceled and mode == "STOP_ON_FAILURE":
        raise _replace_failed(-2022, first, None)
    placed, second = _tried(call, lambda: _placed(call, params))
    if not (canceled and placed):
        code = -2021 if canceled or placed else -2022
        raise _replace_failed(code, first, second)
    return _replaced(first, second)


def keep_priority(call: Call) -> Any:
    """Give an order a smaller quantity at its place in the queue."""
    order_id, client_id = _keys(call.params)
    order = spot_exchange(call).shrink(
        call.account,
        call.params.text("symbol"),
        order_id=order_id,
        client_order_id=client_id,
        qty=call.params.decimal("newQty"),
        now_ms=call.now_ms,
    )
    return {
        "transactTime": call.now_ms,
        "executionId": order.order_id,
        "amendedOrder": {
            "symbol": order.symbol,
            "orderId": order.order_id,
            "orderListId": -1,
            "origClientOrderId": order.client_order_id,
            "clientOrderId": order.client_order_id,
            "price": eight(order.price),
            "qty": eight(order.qty),
            "executedQty": eight(order.filled_qty),
            "preventedQty": ZERO,
            "quoteOrderQty": quote_qty_of(order),
            "cumulativeQuoteQty": eight(order.filled_quote),
            "status": order.status.value,
            "timeInForce": time_in_force_of(order),
            "type": kind_of(order),
            "side": order.side.value,
            "workingTime": order.created_ms,
            "selfTradePreventionMode": order.self_trade_prevention.value,
        },
    }


def read_order(order: Order) -> Body:
    """Return an order as a read shows it."""
    return {
        **_head(order),
        "clientOrderId": order.client_order_id,
        **_terms(order),
        "stopPrice": ZERO,
        "icebergQty": ZERO,
        "time": order.created_ms,
        "updateTime": order.updated_ms,
        "isWorking": True,
        "workingTime": order.created_ms,
    }


def _head(order: Order) -> Body:
    return {"symbol": order.symbol, "orderId": order.order_id, "orderListId": -1}


def _terms(order: Order) -> Body:
    return {
        "price": eight(order.price),
        "origQty": eight(order.qty),
        "executedQty": eight(order.filled_qty),
        "origQuoteOrderQty": quote_qty_of(order),
        "cummulativeQuoteQty": eight(order.filled_quote),
        "status": order.status.value,
        "timeInForce": time_in_force_of(order),
        "type": kind_of(order),
        "side": order.side.value,
        "selfTradePreventionMode": order.self_trade_prevention.value,
    }


def _placed(call: Call, params: Params) -> Body:
    new = new_order(call, params)
    kind = params.text("type")
    response = params.maybe("newOrderRespType") or ("ACK" if kind == "LIMIT_MAKER" else "FULL")
    if response not in RESPONSES:
        raise mandatory("newOrderRespType")
    order = call.venue.exchange.place(call.account, new, call.now_ms)
    body: Body = {
        **_head(order),
        "clientOrderId": order.client_order_id,
        "transactTime": order.updated_ms,
    }
    if response == "ACK":
        return body
    body |= _terms(order) | {"workingTime": order.created_ms}
    if response == "FULL":
        rows = call.venue.exchange.trades(call.account, order.symbol, order_id=order.order_id)
        body["fills"] = [_fill(row) for row in rows]
    return body


def _canceled(call: Call, order_id: int | None, client_id: str | None) -> Body:
    order = call.venue.exchange.cancel(
        call.account,
        call.params.text("symbol"),
        order_id=order_id,
        client_order_id=client_id,
        now_ms=call.now_ms,
    )
    return {
        **_head(order),
        "origClientOrderId": order.client_order_id,
        "clientOrderId": f"cancel-{order.order_id}",
        "transactTime": order.updated_ms,
        **_terms(order),
    }


def _tried(call: Call, work: Any) -> tuple[bool, Body]:
    try:
        return True, work()
    except (Refusal, ApiRefusal) as refusal:
        return False, call.venue.product.refused(refusal)


def _replaced(first: Body | None, second: Body | None) -> Body:
    return {
        "cancelResult": _result(first),
        "newOrderResult": _result(second),
        "cancelResponse": first,
        "newOrderResponse": second,
    }


def _result(body: Body | None) -> str:
    if body is None:
        return "NOT_ATTEMPTED"
    return "FAILURE" if "code" in body else "SUCCESS"


def _replace_failed(code: int, first: Body, second: Body | None) -> ApiRefusal:
    is_partial = code == -2021
    text = (
        "Order cancel-replace partially failed." if is_partial else "Order cancel-replace failed."
    )
    return ApiRefusal(code, text, 409 if is_partial else 400, _replaced(first, second))


def _fill(row: AccountTrade) -> Body:
    return {
        "price": eight(row.price),
        "qty": eight(row.qty),
        "commission": eight(row.commission),
        "commissionAsset": row.commission_asset,
        "tradeId": row.trade_id,
    }


def _keys(params: Params) -> tuple[int | None, str | None]:
    return params.maybe_integer("orderId"), params.maybe("origClientOrderId")


ORDER = "/api/v3/order"

TABLE: Table = {
    ("POST", ORDER): Endpoint(handler=place, order_cost=(1, 1), operation="place"),
    ("POST", ORDER + "/test"): Endpoint(handler=test_order),
    ("DELETE", ORDER): Endpoint(handler=cancel, operation="cancel"),
    ("GET", ORDER): Endpoint(handler=query),
    ("POST", ORDER + "/cancelReplace"): Endpoint(
        handler=cancel_replace, order_cost=(1, 1), operation="place"
    ),
    ("PUT", ORDER + "/amend/keepPriority"): Endpoint(handler=keep_priority, operation="amend"),
    ("GET", "/api/v3/openOrders"): Endpoint(handler=open_orders),
    ("DELETE", "/api/v3/openOrders"): Endpoint(handler=cancel_all, operation="cancel"),
    ("GET", "/api/v3/allOrders"): Endpoint(handler=all_orders),
}
