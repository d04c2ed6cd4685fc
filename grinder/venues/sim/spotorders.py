"""Spot orders as clients ask for them."""

from __future__ import annotations

import re
from decimal import Decimal

from grinder.model.order import OrderType, TimeInForce
from grinder.simulation.orders import NewOrder
from grinder.simulation.refusals import Refusal, Rule
from grinder.simulation.spot import SpotExchange
from grinder.venues.sim.params import Params, prevention_of, side_of
from grinder.venues.sim.refusing import ApiRefusal
from grinder.venues.sim.rendering import eight
from grinder.venues.sim.rest import Call

CLIENT_ID = re.compile(r"[a-zA-Z0-9_-]{1,36}")
KINDS = ("LIMIT", "LIMIT_MAKER", "MARKET")
LIVES = ("GTC", "IOC", "FOK")
ZERO = eight(Decimal(0))


def new_order(call: Call, params: Params) -> NewOrder:
    """Return the order that the parameters ask for.

    Raises:
        ApiRefusal: a parameter is missing, malformed, or not wanted with this type.
        Refusal: side, type or client id is none of the venue's.
    """
    symbol, side, kind = params.text("symbol"), side_of(params), params.text("type")
    call.venue.book(symbol)
    if kind not in KINDS:
        raise Refusal(Rule.ORDER_TYPE)
    time_in_force = _time_in_force(params, kind)
    client_id = params.maybe("newClientOrderId")
    if client_id is not None and not CLIENT_ID.fullmatch(client_id):
        raise Refusal(Rule.CLIENT_ID)
    if kind == "MARKET" and params.maybe("price"):
        raise _unwanted("price")
    price = None if kind == "MARKET" else params.decimal("price")
    quote_qty = params.maybe_decimal("quoteOrderQty")
    if quote_qty is None:
        qty = _quantity(params, kind)
    elif kind == "MARKET" and not params.maybe("quantity"):
        qty = spot_exchange(call).qty_for(call.account, symbol, side, quote_qty)
    else:
        raise _unwanted("quoteOrderQty")
    return NewOrder(
        symbol=symbol,
        side=side,
        type=OrderType.MARKET if kind == "MARKET" else OrderType.LIMIT,
        price=price,
        qty=qty,
        quote_qty=quote_qty,
        time_in_force=time_in_force,
        client_order_id=client_id,
        self_trade_prevention=prevention_of(params),
    )


def _time_in_force(params: Params, kind: str) -> TimeInForce:
    if kind == "LIMIT":
        text = params.text("timeInForce")
        if text not in LIVES:
            raise ApiRefusal(-1115, "Invalid timeInForce.")
        return TimeInForce(text)
    if params.maybe("timeInForce"):
        raise _unwanted("timeInForce")
    return TimeInForce.GTX if kind == "LIMIT_MAKER" else TimeInForce.GTC


def _quantity(params: Params, kind: str) -> Decimal:
    if kind == "MARKET" and not params.maybe("quantity"):
        raise ApiRefusal(
            -1102, "Param 'quantity' or 'quoteOrderQty' must be sent, but both were empty/null!"
        )
    return params.decimal("quantity")


def _unwanted(name: str) -> ApiRefusal:
    return ApiRefusal(-1106, f"Parameter '{name}' sent when not required.")


def spot_exchange(call: Call) -> SpotExchange:
    """Return the exchange of the venue that is called."""
    exchange = call.venue.exchange
    assert isinstance(exchange, SpotExchange), "the table of spot is served by its venue"
    return exchange
