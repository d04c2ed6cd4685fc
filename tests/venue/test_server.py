from __future__ import annotations

import os
import queue
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any

import orjson
import pytest
import requests

from grinder.errors import ConfigError, InvariantError
from grinder.venues.sim.command import account, serve
from grinder.venues.sim.config import AccountSeed, VenueConfig
from grinder.venues.sim.server import VenueServer
from venue.clients import Rest, Stream, World

Started = Callable[..., VenueServer]
NOW_MS = 60_000
"""What is stated as of now is no older, however busy the machine; what was recorded is by years."""


@pytest.fixture
def started() -> Iterator[Started]:
    servers: list[VenueServer] = []

    def start(**settings: Any) -> VenueServer:
        server = VenueServer(VenueConfig(**settings))
        servers.append(server)
        server.start()
        return server

    yield start
    for server in servers:
        server.stop()


def test_recorded_and_generated_markets_play_by_themselves(started: Started) -> None:
    server = started(speed=10.0)
    stream = Stream(
        server.ws_url, "/public/stream?streams=btcusdt@bookTicker/ethusdt@bookTicker/btcusdt@trade"
    )
    wanted = {"btcusdt@bookTicker", "ethusdt@bookTicker", "btcusdt@trade"}

    def is_last(frame: Any) -> bool:
        wanted.discard(frame["stream"])
        return not wanted

    stream.until(is_last)
    frame = stream.next()["data"]
    stream.close()

    assert abs(frame["E"] - time.time_ns() // 1_000_000) < NOW_MS


def test_diff_chain_of_the_playing_market_never_breaks(started: Started) -> None:
    server = started(speed=20.0, symbols=("BTCUSDT",))
    stream = Stream(server.ws_url, "/public/ws/btcusdt@depth@0ms")
    frames = [stream.next() for _ in range(300)]
    stream.close()

    assert all(after["pu"] == before["u"] for before, after in pairwise(frames))


def test_moved_price_carries_the_market_with_it(started: Started) -> None:
    server = started(speed=5.0, symbols=("BTCUSDT",))
    server.control("price", symbol="BTCUSDT", price="70000")
    stream = Stream(server.ws_url, "/public/ws/btcusdt@bookTicker")
    bids = [Decimal(stream.next()["b"]) for _ in range(50)]
    depth = Rest(server.rest_url).get("/fapi/v1/depth", symbol="BTCUSDT", limit=5)
    stream.close()

    assert all(Decimal(69_900) < bid < Decimal(70_100) for bid in bids)
    assert all(69_900 < float(price) < 70_100 for price, _ in depth["bids"] + depth["asks"])


def test_a_market_pauses_and_resumes(started: Started) -> None:
    server = started(paused=True)
    before = server.control("state")["markets"]["BTCUSDT"]
    stream = Stream(server.ws_url, "/public/ws/btcusdt@bookTicker")
    stream.ask("LIST_SUBSCRIPTIONS")

    assert before["paused"] is True
    assert stream.heard_before_answer() == []
    server.control("resume", symbol="BTCUSDT")
    assert stream.next()["u"] > before["update_id"]
    stream.close()


def test_reset_gives_fresh_accounts_at_the_same_market(world: World) -> None:
    world.rest.market("BUY")
    world.rest.limit("BUY", "60000")
    world.server.control("reset")

    state = world.server.control("state")
    assert state["accounts"]["sim-key"]["balance"] == "10000.00000000"
    assert state["accounts"]["sim-key"]["open_orders"] == []
    assert state["markets"]["BTCUSDT"]["bid"] == "61800.00"
    assert world.rest.market("BUY", newOrderRespType="RESULT")["status"] == "FILLED"


def test_accounts_are_apart_and_the_order_log_is_written(started: Started, tmp_path: Path) -> None:
    log = tmp_path / "orders.jsonl"
    seeds = (
        AccountSeed(key="one", secret="1", balance=Decimal(500)),
        AccountSeed(key="two", secret="2", balance=Decimal(700)),
    )
    server = started(paused=True, accounts=seeds, order_log=log)
    one, two = Rest(server.rest_url, "one", "1"), Rest(server.rest_url, "two", "2")
    one.limit("BUY", "60000", newClientOrderId="mine")

    assert two.call("GET", "/fapi/v1/openOrders") == []
    assert two.call("GET", "/fapi/v3/balance")[0]["balance"] == "700.00000000"
    server.stop()
    lines = [orjson.loads(line) for line in log.read_bytes().splitlines()]
    assert [(line["account"], line["op"], line["client_id"]) for line in lines] == [
        ("one", "accepted", "mine")
    ]


def test_control_endpoint_speaks_http_and_refuses_nonsense(world: World) -> None:
    url = world.server.control_url
    quote = {"symbol": "BTCUSDT", "bid": "61700", "ask": "61700.1"}

    answers = [
        requests.get(f"{url}/state", timeout=60),
        requests.post(f"{url}/quote", json=quote, timeout=60),
        requests.get(f"{url}/orders?after=3", timeout=60),
        requests.post(f"{url}/nothing", timeout=60),
        requests.post(f"{url}/quote", json=quote | {"bid": "61700.05"}, timeout=60),
        requests.post(f"{url}/price", json={"symbol": "NOPE", "price": "1"}, timeout=60),
    ]

    assert [answer.status_code for answer in answers] == [200, 200, 200, 400, 400, 400]


def test_one_port_may_serve_both_doors(started: Started) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = started(paused=True, rest_port=port, ws_port=port)
    stream = Stream(server.ws_url, "/public/ws")

    assert Rest(server.rest_url).get("/fapi/v1/ping") == {}
    assert stream.ask("LIST_SUBSCRIPTIONS")["result"] == []
    stream.close()


def test_server_starts_once_and_stops_twice(started: Started) -> None:
    server = started(paused=True, data=())

    with pytest.raises(InvariantError):
        server.start()
    states = [server.is_alive]
    server.stop()
    server.stop()
    states.append(server.is_alive)

    assert states == [True, False]
    with pytest.raises(InvariantError):
        server.control("state")


def test_taken_port_unknown_symbol_and_missing_recording_are_told(world: World) -> None:
    port = int(world.server.rest_url.rpartition(":")[2])
    for settings, text in (
        ({"rest_port": port}, "cannot listen on 127.0.0.1"),
        ({"symbols": ("NOPEUSDT",)}, "unknown symbol NOPEUSDT"),
        ({"data": ("/nowhere.gz",)}, "no such file"),
    ):
        with pytest.raises(ConfigError, match=text):
            VenueServer(VenueConfig(**settings)).start()


@pytest.mark.parametrize("text", ["", "key", "key:secret", "key:secret:lots", ":s:1", "k:s:-1"])
def test_account_of_another_form_is_refused_without_repeating_it(text: str) -> None:
    with pytest.raises(ConfigError) as refused:
        account(text)

    assert "secret:" not in str(refused.value)


def test_command_returns_2_with_one_line(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    port = int(world.server.rest_url.rpartition(":")[2])

    codes = [serve(rest_port=port), serve(symbols=("NOPE",)), serve(data=("/nowhere.gz",))]

    assert codes == [2, 2, 2]
    assert len(capsys.readouterr().err.splitlines()) == 3


def test_command_serves_until_it_is_told_to_stop() -> None:
    script = "from grinder.venues.sim.command import serve; raise SystemExit(serve(control_port=0))"
    process = subprocess.Popen(
        [sys.executable, "-c", script],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
    )
    try:
        assert process.stdout is not None
        read_line = process.stdout.readline
        lines: queue.Queue[str] = queue.Queue()
        threading.Thread(target=lambda: lines.put(read_line()), daemon=True).start()
        words = lines.get(timeout=60).split()
        url = words[words.index("REST") + 1]
        answer = requests.get(f"{url}/fapi/v1/ping", timeout=60)
        process.send_signal(signal.SIGTERM)

        assert answer.json() == {}
        assert process.wait(timeout=60) == 0
    finally:
        process.kill()
        process.wait(timeout=60)
