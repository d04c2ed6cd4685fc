"""REST calls about an account: positions, balance, trades, settings and listen keys."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from grinder.model.order import Side
from grinder.simulation.brackets import notional_max
from grinder.simulation.orders import Order
from grinder.simulation.refusals import Refusal, Rule
from grinder.simulation.reports import IncomeType, PositionState
from grinder.venues.sim import rendering, rest_margin, userframes
from grinder.venues.sim.accounts import CROSSED, ISOLATED
from grinder.venues.sim.params import DAYS_MAX
from grinder.venues.sim.refusing import mandatory
from grinder.venues.sim.rendering import Holding
from grinder.venues.sim.rest import Call, Endpoint, Security, Table

SUCCESS = {"code": 200, "msg": "success"}


def position_v3(call: Call) -> Any:
    """Return the symbols with a position or an open order."""
    return [rendering.position_v3(each) for each in _wanted(call) if each.is_active]


def position_v2(call: Call) -> Any:
    """Return every symbol."""
    return [rendering.position_v2(each) for each in _wanted(call)]


def account_v3(call: Call) -> Any:
    """Return the account with the symbols in use."""
    balance = call.venue.exchange.balance(call.account)
    active = [each for each in _holdings(call) if each.is_active]
    return rendering.account(balance, active, call.now_ms, version=3)


def account_v2(call: Call) -> Any:
    """Return the account with every symbol."""
    balance = call.venue.exchange.balance(call.account)
    body = rendering.account(balance, _holdings(call), call.now_ms, version=2)
    return rendering.flags(_fee_tier(call)) | {"feeBurn": False} | body


def balance(call: Call) -> Any:
    """Return the balance of the one asset."""
    found = call.venue.exchange.balance(call.account)
    return [rendering.balance_row(found, call.account[:4], call.now_ms)]


def user_trades(call: Call) -> Any:
    """Return fills of a symbol, from an id on or of at most seven days."""
    params = call.params
    from_id = params.maybe_integer("fromId")
    if from_id is not None:
        for name in ("startTime", "endTime"):
            if params.maybe(name):
                raise Refusal(Rule.UNWANTED_PARAMETER, name=name)
    start_ms, end_ms = params.window(DAYS_MAX)
    rows = call.venue.exchange.trades(
        call.account,
        params.text("symbol"),
        now_ms=call.now_ms,
        order_id=params.maybe_integer("orderId"),
        from_id=from_id,
        start_ms=start_ms,
        end_ms=end_ms,
        limit=params.limit(500, 1000),
    )
    return [rendering.user_trade(row) for row in rows]


def income(call: Call) -> Any:
    """Return changes of the wallet: a page from a time on, or the newest page."""
    params = call.params
    start_ms, end_ms = params.window()
    limit, page = params.limit(100, 1000), max(1, params.maybe_integer("page") or 1)
    kind = params.maybe("incomeType")
    if kind is not None and kind not in IncomeType.__members__:
        # Kinds that never happen here are known words of the venue: an empty answer is true.
        return []
    rows = call.venue.exchange.income(
        call.account,
        now_ms=call.now_ms,
        symbol=params.maybe("symbol"),
        income_type=None if kind is None else IncomeType(kind),
        start_ms=start_ms,
        end_ms=end_ms,
        limit=limit * page,
    )
    first = limit * (page - 1) if start_ms is not None else max(0, len(rows) - limit * page)
    last = first + limit if start_ms is not None else max(0, len(rows) - limit * (page - 1))
    return [rendering.income(row) for row in rows[first:last]]


def commission_rate(call: Call) -> Any:
    """Return the account's fees, which are the same for every symbol."""
    fees, _ = call.venue.exchange.fees(call.account)
    return {
        "symbol": call.venue.book(call.params.text("symbol")).instrument.symbol,
        "makerCommissionRate": rendering.rate(fees.maker),
        "takerCommissionRate": rendering.rate(fees.taker),
        "rpiCommissionRate": rendering.rate(fees.maker),
    }


def leverage_bracket(call: Call) -> Any:
    """Return the notional tiers, for one symbol or for all."""
    symbol = call.params.maybe("symbol")
    names = [call.venue.book(symbol).instrument.symbol] if symbol else list(call.venue.books)
    return [
        {
            "symbol": name,
            "notionalCoef": 1.0,
            "brackets": [rendering.bracket(each) for each in call.venue.exchange.brackets(name)],
        }
        for name in names
    ]


def set_leverage(call: Call) -> Any:
    """Set the leverage of a symbol and tell its owner."""
    symbol = call.venue.book(call.params.text("symbol")).instrument.symbol
    leverage = call.params.integer("leverage")
    call.venue.exchange.set_leverage(call.account, symbol, leverage)
    most = str(notional_max(call.venue.exchange.brackets(symbol), leverage))
    frame = userframes.leverage_changed(symbol, leverage, call.now_ms)
    call.venue.tell(call.account, [frame])
    return {"leverage": leverage, "maxNotionalValue": most, "symbol": symbol}


def set_margin_type(call: Call) -> Any:
    """Choose crossed or isolated margin for a symbol."""
    symbol = call.venue.book(call.params.text("symbol")).instrument.symbol
    margin_type = call.params.text("marginType")
    if margin_type not in (CROSSED, ISOLATED):
        raise mandatory("marginType")
    call.venue.exchange.set_isolated(call.account, symbol, margin_type == ISOLATED)
    return SUCCESS


