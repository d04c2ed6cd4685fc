from __future__ import annotations

import time
from decimal import Decimal

import pytest
import requests

from grinder.model.instrument import Instrument
from grinder.simulation.market import Trade
from grinder.simulation.scales import Scale
from grinder.venues.sim.config import VenueConfig
from grinder.venues.sim.server import VenueServer
from grinder.venues.sim.tape import CANDLES_MAX, Tape, closed_ms, opened_ms
from venue.clients import Rest, Stream, World

SCALE = Scale.of(Instrument(symbol="X", base_asset="Y", tick=Decimal(1), lot=Decimal(1)))
MINUTE_MS = 60_000
MONDAY_MS = 1_704_067_200_000
"""2024-01-01, a Monday and the first of a month."""


def trade(ticks: int, lots: int = 1, *, sells: bool = False) -> Trade:
    return Trade(at_ms=0, symbol="X", price_ticks=ticks, lots=lots, buyer_is_maker=sells)


def test_minutes_follow_each_other_without_a_hole() -> None:
    tape = Tape(SCALE)
    tape.take(trade(100, 2), 1, MONDAY_MS)
    tape.take(trade(90, 3, sells=True), 2, MONDAY_MS + 10)
    tape.take(trade(120), 3, MONDAY_MS + 3 * MINUTE_MS)

    found = tape.candles("1m", MONDAY_MS + 4 * MINUTE_MS)

    assert [each.open_ms - MONDAY_MS for each in found] == [n * MINUTE_MS for n in range(5)]
    assert [(c.open, c.high, c.low, c.close) for c in found] == [
        (100, 100, 90, 90),
        (90, 90, 90, 90),
        (90, 90, 90, 90),
        (120, 120, 120, 120),
        (120, 120, 120, 120),
    ]
    assert (found[0].lots, found[0].taker_lots, found[0].turnover) == (5, 2, 470)
    assert (found[0].first_id, found[0].last_id, found[1].first_id) == (1, 2, -1)


def test_wider_candles_are_the_sum_of_their_minutes() -> None:
    tape = Tape(SCALE)
    for minute in range(7):
        tape.take(trade(100 + minute), minute, MONDAY_MS + minute * MINUTE_MS)

    five, rest = tape.candles("5m", MONDAY_MS + 6 * MINUTE_MS)
    day = tape.day(MONDAY_MS + 6 * MINUTE_MS)

    assert (five.open, five.close, five.trades, five.last_id) == (100, 104, 5, 4)
    assert (rest.open_ms, rest.first_id) == (MONDAY_MS + 5 * MINUTE_MS, 5)
    assert day is not None
    assert (day.open, day.close, day.trades) == (100, 106, 7)


def test_tape_is_bounded_over_a_long_silence() -> None:
    tape = Tape(SCALE)
    tape.take(trade(100), 1, MONDAY_MS)

    found = tape.candles("1m", MONDAY_MS + 3 * CANDLES_MAX * MINUTE_MS)

    assert len(found) == CANDLES_MAX
    assert found[-1].open_ms == MONDAY_MS + 3 * CANDLES_MAX * MINUTE_MS


@pytest.mark.parametrize(
    ("interval", "at_ms", "expected"),
    [
        ("1w", MONDAY_MS + 6 * 86_400_000, MONDAY_MS),
        ("1M", MONDAY_MS + 30 * 86_400_000, MONDAY_MS),
        ("1h", MONDAY_MS + 3_599_999, MONDAY_MS),
    ],
)
def test_candles_open_with_the_calendar(interval: str, at_ms: int, expected: int) -> None:
    assert opened_ms(interval, at_ms) == expected
    assert opened_ms(interval, closed_ms(interval, expected)) == expected
    assert opened_ms(interval, closed_ms(interval, expected) + 1) > expected


def print_trades(world: World, *prices: str) -> None:
    for price in prices:
        world.server.control("trade", symbol="BTCUSDT", price=price, qty="0.5")


