from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grinder.execution.budget import OrderBudget, Window
from grinder.model.units import NS_PER_S


@given(
    limit=st.integers(1, 5),
    steps=st.lists(
        st.tuples(st.integers(0, 4 * NS_PER_S), st.integers(1, 6)), min_size=1, max_size=60
    ),
)
def test_no_window_ever_holds_more_than_its_limit(limit: int, steps: list[tuple[int, int]]) -> None:
    budget = OrderBudget(limit, 2 * limit)
    now, taken = 10**18, []
    for step, count in steps:
        now += step
        granted = budget.take(count, now)
        taken += [now] * granted
        if granted < count:
            assert budget.free_at_ns(now) > now
        assert sum(1 for at in taken if at > now - 10 * NS_PER_S) <= limit
        assert sum(1 for at in taken if at > now - 60 * NS_PER_S) <= 2 * limit


@given(
    limits=st.tuples(st.integers(1, 7), st.integers(1, 9)),
    others=st.integers(0, 4),
    steps=st.lists(
        st.tuples(st.integers(0, 20 * NS_PER_S), st.integers(1, 9)), min_size=1, max_size=30
    ),
)
def test_taking_many_at_once_is_taking_one_after_the_other(
    limits: tuple[int, int], others: int, steps: list[tuple[int, int]]
) -> None:
    at_once, one_by_one = OrderBudget(*limits), OrderBudget(*limits)
    now = 10**18
    for budget in (at_once, one_by_one):
        budget.hear(others, others, now)
    for step, count in steps:
        now += step
        granted = at_once.take(count, now)

        assert granted == sum(one_by_one.take(1, now) for _ in range(count))
        assert at_once.used(now) == one_by_one.used(now)
        assert at_once.free_at_ns(now) == one_by_one.free_at_ns(now)


def test_a_spent_budget_says_when_it_is_free_again() -> None:
    budget = OrderBudget(2, 100)
    budget.take(1, 0)
    budget.take(1, NS_PER_S)

    assert not budget.take(1, 2 * NS_PER_S)
    assert budget.free_at_ns(2 * NS_PER_S) == 10 * NS_PER_S
    assert budget.take(1, 10 * NS_PER_S)


def test_a_refusal_counts_in_neither_window() -> None:
    budget = OrderBudget(1, 2)
    budget.take(1, 0)
    for _ in range(5):
        budget.take(1, 1)

    assert budget.used(1) == (1, 1)


def test_placements_of_other_processes_take_from_ours() -> None:
    budget = OrderBudget(3, 100)
    budget.take(1, 0)
    budget.hear(3, 3, 1)

    assert not budget.take(1, 2)
    assert budget.take(1, 11 * NS_PER_S)


def test_a_window_needs_room_and_time() -> None:
    with pytest.raises(ValueError, match="above 0"):
        Window(0, 1)
