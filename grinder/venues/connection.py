"""One websocket connection on one thread. It lives once; nobody reconnects it."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable
from typing import Any, Protocol

import attrs
import websocket

from grinder.errors import GrinderError
from grinder.kernel.message import Envelope

RECEIVE_TIMEOUT_S = 1.0
"""A read that finds nothing for this long looks whether it is still wanted."""
CHUNK = 64 * 1024
SOCKET_OPTIONS = (
    (socket.IPPROTO_TCP, socket.TCP_NODELAY, 1),
    (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
)


class Listener(Protocol):
    """Who hears what a connection has to say, on the connection's thread."""

    def opened(self, connection: Connection) -> None:
        """Hear that the peer has taken the connection."""

    def framed(self, connection: Connection, frame: bytes) -> None:
        """Hear one text or binary frame."""

    def closed(self, connection: Connection, reason: str) -> None:
        """Hear that it ended, or never came to be, without anybody having asked for it."""


class BufferedSocket(websocket.WebSocket):
    """Read what is there in one go: the library asks for a header byte by byte otherwise.

    Each of its small reads is a system call that lets go of the interpreter lock.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._chunk = b""
        self._offset = 0

    def _recv(self, bufsize: int) -> bytes:
        if self._offset >= len(self._chunk):
            self._chunk = super()._recv(CHUNK)  # type: ignore[no-untyped-call]  # half typed
            self._offset = 0
        piece = self._chunk[self._offset : self._offset + bufsize]
        self._offset += len(piece)
        return piece


@attrs.frozen(kw_only=True)
class Dialling:
    """How to make a connection."""

    address: Callable[[], str]
    """Called on the connection's thread, may block and raise; its result is never shown."""
    timeout_s: float
    """Longest wait for each step: name, TCP, TLS, handshake."""


class Connection:
    """Connect, listen, end. Frames are heard in order, each before the next one is read."""

    def __init__(
        self, name: str, number: int, envelope: Envelope, dialling: Dialling, listener: Listener
    ) -> None:
        self.number = number
        """Number that its owner gave it."""
        self.envelope = envelope
        """The command that asked for it."""
        self._dialling = dialling
        self._listener = listener
        self._lock = threading.Lock()
        self._hung_up = False
        self._websocket: websocket.WebSocket | None = None
        self._thread = threading.Thread(target=self._run, name=f"{name}-{number}", daemon=True)

    @property
    def is_alive(self) -> bool:
        """True until its thread has ended."""
        return self._thread.is_alive()

    def start(self) -> None:
        """Connect and listen, on a thread of its own."""
        self._thread.start()

    def hang_up(self) -> None:
        """End it from any thread, at once and without asking the peer, who may be gone.

        Only the socket below is shut down: that wakes a blocked read, and leaves the library's
        own state, and that of TLS, to the thread that uses it.
        """
        with self._lock:
            self._hung_up = True
            current = self._websocket
        raw = None if current is None else current.sock
        if raw is not None:
            with contextlib.suppress(OSError):
                socket.socket.shutdown(raw, socket.SHUT_RDWR)

    def join(self, timeout_s: float) -> None:
        """Wait for its thread to end; one that is still connecting is left behind."""
        self._thread.join(timeout_s)

    def _run(self) -> None:
        reason = "the connection's thread failed"
        try:
            reason = self._live()
        finally:
            current = self._websocket
            if current is not None:
                current.shutdown()  # type: ignore[no-untyped-call]  # half typed
            if not self._hung_up:
                self._listener.closed(self, reason)

    def _live(self) -> str:
        try:
            current = websocket.create_connection(
                self._dialling.address(),
                timeout=self._dialling.timeout_s,
                class_=BufferedSocket,
                sockopt=SOCKET_OPTIONS,
                skip_utf8_validation=True,
                http_no_proxy=["*"],
                redirect_limit=0,
            )
        except GrinderError as error:
            return f"not connected: {error}"
        except (websocket.WebSocketException, OSError, ValueError) as error:
            return f"not connected: {_named(error)}"
        with self._lock:
            self._websocket = current
            if self._hung_up:
                return ""
        current.settimeout(RECEIVE_TIMEOUT_S)
        self._listener.opened(self)
        return self._listen(current)

    def _listen(self, current: websocket.WebSocket) -> str:
        while not self._hung_up:
            try:
                opcode, frame = current.recv_data()
            except websocket.WebSocketTimeoutException:
                continue
            except (websocket.WebSocketException, OSError) as error:
                return _named(error)
            if opcode == websocket.ABNF.OPCODE_CLOSE:
                return f"closed by the venue with {int.from_bytes(frame[:2], 'big')}"
            if not self._hung_up:
                self._listener.framed(self, frame)
        return ""


def _named(error: Exception) -> str:
    # Texts of these exceptions may quote the address or the peer's answer: a listen key is there.
    if isinstance(error, websocket.WebSocketBadStatusException):
        return f"handshake answered with {error.status_code}"
    detail = error.strerror if isinstance(error, OSError) else None
    return f"{type(error).__name__}: {detail}" if detail else type(error).__name__
