"""Delays of requests, replies and streams: how they are drawn, and what a client meets."""

from __future__ import annotations

import asyncio
import statistics
from collections.abc import Iterator
from functools import partial
from random import Random
from typing import Any

import orjson
import pytest
import requests
import websocket

from grinder.venues.sim.config import VenueConfig
from grinder.venues.sim.delays import Chances, Delay, DelayRule, Delays, Distribution, Way
from grinder.venues.sim.lane import Lane
from grinder.venues.sim.server import VenueServer
from system.waiting import until
from venue.clients import Rest, Stream
from venue.socket_client import Api

ORDER = "/fapi/v1/order"
LONG_MS = 600_000
ORDER_PARAMS = {
    "symbol": "BTCUSDT",
    "side": "BUY",
    "type": "LIMIT",
    "timeInForce": "GTC",
    "quantity": "0.01",
    "price": "60000",
}


@pytest.fixture
def server() -> Iterator[VenueServer]:
    # Replies that wait for minutes end with the venue: each test has one of its own.
    server = VenueServer(VenueConfig(paused=True, control_port=0, symbols=("BTCUSDT",), data=()))
    server.start()
    yield server
    server.stop()


def order(server: VenueServer, name: str, **fields: Any) -> Any:
    answer = requests.post(f"{server.control_url}/{name}", json=fields, timeout=60)
    assert answer.status_code == 200, answer.text
    return answer.json()


def open_orders(server: VenueServer) -> list[Any]:
    found: list[Any] = order(server, "state")["accounts"]["sim-key"]["open_orders"]
    return found


def draws(delay: Delay, number: int = 4001, seed: int = 1) -> list[float]:
    chance = Random(seed)
    return [delay.drawn_s(chance) * 1000 for _ in range(number)]


def test_distributions_have_their_median_their_bounds_and_their_seed() -> None:
    constant = Delay(ms=7, ms_max=7)
    uniform = Delay(distribution=Distribution.UNIFORM, ms=10, ms_max=30)
    exponential = Delay(distribution=Distribution.EXPONENTIAL, ms=20, ms_max=100)
    lognormal = Delay(distribution=Distribution.LOGNORMAL, ms=20, ms_max=100, sigma=1.0)

    assert set(draws(constant, 10)) == {7}
    assert (min(draws(uniform)) >= 10, max(draws(uniform)) <= 30) == (True, True)
    for tailed in (exponential, lognormal):
        assert statistics.median(draws(tailed)) == pytest.approx(20, rel=0.1)
        assert max(draws(tailed)) == 100
    for each in (uniform, exponential, lognormal):
        assert draws(each, seed=3) == draws(each, seed=3) != draws(each, seed=4)


@pytest.mark.parametrize(
    "wrong", [{"ms": -1}, {"ms": 5, "ms_max": 4}, {"ms_max": 600_001}, {"sigma": 0.0}]
)
def test_impossible_delays_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="expected"):
        Delay(**{"ms": 1, "ms_max": 5} | wrong)


def rule(path: str, ms: int = 5, method: str = "", way: Way = Way.OUT, seed: int = 1) -> DelayRule:
    return DelayRule(
        way=way,
        method=method,
        path=path,
        delay=Delay(distribution=Distribution.UNIFORM, ms=ms, ms_max=ms + 100),
        chances=Chances(lambda name: Random(f"{seed}:{name}")),
    )


def test_endpoints_draw_apart_whatever_comes_between() -> None:
    alone, mixed = Delays(), Delays()
    alone.plan(rule("/fapi/*"))
    mixed.plan(rule("/fapi/*"))

    wanted = [alone.drawn_s(Way.OUT, "POST", ORDER) for _ in range(5)]
    found = []
    for _ in range(5):
        mixed.drawn_s(Way.OUT, "GET", ORDER)
        found.append(mixed.drawn_s(Way.OUT, "POST", ORDER))
        mixed.drawn_s(Way.OUT, "GET", "/fapi/v1/time")

    assert found == wanted
    assert len(set(wanted)) == 5


