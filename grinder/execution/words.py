"""From the venue's words to ours: events and records."""

from __future__ import annotations

from grinder.execution.lifecycle import OrderEvent
from grinder.execution.record import OrderRecord
from grinder.messages.orders import Placement
from grinder.messages.venue import OrderReported
from grinder.model.order import OpenOrder, OrderStatus

ENDS = frozenset(status for status in OrderStatus if status.is_terminal)
"""Statuses after which nothing can happen."""

_FOUND = {
    OrderStatus.NEW: OrderEvent.FOUND_OPEN,
    OrderStatus.PARTIALLY_FILLED: OrderEvent.FOUND_OPEN,
    OrderStatus.FILLED: OrderEvent.FOUND_FILLED,
    OrderStatus.CANCELED: OrderEvent.FOUND_CANCELED,
    OrderStatus.EXPIRED: OrderEvent.FOUND_EXPIRED,
    OrderStatus.EXPIRED_IN_MATCH: OrderEvent.FOUND_EXPIRED,
    OrderStatus.REJECTED: OrderEvent.FOUND_REJECTED,
}

_REPORTED = {
    OrderStatus.NEW: OrderEvent.NEW,
    OrderStatus.PARTIALLY_FILLED: OrderEvent.TRADE,
    OrderStatus.FILLED: OrderEvent.FILL,
    OrderStatus.CANCELED: OrderEvent.CANCELED,
    OrderStatus.EXPIRED: OrderEvent.EXPIRED,
    OrderStatus.EXPIRED_IN_MATCH: OrderEvent.EXPIRED,
    OrderStatus.REJECTED: OrderEvent.REFUSED,
}


def found_event(status: OrderStatus) -> OrderEvent:
    """Return the event of an answer that shows an order with ``status``."""
    return _FOUND[status]


def event_of_report(report: OrderReported) -> OrderEvent:
    """Return the event of a stream report.

    The status decides, not the execution word: new words appear, statuses do not. Only an
    amendment needs its word, its status being the one before.
    """
    if report.execution == "AMENDMENT" and report.status not in ENDS:
        return OrderEvent.AMENDED
    return _REPORTED[report.status]


def record_of_place(place: Placement, now_ns: int) -> OrderRecord:
    """Return the record of an order about to be placed."""
    return OrderRecord(
        client_order_id=place.client_order_id,
        symbol=place.symbol,
        side=place.side,
        price_ticks=place.price_ticks,
        qty_lots=place.qty_lots,
        reduce_only=place.reduce_only,
        level=place.level,
        created_ns=now_ns,
        updated_ns=now_ns,
    )


def record_of_open_order(order: OpenOrder, level: str, now_ns: int) -> OrderRecord:
    """Return the record of an own order found at the venue; its fills so far count as known."""
    return OrderRecord(
        client_order_id=order.client_order_id,
        symbol=order.symbol,
        side=order.side,
        price_ticks=order.price_ticks,
        qty_lots=order.qty_lots,
        reduce_only=order.reduce_only,
        level=level,
        created_ns=now_ns,
        updated_ns=now_ns,
        order_id=order.order_id,
        base_lots=order.filled_lots,
        base_until_ns=order.updated_ns,
        heard_lots=order.filled_lots,
    )


def record_of_report(report: OrderReported, level: str, now_ns: int) -> OrderRecord:
    """Return the record of an own order first heard of in the stream.

    Fills before the one reported count as known: they belong to an earlier life of ours.
    """
    before = max(0, report.filled_lots - max(0, report.last_lots))
    return OrderRecord(
        client_order_id=report.client_order_id,
        symbol=report.symbol,
        side=report.side,
        price_ticks=report.price_ticks,
        qty_lots=report.qty_lots,
        reduce_only=report.reduce_only,
        level=level,
        created_ns=now_ns,
        updated_ns=now_ns,
        order_id=report.order_id,
        base_lots=before,
        base_until_ns=report.event_ns,
        heard_lots=before,
    )
