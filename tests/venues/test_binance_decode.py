from __future__ import annotations

import json
import timeit
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grinder.messages.market import (
    BookTicked,
    DepthChanged,
    LiquidationPrinted,
    MarkPriced,
    TradePrinted,
)
from grinder.messages.venue import AccountReported, ListenKeyExpired, OrderReported
from grinder.model.order import OrderStatus, OrderType, Side
from grinder.venues.binance_decode import FrameDecoder
from grinder.venues.fixed import whole_steps
from venues.fakes import samples, traded

DECODER = FrameDecoder(traded("BTCUSDT", "ETHUSDT", "ETHUSDC"))
TICK = (
    b'{"stream":"btcusdt@bookTicker","data":{"e":"bookTicker","u":5123107839020,"s":"BTCUSDT",'
    b'"b":"61800.20","B":"2.507","a":"61800.30","A":"2.510","T":1723161256313,"E":1723161256314}}'
)


def decoded(payload: object) -> Any:
    return DECODER.decode(json.dumps(payload).encode(), 3, 99)


def private(name: str) -> Any:
    return next(row["payload"] for row in samples("private_frames.jsonl") if row["name"] == name)


def test_a_recorded_best_bid_and_ask() -> None:
    assert DECODER.decode(TICK, 3, 99) == BookTicked(
        symbol="BTCUSDT",
        bid_ticks=618_002,
        bid_lots=2_507,
        ask_ticks=618_003,
        ask_lots=2_510,
        update_id=5123107839020,
        event_ns=1723161256314 * 10**6,
        received_ns=99,
        connection=3,
    )


def test_recorded_depth_chains_by_previous_id() -> None:
    depth = [
        decoded(row["payload"])
        for row in samples("market_frames.jsonl")
        if row["name"].startswith("depth")
    ]

    assert all(isinstance(each, DepthChanged) for each in depth)
    assert [each.previous_id for each in depth[1:]] == [each.last_id for each in depth[:-1]]
    assert depth[0].bids[2] == (615_109, 0)


def test_trades_and_mark_prices() -> None:
    trade = {"e": "aggTrade", "E": 5, "s": "BTCUSDT", "a": 7, "p": "61800.3", "q": "0.010"}
    trade |= {"nq": "0.010", "f": 1, "l": 2, "T": 4, "m": True, "st": 1}
    mark = next(
        row["payload"]
        for row in samples("market_frames.jsonl")
        if row["name"] == "mark_price_stream"
    )
    printed, priced = decoded(trade), decoded(mark)

    assert printed == TradePrinted(
        symbol="BTCUSDT",
        price_ticks=618_003,
        qty_lots=10,
        buyer_is_maker=True,
        trade_id=7,
        event_ns=5_000_000,
        connection=3,
    )
    assert isinstance(priced, MarkPriced)
    assert priced.mark_price == Decimal("11794.15")
    assert priced.funding_rate == Decimal("0.00038167")


def test_a_recorded_fill() -> None:
    report = decoded(private("taker_open_order_filled"))

    assert report == OrderReported(
        connection=3,
        symbol="BTCUSDT",
        client_order_id="android_MLA5BSDBdSD12WPlEyMh",
        order_id=482255808281,
        side=Side.BUY,
        order_type=OrderType.LIMIT,
        execution="TRADE",
        status=OrderStatus.FILLED,
        price_ticks=917_399,
        qty_lots=2,
        filled_lots=2,
        last_price_ticks=917_399,
        last_lots=2,
        trade_id=5612428004,
        fee=Decimal("0.09173990"),
        fee_asset="USDT",
        realized_pnl=Decimal(0),
        is_maker=False,
        reduce_only=False,
        expiry_reason="0",
        event_ns=1731954087444 * 10**6,
    )


def test_an_order_of_a_type_that_we_never_place_has_no_type() -> None:
    report = decoded(private("order_expired_in_match_stp"))

    assert report.order_type is None
    assert report.status is OrderStatus.EXPIRED_IN_MATCH
    assert report.execution == "EXPIRED"


def test_an_event_without_a_fill_may_lack_its_commission() -> None:
    payload = private("order_new_gtc_limit")
    del payload["o"]["n"], payload["o"]["N"]
    report = decoded(payload)

    assert (report.fee, report.fee_asset, report.trade_id) == (Decimal(0), "", 0)


