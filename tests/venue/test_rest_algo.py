"""Conditional orders over REST and in the user stream."""

from __future__ import annotations

from typing import Any

import pytest

from venue.clients import World

ALGO = "/fapi/v1/algoOrder"
STOP = {
    "algoType": "CONDITIONAL",
    "symbol": "BTCUSDT",
    "side": "SELL",
    "type": "STOP_MARKET",
    "triggerPrice": "61000",
    "quantity": "0.010",
}


@pytest.mark.parametrize(
    ("params", "code"),
    [
        ({"algoType": "VP"}, -1102),
        ({"type": "MARKET"}, -1116),
        ({"side": "UP"}, -1117),
        ({"triggerPrice": "62000"}, -2021),
        ({"workingType": "INDEX_PRICE"}, -1102),
        ({"timeInForce": "ETERNAL"}, -1115),
        ({"priceProtect": "perhaps"}, -1102),
        ({"selfTradePreventionMode": "NONE"}, -5039),
        ({"symbol": "NOPEUSDT"}, -1121),
        ({"closePosition": "true"}, -4137),
    ],
)
def test_conditional_orders_that_break_a_rule_are_refused(
    world: World, params: dict[str, Any], code: int
) -> None:
    assert world.rest.call("POST", ALGO, **STOP | params)["code"] == code
    assert world.rest.call("GET", "/fapi/v1/openAlgoOrders") == []


def test_conditional_order_waits_apart_from_ordinary_ones(world: World) -> None:
    rest = world.rest
    placed = rest.call("POST", ALGO, **STOP, clientAlgoId="stop-1")
    waiting = rest.call("GET", "/fapi/v1/openAlgoOrders", symbol="BTCUSDT")
    ordinary = rest.call("GET", "/fapi/v1/openOrders")
    canceled = rest.call("DELETE", ALGO, algoId=placed["algoId"])
    again = rest.call("DELETE", ALGO, clientAlgoId="stop-1")
    read = rest.call("GET", ALGO, clientAlgoId="stop-1")
    every = rest.call("GET", "/fapi/v1/allAlgoOrders", symbol="BTCUSDT")

    assert (placed["algoStatus"], placed["orderType"]) == ("NEW", "STOP_MARKET")
    assert [row["clientAlgoId"] for row in waiting] == ["stop-1"]
    assert ordinary == []
    assert (canceled["code"], again["code"]) == ("200", -2011)
    assert read["algoStatus"] == every[0]["algoStatus"] == "CANCELED"


def test_cancelling_all_ordinary_orders_leaves_conditional_ones(world: World) -> None:
    rest = world.rest
    rest.call("POST", ALGO, **STOP)
    rest.call("DELETE", "/fapi/v1/allOpenOrders", symbol="BTCUSDT")
    before = rest.call("GET", "/fapi/v1/openAlgoOrders")

    answer = rest.call("DELETE", "/fapi/v1/algoOpenOrders", symbol="BTCUSDT")

    assert (len(before), answer["code"]) == (1, 200)
    assert rest.call("GET", "/fapi/v1/openAlgoOrders") == []


def test_triggered_order_is_told_and_becomes_an_ordinary_one(world: World) -> None:
    rest = world.rest
    user = world.stream(f"/private/ws/{rest.listen_key()}")
    rest.market("BUY")
    rest.call("POST", ALGO, **STOP, clientAlgoId="stop-1", reduceOnly="true")

    world.quote("60999.90", "61000.00")
    frames = user.until(lambda frame: frame.get("o", {}).get("X") == "FINISHED")

    algo = [frame["o"] for frame in frames if frame["e"] == "ALGO_UPDATE"]
    assert [each["X"] for each in algo] == ["NEW", "TRIGGERING", "TRIGGERED", "FINISHED"]
    assert {each["caid"] for each in algo} == {"stop-1"}
    order = rest.call("GET", "/fapi/v1/order", symbol="BTCUSDT", orderId=algo[-1]["ai"])
    assert (order["status"], order["clientOrderId"]) == ("FILLED", "stop-1")
    read = rest.call("GET", ALGO, clientAlgoId="stop-1")
    assert (read["actualOrderId"], read["actualQty"]) == (algo[-1]["ai"], "0.010")


def test_a_failed_order_tells_its_reason(world: World) -> None:
    stream = world.stream(f"/private/ws/{world.rest.listen_key()}")
    world.rest.call("POST", ALGO, **STOP, reduceOnly="true")
    world.order(name="trade", symbol="BTCUSDT", price="60900", qty="0.001")

    told = [frame["o"] for frame in stream.heard_before_answer()]
    assert [(each["X"], each.get("rm")) for each in told] == [
        ("NEW", None),
        ("TRIGGERING", None),
        ("REJECTED", "ReduceOnly Order is rejected."),
    ]


def test_trailing_stop_is_placed_with_its_rate(world: World) -> None:
    params = {key: value for key, value in STOP.items() if key != "triggerPrice"}

    placed = world.rest.call(
        "POST", ALGO, **params | {"type": "TRAILING_STOP_MARKET"}, callbackRate="1"
    )
    world.quote("62500.00", "62500.10")
    world.quote("61860.00", "61870.00")
    read = world.rest.call("GET", ALGO, algoId=placed["algoId"])

    assert (placed["callbackRate"], read["algoStatus"]) == ("1", "FINISHED")


def test_price_protection_expires_what_a_far_print_reaches(world: World) -> None:
    rest = world.rest
    user = world.stream(f"/private/ws/{rest.listen_key()}")
    guarded = rest.call("POST", ALGO, **STOP, priceProtect="true", clientAlgoId="guarded")
    plain = rest.call("POST", ALGO, **STOP, clientAlgoId="plain")

    world.order(name="trade", symbol="BTCUSDT", price="58000.00", qty="0.1", buyer_is_maker=True)

    frames = user.until(lambda frame: frame.get("o", {}).get("X") == "FINISHED")
    told = [frame["o"] for frame in frames if frame["e"] == "ALGO_UPDATE"]
    assert [(each["caid"], each["X"], each["pP"]) for each in told] == [
        ("guarded", "NEW", True),
        ("plain", "NEW", False),
        ("guarded", "TRIGGERING", True),
        ("guarded", "EXPIRED", True),
        ("plain", "TRIGGERING", False),
        ("plain", "TRIGGERED", False),
        ("plain", "FINISHED", False),
    ]
    assert (guarded["priceProtect"], plain["priceProtect"]) == (True, False)
    assert rest.call("GET", ALGO, clientAlgoId="guarded")["algoStatus"] == "EXPIRED"


def test_price_protection_lets_a_near_print_trigger(world: World) -> None:
    world.rest.call("POST", ALGO, **STOP, priceProtect="true", clientAlgoId="guarded")

    world.order(name="trade", symbol="BTCUSDT", price="60000.00", qty="0.1", buyer_is_maker=True)

    assert world.rest.call("GET", ALGO, clientAlgoId="guarded")["algoStatus"] == "FINISHED"
