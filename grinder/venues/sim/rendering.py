"""REST bodies of orders, trades and the account, as the venue words them.

Since mid-2026 the answers to placing, amending and cancelling carry ``cumQty`` but neither
``avgPrice`` nor ``cumQuote``; reads carry those two.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

import attrs

from grinder.model.instrument import Instrument
from grinder.model.order import OrderStatus, OrderType, Side
from grinder.simulation.algo import Algo
from grinder.simulation.brackets import Bracket
from grinder.simulation.orders import Order
from grinder.simulation.reports import AccountTrade, Balance, Income, PositionState

Body = dict[str, Any]


def plain(value: Decimal) -> str:
    """Return the text of an exact number, never in scientific notation."""
    return format(value, "f")


def eight(value: Decimal) -> str:
    """Return the text of a sum of money with the venue's eight decimals."""
    return f"{value:.8f}"


def written_order(order: Order, *, is_acknowledged: bool = False) -> Body:
    """Return the answer to a write.

    Args:
        order: the order after the write.
        is_acknowledged: show it as it was before matching (``newOrderRespType`` ACK).
    """
    filled = "0" if is_acknowledged else plain(order.filled_qty)
    status = OrderStatus.NEW if is_acknowledged else order.status
    return {
        "orderId": order.order_id,
        "symbol": order.symbol,
        "status": status.value,
        "clientOrderId": order.client_order_id,
        "executedQty": filled,
        "cumQty": filled,
        **_terms(order),
        "updateTime": order.created_ms if is_acknowledged else order.updated_ms,
    }


def read_order(order: Order) -> Body:
    """Return an order as a read shows it."""
    return {
        "orderId": order.order_id,
        "symbol": order.symbol,
        "status": order.status.value,
        "clientOrderId": order.client_order_id,
        "avgPrice": plain(order.average_price) if order.filled_lots else "0.00000",
        "executedQty": plain(order.filled_qty),
        "cumQuote": plain(order.filled_quote),
        **_terms(order),
        "time": order.created_ms,
        "updateTime": order.updated_ms,
    }


def listed_order(order: Order) -> Body:
    """Return an order as the list of all orders shows it, which adds two fields."""
    return {**read_order(order), "pair": order.symbol, "cumBase": plain(order.filled_qty)}


def force_order(order: Order) -> Body:
    """Return a liquidation order as their list shows it, which leaves some fields out."""
    left_out = ("priceProtect", "priceMatch", "selfTradePreventionMode", "goodTillDate")
    return {name: each for name, each in listed_order(order).items() if name not in left_out}


def _terms(order: Order) -> Body:
    return {
        "price": "0" if order.type is OrderType.MARKET else plain(order.price),
        "origQty": plain(order.qty),
        "timeInForce": order.time_in_force.value,
        "type": order.type.value,
        "reduceOnly": order.reduce_only,
        "closePosition": False,
        "side": order.side.value,
        "positionSide": order.position_side.value,
        "stopPrice": "0",
        "workingType": "CONTRACT_PRICE",
        "priceProtect": False,
        "origType": order.type.value,
        "priceMatch": order.price_match.value,
        "selfTradePreventionMode": order.self_trade_prevention.value,
        "goodTillDate": order.good_till_ms,
    }


def maybe_plain(value: Decimal | None, absent: str = "") -> str:
    """Return the text of an exact number, or ``absent`` for none."""
    return absent if value is None else plain(value)


def algo_terms(algo: Algo) -> Body:
    """Return what every answer about a conditional order shows."""
    new = algo.new
    return {
        "algoId": algo.algo_id,
        "clientAlgoId": algo.client_algo_id,
        "algoType": "CONDITIONAL",
        "orderType": new.type.value,
        "symbol": new.symbol,
        "side": new.side.value,
        "positionSide": new.position_side.value,
        "timeInForce": new.time_in_force.value,
        "quantity": maybe_plain(new.qty, "0"),
        "algoStatus": algo.status.value,
        "triggerPrice": maybe_plain(new.trigger_price, "0"),
        "price": maybe_plain(new.price, "0"),
        "icebergQuantity": None,
        "selfTradePreventionMode": new.self_trade_prevention.value,
        "workingType": new.working_type.value,
        "priceMatch": new.price_match.value,
        "closePosition": new.close_position,
        "priceProtect": new.price_protect,
        "reduceOnly": new.reduce_only,
        "createTime": algo.created_ms,
        "updateTime": algo.updated_ms,
        "triggerTime": algo.triggered_ms,
        "goodTillDate": new.good_till_ms or 0,
    }


