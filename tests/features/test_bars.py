from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grinder.features.bars import Bar, BarBuilder


def test_a_bar_completes_when_a_later_bucket_begins() -> None:
    builder = BarBuilder(10)

    assert [builder.add(ts, mid) for ts, mid in ((3, 5), (4, 9), (9, 2), (9, 4))] == [None] * 4
    assert builder.add(35, 7) == Bar(start_ns=0, open2=5, high2=9, low2=2, close2=4, ticks=4)
    assert builder.add(40, 1) == Bar(start_ns=30, open2=7, high2=7, low2=7, close2=7, ticks=1)
    assert builder.completed == 2


def test_a_late_tick_is_counted_and_leaves_the_forming_bar_alone() -> None:
    builder = BarBuilder(10)
    builder.add(25, 5)
    builder.add(19, 1)

    assert builder.late == 1
    assert builder.add(30, 6) == Bar(20, 5, 5, 5, 5, 1)


def test_old_bars_are_forgotten_but_counted() -> None:
    builder = BarBuilder(1, bars_max=3)
    for ts in range(10):
        builder.add(ts, ts)

    assert builder.completed == 9
    assert [bar.close2 for bar in builder.bars] == [6, 7, 8]


@pytest.mark.parametrize(("interval", "kept"), [(0, 1), (1, 0)])
def test_settings_must_be_positive(interval: int, kept: int) -> None:
    with pytest.raises(ValueError, match="above 0"):
        BarBuilder(interval, kept)


@given(st.lists(st.tuples(st.integers(0, 200), st.integers(1, 99)), min_size=1, max_size=80))
def test_bars_equal_those_of_a_batch(ticks: list[tuple[int, int]]) -> None:
    builder = BarBuilder(10)
    made = [bar for bar in (builder.add(*tick) for tick in ticks) if bar is not None]

    newest, kept = -1, []
    for ts, mid in ticks:
        if ts // 10 >= newest:
            newest = ts // 10
            kept.append((newest, mid))
    expected = []
    for bucket in sorted({bucket for bucket, _ in kept})[:-1]:
        mids = [mid for other, mid in kept if other == bucket]
        expected.append(Bar(bucket * 10, mids[0], max(mids), min(mids), mids[-1], len(mids)))
    assert made == expected
    assert builder.late == len(ticks) - len(kept)
