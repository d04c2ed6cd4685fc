from __future__ import annotations

from typing import Any

import orjson
import pytest
import requests

from venue.clients import World

ORDER = "/fapi/v1/order"


def test_write_answers_leave_out_average_price_and_reads_carry_it(world: World) -> None:
    written = world.rest.limit("BUY", "60000", newClientOrderId="one")
    read = world.rest.call("GET", ORDER, symbol="BTCUSDT", origClientOrderId="one")
    canceled = world.rest.call("DELETE", ORDER, symbol="BTCUSDT", orderId=written["orderId"])

    for answer in (written, canceled):
        assert {"avgPrice", "cumQuote", "cumBase"} & set(answer) == set()
        assert answer["cumQty"] in ("0", "0.000")
    assert {"avgPrice", "cumQuote"} <= set(read)
    assert canceled["status"] == "CANCELED"


def test_market_order_is_acknowledged_as_new_unless_the_result_is_wanted(world: World) -> None:
    acknowledged = world.rest.market("BUY")
    result = world.rest.market("BUY", newOrderRespType="RESULT")

    assert (acknowledged["status"], acknowledged["executedQty"]) == ("NEW", "0")
    assert (result["status"], result["executedQty"]) == ("FILLED", "0.010")
    assert world.rest.call("GET", "/fapi/v3/positionRisk")[0]["positionAmt"] == "0.020"


@pytest.mark.parametrize(
    ("params", "code"),
    [
        ({"type": "STOP_MARKET", "stopPrice": "50000"}, -4120),
        ({"price": "61800.1", "timeInForce": "GTX"}, -5022),
        ({"price": "60000.05"}, -4014),
        ({"quantity": "0.001"}, -4164),
        ({"quantity": "0"}, -4003),
        ({"quantity": ""}, -1102),
        ({"symbol": "NOPEUSDT"}, -1121),
        ({"side": "UP"}, -1117),
        ({"timeInForce": "ETERNAL"}, -1115),
        ({"reduceOnly": "true"}, -2022),
        ({"quantity": "900"}, -2019),
        ({"newClientOrderId": "not ok"}, -4015),
        ({"positionSide": "LONG"}, -4061),
    ],
)
def test_orders_that_break_a_rule_are_refused_with_the_venues_code(
    world: World, params: dict[str, Any], code: int
) -> None:
    base = {
        "symbol": "BTCUSDT",
        "side": "BUY",
        "type": "LIMIT",
        "timeInForce": "GTC",
        "quantity": "0.010",
        "price": "60000",
    }

    answer = world.rest.send("POST", ORDER, **(base | params))

    assert (answer.status_code, answer.json()["code"]) == (400, code)
    assert world.rest.call("GET", "/fapi/v1/openOrders") == []
    assert world.server.control("orders")["orders"][-1]["code"] == code


def test_second_cancel_unknown_query_and_living_client_id_have_their_codes(world: World) -> None:
    rest = world.rest
    rest.limit("BUY", "60000", newClientOrderId="one")

    duplicate = rest.limit("BUY", "60000", newClientOrderId="one")
    rest.call("DELETE", ORDER, symbol="BTCUSDT", origClientOrderId="one")
    again = rest.call("DELETE", ORDER, symbol="BTCUSDT", origClientOrderId="one")
    unknown = rest.call("GET", ORDER, symbol="BTCUSDT", origClientOrderId="two")

    assert [duplicate["code"], again["code"], unknown["code"]] == [-4116, -2011, -2013]


def test_amendment_keeps_the_ids_and_changes_price_and_quantity(world: World) -> None:
    placed = world.rest.limit("BUY", "60000")
    terms = {"symbol": "BTCUSDT", "side": "BUY", "orderId": placed["orderId"]}

    amended = world.rest.call("PUT", ORDER, **terms, quantity="0.020", price="60100")
    unchanged = world.rest.call("PUT", ORDER, **terms, quantity="0.020", price="60100")
    incomplete = world.rest.call("PUT", ORDER, **terms, quantity="0.020")

    assert amended["orderId"] == placed["orderId"]
    assert (amended["price"], amended["origQty"]) == ("60100.00", "0.020")
    assert [unchanged["code"], incomplete["code"]] == [-5027, -1102]


def test_batch_answers_in_order_with_errors_inline(world: World) -> None:
    base = {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "quantity": "0.01"}
    orders = [
        base | {"price": "60000", "timeInForce": "GTC"},
        base | {"price": "61900", "timeInForce": "GTX"},
    ]
    path = "/fapi/v1/batchOrders"

    answer = world.rest.send("POST", path, batchOrders=orjson.dumps(orders).decode())
    ids = orjson.dumps([answer.json()[0]["orderId"], 4711]).decode()
    canceled = world.rest.call("DELETE", path, symbol="BTCUSDT", orderIdList=ids)
    too_many = world.rest.call("POST", path, batchOrders=orjson.dumps([base] * 6).decode())

    assert answer.status_code == 200
    assert (answer.json()[0]["status"], answer.json()[1]["code"]) == ("NEW", -5022)
    assert (canceled[0]["status"], canceled[1]["code"]) == ("CANCELED", -2011)
    assert too_many["code"] == -4082


