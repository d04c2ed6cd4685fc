"""Fixed prices: lines that stay, and lines that follow the market by whole steps."""

from __future__ import annotations

from decimal import Decimal
from itertools import pairwise
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import settings as limits
from hypothesis import strategies as st

from grinder.model.order import Side
from grinder.planner.lines import Lines
from policy.stub import FINE, Venue

LOWER, UPPER = "59000", "61000"
RANGE: dict[str, Any] = {
    "lines": 11,
    "price_lower": LOWER,
    "price_upper": UPPER,
    "exits": "per-level",
}
"""Lines 200 apart: 2,000 ticks; the market begins at 60,000.05, next to the sixth."""


def lines(**changes: object) -> Lines:
    """Return eleven lines from 59,000 to 61,000."""
    return Lines(FINE, Decimal(LOWER), Decimal(UPPER), 11, geometric=bool(changes.get("geometric")))


def test_arithmetic_lines_are_as_many_ticks_apart_geometric_ones_have_one_ratio() -> None:
    flat, curved = lines(), lines(geometric=True)

    gaps = {after - before for before, after in pairwise(flat.price(n) for n in range(11))}
    assert gaps == {Decimal(200)}
    ratios = [after / before for before, after in pairwise(curved.price(n) for n in range(11))]
    assert max(ratios) - min(ratios) < Decimal("1e-20")
    assert curved.price(0) == 59_000
    assert abs(curved.price(10) - 61_000) < Decimal("1e-15")


def test_lines_closer_than_a_tick_are_fewer() -> None:
    few = Lines(FINE, Decimal(60_000), Decimal("60000.3"), 99, geometric=False)

    assert few.count == 4
    with pytest.raises(ValueError, match="room for two lines"):
        Lines(FINE, Decimal(60_000), Decimal(60_000), 2, geometric=False)


def test_orders_rest_on_every_line_but_the_one_next_to_the_market() -> None:
    venue = Venue(**RANGE)
    venue.rest()

    assert sorted(venue.entries(Side.BUY).values()) == list(range(590_000, 600_000, 2_000))
    assert sorted(venue.entries(Side.SELL).values()) == list(range(602_000, 612_000, 2_000))
    assert len({one.qty_lots for one in venue.orders()}) == 1


@pytest.mark.parametrize(("direction", "side"), [("long", Side.BUY), ("short", Side.SELL)])
def test_a_directed_grid_enters_on_one_side(direction: str, side: Side) -> None:
    venue = Venue(**RANGE, direction=direction)
    venue.rest()

    assert {one.side for one in venue.orders()} == {side}
    assert len(venue.orders()) == 5


def test_a_line_that_was_bought_is_sold_on_the_next_one_and_returns() -> None:
    venue = Venue(**RANGE)
    venue.rest()
    venue.move(597_999)
    venue.rest()

    ((price, lots),) = venue.exits().values()
    assert price == 600_000
    assert 598_000 not in venue.entries().values()
    venue.move(600_001)
    venue.rest()
    assert venue.planner.position_lots == 0
    assert 598_000 in venue.entries().values()
    assert lots > 0


def test_the_lines_never_move_and_nothing_is_placed_beyond_them() -> None:
    venue = Venue(**RANGE)
    venue.rest()
    before = venue.entries()
    for bid in range(600_000, 588_000, -500):
        venue.move(bid)
        venue.rest()
    assert venue.planner.position_lots == 5 * venue.orders()[0].qty_lots
    sent = len(venue.sent)
    venue.move(585_000)
    venue.rest()
    assert len(venue.sent) == sent

    for bid in range(585_000, 600_500, 500):
        venue.move(bid)
        venue.rest()
    assert venue.planner.position_lots == 0
    assert set(venue.entries().values()) == set(before.values())


def test_a_grid_that_begins_beyond_its_lines_waits_for_the_market() -> None:
    venue = Venue(**RANGE)
    venue.bid, venue.ask = 620_000, 620_001
    assert venue.turn() == ()
    assert venue.planner.is_quiet(2 * 620_000 + 1)

    venue.move(609_000)
    assert not venue.planner.is_quiet(2 * 609_000 + 1)
    venue.rest()
    assert venue.entries()


