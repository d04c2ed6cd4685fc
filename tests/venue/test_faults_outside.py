"""What can go wrong, ordered over HTTP and met by clients, as a test in any language would."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import requests
import websocket

from grinder.venues.sim.config import VenueConfig
from grinder.venues.sim.proxy import Proxy
from grinder.venues.sim.server import VenueServer
from venue.clients import Rest, Stream
from venue.socket_client import Api

QUOTES = "/public/ws/btcusdt@bookTicker"
BROKEN = (websocket.WebSocketException, OSError)
ORDER = {
    "symbol": "BTCUSDT",
    "side": "BUY",
    "type": "LIMIT",
    "timeInForce": "GTC",
    "quantity": "0.01",
    "price": "60000",
}


class Outside:
    """A venue of which only the addresses are known."""

    def __init__(self, server: VenueServer) -> None:
        self.rest_url, self.ws_url = server.rest_url, server.ws_url
        self._control_url = server.control_url
        self.rest = Rest(self.rest_url)

    def order(self, name: str, **fields: Any) -> Any:
        answer = requests.post(f"{self._control_url}/{name}", json=fields, timeout=60)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def quote(self, bid: int) -> None:
        self.order("quote", symbol="BTCUSDT", bid=bid, ask=bid + 1)


@pytest.fixture(scope="module")
def running() -> Iterator[VenueServer]:
    server = VenueServer(VenueConfig(paused=True, control_port=0, symbols=("BTCUSDT",), data=()))
    server.start()
    yield server
    server.stop()


@pytest.fixture
def venue(running: VenueServer) -> Iterator[Outside]:
    outside = Outside(running)
    outside.order("reset")
    outside.order("clock", offset_ms=0)
    outside.quote(61_800)
    yield outside
    outside.order("clear-faults")


@contextmanager
def harmed(url: str) -> Iterator[tuple[Proxy, str]]:
    """Give a proxy in front of ``url`` and the address through it."""
    scheme, _, rest = url.partition("://")
    proxy = Proxy("127.0.0.1", int(rest.rpartition(":")[2]))
    try:
        yield proxy, f"{scheme}://127.0.0.1:{proxy.start()}"
    finally:
        proxy.stop()


def test_half_open_stream_is_silent_and_open_and_comes_back(venue: Outside) -> None:
    direct = Stream(venue.ws_url, QUOTES)
    direct.ask("LIST_SUBSCRIPTIONS")
    with harmed(venue.ws_url) as (proxy, url):
        socket = websocket.create_connection(url + QUOTES, timeout=60)
        socket.send('{"method":"LIST_SUBSCRIPTIONS","id":1}')
        socket.recv()
        proxy.harm(is_blackhole=True)
        venue.quote(61_000)
        assert direct.next()["b"] == "61000.00"
        socket.settimeout(0.2)
        with pytest.raises(websocket.WebSocketTimeoutException):
            socket.recv()
        assert venue.order("state")["connections"] >= 2
        proxy.harm()
        socket.settimeout(60)
        assert '"61000.00"' in str(socket.recv())
        socket.close()
    direct.close()


def test_half_open_rest_never_sees_the_order(venue: Outside) -> None:
    with harmed(venue.rest_url) as (proxy, url):
        requests.get(f"{url}/fapi/v1/ping", timeout=60)
        proxy.harm(is_blackhole=True)
        with pytest.raises(requests.ReadTimeout):
            requests.post(f"{url}/fapi/v1/order", data=ORDER, timeout=0.2)

        assert venue.rest.call("GET", "/fapi/v1/openOrders") == []


def test_reset_breaks_who_comes_through_the_proxy_and_nobody_else(venue: Outside) -> None:
    direct = Stream(venue.ws_url, QUOTES)
    with harmed(venue.ws_url) as (proxy, url):
        victim = Stream(url, QUOTES)
        victim.ask("LIST_SUBSCRIPTIONS")
        assert proxy.reset() >= 2
        with pytest.raises(BROKEN):
            victim.next()
        proxy.harm(refuses=True)
        with pytest.raises(BROKEN):
            Stream(url, QUOTES)
        proxy.harm()
        again = Stream(url, QUOTES)
        again.ask("LIST_SUBSCRIPTIONS")
        venue.quote(61_100)
        assert again.next()["b"] == "61100.00"
        again.close()

    assert direct.next()["b"] == "61100.00"
    direct.close()


@pytest.mark.parametrize(
    ("status", "codes"),
    [
        ("POST_ONLY", (-4140, None, None, None)),
        ("CANCEL_ONLY", (-4140, -4140, -5024, None)),
        ("SETTLING", (-4140, -4140, -5024, None)),
        ("HALT", (-4140, -4140, -5024, -4108)),
    ],
)
def test_websocket_api_refuses_what_a_status_forbids(
    venue: Outside, status: str, codes: tuple[int | None, ...]
) -> None:
    api = Api(venue.ws_url)
    resting = api.signed("order.place", **ORDER)["result"]["orderId"]
    known = {"symbol": "BTCUSDT", "orderId": resting}
    venue.order("status", symbol="BTCUSDT", status=status)

    answers = [
        api.signed("order.place", **ORDER),
        api.signed("order.place", **ORDER | {"timeInForce": "GTX"}),
        api.signed("order.modify", **known, side="BUY", quantity="0.02", price="60000"),
        api.signed("order.cancel", **known),
    ]
    venue.order("status", symbol="BTCUSDT", status="TRADING")
    after = api.signed("order.place", **ORDER)
    api.close()

    assert tuple(each.get("error", {}).get("code") for each in answers) == codes
    assert after["status"] == 200


def test_ban_strikes_every_door_that_asks(venue: Outside) -> None:
    api = Api(venue.ws_url)
    venue.order("ban", ms=60_000)
    rest, socket = venue.rest.raw("GET", "/fapi/v1/ping", ""), api.call("ping")
    venue.order("ban", ms=0)

    assert (rest.status_code, socket["status"]) == (418, 418)
    assert (venue.rest.get("/fapi/v1/ping"), api.call("ping")["status"]) == ({}, 200)
    api.close()


@pytest.mark.parametrize(
    ("offset_ms", "text"), [(60_000, "outside of the recvWindow"), (-60_000, "ahead of the server")]
)
def test_skewed_clock_refuses_the_honest(venue: Outside, offset_ms: int, text: str) -> None:
    api = Api(venue.ws_url)
    venue.order("clock", offset_ms=offset_ms)
    refused = venue.rest.call("GET", "/fapi/v3/balance"), api.signed("order.place", **ORDER)
    told_ms = venue.rest.get("/fapi/v1/time")["serverTime"]
    served = venue.rest.call("GET", "/fapi/v3/balance", timestamp=told_ms)
    api.close()

    assert [refused[0]["code"], refused[1]["error"]["code"]] == [-1021, -1021]
    assert text in refused[0]["msg"]
    assert isinstance(served, list)


@pytest.mark.parametrize("sign", [1, -1])
def test_drifting_clock_runs_away(venue: Outside, sign: int) -> None:
    # A thousand times too fast, or backwards.
    venue.order("clock", offset_ms=0, drift_ppm=sign * 10**9)
    first = venue.rest.get("/fapi/v1/time")["serverTime"]
    began_s = time.monotonic()
    for _ in range(5):
        venue.rest.get("/fapi/v1/ping")
    least_ms = (time.monotonic() - began_s) * 900_000
    last = venue.rest.get("/fapi/v1/time")["serverTime"]

    assert (last - first) * sign >= least_ms > 0


@pytest.mark.parametrize("is_silent", [True, False])
def test_lost_listen_key_ends_user_data_and_a_new_one_brings_it_back(
    venue: Outside, *, is_silent: bool
) -> None:
    key = venue.rest.listen_key()
    stream = Stream(venue.ws_url, f"/private/ws/{key}")
    stream.ask("LIST_SUBSCRIPTIONS")
    venue.order("expire-listen-key", silent=is_silent)
    venue.rest.limit("BUY", "60000")
    told = [frame["e"] for frame in stream.heard_before_answer()]
    renewed = venue.rest.listen_key()
    again = Stream(venue.ws_url, f"/private/ws/{renewed}")
    again.ask("LIST_SUBSCRIPTIONS")
    placed = venue.rest.limit("BUY", "60000")

    assert told == ([] if is_silent else ["listenKeyExpired"])
    assert renewed != key
    assert again.next()["o"]["i"] == placed["orderId"]
    stream.close()
    again.close()


@pytest.mark.parametrize("route", ["public", "market", "private", "bare"])
def test_each_route_stalls_by_itself(venue: Outside, route: str) -> None:
    paths = {
        "public": QUOTES,
        "market": "/market/ws/!contractInfo",
        "private": f"/private/ws/{venue.rest.listen_key()}",
        "bare": "/ws/btcusdt@bookTicker",
    }
    streams = {name: Stream(venue.ws_url, path) for name, path in paths.items()}
    for stream in streams.values():
        stream.ask("LIST_SUBSCRIPTIONS")
    venue.order("stall", routes=[route])
    happen(venue, 61_300)
    venue.order("stall", routes=[])
    happen(venue, 61_400)
    heard = {name: len(stream.heard_before_answer()) for name, stream in streams.items()}
    for stream in streams.values():
        stream.close()

    # Each happening is worth the same number of frames; the stalled route heard only the second.
    assert {name: heard[name] for name in heard if name != route} == {
        name: 2 * EACH[name] for name in heard if name != route
    }
    assert heard[route] == EACH[route]


EACH = {"public": 1, "market": 2, "private": 1, "bare": 1}
"""Frames of one happening on each route."""


def happen(venue: Outside, bid: int) -> None:
    """Let something happen that every route tells of."""
    venue.quote(bid)
    venue.order("status", symbol="BTCUSDT", status="POST_ONLY")
    venue.order("status", symbol="BTCUSDT", status="TRADING")
    venue.rest.limit("BUY", "60000")


@pytest.mark.parametrize("fault", ["lost", "silent", "unknown-503-done", "backend-408"])
def test_order_is_carried_out_although_its_reply_is_lost(venue: Outside, fault: str) -> None:
    stream = Stream(venue.ws_url, f"/private/ws/{venue.rest.listen_key()}")
    stream.ask("LIST_SUBSCRIPTIONS")
    venue.order("fault", fault=fault, method="POST", path="/fapi/v1/order")
    asked = venue.rest.unread("/fapi/v1/order", **ORDER, newClientOrderId="mine")
    told = stream.next()["o"]
    stream.close()
    (resting,) = venue.rest.call("GET", "/fapi/v1/openOrders")
    # Who is met by silence would read for ever.
    code = int(asked.is_answered()) if fault == "silent" else asked.status()
    asked.close()

    assert code == {"unknown-503-done": 503, "backend-408": 408}.get(fault, 0)
    assert told["c"] == resting["clientOrderId"] == "mine"
