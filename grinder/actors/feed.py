"""FeedActor: market frames in, checked market events and feed health out."""

from __future__ import annotations

import attrs

from grinder.actors.market_reads import MarketReads
from grinder.features.quality import GAP_NS, Quality
from grinder.kernel.address import Address
from grinder.kernel.signals import TimerFired
from grinder.messages.market import (
    BookTicked,
    DepthChanged,
    FeedHealthChanged,
    FeedReported,
    FrameRejected,
    LiquidationPrinted,
    MarkPriced,
    OpenStream,
    StreamClosed,
    StreamKind,
    StreamOpened,
    StreamQuality,
    TradePrinted,
)
from grinder.model.settings import FeedSettings
from grinder.model.units import NS_PER_MS, NS_PER_S

PUBLIC = "public"
MARKET = "market"
OTHERS = (StreamKind.LIQUIDATION, StreamKind.MARKET_STATS)
"""What does not go stale with its connection's pace."""
GENERATION_SHIFT = 24
"""Connection numbers of one generation stay below 2 to this power."""


@attrs.define(kw_only=True)
class _Track:
    """What is known of one stream of one symbol."""

    last_id: int = -1
    heard_ns: int = 0
    """When something was let through last."""
    came_ns: int = 0
    """When something came last, of a kind that may be held back."""
    event_ns: int = 0
    """The venue's time of what was let through last."""
    is_stale: bool = True


@attrs.define(kw_only=True)
class _Line:
    """One connection."""

    stream: str
    port: Address
    kinds: tuple[StreamKind, ...]
    """What goes stale by silence; the first one tells whether the connection lives."""
    connection: int = 0
    is_open: bool = False
    failures: int = 0
    frames: int = 0
    late: int = 0
    rejected: int = 0
    reconnects: int = 0
    opened_ns: int = 0


