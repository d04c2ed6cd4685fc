from __future__ import annotations

from decimal import Decimal
from itertools import permutations

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from execution import orders
from grinder.ledger import keeping
from grinder.ledger.keeping import SymbolKeeper
from grinder.messages.books import BookBase, BookFill, BooksDoubted, SymbolBooks
from grinder.messages.ledger import RoundTripCompleted
from grinder.messages.orders import OrderFilled
from grinder.model.instrument import Instrument
from grinder.model.trip import TripState

BTC = Instrument(symbol="BTCUSDT", base_asset="BTC", tick=Decimal("0.1"), lot=Decimal("0.001"))


def fill(trade_id: int, lots: int, ticks: int = 1_000, event_ns: int = 0) -> OrderFilled:
    return orders.filled(
        lots,
        trade_id=trade_id,
        price_ticks=ticks,
        fee=Decimal("0.001"),
        event_ns=event_ns or trade_id * 1_000_000,
    )


def keeper_of(lots: int = 0) -> SymbolKeeper:
    keeper = SymbolKeeper(BTC, "paper")
    keeper.base(lots, 0)
    return keeper


def trips_of(outcomes: list[keeping.Outcome]) -> list[RoundTripCompleted]:
    return [one for one in outcomes if isinstance(one, RoundTripCompleted)]


def kept(state: TripState, *ids: int, has_more: bool = False) -> SymbolBooks:
    last_ns = max(ids, default=0) * 1_000_000
    return SymbolBooks(state=state, trade_ids=ids, has_more=has_more, last_ns=last_ns)


def test_what_is_heard_before_the_base_is_known_waits_and_is_not_in_it() -> None:
    keeper = SymbolKeeper(BTC, "paper")
    assert keeper.hear(fill(2, -3)) == []
    assert keeper.hear(fill(1, 3)) == []

    found = keeper.base(5, 0)

    base, first, second = found
    assert isinstance(base, BookBase)
    assert base.state.untracked_qty == Decimal("0.005")
    assert [one.trade_id for one in (first, second) if isinstance(one, BookFill)] == [1, 2]
    assert keeper.off_by(5) == 0


def test_a_fill_that_the_stated_position_holds_moves_nothing() -> None:
    keeper = SymbolKeeper(BTC, "paper")
    keeper.base(5, settled_ns=10_000_000)

    (row,) = keeper.hear(fill(7, 5))

    assert isinstance(row, BookFill)
    assert row.state.qty == Decimal("0.005")


def test_a_fill_is_taken_once() -> None:
    keeper = keeper_of()
    assert len(keeper.hear(fill(1, 3))) == 1
    assert keeper.hear(fill(1, 3)) == []
    assert keeper.hear_past(fill(1, 3)) == []


@pytest.mark.parametrize(
    "order", [one for one in permutations(range(4)) if one[0] == 0 or one[3] == 3]
)
def test_late_fills_are_put_in_their_place(order: tuple[int, ...]) -> None:
    fills = [fill(1, 3, 1_000), fill(2, 2, 1_010), fill(3, 1, 1_020), fill(4, -2, 1_030)]
    keeper, straight = keeper_of(), keeper_of()
    for one in fills:
        straight.hear(one)

    for index in order:
        keeper.hear(fills[index])

    assert keeper.state == straight.state


def test_a_late_fill_completes_what_it_would_have_completed() -> None:
    keeper = keeper_of()
    keeper.hear(fill(1, 2, 1_000))
    keeper.hear(fill(3, 2, 1_100))

    found = keeper.hear(fill(2, -2, 1_050))

    (trip,) = trips_of(found)
    assert trip.entry_price == 100
    assert trip.exit_price == 105
    assert keeper.state is not None
    assert keeper.state.open is not None
    assert keeper.state.open.entry_cost == Decimal("0.22")


def test_what_was_kept_goes_on_and_what_was_missed_is_taken() -> None:
    former = keeper_of()
    for one in (fill(1, 2), fill(2, 2)):
        former.hear(one)
    assert former.state is not None
    keeper = SymbolKeeper(BTC, "paper")
    keeper.forget()
    keeper.hear(fill(5, -1))
    keeper.restore(kept(former.state, 1, 2))

    listed = [keeper.hear_past(one) for one in (fill(1, 2), fill(2, 2), fill(4, -3))]
    done = keeper.past_read()

    assert [len(one) for one in listed] == [0, 0, 1]
    (trip,) = trips_of(done)
    assert (trip.entry_fill_count, trip.exit_fill_count) == (2, 2)


