from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import pytest
import requests
import websocket
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from grinder.errors import ConfigError
from grinder.venues.sim.command import account
from grinder.venues.sim.config import Limits, VenueConfig
from grinder.venues.sim.server import VenueServer
from venue.clients import Rest, World
from venue.socket_client import PRIVATE, PUBLIC_RAW, Api, ed25519


@pytest.fixture
def api(world: World) -> Iterator[Api]:
    api = Api(world.server.ws_url)
    yield api
    api.close()


@pytest.fixture
def keyed(world: World) -> Iterator[Api]:
    world.server.control("key", key="ed-key", ed25519=PUBLIC_RAW, account="sim-key")
    api = Api(world.server.ws_url, key="ed-key")
    yield api
    api.close()


ORDER = {
    "symbol": "BTCUSDT",
    "side": "BUY",
    "type": "LIMIT",
    "timeInForce": "GTC",
    "quantity": "0.010",
    "price": "60000",
}


@pytest.mark.parametrize(
    ("method", "params", "field"),
    [
        ("time", {}, "serverTime"),
        ("depth", {"symbol": "BTCUSDT", "limit": 5}, "lastUpdateId"),
        ("ticker.price", {"symbol": "BTCUSDT"}, "price"),
        ("ticker.book", {"symbol": "BTCUSDT"}, "bidPrice"),
    ],
)
def test_market_is_read(api: Api, method: str, params: dict[str, Any], field: str) -> None:
    answer = api.call(method, **params)

    assert (answer["id"], answer["status"]) == ("7", 200)
    assert field in answer["result"]
    assert answer["rateLimits"][0]["rateLimitType"] == "REQUEST_WEIGHT"
    assert answer["rateLimits"][0]["count"] > 0


def test_ping_is_answered_with_an_empty_result(api: Api) -> None:
    assert api.call("ping")["result"] == {}


def test_rate_limits_are_left_out_by_url_or_by_parameter(world: World, api: Api) -> None:
    quiet = Api(world.server.ws_url, "?returnRateLimits=false")
    answers = [quiet.call("ping"), api.call("ping", returnRateLimits=False)]
    quiet.close()

    assert all("rateLimits" not in answer for answer in answers)


def minute(world: World) -> int:
    return int(world.rest.get("/fapi/v1/time")["serverTime"]) // 60_000


def life(world: World, api: Api) -> tuple[Any, ...]:
    """Return the answers of an order's life; all are of one minute, whose counts end with it."""
    while True:
        world.server.control("reset")
        began = minute(world)
        placed = api.signed("order.place", **ORDER, newClientOrderId="ws-1")
        key = {"symbol": "BTCUSDT", "orderId": placed["result"]["orderId"]}
        amended = api.signed("order.modify", **key, side="BUY", quantity="0.020", price="60100")
        found = api.signed("order.status", **key)
        gone, again = (api.signed("order.cancel", **key) for _ in range(2))
        rest = world.rest.send("POST", "/fapi/v1/order", **ORDER)
        if minute(world) == began:
            return placed, amended, found, gone, again, rest


def test_order_lives_its_life_and_counts_like_rest(world: World, api: Api) -> None:
    placed, amended, found, gone, again, rest = life(world, api)

    assert placed["result"]["clientOrderId"] == "ws-1"
    assert "avgPrice" not in placed["result"]
    assert [row["rateLimitType"] for row in placed["rateLimits"]] == [
        "ORDERS",
        "ORDERS",
        "REQUEST_WEIGHT",
    ]
    assert (amended["result"]["price"], amended["result"]["origQty"]) == ("60100.0", "0.020") or (
        float(amended["result"]["price"]) == 60100
    )
    assert found["result"]["avgPrice"] == "0.00000"
    assert gone["result"]["status"] == "CANCELED"
    assert (again["status"], again["error"]["code"]) == (400, -2011)
    assert rest.headers["X-MBX-ORDER-COUNT-1M"] == "3"


def test_account_is_read(api: Api) -> None:
    balance = api.signed("v2/account.balance")["result"]
    status = api.signed("v2/account.status")["result"]
    position = api.signed("v2/account.position", symbol="BTCUSDT")["result"]

    assert balance[0]["asset"] == "USDT"
    assert status["totalWalletBalance"] == "10000.00000000"
    assert position == []


def test_user_data_stream_is_started_kept_and_stopped(world: World, api: Api) -> None:
    key = api.call("userDataStream.start", apiKey="sim-key")["result"]["listenKey"]
    stream = world.stream(f"/private/ws/{key}")
    api.signed("order.place", **ORDER)

    assert stream.next()["e"] == "ORDER_TRADE_UPDATE"
    assert api.call("userDataStream.ping", apiKey="sim-key")["result"] == {"listenKey": key}
    assert api.call("userDataStream.stop", apiKey="sim-key")["result"] == {}
    assert api.call("userDataStream.ping", apiKey="sim-key")["error"]["code"] == -1125


