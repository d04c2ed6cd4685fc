"""From samples to plans: what is decided, in which order, and when nothing is."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from itertools import pairwise
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from grinder.model.grid import GridMode, ResetAction, ToxicityLevel
from grinder.model.settings import Config
from policy.market import SECOND_NS, settings
from policy.sampled import START_NS, Conducted, Market, budget, changed, falling, ranging

MID, HIGH, EXTREME = ToxicityLevel.MID, ToxicityLevel.HIGH, ToxicityLevel.EXTREME
TREND_UP = {"signed_return_bps": 300.0, "range_score": 1.0}
ADAPTIVE = settings("adaptive")
AUTO = settings("auto")


# From prices to regimes, through the real features.


def conducted(ticks: Iterable[tuple[int, float]], config: Config) -> Conducted:
    market, conductor = Market(config), Conducted(config)
    for at_ns, mid in ticks:
        conductor.hear(market.tick(at_ns, mid), mid=Decimal(round(mid * 10)) / 10)
    return conductor


@pytest.mark.parametrize("config", [Config(), ADAPTIVE, AUTO], ids=["static", "adaptive", "auto"])
@pytest.mark.parametrize(
    ("ticks", "regimes"),
    [
        (tuple(falling(25)), ["TREND_DOWN"]),
        (tuple(falling(25, a_minute_bps=30.0)), ["TREND_UP"]),
        (tuple(ranging(25)), []),
    ],
    ids=["falling", "rising", "ranging"],
)
def test_prices_lead_to_the_regime_of_their_direction(
    ticks: tuple[tuple[int, float], ...], regimes: list[str], config: Config
) -> None:
    conductor = conducted(ticks, config)

    assert conductor.regimes() == regimes
    assert conductor.decisions[-1].verdict.regime == (regimes or ["RANGE"])[-1]
    # Nothing is known of a trend before there are bars enough.
    assert {one.verdict.regime for one in conductor.decisions[: 15 * 12]} == {"RANGE"}


def test_a_trend_makes_the_adaptive_grid_wider_on_the_side_against_it() -> None:
    down = conducted(falling(25), ADAPTIVE).decisions[-1].plan
    up = conducted(falling(25, a_minute_bps=30.0), ADAPTIVE).decisions[-1].plan

    assert "ASYMMETRIC_GRID" in down.reason_codes
    assert "ASYMMETRIC_GRID" in up.reason_codes
    assert down.regime == "TREND_DOWN"
    assert up.regime == "TREND_UP"


@given(
    moves=st.lists(st.tuples(st.floats(-60, 60), st.integers(1, 70)), min_size=1, max_size=40),
    name=st.sampled_from(["static", "adaptive", "auto"]),
)
def test_equal_samples_give_equal_decisions(moves: list[tuple[float, int]], name: str) -> None:
    ticks, mid, at_ns = [], 60_000.0, START_NS
    for bps, seconds in moves:
        mid *= 1 + bps / 10_000
        at_ns += seconds * SECOND_NS
        ticks.append((at_ns, mid))

    first = conducted(ticks, settings(name)).decisions
    second = conducted(ticks, settings(name)).decisions

    assert first == second
    assert all(one.plan.reason_codes for one in first)
    # The identity of a plan is part of the answer.
    assert [one.plan is two.plan for one, two in pairwise(first)] == [
        one.plan is two.plan for one, two in pairwise(second)
    ]


@pytest.mark.parametrize(("samples", "regimes"), [(1, []), (2, []), (3, ["THIN_BOOK"])])
def test_a_best_quote_that_is_used_up_for_a_moment_is_no_thin_book(
    samples: int, regimes: list[str]
) -> None:
    conductor = Conducted(ADAPTIVE)
    conductor.see(20)
    for _ in range(3):
        conductor.see(samples, thin_l1_notional=499.0)
        conductor.see(1)

    assert conductor.regimes() == regimes


# Static.


def test_the_static_plan_is_the_same_object_in_every_ordinary_market() -> None:
    conductor = Conducted()
    first = conductor.see()
    markets: list[dict[str, Any]] = [{}, TREND_UP, {"natr_bps": 900.0}, {"spread_bps": 40.0}]
    for features in markets:
        conductor.see(20, **features)
        conductor.see(5, toxicity=MID, **features)
    conductor.know(position_qty=Decimal("0.01"), mid=Decimal(61_000), **budget(budget_ratio=0.4))
    last = conductor.see(5)

    assert {id(one.plan) for one in conductor.decisions} == {id(first.plan)}
    assert all(one.is_plain for one in conductor.decisions)
    assert last.plan.spacing_bps == Config().policy.spacing_bps
    assert last.plan.reason_codes == ("REGIME_RANGE",)


@pytest.mark.parametrize(
    ("conditions", "code"),
    [
        ({"toxicity": HIGH}, "PAUSE_TOX_HIGH"),
        ({"toxicity": EXTREME}, "EMERGENCY_TOX_EXTREME"),
        ({"impact_buy_insufficient": 1.0}, "L2_INSUFFICIENT_DEPTH_BUY"),
        ({"impact_sell_bps": 250.0}, "L2_IMPACT_SELL_HIGH"),
    ],
)
def test_static_gives_way_to_what_is_no_market_and_comes_back(
    conditions: dict[str, Any], code: str
) -> None:
    conductor = Conducted()
    before = conductor.see(3)

    during = conductor.see(**conditions)
    after = conductor.see()

    assert not during.is_plain
    assert during.plan.reason_codes[0] == code
    assert after.is_plain
    assert after.plan.reset_action is ResetAction.SOFT
    assert attrs.evolve(after.plan, reset_action=ResetAction.NONE) == before.plan


def test_static_has_no_entries_once_the_budget_is_gone() -> None:
    conductor = Conducted().know(**budget(budget_ratio=Decimal(0)))

    plan = conductor.see().plan

    assert not plan.is_active
    assert plan.reason_codes[0] == "DD_BLOCK_ENTRIES"


def test_static_is_throttled_near_the_limit_of_losses() -> None:
    conductor = Conducted()
    plain = conductor.see().plan
    conductor.know(**budget(session_drawdown=0.1))

    plan = conductor.see().plan

    assert plan.mode is GridMode.THROTTLE
    assert plan.reason_codes[0] == "THROTTLE_DRAWDOWN"
    assert plan.spacing_bps == 1.5 * plain.spacing_bps
    assert plan.levels_up == plain.levels_up - 2
    assert conductor.know(**budget(session_drawdown=0.01)).see().is_plain


@pytest.mark.parametrize(
    ("prices", "factor", "code"),
    [
        ([60_000, 60_600, 60_000, 60_600, 60_000, 60_600], 1.5, "HIGH_VOL"),
        ([60_000, 60_006], 0.8, "LOW_VOL"),
        ([60_000, 60_360], 1.0, "REGIME_RANGE"),
    ],
)
def test_the_controller_of_the_static_ladder_is_a_multiplier(
    prices: list[int], factor: float, code: str
) -> None:
    conductor = Conducted(changed(Config(), "controller", enabled=True))
    for price in prices:
        plan = conductor.know(mid=Decimal(price)).see().plan

    assert plan.spacing_bps == 5 * factor
    assert plan.reason_codes[0] == code


def test_the_controller_does_not_tighten_on_a_cold_start() -> None:
    conductor = Conducted(changed(Config(), "controller", enabled=True))

    assert conductor.see().is_plain


def test_the_controller_pauses_on_a_wide_spread_and_keeps_what_rests() -> None:
    conductor = Conducted(changed(Config(), "controller", enabled=True))
    conductor.see(2)

    plan = conductor.see(spread_bps=51.0).plan

    assert plan.mode is GridMode.PAUSE
    assert plan.reset_action is ResetAction.NONE
    assert plan.reason_codes[0] == "WIDE_SPREAD"


# Adaptive.


def test_nothing_new_is_the_very_same_decision() -> None:
    conductor = Conducted(ADAPTIVE)
    conductor.see(2)

    decisions = {id(conductor.see(mid_price=60_000.0 + at)) for at in range(5)}

    assert len(decisions) == 1


def test_news_are_told_once() -> None:
    conductor = Conducted(ADAPTIVE)
    conductor.see(12)

    first, second, third = (conductor.see(natr_bps=600.0) for _ in range(3))

    assert first.regime_changed is not None
    assert first.regime_changed.from_regime == "RANGE"
    assert (first.regime_changed.to_regime, first.regime_changed.reason) == (
        "VOL_SHOCK",
        "HIGH_VOLATILITY",
    )
    assert second.regime_changed is None
    assert second.plan is first.plan
    assert third is second


def test_a_shock_rebuilds_at_once_with_a_step_that_is_not_smoothed() -> None:
    conductor = Conducted(ADAPTIVE)
    conductor.see(12, natr_bps=100.0)

    plan = conductor.see(natr_bps=600.0).plan

    assert plan.reset_action is ResetAction.HARD
    assert plan.spacing_bps == 600 * 30 * 150 // 10_000
    assert plan.reason_codes[0] == "THROTTLE_VOL_SHOCK"
    assert "RESET_REGIME_SWITCH" in plan.reason_codes


def test_a_step_drifts_towards_volatility_and_then_replaces_what_does_not_fit() -> None:
    conductor = Conducted(ADAPTIVE)
    before = conductor.see(12, natr_bps=100.0).plan

    spacings = [conductor.see(natr_bps=200.0).plan for _ in range(3)]

    assert before.spacing_bps == 30
    assert spacings[0].spacing_bps == 36  # a fifth of the way to 60
    assert "STEP_SMOOTHING" in spacings[0].reason_codes
    assert "RESET_STEP_DRIFT" in spacings[0].reason_codes
    assert spacings[0].reset_action is ResetAction.SOFT
    assert 40 < spacings[2].spacing_bps < 60


def test_a_step_is_never_below_the_spread() -> None:
    plan = Conducted(ADAPTIVE).see(spread_bps=45.0).plan

    assert plan.spacing_bps == 45.0
    assert "STEP_SPREAD_FLOOR" in plan.reason_codes


def test_the_ladder_follows_the_market_in_jumps() -> None:
    conductor = Conducted(ADAPTIVE)
    centres = [
        conductor.know(mid=Decimal(60_000 + 45 * step)).see().plan.center_price for step in range(6)
    ]

    assert centres == [Decimal(60_000)] * 2 + [Decimal(60_090)] * 3 + [Decimal(60_225)]


def test_mid_toxicity_throttles_at_once_and_lets_go_again() -> None:
    conductor = Conducted(ADAPTIVE)
    before = conductor.see(3).plan
    during = conductor.see(toxicity=MID).plan
    after = conductor.see().plan

    assert during.mode is GridMode.THROTTLE
    assert during.spacing_bps == 1.5 * before.spacing_bps
    assert during.levels_up == before.levels_up - 2
    assert after.spacing_bps == before.spacing_bps
    assert after.mode is GridMode.BILATERAL


def test_high_toxicity_keeps_what_rests_and_extreme_does_not() -> None:
    conductor = Conducted(ADAPTIVE)
    conductor.see(3)

    high, extreme = (conductor.see(toxicity=level).plan for level in (HIGH, EXTREME))

    assert (high.mode, high.reset_action) == (GridMode.PAUSE, ResetAction.NONE)
    assert (extreme.mode, extreme.reset_action) == (GridMode.EMERGENCY, ResetAction.HARD)


def test_toxicity_that_is_turned_off_does_nothing() -> None:
    conductor = Conducted(changed(ADAPTIVE, "toxicity", enabled=False))
    before = conductor.see(3)

    assert conductor.see(toxicity=EXTREME) is before


def test_extreme_toxicity_gives_back_what_is_held() -> None:
    conductor = Conducted(ADAPTIVE).know(position_qty=Decimal("0.05"), entry_price=Decimal(60_000))
    conductor.see(3)

    plan = conductor.see(toxicity=EXTREME).plan

    assert plan.mode is GridMode.EMERGENCY
    assert plan.levels_up > 0
    assert plan.levels_down == 0
    assert plan.reason_codes[:2] == ("EMERGENCY_TOX_EXTREME", "EMERGENCY_EXIT_LONG")


def test_a_killed_run_has_no_entries() -> None:
    conductor = Conducted(ADAPTIVE).know(is_killed=True)

    decision = conductor.see()

    assert decision.verdict.regime == "EMERGENCY"
    assert not decision.plan.is_active


def test_sizes_are_scaled_by_what_is_left_to_lose() -> None:
    conductor = Conducted(ADAPTIVE)
    whole = conductor.see().plan
    conductor.know(**budget(budget_ratio=Decimal("0.50")))

    half = conductor.see().plan

    assert half.size_schedule == tuple(one / 2 for one in whole.size_schedule)
    assert "DD_SCALE_APPLIED" in half.reason_codes
    assert half.reset_action is ResetAction.SOFT


def test_a_size_scaled_below_the_minimum_is_no_entry() -> None:
    conductor = Conducted(ADAPTIVE).know(**budget(budget_ratio=Decimal("0.01")))

    plan = conductor.see().plan

    assert not plan.is_active
    assert plan.reason_codes[0] == "SIZE_BELOW_MINIMUM"
