"""Hedge mode, margins, amendments in batches, and self-trades as a client meets them."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from venue.clients import World

ORDER = "/fapi/v1/order"
DUAL = "/fapi/v1/positionSide/dual"
BATCH = "/fapi/v1/batchOrders"


@pytest.mark.parametrize(
    ("params", "code"),
    [
        ({"selfTradePreventionMode": "NONE"}, -5039),
        ({"priceMatch": "OPPONENT_10"}, -5037),
        ({"priceMatch": "QUEUE"}, -1106),
        ({"positionSide": "SIDEWAYS"}, -4060),
        ({"positionSide": "SHORT"}, -4061),
    ],
)
def test_words_of_an_order_that_do_not_fit_are_refused(
    world: World, params: dict[str, Any], code: int
) -> None:
    assert world.rest.limit("BUY", "60000", **params)["code"] == code
    assert world.rest.call("GET", "/fapi/v1/openOrders") == []


def test_a_self_trade_expires_the_maker_in_match(world: World) -> None:
    user = world.stream(f"/private/ws/{world.rest.listen_key()}")
    world.quote("61800.00", "61800.20")
    world.rest.limit("BUY", "61800.10", newClientOrderId="maker")

    taker = world.rest.limit("SELL", "61800.10", selfTradePreventionMode="EXPIRE_MAKER")
    frames = user.until(lambda frame: frame.get("o", {}).get("X") == "EXPIRED_IN_MATCH")

    told = frames[-1]["o"]
    assert (told["c"], told["x"], told["er"], told["V"]) == (
        "maker",
        "EXPIRED",
        "1",
        "EXPIRE_MAKER",
    )
    assert taker["status"] == "NEW"
    read = world.rest.call("GET", ORDER, symbol="BTCUSDT", origClientOrderId="maker")
    assert read["status"] == "EXPIRED_IN_MATCH"


def test_a_matched_price_is_answered_with_its_name(world: World) -> None:
    answer = world.rest.call(
        "POST",
        ORDER,
        symbol="BTCUSDT",
        side="BUY",
        type="LIMIT",
        timeInForce="GTX",
        quantity="0.01",
        priceMatch="QUEUE",
    )

    assert (answer["price"], answer["priceMatch"]) == ("61800.00", "QUEUE")


def test_amendments_in_a_batch_are_answered_one_by_one(world: World) -> None:
    ids = [world.rest.limit("BUY", price)["orderId"] for price in ("60000", "60100")]
    terms = {"symbol": "BTCUSDT", "side": "BUY", "quantity": "0.020", "price": "60200"}
    wanted = [terms | {"orderId": each} for each in (*ids, 4711)]
    wanted[1]["price"] = "60200.01"

    answers = world.rest.call("PUT", BATCH, batchOrders=orjson.dumps(wanted).decode())
    too_many = world.rest.call("PUT", BATCH, batchOrders=orjson.dumps([terms] * 6).decode())

    assert (answers[0]["orderId"], answers[0]["price"]) == (ids[0], "60200.00")
    assert [answers[1]["code"], answers[2]["code"]] == [-4014, -2013]
    assert too_many["code"] == -4082


def test_hedge_mode_keeps_long_and_short_apart(world: World) -> None:
    rest = world.rest
    user = world.stream(f"/private/ws/{rest.listen_key()}")
    resting = rest.limit("BUY", "60000")
    with_order = rest.call("POST", DUAL, dualSidePosition="true")
    rest.call("DELETE", ORDER, symbol="BTCUSDT", orderId=resting["orderId"])
    changed = rest.call("POST", DUAL, dualSidePosition="true")
    again = rest.call("POST", DUAL, dualSidePosition="true")

    rest.market("BUY", "0.030", positionSide="LONG")
    rest.market("SELL", "0.020", positionSide="SHORT")
    flagged = rest.market("SELL", "0.010", positionSide="LONG", reduceOnly="true")
    both = rest.market("SELL", "0.010")
    rest.market("SELL", "0.010", positionSide="LONG", newClientOrderId="closing")
    with_position = rest.call("POST", DUAL, dualSidePosition="false")
    frames = user.until(
        lambda frame: frame.get("o", {}).get("c") == "closing" and frame["o"]["x"] == "TRADE"
    )

    assert changed == {"code": 200, "msg": "success"}
    refused = [with_order, again, flagged, both, with_position]
    assert [each["code"] for each in refused] == [-4067, -4059, -1106, -4061, -4068]
    assert rest.call("GET", DUAL) == {"dualSidePosition": True}
    for version in ("v2", "v3"):
        rows = rest.call("GET", f"/fapi/{version}/positionRisk", symbol="BTCUSDT")
        amounts = [(row["positionSide"], row["positionAmt"]) for row in rows]
        assert amounts == [("LONG", "0.020"), ("SHORT", "-0.020")]
    assert frames[-1]["o"]["ps"] == "LONG"
    updates = [frame["a"]["P"][0] for frame in frames if frame["e"] == "ACCOUNT_UPDATE"]
    assert [row["ps"] for row in updates] == ["LONG", "SHORT", "LONG"]
    trades = rest.call("GET", "/fapi/v1/userTrades", symbol="BTCUSDT")
    assert [row["positionSide"] for row in trades] == ["LONG", "SHORT", "LONG"]


def test_isolated_margin_is_set_apart_and_shown(world: World) -> None:
    rest = world.rest

    def change(margin_type: str) -> int:
        path = "/fapi/v1/marginType"
        return int(rest.call("POST", path, symbol="BTCUSDT", marginType=margin_type)["code"])

    codes = [change("CROSSED"), change("ISOLATED")]
    rest.market("BUY")
    codes.append(change("CROSSED"))
    (row,) = rest.call("GET", "/fapi/v2/positionRisk", symbol="BTCUSDT")
    (balance,) = rest.call("GET", "/fapi/v3/balance")
    config = rest.call("GET", "/fapi/v1/symbolConfig", symbol="BTCUSDT")

    assert codes == [-4046, 200, -4048]
    assert (row["marginType"], row["isolatedWallet"]) == ("isolated", "30.90005000")
    assert float(balance["balance"]) - float(balance["crossWalletBalance"]) == pytest.approx(
        30.9, 1e-4
    )
    assert config[0]["marginType"] == "ISOLATED"
    assert 58_000 < float(row["liquidationPrice"]) < 60_000


def test_brackets_are_those_by_which_margin_is_kept(world: World) -> None:
    (found,) = world.rest.call("GET", "/fapi/v1/leverageBracket", symbol="BTCUSDT")
    answer = world.rest.call("POST", "/fapi/v1/leverage", symbol="BTCUSDT", leverage=100)

    tiers = found["brackets"]
    assert [tier["bracket"] for tier in tiers] == list(range(1, 13))
    assert (tiers[1]["maintMarginRatio"], tiers[1]["cum"]) == (0.005, 50.0)
    assert answer["maxNotionalValue"] == "600000"


def test_a_position_without_margin_is_closed_by_the_venue(world: World) -> None:
    rest = world.rest
    user = world.stream(f"/private/ws/{rest.listen_key()}")
    rest.market("BUY", "3.000")
    rest.limit("BUY", "56000")

    world.quote("58000.00", "58000.10")
    frames = user.until(lambda frame: frame.get("o", {}).get("x") == "CALCULATED")

    told = frames[-1]["o"]
    assert told["c"].startswith("autoclose-")
    assert (told["S"], told["X"], told["ps"]) == ("SELL", "FILLED", "BOTH")
    assert rest.call("GET", "/fapi/v3/positionRisk") == []
    assert rest.call("GET", "/fapi/v1/openOrders") == []
    assert world.server.control("orders")["orders"][-1]["op"] == "fill"


@pytest.mark.parametrize(("margin_type", "price"), [("CROSSED", "58820"), ("ISOLATED", "59050")])
def test_margin_call_comes_once_before_liquidation(
    world: World, margin_type: str, price: str
) -> None:
    rest = world.rest
    if margin_type == "ISOLATED":
        rest.call("POST", "/fapi/v1/marginType", symbol="BTCUSDT", marginType=margin_type)
    user = world.stream(f"/private/ws/{rest.listen_key()}")
    rest.market("BUY", "3.000")

    for quote in (price, price, "50000"):
        world.quote(f"{quote}.00", f"{quote}.10")
    frames = user.until(lambda frame: frame.get("o", {}).get("x") == "CALCULATED")

    (call,) = [frame for frame in frames if frame["e"] == "MARGIN_CALL"]
    (row,) = call["p"]
    assert (row["s"], row["ps"], row["pa"], row["mt"]) == ("BTCUSDT", "BOTH", "3.000", margin_type)
    assert float(row["mp"]) == float(price) + 0.05
    assert ("cw" in call) == (margin_type == "CROSSED")
    own = float(call["cw"]) if "cw" in call else float(row["iw"])
    assert 0.8 <= float(row["mm"]) / (own + float(row["up"])) < 1
    assert rest.call("GET", "/fapi/v3/positionRisk") == []
