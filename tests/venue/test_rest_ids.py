"""Ids as a client meets them: large, rising, and shared with the public tape."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from grinder.venues.sim.config import VenueConfig
from grinder.venues.sim.server import VenueServer
from venue.clients import Rest, World


@pytest.fixture
def second_run(still_server: VenueServer) -> Iterator[Rest]:
    server = VenueServer(VenueConfig(paused=True))
    server.start()
    yield Rest(server.rest_url)
    server.stop()


def test_ids_of_two_runs_do_not_meet(world: World, second_run: Rest) -> None:
    orders, trades = [], []
    for rest in (world.rest, second_run):
        orders.append(rest.market("BUY", "0.010")["orderId"])
        trades.append(rest.call("GET", "/fapi/v1/userTrades", symbol="BTCUSDT")[0]["id"])

    assert 10**15 < min(orders) <= max(orders) < 2**53
    assert len(set(orders)) == len(set(trades)) == 2
    read = world.rest.call("GET", "/fapi/v1/order", symbol="BTCUSDT", orderId=orders[0])
    assert read["orderId"] == orders[0]


def test_ids_rise_over_a_reset(world: World) -> None:
    before = world.rest.limit("BUY", "60000")["orderId"]
    world.order(name="burst", times=500, trade={"symbol": "BTCUSDT", "price": "1", "qty": "1"})
    (last,) = world.rest.get("/fapi/v1/trades", symbol="BTCUSDT", limit=1)

    world.order(name="reset")
    world.rest.market("BUY", "0.010")

    (trade,) = world.rest.call("GET", "/fapi/v1/userTrades", symbol="BTCUSDT")
    assert trade["orderId"] > before
    assert trade["id"] > last["id"]


def test_fill_by_a_public_trade_bears_its_id(world: World) -> None:
    tape = world.stream("/public/ws/btcusdt@trade")
    tape.ask("LIST_SUBSCRIPTIONS")
    world.quote("61800.00", "61800.20")
    world.rest.limit("BUY", "61800.10")

    world.order(name="trade", symbol="BTCUSDT", price="61800.10", qty="5", buyer_is_maker=True)

    (own,) = world.rest.call("GET", "/fapi/v1/userTrades", symbol="BTCUSDT")
    printed = world.rest.get("/fapi/v1/trades", symbol="BTCUSDT", limit=1)
    assert tape.next()["t"] == own["id"] == printed[0]["id"]
    assert own["time"] <= time.time_ns() // 1_000_000 + 1
