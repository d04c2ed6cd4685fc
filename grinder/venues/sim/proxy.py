"""A TCP proxy that harms connections: what a server can not do to itself.

Put it between a client and any port. It runs on a thread of its own; each change of ``Harm`` counts
for the connections that are open as well.
"""

from __future__ import annotations

import asyncio
import socket
import struct
import threading
from concurrent.futures import Future
from typing import Any

import attrs

from grinder.errors import InvariantError

CHUNK = 16 * 1024
CONNECTIONS_MAX = 500
TIMEOUT_S = 10.0
STEP_S = 0.02
"""How often a black hole looks whether it has ended."""


@attrs.frozen(kw_only=True)
class Harm:
    """What happens to bytes and connections; the default is nothing."""

    delay_s: float = 0.0
    """Every chunk comes this much later, in either direction."""
    bytes_per_s: int = 0
    """Greatest rate of a connection and direction; 0 is none."""
    is_blackhole: bool = False
    """Bytes are not passed on, connections stay open: a half-open peer. They come when it ends."""
    refuses: bool = False
    """New connections are reset at once."""


class Proxy:
    """Pass TCP connections on to ``host:port``, harmed as ordered."""

    def __init__(self, host: str, port: int) -> None:
        self._target = (host, port)
        self._harm = Harm()
        self._writers: set[asyncio.StreamWriter] = set()
        self._ready: Future[int] = Future()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None
        self._thread: threading.Thread | None = None

    def start(self) -> int:
        """Start and return the port on 127.0.0.1 that clients should use."""
        if self._thread is not None:
            raise InvariantError("expected a proxy that was not started before")
        self._thread = threading.Thread(
            target=lambda: asyncio.run(self._serve()), name="fault-proxy", daemon=True
        )
        self._thread.start()
        return self._ready.result(TIMEOUT_S)

    def stop(self) -> None:
        """Break every connection and end; harmless when repeated."""
        if self._thread is None or self._loop is None or self._stop is None:
            return
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(TIMEOUT_S)

    def harm(self, **what: Any) -> None:
        """Replace what happens by ``Harm(**what)``; nothing named ends all harm."""
        self._harm = Harm(**what)

    def reset(self) -> int:
        """Break every connection with a reset (RST); return how many sockets that were."""
        if self._loop is None:
            raise InvariantError("expected a running proxy")

        async def broken() -> int:
            victims = tuple(self._writers)
            for writer in victims:
                _reset(writer)
            return len(victims)

        return asyncio.run_coroutine_threadsafe(broken(), self._loop).result(TIMEOUT_S)

    async def _serve(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        server = await asyncio.start_server(self._accepted, "127.0.0.1", 0)
        self._ready.set_result(server.sockets[0].getsockname()[1])
        await self._stop.wait()
        server.close()
        for writer in tuple(self._writers):
            _reset(writer)

    async def _accepted(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._harm.refuses or len(self._writers) >= 2 * CONNECTIONS_MAX:
            _reset(writer)
            return
        try:
            far_reader, far_writer = await asyncio.open_connection(*self._target)
        except OSError:
            # The target is not there: the client meets what it would have met without a proxy.
            _reset(writer)
            return
        pair = {writer, far_writer}
        self._writers |= pair
        try:
            await asyncio.gather(self._pass(reader, far_writer), self._pass(far_reader, writer))
        finally:
            self._writers -= pair
            for each in pair:
                each.close()

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while chunk := await reader.read(CHUNK):
                harm = self._harm
                if harm.delay_s:
                    await asyncio.sleep(harm.delay_s)
                if harm.bytes_per_s:
                    await asyncio.sleep(len(chunk) / harm.bytes_per_s)
                while self._harm.is_blackhole:
                    await asyncio.sleep(STEP_S)
                writer.write(chunk)
                await writer.drain()
            if writer.can_write_eof():
                writer.write_eof()
        except OSError:
            # One side broke the connection; the other shall meet that too.
            _reset(writer)


def _reset(writer: asyncio.StreamWriter) -> None:
    raw = writer.get_extra_info("socket")
    if raw is not None and raw.fileno() >= 0:
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
