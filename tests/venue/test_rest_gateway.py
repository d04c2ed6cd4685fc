from __future__ import annotations

import time
from typing import Any
from urllib.parse import quote, urlencode

import pytest
import requests

from grinder.venues.sim.auth import signature, unsigned
from grinder.venues.sim.config import Limits, VenueConfig
from grinder.venues.sim.limits import Counters
from grinder.venues.sim.refusing import ApiRefusal
from grinder.venues.sim.server import VenueServer
from venue.clients import Rest, World

ORDER = "/fapi/v1/order"
SECRET = "2b5eb11e18796d12d88f13dc27dbbd02c2cc51ff7059765ed9821957d82bb4d9"


def now_ms() -> int:
    return time.time_ns() // 1_000_000


@pytest.mark.parametrize(
    ("query", "body", "expected"),
    [
        (
            "symbol=BTCUSDT&side=BUY&type=LIMIT&quantity=1&price=9000&timeInForce=GTC"
            "&recvWindow=5000&timestamp=1591702613943",
            "",
            "3c661234138461fcc7a7d8746c6558c9842d4e10870d2ecbedf7777cad694af9",
        ),
        (
            "symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=GTC",
            "quantity=1&price=9000&recvWindow=5000&timestamp=1591702613943",
            "30baaf0fab549bbeda7f5ef201898b34122da25fd23c646cac2c529aebe670a4",
        ),
    ],
)
def test_signature_agrees_with_the_known_vectors(query: str, body: str, expected: str) -> None:
    assert signature(SECRET, query, body) == expected


def test_signature_parameter_is_cut_out_wherever_it_stands() -> None:
    assert unsigned("a=1&signature=ff") == "a=1"
    assert unsigned("signature=ff&a=1") == "a=1"
    assert unsigned("a=1&signature=ff&b=2") == "a=1&b=2"
    assert unsigned("a=1&my_signature=ff") == "a=1&my_signature=ff"


def limit_params(**more: Any) -> dict[str, Any]:
    base = {
        "symbol": "BTCUSDT",
        "side": "BUY",
        "type": "LIMIT",
        "timeInForce": "GTC",
        "quantity": "0.010",
        "price": "60000",
        "timestamp": now_ms(),
    }
    return base | more


def test_parameters_in_query_or_body_or_both_are_taken_with_a_signature_of_either_case(
    world: World,
) -> None:
    rest = world.rest
    text = urlencode(limit_params())
    head, tail = (
        "symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=GTC",
        urlencode({"quantity": "0.010", "price": "60000", "timestamp": now_ms()}),
    )

    answers = [
        rest.raw("POST", ORDER, f"{text}&signature={rest.sign(text)}"),
        rest.raw("POST", ORDER, "", f"{text}&signature={rest.sign(text).upper()}"),
        rest.raw("POST", ORDER, head, f"{tail}&signature={rest.sign(head + tail)}"),
    ]

    assert [answer.status_code for answer in answers] == [200, 200, 200]
    assert len(rest.call("GET", "/fapi/v1/openOrders", symbol="BTCUSDT")) == 3


def test_query_string_wins_over_the_body(world: World) -> None:
    rest = world.rest
    query, body = urlencode(limit_params()), "price=50000"

    answer = rest.raw("POST", ORDER, query, f"{body}&signature={rest.sign(query + body)}")

    assert answer.json()["price"].startswith("60000")


def test_percent_encoded_values_are_signed_as_sent(world: World) -> None:
    client_id = "a:b/c.d"

    answer = world.rest.limit("BUY", "60000", newClientOrderId=client_id)

    assert quote(client_id, safe="") != client_id
    assert answer["clientOrderId"] == client_id


@pytest.mark.parametrize(
    ("key", "query", "code", "status"),
    [
        (None, "timestamp={now}&signature=00", -2014, 401),
        ("nobody", "timestamp={now}&signature=00", -2015, 401),
        ("sim-key", "timestamp={now}&signature=00", -1022, 400),
        ("sim-key", "timestamp={now}", -1102, 400),
        ("sim-key", "signature=00", -1102, 400),
    ],
)
def test_requests_that_prove_nothing_are_refused(
    world: World, key: str | None, query: str, code: int, status: int
) -> None:
    headers = {} if key is None else {"X-MBX-APIKEY": key}
    url = f"{world.server.rest_url}/fapi/v3/balance?{query.format(now=now_ms())}"

    answer = requests.get(url, headers=headers, timeout=60)

    assert (answer.status_code, answer.json()["code"]) == (status, code)


@pytest.mark.parametrize(
    ("offset_ms", "text"),
    [
        (-60_000, "Timestamp for this request is outside of the recvWindow."),
        (60_000, "Timestamp for this request was 1000ms ahead of the server's time."),
    ],
)
def test_a_clock_that_is_wrong_is_told_which_way(world: World, offset_ms: int, text: str) -> None:
    answer = world.rest.send("GET", "/fapi/v3/balance", timestamp=now_ms() + offset_ms)

    assert answer.status_code == 400
    assert answer.json() == {"code": -1021, "msg": text}


def test_venue_clock_may_be_offset_and_tells_so(world: World) -> None:
    world.server.control("clock", offset_ms=3_600_000)

    assert world.rest.get("/fapi/v1/time")["serverTime"] > now_ms() + 3_500_000
    assert world.rest.call("GET", "/fapi/v3/balance")["code"] == -1021