def test_on_a_side_without_orders_the_empty_line_follows_the_market_by_whole_steps() -> None:
    venue = Venue(**RANGE, direction="long")
    venue.rest()
    before = venue.names()
    venue.bid, venue.ask = 601_900, 601_901
    assert venue.planner.is_quiet(venue.bid + venue.ask)

    venue.bid, venue.ask = 602_001, 602_002
    assert not venue.planner.is_quiet(venue.bid + venue.ask)
    venue.rest()
    assert 600_000 in venue.entries().values()
    assert before < venue.names()


def test_an_order_that_the_market_has_passed_is_waited_for() -> None:
    venue = Venue(**RANGE)
    venue.rest()
    before = venue.names()
    venue.bid, venue.ask = 594_900, 594_901

    assert venue.turn() == ()
    venue.move(594_900)
    venue.rest()
    assert venue.names() < before
    assert len(venue.exits()) == 2


@given(
    moves=st.lists(st.integers(-4_000, 4_000), max_size=30),
    geometric=st.booleans(),
    up=st.booleans(),
    down=st.booleans(),
)
def test_a_shift_keeps_number_and_spacing_and_all_lines_between(
    moves: list[int], geometric: bool, up: bool, down: bool
) -> None:
    one = lines(geometric=geometric)
    mid = Decimal(60_000)
    for move in moves:
        mid = max(Decimal(1_000), mid + move)
        before = {number: one.price(number) for number in range(one.base, one.top + 1)}
        one.may_rise, one.may_fall = up, down
        steps = one.shift(mid)
        after = {number: one.price(number) for number in range(one.base, one.top + 1)}

        assert len(after) == 11
        assert all(after[number] == before[number] for number in before.keys() & after.keys())
        assert len(before.keys() - after.keys()) == min(11, abs(steps))
        if steps > 0:
            assert up
            assert one.price(one.top) <= mid < one.price(one.top + 1)
        if steps < 0:
            assert down
            assert one.price(one.base - 1) < mid <= one.price(one.base)
        assert all(price > 0 for price in after.values())


def test_a_shift_cancels_the_far_side_only() -> None:
    venue = Venue(**RANGE, direction="long", trailing="up")
    venue.rest()
    # Flat and rising: the line left empty moves up to the last one, then the lines follow.
    venue.move(610_500)
    venue.rest()
    before = venue.entries()
    assert sorted(before.values()) == list(range(590_000, 610_000, 2_000))
    sent = len(venue.sent)

    venue.move(614_500)
    venue.rest()
    assert sorted(venue.entries().values()) == list(range(594_000, 614_000, 2_000))
    news = venue.sent[sent:]
    cancelled = sorted(before[one.level] for one in news if one.client_order_id)
    assert cancelled == [590_000, 592_000]
    placed = [one.price_ticks for one in news if not one.client_order_id]
    assert sorted(placed) == [610_000, 612_000]


@given(moves=st.lists(st.integers(-6_000, 6_000), max_size=25), geometric=st.booleans())
@limits(max_examples=60)
def test_a_trailing_grid_never_shifts_while_something_is_held(
    moves: list[int], geometric: bool
) -> None:
    kind = "geometric" if geometric else "arithmetic"
    venue = Venue(**RANGE, trailing="both", spacing_kind=kind)
    venue.rest()
    shape: Any = venue.planner.shape
    for move in moves:
        base, held = shape.lines.base, venue.planner.position_lots
        venue.move(max(100_000, venue.bid + move))
        held = held or venue.planner.position_lots
        venue.rest(30)
        assert venue.uncovered == 0
        if held and venue.planner.position_lots:
            assert shape.lines.base == base
        assert len(venue.entries()) <= 10


def test_limits_without_lines_only_cut_the_ladder_off() -> None:
    venue = Venue(levels=5, price_lower="59910", price_upper="+0.1%")
    venue.rest()

    assert set(venue.entries()) == {"b1", "b2", "b3", "s1"}


def test_levels_grow_with_the_profit_if_it_is_reinvested() -> None:
    sizes = {}
    for reinvest in (False, True):
        venue = Venue(levels=5, reinvest=reinvest)
        venue.planner.note_profit(Decimal(1_000))
        venue.rest()
        sizes[reinvest] = {one.qty_lots for one in venue.orders()}

    assert sizes == {False: {41}, True: {58}}
    assert attrs.fields(type(venue.planner.settings)).reinvest.default is False
