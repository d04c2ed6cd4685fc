"""The port that sends signed requests: who may wait for whom is decided here."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

from grinder.kernel.message import Envelope
from grinder.kernel.port import Outlet, Port
from grinder.messages.orders import CancelOrder, PlaceOrders
from grinder.messages.venue import (
    DropPlacements,
    QueryOrder,
    Quiesce,
    ReadAccount,
    ReadDepth,
    ReadFunding,
    ReadMarketStats,
    ReadTrades,
    SetCountdown,
)
from grinder.model.instrument import Instrument
from grinder.model.settings import VenueSettings
from grinder.venues.binance_reads import ReadDesk
from grinder.venues.binance_writes import WriteDesk
from grinder.venues.budget import Budget
from grinder.venues.clock import VenueClock
from grinder.venues.http import VenueHttp
from grinder.venues.line import VenueLine
from grinder.venues.signing import Credentials

MARKET_THREADS = 1
"""Market data is read one by one, and no look at the account waits behind it."""


class BinanceRestPort(Port):
    """Place, cancel and read over REST, each on threads of its own.

    Hears PlaceOrders, CancelOrder, SetCountdown, DropPlacements, Quiesce, QueryOrder, ReadAccount,
    ReadTrades, ReadFunding, ReadDepth, ReadMarketStats. Tells the sender of each: PlaceAnswered,
    CancelAnswered, CountdownAnswered, Quiesced, OrderQueried, AccountRead, TradesRead, FundingRead,
    DepthRead, MarketStatsRead or ReadFailed; and, when a request brings it to light,
    VenueThrottled, VenueDenied, BudgetReported and ClockMeasured.
    """

    def __init__(
        self,
        *,
        rest_url: str,
        credentials: Credentials,
        clock: VenueClock,
        instruments: Mapping[str, Instrument],
        settings: VenueSettings,
        weight_limit_1m: int = 2_400,
        ahead: Callable[[], bool] | None = None,
    ) -> None:
        http = VenueHttp(
            rest_url,
            credentials,
            clock,
            connect_timeout_ms=settings.connect_timeout_ms,
            read_timeout_ms=settings.read_timeout_ms,
        )
        budget = Budget(
            weight_limit_1m=weight_limit_1m, weight_reserve=settings.order_weight_reserve
        )
        self._line = VenueLine(http, budget)
        self._writes = WriteDesk(self._line, instruments, settings, ahead)
        self._reads = ReadDesk(self._line, instruments, settings)
        self._market_reads = ReadDesk(
            self._line, instruments, settings, name="rest-market", threads=MARKET_THREADS
        )

    def open(self, outlet: Outlet) -> None:
        """Start the threads."""
        self._line.open(outlet)
        self._writes.start()
        self._reads.start()
        self._market_reads.start()

    def receive(self, envelope: Envelope) -> None:
        """Queue the command, or answer it as refused."""
        body = envelope.body
        if isinstance(body, PlaceOrders):
            self._writes.accept_places(envelope, body)
        elif isinstance(body, CancelOrder):
            self._writes.accept_cancel(envelope, body)
        elif isinstance(body, SetCountdown):
            self._writes.accept_countdown(envelope, body)
        elif isinstance(body, DropPlacements):
            self._writes.drop_below(body.serial)
        elif isinstance(body, Quiesce):
            self._writes.quiesce(envelope)
        elif isinstance(body, QueryOrder | ReadAccount | ReadTrades | ReadFunding):
            self._reads.accept(envelope, body)
        elif isinstance(body, ReadDepth | ReadMarketStats):
            self._market_reads.accept(envelope, body)

    def close(self, timeout_s: float) -> None:
        """Refuse what waits and end the threads; a request under way ends with its timeout."""
        deadline = time.monotonic() + timeout_s
        self._writes.close(deadline)
        self._reads.close(deadline)
        self._market_reads.close(deadline)
