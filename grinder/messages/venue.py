"""The words between our actors and the venue port: requests, answers, and private events."""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum
from typing import ClassVar

import attrs

from grinder.kernel.message import Lane, Message
from grinder.model.order import OpenOrder, OrderStatus, OrderType, Side, Trade
from grinder.model.position import Position


class Outcome(StrEnum):
    """What became of a request that changes something."""

    DONE = "DONE"
    REFUSED = "REFUSED"
    """Nothing happened at the venue."""
    UNKNOWN = "UNKNOWN"
    """It may have happened."""


@attrs.frozen(kw_only=True)
class PlaceAnswered(Message):
    """The port's answer to PlaceOrders, exactly one for each order."""

    lane: ClassVar[Lane] = Lane.URGENT

    symbol: str
    client_order_id: str
    outcome: Outcome
    order_id: int = 0
    status: OrderStatus | None = None
    filled_lots: int = 0
    code: int = 0
    text: str = ""
    sent_ns: int = 0
    """When the request left; 0 if it never did."""
    tick_ns: int = 0
    """Copied from the PlaceOrders."""
    decided_ns: int = 0
    """From here on an UNKNOWN placement that the venue has not accepted can't be accepted any
    more (request timestamp + receive window + margin), in the runtime's time."""


@attrs.frozen(kw_only=True)
class CancelAnswered(Message):
    """The port's answer to CancelOrder, exactly one for each. -2011 is REFUSED with that code."""

    lane: ClassVar[Lane] = Lane.URGENT

    symbol: str
    client_order_id: str
    outcome: Outcome
    order_id: int = 0
    status: OrderStatus | None = None
    filled_lots: int = 0
    code: int = 0
    text: str = ""


@attrs.frozen(kw_only=True)
class DropPlacements(Message):
    """Tell the port to refuse placements still queued whose permit serial is below ``serial``."""

    lane: ClassVar[Lane] = Lane.CONTROL

    serial: int


@attrs.frozen(kw_only=True)
class Quiesce(Message):
    """Ask for Quiesced once every placement and cancel told before it is answered."""

    token: int


@attrs.frozen(kw_only=True)
class Quiesced(Message):
    """Every earlier placement and cancel has been answered, or can't take effect any more."""

    lane: ClassVar[Lane] = Lane.URGENT

    token: int


@attrs.frozen(kw_only=True)
class QueryOrder(Message):
    """Look one order up by our name of it."""

    symbol: str
    client_order_id: str


@attrs.frozen(kw_only=True)
class OrderQueried(Message):
    """What the venue knows of an order."""

    lane: ClassVar[Lane] = Lane.URGENT

    symbol: str
    client_order_id: str
    order: OpenOrder | None
    """None when the venue does not know it (-2013)."""


@attrs.frozen(kw_only=True)
class ReadAccount(Message):
    """Read balances, positions and open orders of the traded symbols."""

    token: int


@attrs.frozen(kw_only=True)
class AccountRead(Message):
    """Answer to ReadAccount."""

    token: int
    wallet: Decimal
    unrealized_pnl: Decimal
    positions: tuple[Position, ...]
    open_orders: tuple[OpenOrder, ...]
    asked_ns: int


@attrs.frozen(kw_only=True)
class ReadTrades(Message):
    """Read own trades of a symbol from a trade id on (inclusive), at most 1,000.

    ``from_id`` 0 means: those of ``since_ns`` and later, however long ago that is, as far back as
    the venue tells; 0 means all that it tells.
    """

    symbol: str
    from_id: int
    since_ns: int


@attrs.frozen(kw_only=True)
class TradesRead(Message):
    """Answer to ReadTrades, ascending by trade id."""

    lane: ClassVar[Lane] = Lane.URGENT
    version: ClassVar[int] = 2

    symbol: str
    trades: tuple[Trade, ...]
    next_id: int = 0
    """Trade id to read on from; 0 when there was no more."""


@attrs.frozen(kw_only=True)
class ReadFunding(Message):
    """Read funding payments of the account from a time on, at most 1,000."""

    since_ns: int


@attrs.frozen(kw_only=True)
class FundingRead(Message):
    """Answer to ReadFunding, ascending by time."""

    version: ClassVar[int] = 2

    payments: tuple[tuple[str, int, Decimal, int], ...]
    """(symbol, transaction id, amount in quote units, time in ns)."""
    next_ns: int = 0
    """Time to read on from; 0 when there was no more. What has this time may be told again."""


@attrs.frozen(kw_only=True)
class ReadDepth(Message):
    """Read the book of a symbol, 1,000 levels a side, to begin a chain of changes with."""

    symbol: str
    token: int


