"""The REST door: who may call what, what it costs, and how the answer leaves."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from enum import Enum
from typing import Any, Protocol

import attrs
import orjson
from aiohttp import web

from grinder.simulation.refusals import Refusal
from grinder.venues.sim import auth, limits
from grinder.venues.sim.delays import Way
from grinder.venues.sim.faults import REPLIES, Fault
from grinder.venues.sim.holding import holding, release
from grinder.venues.sim.maintenance import check_state
from grinder.venues.sim.params import Params, check_single, decoded
from grinder.venues.sim.refusing import ApiRefusal, is_whole
from grinder.venues.sim.streams import UserFrames
from grinder.venues.sim.venue import Venue

BODY_MAX = 256 * 1024
NOTED_MAX = 64
"""Letters of a refused parameter that the order log keeps."""


class Security(Enum):
    """What a call must prove."""

    NONE = "none"
    KEY = "key"
    SIGNED = "signed"


@attrs.frozen(kw_only=True)
class Call:
    """One request that passed the gateway."""

    venue: Venue
    params: Params
    account: str
    """Empty for calls without a key."""
    now_ms: int


class Handler(Protocol):
    """Carries out a call and returns the body of the answer."""

    def __call__(self, call: Call, /) -> Any:
        """Return a JSON value, or raise a refusal."""


@attrs.frozen(kw_only=True)
class Endpoint:
    """One method of one path."""

    handler: Handler
    security: Security = Security.SIGNED
    order_cost: tuple[int, int] = (0, 0)
    """What it takes of the order windows of 10 seconds and of a minute."""
    operation: str = ""
    """The order log's word for it; empty for what is not an order operation."""


Table = Mapping[tuple[str, str], Endpoint]


class Gateway:
    """Answers HTTP requests from a table of endpoints."""

    def __init__(self, venue: Venue, table: Table) -> None:
        self._venue = venue
        self._table = table

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer one request, well or as the planned fault wants."""
        endpoint = self._table.get((request.method, request.path))
        if endpoint is None:
            return web.Response(status=404, text="Not Found")
        body = (await body_of(request)).decode(errors="replace")
        # The signature covers the text as sent, so the raw target is used, never a decoded one.
        # Bytes beyond ASCII are not allowed there, and a parser that lets them pass marks them.
        target = request.raw_path.encode(errors="surrogateescape").decode(errors="replace")
        sent = target.partition("?")[2], body
        params = decoded(*sent)
        delays = self._venue.faults.delays
        await delays.wait(Way.IN, request.method, request.path)
        fault = self._venue.faults.take(request.method, request.path, params)
        if fault is not None and not fault.is_carried_out:
            await delays.wait(Way.OUT, request.method, request.path)
            return self._faulty(request, fault)
        answer, late = await self._answer(request, endpoint, sent, params)
        if fault is Fault.SILENT:
            await self._venue.stopping.wait()
        await delays.wait(Way.OUT, request.method, request.path)
        if fault is not None:
            return self._faulty(request, fault)
        if late:
            # Even where the client has left, what happened is told.
            try:
                await answer.prepare(request)
                await answer.write_eof()
            finally:
                release(self._venue.hub, late)
        return answer

    async def _answer(
        self,
        request: web.Request,
        endpoint: Endpoint,
        sent: tuple[str, str],
        params: dict[str, str],
    ) -> tuple[web.Response, UserFrames]:
        now_ms = self._venue.clock.now_ms()
        done = await answered(
            self._venue,
            endpoint,
            Request(
                params=params,
                weight=limits.weight(request.method, request.path, params),
                is_funding=request.path in limits.FUNDING_PATHS,
                admit=lambda: self._admit(request, endpoint, sent, params, now_ms),
                now_ms=now_ms,
            ),
        )
        return reply(done.status, done.body, done.headers), done.late

    def _admit(
        self,
        request: web.Request,
        endpoint: Endpoint,
        sent: tuple[str, str],
        params: Mapping[str, str],
        now_ms: int,
    ) -> str:
        check_single(*sent)
        if endpoint.security is Security.NONE:
            return ""
        found = auth.credential(self._venue.accounts.keys, request.headers.get("X-MBX-APIKEY"))
        if endpoint.security is Security.SIGNED:
            auth.check_signed(found, *sent, params, now_ms)
        return found.account

    def _faulty(self, request: web.Request, fault: Fault) -> web.Response:
        if fault in REPLIES:
            status, code, text = REPLIES[fault]
            return reply(status, {"code": code, "msg": text}, {})
        if request.transport is not None:
            request.transport.abort()
        return web.Response(status=500)


@attrs.frozen(kw_only=True)
class Request:
    """What a door knows of a request before it is answered."""

    params: dict[str, str]
    weight: int
    admit: Callable[[], str]
    """Return whose request it is, empty for anybody's, or raise a refusal."""
    now_ms: int
    is_funding: bool = False
    """Whether it counts as a read of funding, which have a pool of their own."""


