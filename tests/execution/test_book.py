from __future__ import annotations

from collections import Counter
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grinder.execution.applied import Applied
from grinder.execution.book import ANSWER_TIMEOUT_NS, OrderBook
from grinder.execution.identity import IdentityScheme
from grinder.execution.lifecycle import OrderState
from grinder.kernel.message import Message
from grinder.messages.orders import (
    CancelOrder,
    CancelRejected,
    OrderAccepted,
    OrderEnded,
    OrderFilled,
    OrderOutcomeUnknown,
    OrderRejected,
    OrderSubmitted,
    PlaceOrder,
)
from grinder.messages.venue import (
    CancelAnswered,
    OrderQueried,
    OrderReported,
    Outcome,
    PlaceAnswered,
    QueryOrder,
    ReadTrades,
    TradesRead,
)
from grinder.model.order import OpenOrder, OrderStatus, OrderType, Side, Trade
from grinder.model.units import NS_PER_S

SYMBOL = "BTCUSDT"
SCHEME = IdentityScheme((SYMBOL, "ETHUSDT"), nonce=1_700_000_000)
NAME = SCHEME.name(SYMBOL, "b1", 1, 1)
T0 = 1_000 * NS_PER_S
QTY = 10


def make_book(**limits: int) -> OrderBook:
    return OrderBook(SCHEME, **limits)


def place(name: str = NAME) -> PlaceOrder:
    return PlaceOrder(
        symbol=SYMBOL,
        client_order_id=name,
        side=Side.BUY,
        price_ticks=100,
        qty_lots=QTY,
        level="b1",
        permit=None,
        reason="GRID_FILL",
    )


def cancel(name: str = NAME) -> CancelOrder:
    return CancelOrder(symbol=SYMBOL, client_order_id=name, reason="GRID_TRIM")


def placed(outcome: Outcome = Outcome.DONE, **fields: object) -> PlaceAnswered:
    values: dict[str, object] = {"symbol": SYMBOL, "client_order_id": NAME, "outcome": outcome}
    if outcome is Outcome.DONE:
        values.update(order_id=7, status=OrderStatus.NEW)
    values.update(fields)
    return PlaceAnswered(**values)  # type: ignore[arg-type]


def cancelled(outcome: Outcome = Outcome.DONE, **fields: object) -> CancelAnswered:
    values: dict[str, object] = {"symbol": SYMBOL, "client_order_id": NAME, "outcome": outcome}
    values.update(fields)
    return CancelAnswered(**values)  # type: ignore[arg-type]


def report(
    status: OrderStatus,
    *,
    total: int = 0,
    last: int = 0,
    trade_id: int = 0,
    execution: str = "",
    name: str = NAME,
    order_id: int = 7,
    event_ns: int = T0,
) -> OrderReported:
    return OrderReported(
        connection=1,
        symbol=SYMBOL,
        client_order_id=name,
        order_id=order_id,
        side=Side.BUY,
        order_type=OrderType.LIMIT,
        execution=execution or ("TRADE" if last else str(status)),
        status=status,
        price_ticks=100,
        qty_lots=QTY,
        filled_lots=total,
        last_price_ticks=100 if last else 0,
        last_lots=last,
        trade_id=trade_id,
        fee=Decimal("0.1"),
        fee_asset="USDT",
        realized_pnl=Decimal(0),
        is_maker=True,
        reduce_only=False,
        expiry_reason="",
        event_ns=event_ns,
    )


def trade(trade_id: int, lots: int, order_id: int = 7, ts_ns: int = T0) -> Trade:
    return Trade(
        symbol=SYMBOL,
        trade_id=trade_id,
        order_id=order_id,
        side=Side.BUY,
        price_ticks=100,
        qty_lots=lots,
        fee=Decimal("0.1"),
        fee_asset="USDT",
        realized_pnl=Decimal(0),
        is_maker=True,
        ts_ns=ts_ns,
    )


def shown(status: OrderStatus, total: int = 0, name: str = NAME) -> OpenOrder:
    return OpenOrder(
        symbol=SYMBOL,
        client_order_id=name,
        order_id=7,
        side=Side.BUY,
        price_ticks=100,
        qty_lots=QTY,
        filled_lots=total,
        status=status,
        updated_ns=T0,
    )


