"""An order that the venue has changed, and trades that were made before we began."""

from __future__ import annotations

import attrs
import pytest

from execution.orders import (
    NAME,
    SCHEME,
    SYMBOL,
    T0,
    make_book,
    place,
    placed,
    report,
    shown,
    trade,
)
from grinder.execution.desk import OrderDesk
from grinder.messages.orders import OrderFilled
from grinder.messages.venue import OrderQueried, TradesRead
from grinder.model.order import OrderStatus
from grinder.model.units import NS_PER_S


def test_an_order_that_the_venue_has_cut_is_noted() -> None:
    book = make_book()
    book.submit(place(), T0)
    book.place_answered(placed(), T0)
    cut = attrs.evolve(report(OrderStatus.NEW, execution="AMENDMENT"), qty_lots=4)

    book.order_reported(cut, T0)

    assert book.amended == {SYMBOL}
    assert book.live()[0].remaining_lots == 4


@pytest.mark.parametrize("is_asked", [False, True])
def test_a_cut_that_the_stream_did_not_tell_of_is_found(is_asked: bool) -> None:
    book = make_book()
    book.submit(place(), T0)
    book.place_answered(placed(), T0)
    order = attrs.evolve(shown(OrderStatus.NEW), qty_lots=4)

    if is_asked:
        book.order_queried(OrderQueried(symbol=SYMBOL, client_order_id=NAME, order=order), T0)
    else:
        book.snapshot((order,), (SYMBOL,), T0 + NS_PER_S, T0 + NS_PER_S)

    assert book.amended == {SYMBOL}
    assert book.live()[0].remaining_lots == 4


def test_an_order_found_as_it_was_is_not_noted() -> None:
    book = make_book()
    book.submit(place(), T0)
    book.place_answered(placed(), T0)

    book.snapshot((shown(OrderStatus.NEW),), (SYMBOL,), T0 + NS_PER_S, T0 + NS_PER_S)

    assert not book.amended


def test_what_was_traded_before_we_began_is_not_counted() -> None:
    desk = OrderDesk(SCHEME, {}, dead_man_ms=0, since_ns=T0)
    rows = (trade(1, 3, order_id=6, ts_ns=T0 - 1), trade(2, 4, order_id=6, ts_ns=T0))

    applied = desk.hear(TradesRead(symbol=SYMBOL, trades=rows), T0)

    fills = [one for one in applied.messages if isinstance(one, OrderFilled)]
    assert [one.trade_id for one in fills] == [2]


def test_the_desk_tells_once_of_what_the_venue_has_changed() -> None:
    desk = OrderDesk(SCHEME, {}, dead_man_ms=0)
    desk.book.amended.add(SYMBOL)

    assert desk.take_amended() == (SYMBOL,)
    assert desk.take_amended() == ()
