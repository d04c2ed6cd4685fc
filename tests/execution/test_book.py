from __future__ import annotations

from execution.orders import (
    NAME,
    SYMBOL,
    T0,
    cancel,
    cancelled,
    kinds,
    make_book,
    open_book,
    place,
    placed,
    queried,
    report,
    shown,
)
from grinder.execution.applied import Applied
from grinder.execution.book import ANSWER_TIMEOUT_NS
from grinder.execution.lifecycle import OrderState
from grinder.messages.orders import (
    CancelRejected,
    OrderEnded,
    OrderOutcomeUnknown,
    OrderRejected,
)
from grinder.messages.venue import (
    Outcome,
    QueryOrder,
)
from grinder.model.order import OrderStatus
from grinder.model.units import NS_PER_S


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
        ("OrdersSubmitted",),
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
