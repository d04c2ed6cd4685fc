"""What the venue's reads forget, with the clock set forward."""

from __future__ import annotations

import time
from typing import Any

import pytest

from venue.clients import World

ORDER = "/fapi/v1/order"
ALL = "/fapi/v1/allOrders"
DAY_MS = 24 * 3600 * 1000


class Later:
    """A client in a venue whose clock was set forward."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._offset_ms = 0

    def set(self, days: float) -> None:
        self._offset_ms = int(days * DAY_MS)
        self._world.order(name="clock", offset_ms=self._offset_ms)

    def get(self, path: str, **params: Any) -> Any:
        now_ms = time.time_ns() // 1_000_000 + self._offset_ms
        return self._world.rest.call("GET", path, symbol="BTCUSDT", timestamp=now_ms, **params)


@pytest.fixture
def later(world: World) -> Later:
    return Later(world)


def test_unfilled_order_is_forgotten_three_days_after_it_was_placed(
    world: World, later: Later
) -> None:
    order_id = world.rest.limit("BUY", "60000")["orderId"]
    later.set(2.9)
    open_one = later.get(ORDER, orderId=order_id)["status"]
    world.rest.call(
        "DELETE",
        ORDER,
        symbol="BTCUSDT",
        orderId=order_id,
        timestamp=time.time_ns() // 1_000_000 + int(2.9 * DAY_MS),
    )
    seen = [later.get(ORDER, orderId=order_id)["status"], len(later.get(ALL))]

    later.set(3.1)

    assert (open_one, seen) == ("NEW", ["CANCELED", 1])
    assert later.get(ORDER, orderId=order_id)["code"] == -2013
    assert later.get(ALL) == later.get(ALL, orderId=1) == []


def test_filled_order_and_its_fills_are_remembered_ninety_days(world: World, later: Later) -> None:
    order_id = world.rest.market("BUY")["orderId"]

    later.set(8)
    recent = [later.get(ALL), later.get("/fapi/v1/userTrades"), later.get("/fapi/v1/income")]
    since = [len(later.get(ALL, orderId=1)), len(later.get("/fapi/v1/userTrades", fromId=1))]
    later.set(89)
    asked = later.get(ORDER, orderId=order_id)["status"]
    later.set(91)

    assert [row for rows in recent for row in rows if row.get("incomeType") != "FUNDING_FEE"] == []
    assert (since, asked) == ([1, 1], "FILLED")
    assert later.get(ORDER, orderId=order_id)["code"] == -2013
    assert later.get(ALL, orderId=1) == later.get("/fapi/v1/userTrades", fromId=1) == []


def test_open_orders_are_never_forgotten(world: World, later: Later) -> None:
    order_id = world.rest.limit("BUY", "60000")["orderId"]

    later.set(100)

    assert later.get(ORDER, orderId=order_id)["status"] == "NEW"
    assert [row["orderId"] for row in later.get("/fapi/v1/openOrders")] == [order_id]


def test_conditional_orders_are_forgotten_by_the_same_rule(world: World, later: Later) -> None:
    algo = "/fapi/v1/algoOrder"
    stop = {"algoType": "CONDITIONAL", "symbol": "BTCUSDT", "side": "SELL", "quantity": "0.010"}
    placed = [
        world.rest.call("POST", algo, **stop, type="STOP_MARKET", triggerPrice=price)
        for price in ("61000", "60000")
    ]
    world.rest.call("DELETE", algo, algoId=placed[0]["algoId"])
    before = len(later.get("/fapi/v1/allAlgoOrders"))

    later.set(4)

    after = [row["algoId"] for row in later.get("/fapi/v1/allAlgoOrders", algoId=1)]
    assert (before, after) == (2, [placed[1]["algoId"]])
    assert later.get(algo, algoId=placed[0]["algoId"])["code"] == -2013
    assert later.get(algo, algoId=placed[1]["algoId"])["algoStatus"] == "NEW"
