"""Which rows a call returns: limits, windows of time, pages, and names in small letters."""

from __future__ import annotations

from typing import Any

import pytest

from venue.clients import World

DAY_MS = 86_400_000
BTC = {"symbol": "BTCUSDT"}
TRADES = "/fapi/v1/userTrades"
ORDERS = "/fapi/v1/allOrders"
INCOME = "/fapi/v1/income"


def trade(world: World, times: int) -> list[int]:
    """Trade so often; return the ids of the fills."""
    for number in range(times):
        world.rest.market("SELL" if number % 2 else "BUY")
    return [row["id"] for row in world.rest.call("GET", TRADES, **BTC)]


@pytest.mark.parametrize(
    ("path", "more", "most"),
    [
        (TRADES, BTC, 1000),
        (ORDERS, BTC, 1000),
        (INCOME, {}, 1000),
        ("/fapi/v1/fundingRate", BTC, 1000),
        ("/fapi/v1/aggTrades", BTC, 1000),
        ("/fapi/v1/depth", BTC, 1000),
        ("/fapi/v1/klines", {**BTC, "interval": "1m"}, 1500),
    ],
)
def test_more_or_fewer_rows_than_allowed_are_refused(
    world: World, path: str, more: dict[str, str], most: int
) -> None:
    assert "code" not in world.rest.call("GET", path, **more, limit=most)
    for limit in (0, most + 1):
        refused = world.rest.call("GET", path, **more, limit=limit)
        assert refused == {"code": -1130, "msg": "Data sent for parameter 'limit' is not valid."}


def test_depth_has_its_own_limits(world: World) -> None:
    refused = world.rest.get("/fapi/v1/depth", symbol="BTCUSDT", limit=3)

    assert refused == {"code": -4021, "msg": "3 is not valid depth limit"}


@pytest.mark.parametrize("path", [TRADES, ORDERS, INCOME, "/fapi/v1/fundingRate"])
def test_a_window_does_not_end_before_it_starts(world: World, path: str) -> None:
    assert world.rest.call("GET", path, **BTC, startTime=2, endTime=1)["code"] == -1023
    assert world.rest.call("GET", path, **BTC, startTime=1, endTime=1) == []


@pytest.mark.parametrize("path", [TRADES, ORDERS, "/fapi/v1/allAlgoOrders"])
def test_orders_and_fills_are_asked_for_by_the_week(world: World, path: str) -> None:
    week = {"startTime": DAY_MS, "endTime": 8 * DAY_MS}

    assert world.rest.call("GET", path, **BTC, **week) == []
    refused = world.rest.call("GET", path, **BTC, **week | {"endTime": 8 * DAY_MS + 1})
    assert refused == {"code": -4165, "msg": "Maximum time interval is 7 days."}


def test_a_window_with_one_end_is_a_week_long(world: World) -> None:
    ids = trade(world, 1)
    now_ms = world.rest.get("/fapi/v1/time")["serverTime"]

    def found(**window: int) -> list[Any]:
        return [row["id"] for row in world.rest.call("GET", TRADES, **BTC, **window)]

    assert found(startTime=now_ms - DAY_MS) == found(endTime=now_ms + DAY_MS) == ids
    assert found(startTime=now_ms - 8 * DAY_MS) == found(endTime=now_ms + 8 * DAY_MS) == []


def test_fills_are_paged_by_id_and_not_by_time_as_well(world: World) -> None:
    ids = trade(world, 5)

    page = world.rest.call("GET", TRADES, **BTC, fromId=ids[1], limit=2)

    assert [row["id"] for row in page] == ids[1:3]
    for name in ("startTime", "endTime"):
        refused = world.rest.call("GET", TRADES, **BTC, fromId=ids[1], **{name: 1})
        assert refused == {"code": -1106, "msg": f"Parameter '{name}' sent when not required."}


def test_income_comes_in_pages_from_either_end(world: World) -> None:
    trade(world, 5)
    whole = [row["tranId"] for row in world.rest.call("GET", INCOME, incomeType="COMMISSION")]

    def page(number: int, **more: int) -> list[Any]:
        rows = world.rest.call("GET", INCOME, incomeType="COMMISSION", limit=2, page=number, **more)
        return [row["tranId"] for row in rows]

    assert [page(number) for number in (1, 2, 3, 4)] == [whole[3:], whole[1:3], whole[:1], []]
    assert [page(number, startTime=_day_ago(world)) for number in (1, 3, 4)] == [
        whole[:2],
        whole[4:],
        [],
    ]


def _day_ago(world: World) -> int:
    return int(world.rest.get("/fapi/v1/time")["serverTime"]) - DAY_MS


@pytest.mark.parametrize("name", ["orderIdList", "orderidlist"])
def test_lists_of_ids_may_be_named_in_small_letters(world: World, name: str) -> None:
    order_id = world.rest.limit("BUY", "60000")["orderId"]

    answers = world.rest.call("DELETE", "/fapi/v1/batchOrders", **BTC, **{name: f"[{order_id},7]"})

    assert [each.get("status", each.get("code")) for each in answers] == ["CANCELED", -2011]


def test_lists_of_client_ids_may_be_named_in_small_letters(world: World) -> None:
    world.rest.limit("BUY", "60000", newClientOrderId="mine")

    answers = world.rest.call(
        "DELETE", "/fapi/v1/batchOrders", **BTC, origclientorderidlist='["mine"]'
    )

    assert [each["status"] for each in answers] == ["CANCELED"]


def test_a_receive_window_has_a_bound(world: World) -> None:
    def asked(window: int) -> Any:
        return world.rest.call("GET", "/fapi/v1/openOrders", recvWindow=window)

    assert asked(60_000) == []
    assert asked(60_001)["code"] == -1131


def test_an_unknown_order_type_is_named_before_what_does_not_fit_it(world: World) -> None:
    assert world.rest.limit("BUY", "60000", type="limit")["code"] == -1116