def test_newest_rule_decides_and_its_end_uncovers_the_older() -> None:
    delays = Delays()
    delays.plan(rule("*", ms=1000))
    delays.plan(rule("/fapi/v1/order", ms=5000, method="POST"))

    assert delays.drawn_s(Way.OUT, "POST", ORDER) >= 5
    assert 1 <= delays.drawn_s(Way.OUT, "GET", ORDER) < 5
    assert delays.drawn_s(Way.IN, "POST", ORDER) == 0
    delays.plan(rule("/fapi/v1/order", ms=9000, method="POST"))
    assert delays.drawn_s(Way.OUT, "POST", ORDER) >= 9
    end = Delay(ms=0, ms_max=0)
    delays.plan(
        DelayRule(way=Way.OUT, method="POST", path=ORDER, delay=end, chances=Chances(Random))
    )
    assert 1 <= delays.drawn_s(Way.OUT, "POST", ORDER) < 5
    delays.clear()
    assert delays.drawn_s(Way.OUT, "POST", ORDER) == 0
    for number in range(100):
        delays.plan(rule(f"/{number}"))
    with pytest.raises(ValueError, match="at most 100 delays"):
        delays.plan(rule("/one-more"))


def test_lane_keeps_order_and_passes_on_what_fails() -> None:
    async def run() -> list[int]:
        lane, done = Lane(), list[int]()

        async def note(number: int) -> None:
            done.append(number)

        async def fail() -> None:
            raise ConnectionResetError

        async def busy() -> None:
            while True:
                await lane.put(0, partial(note, 6))
                await asyncio.sleep(0)

        await lane.put(0, partial(note, 0))
        assert done == [0]
        for number, wait_s in ((1, 0.02), (2, 0), (3, 0.01), (4, 0)):
            await lane.put(wait_s, partial(note, number))
        while len(done) < 5:
            await asyncio.sleep(0)
        await lane.put(0, partial(note, 5))
        await lane.put(0.001, fail)
        with pytest.raises(ConnectionResetError):
            await busy()
        with pytest.raises(ConnectionResetError):
            await lane.close()
        await lane.close()
        return done

    assert [number for number in asyncio.run(run()) if number < 6] == [0, 1, 2, 3, 4, 5]


def test_late_request_misses_its_window(server: VenueServer) -> None:
    rest = Rest(server.rest_url)
    order(server, "delay", way="in", method="POST", path="/fapi/v1/ord*", ms=40)

    late = rest.limit("BUY", "60000", recvWindow=20)
    other = rest.call("GET", "/fapi/v1/openOrders")
    in_time = rest.limit("BUY", "60000")

    assert late["code"] == -1021
    assert other == []
    assert in_time["status"] == "NEW"


def test_late_reply_comes_after_the_order_is_placed_and_told(server: VenueServer) -> None:
    rest = Rest(server.rest_url)
    stream = Stream(server.ws_url, f"/private/ws/{rest.listen_key()}")
    order(server, "delay", method="POST", path=ORDER, ms=LONG_MS)

    late = rest.unread(ORDER, **ORDER_PARAMS)
    told = stream.next()
    stream.close()

    assert told["o"]["x"] == "NEW"
    assert [each["orderId"] for each in open_orders(server)] == [told["o"]["i"]]
    # Others are answered as ever.
    assert len(rest.call("GET", "/fapi/v1/openOrders")) == 1
    assert not late.is_answered()
    late.close()


def test_events_wait_for_a_late_reply_when_they_come_after_it(server: VenueServer) -> None:
    rest = Rest(server.rest_url)
    stream = Stream(server.ws_url, f"/private/ws/{rest.listen_key()}")
    order(server, "reply-order", first="reply")
    order(server, "delay", method="POST", path=ORDER, ms=LONG_MS)

    late = rest.unread(ORDER, **ORDER_PARAMS)
    until(lambda: open_orders(server), "the order is placed")

    assert stream.heard_before_answer() == []
    assert not late.is_answered()
    late.close()
    stream.close()


