"""A simulated venue that outlives the system under test, in this process."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import attrs
import pytest

from grinder.venues.sim.config import VenueConfig
from grinder.venues.sim.server import VenueServer
from system.processes import settings
from system.witness import Witness


@attrs.frozen(kw_only=True)
class Site:
    """A venue in this process."""

    server: VenueServer
    witness: Witness

    @property
    def options(self) -> list[str]:
        """Return what sends a run here."""
        return settings(venue__rest_url=self.server.rest_url, venue__stream_url=self.server.ws_url)


OpenSite = Callable[..., Site]


@pytest.fixture
def open_site() -> Iterator[OpenSite]:
    """Give a function that starts a venue with the given fields of VenueConfig."""
    servers: list[VenueServer] = []

    def start(**fields: Any) -> Site:
        server = VenueServer(VenueConfig(**fields))
        servers.append(server)
        server.start()
        return Site(server=server, witness=Witness(server.control))

    yield start
    for server in servers:
        server.stop()


@pytest.fixture
def site(open_site: OpenSite) -> Site:
    """Give a venue whose market plays four times as fast as recorded."""
    return open_site(speed=4.0)
