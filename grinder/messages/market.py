"""What the market did, and how its streams are doing.

Said by the market stream port to FeedActor, and by FeedActor to everyone else once the data has
passed its checks.
"""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum
from typing import ClassVar

import attrs

from grinder.kernel.message import Lane, Message
from grinder.model.order import Side


class StreamKind(StrEnum):
    """One kind of market data, each with a liveness limit of its own."""

    BOOK_TICKER = "bookTicker"
    AGG_TRADE = "aggTrade"
    DEPTH = "depth"
    MARK_PRICE = "markPrice"
    LIQUIDATION = "forceOrder"
    MARKET_STATS = "marketStats"
    """Day's volume and open interest, read over REST."""


@attrs.frozen(kw_only=True)
class OpenStream(Message):
    """FeedActor tells a stream port to connect (again); an older connection is closed first."""

    connection: int
    """Chosen by the actor, rising; everything the connection says carries it."""


@attrs.frozen(kw_only=True)
class CloseStream(Message):
    """Tell a stream port to hang up and stay so."""


@attrs.frozen(kw_only=True)
class StreamOpened(Message):
    """The stream port is connected and subscribed."""

    lane: ClassVar[Lane] = Lane.URGENT

    stream: str
    """The port's name for what it carries: public, market or private."""
    connection: int


@attrs.frozen(kw_only=True)
class StreamClosed(Message):
    """The connection is gone or could not be made; nobody reconnects unless told."""

    lane: ClassVar[Lane] = Lane.URGENT

    stream: str
    connection: int
    reason: str


@attrs.frozen(kw_only=True)
class FrameRejected(Message):
    """A frame could not be decoded and was left out."""

    conflate_by: ClassVar[str | None] = "stream"

    stream: str
    connection: int
    detail: str
    """First characters of the frame and what was wrong with it."""


@attrs.frozen(kw_only=True)
class BookTicked(Message):
    """Best bid and ask changed."""

    conflate_by: ClassVar[str | None] = "symbol"

    symbol: str
    bid_ticks: int
    bid_lots: int
    ask_ticks: int
    ask_lots: int
    update_id: int
    """The venue's own sequence number of the book."""
    event_ns: int
    """The venue's time of the event."""
    received_ns: int
    """When the frame reached us."""
    connection: int


@attrs.frozen(kw_only=True)
class TradePrinted(Message):
    """Somebody traded."""

    symbol: str
    price_ticks: int
    qty_lots: int
    buyer_is_maker: bool
    """True when the aggressor sold."""
    trade_id: int
    event_ns: int
    connection: int


@attrs.frozen(kw_only=True)
class DepthChanged(Message):
    """Levels of the book changed; quantities are absolute and 0 removes a level."""

    symbol: str
    first_id: int
    last_id: int
    previous_id: int
    """``last_id`` of the change before it: the chain is broken when it is another."""
    bids: tuple[tuple[int, int], ...]
    """(price ticks, quantity lots), best first as sent."""
    asks: tuple[tuple[int, int], ...]
    event_ns: int
    connection: int


@attrs.frozen(kw_only=True)
class DepthSynced(Message):
    """The book begins anew from here: first levels of both sides. Said by FeedActor.

    ``DepthChanged`` that FeedActor says after it continues without a hole; when the chain breaks,
    nothing more is said of the depth until the next one of these.
    """

    symbol: str
    last_id: int
    bids: tuple[tuple[int, int], ...]
    """(price ticks, quantity lots), best first."""
    asks: tuple[tuple[int, int], ...]
    event_ns: int


@attrs.frozen(kw_only=True)
class LiquidationPrinted(Message):
    """The venue closes somebody's position by force."""

    symbol: str
    side: Side
    """Of the order that closes: SELL when a long is liquidated."""
    price_ticks: int
    """Average price, to the nearest tick."""
    qty_lots: int
    event_ns: int
    connection: int


@attrs.frozen(kw_only=True)
class MarketStatsChanged(Message):
    """How much a symbol was traded and is held by everybody. Said by FeedActor."""

    conflate_by: ClassVar[str | None] = "symbol"

    symbol: str
    volume_24h: Decimal
    """Quote units in the last 24 hours."""
    trades_24h: int
    open_interest: Decimal
    """Quote units at the price of the reading."""
    event_ns: int


@attrs.frozen(kw_only=True)
class MarkPriced(Message):
    """Mark price and the coming funding."""

    conflate_by: ClassVar[str | None] = "symbol"

    symbol: str
    mark_price: Decimal
    index_price: Decimal
    funding_rate: Decimal
    """Fraction of notional that longs pay at the next funding; negative: shorts pay."""
    next_funding_ns: int
    event_ns: int
    connection: int


@attrs.frozen(kw_only=True)
class FeedHealthChanged(Message):
    """One stream of one symbol went stale or came back. Said by FeedActor."""

    lane: ClassVar[Lane] = Lane.CONTROL

    symbol: str
    stream: StreamKind
    is_stale: bool
    age_ns: int
    """Time since its last frame."""


class Flaw(StrEnum):
    """What can be wrong with a price or a trade that arrived in order."""

    PRICE = "price"
    """It jumped by more than ``feed.outlier_bps``; a shift of the level counts once."""
    BAD_TICK = "bad_tick"
    """A jump of the best prices that was held back and never confirmed; not passed on."""
    INVALID_PRICE = "invalid_price"
    INVALID_QUANTITY = "invalid_quantity"
    FUTURE_TIMESTAMP = "future_timestamp"
    STALE_TIMESTAMP = "stale_timestamp"


@attrs.frozen(kw_only=True)
class StreamQuality:
    """What was wrong with one kind of data, of all symbols together."""

    stream: StreamKind
    gaps: tuple[int, int, int]
    """Silences of one symbol that ended: of 500 ms or more, of 2 s or more, of 5 s or more."""
    flaws: tuple[tuple[str, int], ...]
    """(a ``Flaw``, how often), each that can happen to this kind."""


@attrs.frozen(kw_only=True)
class FeedReported(Message):
    """FeedActor's counters since its start, once a second."""

    conflate_by: ClassVar[str | None] = "stream"
    version: ClassVar[int] = 2

    stream: str
    """public or market."""
    is_connected: bool
    frames: int
    late: int
    """Frames left out because their sequence or time was not newer than the last one."""
    gaps: int
    """Chains of depth changes that broke."""
    unsynced: int = 0
    """Symbols whose book is being read again, or could not be."""
    rejected: int
    reconnects: int
    last_event_ns: int
    quality: tuple[StreamQuality, ...] = ()
    """Of each kind whose quality is watched on this line."""