def user_trade(trade: AccountTrade) -> Body:
    """Return one row of ``userTrades``."""
    return {
        "symbol": trade.symbol,
        "pair": trade.symbol,
        "id": trade.trade_id,
        "orderId": trade.order_id,
        "side": trade.side.value,
        "price": plain(trade.price),
        "qty": plain(trade.qty),
        "realizedPnl": eight(trade.realised_profit),
        "quoteQty": plain(trade.price * trade.qty),
        "baseQty": plain(trade.qty),
        "commission": eight(trade.commission),
        "commissionAsset": trade.commission_asset,
        "marginAsset": trade.commission_asset,
        "time": trade.ts_ms,
        "positionSide": trade.position_side.value,
        "buyer": trade.side is Side.BUY,
        "maker": trade.is_maker,
    }


def income(row: Income) -> Body:
    """Return one row of ``income``."""
    return {
        "symbol": row.symbol,
        "incomeType": row.type.value,
        "income": eight(row.amount),
        "asset": row.asset,
        "info": row.type.value,
        "time": row.ts_ms,
        "tranId": row.income_id,
        "tradeId": str(row.trade_id) if row.trade_id else "",
    }


def bracket(row: Bracket) -> Body:
    """Return one tier of ``leverageBracket``."""
    return {
        "bracket": row.number,
        "initialLeverage": row.leverage_max,
        "notionalCap": row.cap,
        "notionalFloor": row.floor,
        "maintMarginRatio": float(row.rate),
        "cum": float(row.cum),
    }


@attrs.frozen(kw_only=True)
class Holding:
    """One position of an account with everything that position bodies show of it."""

    instrument: Instrument
    position: PositionState
    mark_price: Decimal
    leverage: int
    notional_max: int
    """The largest value that the leverage allows."""
    liquidation_price: Decimal
    bid_notional: Decimal
    """Value of open buys, without reduce-only orders."""
    ask_notional: Decimal
    has_orders: bool
    """Whether any order is open, reduce-only ones included."""

    @property
    def notional(self) -> Decimal:
        """Signed value of the position at the mark price."""
        return self.position.qty * self.mark_price

    @property
    def position_margin(self) -> Decimal:
        """Initial margin of the position alone."""
        return abs(self.notional) / self.leverage

    @property
    def order_margin(self) -> Decimal:
        """Initial margin that open orders add: only one side can make the position grow."""
        value = self.notional
        worst = max(abs(value), value + self.bid_notional, self.ask_notional - value)
        return worst / self.leverage - self.position_margin

    @property
    def maintenance(self) -> Decimal:
        """Maintenance margin."""
        return self.position.maintenance

    @property
    def isolated_margin(self) -> Decimal:
        """What an isolated position has left: its part of the wallet and its profit."""
        position = self.position
        return (
            position.isolated_wallet + position.unrealised if position.is_isolated else Decimal(0)
        )

    @property
    def is_active(self) -> bool:
        """Whether there is a position or an open order."""
        return bool(self.position.qty) or self.has_orders


def position_v3(holding: Holding) -> Body:
    """Return one row of ``positionRisk`` v3."""
    return {
        **_position(holding),
        "marginAsset": holding.instrument.quote_asset,
        "initialMargin": eight(holding.position_margin + holding.order_margin),
        "maintMargin": eight(holding.maintenance),
        "positionInitialMargin": eight(holding.position_margin),
        "openOrderInitialMargin": eight(holding.order_margin),
        "adl": 0,
        "bidNotional": plain(holding.bid_notional),
        "askNotional": plain(holding.ask_notional),
    }


def position_v2(holding: Holding) -> Body:
    """Return one row of ``positionRisk`` v2."""
    return {
        **_position(holding),
        "leverage": str(holding.leverage),
        "maxNotionalValue": str(holding.notional_max),
        "marginType": "isolated" if holding.position.is_isolated else "cross",
        "isAutoAddMargin": "false",
    }


def _or_zero(value: Decimal) -> str:
    return eight(value) if value else "0"


