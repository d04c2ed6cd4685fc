"""FeedActor: market frames in, checked market events and feed health out."""

from __future__ import annotations

import attrs

from grinder.kernel.actor import Actor
from grinder.kernel.address import Address
from grinder.kernel.signals import TimerFired
from grinder.messages.market import (
    BookTicked,
    DepthChanged,
    FeedHealthChanged,
    FeedReported,
    FrameRejected,
    MarkPriced,
    OpenStream,
    StreamClosed,
    StreamKind,
    StreamOpened,
    TradePrinted,
)
from grinder.model.settings import FeedSettings
from grinder.model.units import NS_PER_MS, NS_PER_S

PUBLIC = "public"
MARKET = "market"
GENERATION_SHIFT = 24
"""Connection numbers of one generation stay below 2 to this power."""


@attrs.define(kw_only=True)
class _Track:
    """What is known of one stream of one symbol."""

    last_id: int = -1
    heard_ns: int = 0
    is_stale: bool = True


@attrs.define(kw_only=True)
class _Line:
    """One connection."""

    stream: str
    port: Address
    kinds: tuple[StreamKind, ...]
    connection: int = 0
    is_open: bool = False
    failures: int = 0
    frames: int = 0
    late: int = 0
    gaps: int = 0
    rejected: int = 0
    reconnects: int = 0
    last_event_ns: int = 0
    opened_ns: int = 0


