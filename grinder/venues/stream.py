"""The ports that listen: market data, and the private events of the account."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from functools import partial

from grinder.errors import TransientError, VenueError
from grinder.kernel.message import Envelope, Message
from grinder.kernel.port import Outlet, Port
from grinder.messages.market import (
    CloseStream,
    FrameRejected,
    OpenStream,
    StreamClosed,
    StreamKind,
    StreamOpened,
)
from grinder.messages.venue import KeepUserStream, OpenUserStream, Outcome, UserStreamKept
from grinder.model.instrument import Instrument
from grinder.model.legs import markets_of
from grinder.model.settings import VenueSettings
from grinder.venues import binance_requests as requests
from grinder.venues.binance_decode import FrameDecoder
from grinder.venues.binance_errors import code_and_text
from grinder.venues.budget import Purpose
from grinder.venues.clock import VenueClock
from grinder.venues.connection import Connection, Dialling
from grinder.venues.http import Request, VenueHttp
from grinder.venues.line import VenueLine
from grinder.venues.signing import Credentials, redacted
from grinder.venues.workers import Job, WorkerPool

ROUTES: Mapping[str, tuple[StreamKind, ...]] = {
    "public": (StreamKind.BOOK_TICKER, StreamKind.DEPTH),
    "market": (StreamKind.AGG_TRADE, StreamKind.MARK_PRICE, StreamKind.LIQUIDATION),
}
"""Which route carries what; a stream asked for on the wrong one stays silent for ever."""

SUFFIXES: Mapping[StreamKind, str] = {
    StreamKind.BOOK_TICKER: "bookTicker",
    StreamKind.DEPTH: "depth@100ms",
    StreamKind.AGG_TRADE: "aggTrade",
    StreamKind.MARK_PRICE: "markPrice@1s",
    StreamKind.LIQUIDATION: "forceOrder",
}
PRIVATE = "private"
REJECTED_SHOWN = 120
KEEPS_MAX = 8
CONNECTIONS_MAX = 8
"""Connections that have not ended yet; more are only possible while names do not resolve."""


class _ListeningPort(Port):
    """What both kinds share: connections, and telling their owners what they say."""

    def __init__(
        self, stream: str, instruments: Mapping[str, Instrument], settings: VenueSettings
    ) -> None:
        self._stream = stream
        self._decoder = FrameDecoder(instruments)
        self._timeout_s = settings.connect_timeout_ms / 1000
        self._outlet: Outlet | None = None
        self._lock = threading.Lock()
        self._connections: list[Connection] = []
        self._secret = ""
        self.rejected = 0
        """Frames that could not be decoded since the start."""

    def open(self, outlet: Outlet) -> None:
        """Take the outlet; nothing is connected before the first command."""
        self._outlet = outlet

    def close(self, timeout_s: float) -> None:
        """Hang up and wait for the threads."""
        deadline = time.monotonic() + timeout_s
        self._hang_up_all()
        for connection in tuple(self._connections):
            connection.join(max(0.0, deadline - time.monotonic()))

    def opened(self, connection: Connection) -> None:
        """Tell the owner that a connection listens."""
        self._tell(
            connection,
            StreamOpened(stream=self._stream, connection=connection.number),
            cause=connection.envelope.seq,
        )

    def framed(self, connection: Connection, frame: bytes) -> None:
        """Tell the owner what a frame says."""
        received_ns = self._spoken.now_ns()
        try:
            message = self._decoder.decode(frame, connection.number, received_ns)
        except ValueError as error:
            self.rejected += 1
            shown = frame[:REJECTED_SHOWN].decode("utf-8", "replace")
            message = FrameRejected(
                stream=self._stream,
                connection=connection.number,
                detail=redacted(f"{error} in {shown}", self._secret),
            )
        if message is not None:
            self._tell(connection, message)

    def closed(self, connection: Connection, reason: str) -> None:
        """Tell the owner that a connection is gone."""
        self._tell(
            connection,
            StreamClosed(
                stream=self._stream,
                connection=connection.number,
                reason=redacted(reason, self._secret),
            ),
            cause=connection.envelope.seq,
        )

    @property
    def _spoken(self) -> Outlet:
        assert self._outlet is not None, "expected an open port"
        return self._outlet

    def _tell(self, connection: Connection, message: Message, *, cause: int = 0) -> None:
        outlet = self._spoken
        outlet.tell(outlet.resolve(connection.envelope.sender), message, cause=cause)

    def _begin(self, number: int, envelope: Envelope, dialling: Dialling) -> None:
        connection = Connection(f"stream-{self._stream}", number, envelope, dialling, self)
        with self._lock:
            self._connections = [each for each in self._connections if each.is_alive]
            surplus = self._connections[: max(0, len(self._connections) - CONNECTIONS_MAX + 1)]
            # Started under the lock: one that has not started would count as ended.
            connection.start()
            self._connections.append(connection)
        for each in surplus:
            each.hang_up()

    def _hang_up_all(self) -> None:
        with self._lock:
            connections = tuple(self._connections)
        for connection in connections:
            connection.hang_up()


class BinanceStreamPort(_ListeningPort):
    """Market data of one route.

    Hears OpenStream and CloseStream. Tells the sender of OpenStream: StreamOpened, StreamClosed,
    FrameRejected and, on the public route, BookTicked and DepthChanged; on the market route,
    TradePrinted, MarkPriced and LiquidationPrinted.
    """

    def __init__(
        self,
        *,
        stream: str,
        stream_url: str,
        instruments: Mapping[str, Instrument],
        settings: VenueSettings,
        depth: bool = True,
    ) -> None:
        super().__init__(stream, instruments, settings)
        names = (
            f"{symbol.lower()}@{SUFFIXES[kind]}"
            for symbol in markets_of(instruments)
            for kind in ROUTES[stream]
            if depth or kind is not StreamKind.DEPTH
        )
        self._url = f"{stream_url.rstrip('/')}/{stream}/stream?streams={'/'.join(names)}"

    def receive(self, envelope: Envelope) -> None:
        """Connect or hang up."""
        body = envelope.body
        if isinstance(body, OpenStream):
            self._hang_up_all()
            dialling = Dialling(address=lambda: self._url, timeout_s=self._timeout_s)
            self._begin(body.connection, envelope, dialling)
        elif isinstance(body, CloseStream):
            self._hang_up_all()


class BinanceUserStreamPort(_ListeningPort):
    """The private events of the account.

    Hears OpenUserStream, KeepUserStream and CloseStream. Tells the sender of OpenUserStream:
    StreamOpened, StreamClosed, FrameRejected, OrderReported, AccountReported, ListenKeyExpired,
    VenueDenied and VenueThrottled; the sender of KeepUserStream: UserStreamKept.

    The listen key belongs to the account, and a standby may be listening with it: it is never
    deleted here. It runs out an hour after the last one who wanted it is gone.
    """

    def __init__(
        self,
        *,
        rest_url: str,
        stream_url: str,
        credentials: Credentials,
        clock: VenueClock,
        instruments: Mapping[str, Instrument],
        settings: VenueSettings,
    ) -> None:
        super().__init__(PRIVATE, instruments, settings)
        http = VenueHttp(
            rest_url,
            credentials,
            clock,
            connect_timeout_ms=settings.connect_timeout_ms,
            read_timeout_ms=settings.read_timeout_ms,
        )
        self._line = VenueLine(http, None)
        self._base_url = stream_url.rstrip("/")
        self._settings = settings
        self._listening = 0
        self._keeper = WorkerPool("user-keep", 1, KEEPS_MAX, self._line.release)

    def open(self, outlet: Outlet) -> None:
        """Take the outlet and start the thread that extends the listen key."""
        super().open(outlet)
        self._line.open(outlet)
        self._keeper.start()

    def receive(self, envelope: Envelope) -> None:
        """Connect, extend the listen key, or hang up."""
        body = envelope.body
        if isinstance(body, OpenUserStream):
            dialling = Dialling(address=partial(self._address, envelope), timeout_s=self._timeout_s)
            self._begin(body.connection, envelope, dialling)
        elif isinstance(body, KeepUserStream):
            self._keeper.submit(
                Job(
                    run=partial(self._keep, envelope),
                    refuse=lambda part, why: self._line.tell(
                        envelope, _kept(part, Outcome.REFUSED, 0, why)
                    ),
                    parts=(body,),
                )
            )
        elif isinstance(body, CloseStream):
            self._hang_up_all()

    def opened(self, connection: Connection) -> None:
        """Tell the owner that a connection listens, then hang up older ones."""
        with self._lock:
            is_late = connection.number < self._listening
            self._listening = max(self._listening, connection.number)
            older = [each for each in self._connections if each.number < self._listening]
        if not is_late:
            super().opened(connection)
        for each in older:
            each.hang_up()

    def close(self, timeout_s: float) -> None:
        """Hang up and wait for the threads; the listen key is left alone."""
        deadline = time.monotonic() + timeout_s
        self._keeper.stop()
        super().close(timeout_s)
        self._keeper.join(deadline)

    def _address(self, envelope: Envelope) -> str:
        why = self._line.obstacle(Purpose.EXIT)
        if why:
            raise TransientError(why)
        try:
            answer = self._ask(envelope, requests.OPEN_LISTEN_KEY)
        finally:
            self._line.release()
        key = answer.get("listenKey") if isinstance(answer, dict) else None
        if not isinstance(key, str) or not key:
            raise TransientError("expected a listen key, was none")
        self._secret = key
        return f"{self._base_url}/private/ws?listenKey={key}"

    def _keep(self, envelope: Envelope, command: KeepUserStream) -> None:
        answer = _kept(command, Outcome.UNKNOWN, 0, "the port failed before it could tell")
        try:
            answer = self._extended(envelope, command)
        finally:
            self._line.tell(envelope, answer)

    def _extended(self, envelope: Envelope, command: KeepUserStream) -> UserStreamKept:
        why = self._line.obstacle(Purpose.EXIT)
        if why:
            return _kept(command, Outcome.REFUSED, 0, why)
        try:
            self._ask(envelope, requests.KEEP_LISTEN_KEY)
        except TransientError as error:
            return _kept(command, Outcome.UNKNOWN, *code_and_text(error))
        except VenueError as error:
            return _kept(command, Outcome.REFUSED, *code_and_text(error))
        return _kept(command, Outcome.DONE, 0, "")

    def _ask(self, envelope: Envelope, request: Request) -> object:
        answer: object = self._line.call(
            envelope,
            request,
            timeout_ms=self._settings.read_timeout_ms,
            recv_window_ms=self._settings.recv_window_ms,
        )
        return answer


def _kept(command: KeepUserStream, outcome: Outcome, code: int, text: str) -> UserStreamKept:
    return UserStreamKept(connection=command.connection, outcome=outcome, code=code, text=text)