def _position(holding: Holding) -> Body:
    position = holding.position
    return {
        "symbol": position.symbol,
        "positionSide": position.side.value,
        "positionAmt": plain(position.qty),
        "entryPrice": plain(position.entry_price) if position.qty else "0.0",
        "breakEvenPrice": plain(position.break_even) if position.qty else "0.0",
        "markPrice": eight(holding.mark_price),
        "unRealizedProfit": eight(position.unrealised),
        "liquidationPrice": maybe_plain(holding.liquidation_price or None, "0"),
        "isolatedMargin": _or_zero(holding.isolated_margin),
        "notional": eight(holding.notional) if position.qty else "0",
        "isolatedWallet": _or_zero(position.isolated_wallet),
        "updateTime": position.updated_ms,
    }


def balance_row(balance: Balance, alias: str, now_ms: int) -> Body:
    """Return one row of ``balance`` (v2 and v3 agree)."""
    return {
        "accountAlias": alias,
        "asset": balance.asset,
        "balance": eight(balance.wallet),
        "crossWalletBalance": eight(balance.cross_wallet),
        "crossUnPnl": eight(balance.cross_unrealised),
        "availableBalance": eight(balance.available),
        "maxWithdrawAmount": eight(balance.available),
        "marginAvailable": True,
        "updateTime": now_ms,
    }


def account(balance: Balance, holdings: Iterable[Holding], now_ms: int, *, version: int) -> Body:
    """Return ``account`` without flags; version 2 shows more of each position."""
    held = list(holdings)
    sums = _sums(balance, held)
    return {
        **{f"total{name[0].upper()}{name[1:]}": text for name, text in sums.items()},
        "availableBalance": eight(balance.available),
        "maxWithdrawAmount": eight(balance.available),
        "assets": [_asset(balance, sums, now_ms)],
        "positions": [_account_position(each, version) for each in held],
    }


def flags(fee_tier: int) -> Body:
    """Return what an account may do, and its VIP level."""
    return {
        "feeTier": fee_tier,
        "canTrade": True,
        "canDeposit": True,
        "canWithdraw": True,
        "updateTime": 0,
        "multiAssetsMargin": False,
        "tradeGroupId": -1,
    }


def rate(value: Decimal) -> str:
    """Return the text of a fraction with the venue's six decimals, more only where it has more."""
    return max(f"{value:.6f}", plain(value.normalize()), key=len)


def _sums(balance: Balance, holdings: list[Holding]) -> dict[str, str]:
    maintenance = sum((each.maintenance for each in holdings), Decimal(0))
    return {
        "initialMargin": eight(balance.position_margin + balance.order_margin),
        "maintMargin": eight(maintenance),
        "walletBalance": eight(balance.wallet),
        "unrealizedProfit": eight(balance.unrealised),
        "marginBalance": eight(balance.wallet + balance.unrealised),
        "positionInitialMargin": eight(balance.position_margin),
        "openOrderInitialMargin": eight(balance.order_margin),
        "crossWalletBalance": eight(balance.cross_wallet),
        "crossUnPnl": eight(balance.cross_unrealised),
    }


def _asset(balance: Balance, sums: dict[str, str], now_ms: int) -> Body:
    return {
        "asset": balance.asset,
        **sums,
        "availableBalance": eight(balance.available),
        "maxWithdrawAmount": eight(balance.available),
        "marginAvailable": True,
        "updateTime": now_ms,
    }


def _account_position(holding: Holding, version: int) -> Body:
    body: Body = {
        "symbol": holding.position.symbol,
        "positionSide": holding.position.side.value,
        "positionAmt": plain(holding.position.qty),
        "unrealizedProfit": eight(holding.position.unrealised),
        "isolatedMargin": _or_zero(holding.isolated_margin),
        "notional": eight(holding.notional) if holding.position.qty else "0",
        "isolatedWallet": _or_zero(holding.position.isolated_wallet),
        "initialMargin": eight(holding.position_margin + holding.order_margin),
        "maintMargin": eight(holding.maintenance),
        "updateTime": holding.position.updated_ms,
    }
    if version == 2:
        body |= {
            "positionInitialMargin": eight(holding.position_margin),
            "openOrderInitialMargin": eight(holding.order_margin),
            "leverage": str(holding.leverage),
            "isolated": holding.position.is_isolated,
            "entryPrice": plain(holding.position.entry_price) if holding.position.qty else "0.0",
            "breakEvenPrice": plain(holding.position.break_even) if holding.position.qty else "0.0",
            "maxNotional": str(holding.notional_max),
            "bidNotional": plain(holding.bid_notional),
            "askNotional": plain(holding.ask_notional),
        }
    return body
