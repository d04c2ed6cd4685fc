from __future__ import annotations

import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from features import batch
from grinder.features.rolling import Lag, RollingFit, RollingZ, SecondSums

NUMBERS = st.floats(-1e6, 1e6, allow_nan=False).map(lambda value: round(value, 3))


@given(st.integers(2, 12), st.lists(NUMBERS, min_size=1, max_size=60))
def test_a_z_score_is_that_of_the_window(window: int, values: list[float]) -> None:
    rolling = RollingZ(window, 2)
    for end, value in enumerate(values, start=1):
        score, expected = rolling.add(value), batch.zscore(values[:end], window, 2)
        assert score == (None if expected is None else pytest.approx(expected, rel=1e-4, abs=1e-4))
        assert rolling.mean == pytest.approx(
            statistics.fmean(values[max(0, end - window) : end]), rel=1e-6, abs=1e-6
        )


def test_an_extreme_value_leaves_nothing_behind_once_it_is_out() -> None:
    rolling = RollingZ(10, 2)
    values = [1.0, 2.0, 1e12, *[float(n % 3) for n in range(20)]]
    scores = [rolling.add(value) for value in values]

    assert scores[-1] == pytest.approx(batch.zscore(values, 10, 2))
    assert scores[13] == pytest.approx(batch.zscore(values[:14], 10, 2))


def test_it_is_cut_waits_for_its_minimum_and_is_nothing_where_nothing_moves() -> None:
    rolling = RollingZ()
    assert [rolling.add(7.0) for _ in range(30)] == [None] * 29 + [0.0]
    for _ in range(200):
        rolling.add(7.0)
    assert rolling.add(8.0) == 5.0
    assert rolling.add(-99.0) == -5.0


@given(st.integers(2, 12), st.lists(st.tuples(NUMBERS, NUMBERS), min_size=2, max_size=50))
def test_a_fit_is_that_of_the_window(window: int, pairs: list[tuple[float, float]]) -> None:
    fit = RollingFit(window)
    for x, y in pairs:
        fit.add(x, y)

    xs, ys = zip(*pairs[-window:], strict=True)
    spread = max(xs) - min(xs)
    if spread == 0:
        assert fit.slope() is None
        assert fit.explained() is None
    elif spread > 1:
        slope = statistics.linear_regression(xs, ys).slope
        assert fit.slope() == pytest.approx(slope, rel=1e-4, abs=1e-4)
        explained = fit.explained()
        assert explained is not None
        if max(ys) - min(ys) > 1:
            expected = statistics.correlation(xs, ys) ** 2
            assert explained == pytest.approx(expected, rel=1e-3, abs=1e-4)
        else:
            assert 0.0 <= explained <= 1.0


@given(st.lists(st.integers(0, 9), max_size=60))
def test_a_fit_forgets_what_is_too_far_left(steps: list[int]) -> None:
    fit = RollingFit(1_000)
    at, kept = 0.0, list[tuple[float, float]]()
    for number, step in enumerate(steps):
        at += step
        kept.append((at, number % 7))
        fit.add(*kept[-1])
        fit.drop_before(at - 20)

    near = [(x, y) for x, y in kept if x >= at - 20]
    assert len(fit) == len(near)
    slope = batch.slope(*zip(*near, strict=True)) if near else None
    assert fit.slope() == (None if slope is None else pytest.approx(slope, abs=1e-9))


@given(st.integers(0, 30), st.lists(st.integers(0, 9), min_size=1, max_size=60))
def test_a_lag_is_the_last_value_at_or_before(span: int, steps: list[int]) -> None:
    lag, rows, at = Lag(span), list[tuple[int, float]](), 0
    for step in steps:
        at += step
        rows.append((at, float(len(rows))))
        lag.add(rows[-1])
        assert lag.at(at) == batch.then(rows, at, span)


@given(st.lists(st.tuples(st.integers(0, 6), st.integers(1, 50)), max_size=60))
def test_sums_are_those_of_the_seconds_of_their_span(steps: list[tuple[int, int]]) -> None:
    sums = SecondSums((3, 10), 2)
    second, heard = 1, list[tuple[int, int]]()
    for step, value in steps:
        second += step
        heard.append((second, value))
        sums.roll(second)
        sums.open[0] += value
        sums.open[1] += 1
    sums.roll(second)
    for which, span in enumerate((3, 10)):
        of_span = [value for at, value in heard if at > second - span]
        assert sums.sums(which) == [sum(of_span), len(of_span)]


def test_seconds_do_not_run_backwards() -> None:
    sums = SecondSums((3,), 1)
    sums.roll(10)
    sums.open[0] += 4
    sums.roll(2)

    assert (sums.second, sums.sums(0)) == (10, [4])


@pytest.mark.parametrize("window", [(0, 0), (5, 6)])
def test_a_window_holds_its_minimum(window: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="minimum"):
        RollingZ(*window)


def test_a_fit_needs_two_pairs() -> None:
    with pytest.raises(ValueError, match="at least 2"):
        RollingFit(1)
