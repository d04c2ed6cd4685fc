"""The order log tells what happened in the order in which it happened."""

from __future__ import annotations

import orjson

from venue.clients import World


def test_refusals_stand_in_the_log_where_they_happened_in_a_batch(world: World) -> None:
    order = {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTX"}
    prices = ("60000", "61900", "60001", "61901")
    batch = [order | {"quantity": "0.010", "price": price} for price in prices]

    world.rest.call("POST", "/fapi/v1/batchOrders", batchOrders=orjson.dumps(batch).decode())
    lines = world.server.control("orders")["orders"]

    assert [line["op"] for line in lines] == ["accepted", "place-refused"] * 2
    assert [line["n"] for line in lines] == sorted(line["n"] for line in lines)


def test_cancels_of_a_batch_stand_in_the_log_in_their_order(world: World) -> None:
    ids = [world.rest.limit("BUY", price)["orderId"] for price in ("60000", "60001")]
    wanted = f"[{ids[0]},7,{ids[1]}]"

    world.rest.call("DELETE", "/fapi/v1/batchOrders", symbol="BTCUSDT", orderIdList=wanted)
    lines = world.server.control("orders")["orders"]

    assert [line["op"] for line in lines[-3:]] == ["canceled", "cancel-refused", "canceled"]
