"""The queue in front of the matching engine, and the second check of a request's window."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from typing import Any

import pytest

from grinder.venues.sim.config import VenueConfig
from grinder.venues.sim.rest import Answer, Endpoint, Request, answered
from grinder.venues.sim.venue import Venue
from venue.clients import World

ORDER = "/fapi/v1/order"
WAIT_MS = 800
AGE_MS = 4_300
"""What is this old passes the gateway's window of 5 s and has left it after WAIT_MS."""


@pytest.fixture
def busy(world: World) -> Iterator[World]:
    world.order(name="queue", ms=WAIT_MS)
    yield world
    world.order(name="clear-faults")


def aged(**params: Any) -> dict[str, Any]:
    return params | {"timestamp": time.time_ns() // 1_000_000 - AGE_MS}


def test_request_that_expires_in_the_queue_is_refused_and_does_nothing(busy: World) -> None:
    refused = busy.rest.limit("BUY", "60000", **aged(newClientOrderId="late"))

    assert refused["code"] == -5028
    assert busy.rest.call("GET", "/fapi/v1/allOrders", symbol="BTCUSDT") == []
    unknown = busy.rest.call("GET", ORDER, symbol="BTCUSDT", origClientOrderId="late")
    assert unknown["code"] == -2013
    (line,) = busy.order(name="orders")["orders"]
    assert (line["op"], line["client_id"], line["code"]) == ("place-refused", "late", -5028)


def test_fresh_request_and_reads_pass_the_queue(busy: World) -> None:
    placed = busy.rest.limit("BUY", "60000")
    read = busy.rest.call("GET", ORDER, **aged(symbol="BTCUSDT", orderId=placed["orderId"]))

    assert placed["status"] == read["status"] == "NEW"
    assert read["time"] >= placed["updateTime"] - 1


def test_an_expired_cancel_leaves_the_order(busy: World) -> None:
    busy.order(name="queue", ms=0)
    order_id = busy.rest.limit("BUY", "60000")["orderId"]
    busy.order(name="queue", ms=WAIT_MS)

    refused = busy.rest.call("DELETE", ORDER, **aged(symbol="BTCUSDT", orderId=order_id))

    assert refused["code"] == -5028
    assert len(busy.rest.call("GET", "/fapi/v1/openOrders")) == 1


def test_the_window_that_counts_is_the_requests_own(busy: World) -> None:
    placed = busy.rest.limit("BUY", "60000", **aged(recvWindow=60_000))

    assert placed["status"] == "NEW"


def amended_together(*wanted: dict[str, str]) -> list[Answer]:
    """Return the answers to amendments that wait for the matching engine at the same time."""
    venue = Venue(VenueConfig(paused=True, data=()))
    venue.faults.queue_ms = 1
    now_ms = venue.clock.now_ms()
    amend = Endpoint(handler=lambda _: {"status": "NEW"}, operation="amend")

    async def all_of_them() -> list[Answer]:
        asked = [
            Request(
                params={"symbol": "BTCUSDT", "timestamp": str(now_ms), "recvWindow": "60000"}
                | each,
                weight=0,
                admit=lambda: "sim-key",
                now_ms=now_ms,
            )
            for each in wanted
        ]
        found = await asyncio.gather(*(answered(venue, amend, each) for each in asked))
        assert not venue.faults.amending
        return [*found, await answered(venue, amend, asked[-1])]

    answers = asyncio.run(all_of_them())
    venue.close()
    return answers


def test_an_amendment_does_not_overtake_one_of_the_same_order() -> None:
    first, other, second, later = amended_together(
        {"orderId": "1"}, {"orderId": "2"}, {"orderId": "1"}
    )

    assert [first.status, other.status, later.status] == [200, 200, 200]
    assert (second.status, second.body["code"]) == (400, -5043)
