from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from execution.orders import (
    NAME,
    QTY,
    SYMBOL,
    T0,
    cancel,
    kinds,
    make_book,
    place,
    placed,
    queried,
    report,
    shown,
    trade,
)
from grinder.execution.applied import Applied
from grinder.execution.book import OrderBook
from grinder.messages.orders import (
    OrderAccepted,
    OrderEnded,
    OrderFilled,
    OrdersSubmitted,
)
from grinder.messages.venue import (
    Outcome,
    TradesRead,
)
from grinder.model.order import OrderStatus
from grinder.model.units import NS_PER_S

pytestmark = pytest.mark.unmeasured


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
    assert count["OrderEnded"] == count["OrdersSubmitted"] == 1
    assert count["OrderAccepted"] <= 1
    assert count["OrderRejected"] == 0
    assert book.live_count == 0
    assert record is not None
    assert record.filled_lots == total
    assert str(record.state) == str(end)
    assert not book.needs_backfill(SYMBOL)
    names = [
        type(m).__name__
        for m in said
        if isinstance(m, OrdersSubmitted | OrderAccepted | OrderEnded)
    ]
    assert names in (
        ["OrdersSubmitted", "OrderAccepted", "OrderEnded"],
        ["OrdersSubmitted", "OrderEnded"],
    )
