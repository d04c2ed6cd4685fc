"""What a stranger's client does besides: names used again, orders that end at once, flips."""

from __future__ import annotations

import pytest

from conformance.conftest import stand
from conformance.steps import LIMIT, MARKET, PRICE, is_order, refused, user_frames
from conformance.trader import Trader

ASK = 61_700.1


def ended(trader: Trader, order_id: int) -> tuple[str, float]:
    """Return status and filled quantity of an order."""
    found = trader.order(order_id)
    return found["status"], float(found["executedQty"])


def held(trader: Trader) -> list[float]:
    """Return the positions."""
    return [float(row["positionAmt"]) for row in trader.positions()]


def test_a_name_is_free_again_when_its_order_has_ended(trader: Trader) -> None:
    order = LIMIT | {"newClientOrderId": "again"}
    first = trader.place(**order)
    refused(-4116, trader.place, **order)
    trader.cancel(int(first["orderId"]))

    second = trader.place(**order)

    assert second["clientOrderId"] == "again"
    assert int(second["orderId"]) > int(first["orderId"])


def test_an_order_that_may_not_rest_fills_in_part_and_expires(trader: Trader) -> None:
    frames = user_frames(trader)
    trader.leverage(100)

    placed = trader.place(**(LIMIT | {"timeInForce": "IOC", "price": ASK, "quantity": 6}))
    heard = frames.until(lambda frame: is_order(frame, "EXPIRED", "EXPIRED"))

    assert ended(trader, int(placed["orderId"])) == ("EXPIRED", 5.0)
    assert float(heard[-1]["o"]["z"]) == 5.0
    assert held(trader) == [5.0]


@pytest.mark.parametrize("price", [PRICE, ASK])
def test_an_order_that_can_not_fill_whole_expires_unfilled(trader: Trader, price: float) -> None:
    trader.leverage(100)

    placed = trader.place(**(LIMIT | {"timeInForce": "FOK", "price": price, "quantity": 6}))

    assert ended(trader, int(placed["orderId"])) == ("EXPIRED", 0.0)
    assert trader.positions() == []


def test_an_amendment_below_what_is_filled_cancels(trader: Trader) -> None:
    trader.leverage(100)
    placed = trader.place(**(LIMIT | {"price": ASK, "quantity": 6}))
    assert ended(trader, int(placed["orderId"])) == ("PARTIALLY_FILLED", 5.0)

    amended = trader.amend(int(placed["orderId"]), "BUY", 4, ASK)

    assert amended["status"] == "CANCELED"
    assert ended(trader, int(placed["orderId"])) == ("CANCELED", 5.0)
    assert trader.open_orders() == []


def test_a_position_is_turned_over_by_one_order(trader: Trader) -> None:
    trader.place(**MARKET)
    trader.place(**(MARKET | {"side": "SELL", "quantity": 0.03}))

    assert held(trader) == [-0.02]
    refused(-2022, trader.place, **(MARKET | {"side": "SELL", "reduceOnly": "true"}))


def test_orders_that_reduce_end_with_the_position(trader: Trader) -> None:
    trader.place(**MARKET)
    frames = user_frames(trader)
    exit_order = LIMIT | {"side": "SELL", "price": 62_000.0, "reduceOnly": "true"}
    resting = trader.place(**exit_order)
    refused(-4118, trader.place, **exit_order)

    trader.place(**(MARKET | {"side": "SELL"}))
    frames.until(lambda frame: is_order(frame, "EXPIRED", "EXPIRED"))

    assert trader.positions() == trader.open_orders() == []
    assert ended(trader, int(resting["orderId"])) == ("EXPIRED", 0.0)


def test_the_mode_is_not_changed_over_open_orders(trader: Trader) -> None:
    trader.place(**LIMIT)

    refused(-4067, trader.hedge, True)
    assert not trader.is_hedged()


def test_an_order_that_rests_is_filled_by_the_market_that_comes_to_it(trader: Trader) -> None:
    frames = user_frames(trader)
    placed = trader.place(**LIMIT)

    stand(trader.server, bid="60900.0", ask="60900.1")
    told = frames.until(lambda frame: is_order(frame, "TRADE", "FILLED"))[-1]["o"]

    assert (float(told["ap"]), told["m"]) == (PRICE, True)
    assert ended(trader, int(placed["orderId"])) == ("FILLED", 0.01)
