"""The position that a grid on fixed prices begins with: how much of it, and never twice."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from grinder.model.grid import GridMode
from grinder.model.order import Side
from grinder.planner.grid import facts, recall
from grinder.planner.initial import LEVEL, REASON
from policy.stub import Venue, plan_of

RANGE: dict[str, Any] = {
    "lines": 11,
    "price_lower": "59000",
    "price_upper": "61000",
    "exits": "per-level",
    "direction": "long",
    "initial_position": "post-only",
}
"""Lines 2,000 ticks apart; the market begins at the sixth of them, so five lines are above it."""


def begun(**changes: Any) -> Venue:
    """Return a grid whose initial position has been bought."""
    venue = Venue(**{**RANGE, **changes})
    for _ in range(40):
        venue.turn()
        for one in venue.orders():
            if one.level == LEVEL:
                venue.fill(one, one.remaining_lots)
    venue.rest()
    return venue


def asked(venue: Venue) -> int:
    """Return how many lots were ever asked for by orders of the initial position."""
    return sum(one.qty_lots for one in venue.sent if one.reason == REASON)


@pytest.mark.parametrize("direction", ["long", "short"])
def test_it_is_what_the_lines_beyond_the_market_turn_over_one_level_at_a_time(
    direction: str,
) -> None:
    venue = begun(direction=direction)
    sign = 1 if direction == "long" else -1
    lots = asked(venue) // 5

    assert venue.planner.position_lots == sign * 5 * lots == sign * asked(venue)
    assert {one.qty_lots for one in venue.sent if one.reason == REASON} == {lots}
    steps = range(1, 6)
    assert sorted(venue.exits().values()) == sorted(
        (600_000 + sign * step * 2_000, lots) for step in steps
    )
    assert sorted(venue.entries().values()) == sorted(
        600_000 - sign * step * 2_000 for step in steps
    )


def test_without_it_a_grid_waits_for_the_market() -> None:
    venue = Venue(**{**RANGE, "initial_position": "none"})
    venue.rest()

    assert LEVEL not in venue.entries()
    assert venue.planner.initial is None


def test_the_order_follows_the_market_and_is_never_one_of_two() -> None:
    venue = Venue(**RANGE)
    for bid in range(600_000, 600_900, 100):
        venue.bid, venue.ask = bid, bid + 1
        for _ in range(12):
            venue.turn()
            assert sum(1 for one in venue.orders() if one.level == LEVEL) <= 1
    last = venue.entries()[LEVEL]
    assert last >= 600_400

    venue.move(598_500)
    assert venue.planner.position_lots > 0


def test_a_line_that_the_market_passes_meanwhile_is_left_to_its_own_order() -> None:
    venue = Venue(**RANGE)
    venue.bid, venue.ask = 600_300, 600_301
    venue.turn()
    initial = venue.planner.initial
    assert initial is not None
    first = initial.goal
    assert first is not None

    venue.bid, venue.ask = 603_500, 603_501
    venue.rest(20)
    assert initial.goal == first * 3 // 5
    assert {600_000, 602_000} <= set(venue.entries().values())
    venue.bid, venue.ask = 602_400, 602_401
    venue.turn()
    assert initial.goal == first * 3 // 5, "the goal only falls"


def test_a_plan_that_holds_the_settings_back_takes_the_order_off() -> None:
    venue = Venue(**RANGE)
    venue.turn()
    assert LEVEL in venue.entries()

    venue.follow(plan_of(mode=GridMode.THROTTLE))
    venue.rest()
    assert LEVEL not in venue.entries()
    venue.follow(None)
    venue.rest()
    assert LEVEL in venue.entries()


def test_nothing_is_bought_before_the_start_price_or_beyond_the_lines() -> None:
    venue = Venue(**{**RANGE, "start_price": "60400"})
    venue.rest()
    assert not venue.entries()
    venue.move(604_100)
    venue.turn()
    initial = venue.planner.initial
    assert initial is not None
    assert initial.goal == 3 * venue.planner.shape._lots  # type: ignore[attr-defined]

    above = Venue(**RANGE)
    above.move(620_000)
    above.rest()
    assert not above.entries()


def test_a_stop_ends_it() -> None:
    venue = Venue(**{**RANGE, "stop_upper": "60300"})
    venue.turn()
    venue.bid, venue.ask = 603_100, 603_101
    venue.rest()

    assert not venue.orders()


moves = st.lists(
    st.tuples(st.integers(-1_500, 1_500), st.integers(0, 100), st.booleans()), max_size=40
)


@given(moves=moves, direction=st.sampled_from(["long", "short"]))
@example(moves=[(1_000, 0, False), (-1_000, 0, False)], direction="long")
def test_whoever_is_restarted_in_between_never_more_is_held_than_the_lines_beyond(
    moves: list[tuple[int, int, bool]], direction: str
) -> None:
    settings = {**RANGE, "direction": direction}
    venue = Venue(**settings)
    goals = []
    for move, part, is_restarted in moves:
        venue.move(max(591_000, min(609_000, venue.bid + move)))
        for one in venue.orders():
            if one.level == LEVEL and part:
                venue.fill(one, -(-one.remaining_lots * part // 100))
        venue.turn()
        if is_restarted:
            venue = _restarted(venue, settings)
        initial, planner = venue.planner.initial, venue.planner
        assert initial is not None
        goals.append(-1 if initial.goal is None else initial.goal)
        shape: Any = planner.shape
        if shape.lines is not None:
            most = 10 * shape.line_lots
            resting = sum(one.remaining_lots for one in venue.orders() if not one.reduce_only)
            assert abs(planner.position_lots) + resting <= most, "a line was filled twice"
    fixed = [one for one in goals if one >= 0]
    assert all(after <= before for before, after in pairwise(fixed))


def _restarted(venue: Venue, settings: dict[str, Any]) -> Venue:
    """Return a venue with the same orders and position, and a planner that knows what is kept."""
    other = Venue(**settings)
    kept = {key: value for key, value in facts(venue.planner).items() if value}
    recall(other.planner, kept)
    old = venue.planner
    other.planner.holdings.by_id.update(old.holdings.by_id)
    other.planner.holdings.by_level.update(old.holdings.by_level)
    other.planner.hold(old.position_lots, old.entry_price, venue.now_ns)
    other.bid, other.ask, other.now_ns = venue.bid, venue.ask, venue.now_ns
    other._number = venue._number
    return other


@given(fills=st.lists(st.integers(1, 60), min_size=1, max_size=60))
def test_parts_of_fills_end_in_one_exit_for_each_line(fills: list[int]) -> None:
    venue = Venue(**RANGE)
    for part in fills:
        venue.turn()
        for one in venue.orders():
            if one.level == LEVEL:
                venue.fill(one, min(part, one.remaining_lots))
    for _ in range(20):
        venue.turn()
    assert venue.uncovered == 0
    held = venue.planner.position_lots
    lots = venue.planner.shape._lots  # type: ignore[attr-defined]
    by_price: dict[int, int] = {}
    for price, covered in venue.exits().values():
        by_price[price] = by_price.get(price, 0) + covered
    whole, rest = divmod(held, lots)
    assert [by_price.get(610_000 - 2_000 * number, 0) for number in range(whole)] == [lots] * whole
    assert by_price.get(610_000 - 2_000 * whole, 0) == rest
    assert all(one.side is Side.SELL for one in venue.orders() if one.reduce_only)