@pytest.mark.parametrize(
    ("params", "status", "code"),
    [
        ({}, 401, -2014),
        ({"apiKey": "nobody"}, 401, -2015),
        ({"apiKey": "sim-key"}, 400, -1102),
        ({"apiKey": "sim-key", "timestamp": 1, "signature": "00"}, 400, -1022),
    ],
)
def test_unsigned_and_wrongly_signed_are_refused(
    api: Api, params: dict[str, Any], status: int, code: int
) -> None:
    answer = api.call("order.place", **ORDER, **params)

    assert (answer["status"], answer["error"]["code"]) == (status, code)


def test_stale_timestamp_is_refused(world: World, api: Api) -> None:
    world.server.control("clock", offset_ms=60_000)

    assert api.signed("order.place", **ORDER)["error"]["code"] == -1021


@pytest.mark.parametrize("request_", ["{", "[]", "7", {"id": 1}, {"id": 1, "method": "dance"}])
def test_nonsense_is_answered_with_an_error(api: Api, request_: Any) -> None:
    assert api.send(request_)["status"] == 400
    assert api.call("ping")["status"] == 200


def test_hmac_keys_do_not_log_on(api: Api) -> None:
    assert "error" in api.signed("session.logon")


def test_logged_on_session_needs_no_key_and_no_signature(keyed: Api) -> None:
    before = keyed.timed("order.place", **ORDER)
    logon = keyed.signed("session.logon")["result"]
    placed = keyed.timed("order.place", **ORDER)
    status = keyed.call("session.status")["result"]
    keyed.call("session.logout")
    after = keyed.timed("order.place", **ORDER)

    assert before["status"] == after["status"] == 401
    assert logon["apiKey"] == status["apiKey"] == "ed-key"
    assert placed["result"]["status"] == "NEW"
    assert keyed.call("session.status")["result"]["apiKey"] is None


def test_ed25519_signs_rest_and_nothing_else_passes(world: World, keyed: Api) -> None:
    query = urlencode({"timestamp": time.time_ns() // 1_000_000})
    url = f"{world.server.rest_url}/fapi/v3/balance?{query}&signature="
    headers = {"X-MBX-APIKEY": "ed-key"}
    signatures = [ed25519(query), ed25519(query + "x"), "no base64!", world.rest.sign(query)]

    answers = [
        requests.get(url + quote(each, safe=""), headers=headers, timeout=60) for each in signatures
    ]

    assert [answer.status_code for answer in answers] == [200, 400, 400, 400]
    assert [answer.json()["code"] for answer in answers[1:]] == [-1022, -1022, -1022]


def test_ed25519_account_is_named_by_base64_or_by_a_pem_file(tmp_path: Path) -> None:
    pem = tmp_path / "key.pem"
    pem.write_bytes(
        PRIVATE.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    )
    seeds = (account(f"one:ed25519={PUBLIC_RAW}:5"), account(f"ed-key:ed25519={pem}:7"))
    server = VenueServer(VenueConfig(paused=True, accounts=seeds, data=()))
    server.start()
    api = Api(server.ws_url, key="ed-key")
    balance = api.signed("v2/account.balance")["result"][0]["balance"]
    api.close()
    server.stop()

    assert balance == "7.00000000"


def test_unreadable_public_key_stops_the_start() -> None:
    seeds = (account("one:ed25519=bm8=:5"),)

    with pytest.raises(ConfigError, match="ed25519"):
        VenueServer(VenueConfig(paused=True, accounts=seeds, data=())).start()


def test_order_windows_are_shared_with_rest() -> None:
    server = VenueServer(VenueConfig(paused=True, data=(), limits=Limits(orders_10s=1)))
    server.start()
    api = Api(server.ws_url)
    codes = set()
    for _ in range(3):
        answer = api.signed("order.place", **ORDER)
        codes.add(answer.get("error", {}).get("code"))
        codes.add(Rest(server.rest_url).call("POST", "/fapi/v1/order", **ORDER).get("code"))
    api.close()
    server.stop()

    assert -1015 in codes


@pytest.mark.parametrize(("fault", "status"), [("unknown-503", 503), ("unknown-503-done", 503)])
def test_faults_strike_the_websocket_api(world: World, api: Api, fault: str, status: int) -> None:
    world.server.control("fault", fault=fault, method="WS", path="order.place")
    answer = api.signed("order.place", **ORDER)
    done = world.rest.call("GET", "/fapi/v1/openOrders")

    assert (answer["status"], answer["error"]["code"]) == (status, -1000)
    assert bool(done) is fault.endswith("done")


def test_lost_reply_breaks_the_connection_after_the_order_was_placed(
    world: World, api: Api
) -> None:
    world.server.control("fault", fault="lost", method="WS", path="order.place")

    with pytest.raises((websocket.WebSocketException, ConnectionError)):
        api.signed("order.place", **ORDER)
    assert len(world.rest.call("GET", "/fapi/v1/openOrders")) == 1
