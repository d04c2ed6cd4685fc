"""Placements whose records are written later are orders like any other in the meantime."""

from __future__ import annotations

import attrs

from execution.orders import (
    NAME,
    SCHEME,
    SYMBOL,
    T0,
    kinds,
    make_book,
    place,
    placed,
    report,
    shown,
    trade,
)
from grinder.execution.book import ANSWER_TIMEOUT_NS
from grinder.execution.timers import Timers
from grinder.messages.orders import OrderRejected
from grinder.messages.venue import TradesRead
from grinder.model.order import OrderStatus
from grinder.model.units import NS_PER_S

OTHER = SCHEME.name(SYMBOL, "b2", 1, 2)
THIRD = SCHEME.name(SYMBOL, "b3", 1, 3)


def test_what_was_placed_a_moment_ago_is_known() -> None:
    book = make_book()
    book.submit(place(NAME, OTHER), T0)

    again = book.submit(place(OTHER, THIRD, THIRD), T0 + 1)

    assert [one.client_order_id for one in again.requests[0].orders] == [THIRD]  # type: ignore[attr-defined]
    assert book.live_count == 3
    assert [one.created_ns for one in book.live()] == [T0, T0, T0 + 1]
    assert [one.client_order_id for one in book.live()] == [NAME, OTHER, THIRD]


def test_what_was_placed_a_moment_ago_takes_room() -> None:
    book = make_book(live_max=2)
    book.submit(place(NAME), T0)

    refused = [
        (one.client_order_id, one.reason)
        for one in book.submit(place(OTHER, THIRD), T0).messages
        if isinstance(one, OrderRejected)
    ]

    assert refused == [(THIRD, "BOOK_FULL: live=2")]


def test_each_placement_is_due_by_its_own_time() -> None:
    book = make_book()
    book.submit(place(NAME), T0)
    book.submit(place(OTHER), T0 + NS_PER_S)

    first = book.due(T0 + ANSWER_TIMEOUT_NS)

    assert [one.client_order_id for one in first.messages] == [NAME]  # type: ignore[attr-defined]
    assert make_book().next_due_ns() is None


def test_orders_found_at_the_venue_come_after_those_placed_before() -> None:
    book = make_book()
    book.submit(place(NAME), T0)

    book.order_reported(attrs.evolve(report(OrderStatus.NEW), client_order_id=OTHER), T0)
    book.submit(place(THIRD), T0)

    assert [one.client_order_id for one in book.live()] == [NAME, OTHER, THIRD]


def test_a_trade_waits_for_the_number_of_an_order_placed_a_moment_ago() -> None:
    book = make_book()
    book.submit(place(), T0)
    page = TradesRead(symbol=SYMBOL, trades=(trade(1, 4),))

    early = book.trades_read(page, T0)
    book.place_answered(placed(), T0)

    assert early.messages == ()
    assert kinds(book.trades_read(page, T0).messages) == ("OrderFilled",)


def test_a_snapshot_finds_an_order_placed_a_moment_ago() -> None:
    book = make_book()
    book.submit(place(), T0)

    applied = book.snapshot((shown(OrderStatus.NEW),), (SYMBOL,), T0 + NS_PER_S, T0 + NS_PER_S)

    assert kinds(applied.messages) == ("OrderAccepted",)
    assert book.live_count == 1


def test_a_name_has_one_time() -> None:
    timers = Timers()
    for at_ns in range(1_000, 0, -1):
        timers.set("a", at_ns)
    timers.set("b", 500)
    timers.set("c", 2)
    timers.drop("c")

    assert timers.next_ns() == 1
    assert timers.take_due(499) == ["a"]
    assert timers.next_ns() == 500
    assert timers.take_due(500) == ["b"]
    assert timers.next_ns() is None