def queried(order: OpenOrder | None, name: str = NAME) -> OrderQueried:
    return OrderQueried(symbol=SYMBOL, client_order_id=name, order=order)


def kinds(messages: tuple[Message, ...]) -> tuple[str, ...]:
    return tuple(type(message).__name__ for message in messages)


def open_book() -> OrderBook:
    book = make_book()
    book.submit(place(), T0)
    book.place_answered(placed(), T0 + 1)
    return book


def test_an_order_is_submitted_accepted_filled_and_ended_once_each() -> None:
    book = make_book()
    said = [
        book.submit(place(), T0),
        book.place_answered(placed(), T0 + 1),
        book.order_reported(report(OrderStatus.NEW), T0 + 2),
        book.order_reported(report(OrderStatus.PARTIALLY_FILLED, total=4, last=4, trade_id=1), 3),
        book.order_reported(report(OrderStatus.FILLED, total=10, last=6, trade_id=2), T0 + 4),
    ]

    assert [kinds(applied.messages) for applied in said] == [
        ("OrderSubmitted",),
        ("OrderAccepted",),
        (),
        ("OrderFilled",),
        ("OrderFilled", "OrderEnded"),
    ]
    assert said[0].requests == (place(),)
    assert book.live_count == 0


def test_a_fill_before_the_answer_is_told_after_an_acceptance() -> None:
    book = make_book()
    book.submit(place(), T0)

    first = book.order_reported(report(OrderStatus.FILLED, total=10, last=10, trade_id=1), T0 + 1)
    late = book.place_answered(placed(), T0 + 2)

    assert kinds(first.messages) == ("OrderAccepted", "OrderFilled", "OrderEnded")
    assert late == Applied((), ())


def test_a_refused_placement_is_rejected_with_the_venues_code() -> None:
    book = make_book()
    book.submit(place(), T0)

    applied = book.place_answered(placed(Outcome.REFUSED, code=-5022, text="post only"), T0 + 1)

    (message,) = applied.messages
    assert isinstance(message, OrderRejected)
    assert (message.code, message.reason) == (-5022, "post only")


def test_an_unknown_placement_is_looked_up_once_decided_and_rejected_if_not_there() -> None:
    book = make_book()
    book.submit(place(), T0)
    decided = T0 + 6 * NS_PER_S
    unknown = book.place_answered(placed(Outcome.UNKNOWN, decided_ns=decided), T0 + 1)

    early = book.due(decided - 1)
    due_ns = book.next_due_ns()
    asked = book.due(decided)
    answered = book.order_queried(queried(None), decided + 1)

    assert isinstance(unknown.messages[0], OrderOutcomeUnknown)
    assert early == Applied((), ())
    assert due_ns == decided
    assert asked.requests == (QueryOrder(symbol=SYMBOL, client_order_id=NAME),)
    assert kinds(answered.messages) == ("OrderRejected",)
    assert book.next_due_ns() is None


def test_not_found_before_the_decision_proves_nothing() -> None:
    book = make_book()
    book.submit(place(), T0)
    book.place_answered(placed(Outcome.UNKNOWN, decided_ns=T0 + 6 * NS_PER_S), T0 + 1)

    applied = book.order_queried(queried(None), T0 + 2)

    assert applied == Applied((), ())
    record = book.find(NAME)
    assert record is not None
    assert record.state is OrderState.UNKNOWN


def test_an_unknown_placement_found_is_adopted() -> None:
    book = make_book()
    book.submit(place(), T0)
    book.place_answered(placed(Outcome.UNKNOWN, decided_ns=T0 + 1), T0 + 1)

    applied = book.order_queried(queried(shown(OrderStatus.NEW)), T0 + 3)

    assert kinds(applied.messages) == ("OrderAccepted",)


def test_a_duplicate_id_is_looked_up_not_rejected() -> None:
    book = make_book()
    book.submit(place(), T0)

    applied = book.place_answered(placed(Outcome.REFUSED, code=-4116), T0 + 1)

    assert kinds(applied.messages) == ("OrderOutcomeUnknown",)
    assert kinds(applied.requests) == ("QueryOrder",)