def test_faults_are_late_as_well(server: VenueServer) -> None:
    rest = Rest(server.rest_url)
    order(server, "delay", method="POST", path=ORDER, ms=LONG_MS)
    order(server, "fault", fault="unknown-503", method="POST", path=ORDER)

    late = rest.unread(ORDER, **ORDER_PARAMS)
    until(lambda: order(server, "state")["delays"], "the refusal waits")

    assert open_orders(server) == []
    assert not late.is_answered()
    late.close()


def test_websocket_api_keeps_its_order_under_delays_in_both_ways(server: VenueServer) -> None:
    for way in ("in", "out"):
        order(server, "delay", way=way, method="WS", ms=0, ms_max=20, seed=5)
    socket = websocket.create_connection(f"{server.ws_url}/ws-fapi/v1", timeout=60)
    for number in range(40):
        method = "ping" if number % 2 else "time"
        socket.send(orjson.dumps({"id": number, "method": method}))
    answers = [orjson.loads(socket.recv())["id"] for _ in range(40)]
    socket.close()

    assert answers == list(range(40))
    drawn = order(server, "state")["delays"]
    assert {(way, name) for way, _, name, _ in drawn} == {
        (way, name) for way in ("in", "out") for name in ("ping", "time")
    }


def test_late_request_of_the_websocket_api_misses_its_window(server: VenueServer) -> None:
    order(server, "delay", way="in", method="WS", path="order.*", ms=40)
    api = Api(server.ws_url)

    late = api.signed("order.place", **ORDER_PARAMS, recvWindow="20")
    placed = api.signed("order.place", **ORDER_PARAMS)
    api.close()

    assert late["error"]["code"] == -1021
    assert placed["status"] == 200


def test_client_that_leaves_before_its_late_answer_breaks_nothing(server: VenueServer) -> None:
    order(server, "delay", method="WS", ms=20)
    for _ in range(5):
        socket = websocket.create_connection(f"{server.ws_url}/ws-fapi/v1", timeout=60)
        socket.send(orjson.dumps({"id": 1, "method": "ping"}))
        socket.close(timeout=0)
    api = Api(server.ws_url)

    assert api.call("ping")["status"] == 200
    assert order(server, "state")["failures"]["count"] == 0
    api.close()


def test_same_seed_same_delays(server: VenueServer) -> None:
    rest = Rest(server.rest_url)
    seen = []
    for seed in (1, 1, 2):
        order(server, "clear-faults")
        order(
            server, "delay", distribution="lognormal", ms=2, ms_max=9, path="/fapi/v1/*", seed=seed
        )
        for path in ("/fapi/v1/ping", "/fapi/v1/time", "/fapi/v1/ping"):
            rest.get(path)
        seen.append(order(server, "state")["delays"])

    assert seen[0] == seen[1] != seen[2]
    assert [path for _, _, path, _ in seen[0]] == [
        "/fapi/v1/ping",
        "/fapi/v1/time",
        "/fapi/v1/ping",
    ]
    assert all(0 < ms <= 9 for *_, ms in seen[0])


@pytest.mark.parametrize("distribution", ["uniform", "exponential", "lognormal"])
def test_late_frames_of_one_stream_keep_their_order(server: VenueServer, distribution: str) -> None:
    stream = Stream(server.ws_url, "/public/ws/btcusdt@bookTicker")
    stream.ask("LIST_SUBSCRIPTIONS")
    order(server, "stream-fault", fault="delay", distribution=distribution, ms=5, ms_max=30, seed=3)
    bids = [f"{61_700 + number}.00" for number in range(20)]
    for bid in bids:
        order(server, "quote", symbol="BTCUSDT", bid=bid, ask="61900")

    assert [stream.next()["b"] for _ in bids] == bids
    stream.close()


def test_impossible_orders_are_refused(server: VenueServer) -> None:
    for wrong in (
        {"ms": 5, "distribution": "gauss"},
        {"ms": 5, "ms_max": 4},
        {"ms": 5, "way": "around"},
        {"ms": 5, "distribution": "lognormal", "sigma": "nan"},
        {},
    ):
        answer = requests.post(f"{server.control_url}/delay", json=wrong, timeout=60)
        assert answer.status_code == 400
