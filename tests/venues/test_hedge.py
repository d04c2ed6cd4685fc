"""Hedge mode at the doors: what is sent of a leg, and which leg an answer or a frame is of."""

from __future__ import annotations

import json
from typing import Any

import attrs
import pytest

from grinder.messages.market import BookTicked
from grinder.messages.orders import CancelOrder, Placement, PlaceOrders
from grinder.messages.venue import (
    AccountRead,
    PlaceAnswered,
    QueryOrder,
    ReadAccount,
    ReadTrades,
    TradesRead,
)
from grinder.model.legs import HEDGE, legs_of
from grinder.model.order import OrderType, Side
from grinder.model.units import NS_PER_MS
from grinder.venues import binance_requests as requests
from grinder.venues.binance_bodies import BodyDecoder
from grinder.venues.binance_decode import FrameDecoder
from grinder.venues.stream import BinanceStreamPort
from venues.fakes import Answer, Call, FakeOutlet, ScriptedVenue, samples, traded
from venues.scripts import ORDER, SETTINGS, Open

LEGS = legs_of(traded("BTCUSDT", "ETHUSDT"), HEDGE)
LONG, SHORT = "BTCUSDT:LONG", "BTCUSDT:SHORT"
BODIES, FRAMES = BodyDecoder(LEGS), FrameDecoder(LEGS)
TRADES = "/fapi/v1/userTrades"


def placement(symbol: str, side: Side, *, reduce_only: bool = False) -> Placement:
    return Placement(
        symbol=symbol,
        client_order_id="g-1",
        side=side,
        price_ticks=600_000,
        qty_lots=4,
        level="b1",
        reason="GRID_FILL",
        reduce_only=reduce_only,
    )


def position(side: str, amount: str, symbol: str = "BTCUSDT") -> dict[str, Any]:
    return {
        "symbol": symbol,
        "positionSide": side,
        "positionAmt": amount,
        "entryPrice": "60000.0",
        "unRealizedProfit": "1.5",
        "updateTime": 7,
    }


def trade(number: int, side: str) -> dict[str, Any]:
    return {
        "symbol": "BTCUSDT",
        "positionSide": side,
        "id": number,
        "orderId": 1,
        "side": "BUY",
        "price": "61800.00",
        "qty": "0.010",
        "commission": "0",
        "commissionAsset": "USDT",
        "maker": True,
        "realizedPnl": "0",
        "time": 1_700_000_000_000,
    }


def order(side: str, position_side: str) -> dict[str, Any]:
    return {
        "symbol": "BTCUSDT",
        "positionSide": position_side,
        "clientOrderId": "g-1",
        "orderId": 3,
        "side": side,
        "price": "60000.0",
        "origQty": "0.010",
        "executedQty": "0",
        "reduceOnly": False,
        "status": "NEW",
        "updateTime": 7,
    }


@pytest.mark.parametrize(
    ("leg", "side", "reduce_only"),
    [(LONG, Side.BUY, False), (LONG, Side.SELL, True), (SHORT, Side.SELL, False)],
)
def test_a_placement_names_market_and_side_and_never_the_flag(
    leg: str, side: Side, reduce_only: bool
) -> None:
    limit = placement(leg, side, reduce_only=reduce_only)
    for one in (limit, attrs.evolve(limit, order_type=OrderType.MARKET)):
        sent = dict(requests.placement(one, LEGS[leg]).parameters)
        assert (sent["symbol"], sent["side"]) == ("BTCUSDT", side.value)
        assert sent["positionSide"] == leg.partition(":")[2]
        assert "reduceOnly" not in sent


def test_cancels_and_look_ups_name_the_market() -> None:
    cancel = requests.cancellation(CancelOrder(symbol=SHORT, client_order_id="g-1", reason="X"))
    query = requests.order_query(QueryOrder(symbol=LONG, client_order_id="g-1"))

    assert dict(cancel.parameters) == {"symbol": "BTCUSDT", "origClientOrderId": "g-1"}
    assert dict(query.parameters) == {"symbol": "BTCUSDT", "origClientOrderId": "g-1"}


@pytest.mark.parametrize(
    ("row", "leg", "reduces"),
    [
        (order("BUY", "LONG"), LONG, False),
        (order("SELL", "LONG"), LONG, True),
        (order("SELL", "SHORT"), SHORT, False),
        (order("BUY", "SHORT"), SHORT, True),
    ],
)
def test_an_order_is_of_the_leg_that_the_venue_says(
    row: dict[str, Any], leg: str, reduces: bool
) -> None:
    (found,) = BODIES.orders([row])

    assert (found.symbol, found.reduce_only) == (leg, reduces)


def test_positions_are_of_every_leg_flat_or_not() -> None:
    rows = [position("LONG", "0.004"), position("SHORT", "-0.002"), position("BOTH", "0")]
    found = {one.symbol: one.qty_lots for one in BODIES.positions(rows)}

    assert found == {LONG: 4, SHORT: -2, "ETHUSDT:LONG": 0, "ETHUSDT:SHORT": 0}


def test_what_is_of_no_leg_is_an_error_and_no_position_of_ours() -> None:
    with pytest.raises(ValueError, match="expected hedge mode, was BTCUSDT BOTH"):
        BODIES.positions([position("BOTH", "0.004")])
    with pytest.raises(ValueError, match="expected hedge mode, was BTCUSDT BOTH"):
        BODIES.orders([order("BUY", "BOTH")])


