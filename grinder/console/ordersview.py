"""Our own orders: how many, how often, and which rest."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs

from grinder.console.samples import MinuteRate
from grinder.console.symbolview import SymbolView
from grinder.messages.orders import (
    OrderAccepted,
    OrderEnded,
    OrderFilled,
    OrderRejected,
    OrdersSubmitted,
    OrdersSynced,
)
from grinder.model.order import Side

OPEN_ORDERS_MAX = 1_000


@attrs.define
class _Resting:
    symbol: str
    level: str
    side: Side
    price_ticks: int
    remaining_lots: int
    reduce_only: bool


class OrdersView:
    """Counts, the rate of placements, and a bounded table. Not safe for threads by itself."""

    def __init__(self, symbol: Callable[[str], SymbolView]) -> None:
        self._symbol = symbol
        self._counts = dict.fromkeys(
            ("placed", "rejected", "filled", "cancelled", "expired", "fills"), 0
        )
        self._resting: dict[str, _Resting] = {}
        self._forgotten = 0
        self._placements = MinuteRate()

    def to_json(self, now_ns: int) -> dict[str, Any]:
        """Return the part of a snapshot that is about orders."""
        return {
            "orders": {**self._counts, "open": len(self._resting)},
            "orders_per_minute": self._placements.per_minute(now_ns),
            "open_orders": [self._order(name, one) for name, one in self._resting.items()],
            "open_orders_forgotten": self._forgotten,
        }

    def submitted(self, at_ns: int, body: OrdersSubmitted) -> None:
        """Count placements."""
        count = len(body.orders)
        self._counts["placed"] += count
        self._symbol(body.symbol).placed += count
        self._placements.add(at_ns, count)

    def accepted(self, body: OrderAccepted) -> None:
        """Put an order on the table."""
        self._rests(
            body.client_order_id,
            _Resting(
                symbol=body.symbol,
                level=body.level,
                side=body.side,
                price_ticks=body.price_ticks,
                remaining_lots=body.qty_lots,
                reduce_only=body.reduce_only,
            ),
        )

    def rejected(self, body: OrderRejected) -> None:
        """Count an order that never came to be."""
        self._counts["rejected"] += 1
        self._resting.pop(body.client_order_id, None)

    def filled(self, body: OrderFilled) -> None:
        """Count a fill and leave what remains; one that is told again counts once."""
        symbol = self._symbol(body.symbol)
        if symbol.trades.add(body.trade_id):
            self._counts["fills"] += 1
            symbol.fills += 1
        order = self._resting.get(body.client_order_id)
        if order is not None:
            order.remaining_lots = body.remaining_lots

    def ended(self, body: OrderEnded) -> None:
        """Take an order off the table and count how it ended."""
        self._resting.pop(body.client_order_id, None)
        if body.status == "FILLED":
            self._counts["filled"] += 1
        elif body.status == "CANCELED":
            self._counts["cancelled"] += 1
            self._symbol(body.symbol).cancelled += 1
        else:
            self._counts["expired"] += 1

    def synced(self, body: OrdersSynced) -> None:
        """Replace what rests of one symbol; levels that are known stay known."""
        before = {name: one for name, one in self._resting.items() if one.symbol == body.symbol}
        for name in before:
            del self._resting[name]
        for one in body.orders:
            known = before.get(one.client_order_id)
            self._rests(
                one.client_order_id,
                _Resting(
                    symbol=one.symbol,
                    level=known.level if known is not None else "",
                    side=one.side,
                    price_ticks=one.price_ticks,
                    remaining_lots=one.remaining_lots,
                    reduce_only=one.reduce_only,
                ),
            )

    def _rests(self, client_order_id: str, order: _Resting) -> None:
        if len(self._resting) >= OPEN_ORDERS_MAX and client_order_id not in self._resting:
            self._resting.pop(next(iter(self._resting)))
            self._forgotten += 1
        self._resting[client_order_id] = order

    def _order(self, client_order_id: str, order: _Resting) -> dict[str, Any]:
        view = self._symbol(order.symbol)
        return {
            "client_order_id": client_order_id,
            "symbol": order.symbol,
            "level": order.level,
            "side": str(order.side),
            "price": view.price(order.price_ticks),
            "remaining": view.qty(order.remaining_lots),
            "reduce_only": order.reduce_only,
        }
