from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grinder.features.bars import Bar
from grinder.features.microstructure import imbalance_bps
from grinder.features.volatility import AverageTrueRange, round_half_even, true_range2
from grinder.features.window import OldestInWindow


def bar(high: int, low: int, close: int) -> Bar:
    return Bar(0, low, high, low, close, 1)


@pytest.mark.parametrize(
    ("high", "low", "previous", "expected"), [(9, 4, 5, 5), (9, 8, 5, 4), (4, 3, 9, 6)]
)
def test_the_true_range_includes_the_gap(high: int, low: int, previous: int, expected: int) -> None:
    assert true_range2(bar(high, low, low), previous) == expected


@pytest.mark.parametrize(
    ("mean", "close", "expected"),
    [(10, 100, 1_000), (50, 100, 5_000), (1, 100, 100), (5, 50_000, 1)],
)
def test_natr_examples(mean: int, close: int, expected: int) -> None:
    atr = AverageTrueRange(2)
    atr.add(bar(close, close, close))
    for _ in range(2):
        atr.add(bar(close, close - mean, close))

    assert atr.natr_bps == expected


def test_it_is_warm_with_one_bar_more_than_its_period() -> None:
    atr = AverageTrueRange(14)
    warm = []
    for _ in range(16):
        atr.add(bar(110, 90, 100))
        warm.append((atr.is_warm, atr.natr_bps))

    assert warm == [(False, 0)] * 14 + [(True, 2_000)] * 2


def test_a_close_of_nothing_is_no_volatility() -> None:
    atr = AverageTrueRange(1)
    atr.add(bar(2, 1, 1))
    atr.add(bar(2, 0, 0))

    assert (atr.is_warm, atr.natr_bps) == (True, 0)


def test_a_period_is_positive() -> None:
    with pytest.raises(ValueError, match="at least 1"):
        AverageTrueRange(0)


@given(
    st.integers(1, 5),
    st.lists(st.tuples(st.integers(50, 99), st.integers(1, 49), st.integers(1, 99)), max_size=40),
)
def test_the_running_mean_equals_that_of_a_batch(
    period: int, rows: list[tuple[int, int, int]]
) -> None:
    bars = [bar(*row) for row in rows]
    atr = AverageTrueRange(period)
    for each in bars:
        atr.add(each)

    ranges = [true_range2(b, a.close2) for a, b in pairwise(bars)][-period:]
    is_warm = len(bars) > period
    assert atr.is_warm is is_warm
    if is_warm:
        assert atr.natr_bps == round(Fraction(10_000 * sum(ranges), period * bars[-1].close2))
    else:
        assert atr.natr_bps == 0


@given(st.integers(), st.integers(min_value=1))
def test_rounding_is_half_to_even(numerator: int, denominator: int) -> None:
    assert round_half_even(numerator, denominator) == round(Fraction(numerator, denominator))


@pytest.mark.parametrize(
    ("bid", "ask", "expected"),
    [(3, 1, 5_000), (0, 0, 0), (10, 0, 10_000), (0, 10, -10_000), (1, 1, 0)],
)
def test_imbalance_examples(bid: int, ask: int, expected: int) -> None:
    assert imbalance_bps(bid, ask) == expected


@given(
    st.integers(0, 20),
    st.lists(st.tuples(st.integers(0, 8), st.integers(1, 99)), min_size=1, max_size=80),
)
def test_the_window_equals_a_scan(span: int, steps: list[tuple[int, int]]) -> None:
    window = OldestInWindow(span)
    now, history = 0, []
    for step, value in steps:
        now += step
        history.append((now, value))

        oldest = window.add(now, value)

        assert oldest == next(v for at, v in history if at >= now - span)


def test_a_full_window_drops_its_oldest_and_counts_it() -> None:
    window = OldestInWindow(100, capacity=2)

    assert [window.add(ts, ts) for ts in (1, 2, 3)] == [1, 1, 2]
    assert (window.dropped, len(window)) == (1, 2)


def test_a_clock_that_goes_backwards_neither_grows_nor_shrinks_the_window() -> None:
    window = OldestInWindow(5)
    window.add(10, 1)
    window.add(12, 2)

    assert window.add(3, 9) == 1
    assert len(window) == 2


@pytest.mark.parametrize(("span", "capacity"), [(-1, 1), (1, 0)])
def test_a_window_needs_a_span_and_room(span: int, capacity: int) -> None:
    with pytest.raises(ValueError, match="expected"):
        OldestInWindow(span, capacity)