def test_frames_are_of_legs_and_market_data_of_markets() -> None:
    whole = next(
        row["payload"]
        for row in samples("private_frames.jsonl")
        if row["name"] == "taker_open_order_filled"
    )
    closing = {**whole, "o": {**whole["o"], "S": "SELL", "ps": "LONG", "R": False}}
    report: Any = FRAMES.decode(json.dumps(closing).encode(), 1, 2)
    tick = b'{"e":"bookTicker","u":5,"s":"BTCUSDT","b":"1.0","B":"1","a":"1.1","A":"1","T":1,"E":1}'
    ticked = FRAMES.decode(tick, 1, 2)

    assert (report.symbol, report.reduce_only) == (LONG, True)
    assert isinstance(ticked, BookTicked)
    assert ticked.symbol == "BTCUSDT"


def test_account_events_tell_the_legs_and_leave_out_the_rest() -> None:
    rows = [
        {"s": "BTCUSDT", "ps": side, "pa": amount, "ep": "60000.0", "up": "0"}
        for side, amount in (("BOTH", "0"), ("LONG", "0.003"), ("SHORT", "-0.001"))
    ]
    frame = {"e": "ACCOUNT_UPDATE", "T": 5, "a": {"m": "ORDER", "B": [], "P": rows}}
    report: Any = FRAMES.decode(json.dumps(frame).encode(), 1, 2)

    assert {one.symbol: one.qty_lots for one in report.positions} == {LONG: 3, SHORT: -1}


def test_streams_are_those_of_markets_each_once() -> None:
    port = BinanceStreamPort(
        stream="public", stream_url="ws://here", instruments=LEGS, settings=SETTINGS, depth=False
    )

    assert port._url.endswith("streams=btcusdt@bookTicker/ethusdt@bookTicker")


def test_open_orders_are_read_once_for_each_market(
    opened: Open, outlet: FakeOutlet, scripted: ScriptedVenue
) -> None:
    scripted.on("GET", "/fapi/v3/account", Answer(body={"assets": []}))
    scripted.on("GET", "/fapi/v3/positionRisk", Answer(body=[position("SHORT", "-0.002")]))
    scripted.on("GET", "/fapi/v1/openOrders", lambda call: rows_of(call, order("SELL", "SHORT")))
    opened(position_mode=HEDGE).receive(outlet.envelope(ReadAccount(token=1)))
    (account,) = outlet.wait(AccountRead)

    assert [call.parameters["symbol"] for call in scripted.seen("/fapi/v1/openOrders")] == [
        "BTCUSDT",
        "ETHUSDT",
    ]
    assert [one.symbol for one in account.open_orders] == [SHORT]
    assert {one.symbol: one.qty_lots for one in account.positions if one.qty_lots} == {SHORT: -2}


def rows_of(call: Call, row: dict[str, Any]) -> Answer:
    return Answer(body=[row] if call.parameters["symbol"] == row["symbol"] else [])


def test_trades_of_the_other_leg_are_passed_over_and_do_not_end_the_list(
    opened: Open, outlet: FakeOutlet, scripted: ScriptedVenue
) -> None:
    rows = [trade(n, "LONG" if n % 4 else "SHORT") for n in range(1, 1_201)]
    scripted.on("GET", TRADES, lambda call: page(call, rows))
    port = opened(position_mode=HEDGE)
    port.receive(outlet.envelope(ReadTrades(symbol=SHORT, from_id=1, since_ns=0)))
    (first,) = outlet.wait(TradesRead)
    port.receive(outlet.envelope(ReadTrades(symbol=SHORT, from_id=first.next_id, since_ns=0)))
    second = outlet.wait(TradesRead, 2)[1]
    found = [*first.trades, *second.trades]

    assert [one.trade_id for one in found] == list(range(4, 1_201, 4))
    assert {one.symbol for one in found} == {SHORT}
    assert second.next_id == 0


def page(call: Call, rows: list[dict[str, Any]]) -> Answer:
    assert call.parameters["symbol"] == "BTCUSDT"
    start = int(call.parameters["fromId"])
    return Answer(body=[row for row in rows if row["id"] >= start][:1_000])


def test_an_order_of_a_leg_reaches_the_venue_with_its_side(
    opened: Open, outlet: FakeOutlet, scripted: ScriptedVenue
) -> None:
    batch = PlaceOrders(
        symbol=SHORT, orders=(placement(SHORT, Side.BUY, reduce_only=True),), permit=None
    )
    port = opened(position_mode=HEDGE)
    port.receive(outlet.envelope(batch))
    outlet.wait(PlaceAnswered)
    (sent,) = scripted.seen(ORDER)

    assert sent.parameters["positionSide"] == "SHORT"
    assert "reduceOnly" not in sent.parameters


def test_a_page_of_a_week_goes_on_by_number(
    opened: Open, outlet: FakeOutlet, scripted: ScriptedVenue
) -> None:
    now_ms = outlet.now_ns() // NS_PER_MS
    rows = [trade(n, "LONG") | {"time": now_ms} for n in range(1, 1_101)]
    scripted.on("GET", TRADES, lambda call: Answer(body=rows[:1_000]))
    command = ReadTrades(symbol=SHORT, from_id=0, since_ns=(now_ms - 1) * NS_PER_MS)
    opened(position_mode=HEDGE).receive(outlet.envelope(command))
    (read,) = outlet.wait(TradesRead)

    assert (read.trades, read.next_id) == ((), 1_001)