@attrs.frozen(kw_only=True)
class DepthRead(Message):
    """Answer to ReadDepth."""

    symbol: str
    token: int
    last_id: int
    """The last change that it holds, in the numbers of ``DepthChanged``."""
    bids: tuple[tuple[int, int], ...]
    """(price ticks, quantity lots), best first."""
    asks: tuple[tuple[int, int], ...]
    event_ns: int


@attrs.frozen(kw_only=True)
class ReadMarketStats(Message):
    """Read how much of a symbol was traded in 24 hours and is held by everybody."""

    symbol: str
    token: int


@attrs.frozen(kw_only=True)
class MarketStatsRead(Message):
    """Answer to ReadMarketStats."""

    symbol: str
    token: int
    volume_24h: Decimal
    """Quote units."""
    trades_24h: int
    open_interest: Decimal
    """Quote units at the last price."""
    event_ns: int


@attrs.frozen(kw_only=True)
class ReadFailed(Message):
    """A read came to nothing after its bounded retries."""

    request: str
    """Class name of the request."""
    symbol: str
    client_order_id: str
    token: int
    code: int
    text: str


@attrs.frozen(kw_only=True)
class SetCountdown(Message):
    """Arm or extend the venue's dead-man switch of a symbol; 0 disarms it."""

    symbol: str
    countdown_ms: int


@attrs.frozen(kw_only=True)
class CountdownAnswered(Message):
    """Answer to SetCountdown."""

    lane: ClassVar[Lane] = Lane.URGENT

    symbol: str
    countdown_ms: int
    outcome: Outcome
    code: int
    text: str


@attrs.frozen(kw_only=True)
class OpenUserStream(Message):
    """Make or extend the listen key, connect and listen; an older connection is closed after."""

    connection: int


@attrs.frozen(kw_only=True)
class KeepUserStream(Message):
    """Extend the listen key's life."""

    connection: int


@attrs.frozen(kw_only=True)
class UserStreamKept(Message):
    """Answer to KeepUserStream."""

    connection: int
    outcome: Outcome
    code: int
    text: str


@attrs.frozen(kw_only=True)
class OrderReported(Message):
    """ORDER_TRADE_UPDATE from the private stream."""

    lane: ClassVar[Lane] = Lane.URGENT

    connection: int
    symbol: str
    client_order_id: str
    order_id: int
    side: Side
    order_type: OrderType | None
    """None for a type that we never place."""
    execution: str
    """NEW, TRADE, CANCELED, EXPIRED, AMENDMENT, CALCULATED."""
    status: OrderStatus
    price_ticks: int
    qty_lots: int
    filled_lots: int
    last_price_ticks: int
    last_lots: int
    trade_id: int
    """0 when the event is not a fill."""
    fee: Decimal
    fee_asset: str
    realized_pnl: Decimal
    is_maker: bool
    reduce_only: bool
    expiry_reason: str
    event_ns: int


@attrs.frozen(kw_only=True)
class AccountReported(Message):
    """ACCOUNT_UPDATE from the private stream; only what changed."""

    lane: ClassVar[Lane] = Lane.URGENT

    connection: int
    reason: str
    """ORDER, FUNDING_FEE, ..."""
    wallets: tuple[tuple[str, Decimal, Decimal], ...]
    """(asset, wallet balance, change without profit and commission)."""
    positions: tuple[Position, ...]
    event_ns: int


@attrs.frozen(kw_only=True)
class ListenKeyExpired(Message):
    """The private stream is dead although its socket may live."""

    lane: ClassVar[Lane] = Lane.URGENT

    connection: int


@attrs.frozen(kw_only=True)
class BudgetReported(Message):
    """What the venue's answer headers say of our limits. Said by the port now and then."""

    conflate_by: ClassVar[str | None] = "scope"

    scope: str
    """Always account: one venue account per process."""
    used_weight_1m: int
    orders_10s: int
    orders_1m: int


@attrs.frozen(kw_only=True)
class VenueThrottled(Message):
    """The venue asked for silence (429) or banned us (418)."""

    lane: ClassVar[Lane] = Lane.CONTROL

    until_ns: int
    status: int
    text: str


@attrs.frozen(kw_only=True)
class VenueDenied(Message):
    """The venue no longer takes our key, signature or address: a human is needed."""

    lane: ClassVar[Lane] = Lane.CONTROL

    code: int
    text: str


@attrs.frozen(kw_only=True)
class ClockMeasured(Message):
    """Offset between the venue's clock and ours."""

    conflate_by: ClassVar[str | None] = "scope"

    scope: str
    """Always venue."""
    offset_ns: int
    """Venue minus local."""
    round_trip_ns: int
