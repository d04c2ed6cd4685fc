"""Words of an order: side, type, time in force, status, and the order as the venue shows it."""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum

import attrs


class Side(StrEnum):
    """Direction of an order."""

    BUY = "BUY"
    SELL = "SELL"

    @property
    def opposite(self) -> Side:
        """The other side."""
        return Side.SELL if self is Side.BUY else Side.BUY

    @property
    def sign(self) -> int:
        """+1 for a buy, -1 for a sell."""
        return 1 if self is Side.BUY else -1


class PositionSide(StrEnum):
    """Which position an order belongs to: BOTH in one-way mode, LONG or SHORT in hedge mode."""

    BOTH = "BOTH"
    LONG = "LONG"
    SHORT = "SHORT"

    @property
    def opening(self) -> Side | None:
        """The side that makes the position grow; None for BOTH, where either may."""
        if self is PositionSide.BOTH:
            return None
        return Side.BUY if self is PositionSide.LONG else Side.SELL


class OrderType(StrEnum):
    """How an order meets the book."""

    LIMIT = "LIMIT"
    MARKET = "MARKET"


class TimeInForce(StrEnum):
    """How long an order lives. GTX is post-only: it never takes."""

    GTC = "GTC"
    IOC = "IOC"
    FOK = "FOK"
    GTX = "GTX"
    GTD = "GTD"


class OrderStatus(StrEnum):
    """The venue's word for the state of an order."""

    NEW = "NEW"
    PARTIALLY_FILLED = "PARTIALLY_FILLED"
    FILLED = "FILLED"
    CANCELED = "CANCELED"
    REJECTED = "REJECTED"
    EXPIRED = "EXPIRED"
    EXPIRED_IN_MATCH = "EXPIRED_IN_MATCH"

    @property
    def is_terminal(self) -> bool:
        """True when nothing can happen to the order any more."""
        return self not in (OrderStatus.NEW, OrderStatus.PARTIALLY_FILLED)


@attrs.frozen(kw_only=True)
class OpenOrder:
    """One order as the venue shows it."""

    symbol: str
    client_order_id: str
    order_id: int
    side: Side
    price_ticks: int
    qty_lots: int
    filled_lots: int = 0
    reduce_only: bool = False
    status: OrderStatus = OrderStatus.NEW
    updated_ns: int = 0

    @property
    def remaining_lots(self) -> int:
        """Lots that can still fill."""
        return self.qty_lots - self.filled_lots


@attrs.frozen(kw_only=True)
class Trade:
    """One fill of one of our orders, unique by (symbol, trade_id)."""

    symbol: str
    trade_id: int
    order_id: int
    side: Side
    price_ticks: int
    qty_lots: int
    fee: Decimal
    """Commission paid, positive, in ``fee_asset``; negative is a rebate."""
    fee_asset: str
    realized_pnl: Decimal
    """Profit realised by this fill before commission, in quote units."""
    is_maker: bool
    ts_ns: int
