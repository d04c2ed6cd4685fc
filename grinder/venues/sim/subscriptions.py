"""User data on a connection of the WebSocket API, as spot has them in place of listen keys."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from aiohttp import web

from grinder.venues.sim.rest import Security
from grinder.venues.sim.speaking import owner_stream
from grinder.venues.sim.streams import Connection, Route, write
from grinder.venues.sim.venue import Venue

SUBSCRIBING: Mapping[str, Security] = {
    "userDataStream.subscribe": Security.NONE,
    "userDataStream.subscribe.signature": Security.SIGNED,
    "userDataStream.unsubscribe": Security.NONE,
}
"""Methods that begin and end a subscription, and what they must prove."""


class Subscriptions:
    """Every subscription of a venue; a connection has one at most."""

    def __init__(self, venue: Venue) -> None:
        self._venue = venue
        self._writers: dict[int, asyncio.Task[None]] = {}

    def begin(
        self,
        before: Connection | None,
        socket: web.WebSocketResponse,
        transport: asyncio.Transport | None,
        account: str,
    ) -> Connection:
        """Let a socket hear the user data of ``account``, in place of what it heard ``before``."""
        hub = self._venue.hub
        if before is None:
            before = Connection(
                socket=socket,
                transport=transport,
                route=Route.PRIVATE,
                is_wrapped=False,
                is_subscription=True,
                events=frozenset(),
                queue=asyncio.Queue(self._venue.config.limits.queue_frames_max),
            )
            self._writers[id(before)] = asyncio.create_task(write(before))
        hub.hear_only(before, owner_stream(account))
        return before

    def pause(self, connection: Connection | None) -> None:
        """Say no more user data; answers go on."""
        if connection is not None:
            self._venue.hub.hear_only(connection, None)

    async def end(self, connection: Connection | None) -> None:
        """Forget the subscription of a connection that is gone."""
        if connection is None:
            return
        self._venue.hub.forget(connection)
        writer = self._writers.pop(id(connection))
        writer.cancel()
        await asyncio.wait([writer])
