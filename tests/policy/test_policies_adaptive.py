"""The policy called adaptive: step, width and levels from volatility and regime."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grinder.model.grid import GridMode, GridPlan, MarketRegime, ResetAction
from grinder.model.strategy import AdaptiveSettings
from grinder.policy.policies.adaptive import AdaptivePolicy, shape_for, taper_weights
from policy.market import BTC, held, settings, view

RANGE, SHOCK = MarketRegime.RANGE, MarketRegime.VOL_SHOCK
THIN, UP, DOWN = MarketRegime.THIN_BOOK, MarketRegime.TREND_UP, MarketRegime.TREND_DOWN
QUOTING = (RANGE, SHOCK, THIN, UP, DOWN)
GOLDEN = """
natr | RANGE              | VOL_SHOCK          | THIN_BOOK          | TREND_UP
0    | 5; 20/20; 4/4      | 5; 20/20; 4/4      | 5; 20/20; 4/4      | 5; 26/20; 6/4
10   | 5; 154/154; 20/20  | 5; 154/154; 20/20  | 6; 154/154; 20/20  | 5; 200/154; 20/20
50   | 15; 500/500; 20/20 | 22; 500/500; 20/20 | 30; 500/500; 17/17 | 15; 650/500; 20/20
100  | 30; 500/500; 17/17 | 45; 500/500; 12/12 | 60; 500/500; 9/9   | 30; 650/500; 20/17
200  | 60; 500/500; 9/9   | 90; 500/500; 6/6   | 120; 500/500; 5/5  | 60; 650/500; 11/9
500  | 150; 500/500; 4/4  | 225; 500/500; 3/3  | 300; 500/500; 2/2  | 150; 650/500; 5/4
1000 | 300; 500/500; 2/2  | 450; 500/500; 2/2  | 600; 500/500; 2/2  | 300; 650/500; 3/2
"""
"""Step; width up/down; levels up/down, by true range and regime, in basis points."""


def _golden() -> list[tuple[int, MarketRegime, str]]:
    head, *rows = (line.split("|") for line in GOLDEN.strip().splitlines())
    regimes = [MarketRegime(name.strip()) for name in head[1:]]
    return [
        (int(row[0]), regime, cell.strip())
        for row in rows
        for regime, cell in zip(regimes, row[1:], strict=True)
    ]


def evaluate(*options: str, **given: Any) -> GridPlan:
    return AdaptivePolicy(settings("adaptive", *options)).evaluate(view(**given))


@pytest.mark.parametrize(("natr", "regime", "expected"), _golden())
def test_shape_is_the_golden_one(natr: int, regime: MarketRegime, expected: str) -> None:
    shape = shape_for(natr, regime, AdaptiveSettings())

    assert (
        f"{shape.step_bps}; {shape.width_up_bps}/{shape.width_down_bps}; "
        f"{shape.levels_up}/{shape.levels_down}"
    ) == expected


@pytest.mark.parametrize(("natr", "regime", "expected"), _golden())
def test_plan_has_the_golden_shape(natr: int, regime: MarketRegime, expected: str) -> None:
    step, widths, levels = expected.split("; ")
    up, down = map(int, levels.split("/"))
    width_up, width_down = map(int, widths.split("/"))

    plan = evaluate(natr_bps=natr, regime=regime)

    assert plan.mode is GridMode.BILATERAL
    assert plan.regime is regime
    assert (plan.spacing_bps, plan.levels_up, plan.levels_down) == (int(step), up, down)
    assert plan.width_bps == (width_up + width_down) // 2
    assert len(plan.size_schedule) == max(up, down)
    assert plan.reason_codes[0] == f"REGIME_{regime}"
    assert ("ASYMMETRIC_GRID" in plan.reason_codes) == (regime is UP)


@pytest.mark.parametrize("natr", [0, 10, 50, 100, 200, 500, 1000])
def test_falling_trend_mirrors_the_rising_one(natr: int) -> None:
    up, down = (shape_for(natr, one, AdaptiveSettings()) for one in (UP, DOWN))

    assert down.step_bps == up.step_bps
    assert (down.width_up_bps, down.width_down_bps) == (up.width_down_bps, up.width_up_bps)
    assert (down.levels_up, down.levels_down) == (up.levels_down, up.levels_up)


natrs = st.integers(0, 100_000)


@given(natrs, st.sampled_from(QUOTING))
def test_step_is_a_whole_number_from_the_floor(natr: int, regime: MarketRegime) -> None:
    shape = shape_for(natr, regime, AdaptiveSettings())

    assert isinstance(shape.step_bps, int)
    assert shape.step_bps >= AdaptiveSettings().step_min_bps
    assert shape.step_bps * shape.levels_down < 10_000


@given(
    natrs,
    st.sampled_from(MarketRegime),
    st.builds(
        AdaptiveSettings,
        step_min_bps=st.integers(1, 5_000),
        step_alpha=st.integers(1, 10_000),
        horizon_minutes=st.integers(1, 1_440),
        k_tail=st.integers(1, 10_000),
        x_min_bps=st.integers(1, 9_000),
        x_cap_bps=st.integers(1, 9_000),
        levels_min=st.integers(1, 20),
        levels_max=st.integers(20, 99),
        trend_width_mult=st.integers(100, 10_000),
    ),
)
def test_any_settings_leave_every_price_above_zero(
    natr: int, regime: MarketRegime, others: AdaptiveSettings
) -> None:
    shape = shape_for(natr, regime, others)

    assert shape.step_bps * max(shape.levels_up, shape.levels_down) <= 9_000
    assert min(shape.levels_up, shape.levels_down) >= others.levels_min


@given(natrs, natrs, st.sampled_from(QUOTING))
def test_step_grows_with_the_true_range(one: int, other: int, regime: MarketRegime) -> None:
    low, high = (shape_for(natr, regime, AdaptiveSettings()) for natr in sorted((one, other)))

    assert low.step_bps <= high.step_bps


@given(natrs)
def test_step_grows_with_the_gravity_of_the_regime(natr: int) -> None:
    steps = [shape_for(natr, one, AdaptiveSettings()).step_bps for one in (RANGE, SHOCK, THIN)]

    assert steps == sorted(steps)


@pytest.mark.parametrize("regime", MarketRegime)
def test_step_is_the_floor_without_volatility(regime: MarketRegime) -> None:
    assert shape_for(0, regime, AdaptiveSettings()).step_bps == 5


def test_step_stays_where_the_least_levels_exceed_the_width() -> None:
    plan = evaluate(natr_bps=1000)

    assert plan.spacing_bps * plan.levels_up > plan.width_bps
    assert "WIDTH_CAP_EXCEEDED" in plan.reason_codes


def test_rounding_up_to_a_level_is_no_conflict_with_the_width() -> None:
    plan = evaluate(natr_bps=100)

    assert plan.spacing_bps * plan.levels_up == 510
    assert "WIDTH_CAP_EXCEEDED" not in plan.reason_codes


def test_reason_says_that_the_most_levels_end_before_the_width() -> None:
    plan = evaluate(natr_bps=10)

    assert plan.spacing_bps * plan.levels_up == 100
    assert "WIDTH_NOT_REACHED" in plan.reason_codes


def test_market_gone_mad_leaves_every_price_above_zero() -> None:
    plan = evaluate(natr_bps=100_000)

    assert plan.spacing_bps * plan.levels_down <= 9_000
    assert "STEP_CAPPED" in plan.reason_codes


@pytest.mark.parametrize(
    "regime", [MarketRegime.EMERGENCY, MarketRegime.TOXIC, MarketRegime.PAUSED]
)
def test_regimes_without_quotes_pause(regime: MarketRegime) -> None:
    plan = evaluate(natr_bps=50, regime=regime)

    assert plan.mode is GridMode.PAUSE
    assert not plan.is_active
    assert plan.size_schedule == ()
    assert plan.spacing_bps == 5
    assert plan.width_bps == 0
    assert plan.reset_action is ResetAction.HARD
    assert plan.reason_codes == (f"REGIME_{regime}",)


def test_cold_start_is_the_ladder_of_the_settings() -> None:
    plan = evaluate(is_warm=False)

    assert (plan.spacing_bps, plan.levels_up, plan.levels_down) == (5, 8, 8)
    assert plan.reason_codes == ("REGIME_RANGE", "WARMUP_INCOMPLETE", "NATR_FALLBACK")


def test_few_bars_are_said_to_be_few() -> None:
    assert "WARMUP_INCOMPLETE" in evaluate(natr_bps=10, warmup_bars=14).reason_codes
    assert "WARMUP_INCOMPLETE" not in evaluate(natr_bps=10, warmup_bars=15).reason_codes


def test_centre_moves_against_what_is_held() -> None:
    assert evaluate(natr_bps=50, **held(0.5)).skew_bps == -5
    assert evaluate(natr_bps=50, **held(-1)).skew_bps == 10
    assert evaluate(natr_bps=50, **held(-3)).skew_bps == 10
    assert evaluate("skew_bps_max=0", natr_bps=50, **held(-3)).skew_bps == 0


def test_levels_are_of_one_quantity_by_default() -> None:
    assert set(evaluate(natr_bps=100).size_schedule) == {Decimal("0.02")}


def test_no_level_is_worth_more_than_the_notional_if_worth_is_to_be_equal() -> None:
    plan = evaluate("sizing=equal-notional", natr_bps=100)

    for level in range(1, plan.levels_up + 1):
        price = plan.center_price * (1 + Decimal(plan.spacing_bps) * level / 10_000)
        worth: Decimal = price * plan.size(level)
        assert Decimal("999.99") < worth <= 1_000


@given(st.integers(1, 20), st.decimals("0.25", 4, places=2))
def test_taper_keeps_its_ratio_and_the_whole(count: int, taper: Decimal) -> None:
    weights = taper_weights(count, taper)

    assert len(weights) == count
    assert abs(sum(weights, Decimal(0)) - count) < Decimal("1e-20")
    ratio: Decimal = max(weights) / min(weights)
    assert ratio <= max(taper, Decimal(1) / taper) + Decimal("1e-20")
    is_falling: bool = taper < Decimal(1)
    assert list(weights) == sorted(weights, reverse=is_falling)


def test_tapered_ladder_ends_with_larger_levels() -> None:
    sizes = evaluate("taper=2", natr_bps=200).size_schedule

    assert abs(sizes[-1] / sizes[0] - 2) < Decimal("0.001")
    assert abs(sum(sizes) - Decimal("0.02") * len(sizes)) < Decimal("0.0000001") * len(sizes)


def test_levels_too_small_for_the_venue_are_not_placed() -> None:
    plan = evaluate(natr_bps=50, level_notional=BTC.notional_min)

    assert plan.mode is GridMode.PAUSE
    assert plan.reason_codes[0] == "SIZE_BELOW_MINIMUM"
