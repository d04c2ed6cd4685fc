from __future__ import annotations

from decimal import Decimal

import attrs
import pytest

from execution.orders import ended, filled
from grinder.kernel.message import Message
from grinder.messages.account import (
    AccountSynced,
    MismatchDetected,
    PositionChanged,
    ReconcileRan,
)
from grinder.messages.orders import (
    CancelRejected,
    OrderAccepted,
    OrdersSynced,
)
from grinder.model.order import OpenOrder, Side
from grinder.model.position import Position
from grinder.model.settings import SyncSettings
from grinder.model.units import NS_PER_S
from grinder.reconcile.diff import Reconciler

S = NS_PER_S
OPEN = OpenOrder(
    symbol="BTCUSDT",
    client_order_id="g-a",
    order_id=1,
    side=Side.BUY,
    price_ticks=100,
    qty_lots=10,
)
ACCEPTED = OrderAccepted(
    symbol="BTCUSDT",
    client_order_id="g-a",
    order_id=1,
    side=Side.BUY,
    price_ticks=100,
    qty_lots=10,
    reduce_only=False,
    level="b1",
)
ENDED = ended("g-a")
FILLED = filled(4, client_order_id="g-a", remaining_lots=6, event_ns=5)


def synced(
    symbol: str = "BTCUSDT", lots: int = 0, orders: tuple[OpenOrder, ...] = ()
) -> OrdersSynced:
    return OrdersSynced(
        symbol=symbol,
        orders=orders,
        position_lots=lots,
        entry_price=Decimal(0),
        is_stream_live=True,
    )


def make_reconciler(*messages: Message) -> Reconciler:
    reconciler = Reconciler(
        ("BTCUSDT", "ETHUSDT"), lambda name: name.startswith("g-"), SyncSettings()
    )
    for message in (synced(), *messages):
        assert reconciler.apply(message, S)
    return reconciler


def snapshot(
    at_ns: int, *orders: OpenOrder, lots: int = 0, symbol: str = "BTCUSDT"
) -> AccountSynced:
    positions = (Position(symbol=symbol, qty_lots=lots),) if lots else ()
    return AccountSynced(
        wallet=Decimal(1),
        unrealized_pnl=Decimal(0),
        positions=positions,
        open_orders=orders,
        asked_ns=at_ns,
        answered_ns=at_ns,
    )


def found(reconciler: Reconciler, *snapshots: AccountSynced) -> list[list[str]]:
    said = []
    for each in snapshots:
        messages = reconciler.compare(each, each.asked_ns + 1)
        assert isinstance(messages[-1], ReconcileRan)
        said.append([m.kind for m in messages if isinstance(m, MismatchDetected)])
    return said


def test_agreement_is_quiet() -> None:
    reconciler = make_reconciler(ACCEPTED)

    assert found(reconciler, *(snapshot(at * S, OPEN) for at in (10, 15, 20))) == [[], [], []]


def test_a_missing_order_is_told_once_after_two_snapshots() -> None:
    reconciler = make_reconciler(ACCEPTED)

    said = found(reconciler, *(snapshot(at * S) for at in (10, 15, 20)))

    assert said == [[], ["ORDER_MISSING_ON_EXCHANGE"], []]


def test_patience_holds_until_the_silence_is_long_enough() -> None:
    reconciler = make_reconciler(ACCEPTED)

    said = found(reconciler, *(snapshot(at * S) for at in (2, 3, 4, 7)))

    assert said == [[], [], [], ["ORDER_MISSING_ON_EXCHANGE"]]


def test_a_difference_that_went_away_is_told_again_when_it_comes_back() -> None:
    reconciler = make_reconciler(ACCEPTED)

    said = found(
        reconciler,
        *(snapshot(at * S) for at in (10, 15)),
        snapshot(20 * S, OPEN),
        *(snapshot(at * S) for at in (25, 30)),
    )

    assert said == [[], ["ORDER_MISSING_ON_EXCHANGE"], [], [], ["ORDER_MISSING_ON_EXCHANGE"]]


def test_an_own_order_not_expected_is_told_and_a_foreign_one_is_not() -> None:
    reconciler = make_reconciler()
    foreign = attrs.evolve(OPEN, client_order_id="web_1")

    said = found(reconciler, *(snapshot(at * S, OPEN, foreign) for at in (10, 15, 20)))

    assert said == [[], ["ORDER_EXISTS_UNEXPECTED"], []]


