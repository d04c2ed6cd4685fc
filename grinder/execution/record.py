"""One order of ours, and the news that is told of it."""

from __future__ import annotations

from decimal import Decimal
from typing import NamedTuple

import attrs

from grinder.execution.lifecycle import OrderState
from grinder.messages.orders import (
    CancelRejected,
    OrderAccepted,
    OrderEnded,
    OrderFilled,
    OrderOutcomeUnknown,
    OrderRejected,
    Placement,
)
from grinder.messages.venue import OrderReported
from grinder.model.order import OpenOrder, OrderStatus, Side, Trade


@attrs.define(kw_only=True, eq=False)
class OrderRecord:
    """What is known of one order. Owned and changed by the order book alone."""

    client_order_id: str
    symbol: str
    side: Side
    price_ticks: int
    qty_lots: int
    reduce_only: bool
    level: str
    created_ns: int
    updated_ns: int
    """When anything was last heard of it, in our time."""
    state: OrderState = OrderState.PENDING_NEW
    order_id: int = 0
    counted_lots: int = 0
    """Lots of the trades counted one by one."""
    base_lots: int = 0
    """Lots filled before we began to count (an order adopted half filled)."""
    base_until_ns: int = 0
    """Venue time up to which trades may be among them."""
    heard_lots: int = 0
    """Largest cumulative quantity that the venue has stated."""
    last_trade_id: int = 0
    """No trade up to this one is missing; 0 when that is true of none."""
    decided_ns: int = 0
    """An unknown placement can't be accepted any more from here on."""
    is_cancel_wanted: bool = False
    cancel_reason: str = ""
    lookups: int = 0
    lookup_asked_ns: int = -1
    """When it was last looked up; -1 when it never was, or the answer has come."""
    backfills: int = 0
    is_accepted_said: bool = False
    is_rejected_said: bool = False
    is_ended_said: bool = False

    @property
    def filled_lots(self) -> int:
        """Lots filled, as far as trades have told."""
        return self.counted_lots + self.base_lots

    @property
    def remaining_lots(self) -> int:
        """Lots that have not filled; never negative."""
        return max(0, self.qty_lots - self.filled_lots)

    @property
    def is_short_of_trades(self) -> bool:
        """True when the venue stated more fills than trades have told."""
        return self.heard_lots > self.counted_lots + self.base_lots

    def hear_filled(self, lots: int) -> None:
        """Take note of a cumulative quantity stated by the venue."""
        self.heard_lots = max(self.heard_lots, lots)

    def count_stated(self, trade_id: int, lots: int) -> None:
        """Count a trade of the stream; ``heard_lots`` already holds its cumulative quantity.

        Lots assumed from before give way: the trade may be one of them.
        """
        self.counted_lots += lots
        self.base_lots = max(0, min(self.base_lots, self.heard_lots - self.counted_lots))
        self._counted(trade_id)

    def count_listed(self, trade_id: int, lots: int, ts_ns: int) -> None:
        """Count a trade of a list, which states no cumulative quantity; its time tells."""
        self.counted_lots += lots
        if ts_ns <= self.base_until_ns:
            self.base_lots = max(0, self.base_lots - lots)
        self._counted(trade_id)

    def _counted(self, trade_id: int) -> None:
        self.heard_lots = max(self.heard_lots, self.filled_lots)
        if not self.is_short_of_trades:
            self.last_trade_id = max(self.last_trade_id, trade_id)

    def as_open_order(self) -> OpenOrder:
        """Return the order in the venue's words."""
        filled = max(self.filled_lots, self.heard_lots)
        return OpenOrder(
            symbol=self.symbol,
            client_order_id=self.client_order_id,
            order_id=self.order_id,
            side=self.side,
            price_ticks=self.price_ticks,
            qty_lots=self.qty_lots,
            filled_lots=filled,
            reduce_only=self.reduce_only,
            status=OrderStatus.PARTIALLY_FILLED if filled else OrderStatus.NEW,
            updated_ns=self.updated_ns,
        )


class Fill(NamedTuple):
    """One fill, wherever it was heard."""

    trade_id: int
    order_id: int
    side: Side
    price_ticks: int
    qty_lots: int
    is_maker: bool
    fee: Decimal
    fee_asset: str
    realized_pnl: Decimal
    event_ns: int


