"""Level arithmetic."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from grinder.model.grid_settings import GridSettings
from grinder.planner.ladder import (
    buy_prices,
    has_moved,
    sell_prices,
    step_ticks,
    unmoved,
    why_untradable,
)
from simulated.worlds import BITCOIN

anchors = st.integers(200, 10**9)


@given(anchor=anchors, spacing=st.integers(1, 500), levels=st.integers(1, 20))
def test_levels_are_distinct_ordered_and_mirror_each_other(
    anchor: int, spacing: int, levels: int
) -> None:
    step = step_ticks(anchor, spacing)
    buys, sells = buy_prices(anchor, step, levels), sell_prices(anchor, step, levels)

    assert step >= 1
    assert len({*buys, *sells}) == 2 * levels
    assert list(buys) == sorted(buys, reverse=True)
    assert list(sells) == sorted(sells)
    assert all(buy + sell == anchor for buy, sell in zip(buys, sells, strict=True))


@given(anchor=anchors, spacing=st.integers(1, 500))
def test_rounding_never_moves_a_level_towards_the_market(anchor: int, spacing: int) -> None:
    step = step_ticks(anchor, spacing)
    (buy,), (sell,) = buy_prices(anchor, step, 1), sell_prices(anchor, step, 1)

    assert 2 * buy <= anchor - 2 * step < 2 * buy + 2
    assert 2 * sell >= anchor + 2 * step > 2 * sell - 2


def test_a_move_counts_from_its_limit_on_in_both_directions() -> None:
    assert not has_moved(1_000_999, 1_000_000, 10)
    assert has_moved(1_001_000, 1_000_000, 10)
    assert has_moved(999_000, 1_000_000, 10)


@given(anchor=st.integers(0, 10**12), limit=st.integers(0, 10_000))
def test_bounds_are_the_outermost_mids_that_have_not_moved(anchor: int, limit: int) -> None:
    low, high = unmoved(anchor, limit)

    assert has_moved(low - 1, anchor, limit)
    assert has_moved(high + 1, anchor, limit)
    if low <= high:
        assert not has_moved(low, anchor, limit)
        assert not has_moved(high, anchor, limit)
    else:
        assert has_moved(anchor, anchor, limit)


def test_a_level_too_small_for_the_venue_says_what_would_do() -> None:
    small = GridSettings(level_notional=Decimal(100))

    assert why_untradable(BITCOIN, GridSettings(), Decimal(60_000)) == ""
    text = why_untradable(BITCOIN, small, Decimal(60_000))
    assert "at least 170 is needed" in text
