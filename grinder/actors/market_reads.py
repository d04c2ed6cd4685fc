"""What FeedActor reads over REST: snapshots of the book, the day's volume, the open interest."""

from __future__ import annotations

import attrs

from grinder.features.depthsync import DepthSync, Told
from grinder.kernel.actor import Actor
from grinder.kernel.address import Address
from grinder.messages.market import DepthChanged, DepthSynced, MarketStatsChanged, StreamKind
from grinder.messages.venue import (
    BudgetReported,
    ClockMeasured,
    DepthRead,
    MarketStatsRead,
    ReadDepth,
    ReadFailed,
    ReadMarketStats,
    VenueDenied,
    VenueThrottled,
)
from grinder.model.settings import FeedSettings
from grinder.model.units import NS_PER_MS, NS_PER_S

TOKEN_SHIFT = 32
"""Requests of one generation stay below 2 to this power."""
ANSWER_NS = 30 * NS_PER_S
"""A request unanswered for so long will not be answered any more."""
CALM_NS = 60 * NS_PER_S
"""A book that was whole for so long begins with the shortest pause again."""
RETRY_NS = 10 * NS_PER_S
"""Pause before the day's figures are asked for again after a failure."""


@attrs.define(kw_only=True)
class _Snapshots:
    """Where one symbol stands in asking for snapshots of its book."""

    token: int = 0
    """Of the request under way; 0 when there is none."""
    is_due: bool = False
    """True from when a snapshot is wanted until its answer, pauses included."""
    asked: int = 0
    """How often, since the book was last whole for ``CALM_NS``."""
    synced_ns: int = 0


