"""Frames of spot: market streams cut to its words, and its two user events."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from grinder.model.order import OrderStatus, OrderType, TimeInForce
from grinder.simulation.orders import Order
from grinder.simulation.reports import AccountReport, Execution, OrderReport, OwnReport
from grinder.venues.sim.rendering import eight

Frame = dict[str, Any]

FOREIGN = {
    "bookTicker": ("e", "E", "T", "ps", "st"),
    "trade": ("X", "st"),
    "aggTrade": ("nq", "st"),
    "depthUpdate": ("T", "pu", "ps", "st"),
    "kline": ("ps", "st"),
    "24hrTicker": ("ps", "st"),
    "24hrMiniTicker": ("ps", "st"),
}
"""What spot does not say, by event."""

EXECUTIONS = {Execution.AMENDMENT: "REPLACED"}
"""Spot's other words for what happened to an order."""


def public_frame(stream: str, frame: Frame) -> Frame:
    """Return a market frame as spot words it."""
    event = frame["e"]
    if event == "depthUpdate" and is_partial(stream):
        return {"lastUpdateId": frame["u"], "bids": frame["b"], "asks": frame["a"]}
    found = {name: value for name, value in frame.items() if name not in FOREIGN.get(event, ())}
    if event in ("trade", "aggTrade"):
        found["M"] = True
    return found


def is_partial(stream: str) -> bool:
    """Tell whether a depth stream carries whole levels: its name counts them."""
    return stream.partition("@depth")[2][:1].isdecimal()


def kind_of(order: Order) -> str:
    """Return spot's word for the type of an order: post-only is one of its own."""
    is_post_only = order.type is OrderType.LIMIT and order.time_in_force is TimeInForce.GTX
    return "LIMIT_MAKER" if is_post_only else order.type.value


def time_in_force_of(order: Order) -> str:
    """Return spot's word for how long an order lives."""
    return "GTC" if order.time_in_force is TimeInForce.GTX else order.time_in_force.value


def quote_qty_of(order: Order) -> str:
    """Return the sum of quote that an order was placed for, or 0."""
    return eight(order.quote_qty or Decimal(0))


def user_frames(reports: Iterable[OwnReport], now_ms: int) -> list[Frame]:
    """Return the frames of one account; the order comes first, then the balances it changed."""
    found: list[Frame] = []
    balances: Frame | None = None
    for report in reports:
        if isinstance(report, AccountReport):
            balances = account_position(report, now_ms)
            if found and found[-1]["e"] == "executionReport" and found[-1]["x"] != "TRADE":
                found.append(balances)
                balances = None
        elif isinstance(report, OrderReport):
            found.append(execution_report(report, now_ms))
            if balances is not None:
                found.append(balances)
                balances = None
    return found


def account_position(report: AccountReport, now_ms: int) -> Frame:
    """Return an outboundAccountPosition with the balances that may have changed."""
    return {
        "e": "outboundAccountPosition",
        "E": now_ms,
        "u": report.ts_ms,
        "B": [
            {
                "a": each.asset,
                "f": eight(each.cross_wallet),
                "l": eight(each.wallet - each.cross_wallet),
            }
            for each in report.balances
        ],
    }


def execution_report(report: OrderReport, now_ms: int) -> Frame:
    """Return an executionReport."""
    order = report.order
    is_fill = report.execution is Execution.TRADE
    is_resting = order.status in (OrderStatus.NEW, OrderStatus.PARTIALLY_FILLED)
    frame: Frame = {
        "e": "executionReport",
        "E": now_ms,
        "s": order.symbol,
        "c": order.client_order_id,
        "S": order.side.value,
        "o": kind_of(order),
        "f": time_in_force_of(order),
        "q": eight(order.qty),
        "p": eight(order.price),
        "P": eight(Decimal(0)),
        "F": eight(Decimal(0)),
        "g": -1,
        "C": order.client_order_id if report.execution is Execution.CANCELED else "",
        "x": EXECUTIONS.get(report.execution, report.execution.value),
        "X": order.status.value,
        "r": "NONE",
        "i": order.order_id,
        "l": eight(report.last_qty),
        "z": eight(order.filled_qty),
        "L": eight(report.last_price),
        "n": eight(report.commission) if is_fill else "0",
        "N": report.commission_asset if is_fill else None,
        "T": report.ts_ms,
        "t": report.trade_id if is_fill else -1,
        "I": now_ms,
        "w": is_resting,
        "m": report.is_maker,
        "M": is_fill,
        "O": order.created_ms,
        "Z": eight(order.filled_quote),
        "Y": eight(report.last_price * report.last_qty),
        "Q": quote_qty_of(order),
        "V": order.self_trade_prevention.value,
    }
    if is_resting or is_fill:
        frame["W"] = order.created_ms
    return frame