def test_an_order_that_ended_after_the_question_is_not_unexpected() -> None:
    reconciler = make_reconciler(ACCEPTED)
    found(reconciler, snapshot(10 * S, OPEN))
    reconciler.apply(ENDED, 16 * S)

    assert reconciler.compare(snapshot(15 * S, OPEN), 17 * S)[-1] == ReconcileRan(
        mismatches=0, orders_compared=0, snapshot_age_ns=2 * S
    )


def test_news_after_the_question_takes_the_order_out_of_the_comparison() -> None:
    reconciler = make_reconciler()
    reconciler.apply(ACCEPTED, 12 * S)

    assert found(reconciler, snapshot(10 * S), snapshot(11 * S)) == [[], []]


@pytest.mark.parametrize("change", [{"qty_lots": 9}, {"price_ticks": 99}, {"filled_lots": 2}])
def test_an_order_that_looks_otherwise_diverges(change: dict[str, int]) -> None:
    reconciler = make_reconciler(ACCEPTED)
    other = attrs.evolve(OPEN, **change)  # type: ignore[arg-type]

    said = found(reconciler, *(snapshot(at * S, other) for at in (10, 15)))

    assert said == [[], ["ORDER_STATUS_DIVERGENCE"]]


def test_fills_are_part_of_the_expectation() -> None:
    reconciler = make_reconciler(ACCEPTED, FILLED)
    partly = attrs.evolve(OPEN, filled_lots=4)

    assert found(reconciler, *(snapshot(at * S, partly, lots=4) for at in (10, 15))) == [[], []]


def test_a_position_that_differs_is_told_with_both_numbers() -> None:
    reconciler = make_reconciler()
    reconciler.compare(snapshot(10 * S, lots=3), 10 * S)

    (mismatch, ran) = reconciler.compare(snapshot(15 * S, lots=3), 15 * S)

    assert isinstance(mismatch, MismatchDetected)
    assert (mismatch.kind, mismatch.expected, mismatch.observed) == (
        "POSITION_MISMATCH",
        "qty_lots=0",
        "qty_lots=3",
    )
    assert isinstance(ran, ReconcileRan)
    assert ran.mismatches == 1


def test_a_position_stated_by_the_venue_is_the_expectation() -> None:
    stated = PositionChanged(
        symbol="BTCUSDT",
        qty_lots=3,
        entry_price=Decimal(0),
        unrealized_pnl=Decimal(0),
        event_ns=9,
    )
    reconciler = make_reconciler(FILLED, stated)

    assert found(reconciler, *(snapshot(at * S, lots=3) for at in (10, 15))) == [[], []]


def test_symbols_not_synced_or_not_ours_are_not_compared() -> None:
    reconciler = make_reconciler()
    other = attrs.evolve(OPEN, symbol="ETHUSDT")

    said = found(
        reconciler, *(snapshot(at * S, other, lots=3, symbol="ETHUSDT") for at in (10, 15))
    )

    assert said == [[], []]


def test_a_snapshot_no_newer_than_the_last_is_left_out() -> None:
    reconciler = make_reconciler()
    reconciler.compare(snapshot(10 * S), 10 * S)

    assert reconciler.compare(snapshot(10 * S), 11 * S) == ()


def test_a_sync_replaces_the_expectation() -> None:
    reconciler = make_reconciler(ACCEPTED, ENDED, synced(orders=(OPEN,), lots=2))

    assert found(reconciler, *(snapshot(at * S, OPEN, lots=2) for at in (10, 15))) == [[], []]


def test_tables_are_bounded() -> None:
    reconciler = make_reconciler()
    for number in range(3_000):
        reconciler.apply(attrs.evolve(ACCEPTED, client_order_id=f"g-{number}"), S)
        if number % 2:
            reconciler.apply(attrs.evolve(ENDED, client_order_id=f"g-{number}"), S)

    assert len(reconciler.expected.orders) <= 2_000
    assert len(reconciler.expected.ended) <= 1_000


def test_other_messages_say_nothing() -> None:
    message = CancelRejected(symbol="BTCUSDT", client_order_id="a", code=1, reason="")

    assert not make_reconciler().apply(message, S)
