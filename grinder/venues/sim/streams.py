"""WebSocket streams: connections, subscriptions by route, and the fan-out of frames."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Iterable
from enum import StrEnum
from typing import Any

import attrs
import orjson
from aiohttp import WSMessage, WSMsgType, web

from grinder.venues.sim.chaos import Chaos, StreamFault
from grinder.venues.sim.config import Limits

PUBLIC = re.compile(r"^(!bookTicker|[a-z0-9_]+@(bookTicker|trade|depth\w*(@\w+)?|rpiDepth@\w+))$")
MARKET = re.compile(
    r"^(!(?!bookTicker)\w+(@\w+)*|[a-z0-9_]+@(trade|aggTrade|markPrice(@1s)?|kline_\w+|continuousKline_\w+|miniTicker|ticker|forceOrder))$"
)


UserFrames = list[tuple[str, dict[str, Any]]]
"""Listen keys and frames that have not been sent yet."""

MESSAGE_MAX = 64 * 1024
"""Bytes of one incoming message."""
NAME_MAX = 200
"""Letters of a stream name or a listen key."""
REQUEST_ID_MAX = 36
REQUEST_ID = "request ID must be a whole number, a text of at most 36 letters, or null"
NAMES = "expected a method and an array of names"
COMBINED = "combined"
"""The one property of a connection: whether frames are wrapped with the name of their stream."""
FLOODED = 1008
"""The close code of a client that sends too many messages."""


SUBSCRIPTION_ID = 0
"""Every connection of the WebSocket API has one subscription to user data at most."""
OWNER = "#"
"""Before the name of an account: no client may ask for such a stream."""


def is_request_id(value: object) -> bool:
    """Tell whether ``value`` may name a request: a whole number, a short text, or null."""
    if isinstance(value, str):
        return len(value) <= REQUEST_ID_MAX
    return value is None or (isinstance(value, int) and not isinstance(value, bool))


def _are_names(value: object) -> bool:
    return isinstance(value, list) and all(
        isinstance(name, str) and len(name) <= NAME_MAX for name in value
    )


class Route(StrEnum):
    """The first part of a stream address; BARE is its absence and carries public streams only.

    ALL is not USDT-M's: it carries everything, as no route did before the venue had routes, for
    clients that know one address only. COIN-M and spot have no other.
    """

    PUBLIC = "public"
    MARKET = "market"
    PRIVATE = "private"
    ALL = "all"
    BARE = ""


def carries(route: Route, stream: str) -> bool:
    """Tell whether ``route`` carries a stream; on a private route every name is a listen key."""
    if stream.startswith(OWNER):
        return False
    if route is Route.ALL:
        return True
    if route is Route.PRIVATE:
        return "@" not in stream and not stream.startswith("!")
    return bool((MARKET if route is Route.MARKET else PUBLIC).match(stream))


@attrs.define(eq=False, kw_only=True)
class Connection:
    """One client: its socket, its names and the frames waiting for it."""

    socket: web.WebSocketResponse
    transport: asyncio.Transport | None
    route: Route
    is_wrapped: bool
    is_subscription: bool = False
    """Whether its frames go out as events of the WebSocket API."""
    events: frozenset[str]
    """User events wanted; empty means all."""
    queue: asyncio.Queue[bytes | None]
    names: dict[str, None] = attrs.field(factory=dict)
    """Everything subscribed, in order, also what will stay silent."""
    last_pong_s: float = attrs.field(factory=time.monotonic)
    opened_s: float = attrs.field(factory=time.monotonic)
    second: int = 0
    messages: int = 0
    is_dead: bool = False

    def dressed(self, stream: str, frame: bytes) -> bytes:
        """Return a frame as it goes out here: bare, with its stream, or as an event."""
        if self.is_wrapped:
            return b'{"stream":"%b","data":%b}' % (stream.encode(), frame)
        if self.is_subscription:
            return b'{"subscriptionId":%d,"event":%b}' % (SUBSCRIPTION_ID, frame)
        return frame

    def counted(self, second: int) -> int:
        """Count one message that came in ``second``; return how many came in it."""
        if second != self.second:
            self.second, self.messages = second, 0
        self.messages += 1
        return self.messages


class Hub:
    """Every stream connection of the venue."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._connections: set[Connection] = set()
        self._listeners: dict[str, set[Connection]] = {}
        self._stalled: set[Route] = set()
        self.held: UserFrames | None = None
        """Takes user-data frames instead of the clients, while it is set."""
        self.chaos = Chaos()
        """What goes wrong with frames, when ordered."""
        self.slow_disconnects = 0
        """Clients disconnected because they did not read."""

    @property
    def connections(self) -> int:
        """How many clients are connected."""
        return len(self._connections)

    def has_listeners(self, stream: str) -> bool:
        """Tell whether anybody listens to ``stream``."""
        return stream in self._listeners

    def publish(self, stream: str, frame: dict[str, Any] | list[dict[str, Any]]) -> None:
        """Send a market frame to everybody who listens."""
        self._send(stream, stream, orjson.dumps(frame), self._listeners.get(stream, ()))

    def publish_user(self, listen_key: str, frame: dict[str, Any]) -> None:
        """Send a user-data frame to the connections of a listen key that want its kind."""
        if self.held is not None:
            self.held.append((listen_key, frame))
            return
        wanted = [
            each
            for each in self._listeners.get(listen_key, ())
            if not each.events or frame["e"] in each.events
        ]
        self._send(listen_key, f"user:{frame['e']}", orjson.dumps(frame), wanted)

    def hear_only(self, connection: Connection, stream: str | None) -> None:
        """Let a connection hear one stream and nothing else; None for nothing at all."""
        self._connections.add(connection)
        for name in connection.names:
            self._unlisten(connection, name)
        connection.names.clear()
        if stream is not None:
            connection.names[stream] = None
            self._listeners.setdefault(stream, set()).add(connection)

    def stall(self, routes: Iterable[Route]) -> None:
        """Send nothing on ``routes`` any more, not even pongs, and keep the sockets open."""
        self._stalled = set(routes)

    def drop(self, routes: Iterable[Route]) -> int:
        """Break the connections of ``routes`` without a closing handshake; return how many."""
        wanted = set(routes)
        victims = [each for each in self._connections if each.route in wanted]
        for connection in victims:
            self._abort(connection)
        return len(victims)

    async def serve(
        self,
        request: web.Request,
        *,
        route: Route,
        is_wrapped: bool,
        names: Iterable[str],
        events: frozenset[str],
    ) -> web.StreamResponse:
        """Serve one client until it leaves."""
        if len(self._connections) >= self._limits.connections_max:
            raise web.HTTPTooManyRequests
        socket = web.WebSocketResponse(autoping=False, max_msg_size=MESSAGE_MAX)
        await socket.prepare(request)
        connection = Connection(
            socket=socket,
            transport=request.transport,
            route=route,
            is_wrapped=is_wrapped,
            events=events,
            queue=asyncio.Queue(self._limits.queue_frames_max),
        )
        self._connections.add(connection)
        self._subscribe(connection, tuple(names)[: self._limits.streams_max])
        writer = asyncio.create_task(write(connection))
        try:
            async for message in socket:
                if not await self._heard(connection, message):
                    break
        except ConnectionError:
            # The client left while it was being answered; there is nobody to tell.
            self._abort(connection)
        finally:
            self.forget(connection)
            writer.cancel()
            await asyncio.wait([writer])
            if not writer.cancelled():
                writer.result()
        await socket.close()
        return socket

    async def keep_alive(self) -> None:
        """Ping every client at the venue's interval; disconnect the mute and the too old.

        The WebSocket API looks after its own.
        """
        while True:
            await asyncio.sleep(self._limits.ping_interval_s)
            now = time.monotonic()
            for connection in tuple(self._connections):
                if connection.is_subscription:
                    continue
                is_mute = now - connection.last_pong_s > self._limits.pong_timeout_s
                is_old = now - connection.opened_s > self._limits.connection_max_s
                if is_mute or is_old:
                    self._abort(connection)
                elif connection.route not in self._stalled:
                    await self._ping(connection)

    def _send(self, stream: str, name: str, frame: bytes, listeners: Iterable[Connection]) -> None:
        if self.chaos.is_active:
            self._send_wrongly(stream, name, frame, listeners)
            return
        for connection in tuple(listeners):
            if connection.route not in self._stalled and not connection.is_dead:
                self.enqueue(connection, connection.dressed(stream, frame))

    def _send_wrongly(
        self, stream: str, name: str, frame: bytes, listeners: Iterable[Connection]
    ) -> None:
        clients = [each for each in listeners if each.route not in self._stalled]
        harm = self.chaos.chosen(name) if clients else None
        for connection in clients:
            if harm is not None and harm.fault is StreamFault.RESET:
                self._abort(connection)
                continue
            whole = connection.dressed(stream, frame)

            def deliver(late: bytes, to: Connection = connection) -> None:
                if not to.is_dead:
                    self.enqueue(to, late)

            self.chaos.pass_on(harm, (stream, id(connection)), whole, deliver)

    def enqueue(self, connection: Connection, frame: bytes) -> None:
        """Send a frame to one client; a client that does not read is disconnected."""
        try:
            connection.queue.put_nowait(frame)
        except asyncio.QueueFull:
            self.slow_disconnects += 1
            self._abort(connection)

    async def _ping(self, connection: Connection) -> None:
        try:
            await connection.socket.ping(str(time.time_ns() // 1_000_000).encode())
        except (ConnectionError, RuntimeError):
            self._abort(connection)

    async def _heard(self, connection: Connection, message: WSMessage) -> bool:
        """Handle one incoming message; False ends the connection."""
        if connection.counted(int(time.monotonic())) > self._limits.messages_per_s:
            await connection.socket.close(code=FLOODED, message=b"Too many requests")
            return False
        if message.type is WSMsgType.PONG:
            connection.last_pong_s = time.monotonic()
        elif message.type is WSMsgType.PING:
            connection.last_pong_s = time.monotonic()
            if connection.route not in self._stalled:
                await connection.socket.pong(message.data)
        elif message.type is WSMsgType.TEXT:
            answer = self._answer(connection, message.data)
            if connection.route not in self._stalled:
                self.enqueue(connection, orjson.dumps(answer))
        return True

    def _answer(self, connection: Connection, text: str) -> dict[str, Any]:
        try:
            request = orjson.loads(text)
        except orjson.JSONDecodeError as error:
            return {"error": {"code": 3, "msg": f"Invalid JSON: {error}"}}
        if not isinstance(request, dict) or not is_request_id(request.get("id")):
            return {"error": {"code": 2, "msg": f"Invalid request: {REQUEST_ID}"}}
        number, method = request.get("id"), request.get("method")
        names = request.get("params") or []
        if method in ("SET_PROPERTY", "GET_PROPERTY"):
            return {**_property(connection, method, names), "id": number}
        if not isinstance(method, str) or not _are_names(names):
            return {"error": {"code": 2, "msg": f"Invalid request: {NAMES}"}, "id": number}
        if method == "LIST_SUBSCRIPTIONS":
            return {"result": list(connection.names), "id": number}
        if method == "SUBSCRIBE":
            if len(connection.names.keys() | set(names)) > self._limits.streams_max:
                return {"error": {"code": 2, "msg": "Too many streams"}, "id": number}
            self._subscribe(connection, names)
        elif method == "UNSUBSCRIBE":
            for name in names:
                connection.names.pop(name, None)
                self._unlisten(connection, name)
        else:
            return {
                "error": {"code": 2, "msg": f"Invalid request: {method[:NAME_MAX]}"},
                "id": number,
            }
        return {"result": None, "id": number}

    def _subscribe(self, connection: Connection, names: Iterable[str]) -> None:
        for name in names:
            connection.names[name] = None
            # A name on the wrong route is accepted and stays silent, as on the venue.
            if carries(connection.route, name):
                self._listeners.setdefault(name, set()).add(connection)

    def _unlisten(self, connection: Connection, name: str) -> None:
        listeners = self._listeners.get(name)
        if listeners is not None:
            listeners.discard(connection)
            if not listeners:
                del self._listeners[name]

    def forget(self, connection: Connection) -> None:
        """Send nothing more to a client."""
        connection.is_dead = True
        self._connections.discard(connection)
        for name in connection.names:
            self._unlisten(connection, name)

    def _abort(self, connection: Connection) -> None:
        self.forget(connection)
        if connection.transport is not None:
            connection.transport.abort()


async def write(connection: Connection) -> None:
    """Send what waits for a client until it leaves."""
    while (frame := await connection.queue.get()) is not None:
        try:
            await connection.socket.send_str(frame.decode(errors="ignore"))
        except (ConnectionError, RuntimeError):
            # The client left; the reader of this connection ends by itself.
            return


def _property(connection: Connection, method: str, params: Any) -> dict[str, Any]:
    wanted = params if isinstance(params, list) else []
    if wanted[:1] != [COMBINED]:
        return {"error": {"code": 0, "msg": "Unknown property"}}
    if method == "GET_PROPERTY":
        return {"result": connection.is_wrapped}
    if len(wanted) != 2 or not isinstance(wanted[1], bool):
        return {"error": {"code": 1, "msg": "Invalid value type: expected Boolean"}}
    connection.is_wrapped = wanted[1]
    return {"result": None}
