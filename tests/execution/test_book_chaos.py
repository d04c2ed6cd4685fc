from __future__ import annotations

from collections import Counter
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grinder.execution.applied import Applied
from grinder.execution.book import OrderBook
from grinder.execution.identity import IdentityScheme
from grinder.kernel.message import Message
from grinder.messages.orders import (
    CancelOrder,
    OrderAccepted,
    OrderEnded,
    OrderFilled,
    OrderRejected,
    Placement,
    PlaceOrders,
)
from grinder.messages.venue import (
    CancelAnswered,
    OrderQueried,
    OrderReported,
    Outcome,
    PlaceAnswered,
    TradesRead,
)
from grinder.model.order import OpenOrder, OrderStatus, OrderType, Side, Trade
from grinder.model.units import NS_PER_MS, NS_PER_S

pytestmark = pytest.mark.unmeasured

SYMBOL = "BTCUSDT"
SCHEME = IdentityScheme((SYMBOL,), nonce=1)
NAMES = (*(SCHEME.name(SYMBOL, "b1", 1, sequence) for sequence in range(3)), "web_1")
QTY = 6
T0 = 1_000 * NS_PER_S
WHAT = (
    "submit",
    "cancel",
    "placed",
    "cancelled",
    "queried",
    "not found",
    "report",
    "trades",
    "snapshot",
    "due",
)


def _shown(name: str, status: OrderStatus, total: int) -> OpenOrder:
    return OpenOrder(
        symbol=SYMBOL,
        client_order_id=name,
        order_id=1 + NAMES.index(name),
        side=Side.BUY,
        price_ticks=100,
        qty_lots=QTY,
        filled_lots=total,
        status=status,
        updated_ns=T0,
    )


class Chaos:
    """A venue and a planner that say anything at any time."""

    def __init__(self, draw: st.DataObject) -> None:
        self.book = OrderBook(SCHEME, live_max=2, ended_max=2)
        self.said: list[Message] = []
        self.asked: list[Message] = []
        self.now = T0
        self._draw = draw

    def step(self) -> None:
        pick = self._draw.draw
        self.now += pick(st.sampled_from((1, 700 * NS_PER_MS, 40 * NS_PER_S)))
        name = pick(st.sampled_from(NAMES))
        applied = self._hear(pick(st.sampled_from(WHAT)), name)
        self.said.extend(applied.messages)
        self.asked.extend(applied.requests)

    def _hear(self, what: str, name: str) -> Applied:
        pick, book, now = self._draw.draw, self.book, self.now
        status = pick(st.sampled_from(OrderStatus))
        outcome = pick(st.sampled_from(Outcome))
        code = pick(st.sampled_from((0, -2011, -4116, -5022)))
        total = pick(st.integers(0, QTY))
        if what == "submit":
            return book.submit(_place(name), now)
        if what == "cancel":
            return book.cancel(CancelOrder(symbol=SYMBOL, client_order_id=name, reason="R"), now)
        if what == "placed":
            return book.place_answered(
                PlaceAnswered(
                    symbol=SYMBOL,
                    client_order_id=name,
                    outcome=outcome,
                    order_id=1 + NAMES.index(name),
                    status=status,
                    filled_lots=total,
                    code=code,
                    decided_ns=now + pick(st.sampled_from((0, NS_PER_S))),
                ),
                now,
            )
        if what == "cancelled":
            return book.cancel_answered(
                CancelAnswered(
                    symbol=SYMBOL,
                    client_order_id=name,
                    outcome=outcome,
                    status=status,
                    filled_lots=total,
                    code=code,
                ),
                now,
            )
        if what in ("queried", "not found"):
            order = _shown(name, status, total) if what == "queried" else None
            return book.order_queried(
                OrderQueried(symbol=SYMBOL, client_order_id=name, order=order), now
            )
        if what == "report":
            return book.order_reported(_report(name, status, total, pick(st.integers(0, 9))), now)
        if what == "trades":
            ids = pick(st.lists(st.integers(1, 9), max_size=3))
            page = tuple(_trade(trade_id, 1 + trade_id % 4) for trade_id in ids)
            return book.trades_read(TradesRead(symbol=SYMBOL, trades=page), now)
        if what == "snapshot":
            names = pick(st.sets(st.sampled_from(NAMES)))
            orders = tuple(_shown(each, OrderStatus.NEW, 0) for each in sorted(names))
            return book.snapshot(orders, (SYMBOL,), now - pick(st.integers(0, 2 * NS_PER_S)), now)
        return book.due(now)


def _place(name: str) -> PlaceOrders:
    order = Placement(
        symbol=SYMBOL,
        client_order_id=name,
        side=Side.BUY,
        price_ticks=100,
        qty_lots=QTY,
        level="b1",
        reason="GRID_FILL",
    )
    return PlaceOrders(symbol=SYMBOL, orders=(order,), permit=None)


def _report(name: str, status: OrderStatus, total: int, trade_id: int) -> OrderReported:
    return OrderReported(
        connection=1,
        symbol=SYMBOL,
        client_order_id=name,
        order_id=1 + NAMES.index(name),
        side=Side.BUY,
        order_type=OrderType.LIMIT,
        execution="TRADE" if trade_id else str(status),
        status=status,
        price_ticks=100,
        qty_lots=QTY,
        filled_lots=total,
        last_price_ticks=100,
        last_lots=1 if trade_id else 0,
        trade_id=trade_id,
        fee=Decimal(0),
        fee_asset="USDT",
        realized_pnl=Decimal(0),
        is_maker=True,
        reduce_only=False,
        expiry_reason="",
        event_ns=T0,
    )


def _trade(trade_id: int, order_id: int) -> Trade:
    return Trade(
        symbol=SYMBOL,
        trade_id=trade_id,
        order_id=order_id,
        side=Side.BUY,
        price_ticks=100,
        qty_lots=1,
        fee=Decimal(0),
        fee_asset="USDT",
        realized_pnl=Decimal(0),
        is_maker=True,
        ts_ns=T0 + trade_id,
    )


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_nothing_that_is_heard_breaks_the_book(data: st.DataObject) -> None:
    chaos = Chaos(data)
    for _ in range(data.draw(st.integers(1, 30))):
        chaos.step()

        book = chaos.book
        assert all(record.state.is_live for record in book.live())
        assert book.live_count == len(book.live()) <= len(NAMES)

    trades = [m.trade_id for m in chaos.said if isinstance(m, OrderFilled)]
    assert len(trades) == len(set(trades))
    for record in chaos.book.live():
        turns = Counter(
            type(m).__name__
            for m in chaos.said
            if isinstance(m, OrderAccepted | OrderEnded | OrderRejected)
            and m.client_order_id == record.client_order_id
        )
        assert turns["OrderEnded"] <= 1
    for _ in range(100):
        at_ns = chaos.book.next_due_ns()
        if at_ns is None:
            break
        chaos.now = max(chaos.now, at_ns)
        chaos.book.due(chaos.now)
    else:
        waiting = chaos.book.needs_backfill(SYMBOL)
        assert waiting, "only trades deferred for an order without a number are asked for on"
