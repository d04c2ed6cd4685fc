"""Positions, balances and money that moved."""

from __future__ import annotations

from decimal import Decimal
from typing import ClassVar

import attrs

from grinder.kernel.message import Lane, Message
from grinder.model.order import OpenOrder
from grinder.model.position import Position


@attrs.frozen(kw_only=True)
class PositionChanged(Message):
    """The venue says what is held of a symbol. Said by ExchangeActor."""

    lane: ClassVar[Lane] = Lane.URGENT

    symbol: str
    qty_lots: int
    """Signed: positive long, negative short."""
    entry_price: Decimal
    unrealized_pnl: Decimal
    event_ns: int


@attrs.frozen(kw_only=True)
class BalanceChanged(Message):
    """Wallet balance of one asset after a change."""

    asset: str
    wallet: Decimal
    event_ns: int


@attrs.frozen(kw_only=True)
class FundingPaid(Message):
    """Funding was booked. ``amount`` is in quote units; negative means we paid."""

    lane: ClassVar[Lane] = Lane.URGENT

    symbol: str
    """Empty when the venue did not say which."""
    transaction_id: int
    """The venue's number of the payment: it is counted once by (symbol, transaction id)."""
    amount: Decimal
    event_ns: int


@attrs.frozen(kw_only=True)
class AccountSynced(Message):
    """The whole account as the venue shows it. Said by AccountSyncActor."""

    wallet: Decimal
    """Wallet balance in USDT."""
    unrealized_pnl: Decimal
    positions: tuple[Position, ...]
    """Only those that are not flat, by symbol."""
    open_orders: tuple[OpenOrder, ...]
    """Every open order of the traded symbols, ours or not, by (symbol, client id)."""
    asked_ns: int
    """When the reads began: nothing in it is older."""
    answered_ns: int


@attrs.frozen(kw_only=True)
class AccountSyncFailed(Message):
    """A snapshot could not be taken."""

    reason: str
    failures_in_row: int
    is_unknown: bool
    """True once there have been so many in a row that the account counts as unknown."""


@attrs.frozen(kw_only=True)
class MismatchDetected(Message):
    """We and the venue disagree. Said by ReconcileActor once it has lasted two snapshots."""

    kind: str
    """ORDER_EXISTS_UNEXPECTED, ORDER_MISSING_ON_EXCHANGE, ORDER_STATUS_DIVERGENCE or
    POSITION_MISMATCH."""
    symbol: str
    client_order_id: str
    expected: str
    observed: str


@attrs.frozen(kw_only=True)
class ReconcileRan(Message):
    """One comparison is done."""

    mismatches: int
    orders_compared: int
    snapshot_age_ns: int