def dual_side(call: Call) -> Any:
    """Return the position mode: true is hedge mode."""
    return {"dualSidePosition": call.venue.exchange.is_hedged(call.account)}


def set_dual_side(call: Call) -> Any:
    """Choose hedge or one-way mode for every symbol."""
    call.params.text("dualSidePosition")
    call.venue.exchange.set_hedged(call.account, call.params.flag("dualSidePosition"))
    return SUCCESS


def multi_assets(_: Call) -> Any:
    """Return the margin mode: always one asset."""
    return {"multiAssetsMargin": False}


def symbol_config(call: Call) -> Any:
    """Return leverage and margin type of one symbol or of all."""
    wanted = {each.position.symbol: each for each in _wanted(call)}
    return [
        {
            "symbol": symbol,
            "marginType": ISOLATED if each.position.is_isolated else CROSSED,
            "isAutoAddMargin": False,
            "leverage": each.leverage,
            "maxNotionalValue": str(each.notional_max),
        }
        for symbol, each in wanted.items()
    ]


def account_config(call: Call) -> Any:
    """Return the settings of the account."""
    return {
        **rendering.flags(_fee_tier(call)),
        "dualSidePosition": call.venue.exchange.is_hedged(call.account),
    }


def start_listening(call: Call) -> Any:
    """Return the account's listen key, new or extended."""
    return {"listenKey": call.venue.accounts.listen(call.account, call.now_ms)}


def keep_listening(call: Call) -> Any:
    """Extend the account's listen key."""
    return {"listenKey": call.venue.accounts.keep_listening(call.account, call.now_ms)}


def stop_listening(call: Call) -> Any:
    """Close the account's listen key."""
    call.venue.accounts.stop_listening(call.account)
    return {}


def _fee_tier(call: Call) -> int:
    return call.venue.exchange.fees(call.account)[1]


def _wanted(call: Call) -> list[Holding]:
    symbol = call.params.maybe("symbol")
    return _legs(call, call.venue.book(symbol).instrument.symbol) if symbol else _holdings(call)


def _holdings(call: Call) -> list[Holding]:
    return [each for symbol in call.venue.books for each in _legs(call, symbol)]


def _legs(call: Call, symbol: str) -> list[Holding]:
    orders = call.venue.exchange.open_orders(call.account, symbol)
    return [
        _holding(call, position, [each for each in orders if each.position_side is position.side])
        for position in call.venue.exchange.legs(call.account, symbol)
    ]


def _holding(call: Call, position: PositionState, orders: list[Order]) -> Holding:
    exchange, symbol = call.venue.exchange, position.symbol
    book = call.venue.books[symbol]
    leverage = exchange.leverage(call.account, symbol)
    notionals = {Side.BUY: Decimal(0), Side.SELL: Decimal(0)}
    for order in orders:
        if not order.reduce_only:
            notionals[order.side] += order.price * (order.qty - order.filled_qty)
    return Holding(
        instrument=book.instrument,
        position=position,
        mark_price=book.mark.mark_price if book.mark else Decimal(0),
        leverage=leverage,
        notional_max=notional_max(exchange.brackets(symbol), leverage),
        liquidation_price=exchange.liquidation_price(call.account, symbol, position.side),
        bid_notional=notionals[Side.BUY],
        ask_notional=notionals[Side.SELL],
        has_orders=bool(orders),
    )


DUAL = "/fapi/v1/positionSide/dual"
LISTEN_KEY = "/fapi/v1/listenKey"

TABLE: Table = {
    ("GET", "/fapi/v3/positionRisk"): Endpoint(handler=position_v3),
    ("GET", "/fapi/v2/positionRisk"): Endpoint(handler=position_v2),
    ("GET", "/fapi/v3/account"): Endpoint(handler=account_v3),
    ("GET", "/fapi/v2/account"): Endpoint(handler=account_v2),
    ("GET", "/fapi/v3/balance"): Endpoint(handler=balance),
    ("GET", "/fapi/v2/balance"): Endpoint(handler=balance),
    ("GET", "/fapi/v1/userTrades"): Endpoint(handler=user_trades),
    ("GET", "/fapi/v1/income"): Endpoint(handler=income),
    ("GET", "/fapi/v1/commissionRate"): Endpoint(handler=commission_rate),
    ("GET", "/fapi/v1/leverageBracket"): Endpoint(handler=leverage_bracket),
    ("POST", "/fapi/v1/leverage"): Endpoint(handler=set_leverage),
    ("POST", "/fapi/v1/marginType"): Endpoint(handler=set_margin_type),
    ("GET", DUAL): Endpoint(handler=dual_side),
    ("POST", DUAL): Endpoint(handler=set_dual_side),
    ("GET", "/fapi/v1/multiAssetsMargin"): Endpoint(handler=multi_assets),
    ("GET", "/fapi/v1/symbolConfig"): Endpoint(handler=symbol_config),
    ("GET", "/fapi/v1/accountConfig"): Endpoint(handler=account_config),
    ("POST", LISTEN_KEY): Endpoint(handler=start_listening, security=Security.KEY),
    ("PUT", LISTEN_KEY): Endpoint(handler=keep_listening, security=Security.KEY),
    ("DELETE", LISTEN_KEY): Endpoint(handler=stop_listening, security=Security.KEY),
    **rest_margin.TABLE,
}