def test_a_placement_never_answered_becomes_unknown_and_is_looked_up() -> None:
    book = make_book()
    book.submit(place(), T0)

    applied = book.due(T0 + ANSWER_TIMEOUT_NS)

    assert kinds(applied.messages) == ("OrderOutcomeUnknown",)
    assert kinds(applied.requests) == ("QueryOrder",)


def test_a_lookup_without_an_answer_is_repeated_a_bounded_number_of_times() -> None:
    book = make_book()
    book.submit(place(), T0)
    book.place_answered(placed(Outcome.UNKNOWN, decided_ns=T0), T0)
    asked = 0
    for _ in range(50):
        at = book.next_due_ns()
        if at is None:
            break
        asked += len(book.due(at).requests)

    assert book.next_due_ns() is None
    assert 3 < asked < 20


def test_a_cancel_before_the_answer_waits_for_it() -> None:
    book = make_book()
    book.submit(place(), T0)

    kept = book.cancel(cancel(), T0 + 1)
    sent = book.place_answered(placed(), T0 + 2)

    assert kept == Applied((), ())
    assert kinds(sent.messages) == ("OrderAccepted",)
    assert sent.requests == (cancel(),)


def test_a_cancel_of_an_unknown_placement_is_sent_when_it_is_found() -> None:
    book = make_book()
    book.submit(place(), T0)
    book.place_answered(placed(Outcome.UNKNOWN, decided_ns=T0), T0)
    book.cancel(cancel(), T0 + 1)

    applied = book.order_queried(queried(shown(OrderStatus.NEW)), T0 + 2)

    assert applied.requests == (cancel(),)


def test_cancelling_twice_sends_once() -> None:
    book = open_book()

    first = book.cancel(cancel(), T0 + 2)
    second = book.cancel(cancel(), T0 + 3)

    assert first.requests == (cancel(),)
    assert second == Applied((), ())


def test_a_cancelled_order_ends_once_with_our_reason() -> None:
    book = open_book()
    book.cancel(cancel(), T0 + 2)

    done = book.cancel_answered(cancelled(status=OrderStatus.CANCELED), T0 + 3)
    late = book.order_reported(report(OrderStatus.CANCELED), T0 + 4)

    (message,) = done.messages
    assert isinstance(message, OrderEnded)
    assert (message.status, message.reason) == ("CANCELED", "GRID_TRIM")
    assert late == Applied((), ())


def test_cancelling_what_is_gone_is_looked_up_quietly() -> None:
    book = open_book()
    book.cancel(cancel(), T0 + 2)

    gone = book.cancel_answered(cancelled(Outcome.REFUSED, code=-2011), T0 + 3)
    found = book.order_queried(queried(shown(OrderStatus.FILLED, total=10)), T0 + 4)

    assert gone.messages == ()
    assert kinds(gone.requests) == ("QueryOrder",)
    assert kinds(found.messages) == ("OrderEnded",)
    assert book.needs_backfill(SYMBOL)


def test_a_refused_cancel_is_told_and_may_be_tried_again() -> None:
    book = open_book()
    book.cancel(cancel(), T0 + 2)

    refused = book.cancel_answered(cancelled(Outcome.REFUSED, code=-1003, text="busy"), T0 + 3)
    again = book.cancel(cancel(), T0 + 4)

    assert kinds(refused.messages) == ("CancelRejected",)
    assert again.requests == (cancel(),)


def test_an_unknown_cancel_is_looked_up_at_once() -> None:
    book = open_book()
    book.cancel(cancel(), T0 + 2)

    unknown = book.cancel_answered(cancelled(Outcome.UNKNOWN), T0 + 3)
    found = book.order_queried(queried(shown(OrderStatus.NEW)), T0 + 4)

    assert kinds(unknown.messages) == ("OrderOutcomeUnknown",)
    assert kinds(unknown.requests) == ("QueryOrder",)
    assert isinstance(found.messages[0], CancelRejected)


def test_a_cancel_of_an_order_never_heard_of_goes_out() -> None:
    assert make_book().cancel(cancel(), T0).requests == (cancel(),)


def test_a_fill_after_the_cancellation_is_counted_and_does_not_end_the_order_again() -> None:
    book = open_book()
    book.order_reported(report(OrderStatus.CANCELED), T0 + 2)

    late = book.order_reported(report(OrderStatus.FILLED, total=10, last=10, trade_id=5), T0 + 3)

    record = book.find(NAME)
    assert kinds(late.messages) == ("OrderFilled",)
    assert record is not None
    assert record.state is OrderState.FILLED


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


