from __future__ import annotations

from decimal import Decimal

from execution.orders import (
    NAME,
    SCHEME,
    SYMBOL,
    T0,
    kinds,
    make_book,
    open_book,
    place,
    placed,
    queried,
    report,
    shown,
    trade,
)
from grinder.execution.applied import Applied
from grinder.execution.identity import IdentityScheme
from grinder.messages.orders import (
    OrderFilled,
    OrderRejected,
)
from grinder.messages.venue import (
    ReadTrades,
    TradesRead,
)
from grinder.model.order import OrderStatus
from grinder.model.units import NS_PER_S


def test_a_trade_heard_from_both_sources_counts_once() -> None:
    book = open_book()
    book.order_reported(report(OrderStatus.PARTIALLY_FILLED, total=4, last=4, trade_id=1), T0 + 2)

    again = book.trades_read(TradesRead(symbol=SYMBOL, trades=(trade(1, 4),)), T0 + 3)

    assert again == Applied((), ())


def test_a_gap_in_the_cumulative_quantity_is_filled_from_the_trade_before_it() -> None:
    book = open_book()
    for total, last, trade_id in ((2, 2, 11), (7, 2, 13)):
        book.order_reported(
            report(OrderStatus.PARTIALLY_FILLED, total=total, last=last, trade_id=trade_id), T0 + 2
        )
    needed = book.needs_backfill(SYMBOL)
    (request,) = book.due(T0 + NS_PER_S).requests
    filled = book.trades_read(
        TradesRead(symbol=SYMBOL, trades=(trade(12, 3), trade(13, 2))), T0 + 2 * NS_PER_S
    )

    assert needed
    assert isinstance(request, ReadTrades)
    assert request.from_id == 12
    assert [m.trade_id for m in filled.messages if isinstance(m, OrderFilled)] == [12]
    assert not book.needs_backfill(SYMBOL)
    assert book.due(T0 + 100 * NS_PER_S) == Applied((), ())
    assert book.next_due_ns() is None


def test_an_ordinary_fill_asks_for_nothing() -> None:
    book = open_book()
    book.order_reported(report(OrderStatus.FILLED, total=10, last=10, trade_id=1), T0 + 2)

    assert book.next_due_ns() is None


def test_a_trade_waits_while_an_order_has_no_number_yet() -> None:
    book = make_book()
    book.submit(place(), T0)
    page = TradesRead(symbol=SYMBOL, trades=(trade(1, 10),))

    waiting = book.trades_read(page, T0 + 1)
    book.place_answered(placed(), T0 + 2)
    (request,) = book.due(T0 + 3 * NS_PER_S).requests
    counted = book.trades_read(page, T0 + 4 * NS_PER_S)

    assert waiting == Applied((), ())
    assert isinstance(request, ReadTrades)
    assert request.from_id == 1
    assert kinds(counted.messages) == ("OrderFilled", "OrderEnded")
    assert isinstance(counted.messages[0], OrderFilled)
    assert counted.messages[0].client_order_id == NAME
    assert not book.needs_backfill(SYMBOL)


def test_fills_of_others_are_told_without_a_name() -> None:
    book = make_book()
    foreign = report(
        OrderStatus.FILLED, total=10, last=10, trade_id=9, name="autoclose-1", order_id=99
    )

    first = book.order_reported(foreign, T0)
    again = book.order_reported(foreign, T0)
    new = book.order_reported(report(OrderStatus.NEW, name="web_1", order_id=98), T0)

    (message,) = first.messages
    assert isinstance(message, OrderFilled)
    assert message.client_order_id == ""
    assert again == new == Applied((), ())


def test_an_own_order_of_an_earlier_run_is_adopted_from_the_stream() -> None:
    book = make_book()
    name = IdentityScheme((SYMBOL,), nonce=5).name(SYMBOL, "s2", 3, 4)

    applied = book.order_reported(
        report(OrderStatus.PARTIALLY_FILLED, total=4, last=1, trade_id=3, name=name), T0
    )

    assert kinds(applied.messages) == ("OrderAccepted", "OrderFilled")
    assert isinstance(applied.messages[1], OrderFilled)
    assert (applied.messages[1].level, applied.messages[1].filled_lots) == ("s2", 4)
    assert not book.needs_backfill(SYMBOL)


