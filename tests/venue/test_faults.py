from __future__ import annotations

import asyncio
from random import Random
from typing import Any

import orjson
import pytest
import requests
import websocket

from grinder.venues.sim.chaos import Chaos, StreamFault
from grinder.venues.sim.config import Limits, VenueConfig
from grinder.venues.sim.delays import Chances, Delay
from grinder.venues.sim.server import VenueServer
from venue.clients import Rest, Stream, World

BOOK = "btcusdt@bookTicker"
BIDS = ("61700.00", "61701.00", "61702.00", "61703.00")


@pytest.fixture(autouse=True)
def calm(world: World) -> Any:
    yield
    world.server.control("clear-faults")
    world.server.control("clock", offset_ms=0)


def heard(world: World, fault: str, **more: Any) -> list[str]:
    """Return the bids that a client hears of four quotes while ``fault`` rules."""
    stream = world.stream(f"/public/ws/{BOOK}")
    world.server.control("stream-fault", fault=fault, pattern="*@bookTicker", **more)
    for bid in BIDS:
        world.quote(bid, "61800.00")
    return [frame["b"] for frame in stream.heard_before_answer()]


@pytest.mark.parametrize(
    ("fault", "more", "expected"),
    [
        ("drop", {"times": 2}, BIDS[2:]),
        ("duplicate", {"times": 1}, (BIDS[0], *BIDS)),
        ("reorder", {"times": 1}, (BIDS[1], BIDS[0], *BIDS[2:])),
        ("gap", {"times": 2}, BIDS),
    ],
)
def test_frames_are_lost_repeated_and_out_of_order(
    world: World, fault: str, more: dict[str, Any], expected: tuple[str, ...]
) -> None:
    assert heard(world, fault, **more) == list(expected)


def test_chance_repeats_with_its_seed(world: World) -> None:
    runs = []
    for seed in (1, 1, 2, 3, 4, 5):
        runs.append(tuple(heard(world, "drop", rate=0.5, seed=seed)))
        world.server.control("clear-faults")

    assert runs[0] == runs[1]
    assert len(set(runs)) > 1


def test_late_frames_keep_their_order_and_come(world: World) -> None:
    stream = world.stream(f"/public/ws/{BOOK}")
    before = world.server.control("state")["stream_faults"]["delay"]
    world.server.control("stream-fault", fault="delay", pattern="*", ms=30, ms_max=60, times=4)
    for bid in BIDS:
        world.quote(bid, "61800.00")

    assert world.server.control("state")["stream_faults"]["delay"] >= before + 4
    assert [stream.next()["b"] for _ in BIDS] == list(BIDS)


def test_corrupt_frame_is_no_json(world: World) -> None:
    stream = world.stream(f"/public/stream?streams={BOOK}")
    world.server.control("stream-fault", fault="corrupt", times=1)
    world.quote("61700.00", "61800.00")

    with pytest.raises(orjson.JSONDecodeError):
        stream.next()


def test_reset_breaks_the_listeners_of_the_stream_only(world: World) -> None:
    victim = world.stream(f"/public/ws/{BOOK}")
    other = world.stream("/public/ws/ethusdt@bookTicker")
    world.server.control("stream-fault", fault="reset", pattern=BOOK, times=1)
    world.quote("61700.00", "61800.00")

    with pytest.raises((websocket.WebSocketException, ConnectionError)):
        victim.next()
    assert other.ask("LIST_SUBSCRIPTIONS")["result"] == ["ethusdt@bookTicker"]


def test_gap_breaks_the_chain_of_depth(world: World) -> None:
    stream = world.stream("/public/ws/btcusdt@depth@0ms")
    world.quote("61700.00", "61800.00")
    before = stream.next()
    world.server.control("stream-fault", fault="gap", times=1)
    world.quote("61701.00", "61800.00")
    world.quote("61702.00", "61800.00")
    after = stream.next()

    assert after["pu"] > before["u"]


def test_user_events_are_picked_by_their_kind(world: World) -> None:
    stream = world.stream(f"/private/ws/{world.rest.listen_key()}")
    world.server.control("stream-fault", fault="drop", pattern="user:TRADE_LITE")
    world.rest.market("BUY")

    kinds = [frame["e"] for frame in stream.heard_before_answer()]

    assert kinds == ["ORDER_TRADE_UPDATE", "ACCOUNT_UPDATE", "ORDER_TRADE_UPDATE"]


@pytest.mark.parametrize("more", [{"rate": 0}, {"rate": 2}, {"times": 0}, {"ms": -1}])
def test_impossible_stream_faults_are_refused(world: World, more: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="expected"):
        world.server.control("stream-fault", fault="drop", **more)


