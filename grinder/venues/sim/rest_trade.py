"""REST calls that place, change, cancel and show orders."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from grinder.model.order import OrderType, TimeInForce
from grinder.simulation.orders import Order, PriceMatch
from grinder.simulation.refusals import Refusal, Rule
from grinder.venues.sim import rest_algo
from grinder.venues.sim.params import (
    DAYS_MAX,
    Params,
    as_text,
    elements,
    named_texts,
    new_order,
    price_match_of,
    side_of,
    wants_result,
)
from grinder.venues.sim.refusing import ApiRefusal, is_whole, mandatory
from grinder.venues.sim.rendering import Body, force_order, listed_order, read_order, written_order
from grinder.venues.sim.rest import Call, Endpoint, Table, note_refusal

PLACED_BATCH_MAX = 5
CANCELED_BATCH_MAX = 10
AMENDMENT_TAIL = "modifyId"


def place(call: Call) -> Any:
    """Place one order."""
    return _placed(call, call.params)


def place_batch(call: Call) -> Any:
    """Place up to five orders; each answer is an order or an error."""
    wanted = elements(call.params, PLACED_BATCH_MAX)
    return [_one_of_batch(call, "place", values, _placed) for values in wanted]


def amend(call: Call) -> Any:
    """Change price and total quantity of one order."""
    return _amended(call, call.params)


def amend_batch(call: Call) -> Any:
    """Change up to five orders; each answer is an order or an error."""
    wanted = elements(call.params, PLACED_BATCH_MAX)
    return [_one_of_batch(call, "amend", values, _amended) for values in wanted]


def _one_of_batch(
    call: Call,
    operation: str,
    values: Mapping[str, Any],
    carry_out: Callable[[Call, Params], Body],
) -> Body:
    texts: Mapping[str, str] = {}
    try:
        texts = named_texts(values)
        return carry_out(call, Params(texts))
    except (Refusal, ApiRefusal) as refusal:
        answer = call.venue.product.refused(refusal)
        # What the elements before it did stands before it in the log.
        call.venue.collect(call.now_ms)
        note_refusal(call.venue, call.account, operation, texts, answer)
        return answer


def _amended(call: Call, params: Params) -> Body:
    call.venue.faults.refusals.check("amend", params.values)
    price_match = price_match_of(params)
    is_priced = price_match is PriceMatch.NONE or params.maybe("price")
    order_id, client_id = _keys(params)
    modify_id = params.maybe_integer("modifyId")
    order = call.venue.exchange.amend(
        call.account,
        params.text("symbol"),
        order_id=order_id,
        client_order_id=client_id,
        side=side_of(params),
        price=params.decimal("price") if is_priced else None,
        price_match=price_match,
        qty=params.decimal("quantity"),
        reduce_only=params.flag("reduceOnly"),
        modify_id=modify_id,
        now_ms=call.now_ms,
    )
    answer = {**written_order(order), "pair": order.symbol}
    return answer if modify_id is None else {**answer, AMENDMENT_TAIL: modify_id}


def cancel(call: Call) -> Any:
    """Cancel one order."""
    call.venue.faults.refusals.check("cancel", call.params.values)
    order_id, client_id = _keys(call.params)
    order = call.venue.exchange.cancel(
        call.account,
        call.params.text("symbol"),
        order_id=order_id,
        client_order_id=client_id,
        now_ms=call.now_ms,
    )
    return written_order(order)


def cancel_batch(call: Call) -> Any:
    """Cancel up to ten orders by order ids or by client ids."""
    symbol = call.params.text("symbol")
    # Some clients write these two names in small letters, which the venue takes as well.
    small = {"orderidlist": "orderIdList", "origclientorderidlist": "origClientOrderIdList"}
    params = Params({small.get(key, key): value for key, value in call.params.values.items()})
    name = "orderIdList" if params.maybe("orderIdList") else "origClientOrderIdList"
    answers: list[Body] = []
    is_id = name == "orderIdList"
    keys = [as_text(name, each) for each in params.array(name, CANCELED_BATCH_MAX)]
    if is_id and not all(is_whole(each) for each in keys):
        raise mandatory(name)
    for value in keys:
        key = "orderId" if is_id else "origClientOrderId"
        wanted = {"symbol": symbol, key: value}
        try:
            call.venue.faults.refusals.check("cancel", wanted)
            order = call.venue.exchange.cancel(
                call.account,
                symbol,
                order_id=int(value) if is_id else None,
                client_order_id=None if is_id else value,
                now_ms=call.now_ms,
            )
            answers.append(written_order(order))
        except (Refusal, ApiRefusal) as refusal:
            answers.append(call.venue.product.refused(refusal))
            call.venue.collect(call.now_ms)
            note_refusal(call.venue, call.account, "cancel", wanted, answers[-1])
    return answers


def cancel_all(call: Call) -> Any:
    """Cancel every open order of a symbol."""
    call.venue.exchange.cancel_all(call.account, call.params.text("symbol"), call.now_ms)
    return {"code": 200, "msg": "The operation of cancel all open order is done."}


def countdown(call: Call) -> Any:
    """Set or stop the dead-man switch of a symbol."""
    symbol = call.params.text("symbol")
    countdown_ms = call.params.integer("countdownTime")
    call.venue.exchange.set_countdown(call.account, symbol, countdown_ms, call.now_ms)
    return {"symbol": symbol, "countdownTime": str(countdown_ms)}


def query(call: Call) -> Any:
    """Return one order, open or closed."""
    return read_order(_found(call))


def query_open(call: Call) -> Any:
    """Return one open order."""
    order = _found(call)
    if order.status.is_terminal:
        raise Refusal(Rule.UNKNOWN_ON_QUERY)
    return read_order(order)


def open_orders(call: Call) -> Any:
    """Return the open orders of one symbol or of all."""
    found = call.venue.exchange.open_orders(call.account, call.params.maybe("symbol"))
    return [read_order(order) for order in found]


def all_orders(call: Call) -> Any:
    """Return orders of every status."""
    return [listed_order(order) for order in _orders(call)]


def force_orders(call: Call) -> Any:
    """Return the account's liquidation orders: those that the venue itself named."""
    found = _orders(call)
    return [force_order(each) for each in found if each.client_order_id.startswith("autoclose-")]


