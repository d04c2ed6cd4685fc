"""Orders that were submitted are expected, whenever they are taken in."""

from __future__ import annotations

from decimal import Decimal

from execution.orders import SYMBOL, ended, place
from grinder.messages.account import AccountSynced, MismatchDetected, ReconcileRan
from grinder.messages.orders import OrdersSubmitted, OrdersSynced
from grinder.model.settings import SyncSettings
from grinder.model.units import NS_PER_MS, NS_PER_S
from grinder.reconcile.diff import Reconciler

SETTINGS = SyncSettings()
SYNCED = OrdersSynced(
    symbol=SYMBOL, orders=(), position_lots=0, entry_price=Decimal(0), is_stream_live=True
)
PATIENCE_NS = SETTINGS.missing_after_ms * NS_PER_MS


def submitted(*names: str) -> OrdersSubmitted:
    return OrdersSubmitted(symbol=SYMBOL, orders=place(*names).orders)


def snapshot(asked_ns: int) -> AccountSynced:
    return AccountSynced(
        wallet=Decimal(1),
        unrealized_pnl=Decimal(0),
        positions=(),
        open_orders=(),
        asked_ns=asked_ns,
        answered_ns=asked_ns,
    )


def make_reconciler() -> Reconciler:
    reconciler = Reconciler((SYMBOL,), lambda name: name.startswith("g-"), SETTINGS)
    reconciler.apply(SYNCED, 0)
    return reconciler


def test_one_that_the_venue_does_not_show_is_missing_since_it_was_submitted() -> None:
    reconciler = make_reconciler()
    reconciler.apply(submitted("g-a", "g-b"), NS_PER_S)
    late_ns = NS_PER_S + PATIENCE_NS

    first = reconciler.compare(snapshot(late_ns - 2), late_ns - 2)
    early = reconciler.compare(snapshot(late_ns - 1), late_ns - 1)
    told = reconciler.compare(snapshot(late_ns), late_ns)

    assert [type(one) for one in (*first, *early)] == [ReconcileRan, ReconcileRan]
    assert [one.client_order_id for one in told if isinstance(one, MismatchDetected)] == [
        "g-a",
        "g-b",
    ]


def test_one_that_ended_is_not_expected_and_never_again() -> None:
    reconciler = make_reconciler()
    reconciler.apply(submitted("g-a", "g-b"), NS_PER_S)
    reconciler.apply(ended("g-a"), NS_PER_S)
    reconciler.apply(submitted("g-a"), NS_PER_S)

    (ran,) = reconciler.compare(snapshot(NS_PER_S), NS_PER_S)

    assert isinstance(ran, ReconcileRan)
    assert ran.orders_compared == 1


def test_what_is_submitted_without_any_other_news_is_bounded() -> None:
    reconciler = make_reconciler()
    for number in range(2_500):
        reconciler.apply(submitted(f"g-{number}"), NS_PER_S)

    assert len(reconciler.expected._unread) <= 100
    reconciler.expected.read()
    assert len(reconciler.expected.orders) == 2_000
