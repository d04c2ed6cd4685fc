from __future__ import annotations

from decimal import Decimal

import attrs

from grinder.messages.venue import (
    AccountRead,
    BudgetReported,
    CancelAnswered,
    FundingRead,
    OrderQueried,
    QueryOrder,
    ReadAccount,
    ReadFailed,
    ReadFunding,
    ReadTrades,
    TradesRead,
)
from venues.fakes import (
    Answer,
    FakeOutlet,
    ScriptedVenue,
    acknowledged,
    cancel,
)
from venues.scripts import ORDER, Open, error


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
    scripted.on("GET", "/fapi/v1/userTrades", error(400, -1121))
    command = ReadTrades(symbol="BTCUSDT", from_id=4, since_ns=0)
    opened().receive(outlet.envelope(command))
    (failed,) = outlet.wait(ReadFailed)

    assert (failed.code, failed.symbol) == (-1121, "BTCUSDT")
    assert len(scripted.seen("/fapi/v1/userTrades")) == 1


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
    scripted.on("GET", "/fapi/v1/userTrades", Answer(body=[]))
    scripted.on("GET", "/fapi/v1/income", Answer(body=[]))
    port = opened()
    port.receive(outlet.envelope(ReadTrades(symbol="BTCUSDT", from_id=0, since_ns=7_000_000)))
    port.receive(outlet.envelope(ReadFunding(since_ns=0)))
    outlet.wait(TradesRead)
    outlet.wait(FundingRead)

    assert scripted.seen("/fapi/v1/userTrades")[0].parameters["startTime"] == "7"


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