def test_waiting_frames_are_forgotten_with_the_rules() -> None:
    async def run() -> list[bytes]:
        chaos, got = Chaos(), list[bytes]()
        for fault in (StreamFault.DELAY, StreamFault.REORDER):
            late, chances = Delay(ms=5, ms_max=5), Chances(Random)
            chaos.plan(fault, pattern="*", rate=1, times=1, delay=late, chances=chances)
        for number, frame in enumerate((b"one", b"two")):
            chaos.pass_on(chaos.chosen("s"), ("s", number), frame, got.append)
        chaos.clear()
        chaos.pass_on(chaos.chosen("s"), ("s", 0), b"three", got.append)
        assert not chaos.is_active
        return got

    assert asyncio.run(run()) == [b"three"]


def test_reply_may_leave_before_the_events_and_after_them(world: World) -> None:
    stream = world.stream(f"/private/ws/{world.rest.listen_key()}")
    for first in ("reply", "event"):
        world.server.control("reply-order", first=first)
        placed = world.rest.limit("BUY", "60000")

        assert stream.next()["o"]["i"] == placed["orderId"]
    with pytest.raises(ValueError, match="reply or event"):
        world.server.control("reply-order", first="nobody")


ORDER = {"symbol": "BTCUSDT", "side": "BUY", "quantity": "0.01", "price": "60000"}


@pytest.mark.parametrize(
    ("status", "published", "codes"),
    [
        ("POST_ONLY", "TRADING", (-4140, None, None, None)),
        ("CANCEL_ONLY", "PRE_SETTLE", (-4140, -4140, -5024, None)),
        ("SETTLING", "SETTLING", (-4140, -4140, -5024, None)),
        ("HALT", "PRE_SETTLE", (-4140, -4140, -5024, -4108)),
    ],
)
def test_symbol_in_maintenance_refuses_what_its_status_forbids(
    world: World, status: str, published: str, codes: tuple[int | None, ...]
) -> None:
    resting = world.rest.limit("BUY", "60000")
    news = world.stream("/market/ws/!contractInfo")
    world.server.control("status", symbol="BTCUSDT", status=status)
    info = world.rest.get("/fapi/v1/exchangeInfo")
    key = ORDER | {"orderId": resting["orderId"], "quantity": "0.02"}

    answers = (
        world.rest.limit("BUY", "60000"),
        world.rest.limit("BUY", "60000", timeInForce="GTX"),
        world.rest.call("PUT", "/fapi/v1/order", **key),
        world.rest.call("DELETE", "/fapi/v1/order", **key),
    )

    assert tuple(answer.get("code") for answer in answers) == codes
    assert {row["symbol"]: row["status"] for row in info["symbols"]}["BTCUSDT"] == published
    assert news.next()["cs"] == published
    assert "code" not in world.rest.limit("BUY", "2000", "0.100", symbol="ETHUSDT")


def test_batch_is_refused_on_a_symbol_that_does_not_trade(world: World) -> None:
    world.server.control("status", symbol="BTCUSDT", status="CLOSE")
    batch = [ORDER | {"type": "LIMIT", "timeInForce": "GTC"}]

    answers = [
        world.rest.call("POST", "/fapi/v1/batchOrders", batchOrders=orjson.dumps(batch).decode()),
        world.rest.call("POST", "/fapi/v1/batchOrders", batchOrders="7"),
        world.rest.call("POST", "/fapi/v1/batchOrders", batchOrders="{"),
    ]

    assert [answer["code"] for answer in answers] == [-4140, -1102, -1102]


def test_ban_answers_418_until_it_ends(world: World) -> None:
    until = world.server.control("ban", ms=60_000)["until_ms"]
    banned = requests.get(f"{world.server.rest_url}/fapi/v1/time", timeout=60)
    world.server.control("ban", ms=0)

    assert (banned.status_code, banned.json()["code"]) == (418, -1003)
    assert str(until) in banned.json()["msg"]
    assert world.rest.get("/fapi/v1/ping") == {}


def test_overload_spares_orders_that_only_reduce(world: World) -> None:
    world.quote("61700.00", "61700.10")
    world.rest.market("BUY", "0.020")
    world.server.control("fault", fault="overloaded-503", method="POST")
    reducing = {"symbol": "BTCUSDT", "side": "SELL", "type": "MARKET", "quantity": "0.010"}
    batch = orjson.dumps([reducing | {"reduceOnly": "true"}]).decode()

    spared = world.rest.market("SELL", "0.010", reduceOnly="true")
    spared_batch = world.rest.call("POST", "/fapi/v1/batchOrders", batchOrders=batch)
    refused = world.rest.limit("BUY", "61000")
    after = world.rest.limit("BUY", "61000")

    assert [spared["status"], spared_batch[0]["status"]] == ["NEW", "NEW"]
    assert (refused["code"], after["status"]) == (-1008, "NEW")