def test_a_hole_in_what_was_kept_is_filled() -> None:
    state = TripState(symbol="BTCUSDT", untracked_qty=Decimal("0.004"))
    keeper = SymbolKeeper(BTC, "paper")
    keeper.forget()
    keeper.restore(kept(state, 1, 3))

    assert keeper.hear_past(fill(2, -1)) == []
    (row,) = keeper.past_read()

    assert isinstance(row, BookFill)
    assert (row.trade_id, row.state.qty) == (2, Decimal("0.003"))


def test_a_number_below_all_that_came_back_is_known() -> None:
    keeper = SymbolKeeper(BTC, "paper")
    keeper.forget()
    keeper.restore(kept(TripState(symbol="BTCUSDT"), 7, 8, has_more=True))
    keeper.past_read()

    assert keeper.hear(fill(6, 1)) == []


def test_a_younger_trade_with_a_lower_number_is_of_another_account() -> None:
    keeper = SymbolKeeper(BTC, "paper")
    keeper.forget()
    keeper.restore(kept(TripState(symbol="BTCUSDT"), 7, 8))
    keeper.past_read()

    (doubt,) = keeper.hear(fill(3, 1, event_ns=99_000_000))

    assert isinstance(doubt, BooksDoubted)
    assert keeper.hear(fill(9, 1)) == []
    assert keeper.hear_past(fill(10, 1)) == []
    assert keeper.off_by(4) == 0


def test_a_position_without_a_fill_is_taken_over_and_said() -> None:
    keeper = keeper_of()
    keeper.hear(fill(1, 2))
    assert keeper.off_by(-1) == Decimal("-0.003")

    doubt, base = keeper.rebase(-1)

    assert isinstance(doubt, BooksDoubted)
    assert isinstance(base, BookBase)
    assert keeper.off_by(-1) == 0
    assert trips_of(keeper.hear(fill(2, 1))) == []


def test_what_is_off_has_to_last_without_a_fill_in_between() -> None:
    keeper = keeper_of()
    keeper.hear(fill(1, 4))
    keeper.hear(fill(2, -4))

    # Twice the position is stated before the fill that it holds, or still holds, is told.
    assert keeper.off_for_ns(4, now_ns=10) == 0
    assert keeper.off_for_ns(4, now_ns=15) == 5
    keeper.hear(fill(3, -4))
    assert keeper.is_off
    assert keeper.off_for_ns(0, now_ns=30) == 0
    assert keeper.off_for_ns(0, now_ns=40) == 10
    keeper.hear(fill(4, 4))

    assert keeper.off_for_ns(0, now_ns=50) == -1
    assert not keeper.is_off


def test_too_much_that_waits_is_forgotten_and_known_to_be(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keeping, "WAITING_MAX", 3)
    keeper = SymbolKeeper(BTC, "paper")
    keeper.forget()
    for trade_id in range(1, 6):
        keeper.hear(fill(trade_id, 1))

    assert keeper.is_short


@given(
    st.lists(st.integers(-4, 4).filter(bool), max_size=25),
    st.integers(0, 25),
)
def test_a_life_that_ends_anywhere_makes_no_difference(lots: list[int], died_after: int) -> None:
    fills = [fill(trade_id, one, 1_000 + trade_id) for trade_id, one in enumerate(lots, 1)]
    whole = keeper_of()
    wanted = [trip for one in fills for trip in trips_of(whole.hear(one))]

    first = keeper_of()
    before = [trip for one in fills[:died_after] for trip in trips_of(first.hear(one))]
    second = SymbolKeeper(BTC, "paper")
    second.forget()
    for one in fills[died_after + 1 :]:
        second.hear(one)
    assert first.state is not None
    second.restore(kept(first.state, *(one.trade_id for one in fills[:died_after])))
    after = [trip for one in fills for trip in trips_of(second.hear_past(one))]
    after += trips_of(second.past_read())

    assert before + after == wanted
    assert second.state == whole.state


def test_fees_of_another_asset_are_in_no_trip() -> None:
    keeper = keeper_of()
    keeper.hear(attrs.evolve(fill(1, 1), fee_asset="BNB"))
    (trip,) = trips_of(keeper.hear(fill(2, -1)))

    assert trip.entry_fee == 0
    assert trip.exit_fee == Decimal("0.001")