class FeedActor(MarketReads):
    """Keep the market streams alive and let through only what is in order and can be believed.

    Hears BookTicked, TradePrinted, DepthChanged, MarkPriced, LiquidationPrinted, StreamOpened,
    StreamClosed, FrameRejected from its streams, and answers of the venue port. Says the same
    market events, DepthSynced, MarketStatsChanged, FeedHealthChanged, FeedReported.
    A connection ends only when told to: one that is silent for all its symbols is replaced.
    Restart: opens new connections; every stream is stale until it is heard.
    """

    def __init__(
        self,
        settings: FeedSettings,
        symbols: tuple[str, ...],
        public: Address,
        market: Address,
        venue: Address,
    ) -> None:
        super().__init__(settings, symbols, venue)
        self._limits_ns = _limits_ns(settings)
        depth = (StreamKind.DEPTH,) if settings.depth else ()
        self._public = _Line(stream=PUBLIC, port=public, kinds=(StreamKind.BOOK_TICKER, *depth))
        self._market = _Line(
            stream=MARKET, port=market, kinds=(StreamKind.MARK_PRICE, StreamKind.AGG_TRADE)
        )
        self._lines = {PUBLIC: self._public, MARKET: self._market}
        kinds = (*self._public.kinds, *self._market.kinds, *OTHERS)
        self._tracks = {kind: {symbol: _Track() for symbol in symbols} for kind in kinds}
        self._books = self._tracks[StreamKind.BOOK_TICKER]
        self._trades = self._tracks[StreamKind.AGG_TRADE]
        self._depths = self._tracks.get(StreamKind.DEPTH, {})
        self._quality = Quality(settings, symbols)
        self._guards = self._quality.books

    def on_start(self) -> None:
        """Connect and begin to watch; what an earlier generation said of the books is void."""
        for kind in self._tracks if self.generation > 1 else (StreamKind.BOOK_TICKER,):
            for symbol, track in self._tracks[kind].items():
                self._say_health(symbol, kind, track, is_stale=True)
        for line in self._lines.values():
            line.connection = self.generation << GENERATION_SHIFT
            self._connect(line)
        self.set_timer("report:", NS_PER_S)
        self.start_reads()

    def _connect(self, line: _Line) -> None:
        line.connection += 1
        line.is_open = False
        line.opened_ns = self.now_ns
        for kind in line.kinds:
            for track in self._tracks[kind].values():
                track.last_id = -1
        if line is self._public:
            self.restart_depth()
        self.tell(line.port, OpenStream(connection=line.connection))
        self.set_timer(f"live:{line.stream}", self._limits_ns[line.kinds[0]])

    def on_book_ticked(self, tick: BookTicked) -> None:
        """Let a newer book through, unless its price has to be confirmed first."""
        line = self._public
        if tick.connection != line.connection:
            return
        symbol, bid, ask = tick.symbol, tick.bid_ticks, tick.ask_ticks
        track = self._books.get(symbol)
        if track is None or tick.update_id <= track.last_id or bid >= ask:
            line.late += 1
            return
        track.last_id = tick.update_id
        line.frames += 1
        if not self._guards[symbol].passes(bid + ask):
            return
        now_ns = self.now_ns
        if now_ns - track.heard_ns >= GAP_NS:
            self._quality.book.note_gap(track.heard_ns, now_ns)
        track.heard_ns = now_ns
        track.event_ns = tick.event_ns
        if track.is_stale:
            self._revive(line, symbol, StreamKind.BOOK_TICKER, track)
        self.say(tick)

    def on_trade_printed(self, trade: TradePrinted) -> None:
        """Let a newer trade through that can have happened."""
        line, symbol = self._market, trade.symbol
        track = self._newer(line, self._trades, trade.connection, symbol, trade.trade_id)
        if track is None:
            return
        # Our clock may be wrong, and the other stream may lag: the book shows the venue's time.
        book, now_ns = self._books[symbol], self.now_ns
        venue_ns = book.event_ns + now_ns - book.heard_ns if book.event_ns else now_ns
        earliest_ns, latest_ns = min(now_ns, venue_ns), max(now_ns, venue_ns)
        if not self._quality.trades[symbol].passes(trade, earliest_ns, latest_ns):
            return
        self._quality.trade.note_gap(track.heard_ns, now_ns)
        track.event_ns = trade.event_ns
        self.heard(StreamKind.AGG_TRADE, symbol)
        self.say(trade)

    def on_depth_changed(self, depth: DepthChanged) -> None:
        """Let a newer change of the book through once the whole book is known."""
        line = self._public
        track = self._newer(line, self._depths, depth.connection, depth.symbol, depth.last_id)
        if track is None:
            return
        self._quality.depth.note_gap(track.came_ns, self.now_ns)
        track.came_ns = self.now_ns
        self.follow_depth(depth)

    def on_mark_priced(self, mark: MarkPriced) -> None:
        """Let a newer mark price through."""
        tracks = self._tracks[StreamKind.MARK_PRICE]
        if self._newer(self._market, tracks, mark.connection, mark.symbol, mark.event_ns):
            self.heard(StreamKind.MARK_PRICE, mark.symbol)
            self.say(mark)

    def on_liquidation_printed(self, liquidation: LiquidationPrinted) -> None:
        """Let a newer liquidation through; there may be none for days, so none goes stale."""
        tracks = self._tracks[StreamKind.LIQUIDATION]
        connection, symbol = liquidation.connection, liquidation.symbol
        if self._newer(self._market, tracks, connection, symbol, liquidation.event_ns):
            self.say(liquidation)

    def _newer(
        self, line: _Line, tracks: dict[str, _Track], connection: int, symbol: str, number: int
    ) -> _Track | None:
        """Return the track of what is newer than everything before it on its connection."""
        if connection != line.connection:
            return None
        track = tracks.get(symbol)
        if track is None or number <= track.last_id:
            line.late += 1
            return None
        track.last_id = number
        line.frames += 1
        return track

    def heard(self, kind: StreamKind, symbol: str) -> None:
        """Note that something was let through; say so if its stream had been stale."""
        track = self._tracks[kind][symbol]
        track.heard_ns = self.now_ns
        if track.is_stale:
            line = self._public if kind in self._public.kinds else self._market
            self._revive(line, symbol, kind, track)

    def check_silence(self, kind: StreamKind, symbol: str) -> None:
        """Say that a stream of no connection went stale."""
        track = self._tracks[kind][symbol]
        age_ns = self.now_ns - track.heard_ns
        if not track.is_stale and age_ns >= self._limits_ns[kind]:
            self._say_health(symbol, kind, track, is_stale=True, age_ns=age_ns)

    def _revive(self, line: _Line, symbol: str, kind: StreamKind, track: _Track) -> None:
        if kind in line.kinds:
            line.failures = 0
        self._say_health(symbol, kind, track, is_stale=False)

    def _say_health(
        self, symbol: str, kind: StreamKind, track: _Track, *, is_stale: bool, age_ns: int = 0
    ) -> None:
        track.is_stale = is_stale
        self.say(FeedHealthChanged(symbol=symbol, stream=kind, is_stale=is_stale, age_ns=age_ns))

    def on_line_news(self, news: StreamOpened | StreamClosed | FrameRejected) -> None:
        """Note that a connection stands; connect again after a pause; count what was unreadable."""
        line = self._lines[news.stream]
        if news.connection != line.connection:
            return
        if isinstance(news, FrameRejected):
            line.rejected += 1
            return
        line.is_open = isinstance(news, StreamOpened)
        if not line.is_open:
            self._retry(line)
        elif line is self._market:
            self._note_seldom(is_stale=False)

    def _note_seldom(self, *, is_stale: bool) -> None:
        """Say of what may be silent for days whether its connection stands."""
        for symbol, track in self._tracks[StreamKind.LIQUIDATION].items():
            if track.is_stale is not is_stale:
                self._say_health(symbol, StreamKind.LIQUIDATION, track, is_stale=is_stale)

    def _retry(self, line: _Line) -> None:
        pause_ns = self.growing_pause_ns(line.failures)
        line.failures += 1
        line.reconnects += 1
        if line is self._market:
            self._note_seldom(is_stale=True)
        self.cancel_timer(f"live:{line.stream}")
        self.set_timer(f"open:{line.stream}", pause_ns)
        self.set_timer(f"stale:{line.stream}", self._limits_ns[line.kinds[0]])

    def on_timer_fired(self, timer: TimerFired) -> None:
        """Look at the clock for one line, or report."""
        kind, _, stream = timer.key.partition(":")
        if kind == "report":
            for line in self._lines.values():
                self._report(line)
            self.set_timer("report:", NS_PER_S)
            return
        if self.reads_timer(kind, stream):
            return
        line = self._lines[stream]
        if kind == "open":
            self._connect(line)
        elif kind == "live":
            self._check(line)
        elif kind == "stale":
            self._mark_stale(line)

    def _check(self, line: _Line) -> None:
        """Replace a connection that is silent for all its symbols; else look again in time."""
        next_ns = self._mark_stale(line)
        leading = self._tracks[line.kinds[0]].values()
        heard_ns = max(*(track.heard_ns for track in leading), line.opened_ns)
        if self.now_ns - heard_ns >= self._limits_ns[line.kinds[0]]:
            self._retry(line)
            return
        self.set_timer(f"live:{line.stream}", max(NS_PER_MS, next_ns - self.now_ns))

    def _mark_stale(self, line: _Line) -> int:
        """Say which streams went silent; return when the next one would."""
        next_ns = self.now_ns + self._limits_ns[line.kinds[0]]
        for kind in line.kinds:
            limit_ns = self._limits_ns[kind]
            for symbol, track in self._tracks[kind].items():
                age_ns = self.now_ns - track.heard_ns
                if track.is_stale:
                    continue
                if age_ns >= limit_ns:
                    self._say_health(symbol, kind, track, is_stale=True, age_ns=age_ns)
                else:
                    next_ns = min(next_ns, track.heard_ns + limit_ns)
        return next_ns

    def _report(self, line: _Line) -> None:
        is_public = line is self._public
        followed = self._books if is_public else self._trades
        last_event_ns = max(track.event_ns for track in followed.values())
        chains = (self.broken_chains, self.unsynced_books) if is_public else (0, 0)
        self.say(_reported(line, chains, last_event_ns, self._quality.reports(line.kinds)))


def _limits_ns(settings: FeedSettings) -> dict[StreamKind, int]:
    return {
        StreamKind.BOOK_TICKER: settings.book_stale_after_ms * NS_PER_MS,
        StreamKind.AGG_TRADE: settings.trade_stale_after_ms * NS_PER_MS,
        StreamKind.DEPTH: settings.depth_stale_after_ms * NS_PER_MS,
        StreamKind.MARK_PRICE: settings.mark_stale_after_ms * NS_PER_MS,
        StreamKind.MARKET_STATS: settings.stats_stale_after_ms * NS_PER_MS,
    }


def _reported(
    line: _Line, chains: tuple[int, int], last_event_ns: int, quality: tuple[StreamQuality, ...]
) -> FeedReported:
    return FeedReported(
        stream=line.stream,
        is_connected=line.is_open,
        frames=line.frames,
        late=line.late,
        gaps=chains[0],
        unsynced=chains[1],
        rejected=line.rejected,
        reconnects=line.reconnects,
        last_event_ns=last_event_ns,
        quality=quality,
    )
