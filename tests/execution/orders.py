"""Orders and news of them, for the tests of the book."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from grinder.execution.book import OrderBook
from grinder.execution.identity import IdentityScheme
from grinder.kernel.message import Message
from grinder.messages.orders import (
    CancelOrder,
    OrderEnded,
    OrderFilled,
    Placement,
    PlaceOrders,
)
from grinder.messages.venue import (
    CancelAnswered,
    OrderQueried,
    OrderReported,
    Outcome,
    PlaceAnswered,
)
from grinder.model.order import OpenOrder, OrderStatus, OrderType, Side, Trade
from grinder.model.units import NS_PER_S

SYMBOL = "BTCUSDT"
SCHEME = IdentityScheme((SYMBOL, "ETHUSDT"), nonce=1_700_000_000)
NAME = SCHEME.name(SYMBOL, "b1", 1, 1)
T0 = 1_000 * NS_PER_S
QTY = 10


def make_book(**limits: int) -> OrderBook:
    return OrderBook(SCHEME, **limits)


def place(*names: str) -> PlaceOrders:
    """Return the command for orders of these names, each of level b1; ``NAME`` if there is none."""
    orders = tuple(
        Placement(
            symbol=SYMBOL,
            client_order_id=name,
            side=Side.BUY,
            price_ticks=100,
            qty_lots=QTY,
            level="b1",
            reason="GRID_FILL",
        )
        for name in names or (NAME,)
    )
    return PlaceOrders(symbol=SYMBOL, orders=orders, permit=None)


def cancel(name: str = NAME) -> CancelOrder:
    return CancelOrder(symbol=SYMBOL, client_order_id=name, reason="GRID_TRIM")


def placed(outcome: Outcome = Outcome.DONE, **fields: object) -> PlaceAnswered:
    values: dict[str, object] = {"symbol": SYMBOL, "client_order_id": NAME, "outcome": outcome}
    if outcome is Outcome.DONE:
        values.update(order_id=7, status=OrderStatus.NEW)
    values.update(fields)
    return PlaceAnswered(**values)  # type: ignore[arg-type]


def cancelled(outcome: Outcome = Outcome.DONE, **fields: object) -> CancelAnswered:
    values: dict[str, object] = {"symbol": SYMBOL, "client_order_id": NAME, "outcome": outcome}
    values.update(fields)
    return CancelAnswered(**values)  # type: ignore[arg-type]


def report(
    status: OrderStatus,
    *,
    total: int = 0,
    last: int = 0,
    trade_id: int = 0,
    execution: str = "",
    name: str = NAME,
    order_id: int = 7,
    event_ns: int = T0,
) -> OrderReported:
    return OrderReported(
        connection=1,
        symbol=SYMBOL,
        client_order_id=name,
        order_id=order_id,
        side=Side.BUY,
        order_type=OrderType.LIMIT,
        execution=execution or ("TRADE" if last else str(status)),
        status=status,
        price_ticks=100,
        qty_lots=QTY,
        filled_lots=total,
        last_price_ticks=100 if last else 0,
        last_lots=last,
        trade_id=trade_id,
        fee=Decimal("0.1"),
        fee_asset="USDT",
        realized_pnl=Decimal(0),
        is_maker=True,
        reduce_only=False,
        expiry_reason="",
        event_ns=event_ns,
    )


def filled(lots: int, **fields: Any) -> OrderFilled:
    """Return the news of a whole order filled, of a sell if ``lots`` are negative."""
    known: dict[str, Any] = {
        "symbol": SYMBOL,
        "client_order_id": NAME,
        "order_id": 1,
        "trade_id": 1,
        "side": Side.BUY if lots > 0 else Side.SELL,
        "level": "b1",
        "price_ticks": 100,
        "qty_lots": abs(lots),
        "filled_lots": abs(lots),
        "remaining_lots": 0,
        "reduce_only": False,
        "is_maker": True,
        "fee": Decimal(0),
        "fee_asset": "USDT",
        "realized_pnl": Decimal(0),
        "event_ns": 1,
    }
    return OrderFilled(**(known | fields))


def ended(name: str = NAME, **fields: Any) -> OrderEnded:
    """Return the news of a cancelled buy."""
    known: dict[str, Any] = {
        "symbol": SYMBOL,
        "client_order_id": name,
        "side": Side.BUY,
        "level": "b1",
        "reduce_only": False,
        "status": "CANCELED",
        "filled_lots": 0,
        "reason": "",
    }
    return OrderEnded(**(known | fields))


def trade(trade_id: int, lots: int, order_id: int = 7, ts_ns: int = T0) -> Trade:
    return Trade(
        symbol=SYMBOL,
        trade_id=trade_id,
        order_id=order_id,
        side=Side.BUY,
        price_ticks=100,
        qty_lots=lots,
        fee=Decimal("0.1"),
        fee_asset="USDT",
        realized_pnl=Decimal(0),
        is_maker=True,
        ts_ns=ts_ns,
    )


def shown(status: OrderStatus, total: int = 0, name: str = NAME) -> OpenOrder:
    return OpenOrder(
        symbol=SYMBOL,
        client_order_id=name,
        order_id=7,
        side=Side.BUY,
        price_ticks=100,
        qty_lots=QTY,
        filled_lots=total,
        status=status,
        updated_ns=T0,
    )


def queried(order: OpenOrder | None, name: str = NAME) -> OrderQueried:
    return OrderQueried(symbol=SYMBOL, client_order_id=name, order=order)


def kinds(messages: tuple[Message, ...]) -> tuple[str, ...]:
    return tuple(type(message).__name__ for message in messages)


def open_book() -> OrderBook:
    book = make_book()
    book.submit(place(), T0)
    book.place_answered(placed(), T0 + 1)
    return book
