"""REST calls for conditional orders, which live apart from ordinary ones (the algo service)."""

from __future__ import annotations

from typing import Any

from grinder.model.order import TimeInForce
from grinder.simulation.algo import Algo, AlgoType, NewAlgo, WorkingType
from grinder.simulation.refusals import Refusal, Rule
from grinder.venues.sim.params import (
    DAYS_MAX,
    Params,
    position_side_of,
    prevention_of,
    price_match_of,
    side_of,
)
from grinder.venues.sim.refusing import ApiRefusal, mandatory
from grinder.venues.sim.rendering import Body, algo_terms, maybe_plain, plain
from grinder.venues.sim.rest import Call, Endpoint, Table


def place(call: Call) -> Any:
    """Keep one conditional order."""
    algo = call.venue.exchange.place_algo(call.account, new_algo(call.params), call.now_ms)
    new = algo.new
    return {
        **algo_terms(algo),
        "activatePrice": maybe_plain(new.activate_price),
        "callbackRate": maybe_plain(new.callback_rate),
    }


def cancel(call: Call) -> Any:
    """Cancel one conditional order."""
    algo_id, client_id = _keys(call.params)
    algo = call.venue.exchange.cancel_algo(
        call.account, algo_id=algo_id, client_algo_id=client_id, now_ms=call.now_ms
    )
    # The code of this answer is a text, unlike that of every other.
    return {
        "algoId": algo.algo_id,
        "clientAlgoId": algo.client_algo_id,
        "code": "200",
        "msg": "success",
    }


def cancel_all(call: Call) -> Any:
    """Cancel the conditional orders of a symbol."""
    call.venue.exchange.cancel_algos(call.account, call.params.text("symbol"), call.now_ms)
    return {"code": 200, "msg": "The operation of cancel all open order is done."}


def query(call: Call) -> Any:
    """Return one conditional order."""
    algo_id, client_id = _keys(call.params)
    found = call.venue.exchange.algo(
        call.account, algo_id=algo_id, client_algo_id=client_id, now_ms=call.now_ms
    )
    return read_algo(found)


def open_algos(call: Call) -> Any:
    """Return the conditional orders that wait."""
    found = call.venue.exchange.open_algos(call.account, call.params.maybe("symbol"))
    wanted = call.params.maybe_integer("algoId")
    return [listed_algo(each) for each in found if wanted is None or each.algo_id == wanted]


def all_algos(call: Call) -> Any:
    """Return conditional orders of every state: the first from an id or time, else the last."""
    params = call.params
    from_id = params.maybe_integer("algoId")
    start_ms, end_ms = params.window(DAYS_MAX)
    limit = params.limit(500, 1000)
    rows = [
        listed_algo(each)
        for each in call.venue.exchange.algos(call.account, params.text("symbol"), call.now_ms)
        if (from_id is None or each.algo_id >= from_id)
        and (start_ms is None or each.created_ms >= start_ms)
        and (end_ms is None or each.created_ms <= end_ms)
    ]
    return rows[-limit:] if from_id is None and start_ms is None else rows[:limit]


def new_algo(params: Params) -> NewAlgo:
    """Return the conditional order that the parameters ask for.

    Raises:
        ApiRefusal: a parameter is missing or malformed.
        Refusal: side or type is none of the venue's words.
    """
    if params.text("algoType") != "CONDITIONAL":
        raise mandatory("algoType")
    symbol, side, kind = params.text("symbol"), side_of(params), params.text("type")
    if kind not in AlgoType.__members__:
        raise Refusal(Rule.ORDER_TYPE)
    time_in_force = params.maybe("timeInForce") or "GTC"
    if time_in_force not in TimeInForce.__members__:
        raise ApiRefusal(-1115, "Invalid timeInForce.")
    working_type = params.maybe("workingType") or "CONTRACT_PRICE"
    if working_type not in WorkingType.__members__:
        raise mandatory("workingType")
    return NewAlgo(
        symbol=symbol,
        side=side,
        type=AlgoType(kind),
        qty=params.maybe_decimal("quantity"),
        trigger_price=params.maybe_decimal("triggerPrice"),
        price=params.maybe_decimal("price"),
        price_match=price_match_of(params),
        time_in_force=TimeInForce(time_in_force),
        good_till_ms=params.maybe_integer("goodTillDate"),
        position_side=position_side_of(params),
        reduce_only=params.flag("reduceOnly"),
        close_position=params.flag("closePosition"),
        working_type=WorkingType(working_type),
        price_protect=params.flag("priceProtect"),
        self_trade_prevention=prevention_of(params),
        activate_price=params.maybe_decimal("activatePrice"),
        callback_rate=params.maybe_decimal("callbackRate"),
        client_algo_id=params.maybe("clientAlgoId"),
    )


def read_algo(algo: Algo) -> Body:
    """Return a conditional order that was asked for."""
    return {
        **listed_algo(algo),
        "actualType": "LIMIT" if algo.new.type.is_limit else "MARKET",
        "actualQty": "0" if algo.order is None else plain(algo.order.filled_qty),
    }


def listed_algo(algo: Algo) -> Body:
    """Return a conditional order as a list shows it; what trails says so besides."""
    order, new = algo.order, algo.new
    trails = {
        "activatePrice": maybe_plain(new.activate_price),
        "callbackRate": maybe_plain(new.callback_rate),
    }
    return {
        **algo_terms(algo),
        "actualOrderId": "" if order is None else str(order.order_id),
        "actualPrice": "0.00000" if order is None else plain(order.average_price),
        "tpTriggerPrice": "0.000",
        "tpPrice": "0.000",
        "slTriggerPrice": "0.000",
        "slPrice": "0.000",
        "tpOrderType": "",
        **(trails if new.type is AlgoType.TRAILING_STOP_MARKET else {}),
    }


def _keys(params: Params) -> tuple[int | None, str | None]:
    return params.maybe_integer("algoId"), params.maybe("clientAlgoId")


ALGO = "/fapi/v1/algoOrder"

TABLE: Table = {
    ("POST", ALGO): Endpoint(handler=place, order_cost=(1, 1), operation="place"),
    ("DELETE", ALGO): Endpoint(handler=cancel, operation="cancel"),
    ("GET", ALGO): Endpoint(handler=query),
    ("GET", "/fapi/v1/openAlgoOrders"): Endpoint(handler=open_algos),
    ("GET", "/fapi/v1/allAlgoOrders"): Endpoint(handler=all_algos),
    ("DELETE", "/fapi/v1/algoOpenOrders"): Endpoint(handler=cancel_all, operation="cancel"),
}