@st.composite
def lives(draw: st.DrawFn) -> tuple[list[int], bool, list[tuple[str, int]]]:
    """Fills of an order, whether it is cancelled in the end, and everything heard, shuffled."""
    fills = draw(st.lists(st.integers(1, 5), max_size=4).filter(lambda lots: sum(lots) <= QTY))
    is_cancelled = sum(fills) < QTY
    heard = [("report", i) for i in range(len(fills) + 1 + is_cancelled)]
    heard += [("placed", 0), ("trades", len(fills))]
    heard += draw(
        st.lists(
            st.tuples(
                st.sampled_from(["report", "trades", "queried", "snapshot", "due", "cancel"]),
                st.integers(0, len(fills)),
            ),
            max_size=8,
        )
    )
    return fills, is_cancelled, draw(st.permutations(heard))


@pytest.mark.parametrize("outcome", [Outcome.DONE, Outcome.UNKNOWN])
@settings(max_examples=150, deadline=None)
@given(life=lives())
def test_any_interleaving_gives_the_same_totals(
    outcome: Outcome, life: tuple[list[int], bool, list[tuple[str, int]]]
) -> None:
    fills, is_cancelled, heard = life
    total = sum(fills)
    end = OrderStatus.CANCELED if is_cancelled else OrderStatus.FILLED

    def state_after(count: int) -> tuple[OrderStatus, int]:
        lots = sum(fills[:count])
        if lots == QTY:
            return OrderStatus.FILLED, lots
        return (OrderStatus.PARTIALLY_FILLED if lots else OrderStatus.NEW), lots

    def hear(book: OrderBook, what: str, index: int, now: int) -> Applied:
        if what == "placed":
            return book.place_answered(placed(outcome, decided_ns=now), now)
        if what == "trades":
            page = tuple(trade(i + 1, fills[i]) for i in range(index))
            return book.trades_read(TradesRead(symbol=SYMBOL, trades=page), now)
        if what == "queried":
            status, lots = state_after(index)
            return book.order_queried(queried(shown(status, lots)), now)
        if what == "snapshot":
            return book.snapshot((), (SYMBOL,), now, now)
        if what == "due":
            return book.due(now)
        if what == "cancel":
            return book.cancel(cancel(), now)
        if index == 0:
            return book.order_reported(report(OrderStatus.NEW), now)
        if index > len(fills):
            return book.order_reported(report(end, total=total), now)
        status, lots = state_after(index)
        return book.order_reported(
            report(status, total=lots, last=fills[index - 1], trade_id=index), now
        )

    book = make_book()
    said = list(book.submit(place(), T0).messages)
    now = T0
    for what, index in heard:
        now += NS_PER_S
        said.extend(hear(book, what, index, now).messages)
    # What the book would have asked for in the end.
    final = queried(shown(end, total))
    said.extend(book.order_queried(final, now + 1).messages)
    page = tuple(trade(i + 1, lots) for i, lots in enumerate(fills))
    said.extend(book.trades_read(TradesRead(symbol=SYMBOL, trades=page), now + 2).messages)

    count = Counter(kinds(tuple(said)))
    counted = [m.trade_id for m in said if isinstance(m, OrderFilled)]
    record = book.find(NAME)
    assert sorted(counted) == list(range(1, len(fills) + 1))
    assert all(m.client_order_id == NAME for m in said if isinstance(m, OrderFilled))
    assert count["OrderEnded"] == count["OrderSubmitted"] == 1
    assert count["OrderAccepted"] <= 1
    assert count["OrderRejected"] == 0
    assert book.live_count == 0
    assert record is not None
    assert record.filled_lots == total
    assert str(record.state) == str(end)
    assert not book.needs_backfill(SYMBOL)
    names = [
        type(m).__name__ for m in said if isinstance(m, OrderSubmitted | OrderAccepted | OrderEnded)
    ]
    assert names in (
        ["OrderSubmitted", "OrderAccepted", "OrderEnded"],
        ["OrderSubmitted", "OrderEnded"],
    )
