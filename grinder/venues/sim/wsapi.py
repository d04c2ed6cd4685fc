"""The WebSocket API: requests in envelopes, carried out by the handlers of REST."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import attrs
import orjson
from aiohttp import WSMessage, WSMsgType, web

from grinder.venues.sim import auth, limits
from grinder.venues.sim.delays import Way
from grinder.venues.sim.faults import REPLIES, Fault
from grinder.venues.sim.holding import release
from grinder.venues.sim.lane import Lane
from grinder.venues.sim.params import named_texts
from grinder.venues.sim.refusing import ApiRefusal
from grinder.venues.sim.rest import Answer, Call, Endpoint, Request, Security, Table, answered
from grinder.venues.sim.streams import (
    MESSAGE_MAX,
    NAME_MAX,
    SUBSCRIPTION_ID,
    Connection,
    UserFrames,
    is_request_id,
)
from grinder.venues.sim.subscriptions import SUBSCRIBING, Subscriptions
from grinder.venues.sim.venue import Venue
from grinder.venues.sim.wsmethods import METHODS

SESSION_WEIGHT = 2
SESSIONS = ("session.logon", "session.status", "session.logout")


@attrs.define(eq=False, kw_only=True)
class Session:
    """One connection of the WebSocket API."""

    socket: web.WebSocketResponse
    transport: asyncio.Transport | None
    returns_limits: bool
    connected_ms: int
    opened_s: float = attrs.field(factory=time.monotonic)
    last_pong_s: float = attrs.field(factory=time.monotonic)
    credential: auth.Credential | None = None
    """Who is logged on."""
    since_ms: int = 0
    subscribed: Connection | None = None
    """Its user data, once it has asked for them; then its answers go the same way."""
    arriving: Lane = attrs.field(factory=Lane)
    """Requests on their way in; they keep their order."""
    leaving: Lane = attrs.field(factory=Lane)
    late: deque[UserFrames] = attrs.field(factory=deque)
    """User-data frames that wait for the replies on their way out, in their order."""

    def abort(self) -> None:
        """Break the connection."""
        if self.transport is not None:
            self.transport.abort()


class WsApi:
    """Every connection of the WebSocket API."""

    def __init__(self, venue: Venue, table: Table) -> None:
        self._venue = venue
        self._table = table
        self._methods = METHODS[venue.product.name]
        self._subscriptions = Subscriptions(venue)
        self._sessions: set[Session] = set()

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """Serve one client until it leaves; its requests are answered in their order."""
        if len(self._sessions) >= self._venue.config.limits.connections_max:
            raise web.HTTPTooManyRequests
        socket = web.WebSocketResponse(autoping=False, max_msg_size=MESSAGE_MAX)
        await socket.prepare(request)
        session = Session(
            socket=socket,
            transport=request.transport,
            returns_limits=request.query.get("returnRateLimits", "true").lower() != "false",
            connected_ms=self._venue.clock.now_ms(),
        )
        self._sessions.add(session)
        try:
            async for message in socket:
                await self._heard(session, message)
        except ConnectionError:
            # The client left while it was being answered; there is nobody to tell.
            session.abort()
        finally:
            self._sessions.discard(session)
            for lane in (session.arriving, session.leaving):
                with suppress(ConnectionError):
                    await lane.close()
            # Whose replies could not leave: what happened is told all the same.
            for late in session.late:
                release(self._venue.hub, late)
            await self._subscriptions.end(session.subscribed)
        await socket.close()
        return socket

    def drop(self) -> int:
        """Break every connection; return how many."""
        victims = tuple(self._sessions)
        for session in victims:
            session.abort()
        return len(victims)

    async def keep_alive(self) -> None:
        """Ping every client at the venue's interval; disconnect the mute and the too old."""
        bounds = self._venue.config.limits
        while True:
            await asyncio.sleep(bounds.ping_interval_s)
            now = time.monotonic()
            for session in tuple(self._sessions):
                is_mute = now - session.last_pong_s > bounds.pong_timeout_s
                if is_mute or now - session.opened_s > bounds.connection_max_s:
                    session.abort()
                    continue
                try:
                    await session.socket.ping(b"venue")
                except (ConnectionError, RuntimeError):
                    session.abort()

    async def _heard(self, session: Session, message: WSMessage) -> None:
        if message.type in (WSMsgType.PING, WSMsgType.PONG):
            session.last_pong_s = time.monotonic()
            if message.type is WSMsgType.PING:
                await session.socket.pong(message.data)
            return
        if message.type is not WSMsgType.TEXT:
            return
        number, method, params = _parsed(message.data)
        wait_s = self._venue.faults.delays.drawn_s(Way.IN, "WS", self._known(method))
        await session.arriving.put(wait_s, lambda: self._carry_out(session, number, method, params))

    async def _carry_out(
        self, session: Session, number: Any, method: str, params: dict[str, str] | None
    ) -> None:
        """Carry out what has arrived, and let the answer leave when it may."""
        fault = self._venue.faults.take("WS", method, params or {})
        body: dict[str, Any] = {}
        late: UserFrames = []
        if fault is None or fault.is_carried_out:
            body, late = await self._answer(session, number, method, params)

        session.late.append(late)

        async def leave() -> None:
            if fault is not None:
                await self._faulty(session, number, fault)
            else:
                await self._send(session, body)
            release(self._venue.hub, session.late.popleft())

        wait_s = self._venue.faults.delays.drawn_s(Way.OUT, "WS", self._known(method))
        await session.leaving.put(wait_s, leave)

    def _known(self, method: str) -> str:
        """Return the method, or nothing where a client made it up."""
        is_known = method in self._methods or method in SESSIONS or method in SUBSCRIBING
        return method if is_known else ""

    async def _send(self, session: Session, body: dict[str, Any]) -> None:
        frame = orjson.dumps(body)
        if session.subscribed is None:
            await session.socket.send_str(frame.decode())
        else:
            # Behind the events that are waiting: what the request caused was said before it.
            self._venue.hub.enqueue(session.subscribed, frame)

    async def _answer(
        self, session: Session, number: Any, method: str, params: dict[str, str] | None
    ) -> tuple[dict[str, Any], UserFrames]:
        now_ms = self._venue.clock.now_ms()
        call = self._methods.get(method)
        endpoint = self._endpoint(session, method)
        if endpoint is None or params is None:
            text = "Invalid JSON." if params is None else f"Unknown method '{method[:NAME_MAX]}'."
            error = {"code": -1100 if params is None else -1000, "msg": text}
            return {"id": number, "status": 400, "error": error}, []
        wanted = params
        done = await answered(
            self._venue,
            endpoint,
            Request(
                params=wanted,
                weight=limits.weight(*call, wanted) if call else SESSION_WEIGHT,
                admit=lambda: self._admit(session, endpoint, wanted, now_ms),
                now_ms=now_ms,
            ),
        )
        body: dict[str, Any] = {"id": number, "status": done.status}
        body["result" if done.status == 200 else "error"] = done.body
        if session.returns_limits and params.get("returnRateLimits", "true").lower() != "false":
            body["rateLimits"] = self._limits(done, endpoint, now_ms)
        return body, done.late

    def _endpoint(self, session: Session, method: str) -> Endpoint | None:
        if method in SESSIONS:
            return Endpoint(
                handler=lambda call: self._session_state(session, method, call),
                security=Security.SIGNED if method == "session.logon" else Security.NONE,
            )
        if method in SUBSCRIBING and self._venue.product.is_spot:
            return Endpoint(
                handler=lambda call: self._subscribe(session, method, call),
                security=SUBSCRIBING[method],
            )
        return self._table.get(self._methods.get(method, ("", "")))

    def _admit(
        self, session: Session, endpoint: Endpoint, params: Mapping[str, str], now_ms: int
    ) -> str:
        if endpoint.security is Security.NONE:
            return ""
        if "apiKey" not in params and session.credential is not None:
            if endpoint.security is Security.SIGNED:
                auth.check_time(params, now_ms)
            return session.credential.account
        found = auth.credential(self._venue.accounts.keys, params.get("apiKey"))
        if endpoint.security is Security.SIGNED:
            auth.check_signature(found, auth.sorted_texts(params), params)
            auth.check_time(params, now_ms)
        return found.account

    def _session_state(self, session: Session, method: str, call: Call) -> Any:
        now_ms = call.now_ms
        if method == "session.logon":
            wanted = self._venue.accounts.keys[call.params.text("apiKey")]
            if wanted.public_key is None:
                raise ApiRefusal(-4056, "HMAC_SHA256 API key is not supported.")
            session.credential, session.since_ms = wanted, now_ms
        if method == "session.logout":
            session.credential, session.since_ms = None, 0
        held = session.credential
        return {
            "apiKey": held.key if held else None,
            "authorizedSince": session.since_ms if held else None,
            "connectedSince": session.connected_ms,
            "returnRateLimits": session.returns_limits,
            "serverTime": now_ms,
        }

    def _subscribe(self, session: Session, method: str, call: Call) -> Any:
        if method == "userDataStream.unsubscribe":
            self._subscriptions.pause(session.subscribed)
            return {}
        account = call.account or (session.credential.account if session.credential else "")
        if not account:
            raise ApiRefusal(-2015, "Invalid API-key, IP, or permissions for action.", 401)
        session.subscribed = self._subscriptions.begin(
            session.subscribed, session.socket, session.transport, account
        )
        return {"subscriptionId": SUBSCRIPTION_ID}

    def _limits(self, done: Answer, endpoint: Endpoint, now_ms: int) -> list[dict[str, Any]]:
        rows = [_limit("REQUEST_WEIGHT", ("MINUTE", 1), self._venue.config.limits.weight_1m)]
        rows[0]["count"] = int(self._venue.counters.weight_header(now_ms)["X-MBX-USED-WEIGHT-1M"])
        if any(endpoint.order_cost) and done.account:
            bounds = self._venue.config.limits
            counts = self._venue.counters.order_headers(done.account, now_ms)
            short = _limit("ORDERS", ("SECOND", 10), bounds.orders_10s)
            span = "DAY" if bounds.is_long_window_a_day else "MINUTE"
            long = _limit("ORDERS", (span, 1), bounds.orders_1m)
            short["count"], long["count"] = (int(count) for count in counts.values())
            rows = [short, long, *rows]
        return rows

    async def _faulty(self, session: Session, number: Any, fault: Fault) -> None:
        if fault in REPLIES:
            status, code, text = REPLIES[fault]
            body = {"id": number, "status": status, "error": {"code": code, "msg": text}}
            await session.socket.send_str(orjson.dumps(body).decode())
        elif fault is not Fault.SILENT:
            session.abort()


def _limit(kind: str, interval: tuple[str, int], limit: int) -> dict[str, Any]:
    return {
        "rateLimitType": kind,
        "interval": interval[0],
        "intervalNum": interval[1],
        "limit": limit,
    }


def _parsed(text: str) -> tuple[Any, str, dict[str, str] | None]:
    """Return id, method and parameters as texts; no parameters when they are not an object."""
    try:
        found = orjson.loads(text)
    except orjson.JSONDecodeError:
        return None, "", None
    if not isinstance(found, dict) or not is_request_id(found.get("id")):
        return None, "", None
    number, method, params = found.get("id"), found.get("method"), found.get("params") or {}
    if not isinstance(method, str) or not isinstance(params, dict):
        return number, "", None
    try:
        return number, method, named_texts(params)
    except ApiRefusal:
        return number, method, None