def test_klines_tell_what_was_traded(world: World) -> None:
    print_trades(world, "61900", "61700", "61800")
    url = "/fapi/v1/klines"
    rows = world.rest.get(url, symbol="BTCUSDT", interval="1d")
    same = world.rest.get(
        "/fapi/v1/continuousKlines", pair="BTCUSDT", contractType="PERPETUAL", interval="1d"
    )
    none = world.rest.get(
        "/fapi/v1/continuousKlines", pair="BTCUSDT", contractType="NEXT_QUARTER", interval="1d"
    )

    assert len(rows[-1]) == 12
    assert float(rows[-1][2]) >= 61_900
    assert float(rows[-1][3]) <= 61_700
    assert rows[-1][4] == "61800.00"
    assert rows[-1][0] % 86_400_000 == 0
    assert same == rows
    assert none == []
    assert world.rest.get(url, symbol="BTCUSDT", interval="1d", startTime=10**18) == []
    assert world.rest.get(url, symbol="BTCUSDT", interval="7m")["code"] == -1120
    assert world.rest.get(url, symbol="NOPE", interval="1m")["code"] == -1121


def test_trades_are_paged_by_id(world: World) -> None:
    print_trades(world, "61900", "61700", "61800")
    last = world.rest.get("/fapi/v1/trades", symbol="BTCUSDT", limit=2)
    from_first = world.rest.raw(
        "GET", "/fapi/v1/historicalTrades", f"symbol=BTCUSDT&fromId={last[0]['id']}&limit=1"
    ).json()

    assert [row["price"] for row in last] == ["61700.00", "61800.00"]
    assert last[1]["quoteQty"] == "30900.00000"
    assert from_first == last[:1]


def test_aggregated_trades_are_the_same_as_on_the_stream(world: World) -> None:
    stream = world.stream("/market/ws/btcusdt@aggTrade")
    print_trades(world, "61900", "61900", "61700")
    told = stream.next()

    rows = world.rest.get("/fapi/v1/aggTrades", symbol="BTCUSDT", fromId=told["a"])

    names = ("a", "p", "q", "f", "l", "T", "m")
    assert {name: rows[0][name] for name in names} == {name: told[name] for name in names}


def test_open_interest_is_what_accounts_hold(world: World) -> None:
    world.rest.market("BUY", "0.030")

    found = world.rest.get("/fapi/v1/openInterest", symbol="BTCUSDT")

    assert found["openInterest"] == "0.030"


def test_amendment_bears_the_name_that_it_was_given(world: World) -> None:
    stream = world.stream(f"/private/ws/{world.rest.listen_key()}")
    order_id = world.rest.limit("BUY", "61000")["orderId"]
    one = {"symbol": "BTCUSDT", "orderId": order_id, "side": "BUY", "quantity": "0.010"}
    world.rest.call("PUT", "/fapi/v1/order", **one, price="61001", modifyId=77)
    world.rest.call("PUT", "/fapi/v1/order", **one, price="61002")
    history = world.rest.call("GET", "/fapi/v1/orderAmendment", symbol="BTCUSDT", orderId=order_id)

    told = [frame["o"] for frame in stream.heard_before_answer()]
    assert [(each["x"], each.get("M")) for each in told] == [
        ("NEW", None),
        ("AMENDMENT", "77"),
        ("AMENDMENT", None),
    ]
    assert [row["amendment"].get("modifyId") for row in history] == [None, 77]


def test_amendments_of_an_order_are_remembered(world: World) -> None:
    placed = world.rest.limit("BUY", "60000")
    key = {"symbol": "BTCUSDT", "orderId": placed["orderId"]}
    for price in ("60001", "60002"):
        world.rest.call("PUT", "/fapi/v1/order", **key, side="BUY", quantity="0.01", price=price)

    found = world.rest.call("GET", "/fapi/v1/orderAmendment", **key)
    nothing = world.rest.call("GET", "/fapi/v1/orderAmendment", **key | {"orderId": 10**9})
    refused = world.rest.call("GET", "/fapi/v1/orderAmendment", symbol="BTCUSDT")

    assert [float(row["amendment"]["price"]["after"]) for row in found] == [60002, 60001]
    assert [row["amendment"]["count"] for row in found] == [2, 1]
    assert nothing == []
    assert refused["code"] == -1102