def test_cancel_all_succeeds_also_when_there_is_nothing(world: World) -> None:
    world.rest.limit("BUY", "60000")

    answers = [
        world.rest.call("DELETE", "/fapi/v1/allOpenOrders", symbol="BTCUSDT") for _ in range(2)
    ]

    assert [answer["code"] for answer in answers] == [200, 200]
    assert world.rest.call("GET", "/fapi/v1/openOrders", symbol="BTCUSDT") == []


def test_dead_mans_switch_cancels_without_another_call(world: World) -> None:
    user = world.stream(f"/private/ws/{world.rest.listen_key()}")
    world.rest.limit("BUY", "60000")
    path = "/fapi/v1/countdownCancelAll"

    answer = world.rest.call("POST", path, symbol="BTCUSDT", countdownTime=100)
    frames = user.until(lambda frame: frame.get("o", {}).get("x") == "CANCELED")

    assert answer == {"symbol": "BTCUSDT", "countdownTime": "100"}
    assert frames[-1]["o"]["X"] == "CANCELED"


def test_fill_shows_in_trades_income_balance_and_position(world: World) -> None:
    world.rest.market("BUY", newClientOrderId="open")
    world.quote("61900.00", "61900.10")
    world.rest.market("SELL", newClientOrderId="close", reduceOnly="true")

    trades = world.rest.call("GET", "/fapi/v1/userTrades", symbol="BTCUSDT")
    income = world.rest.call("GET", "/fapi/v1/income")
    wallet = world.rest.call("GET", "/fapi/v3/balance")[0]["balance"]

    assert [trade["price"] for trade in trades] == ["61800.10", "61900.00"]
    assert trades[1]["realizedPnl"] == "0.99900000"
    assert [row["incomeType"] for row in income] == ["COMMISSION", "REALIZED_PNL", "COMMISSION"]
    assert wallet == "10000.38049950"
    assert world.rest.call("GET", "/fapi/v3/positionRisk") == []
    assert len(world.rest.call("GET", "/fapi/v2/positionRisk")) == 2


def test_settings_answer_as_the_venue_does(world: World) -> None:
    rest = world.rest

    leverage = rest.call("POST", "/fapi/v1/leverage", symbol="BTCUSDT", leverage=5)
    config = rest.call("GET", "/fapi/v1/symbolConfig", symbol="BTCUSDT")
    wrong = rest.call("POST", "/fapi/v1/leverage", symbol="BTCUSDT", leverage=126)
    margin = rest.call("POST", "/fapi/v1/marginType", symbol="BTCUSDT", marginType="CROSSED")
    dual = rest.call("POST", "/fapi/v1/positionSide/dual", dualSidePosition="false")

    assert leverage["leverage"] == config[0]["leverage"] == 5
    assert [wrong["code"], margin["code"], dual["code"]] == [-4028, -4046, -4059]
    assert rest.call("GET", "/fapi/v1/positionSide/dual") == {"dualSidePosition": False}
    assert rest.call("GET", "/fapi/v1/multiAssetsMargin") == {"multiAssetsMargin": False}


@pytest.mark.parametrize(
    ("fault", "status", "code", "is_placed"),
    [
        ("unknown-503", 503, -1000, False),
        ("unknown-503-done", 503, -1000, True),
        ("overloaded-503", 503, -1008, False),
        ("too-many-429", 429, -1003, False),
        ("backend-408", 408, -1007, True),
    ],
)
def test_planned_fault_answers_so_and_places_or_not(
    world: World, fault: str, status: int, code: int, is_placed: bool
) -> None:
    world.server.control("fault", fault=fault, method="POST", path=ORDER)

    answer = world.rest.send(
        "POST",
        ORDER,
        symbol="BTCUSDT",
        side="BUY",
        type="LIMIT",
        timeInForce="GTC",
        quantity="0.01",
        price="60000",
    )

    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert len(world.rest.call("GET", "/fapi/v1/openOrders")) == int(is_placed)


@pytest.mark.parametrize(("fault", "placed"), [("lost", 1), ("lost-before", 0)])
def test_lost_reply_breaks_the_connection_with_the_order_placed_or_not(
    world: World, fault: str, placed: int
) -> None:
    world.server.control("fault", fault=fault, method="POST", path=ORDER)

    with pytest.raises(requests.ConnectionError):
        world.rest.limit("BUY", "60000")

    assert len(world.rest.call("GET", "/fapi/v1/openOrders")) == placed


def test_order_log_is_a_witness_of_everything_that_happened(world: World) -> None:
    world.rest.limit("BUY", "60000", newClientOrderId="one")
    world.rest.call("DELETE", ORDER, symbol="BTCUSDT", origClientOrderId="one")
    world.rest.call("DELETE", ORDER, symbol="BTCUSDT", origClientOrderId="one")
    world.rest.market("BUY", newClientOrderId="two")

    lines = world.server.control("orders")["orders"]

    assert [(line["op"], line["client_id"]) for line in lines] == [
        ("accepted", "one"),
        ("canceled", "one"),
        ("cancel-refused", "one"),
        ("accepted", "two"),
        ("fill", "two"),
    ]
    assert lines[-1]["last_price"] == "61800.10"
