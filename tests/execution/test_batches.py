from __future__ import annotations

from decimal import Decimal

import attrs

from execution.orders import SCHEME, SYMBOL, T0, make_book, place, placed
from grinder.execution.desk import OrderDesk
from grinder.messages.orders import OrderRejected, OrdersSubmitted, PlaceOrders
from grinder.messages.venue import Outcome, SetCountdown
from grinder.model.instrument import Instrument
from grinder.model.permit import Permit
from grinder.model.units import NS_PER_S

NAMES = [SCHEME.name(SYMBOL, f"b{number}", 1, number) for number in (1, 2, 3)]
PERMIT = Permit(serial=5, state="ACTIVE", epoch=1, deadline_ns=T0 + NS_PER_S)


def desk(orders_max: int = 200) -> OrderDesk:
    instrument = Instrument(
        symbol=SYMBOL, base_asset="BTC", tick=Decimal(1), lot=Decimal(1), orders_max=orders_max
    )
    return OrderDesk(SCHEME, {SYMBOL: instrument}, dead_man_ms=30_000)


def ladder() -> PlaceOrders:
    batch = place(*NAMES)
    orders = [attrs.evolve(one, level=f"b{i}") for i, one in enumerate(batch.orders, 1)]
    return attrs.evolve(batch, orders=tuple(orders), permit=PERMIT)


def refusals(messages: tuple[object, ...]) -> list[tuple[str, str]]:
    return [(one.level, one.reason) for one in messages if isinstance(one, OrderRejected)]


def test_orders_of_one_command_leave_as_one_and_are_said_as_one() -> None:
    batch = ladder()
    applied = desk().place(batch, T0)

    assert applied.messages == (OrdersSubmitted(symbol=SYMBOL, orders=batch.orders),)
    assert applied.requests == (SetCountdown(symbol=SYMBOL, countdown_ms=30_000), batch)


def test_what_may_not_go_is_refused_by_itself_and_the_others_go() -> None:
    one = desk(orders_max=2)
    batch = ladder()
    twice = attrs.evolve(batch.orders[1], level="b1", client_order_id="again")
    first, second, third = batch.orders
    applied = one.place(attrs.evolve(batch, orders=(first, twice, second, third)), T0)

    assert refusals(applied.messages) == [("b1", "LEVEL_TAKEN"), ("b3", "MAX_OPEN_ORDERS")]
    assert applied.messages[-1] == OrdersSubmitted(symbol=SYMBOL, orders=(first, second))
    assert applied.requests[-1] == attrs.evolve(batch, orders=(first, second))


def test_a_void_permit_stops_every_entry_and_no_exit() -> None:
    one = desk()
    one.revoked_below = 6
    batch = ladder()
    applied = one.place(batch, T0)
    exits = tuple(attrs.evolve(each, reduce_only=True) for each in batch.orders)
    covering = attrs.evolve(batch, orders=exits, permit=None)

    assert refusals(applied.messages) == [(f"b{i}", "PERMIT_VOID") for i in (1, 2, 3)]
    assert applied.requests == ()
    assert one.place(covering, T0).requests[-1] == covering


def test_levels_of_orders_that_a_full_book_refused_are_free_again() -> None:
    one = desk()
    one.book = make_book(live_max=1)
    batch = ladder()
    applied = one.place(batch, T0)
    one.hear(placed(Outcome.REFUSED, client_order_id=NAMES[0], code=-2019, text="no margin"), T0)

    assert refusals(applied.messages) == [("b2", "BOOK_FULL: live=1"), ("b3", "BOOK_FULL: live=1")]
    assert one.place(attrs.evolve(batch, orders=batch.orders[1:2]), T0).requests


def test_each_order_of_a_command_that_is_not_answered_becomes_unknown() -> None:
    book = make_book()
    book.submit(ladder(), T0)
    book.place_answered(placed(client_order_id=NAMES[1]), T0)
    due_ns = book.next_due_ns()
    assert due_ns is not None
    applied = book.due(due_ns)

    unknown = [m.client_order_id for m in applied.messages]  # type: ignore[attr-defined]
    assert unknown == [NAMES[0], NAMES[2]]