class FeedActor(Actor):
    """Keep the market streams alive and let through only what is in order.

    Hears BookTicked, TradePrinted, DepthChanged, MarkPriced, StreamOpened, StreamClosed,
    FrameRejected from its ports. Says the same market events, FeedHealthChanged, FeedReported.
    A connection ends only when told to: one that is silent for all its symbols is replaced.
    Restart: opens new connections; every stream is stale until it is heard.
    """

    def __init__(
        self,
        settings: FeedSettings,
        symbols: tuple[str, ...],
        public: Address,
        market: Address,
    ) -> None:
        self._settings = settings
        self._limits_ns = {
            StreamKind.BOOK_TICKER: settings.book_stale_after_ms * NS_PER_MS,
            StreamKind.AGG_TRADE: settings.trade_stale_after_ms * NS_PER_MS,
            StreamKind.DEPTH: settings.depth_stale_after_ms * NS_PER_MS,
            StreamKind.MARK_PRICE: settings.mark_stale_after_ms * NS_PER_MS,
        }
        depth = (StreamKind.DEPTH,) if settings.depth else ()
        self._public = _Line(stream=PUBLIC, port=public, kinds=(StreamKind.BOOK_TICKER, *depth))
        self._market = _Line(
            stream=MARKET, port=market, kinds=(StreamKind.MARK_PRICE, StreamKind.AGG_TRADE)
        )
        self._lines = {PUBLIC: self._public, MARKET: self._market}
        self._tracks = {
            kind: {symbol: _Track() for symbol in symbols}
            for line in self._lines.values()
            for kind in line.kinds
        }
        self._books = self._tracks[StreamKind.BOOK_TICKER]

    def on_start(self) -> None:
        """Connect and begin to watch; what an earlier generation said of the books is void."""
        for symbol in self._books:
            self.say(
                FeedHealthChanged(
                    symbol=symbol, stream=StreamKind.BOOK_TICKER, is_stale=True, age_ns=0
                )
            )
        for line in self._lines.values():
            line.connection = self.generation << GENERATION_SHIFT
            self._connect(line)
        self.set_timer("report:", NS_PER_S)

    def _connect(self, line: _Line) -> None:
        line.connection += 1
        line.is_open = False
        line.opened_ns = self.now_ns
        for kind in line.kinds:
            for track in self._tracks[kind].values():
                track.last_id = -1
        self.tell(line.port, OpenStream(connection=line.connection))
        self.set_timer(f"live:{line.stream}", self._limits_ns[line.kinds[0]])

    def on_book_ticked(self, tick: BookTicked) -> None:
        """Let a newer book through."""
        line = self._public
        if tick.connection != line.connection:
            return
        track = self._books.get(tick.symbol)
        if track is None or tick.update_id <= track.last_id or tick.bid_ticks >= tick.ask_ticks:
            line.late += 1
            return
        track.last_id = tick.update_id
        track.heard_ns = self.now_ns
        line.frames += 1
        line.last_event_ns = tick.event_ns
        if track.is_stale:
            self._revive(line, tick.symbol, StreamKind.BOOK_TICKER, track)
        self.say(tick)

    def on_trade_printed(self, trade: TradePrinted) -> None:
        """Let a newer trade through."""
        if self._is_next(
            self._market, StreamKind.AGG_TRADE, trade.connection, trade.symbol, trade.trade_id
        ):
            self._market.last_event_ns = trade.event_ns
            self.say(trade)

    def on_depth_changed(self, depth: DepthChanged) -> None:
        """Let a newer change of the book through and count a broken chain."""
        line = self._public
        tracks = self._tracks.get(StreamKind.DEPTH, {})
        track = tracks.get(depth.symbol)
        last_id = track.last_id if track is not None else -1
        if self._is_next(line, StreamKind.DEPTH, depth.connection, depth.symbol, depth.last_id):
            if last_id not in (-1, depth.previous_id):
                line.gaps += 1
            self.say(depth)

    def on_mark_priced(self, mark: MarkPriced) -> None:
        """Let a newer mark price through."""
        if self._is_next(
            self._market, StreamKind.MARK_PRICE, mark.connection, mark.symbol, mark.event_ns
        ):
            self.say(mark)

    def _is_next(
        self, line: _Line, kind: StreamKind, connection: int, symbol: str, number: int
    ) -> bool:
        if connection != line.connection:
            return False
        track = self._tracks.get(kind, {}).get(symbol)
        if track is None or number <= track.last_id:
            line.late += 1
            return False
        track.last_id = number
        track.heard_ns = self.now_ns
        line.frames += 1
        if track.is_stale:
            self._revive(line, symbol, kind, track)
        return True

    def _revive(self, line: _Line, symbol: str, kind: StreamKind, track: _Track) -> None:
        track.is_stale = False
        line.failures = 0
        self.say(FeedHealthChanged(symbol=symbol, stream=kind, is_stale=False, age_ns=0))

    def on_stream_opened(self, opened: StreamOpened) -> None:
        """Note that a connection stands; it counts as alive once it is heard."""
        line = self._lines[opened.stream]
        if opened.connection == line.connection:
            line.is_open = True

    def on_stream_closed(self, closed: StreamClosed) -> None:
        """Connect again after a pause."""
        line = self._lines[closed.stream]
        if closed.connection == line.connection:
            line.is_open = False
            self._retry(line)

    def on_frame_rejected(self, rejected: FrameRejected) -> None:
        """Count what could not be read."""
        line = self._lines[rejected.stream]
        if rejected.connection == line.connection:
            line.rejected += 1

    def _retry(self, line: _Line) -> None:
        settings = self._settings
        pause_ms = min(
            settings.reconnect_delay_ms << min(line.failures, 20), settings.reconnect_delay_max_ms
        )
        line.failures += 1
        line.reconnects += 1
        self.cancel_timer(f"live:{line.stream}")
        self.set_timer(f"open:{line.stream}", pause_ms * NS_PER_MS)
        self.set_timer(f"stale:{line.stream}", self._limits_ns[line.kinds[0]])

    def on_timer_fired(self, timer: TimerFired) -> None:
        """Look at the clock for one line, or report."""
        kind, _, stream = timer.key.partition(":")
        if kind == "report":
            for line in self._lines.values():
                self._report(line)
            self.set_timer("report:", NS_PER_S)
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
                    track.is_stale = True
                    self.say(
                        FeedHealthChanged(symbol=symbol, stream=kind, is_stale=True, age_ns=age_ns)
                    )
                else:
                    next_ns = min(next_ns, track.heard_ns + limit_ns)
        return next_ns

    def _report(self, line: _Line) -> None:
        self.say(
            FeedReported(
                stream=line.stream,
                is_connected=line.is_open,
                frames=line.frames,
                late=line.late,
                gaps=line.gaps,
                rejected=line.rejected,
                reconnects=line.reconnects,
                last_event_ns=line.last_event_ns,
            )
        )
