"""What we believe rests and is held, made of order events alone."""

from __future__ import annotations

from grinder.execution.holding import Holding
from grinder.kernel.message import Message
from grinder.messages.account import PositionChanged
from grinder.messages.orders import (
    OrderAccepted,
    OrderEnded,
    OrderFilled,
    OrderRejected,
    OrdersSubmitted,
    OrdersSynced,
)

ORDERS_MAX = 2_000
"""Above what the venue allows; the oldest is forgotten first."""
UNREAD_MAX = 100
"""Commands noted; above, they are taken in at once."""
ENDED_MAX = 1_000


class ExpectedOrder:
    """One order that we believe may rest."""

    __slots__ = ("changed_ns", "filled_lots", "price_ticks", "qty_lots", "symbol")

    def __init__(self, symbol: str, price_ticks: int, qty_lots: int, changed_ns: int) -> None:
        self.symbol = symbol
        self.price_ticks = price_ticks
        self.qty_lots = qty_lots
        self.filled_lots = 0
        self.changed_ns = changed_ns
        """When anything was last heard of it, in our time."""


class ExpectedHolding:
    """One position that we believe in."""

    __slots__ = ("changed_ns", "holding")

    def __init__(self) -> None:
        self.holding = Holding()
        self.changed_ns = 0


class Expected:
    """Orders by our name of them, and holdings by symbol; bounded."""

    def __init__(self, orders_max: int = ORDERS_MAX, ended_max: int = ENDED_MAX) -> None:
        self._orders_max = orders_max
        self._ended_max = ended_max
        self.orders: dict[str, ExpectedOrder] = {}
        self.ended: dict[str, int] = {}
        """When each lately ended order ended, in our time."""
        self.holdings: dict[str, ExpectedHolding] = {}
        self.synced: set[str] = set()
        """Symbols whose whole picture has been heard once; others are not compared."""
        self._unread: list[tuple[OrdersSubmitted, int]] = []

    def apply(self, message: Message, now_ns: int) -> bool:
        """Take an order or position event heard at ``now_ns``; False for any other message."""
        if isinstance(message, OrdersSubmitted):
            # The orders are on their way at this very moment: what is not urgent stands back.
            self._unread.append((message, now_ns))
            if len(self._unread) > UNREAD_MAX:
                self.read()
            return True
        self.read()
        if isinstance(message, OrderAccepted):
            self._rest(
                message.client_order_id,
                message.symbol,
                message.price_ticks,
                message.qty_lots,
                now_ns,
            )
        elif isinstance(message, OrderFilled):
            self._fill(message, now_ns)
        elif isinstance(message, OrderEnded | OrderRejected):
            self._end(message.client_order_id, now_ns)
        elif isinstance(message, OrdersSynced):
            self._sync(message, now_ns)
        elif isinstance(message, PositionChanged):
            holding = self._holding(message.symbol)
            if holding.holding.hear(message):
                holding.changed_ns = now_ns
        else:
            return False
        return True

    def read(self) -> None:
        """Take in what was only noted; due before anything here is looked at."""
        for submitted, at_ns in self._unread:
            for order in submitted.orders:
                self._rest(
                    order.client_order_id, order.symbol, order.price_ticks, order.qty_lots, at_ns
                )
        self._unread.clear()

    def _rest(
        self, name: str, symbol: str, price_ticks: int, qty_lots: int, now_ns: int
    ) -> ExpectedOrder | None:
        if name in self.ended:
            return None
        order = self.orders.get(name)
        if order is None:
            if len(self.orders) >= self._orders_max:
                del self.orders[next(iter(self.orders))]
            order = self.orders[name] = ExpectedOrder(symbol, price_ticks, qty_lots, now_ns)
        order.price_ticks, order.qty_lots = price_ticks, qty_lots
        order.changed_ns = now_ns
        return order

    def _fill(self, fill: OrderFilled, now_ns: int) -> None:
        order = self.orders.get(fill.client_order_id)
        if order is not None:
            order.filled_lots = max(order.filled_lots, fill.filled_lots)
            order.changed_ns = now_ns
        holding = self._holding(fill.symbol)
        holding.holding.fill(fill)
        holding.changed_ns = now_ns

    def _end(self, name: str, now_ns: int) -> None:
        self.orders.pop(name, None)
        self.ended[name] = now_ns
        if len(self.ended) > self._ended_max:
            del self.ended[next(iter(self.ended))]

    def _sync(self, sync: OrdersSynced, now_ns: int) -> None:
        for name in [n for n, order in self.orders.items() if order.symbol == sync.symbol]:
            del self.orders[name]
        for shown in sync.orders:
            self.ended.pop(shown.client_order_id, None)
            order = self._rest(
                shown.client_order_id, shown.symbol, shown.price_ticks, shown.qty_lots, now_ns
            )
            if order is not None:
                order.filled_lots = shown.filled_lots
        holding = self._holding(sync.symbol)
        holding.holding.state(sync.position_lots)
        holding.changed_ns = now_ns
        self.synced.add(sync.symbol)

    def _holding(self, symbol: str) -> ExpectedHolding:
        holding = self.holdings.get(symbol)
        if holding is None:
            holding = self.holdings[symbol] = ExpectedHolding()
        return holding
