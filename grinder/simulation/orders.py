"""Orders of the simulated venue: as asked for, as they live, as they are shown."""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum
from typing import TYPE_CHECKING

import attrs

from grinder.model.order import OrderStatus, OrderType, PositionSide, Side, TimeInForce

if TYPE_CHECKING:
    from grinder.simulation.account import Desk
    from grinder.simulation.algo import LiveAlgo
    from grinder.simulation.positions import Leg

CONDITIONAL_TYPES = frozenset(
    ("STOP", "STOP_MARKET", "TAKE_PROFIT", "TAKE_PROFIT_MARKET", "TRAILING_STOP_MARKET")
)
"""Order types that moved to the algo service (-4120)."""


class SelfTradePrevention(StrEnum):
    """Which side of a self-trade expires; the taker's mode decides."""

    EXPIRE_TAKER = "EXPIRE_TAKER"
    EXPIRE_MAKER = "EXPIRE_MAKER"
    EXPIRE_BOTH = "EXPIRE_BOTH"


class PriceMatch(StrEnum):
    """A limit price taken from the book: from which side, and which level of it."""

    NONE = "NONE"
    OPPONENT = "OPPONENT"
    OPPONENT_5 = "OPPONENT_5"
    QUEUE = "QUEUE"
    QUEUE_5 = "QUEUE_5"
    QUEUE_10 = "QUEUE_10"
    QUEUE_20 = "QUEUE_20"

    @property
    def is_opponent(self) -> bool:
        """Whether the level is one of the side from which the order would take."""
        return self in (PriceMatch.OPPONENT, PriceMatch.OPPONENT_5)

    @property
    def level(self) -> int:
        """Which level counts, 1 being the best."""
        depth = self.value.rpartition("_")[2]
        return int(depth) if depth.isdecimal() else 1


class ExpireReason(StrEnum):
    """The venue's ``er``: why an order expired."""

    NONE = "0"
    SELF_TRADE = "1"
    REST_NOT_FILLED = "2"
    """The rest of an IOC, or a FOK that could not fill whole."""
    REDUCE_ONLY = "4"
    """Surplus of a reduce-only order after the position shrank."""
    MARKET_NOT_FILLED = "9"


@attrs.frozen(kw_only=True)
class NewOrder:
    """An order as a participant asks for it."""

    symbol: str
    side: Side
    type: str = OrderType.LIMIT
    """LIMIT or MARKET; a plain string so that the venue can refuse any other."""
    price: Decimal | None = None
    """Limit price in quote per base; None for MARKET."""
    qty: Decimal
    """Quantity in base units, or in contracts of an inverse instrument."""
    quote_qty: Decimal | None = None
    """The sum of quote for which ``qty`` was chosen, if it was; spot only."""
    time_in_force: TimeInForce = TimeInForce.GTC
    reduce_only: bool = False
    client_order_id: str | None = None
    """The participant's name for the order; the venue makes one up when None."""
    good_till_ms: int | None = None
    """Epoch ms at which a GTD order expires; whole seconds count."""
    self_trade_prevention: SelfTradePrevention = SelfTradePrevention.EXPIRE_MAKER
    position_side: PositionSide = PositionSide.BOTH
    price_match: PriceMatch = PriceMatch.NONE
    """Takes the place of ``price``."""


@attrs.frozen(kw_only=True)
class Order:
    """An order as the venue shows it at one moment."""

    order_id: int
    client_order_id: str
    symbol: str
    side: Side
    type: OrderType
    time_in_force: TimeInForce
    status: OrderStatus
    price: Decimal
    """0 for MARKET."""
    qty: Decimal
    filled_qty: Decimal
    filled_quote: Decimal
    """Sum of price x quantity over all fills, exact; for an inverse contract it is the coin."""
    average_price: Decimal
    """0 without a fill."""
    reduce_only: bool
    """Orders that close a LONG or SHORT position are reduce-only, too."""
    self_trade_prevention: SelfTradePrevention
    position_side: PositionSide = PositionSide.BOTH
    price_match: PriceMatch = PriceMatch.NONE
    good_till_ms: int
    """0 unless GTD."""
    expire_reason: ExpireReason
    modify_id: int | None = None
    """What the participant called its last amendment; None where it had no name."""
    created_ms: int
    updated_ms: int
    price_ticks: int
    qty_lots: int
    filled_lots: int
    quote_qty: Decimal | None = None


@attrs.define(kw_only=True, eq=False)
class LiveOrder:
    """The venue's own record of an order; it changes until it is closed."""

    desk: Desk
    order_id: int
    client_order_id: str
    side: Side
    sign: int
    type: OrderType
    time_in_force: TimeInForce
    ticks: int
    """Limit price; 0 for MARKET."""
    lots: int
    reduce_only: bool
    self_trade_prevention: SelfTradePrevention
    position_side: PositionSide = PositionSide.BOTH
    price_match: PriceMatch = PriceMatch.NONE
    good_till_ms: int = 0
    created_ms: int
    updated_ms: int
    status: OrderStatus = OrderStatus.NEW
    expire_reason: ExpireReason = ExpireReason.NONE
    filled: int = 0
    units: int = 0
    """Sum of worth x lots over all fills."""
    quote_qty: Decimal | None = None
    ahead: int = 0
    """External lots that the fill model believes to stand before this order at its price."""
    is_resting: bool = False
    amendments: int = 0
    modify_id: int | None = None
    algo: LiveAlgo | None = None
    """The conditional order that it came out of; set while both are alive."""
    is_forced: bool = False
    """Whether the venue placed it to liquidate a position."""

    @property
    def leg(self) -> Leg:
        """The position that the order changes."""
        return self.desk.legs[self.position_side]

    @property
    def remaining(self) -> int:
        """Lots that can still fill; 0 once the order is closed."""
        return 0 if self.status.is_terminal else self.lots - self.filled

    def snapshot(self) -> Order:
        """Return the order as the venue shows it now."""
        instrument, scale = self.desk.instrument, self.desk.book.scale
        return Order(
            order_id=self.order_id,
            client_order_id=self.client_order_id,
            symbol=instrument.symbol,
            side=self.side,
            type=self.type,
            time_in_force=self.time_in_force,
            status=self.status,
            price=instrument.tick * self.ticks,
            qty=instrument.lot * self.lots,
            filled_qty=instrument.lot * self.filled,
            filled_quote=scale.total(self.units),
            average_price=scale.average(self.units, self.filled) if self.filled else Decimal(0),
            reduce_only=self.reduce_only,
            self_trade_prevention=self.self_trade_prevention,
            position_side=self.position_side,
            price_match=self.price_match,
            good_till_ms=self.good_till_ms,
            expire_reason=self.expire_reason,
            modify_id=self.modify_id,
            created_ms=self.created_ms,
            updated_ms=self.updated_ms,
            price_ticks=self.ticks,
            qty_lots=self.lots,
            filled_lots=self.filled,
            quote_qty=self.quote_qty,
        )
