"""Commands to the venue and the news of our orders."""

from __future__ import annotations

from decimal import Decimal
from typing import ClassVar

import attrs

from grinder.kernel.message import Lane, Message
from grinder.model.order import OpenOrder, OrderType, Side, TimeInForce
from grinder.model.permit import Permit


@attrs.frozen(kw_only=True)
class Placement:
    """One order to be placed, with the name that it will have for ever."""

    symbol: str
    client_order_id: str
    side: Side
    order_type: OrderType = OrderType.LIMIT
    price_ticks: int
    """0 for a market order."""
    qty_lots: int
    time_in_force: TimeInForce = TimeInForce.GTX
    reduce_only: bool = False
    level: str
    reason: str


@attrs.frozen(kw_only=True)
class PlaceOrders(Message):
    """RouterActor tells ExchangeActor, and that its port, to place orders of one symbol.

    Entries and exits never share one: exits overtake.
    """

    symbol: str
    orders: tuple[Placement, ...]
    """At least one, in the order in which they are to be sent; each is answered by itself."""
    permit: Permit | None
    """None only for reduce-only orders."""
    tick_ns: int = 0
    """When the market frame behind them reached us; 0 when something else was behind them."""

    @property
    def lane(self) -> Lane:  # type: ignore[override]  # exits overtake entries
        """URGENT for exits."""
        return Lane.URGENT if self.orders[0].reduce_only else Lane.NORMAL


@attrs.frozen(kw_only=True)
class CancelOrder(Message):
    """RouterActor tells ExchangeActor, and that its port, to cancel one order."""

    lane: ClassVar[Lane] = Lane.URGENT

    symbol: str
    client_order_id: str
    reason: str


@attrs.frozen(kw_only=True)
class OrdersSubmitted(Message):
    """ExchangeActor has handed placements to its port; the venue has not answered yet."""

    lane: ClassVar[Lane] = Lane.URGENT

    symbol: str
    orders: tuple[Placement, ...]


@attrs.frozen(kw_only=True)
class OrderAccepted(Message):
    """The order rests at the venue."""

    lane: ClassVar[Lane] = Lane.URGENT

    symbol: str
    client_order_id: str
    order_id: int
    side: Side
    price_ticks: int
    qty_lots: int
    reduce_only: bool
    level: str


@attrs.frozen(kw_only=True)
class OrderRejected(Message):
    """The order never came to be: the venue refused it, or it was dropped before it was sent."""

    lane: ClassVar[Lane] = Lane.URGENT

    symbol: str
    client_order_id: str
    side: Side
    level: str
    reduce_only: bool
    code: int
    """The venue's code; 0 when it never left us."""
    reason: str


@attrs.frozen(kw_only=True)
class OrderFilled(Message):
    """One fill, each counted once by (symbol, trade id)."""

    lane: ClassVar[Lane] = Lane.URGENT

    symbol: str
    client_order_id: str
    """Empty when the venue did it (liquidation, ADL) or somebody traded by hand."""
    order_id: int
    trade_id: int
    side: Side
    level: str
    price_ticks: int
    qty_lots: int
    """Of this fill."""
    filled_lots: int
    """Cumulative."""
    remaining_lots: int
    reduce_only: bool
    is_maker: bool
    fee: Decimal
    """Commission paid, positive, in ``fee_asset``."""
    fee_asset: str
    realized_pnl: Decimal
    """Before commission, in quote units, as the venue states it."""
    event_ns: int


@attrs.frozen(kw_only=True)
class OrderEnded(Message):
    """The order no longer rests: filled, cancelled or expired."""

    lane: ClassVar[Lane] = Lane.URGENT

    symbol: str
    client_order_id: str
    side: Side
    level: str
    reduce_only: bool
    status: str
    """FILLED, CANCELED, EXPIRED, EXPIRED_IN_MATCH."""
    filled_lots: int
    reason: str
    """Our reason for a cancel, or the venue's for an expiry."""


@attrs.frozen(kw_only=True)
class OrderOutcomeUnknown(Message):
    """The venue did not answer: the order may or may not rest, and is being looked up."""

    lane: ClassVar[Lane] = Lane.URGENT

    symbol: str
    client_order_id: str
    side: Side
    level: str
    operation: str
    """place or cancel."""


@attrs.frozen(kw_only=True)
class CancelRejected(Message):
    """A cancel did not take effect and the order may still rest."""

    lane: ClassVar[Lane] = Lane.URGENT

    symbol: str
    client_order_id: str
    code: int
    reason: str


@attrs.frozen(kw_only=True)
class OrdersSynced(Message):
    """Every own order of one symbol, from the venue: replaces whatever the receiver believed."""

    lane: ClassVar[Lane] = Lane.URGENT

    symbol: str
    orders: tuple[OpenOrder, ...]
    position_lots: int
    entry_price: Decimal
    is_stream_live: bool
    """True when changes from here on will be heard."""


@attrs.frozen(kw_only=True)
class OrdersRequested(Message):
    """A restarted actor asks ExchangeActor to say OrdersSynced for a symbol again."""

    symbol: str