@attrs.frozen(kw_only=True)
class Answer:
    """What a door sends back."""

    status: int
    body: Any
    account: str
    headers: dict[str, str]
    late: UserFrames
    """User-data frames that wait until the answer has left."""


async def answered(venue: Venue, endpoint: Endpoint, request: Request) -> Answer:
    """Count, admit and carry out a request; the same for every door.

    Nothing else happens in between, unless orders are told to wait for the matching engine.
    """
    now_ms, params = request.now_ms, request.params
    headers: dict[str, str] = {}
    account = ""
    try:
        venue.counters.charge(request.weight, now_ms)
        if request.is_funding:
            venue.counters.read_funding(now_ms)
        account = request.admit()
        if any(endpoint.order_cost):
            venue.counters.order(account, *endpoint.order_cost, now_ms)
            headers |= venue.counters.order_headers(account, now_ms)
        if endpoint.operation and venue.faults.queue_ms:
            key = _amended_order(account, endpoint, params)
            now_ms = await _queued(venue, params, key)
        check_state(venue.faults.states, endpoint.operation, params)
        call = Call(venue=venue, params=Params(params), account=account, now_ms=now_ms)
        status, answer = 200, endpoint.handler(call)
    except (Refusal, ApiRefusal) as refusal:
        status = refusal.http_status
        answer = venue.product.refused(refusal)
        if endpoint.operation:
            note_refusal(venue, account, endpoint.operation, params, answer)
    # What the exchange has to tell goes out before the answer, as it may on the venue, unless a
    # test wants the other order.
    with holding(venue.hub, is_wanted=venue.faults.is_reply_first) as late:
        venue.pump(now_ms)
    headers |= venue.counters.weight_header(now_ms)
    return Answer(status=status, body=answer, account=account, headers=headers, late=late)


def _amended_order(
    account: str, endpoint: Endpoint, params: Mapping[str, str]
) -> tuple[str, ...] | None:
    """Name the one order that is amended; None for what is no single amendment."""
    found = params.get("orderId") or params.get("origClientOrderId")
    is_named = endpoint.operation == "amend" and found
    return (account, params.get("symbol", ""), found) if is_named and found else None


async def _queued(venue: Venue, params: Mapping[str, str], amended: tuple[str, ...] | None) -> int:
    """Wait in front of the matching engine; return venue time there, or raise a refusal."""
    waiting = venue.faults.amending
    if amended in waiting:
        raise ApiRefusal(-5043, "A pending modification already exists for this order.")
    if amended is not None:
        waiting.add(amended)
    try:
        await asyncio.sleep(venue.faults.queue_ms / 1000)
    finally:
        waiting.discard(amended or ())
    now_ms = venue.clock.now_ms()
    auth.check_engine_time(params, now_ms)
    return now_ms


async def body_of(request: web.Request) -> bytes:
    """Return the body of a request.

    Raises:
        HTTPBadRequest: it is not encoded as its headers say.
    """
    try:
        return await request.read()
    except web.RequestPayloadError as error:
        raise web.HTTPBadRequest(text="Bad Request") from error


def reply(status: int, body: Any, headers: Mapping[str, str]) -> web.Response:
    """Return a JSON response."""
    return web.Response(
        status=status,
        body=orjson.dumps(body),
        content_type="application/json",
        headers=headers,
    )


def note_refusal(
    venue: Venue,
    account: str,
    operation: str,
    params: Mapping[str, str],
    answer: Mapping[str, Any],
) -> None:
    """Write a refused order operation to the order log."""
    venue.log.append(
        venue.clock.now_ms(),
        account,
        f"{operation}-refused",
        symbol=_noted(params, "symbol"),
        client_id=_noted(params, "newClientOrderId") or _noted(params, "origClientOrderId"),
        order_id=int(params["orderId"]) if is_whole(params.get("orderId", "")) else 0,
        side=_noted(params, "side"),
        type=_noted(params, "type"),
        price=_noted(params, "price"),
        qty=_noted(params, "quantity"),
        reduce_only=params.get("reduceOnly", "").lower() == "true",
        status="REFUSED",
        code=answer["code"],
        msg=answer["msg"],
    )


def _noted(params: Mapping[str, str], name: str) -> str:
    # The log keeps many lines, and anybody may send anything: no line may become large.
    return params.get(name, "")[:NOTED_MAX]
