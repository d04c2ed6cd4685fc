from __future__ import annotations

from collections.abc import Iterator

import pytest

from venues.fakes import FakeOutlet, FrameServer, ScriptedVenue


@pytest.fixture
def outlet() -> FakeOutlet:
    return FakeOutlet()


@pytest.fixture
def scripted() -> Iterator[ScriptedVenue]:
    venue = ScriptedVenue()
    yield venue
    venue.close()


@pytest.fixture
def frames() -> Iterator[FrameServer]:
    server = FrameServer()
    yield server
    server.close()
