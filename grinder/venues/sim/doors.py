"""The stream door: which addresses are streams, and what their parts mean."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from aiohttp import web

from grinder.venues.sim.streams import Hub, Route

_Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def add_streams(app: web.Application, hub: Hub, before: str = "") -> None:
    """Add the stream addresses of every route, and those without a route, to ``app``.

    Behind the prefix ``before`` there are no routes: its one address carries everything.
    """
    prefixes = {route: f"/{route.value}" if route.value else "" for route in Route}
    for route, prefix in prefixes.items() if not before else ((Route.ALL, before),):
        app.router.add_get(f"{prefix}/ws", _bare(hub, route))
        app.router.add_get(f"{prefix}/ws/{{names:.*}}", _bare(hub, route))
        app.router.add_get(f"{prefix}/stream", _wrapped(hub, route))


def _bare(hub: Hub, route: Route) -> _Handler:
    async def handle(request: web.Request) -> web.StreamResponse:
        names = [name for name in request.match_info.get("names", "").split("/") if name]
        return await hub.serve(
            request,
            route=route,
            is_wrapped=False,
            names=names + _listen_keys(request),
            events=_events(request),
        )

    return handle


def _wrapped(hub: Hub, route: Route) -> _Handler:
    async def handle(request: web.Request) -> web.StreamResponse:
        names = [name for name in request.query.get("streams", "").split("/") if name]
        return await hub.serve(
            request,
            route=route,
            is_wrapped=True,
            names=names + _listen_keys(request),
            events=_events(request),
        )

    return handle


def _listen_keys(request: web.Request) -> list[str]:
    key = request.query.get("listenKey")
    return [key] if key else []


def _events(request: web.Request) -> frozenset[str]:
    return frozenset(name for name in request.query.get("events", "").split("/") if name)
