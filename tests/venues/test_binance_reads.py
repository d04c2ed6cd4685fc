from __future__ import annotations

from decimal import Decimal

import attrs

from grinder.messages.venue import (
    AccountRead,
    BudgetReported,
    CancelAnswered,
    DepthRead,
    FundingRead,
    MarketStatsRead,
    OrderQueried,
    QueryOrder,
    ReadAccount,
    ReadDepth,
    ReadFailed,
    ReadFunding,
    ReadMarketStats,
    ReadTrades,
    TradesRead,
)
from grinder.model.units import NS_PER_MS
from venues.fakes import (
    Answer,
    Call,
    FakeOutlet,
    ScriptedVenue,
    acknowledged,
    cancel,
)
from venues.scripts import ORDER, Open, error

DAY_MS = 86_400_000
TRADES = "/fapi/v1/userTrades"


def test_the_account_is_read_whole(
    opened: Open, outlet: FakeOutlet, scripted: ScriptedVenue
) -> None:
    row = {"asset": "USDT", "walletBalance": "100", "unrealizedProfit": "1"}
    scripted.on("GET", "/fapi/v3/account", Answer(body={"assets": [row]}))
    scripted.on("GET", "/fapi/v3/positionRisk", Answer(body=[]))
    scripted.on("GET", "/fapi/v1/openOrders", Answer(body=[]))
    begun_ns = outlet.now_ns()
    opened().receive(outlet.envelope(ReadAccount(token=9), sender="sync"))
    (account,) = outlet.wait(AccountRead)
    symbols = [call.parameters["symbol"] for call in scripted.seen("/fapi/v1/openOrders")]

    assert account.token == 9
    assert (account.wallet, account.unrealized_pnl) == (Decimal(100), Decimal(1))
    assert [each.symbol for each in account.positions] == ["BTCUSDT", "ETHUSDT"]
    assert begun_ns <= account.asked_ns <= outlet.now_ns()
    assert symbols == ["BTCUSDT", "ETHUSDT"]
    assert {each.receiver for each in outlet.told} == {"sync"}


def test_a_read_is_repeated_three_times_and_then_given_up(
    opened: Open, outlet: FakeOutlet, scripted: ScriptedVenue
) -> None:
    scripted.on("GET", "/fapi/v1/income", error(500, 0))
    opened().receive(outlet.envelope(ReadFunding(since_ns=5_000_000)))
    (failed,) = outlet.wait(ReadFailed)

    assert failed.request == "ReadFunding"
    assert len(scripted.seen("/fapi/v1/income")) == 3
    assert scripted.seen("/fapi/v1/income")[0].parameters["startTime"] == "5"


def test_a_refused_read_is_not_repeated(
    opened: Open, outlet: FakeOutlet, scripted: ScriptedVenue
) -> None:
    scripted.on("GET", TRADES, error(400, -1121))
    command = ReadTrades(symbol="BTCUSDT", from_id=4, since_ns=0)
    opened().receive(outlet.envelope(command))
    (failed,) = outlet.wait(ReadFailed)

    assert (failed.code, failed.symbol) == (-1121, "BTCUSDT")
    assert len(scripted.seen(TRADES)) == 1


def test_an_order_unknown_to_the_venue_is_an_answer(
    opened: Open, outlet: FakeOutlet, scripted: ScriptedVenue
) -> None:
    scripted.on("GET", ORDER, error(400, -2013))
    opened().receive(outlet.envelope(QueryOrder(symbol="BTCUSDT", client_order_id="q")))
    (queried,) = outlet.wait(OrderQueried)

    assert queried == OrderQueried(symbol="BTCUSDT", client_order_id="q", order=None)


def test_trades_and_funding_are_read(
    opened: Open, outlet: FakeOutlet, scripted: ScriptedVenue
) -> None:
    scripted.on("GET", TRADES, Answer(body=[]))
    scripted.on("GET", "/fapi/v1/income", Answer(body=[]))
    port = opened()
    since_ms = outlet.now_ns() // NS_PER_MS - DAY_MS
    since = since_ms * NS_PER_MS + 999_999
    port.receive(outlet.envelope(ReadTrades(symbol="BTCUSDT", from_id=0, since_ns=since)))
    port.receive(outlet.envelope(ReadFunding(since_ns=0)))
    outlet.wait(TradesRead)
    outlet.wait(FundingRead)

    assert [call.parameters["startTime"] for call in scripted.seen(TRADES)] == [str(since_ms)]


def test_trades_of_long_ago_are_read_week_by_week(
    opened: Open, outlet: FakeOutlet, scripted: ScriptedVenue
) -> None:
    now_ms = outlet.now_ns() // NS_PER_MS
    at_ms = {1: now_ms - 80 * DAY_MS, 2: now_ms - 20 * DAY_MS, 3: now_ms - 9 * DAY_MS, 4: now_ms}
    scripted.on("GET", TRADES, lambda call: of_a_week(call, at_ms))
    port = opened()
    for days in (1, 19, 30):
        since_ns = (now_ms - days * DAY_MS) * NS_PER_MS
        port.receive(outlet.envelope(ReadTrades(symbol="BTCUSDT", from_id=0, since_ns=since_ns)))
        outlet.wait(TradesRead, (1, 19, 30).index(days) + 1)
    port.receive(outlet.envelope(ReadTrades(symbol="BTCUSDT", from_id=0, since_ns=0)))
    read = outlet.wait(TradesRead, 4)

    assert [[row.trade_id for row in each.trades] for each in read] == [
        [4],
        [3, 4],
        [2, 3, 4],
        [1, 2, 3, 4],
    ]
    assert len(scripted.seen(TRADES)) == 1 + 3 + 5 + 13