class MarketReads(Actor):
    """The half of FeedActor that keeps depth chains whole and reads what no stream carries.

    Hears DepthRead, MarketStatsRead, ReadFailed from the venue port. Says DepthSynced,
    DepthChanged, MarketStatsChanged, and passes on what the port learned by the way. A subclass is
    told by ``heard`` what has come, by ``check_silence`` when to look for what has not, and hands
    its timers to ``reads_timer`` first.
    """

    def __init__(self, settings: FeedSettings, symbols: tuple[str, ...], venue: Address) -> None:
        self._settings = settings
        self._venue = venue
        self._syncs = {symbol: DepthSync() for symbol in symbols if settings.depth}
        self._snapshots = {symbol: _Snapshots() for symbol in self._syncs}
        self._stats_tokens = dict.fromkeys(symbols if settings.stats_ms else (), 0)
        self._token = 0

    def heard(self, kind: StreamKind, symbol: str) -> None:
        """Note that something of a kind was let through."""
        raise NotImplementedError

    def check_silence(self, kind: StreamKind, symbol: str) -> None:
        """Look whether nothing has come for too long."""
        raise NotImplementedError

    def start_reads(self) -> None:
        """Read what is read at regular intervals for the first time."""
        self._token = self.generation << TOKEN_SHIFT
        for symbol in self._stats_tokens:
            self._ask_stats(symbol)

    def reads_timer(self, kind: str, symbol: str) -> bool:
        """Do what a timer of the reads asks for; return whether it was one."""
        if kind == "stats":
            self.check_silence(StreamKind.MARKET_STATS, symbol)
            self._ask_stats(symbol)
        elif kind == "depth":
            if self._snapshots[symbol].token:
                self._want_snapshot(symbol)
            else:
                self._ask_snapshot(symbol)
        else:
            return False
        return True

    def growing_pause_ns(self, failures: int) -> int:
        """Return how long to wait after so many failures before."""
        settings = self._settings
        pause_ms = settings.reconnect_delay_ms << min(failures, 20)
        return min(pause_ms, settings.reconnect_delay_max_ms) * NS_PER_MS

    @property
    def broken_chains(self) -> int:
        """How often a change of depth did not continue the one before it, over all symbols."""
        return sum(sync.breaks for sync in self._syncs.values())

    @property
    def unsynced_books(self) -> int:
        """How many books have changes that can't be said."""
        return sum(sync.is_unsynced for sync in self._syncs.values())

    # The book.

    def restart_depth(self) -> None:
        """Begin every chain anew: the connection is another one."""
        for sync in self._syncs.values():
            sync.restart()

    def follow_depth(self, depth: DepthChanged) -> None:
        """Say a change of the book that continues what was said, or begin anew."""
        symbol = depth.symbol
        sync = self._syncs[symbol]
        self._tell_depth(symbol, sync.hear(depth))
        if sync.wants_snapshot and not self._snapshots[symbol].is_due:
            self._want_snapshot(symbol)

    def on_depth_read(self, read: DepthRead) -> None:
        """Join the snapshot to the changes that wait for it."""
        symbol = read.symbol
        snapshots = self._snapshots[symbol]
        if read.token != snapshots.token:
            return
        snapshots.token = 0
        snapshots.is_due = False
        self.cancel_timer(f"depth:{symbol}")
        sync = self._syncs[symbol]
        told = sync.answer(read)
        self._tell_depth(symbol, told)
        if sync.wants_snapshot:
            # It was older than the changes that wait.
            self._want_snapshot(symbol)

    def _tell_depth(self, symbol: str, told: Told) -> None:
        if not told:
            return
        if told[0].__class__ is DepthSynced:
            self._snapshots[symbol].synced_ns = self.now_ns
        for message in told:
            self.say(message)
        self.heard(StreamKind.DEPTH, symbol)

    def _want_snapshot(self, symbol: str) -> None:
        """Ask for a snapshot: at once the first time, then after pauses that grow."""
        snapshots = self._snapshots[symbol]
        snapshots.token = 0
        snapshots.is_due = True
        if snapshots.synced_ns and self.now_ns - snapshots.synced_ns >= CALM_NS:
            snapshots.asked = 0
        snapshots.asked += 1
        if snapshots.asked == 1:
            self._ask_snapshot(symbol)
            return
        self.set_timer(f"depth:{symbol}", self.growing_pause_ns(snapshots.asked - 2))

    def _ask_snapshot(self, symbol: str) -> None:
        snapshots = self._snapshots[symbol]
        if not self._syncs[symbol].wants_snapshot:
            # Another connection has begun meanwhile, and nothing was heard over it yet.
            snapshots.is_due = False
            return
        self._token += 1
        snapshots.token = self._token
        self.tell(self._venue, ReadDepth(symbol=symbol, token=self._token))
        self.set_timer(f"depth:{symbol}", ANSWER_NS)

    # The day's figures.

    def _ask_stats(self, symbol: str) -> None:
        self._token += 1
        self._stats_tokens[symbol] = self._token
        self.tell(self._venue, ReadMarketStats(symbol=symbol, token=self._token))
        self.set_timer(f"stats:{symbol}", self._settings.stats_ms * NS_PER_MS)

    def on_market_stats_read(self, read: MarketStatsRead) -> None:
        """Say the day's figures."""
        if read.token != self._stats_tokens.get(read.symbol):
            return
        self.heard(StreamKind.MARKET_STATS, read.symbol)
        self.say(
            MarketStatsChanged(
                symbol=read.symbol,
                volume_24h=read.volume_24h,
                trades_24h=read.trades_24h,
                open_interest=read.open_interest,
                event_ns=read.event_ns,
            )
        )

    # What both have in common.

    def on_read_failed(self, failed: ReadFailed) -> None:
        """Ask again later."""
        symbol, token = failed.symbol, failed.token
        snapshots = self._snapshots.get(symbol)
        if snapshots is not None and token == snapshots.token:
            self._want_snapshot(symbol)
        elif token == self._stats_tokens.get(symbol):
            pause_ns = min(RETRY_NS, self._settings.stats_ms * NS_PER_MS)
            self.set_timer(f"stats:{symbol}", pause_ns)

    def on_venue_news(
        self, news: VenueThrottled | VenueDenied | BudgetReported | ClockMeasured
    ) -> None:
        """Pass on what the port learned by the way."""
        self.say(news)