def test_a_snapshot_adopts_what_is_ours_and_leaves_the_rest() -> None:
    book = make_book()
    foreign = shown(OrderStatus.NEW, name="web_1")

    applied = book.snapshot((shown(OrderStatus.NEW), foreign), (SYMBOL,), T0, T0 + 1)

    assert kinds(applied.messages) == ("OrderAccepted",)
    assert [record.client_order_id for record in book.live()] == [NAME]


def test_an_adopted_order_does_not_count_its_earlier_fills_again() -> None:
    book = make_book()
    book.snapshot((shown(OrderStatus.PARTIALLY_FILLED, total=3),), (SYMBOL,), T0, T0 + 1)

    book.trades_read(TradesRead(symbol=SYMBOL, trades=(trade(1, 3, ts_ns=T0),)), T0 + 2)
    before = book.find(NAME)
    assert before is not None
    assert before.filled_lots == 3

    book.trades_read(TradesRead(symbol=SYMBOL, trades=(trade(2, 1, ts_ns=T0 + 5),)), T0 + 6)
    book.order_reported(report(OrderStatus.PARTIALLY_FILLED, total=4, last=1, trade_id=2), T0 + 7)

    assert before.filled_lots == 4
    assert not book.needs_backfill(SYMBOL)


def test_a_live_order_missing_from_a_snapshot_is_looked_up_unless_news_is_fresh() -> None:
    book = open_book()

    fresh = book.snapshot((), (SYMBOL,), T0 + 2, T0 + 3)
    other = book.snapshot((), ("ETHUSDT",), T0 + 5 * NS_PER_S, T0 + 5 * NS_PER_S)
    asked = book.snapshot((), (SYMBOL,), T0 + 5 * NS_PER_S, T0 + 5 * NS_PER_S)
    ended = book.order_queried(queried(shown(OrderStatus.CANCELED)), T0 + 6 * NS_PER_S)

    assert fresh == other == Applied((), ())
    assert kinds(asked.requests) == ("QueryOrder",)
    assert kinds(ended.messages) == ("OrderEnded",)


def test_an_ended_order_that_still_rests_is_cancelled() -> None:
    book = open_book()
    book.order_reported(report(OrderStatus.CANCELED), T0 + 2)
    later = T0 + 5 * NS_PER_S

    applied = book.snapshot((shown(OrderStatus.NEW),), (SYMBOL,), later, later)

    assert kinds(applied.requests) == ("CancelOrder",)
    assert applied.messages == ()


def test_a_full_book_rejects_with_code_0() -> None:
    book = make_book(live_max=1)
    book.submit(place(), T0)

    applied = book.submit(place(SCHEME.name(SYMBOL, "b2", 1, 2)), T0)

    (message,) = applied.messages
    assert isinstance(message, OrderRejected)
    assert message.code == 0
    assert applied.requests == ()


def test_the_same_command_twice_is_sent_once() -> None:
    book = make_book()
    book.submit(place(), T0)

    assert book.submit(place(), T0) == Applied((), ())


def test_ended_orders_are_forgotten_beyond_their_bound() -> None:
    book = make_book(ended_max=3)
    for sequence in range(10):
        name = SCHEME.name(SYMBOL, "b1", 1, sequence)
        book.submit(place(name), T0)
        book.order_reported(report(OrderStatus.CANCELED, name=name, order_id=sequence + 1), T0 + 1)

    assert book.live_count == 0
    assert book.find(SCHEME.name(SYMBOL, "b1", 1, 6)) is None
    assert book.find(SCHEME.name(SYMBOL, "b1", 1, 9)) is not None


def test_synced_holds_what_is_in_flight_too() -> None:
    book = make_book()
    book.submit(place(), T0)

    synced = book.synced(SYMBOL, 5, Decimal(100), is_stream_live=True)

    assert [order.client_order_id for order in synced.orders] == [NAME]
    assert synced.position_lots == 5


def test_a_late_report_of_an_earlier_fill_does_not_count_beyond_what_the_venue_states() -> None:
    book = make_book()
    book.snapshot((shown(OrderStatus.PARTIALLY_FILLED, total=3),), (SYMBOL,), T0, T0 + 1)

    book.order_reported(report(OrderStatus.PARTIALLY_FILLED, total=3, last=3, trade_id=1), T0 + 2)

    record = book.find(NAME)
    assert record is not None
    assert record.filled_lots == 3
