from __future__ import annotations

from collections.abc import Iterator

import pytest

from grinder.venues.sim.config import VenueConfig
from grinder.venues.sim.server import VenueServer
from venue.clients import World


@pytest.fixture(scope="session")
def still_server() -> Iterator[VenueServer]:
    server = VenueServer(VenueConfig(paused=True, control_port=0))
    server.start()
    yield server
    server.stop()


@pytest.fixture
def world(still_server: VenueServer) -> Iterator[World]:
    world = World(still_server)
    world.begin()
    yield world
    world.end()
