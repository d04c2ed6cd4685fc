"""Commands to requests: what is sent for each of them, as pure functions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import orjson

from grinder.messages.orders import CancelOrder, Placement
from grinder.messages.venue import QueryOrder, ReadFunding, SetCountdown
from grinder.model.instrument import Instrument
from grinder.model.legs import market_of
from grinder.model.order import OrderType, PositionSide, TimeInForce
from grinder.model.units import NS_PER_MS
from grinder.venues.http import Access, Request
from grinder.venues.signing import Parameters

ROWS_MAX = 1_000
DAY_MS = 86_400_000
TRADES_SPAN_MS = 7 * DAY_MS
"""A request for own trades that states only its beginning is answered for no longer than this."""
TRADES_KEPT_MS = 90 * DAY_MS
"""For so long the venue tells own trades, and refuses or leaves out what is older."""

PING = Request(method="GET", path="/fapi/v1/ping", access=Access.OPEN)
EXCHANGE_INFO = Request(method="GET", path="/fapi/v1/exchangeInfo", access=Access.OPEN)
ACCOUNT = Request(method="GET", path="/fapi/v3/account")
POSITIONS = Request(method="GET", path="/fapi/v3/positionRisk")
PRICES = Request(method="GET", path="/fapi/v2/ticker/price", access=Access.OPEN)
DEPTH_LEVELS = 1_000
"""Levels of a snapshot; the most there are, so that changes far from the best find their place."""
POSITION_MODE = Request(method="GET", path="/fapi/v1/positionSide/dual")
OPEN_LISTEN_KEY = Request(method="POST", path="/fapi/v1/listenKey", access=Access.KEY)
KEEP_LISTEN_KEY = Request(method="PUT", path="/fapi/v1/listenKey", access=Access.KEY)


def placements(orders: Sequence[Placement], instruments: Mapping[str, Instrument]) -> Request:
    """Return the request that places ``orders``, at least one and at most five."""
    if len(orders) == 1:
        return placement(orders[0], instruments[orders[0].symbol])
    rows = [dict(_ordered(each, instruments[each.symbol])) for each in orders]
    return Request(
        method="POST",
        path="/fapi/v1/batchOrders",
        parameters=(("batchOrders", orjson.dumps(rows).decode()),),
    )


def placement(order: Placement, instrument: Instrument) -> Request:
    """Return the request that places ``order`` alone."""
    return Request(method="POST", path="/fapi/v1/order", parameters=_ordered(order, instrument))


def _ordered(order: Placement, instrument: Instrument) -> Parameters:
    """Return the parameters of an order.

    RESULT is asked for only where the answer can say more than that the order rests: the venue
    then answers after matching.
    """
    # Side, type and time in force are texts already, spelt as the venue spells them.
    parameters: Parameters = (
        ("symbol", instrument.market),
        ("side", order.side),
        ("type", order.order_type),
        ("quantity", f"{instrument.qty(order.qty_lots):f}"),
        ("newClientOrderId", order.client_order_id),
    )
    is_limit = order.order_type is OrderType.LIMIT
    if is_limit:
        parameters += (
            ("price", f"{instrument.price(order.price_ticks):f}"),
            ("timeInForce", order.time_in_force),
        )
    leg = instrument.position_side
    if leg is not PositionSide.BOTH:
        # The flag must not be sent with it: the sides say what can only reduce.
        parameters += (("positionSide", leg),)
    elif order.reduce_only:
        parameters += (("reduceOnly", "true"),)
    if not is_limit or order.time_in_force in (TimeInForce.IOC, TimeInForce.FOK):
        parameters += (("newOrderRespType", "RESULT"),)
    return parameters


def cancellation(cancel: CancelOrder) -> Request:
    """Return the request that cancels an order by our name of it."""
    return Request(
        method="DELETE",
        path="/fapi/v1/order",
        parameters=(
            ("symbol", market_of(cancel.symbol)),
            ("origClientOrderId", cancel.client_order_id),
        ),
    )


def cancellations(cancels: Sequence[CancelOrder]) -> Request:
    """Return the request that cancels orders of one market, at least one and at most ten."""
    if len(cancels) == 1:
        return cancellation(cancels[0])
    names = [each.client_order_id for each in cancels]
    return Request(
        method="DELETE",
        path="/fapi/v1/batchOrders",
        parameters=(
            ("symbol", market_of(cancels[0].symbol)),
            ("origClientOrderIdList", orjson.dumps(names).decode()),
        ),
    )


def order_query(query: QueryOrder) -> Request:
    """Return the request that looks an order up by our name of it."""
    return Request(
        method="GET",
        path="/fapi/v1/order",
        parameters=(
            ("symbol", market_of(query.symbol)),
            ("origClientOrderId", query.client_order_id),
        ),
    )


def countdown(command: SetCountdown) -> Request:
    """Return the request that sets the venue's dead-man switch of a symbol."""
    return Request(
        method="POST",
        path="/fapi/v1/countdownCancelAll",
        parameters=(
            ("symbol", command.symbol),
            ("countdownTime", str(command.countdown_ms)),
        ),
    )


def open_orders(symbol: str) -> Request:
    """Return the request for the open orders of one symbol; all at once weigh forty times it."""
    return Request(method="GET", path="/fapi/v1/openOrders", parameters=(("symbol", symbol),))


def trades_from(symbol: str, trade_id: int) -> Request:
    """Return the request for own trades from an id on; the venue takes an id or a time."""
    return _own_trades(symbol, ("fromId", str(trade_id)))


def trades_since(symbol: str, start_ms: int) -> Request:
    """Return the request for own trades of the ``TRADES_SPAN_MS`` after a time, epoch ms."""
    return _own_trades(symbol, ("startTime", str(start_ms)))


def _own_trades(symbol: str, start: tuple[str, str]) -> Request:
    return Request(
        method="GET",
        path="/fapi/v1/userTrades",
        parameters=(("symbol", symbol), start, ("limit", str(ROWS_MAX))),
    )


def funding(command: ReadFunding) -> Request:
    """Return the request for funding payments."""
    return Request(
        method="GET",
        path="/fapi/v1/income",
        parameters=(
            ("incomeType", "FUNDING_FEE"),
            ("startTime", str(command.since_ns // NS_PER_MS)),
            ("limit", str(ROWS_MAX)),
        ),
    )


def depth(symbol: str) -> Request:
    """Return the request for a snapshot of the book; it weighs 20."""
    return _of_market("/fapi/v1/depth", symbol, ("limit", str(DEPTH_LEVELS)))


def day_ticker(symbol: str) -> Request:
    """Return the request for what was traded in the last 24 hours; it weighs 1."""
    return _of_market("/fapi/v1/ticker/24hr", symbol)


def open_interest(symbol: str) -> Request:
    """Return the request for the contracts that are open; it weighs 1."""
    return _of_market("/fapi/v1/openInterest", symbol)


def _of_market(path: str, symbol: str, *parameters: tuple[str, str]) -> Request:
    return Request(
        method="GET", path=path, parameters=(("symbol", symbol), *parameters), access=Access.OPEN
    )
