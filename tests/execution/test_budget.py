from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grinder.execution.budget import OrderBudget, Window
from grinder.model.units import NS_PER_S


@given(
    limit=st.integers(1, 5), steps=st.lists(st.integers(0, 4 * NS_PER_S), min_size=1, max_size=60)
)
def test_no_window_ever_holds_more_than_its_limit(limit: int, steps: list[int]) -> None:
    budget = OrderBudget(limit, 2 * limit)
    now, taken = 10**18, []
    for step in steps:
        now += step
        if budget.try_take(now):
            taken.append(now)
        else:
            assert budget.free_at_ns(now) > now
        assert sum(1 for at in taken if at > now - 10 * NS_PER_S) <= limit
        assert sum(1 for at in taken if at > now - 60 * NS_PER_S) <= 2 * limit


def test_a_spent_budget_says_when_it_is_free_again() -> None:
    budget = OrderBudget(2, 100)
    budget.try_take(0)
    budget.try_take(NS_PER_S)

    assert not budget.try_take(2 * NS_PER_S)
    assert budget.free_at_ns(2 * NS_PER_S) == 10 * NS_PER_S
    assert budget.try_take(10 * NS_PER_S)


def test_a_refusal_counts_in_neither_window() -> None:
    budget = OrderBudget(1, 2)
    budget.try_take(0)
    for _ in range(5):
        budget.try_take(1)

    assert budget.used(1) == (1, 1)


def test_placements_of_other_processes_take_from_ours() -> None:
    budget = OrderBudget(3, 100)
    budget.try_take(0)
    budget.hear(3, 3, 1)

    assert not budget.try_take(2)
    assert budget.try_take(11 * NS_PER_S)


def test_a_window_needs_room_and_time() -> None:
    with pytest.raises(ValueError, match="above 0"):
        Window(0, 1)
