"""The play goes on: hedge mode and conditional orders."""

from __future__ import annotations

from conformance.conftest import stand
from conformance.steps import MARKET, is_order, refused, user_frames
from conformance.trader import Trader


def test_both_sides_are_held_in_hedge_mode(trader: Trader) -> None:
    trader.hedge(True)
    assert trader.is_hedged()
    trader.place(**(MARKET | {"positionSide": "LONG"}))
    trader.place(**(MARKET | {"side": "SELL", "positionSide": "SHORT"}))
    held = {row["positionSide"]: float(row["positionAmt"]) for row in trader.positions()}

    assert held == {"LONG": 0.01, "SHORT": -0.01}
    refused(-4061, trader.place, **MARKET)
    refused(-4068, trader.hedge, False)
    trader.place(**(MARKET | {"side": "SELL", "positionSide": "LONG"}))
    trader.place(**(MARKET | {"positionSide": "SHORT"}))
    assert trader.positions() == []
    trader.hedge(False)
    assert not trader.is_hedged()


def test_a_stop_is_placed_found_and_canceled_at_the_algo_service(trader: Trader) -> None:
    placed = trader.place_algo(
        side="SELL", type="STOP_MARKET", quantity=0.01, triggerPrice=60_000.0
    )
    found = trader.open_algos()

    assert [int(row["algoId"]) for row in found] == [int(placed["algoId"])]
    assert trader.open_orders() == []
    trader.cancel_algo(int(placed["algoId"]))
    assert trader.open_algos() == []


def test_a_stop_is_triggered_and_fills(trader: Trader) -> None:
    trader.place(**MARKET)
    frames = user_frames(trader)
    trader.place_algo(side="SELL", type="STOP_MARKET", quantity=0.01, triggerPrice=61_600.0)

    stand(trader.server, bid="61500.0", ask="61500.1")
    trader.server.control("trade", symbol="BTCUSDT", price="61500.0", qty="0.5")
    frames.until(lambda frame: is_order(frame, "TRADE", "FILLED"))

    assert trader.positions() == []
    assert trader.open_algos() == []