def test_tested_order_is_checked_and_not_placed(world: World) -> None:
    order = {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC"}
    good = world.rest.call("POST", "/fapi/v1/order/test", **order, quantity="0.01", price="60000")
    bad = world.rest.call("POST", "/fapi/v1/order/test", **order, quantity="0.01", price="60000.01")

    assert (good["status"], good["origQty"]) == ("NEW", "0.01")
    assert bad["code"] == -4014
    assert world.rest.call("GET", "/fapi/v1/openOrders") == []


@pytest.mark.parametrize(
    ("method", "path", "params", "code"),
    [
        ("POST", "/fapi/v1/multiAssetsMargin", {"multiAssetsMargin": "false"}, -4171),
        ("POST", "/fapi/v1/multiAssetsMargin", {"multiAssetsMargin": "true"}, -1130),
        ("POST", "/fapi/v1/feeBurn", {"feeBurn": "false"}, 200),
        ("POST", "/fapi/v1/feeBurn", {"feeBurn": "true"}, -1130),
    ],
)
def test_settings_accept_what_is(
    world: World, method: str, path: str, params: dict[str, str], code: int
) -> None:
    assert world.rest.call(method, path, **params)["code"] == code


def test_small_reads_answer(world: World) -> None:
    assert world.rest.call("GET", "/fapi/v1/feeBurn") == {"feeBurn": False}
    assert world.rest.call("GET", "/fapi/v1/forceOrders") == []
    assert world.rest.call("GET", "/fapi/v1/adlQuantile") == []
    assert world.rest.call("GET", "/fapi/v1/apiTradingStatus")["indicators"] == {}
    told = world.rest.get("/fapi/v1/fundingInfo")
    assert {row["symbol"]: row["fundingIntervalHours"] for row in told}["BTCUSDT"] == 8


def test_unusual_funding_is_told() -> None:
    config = VenueConfig(paused=True, data=(), funding_interval_ms=4 * 3_600_000)
    server = VenueServer(config)
    server.start()
    found = Rest(server.rest_url).get("/fapi/v1/fundingInfo")
    server.stop()

    assert {row["fundingIntervalHours"] for row in found} == {4}


def test_funding_is_in_the_history_as_soon_as_it_is_told() -> None:
    server = VenueServer(VenueConfig(paused=True, data=(), mark_interval_s=3600.0))
    server.start()
    rest = Rest(server.rest_url)
    rest.market("BUY")
    stream = Stream(server.ws_url, f"/private/ws/{rest.listen_key()}")
    before = rest.get("/fapi/v1/premiumIndex", symbol="BTCUSDT")
    due_ms, mark = before["nextFundingTime"], before["markPrice"]
    server.control("clock", offset_ms=due_ms - time.time_ns() // 1_000_000)
    stream.until(lambda frame: frame["e"] == "ACCOUNT_UPDATE")
    rows = rest.get("/fapi/v1/fundingRate", symbol="BTCUSDT")
    after = rest.get("/fapi/v1/premiumIndex", symbol="BTCUSDT")
    server.control("clock", offset_ms=0)
    server.control("price", symbol="BTCUSDT", price="60000")
    later = rest.get("/fapi/v1/fundingRate", symbol="BTCUSDT", endTime=due_ms + 10**10)
    stream.close()
    server.stop()

    assert [(row["fundingTime"], row["markPrice"]) for row in rows] == [(due_ms, mark)]
    assert after["nextFundingTime"] == due_ms + 8 * 3_600_000
    assert later == rows


def test_all_tickers_come_before_anything_is_traded(world: World) -> None:
    found = world.rest.get("/fapi/v1/ticker/24hr")

    assert [row["symbol"] for row in found] == ["BTCUSDT", "ETHUSDT"]


def test_heavy_reads_weigh_more(world: World) -> None:
    def weight(path: str) -> int:
        world.server.control("reset")
        answer = requests.get(world.server.rest_url + path, timeout=60)
        return int(answer.headers["X-MBX-USED-WEIGHT-1M"])

    klines = "/fapi/v1/klines?symbol=BTCUSDT&interval=1m&limit="

    assert [weight(klines + limit) for limit in ("99", "499", "1000", "1500", "x")] == [
        1,
        2,
        5,
        10,
        5,
    ]
    assert weight("/fapi/v1/ticker/24hr") == 40


def test_account_page_shows_what_happens_and_no_secret(world: World) -> None:
    world.rest.market("BUY", "0.030")
    world.rest.limit("BUY", "60000", newClientOrderId="seen-on-page")

    answer = requests.get(world.server.rest_url + "/", timeout=60)

    assert answer.headers["Content-Type"].startswith("text/html")
    assert all(
        text in answer.text
        for text in ("BTCUSDT", "seen-on-page", "0.030", "taker", "61800.00", "refresh")
    )
    assert "sim-secret" not in answer.text
    assert "src=" not in answer.text