def fill_of_report(report: OrderReported) -> Fill:
    """Return the fill that a stream report carries."""
    return Fill(
        trade_id=report.trade_id,
        order_id=report.order_id,
        side=report.side,
        price_ticks=report.last_price_ticks,
        qty_lots=report.last_lots,
        is_maker=report.is_maker,
        fee=report.fee,
        fee_asset=report.fee_asset,
        realized_pnl=report.realized_pnl,
        event_ns=report.event_ns,
    )


def fill_of_trade(trade: Trade) -> Fill:
    """Return the fill that a row of the trade list is."""
    return Fill(
        trade_id=trade.trade_id,
        order_id=trade.order_id,
        side=trade.side,
        price_ticks=trade.price_ticks,
        qty_lots=trade.qty_lots,
        is_maker=trade.is_maker,
        fee=trade.fee,
        fee_asset=trade.fee_asset,
        realized_pnl=trade.realized_pnl,
        event_ns=trade.ts_ns,
    )


def accepted(record: OrderRecord) -> OrderAccepted:
    """Say that the order rests."""
    return OrderAccepted(
        symbol=record.symbol,
        client_order_id=record.client_order_id,
        order_id=record.order_id,
        side=record.side,
        price_ticks=record.price_ticks,
        qty_lots=record.qty_lots,
        reduce_only=record.reduce_only,
        level=record.level,
    )


def rejected(order: OrderRecord | Placement, code: int, reason: str) -> OrderRejected:
    """Say that the order never came to be."""
    return OrderRejected(
        symbol=order.symbol,
        client_order_id=order.client_order_id,
        side=order.side,
        level=order.level,
        reduce_only=order.reduce_only,
        code=code,
        reason=reason,
    )


def ended(record: OrderRecord, status: str, reason: str) -> OrderEnded:
    """Say that the order no longer rests."""
    return OrderEnded(
        symbol=record.symbol,
        client_order_id=record.client_order_id,
        side=record.side,
        level=record.level,
        reduce_only=record.reduce_only,
        status=status,
        filled_lots=max(record.filled_lots, record.heard_lots),
        reason=reason,
    )


def outcome_unknown(record: OrderRecord, operation: str) -> OrderOutcomeUnknown:
    """Say that nobody knows yet; ``operation`` is place or cancel."""
    return OrderOutcomeUnknown(
        symbol=record.symbol,
        client_order_id=record.client_order_id,
        side=record.side,
        level=record.level,
        operation=operation,
    )


def cancel_rejected(symbol: str, client_order_id: str, code: int, reason: str) -> CancelRejected:
    """Say that a cancel did not take effect."""
    return CancelRejected(symbol=symbol, client_order_id=client_order_id, code=code, reason=reason)


def filled(record: OrderRecord, fill: Fill) -> OrderFilled:
    """Say one fill of an order of ours, already counted in ``record``."""
    return OrderFilled(
        symbol=record.symbol,
        client_order_id=record.client_order_id,
        order_id=fill.order_id,
        trade_id=fill.trade_id,
        side=fill.side,
        level=record.level,
        price_ticks=fill.price_ticks,
        qty_lots=fill.qty_lots,
        filled_lots=record.filled_lots,
        remaining_lots=record.remaining_lots,
        reduce_only=record.reduce_only,
        is_maker=fill.is_maker,
        fee=fill.fee,
        fee_asset=fill.fee_asset,
        realized_pnl=fill.realized_pnl,
        event_ns=fill.event_ns,
    )


def filled_by_others(
    symbol: str, fill: Fill, *, filled_lots: int, remaining_lots: int, reduce_only: bool
) -> OrderFilled:
    """Say a fill that no order of ours made: by hand, by liquidation, or long forgotten."""
    return OrderFilled(
        symbol=symbol,
        client_order_id="",
        order_id=fill.order_id,
        trade_id=fill.trade_id,
        side=fill.side,
        level="",
        price_ticks=fill.price_ticks,
        qty_lots=fill.qty_lots,
        filled_lots=filled_lots,
        remaining_lots=remaining_lots,
        reduce_only=reduce_only,
        is_maker=fill.is_maker,
        fee=fill.fee,
        fee_asset=fill.fee_asset,
        realized_pnl=fill.realized_pnl,
        event_ns=fill.event_ns,
    )
