"""Snapshots against the picture that news have drawn, in the assembled system."""

from __future__ import annotations

from decimal import Decimal

import pytest

from grinder.actors.world import ACCOUNT
from grinder.kernel.message import Message
from grinder.messages.account import AccountSyncFailed, FundingPaid, MismatchDetected, ReconcileRan
from grinder.messages.grid import IntentsDenied
from grinder.messages.market import StreamClosed
from grinder.messages.orders import CancelOrder, OrderFilled, PlaceOrders
from grinder.messages.venue import ReadAccount, ReadFailed
from grinder.model.order import Side
from grinder.venues import simulated_rest
from simulated import checks
from simulated.worlds import BTC, Stage, ladder, quick

LADDER = ladder(3)


def test_a_quiet_account_is_compared_again_and_again_without_a_mismatch() -> None:
    stage = Stage().run(60)

    runs = stage.said(ReconcileRan)
    assert len(runs) >= 19
    assert {one.mismatches for one in runs} == {0}
    assert runs[-1].orders_compared == 6


def test_an_empty_account_does_not_look_stale() -> None:
    settings = quick(risk={"account_stale_after_ms": 4_000})
    stage = Stage(settings).run(60)

    assert stage.state == "ACTIVE"
    assert set(stage.entries(BTC)) == LADDER
    assert not stage.said(IntentsDenied)


def test_an_order_of_somebody_else_is_no_mismatch_and_never_cancelled() -> None:
    stage = Stage().run(3)
    theirs = stage.by_hand(Side.BUY, 10, ticks=590_000)
    stage.run(60)

    assert theirs.order_id in {order.order_id for order in stage.orders()}
    assert not stage.said(MismatchDetected)
    assert theirs.client_order_id not in {one.client_order_id for one in stage.said(CancelOrder)}


def test_an_own_order_that_nobody_knows_of_is_adopted_and_trimmed() -> None:
    stage = Stage().run(3)
    name = stage.orders()[0].client_order_id.rpartition("-")[0] + "-zz"
    stage.by_hand(Side.BUY, 10, ticks=590_000, name=name, tell=False)
    stage.run(20)

    assert name not in {order.client_order_id for order in stage.orders()}
    assert "GRID_TRIM" in {one.reason for one in stage.said(CancelOrder)}
    assert set(stage.entries(BTC)) == LADDER
    assert not checks.differences(stage)


def test_an_own_name_on_a_symbol_that_it_was_not_made_for_is_reported() -> None:
    stage = Stage().run(3)
    name = "g-zzzz-b1-1-abc-1"
    stage.by_hand(Side.BUY, 10, ticks=590_000, name=name, tell=False)
    stage.run(20)

    (mismatch,) = stage.said(MismatchDetected)
    assert (mismatch.kind, mismatch.client_order_id) == ("ORDER_EXISTS_UNEXPECTED", name)
    assert stage.said(ReconcileRan)[-1].mismatches == 1


def test_a_position_changed_by_hand_that_the_stream_did_not_tell_is_reported_and_then_covered() -> (
    None
):
    stage = Stage().run(3)
    stage.by_hand(Side.BUY, 5, tell=False)
    stage.run(30)

    (mismatch,) = stage.said(MismatchDetected)
    assert (mismatch.kind, mismatch.expected, mismatch.observed) == (
        "POSITION_MISMATCH", "qty_lots=0", "qty_lots=5"
    )  # fmt: skip
    assert stage.said(ReconcileRan)[-1].mismatches == 0
    assert not checks.uncovered(stage)


def refuse_reads(stage: Stage) -> None:
    port = dict(stage.runtime.ports())["port.venue"]

    def failed(envelope: object) -> Message:
        body = envelope.body  # type: ignore[attr-defined]
        return ReadFailed(
            request="ReadAccount", symbol="", client_order_id="", token=body.token,
            code=-1001, text="down",
        )  # fmt: skip

    port._reads[ReadAccount] = failed  # type: ignore[attr-defined]


def test_an_account_that_can_not_be_read_takes_the_leave_to_add_risk() -> None:
    stage = Stage(quick(policy={"spacing_bps": 20})).run(3)
    refuse_reads(stage)
    stage.until(lambda: any(one.is_unknown for one in stage.said(AccountSyncFailed)), within_s=15)
    unknown_ns = stage.runtime.now_ns()
    stage.market.put(BTC, 600_900)
    stage.run(10)

    assert stage.said(AccountSyncFailed)[-1].failures_in_row >= 3
    assert not [one for one in stage.entries_of(PlaceOrders) if one.at_ns > unknown_ns]
    assert "ACCOUNT_STALE" in {
        one.code for denied in stage.said(IntentsDenied) for one in denied.denials
    }


def test_a_read_that_is_never_answered_counts_as_failed() -> None:
    stage = Stage().run(3)
    port = dict(stage.runtime.ports())["port.venue"]
    port._reply = lambda *_: None  # type: ignore[attr-defined]
    stage.run(60)

    assert "no answer" in {one.reason for one in stage.said(AccountSyncFailed)}


def test_a_gap_of_many_pages_is_read_to_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(simulated_rest, "ROWS_MAX", 3)
    stage = Stage().run(3)
    line = stage.world.venue.user.connection
    for number in range(11):
        side = Side.BUY if number % 2 else Side.SELL
        stage.by_hand(side, 5, name=f"hand-{number}", tell=False)
    assert not stage.said(OrderFilled)

    stage.tell("exchange", StreamClosed(stream="private", connection=line, reason="lost"))
    stage.run(20)

    by_hand = [trade.trade_id for trade in stage.exchange.trades(ACCOUNT, BTC)]
    told = [fill.trade_id for fill in stage.said(OrderFilled, sender="exchange")]
    assert len(by_hand) >= 11
    assert sorted(told) == by_hand
    assert not checks.differences(stage)


def test_funding_of_many_pages_is_counted_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(simulated_rest, "ROWS_MAX", 2)
    stage = Stage().run(3)
    stage.by_hand(Side.BUY, 5)
    price, rate = Decimal(60_000), Decimal("0.0001")
    for _ in range(7):
        stage.run(0.1)
        due_ms = stage.now_ms + 1
        stage.exchange.mark(BTC, price, price, rate, due_ms, stage.now_ms)
        stage.exchange.advance(due_ms)
    stage.exchange.drain()
    stage.run(150)

    venue = stage.exchange.ledger(ACCOUNT).funding
    told = stage.said(FundingPaid, sender="exchange")
    assert len(told) >= 7
    assert len({payment.transaction_id for payment in told}) == len(told)
    assert sum(payment.amount for payment in told) == venue