def test_headers_tell_weight_and_order_counts(world: World) -> None:
    first = world.rest.raw("GET", "/fapi/v1/depth", "symbol=BTCUSDT&limit=1000")
    order = world.rest.send("POST", ORDER, **limit_params())

    assert int(first.headers["x-mbx-used-weight-1m"]) >= 20
    assert int(order.headers["X-MBX-ORDER-COUNT-10S"]) >= 1
    assert int(order.headers["X-MBX-ORDER-COUNT-1M"]) >= 1
    assert "X-MBX-ORDER-COUNT-1M" not in first.headers


@pytest.mark.parametrize("path", ["/fapi/v1/balance", "/fapi/v1/positionRisk", "/fapi/v1/nothing"])
def test_what_does_not_exist_is_404(world: World, path: str) -> None:
    assert world.rest.send("GET", path).status_code == 404


def test_weight_window_refuses_then_bans_and_turns_with_the_clock() -> None:
    counters = Counters(Limits(weight_1m=10, refusals_before_ban=2))
    counters.charge(10, 60_000)
    statuses = []
    for _ in range(4):
        with pytest.raises(ApiRefusal) as refused:
            counters.charge(1, 60_001)
        statuses.append(refused.value.http_status)

    assert statuses == [429, 429, 418, 418]
    assert "banned until 180001" in refused.value.msg
    counters.charge(1, 180_001)


def test_reads_of_funding_have_a_pool_of_their_own() -> None:
    limits = Limits(funding_5m=2, refusals_before_ban=1)
    server = VenueServer(VenueConfig(paused=True, data=(), limits=limits))
    rest_url, _ = server.start()
    server.control("clock", drift_ppm=-1_000_000)  # no window turns while the clock stands still
    try:
        answers = [
            requests.get(f"{rest_url}/fapi/v1/{path}", timeout=60)
            for path in ("fundingRate", "fundingInfo", "ping", "fundingRate", "ping", "fundingInfo")
        ]
    finally:
        server.stop()

    assert [answer.status_code for answer in answers] == [200, 200, 200, 429, 200, 418]
    weights = [answer.headers["X-MBX-USED-WEIGHT-1M"] for answer in answers]
    assert weights == ["0", "0", "1", "1", "2", "2"]
    assert "is 2 requests per 5 minutes" in answers[3].json()["msg"]


def test_pool_of_funding_reads_turns_with_the_clock() -> None:
    counters = Counters(Limits(funding_5m=1))
    counters.read_funding(299_999)
    counters.read_funding(300_000)

    with pytest.raises(ApiRefusal) as refused:
        counters.read_funding(599_999)
    assert (refused.value.code, refused.value.http_status) == (-1003, 429)


def test_order_windows_count_a_batch_as_five_and_one() -> None:
    counters = Counters(Limits(orders_10s=7, orders_1m=3))
    counters.order("a", 5, 1, 0)
    counters.order("a", 1, 1, 0)

    assert counters.order_headers("a", 0) == {
        "X-MBX-ORDER-COUNT-10S": "6",
        "X-MBX-ORDER-COUNT-1M": "2",
    }
    with pytest.raises(ApiRefusal) as refused:
        counters.order("a", 5, 1, 0)
    assert (refused.value.code, refused.value.http_status) == (-1015, 429)
    counters.order("a", 5, 1, 10_000)
    with pytest.raises(ApiRefusal):
        counters.order("a", 1, 1, 20_000)


def test_rate_limits_in_exchange_info_are_those_that_are_enforced() -> None:
    server = VenueServer(VenueConfig(paused=True, data=(), limits=Limits(orders_10s=2)))
    server.start()
    try:
        rest = Rest(server.rest_url)
        limits = rest.get("/fapi/v1/exchangeInfo")["rateLimits"]
        answers = [rest.limit("BUY", "60000") for _ in range(30)]
    finally:
        server.stop()

    assert {row["limit"] for row in limits} == {2400, 1200, 2}
    assert -1015 in {answer.get("code") for answer in answers}


@pytest.mark.parametrize(
    ("path", "query"),
    [
        ("/fapi/v1/depth", "symbol=BTCUSDT&limit=\u00b2"),
        ("/fapi/v1/depth", "symbol=BTCUSDT&limit=" + "9" * 5000),
        ("/fapi/v3/balance", "timestamp=\u00b2&signature=\u00e9"),
        ("/fapi/v3/balance", "timestamp=" + "9" * 5000 + "&signature=00"),
        ("/fapi/v1/ticker/price", "symbol=%ff%00"),
    ],
)
def test_garbage_is_refused_and_breaks_nothing(world: World, path: str, query: str) -> None:
    answer = world.rest.raw("GET", path, query)

    assert answer.status_code == 400
    assert answer.json()["code"] < 0


def test_control_endpoint_wants_an_object(world: World) -> None:
    answer = requests.post(f"{world.server.control_url}/stall", data="[1]", timeout=60)

    assert answer.status_code == 400


def test_filters_that_the_venue_gave_up_are_not_shown(world: World) -> None:
    symbols = world.rest.get("/fapi/v1/exchangeInfo")["symbols"]
    shown = {each["filterType"] for row in symbols for each in row["filters"]}

    assert "MAX_NUM_ORDERS" in shown
    assert "MAX_NUM_ALGO_ORDERS" not in shown