def test_a_page_that_is_full_ends_the_walk(
    opened: Open, outlet: FakeOutlet, scripted: ScriptedVenue
) -> None:
    now_ms = outlet.now_ns() // NS_PER_MS
    first, second = now_ms - 29 * DAY_MS, now_ms - 22 * DAY_MS
    at_ms = {n: first if n <= 600 else second for n in range(1, 1_201)}
    scripted.on("GET", TRADES, lambda call: of_a_week(call, at_ms))
    since_ns = (now_ms - 30 * DAY_MS) * NS_PER_MS
    opened().receive(outlet.envelope(ReadTrades(symbol="BTCUSDT", from_id=0, since_ns=since_ns)))
    (read,) = outlet.wait(TradesRead)

    assert [each.trade_id for each in read.trades] == list(range(1, 1_001))
    assert read.next_id == 1_001
    assert len(scripted.seen(TRADES)) == 2


def of_a_week(call: Call, at_ms: dict[int, int]) -> Answer:
    """Answer as the venue does: what fell into the seven days after ``startTime``, both ends in."""
    start_ms = int(call.parameters["startTime"])
    row = {
        "symbol": "BTCUSDT",
        "orderId": 1,
        "side": "BUY",
        "price": "61800.00",
        "qty": "0.010",
        "commission": "0",
        "commissionAsset": "USDT",
        "maker": True,
        "realizedPnl": "0",
    }
    rows = [
        {**row, "id": trade_id, "time": ms}
        for trade_id, ms in at_ms.items()
        if start_ms <= ms <= start_ms + 7 * DAY_MS
    ]
    return Answer(body=rows[: int(call.parameters["limit"])])


def test_reads_stop_before_the_weight_that_cancels_need_is_gone(
    opened: Open, outlet: FakeOutlet, scripted: ScriptedVenue
) -> None:
    scripted.begin_minute()
    heavy = {"X-MBX-USED-WEIGHT-1M": "2390", "X-MBX-ORDER-COUNT-10S": "3"}
    scripted.on(
        "DELETE", ORDER, lambda call: attrs.evolve(acknowledged(call, "CANCELED"), headers=heavy)
    )
    port = opened(order_weight_reserve=300)
    port.receive(outlet.envelope(cancel()))
    outlet.wait(CancelAnswered)
    port.receive(outlet.envelope(ReadAccount(token=1)))
    (failed,) = outlet.wait(ReadFailed)
    (report,) = outlet.wait(BudgetReported)

    assert (report.used_weight_1m, report.orders_10s) == (2_390, 3)
    assert "kept for cancels" in failed.text
    assert scripted.seen("/fapi/v3/account") == []


def test_a_book_is_read_with_a_thousand_levels_and_the_day_with_what_is_held(
    opened: Open, outlet: FakeOutlet, scripted: ScriptedVenue
) -> None:
    book = {"lastUpdateId": 77, "E": 5, "T": 4, "bids": [["61800.0", "1.5"]], "asks": []}
    day = {"quoteVolume": "123.45", "count": 9, "lastPrice": "60000", "closeTime": 6}
    scripted.on("GET", "/fapi/v1/depth", Answer(body=book))
    scripted.on("GET", "/fapi/v1/ticker/24hr", Answer(body=day))
    scripted.on("GET", "/fapi/v1/openInterest", Answer(body={"openInterest": "2.5"}))
    port = opened()
    port.receive(outlet.envelope(ReadDepth(symbol="BTCUSDT", token=1), sender="feed"))
    port.receive(outlet.envelope(ReadMarketStats(symbol="BTCUSDT", token=2), sender="feed"))
    (depth,) = outlet.wait(DepthRead)
    (stats,) = outlet.wait(MarketStatsRead)
    (call,) = scripted.seen("/fapi/v1/depth")

    assert (depth.last_id, depth.bids, depth.asks) == (77, ((618_000, 1_500),), ())
    assert call.parameters["limit"] == "1000"
    assert "signature" not in call.parameters
    assert stats.volume_24h == Decimal("123.45")
    assert (stats.trades_24h, stats.open_interest) == (9, Decimal(150_000))


def test_a_book_that_makes_no_sense_is_a_read_that_failed(
    opened: Open, outlet: FakeOutlet, scripted: ScriptedVenue
) -> None:
    body = {"lastUpdateId": 77, "E": 5, "T": 4, "bids": [["61800.01", "1"]], "asks": []}
    scripted.on("GET", "/fapi/v1/depth", Answer(body=body))
    opened().receive(outlet.envelope(ReadDepth(symbol="BTCUSDT", token=8)))
    (failed,) = outlet.wait(ReadFailed)

    assert (failed.request, failed.symbol, failed.token) == ("ReadDepth", "BTCUSDT", 8)
    assert "multiple of" in failed.text
