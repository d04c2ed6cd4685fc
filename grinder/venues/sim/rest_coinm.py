"""COIN-M by REST: the calls of USDT-M under its paths, in coin, with pairs; and its own account."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import attrs

from grinder.simulation.brackets import notional_max
from grinder.simulation.reports import Balance, PositionState
from grinder.simulation.scales import scale_of
from grinder.venues.sim import (
    rendering,
    rest_account,
    rest_candles,
    rest_market,
    rest_more,
    rest_trade,
    userframes,
)
from grinder.venues.sim.coinmframes import pair_of
from grinder.venues.sim.rendering import Body, eight, plain
from grinder.venues.sim.rest import Call, Endpoint, Handler, Table
from grinder.venues.sim.venue import Venue

LISTED = ("ticker/bookTicker", "ticker/price", "ticker/24hr", "premiumIndex")
"""Calls that answer with an array even for one symbol."""

SHARED = {
    *LISTED,
    "ping",
    "time",
    "depth",
    "fundingRate",
    "klines",
    "markPriceKlines",
    "premiumIndexKlines",
    "trades",
    "historicalTrades",
    "aggTrades",
    "openInterest",
    "fundingInfo",
    "order",
    "openOrder",
    "openOrders",
    "allOrders",
    "batchOrders",
    "allOpenOrders",
    "countdownCancelAll",
    "orderAmendment",
    "userTrades",
    "income",
    "commissionRate",
    "marginType",
    "positionMargin",
    "positionMargin/history",
    "positionSide/dual",
    "listenKey",
    "forceOrders",
    "adlQuantile",
    "algoOrder",
    "openAlgoOrders",
    "allAlgoOrders",
    "algoOpenOrders",
}
"""Calls of ``/fapi/v1`` that COIN-M has as well."""

UNPAIRED = (
    "fundingRate",
    "countdownCancelAll",
    "income",
    "commissionRate",
    "adlQuantile",
    "positionMargin/history",
)
"""Calls whose rows name a symbol and no pair."""


def exchange_info(call: Call) -> Any:
    """Return the contracts that are traded here, with their filters and the rate limits."""
    info, limits, states = call.venue.info, call.venue.config.limits, call.venue.faults.states
    wanted = {"REQUEST_WEIGHT": limits.weight_1m, "ORDERS": limits.orders_1m}
    return {
        **info,
        "serverTime": call.now_ms,
        "rateLimits": [
            {**row, "limit": wanted[row["rateLimitType"]]} for row in info["rateLimits"]
        ],
        "symbols": [
            {**row, "contractStatus": states[name].published} if name in states else row
            for row in info["symbols"]
            if (name := row["symbol"]) in call.venue.books
        ],
    }


def balance(call: Call) -> Any:
    """Return the balance of every coin."""
    return [_balance(each, call) for each in call.venue.exchange.balances(call.account)]


def _balance(held: Balance, call: Call) -> Body:
    row = rendering.balance_row(held, call.account[:4], call.now_ms)
    del row["maxWithdrawAmount"], row["marginAvailable"]
    return {**row, "withdrawAvailable": eight(held.available)}


def account(call: Call) -> Any:
    """Return the account: every coin, every position."""
    positions = [_account_position(call, each) for each in _positions(call)]
    return {
        "feeTier": call.venue.exchange.fees(call.account)[1],
        "canTrade": True,
        "canDeposit": True,
        "canWithdraw": True,
        "updateTime": 0,
        "assets": [_asset(call, each) for each in call.venue.exchange.balances(call.account)],
        "positions": positions,
    }


def position_risk(call: Call) -> Any:
    """Return the positions of every symbol, or of one pair or margin asset."""
    wanted = call.params.maybe("pair"), call.params.maybe("marginAsset")
    return [
        _position(call, each)
        for each in _positions(call)
        if wanted[0] in (None, pair_of(each.symbol))
        and wanted[1] in (None, call.venue.instruments[each.symbol].base_asset)
    ]


def leverage_bracket(call: Call) -> Any:
    """Return the tiers by symbol, in coin."""
    symbol = call.params.maybe("symbol")
    names = [call.venue.book(symbol).instrument.symbol] if symbol else list(call.venue.books)
    return [{"symbol": name, "notionalCoef": 1.0, **_brackets(call, name)} for name in names]


def pair_bracket(call: Call) -> Any:
    """Return the tiers by pair, in coin."""
    wanted = call.params.maybe("pair")
    pairs = {pair_of(name): name for name in call.venue.books}
    return [
        {"pair": pair, **_brackets(call, name)}
        for pair, name in pairs.items()
        if wanted in (None, pair)
    ]


def set_leverage(call: Call) -> Any:
    """Set the leverage of a symbol and tell its owner."""
    symbol = call.venue.book(call.params.text("symbol")).instrument.symbol
    leverage = call.params.integer("leverage")
    call.venue.exchange.set_leverage(call.account, symbol, leverage)
    frame = userframes.leverage_changed(symbol, leverage, call.now_ms)
    call.venue.tell(call.account, [frame])
    return {"leverage": leverage, "maxQty": _max_qty(call, symbol, leverage), "symbol": symbol}


def _brackets(call: Call, symbol: str) -> Body:
    return {
        "brackets": [
            {
                "bracket": row.number,
                "initialLeverage": row.leverage_max,
                "qtyCap": row.cap,
                "qtyFloor": row.floor,
                "maintMarginRatio": float(row.rate),
                "cum": float(row.cum),
            }
            for row in call.venue.exchange.brackets(symbol)
        ]
    }


def _max_qty(call: Call, symbol: str, leverage: int) -> str:
    return str(notional_max(call.venue.exchange.brackets(symbol), leverage))


def _positions(call: Call) -> list[PositionState]:
    exchange, books = call.venue.exchange, call.venue.books
    return [each for symbol in books for each in exchange.legs(call.account, symbol)]


def _common(call: Call, state: PositionState) -> Body:
    leverage = call.venue.exchange.leverage(call.account, state.symbol)
    return {
        "symbol": state.symbol,
        "positionAmt": plain(state.qty),
        "entryPrice": plain(state.entry_price) if state.qty else "0.0",
        "breakEvenPrice": plain(state.break_even) if state.qty else "0.0",
        "leverage": str(leverage),
        "maxQty": _max_qty(call, state.symbol, leverage),
        "positionSide": state.side.value,
        "updateTime": state.updated_ms,
    }


def _position(call: Call, state: PositionState) -> Body:
    exchange, mark = call.venue.exchange, call.venue.books[state.symbol].mark
    margins = exchange.margins(call.account, state.symbol, state.side)
    liquidation = exchange.liquidation_price(call.account, state.symbol, state.side)
    left = state.isolated_wallet + state.unrealised if state.is_isolated else Decimal(0)
    return _common(call, state) | {
        "markPrice": eight(mark.mark_price if mark else Decimal(0)),
        "unRealizedProfit": eight(state.unrealised),
        "liquidationPrice": plain(liquidation) if liquidation else "0",
        "marginType": "isolated" if state.is_isolated else "cross",
        "isolatedMargin": eight(left),
        "isAutoAddMargin": "false",
        "notionalValue": eight(margins.value) if state.qty else "0",
        "isolatedWallet": eight(state.isolated_wallet) if state.isolated_wallet else "0",
    }


def _account_position(call: Call, state: PositionState) -> Body:
    margins = call.venue.exchange.margins(call.account, state.symbol, state.side)
    return _common(call, state) | {
        "initialMargin": eight(margins.position + margins.orders),
        "maintMargin": eight(state.maintenance),
        "unrealizedProfit": eight(state.unrealised),
        "positionInitialMargin": eight(margins.position),
        "openOrderInitialMargin": eight(margins.orders),
        "isolated": state.is_isolated,
    }


def _asset(call: Call, held: Balance) -> Body:
    instruments, exchange = call.venue.instruments, call.venue.exchange
    maintenance = sum(
        (
            state.maintenance
            for state in exchange.positions(call.account)
            if instruments[state.symbol].base_asset == held.asset
        ),
        Decimal(0),
    )
    return {
        "asset": held.asset,
        "walletBalance": eight(held.wallet),
        "unrealizedProfit": eight(held.unrealised),
        "marginBalance": eight(held.wallet + held.unrealised),
        "maintMargin": eight(maintenance),
        "initialMargin": eight(held.position_margin + held.order_margin),
        "positionInitialMargin": eight(held.position_margin),
        "openOrderInitialMargin": eight(held.order_margin),
        "maxWithdrawAmount": eight(held.available),
        "crossWalletBalance": eight(held.cross_wallet),
        "crossUnPnl": eight(held.cross_unrealised),
        "availableBalance": eight(held.available),
        "updateTime": call.now_ms,
    }


def _coined(name: str, handler: Handler) -> Handler:
    """Let a handler of USDT-M answer as COIN-M does."""

    def handle(call: Call) -> Any:
        answer = handler(call)
        if name in LISTED and isinstance(answer, dict):
            answer = [answer]
        if not isinstance(answer, list):
            if name == "depth":
                answer["symbol"] = call.params.text("symbol")
            return _in_coin(call.venue, name, answer)
        pair = call.params.maybe("pair")
        rows = [_in_coin(call.venue, name, row) for row in answer]
        return [row for row in rows if pair is None or row.get("pair") in (None, pair)]

    return handle


def _in_coin(venue: Venue, name: str, row: Any) -> Any:
    if not isinstance(row, dict):
        return row
    if row.get("symbol") in venue.instruments and name not in UNPAIRED:
        row["pair"] = pair_of(row["symbol"])
    if "cumQuote" in row:
        row["cumBase"] = eight(Decimal(row.pop("cumQuote")))
    if "quoteQty" in row and name != "userTrades":
        row["baseQty"] = eight(Decimal(row.pop("quoteQty")))
    if name == "userTrades":
        _in_base(venue, row)
    if name == "ticker/24hr":
        row["baseVolume"] = row.pop("quoteVolume")
    if name == "aggTrades":
        del row["nq"]
    if name == "commissionRate":
        del row["rpiCommissionRate"]
    return row


def _in_base(venue: Venue, row: Body) -> None:
    instrument = venue.instruments[row["symbol"]]
    scale = scale_of(instrument)
    del row["quoteQty"]
    ticks, lots = (
        instrument.ticks_exact(Decimal(row["price"])),
        instrument.lots_exact(Decimal(row["qty"])),
    )
    row["baseQty"] = eight(scale.total(scale.worth(ticks) * lots))


FAPI = "/fapi/v1/"
EVERY: Table = {
    **rest_candles.TABLE,
    **rest_more.TABLE,
    **rest_market.TABLE,
    **rest_trade.TABLE,
    **rest_account.TABLE,
}

TABLE: Table = {
    **{
        (method, path.replace("/fapi/", "/dapi/")): attrs.evolve(
            endpoint, handler=_coined(path.removeprefix(FAPI), endpoint.handler)
        )
        for (method, path), endpoint in EVERY.items()
        if path.removeprefix(FAPI) in SHARED
    },
    ("GET", "/dapi/v1/exchangeInfo"): attrs.evolve(
        EVERY["GET", "/fapi/v1/exchangeInfo"], handler=exchange_info
    ),
    ("GET", "/dapi/v1/balance"): Endpoint(handler=balance),
    ("GET", "/dapi/v1/account"): Endpoint(handler=account),
    ("GET", "/dapi/v1/positionRisk"): Endpoint(handler=position_risk),
    ("GET", "/dapi/v1/leverageBracket"): Endpoint(handler=pair_bracket),
    ("GET", "/dapi/v2/leverageBracket"): Endpoint(handler=leverage_bracket),
    ("POST", "/dapi/v1/leverage"): Endpoint(handler=set_leverage),
}
