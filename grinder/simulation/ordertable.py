"""The orders of one account on one symbol, open and closed, by their two names."""

from __future__ import annotations

from grinder.simulation.orders import LiveOrder

CLOSED_ORDERS_MAX = 2_000
"""Closed orders remembered per account and symbol; the oldest is forgotten first."""


class OrderTable:
    """Open orders, and the newest closed ones."""

    __slots__ = ("_closed_ids", "closed", "open", "open_ids")

    def __init__(self) -> None:
        self.open: dict[int, LiveOrder] = {}
        self.open_ids: dict[str, LiveOrder] = {}
        self.closed: dict[int, LiveOrder] = {}
        self._closed_ids: dict[str, LiveOrder] = {}

    def add(self, order: LiveOrder) -> None:
        """Open ``order``."""
        self.open[order.order_id] = order
        self.open_ids[order.client_order_id] = order

    def close(self, order: LiveOrder) -> None:
        """Move a closed ``order``, already uncounted, to the bounded table."""
        del self.open[order.order_id]
        del self.open_ids[order.client_order_id]
        self.closed[order.order_id] = order
        self._closed_ids[order.client_order_id] = order
        if len(self.closed) > CLOSED_ORDERS_MAX:
            oldest = self.closed.pop(next(iter(self.closed)))
            if self._closed_ids.get(oldest.client_order_id) is oldest:
                del self._closed_ids[oldest.client_order_id]

    def find_open(self, order_id: int | None, client_order_id: str | None) -> LiveOrder | None:
        """Return an open order; the order id wins over the client's."""
        if order_id is not None:
            return self.open.get(order_id)
        return self.open_ids.get(client_order_id or "")

    def find(self, order_id: int | None, client_order_id: str | None) -> LiveOrder | None:
        """Return an order, open or closed; of several with one client id the newest."""
        found = self.find_open(order_id, client_order_id)
        if found is not None:
            return found
        if order_id is not None:
            return self.closed.get(order_id)
        return self._closed_ids.get(client_order_id or "")