def _orders(call: Call) -> list[Order]:
    symbol = call.params.maybe("symbol")
    limit, from_id = call.params.limit(500, 1000), call.params.maybe_integer("orderId")
    start_ms, end_ms = call.params.window(DAYS_MAX)
    found: list[Order] = []
    for each in [symbol] if symbol else call.venue.books:
        found.extend(
            call.venue.exchange.orders(
                call.account,
                each,
                now_ms=call.now_ms,
                from_order_id=from_id,
                start_ms=start_ms,
                end_ms=end_ms,
                limit=limit,
            )
        )
    found.sort(key=_order_id)
    return found[-limit:] if from_id is None and start_ms is None else found[:limit]


def _order_id(order: Order) -> int:
    return order.order_id


def _placed(call: Call, params: Params) -> Body:
    wants = wants_result(params)
    call.venue.faults.refusals.check("place", params.values)
    order = call.venue.exchange.place(call.account, new_order(params), call.now_ms)
    waits = order.type is OrderType.MARKET or order.time_in_force in (
        TimeInForce.IOC,
        TimeInForce.FOK,
    )
    return written_order(order, is_acknowledged=not (wants and waits))


def _found(call: Call) -> Order:
    order_id, client_id = _keys(call.params)
    return call.venue.exchange.order(
        call.account,
        call.params.text("symbol"),
        order_id=order_id,
        client_order_id=client_id,
        now_ms=call.now_ms,
    )


def _keys(params: Params) -> tuple[int | None, str | None]:
    return params.maybe_integer("orderId"), params.maybe("origClientOrderId")


ORDER = "/fapi/v1/order"
BATCH = "/fapi/v1/batchOrders"

TABLE: Table = {
    ("POST", ORDER): Endpoint(handler=place, order_cost=(1, 1), operation="place"),
    ("PUT", ORDER): Endpoint(handler=amend, order_cost=(1, 1), operation="amend"),
    ("DELETE", ORDER): Endpoint(handler=cancel, operation="cancel"),
    ("GET", ORDER): Endpoint(handler=query),
    ("GET", "/fapi/v1/openOrder"): Endpoint(handler=query_open),
    ("GET", "/fapi/v1/openOrders"): Endpoint(handler=open_orders),
    ("GET", "/fapi/v1/allOrders"): Endpoint(handler=all_orders),
    ("POST", BATCH): Endpoint(handler=place_batch, order_cost=(5, 1), operation="place"),
    ("PUT", BATCH): Endpoint(handler=amend_batch, order_cost=(5, 1), operation="amend"),
    ("DELETE", BATCH): Endpoint(handler=cancel_batch, operation="cancel"),
    ("DELETE", "/fapi/v1/allOpenOrders"): Endpoint(handler=cancel_all, operation="cancel"),
    ("POST", "/fapi/v1/countdownCancelAll"): Endpoint(handler=countdown),
    **rest_algo.TABLE,
}