def test_account_reports_carry_only_what_changed() -> None:
    funding = decoded(private("account_update_funding_fee_cross"))
    fill = decoded(private("taker_close_account_update"))

    assert funding.wallets == (("USDC", Decimal("38.17806885"), Decimal("-0.00085067")),)
    assert funding.positions == ()
    assert [(each.symbol, each.qty_lots) for each in fill.positions] == [("BTCUSDT", 0)]


def test_every_recorded_private_frame_is_taken_or_passed_over() -> None:
    kinds = [type(decoded(row["payload"])) for row in samples("private_frames.jsonl")]

    assert {OrderReported, AccountReported, ListenKeyExpired, type(None)} == set(kinds)


@pytest.mark.parametrize(
    "payload",
    [
        {"result": None, "id": 1},
        {"e": "kline", "s": "BTCUSDT"},
        {"e": "TRADE_LITE", "s": "BTCUSDT"},
        {"stream": "x", "data": {"e": "never heard of"}},
        json.loads(TICK)["data"] | {"s": "DOGEUSDT"},
    ],
)
def test_what_is_nothing_to_us_is_none(payload: object) -> None:
    assert decoded(payload) is None


@pytest.mark.parametrize(
    "frame",
    [
        b"",
        b"not json",
        b"[]",
        b'{"data": 3}',
        b'{"e": "bookTicker"}',
        TICK.replace(b'"61800.20"', b"61800.20"),
        TICK.replace(b'"61800.20"', b'"61800.25"'),
        TICK.replace(b'"61800.20"', b'"NaN"'),
        TICK.replace(b'"61800.20"', b'"1e999999999"'),
        TICK.replace(b'"u":5123107839020', b'"u":"x"'),
        b'{"e":"depthUpdate","s":"BTCUSDT","U":1,"u":2,"pu":0,"E":1,"b":[["1"]],"a":[]}',
        b'{"e":"ORDER_TRADE_UPDATE","o":7}',
        b'{"e":["list"]}',
    ],
)
def test_a_broken_frame_is_a_value_error(frame: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        DECODER.decode(frame, 1, 1)


def test_a_tick_is_decoded_in_well_under_the_time_of_a_thread_hop() -> None:
    # Generous by ten: this guards against a change of kind, not against a slow machine.
    seconds = min(timeit.repeat(lambda: DECODER.decode(TICK, 1, 1), number=500, repeat=5)) / 500

    assert seconds < 100e-6


STEPS = ["0.10", "0.1", "1", "0.0000100", "0.5", "0.25", "10", "100"]


@given(
    step=st.sampled_from(STEPS),
    count=st.integers(-(10**12), 10**12),
    zeros=st.integers(0, 6),
)
def test_text_becomes_whole_steps_exactly(step: str, count: int, zeros: int) -> None:
    text = format(Decimal(step) * count, "f")
    padded = (text if "." in text else text + ".") + "0" * zeros

    assert whole_steps(Decimal(step))(text) == count
    assert whole_steps(Decimal(step))(padded) == count


@given(step=st.sampled_from(["0.10", "0.5", "10"]), count=st.integers(-(10**9), 10**9))
def test_text_between_two_steps_is_refused(step: str, count: int) -> None:
    text = format(Decimal(step) * count + Decimal(step) / 4, "f")

    with pytest.raises(ValueError, match="multiple"):
        whole_steps(Decimal(step))(text)


@pytest.mark.parametrize(
    ("average", "filled", "ticks", "lots"),
    [
        ("61800.1499", "0.010", 618_001, 10),
        ("61800.35", "0.010", 618_004, 10),
        ("0", "0", 617_000, 14),
    ],
)
def test_a_liquidation_tells_its_average_price_or_its_limit(
    average: str, filled: str, ticks: int, lots: int
) -> None:
    # Shape of the venue's documentation of Liquidation Order Streams.
    order = {"s": "BTCUSDT", "S": "SELL", "o": "LIMIT", "f": "IOC", "q": "0.014", "p": "61700.0"}
    order |= {"ap": average, "X": "FILLED", "l": filled, "z": filled}
    printed = decoded({"e": "forceOrder", "E": 1568014460893, "o": order})

    assert printed == LiquidationPrinted(
        symbol="BTCUSDT",
        side=Side.SELL,
        price_ticks=ticks,
        qty_lots=lots,
        event_ns=1568014460893 * 10**6,
        connection=3,
    )
    assert decoded({"e": "forceOrder", "E": 1, "o": {**order, "s": "XRPUSDT"}}) is None