def test_an_element_of_a_batch_is_refused_when_ordered(world: World) -> None:
    order = {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC"}
    batch = [order | {"quantity": "0.010", "price": str(price)} for price in (60000, 60001, 60002)]
    world.order(name="refuse", code=-2019, msg="Margin is insufficient.", skip=1)

    answers = world.rest.call(
        "POST", "/fapi/v1/batchOrders", batchOrders=orjson.dumps(batch).decode()
    )

    assert [each.get("code") for each in answers] == [None, -2019, None]
    assert answers[1]["msg"] == "Margin is insufficient."
    assert len(world.rest.call("GET", "/fapi/v1/openOrders")) == 2


def test_ordered_refusals_pick_their_orders(world: World) -> None:
    one = {"symbol": "BTCUSDT", "origClientOrderId": "grid-1"}
    world.order(name="refuse", code=-4192, client_id="grid-*", times=2)
    world.order(name="refuse", code=-2011, operation="cancel")
    world.order(name="refuse", code=-5024, operation="amend", symbol="ETHUSDT")

    codes = [
        world.rest.limit("BUY", "60000", newClientOrderId=name).get("code")
        for name in ("other", "grid-1", "grid-2", "grid-1")
    ]
    amended = world.rest.call(
        "PUT", "/fapi/v1/order", **one, side="BUY", price="60001", quantity="0.010"
    )
    canceled = [world.rest.call("DELETE", "/fapi/v1/order", **one).get("code") for _ in range(2)]

    assert codes == [None, -4192, -4192, None]
    assert amended["status"] == "NEW"
    assert canceled == [-2011, None]


@pytest.mark.parametrize("more", [{}, {"code": 5}, {"code": -1, "operation": "query"}])
def test_impossible_refusals_can_not_be_ordered(world: World, more: dict[str, Any]) -> None:
    with pytest.raises((KeyError, ValueError)):
        world.order(name="refuse", **more)


def test_clock_drifts_away_until_requests_are_stale(world: World) -> None:
    world.server.control("clock", drift_ppm=10**12)

    assert world.rest.call("GET", "/fapi/v3/balance")["code"] == -1021


def test_listen_key_is_lost_without_a_word(world: World) -> None:
    stream = world.stream(f"/private/ws/{world.rest.listen_key()}")
    world.server.control("expire-listen-key", silent=True)
    world.rest.limit("BUY", "60000")

    assert stream.heard_before_answer() == []
    assert world.rest.raw("PUT", "/fapi/v1/listenKey", "").json()["code"] == -1125


def test_liquidations_of_others_are_told(world: World) -> None:
    one = world.stream("/market/ws/btcusdt@forceOrder")
    every = world.stream("/market/ws/!forceOrder@arr")
    world.server.control("liquidation", symbol="BTCUSDT", side="SELL", price="61000", qty="0.5")

    told = one.next()

    assert told == every.next()
    assert (told["o"]["S"], told["o"]["p"], told["o"]["q"]) == ("SELL", "61000.00", "0.500")


def ends(limits: Limits, messages: int = 0) -> bool:
    """Tell whether the venue ends a connection that only sends requests."""
    server = VenueServer(VenueConfig(paused=True, data=(), symbols=("BTCUSDT",), limits=limits))
    server.start()
    stream = Stream(server.ws_url, "/public/ws")
    try:
        for _ in range(messages):
            stream.ask("LIST_SUBSCRIPTIONS")
        stream.next()
    except orjson.JSONDecodeError:
        # A closing handshake is read as an empty text.
        return True
    except (websocket.WebSocketException, ConnectionError) as error:
        return not isinstance(error, websocket.WebSocketTimeoutException)
    finally:
        stream.close()
        server.stop()
    return False


def test_connection_ends_after_its_longest_life() -> None:
    assert ends(Limits(ping_interval_s=0.05, connection_max_s=0.1))


def test_connection_ends_without_pongs() -> None:
    assert ends(Limits(ping_interval_s=0.2, pong_timeout_s=0.01))


def test_connection_ends_when_it_sends_too_many_messages() -> None:
    assert ends(Limits(messages_per_s=3), messages=100)


def test_statuses_and_faults_end_with_a_reset(world: World) -> None:
    world.server.control("status", symbol="BTCUSDT", status="HALT")
    world.server.control("stream-fault", fault="drop")
    world.begin()
    stream = world.stream(f"/public/ws/{BOOK}")
    world.quote("61700.00", "61800.00")

    assert stream.next()["b"] == "61700.00"
    assert "code" not in Rest(world.server.rest_url).limit("BUY", "60000")
