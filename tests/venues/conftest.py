from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import attrs
import pytest

from grinder.model.legs import ONE_WAY, legs_of
from grinder.venues.binance_rest import BinanceRestPort
from grinder.venues.clock import VenueClock
from grinder.venues.signing import Credentials
from venues.fakes import (
    TIMEOUT_S,
    Answer,
    FakeOutlet,
    ScriptedVenue,
    acknowledged,
    batch_rows,
    cancelled_rows,
    traded,
)
from venues.frameserver import FrameServer
from venues.scripts import BATCH, ORDER, SETTINGS, Open


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


@pytest.fixture
def opened(outlet: FakeOutlet, scripted: ScriptedVenue) -> Iterator[Open]:
    ports: list[BinanceRestPort] = []

    def make(**settings: Any) -> BinanceRestPort:
        port = BinanceRestPort(
            rest_url=scripted.url,
            credentials=Credentials(key="the-key", secret="the-secret"),
            clock=VenueClock(),
            instruments=legs_of(
                traded("BTCUSDT", "ETHUSDT"), settings.get("position_mode", ONE_WAY)
            ),
            settings=attrs.evolve(SETTINGS, **settings),
        )
        port.open(outlet)
        ports.append(port)
        return port

    scripted.on("POST", ORDER, acknowledged)
    scripted.on("POST", BATCH, lambda call: Answer(body=batch_rows(call)))
    scripted.on("DELETE", ORDER, lambda call: acknowledged(call, "CANCELED"))
    scripted.on("DELETE", BATCH, lambda call: Answer(body=cancelled_rows(call)))
    yield make
    for port in ports:
        port.close(TIMEOUT_S)
