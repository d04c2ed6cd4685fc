"""What steadies a plan from sample to sample."""

from __future__ import annotations

from decimal import Decimal
from itertools import product
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from grinder.model.grid import GridMode, GridPlan, MarketRegime, ResetAction
from grinder.model.steering import ControllerSettings
from grinder.model.strategy import RegimeSettings
from grinder.policy.controller import Pace, PlanKeeper, SpacingController, StepSmoother, reset_for

NONE, SOFT, HARD = ResetAction
PLAN = GridPlan(
    center_price=Decimal(60_000),
    spacing_bps=10.0,
    levels_up=5,
    levels_down=5,
    size_schedule=(Decimal("0.010"),) * 5,
    width_bps=50.0,
    reason_codes=("REGIME_RANGE",),
)
TRENDS = {MarketRegime.TREND_UP, MarketRegime.TREND_DOWN}


def plan(**changes: Any) -> GridPlan:
    return attrs.evolve(PLAN, **changes)


# The controller of the static ladder.


def paces(*samples: tuple[float, float], **settings: Any) -> list[Pace]:
    controller = SpacingController(ControllerSettings(enabled=True, **settings))
    return [controller.follow(mid, spread) for mid, spread in samples]


def test_one_sample_is_too_little_to_tighten_on() -> None:
    assert paces((100.0, 1.0)) == [Pace.BASE]


@pytest.mark.parametrize(
    ("samples", "pace"),
    [
        ([(100.0, 1.0), (100.1, 1.0)], Pace.TIGHTEN),  # 10 bps
        ([(100.0, 1.0), (100.49, 1.0)], Pace.TIGHTEN),
        ([(100.0, 1.0), (100.5, 1.0)], Pace.BASE),  # 50 bps
        ([(100.0, 1.0), (103.0, 1.0)], Pace.BASE),  # 300 bps
        ([(100.0, 1.0), (103.01, 1.0)], Pace.WIDEN),
        ([(100.0, 1.0), (98.0, 1.0), (100.0, 1.0)], Pace.WIDEN),  # there and back count
        ([(100.0, 50.0), (100.5, 50.0)], Pace.BASE),
        ([(100.0, 50.1), (103.1, 1.0)], Pace.PAUSE),
    ],
)
def test_the_window_sets_the_pace(samples: list[tuple[float, float]], pace: Pace) -> None:
    assert paces(*samples)[-1] is pace


def test_what_left_the_window_is_forgotten() -> None:
    calm = [(100.5, 1.0), (101.0, 1.0)] * 5

    assert paces((100.0, 90.0), *calm)[-2:] == [Pace.PAUSE, Pace.WIDEN]


@pytest.mark.parametrize(("pace", "factor"), [("WIDEN", 1.5), ("TIGHTEN", 0.8), ("BASE", 1.0)])
def test_each_pace_has_its_factor(pace: str, factor: float) -> None:
    assert SpacingController(ControllerSettings()).factor(Pace(pace)) == factor


# The step.


def test_a_step_moves_by_a_fifth_of_the_way() -> None:
    smoother = StepSmoother(0.2)

    assert smoother.follow(10.0, "a") == 10.0
    assert smoother.follow(20.0, "a") == 12.0
    assert smoother.follow(20.0, "a") == pytest.approx(13.6)


def test_a_step_of_something_else_begins_anew() -> None:
    smoother = StepSmoother(0.2)
    smoother.follow(10.0, "RANGE")

    assert smoother.follow(30.0, "VOL_SHOCK") == 30.0


@given(steps=st.lists(st.floats(1, 600), min_size=1, max_size=50))
def test_a_smoothed_step_never_leaves_what_was_asked_for(steps: list[float]) -> None:
    smoother = StepSmoother(0.2)
    for number, step in enumerate(steps, 1):
        smoothed = smoother.follow(step, "a")
        assert min(steps[:number]) - 1e-9 <= smoothed <= max(steps[:number]) + 1e-9


# What a change of regime does.


@pytest.mark.parametrize(("before", "after"), list(product(MarketRegime, MarketRegime)))
def test_the_table_of_resets(before: MarketRegime, after: MarketRegime) -> None:
    directed = {*TRENDS, MarketRegime.RANGE}
    into = {MarketRegime.TOXIC, MarketRegime.VOL_SHOCK, MarketRegime.EMERGENCY}
    if before is after:
        expected = NONE
    elif after in into or {before, after} <= directed:
        expected = HARD
    else:
        expected = SOFT

    assert reset_for(before, after) is expected


def test_range_and_thin_book_change_softly() -> None:
    assert reset_for(MarketRegime.RANGE, MarketRegime.THIN_BOOK) is SOFT
    assert reset_for(MarketRegime.THIN_BOOK, MarketRegime.RANGE) is SOFT


# The plan in force.


def kept(*plans: GridPlan, policy: str = "adaptive") -> list[GridPlan]:
    keeper = PlanKeeper(RegimeSettings())
    return [keeper.follow(one, policy) for one in plans]


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"center_price": Decimal("60089.9")},  # just under 15 bps
        {"center_price": Decimal("59910.1")},
        {"spacing_bps": 15.9, "width_bps": 79.5},
        {"size_schedule": (Decimal("0.0109"),) * 5},
        {"skew_bps": 5.9},
    ],
)
def test_a_plan_that_is_about_the_same_is_the_same_object(changes: dict[str, Any]) -> None:
    before, after = kept(PLAN, plan(**changes))

    assert after is before


@pytest.mark.parametrize(
    ("changes", "reset", "codes"),
    [
        ({"center_price": Decimal(60_090)}, SOFT, ("RESET_CENTER_DRIFT",)),
        ({"center_price": Decimal(59_910)}, SOFT, ("RESET_CENTER_DRIFT",)),
        ({"skew_bps": -6.0}, SOFT, ("RESET_CENTER_DRIFT",)),
        ({"spacing_bps": 16.0}, SOFT, ("RESET_STEP_DRIFT", "STEP_VOL_ADJ")),
        ({"size_schedule": (Decimal("0.012"),) * 5}, SOFT, ("RESET_SIZE_DRIFT",)),
        ({"mode": GridMode.THROTTLE}, SOFT, ("RESET_MODE_SWITCH",)),
        ({"regime": MarketRegime.TREND_DOWN}, HARD, ("RESET_REGIME_SWITCH",)),
        ({"regime": MarketRegime.VOL_SHOCK}, HARD, ("RESET_REGIME_SWITCH",)),
        ({"regime": MarketRegime.THIN_BOOK}, SOFT, ("RESET_REGIME_SWITCH",)),
    ],
)
def test_what_is_different_enough_is_built_anew(
    changes: dict[str, Any], reset: ResetAction, codes: tuple[str, ...]
) -> None:
    asked = plan(**changes)
    _, after, later = kept(PLAN, asked, asked)

    assert after.reset_action is reset
    assert after.reason_codes == ("REGIME_RANGE", *codes)
    assert attrs.evolve(after, reset_action=NONE, reason_codes=("REGIME_RANGE",)) == asked
    assert later is after


def test_another_policy_replaces_what_does_not_fit() -> None:
    keeper = PlanKeeper(RegimeSettings())
    keeper.follow(PLAN, "adaptive")

    after = keeper.follow(PLAN, "trend")

    assert after.reset_action is SOFT
    assert after.reason_codes[-1] == "RESET_POLICY_SWITCH"


def test_a_policy_that_wants_a_hard_reset_has_it() -> None:
    _, after = kept(PLAN, plan(reset_action=HARD, center_price=Decimal(61_000)))

    assert after.reset_action is HARD


def test_levels_come_and_go_and_the_rest_stays_where_it_is() -> None:
    moved = plan(center_price=Decimal(60_050), spacing_bps=12.0, levels_up=3, levels_down=0)
    before, after = kept(PLAN, moved)

    assert (after.levels_up, after.levels_down) == (3, 0)
    assert after.reset_action is NONE
    assert (after.center_price, after.spacing_bps) == (before.center_price, before.spacing_bps)


def test_more_levels_than_before_have_sizes_of_their_own() -> None:
    wider = plan(levels_up=7, levels_down=7, size_schedule=(Decimal("0.0101"),) * 7)
    _, after = kept(PLAN, wider)

    assert after.size_schedule == (Decimal("0.010"),) * 5 + (Decimal("0.0101"),) * 2


def test_drift_counts_from_the_ladder_that_rests_and_not_from_sample_to_sample() -> None:
    slowly = [plan(center_price=Decimal(60_000 + 10 * step)) for step in range(20)]

    centres = [one.center_price for one in kept(*slowly)]

    assert centres == [Decimal(60_000)] * 9 + [Decimal(60_090)] * 10 + [Decimal(60_190)]


def test_limits_of_nought_rebuild_with_every_change_and_not_without_one() -> None:
    keeper = PlanKeeper(RegimeSettings(recentre_min_bps=0, step_reset_bps=0))
    first = keeper.follow(PLAN, "adaptive")

    assert keeper.follow(PLAN, "adaptive") is first
    assert keeper.follow(plan(skew_bps=0.1), "adaptive").reason_codes[-1] == "RESET_CENTER_DRIFT"
    assert keeper.follow(plan(spacing_bps=10.1), "adaptive").reset_action is SOFT


def test_a_throttle_moves_the_step_at_once() -> None:
    _, after = kept(PLAN, plan(spacing_bps=11.0, reason_codes=("THROTTLE_X", "REGIME_RANGE")))

    assert after.spacing_bps == 11.0
    assert after.reset_action is SOFT


def test_a_pause_keeps_its_own_reset_and_ignores_the_market() -> None:
    pause = plan(mode=GridMode.PAUSE, levels_up=0, levels_down=0, size_schedule=())
    _, first, second = kept(PLAN, pause, attrs.evolve(pause, center_price=Decimal(70_000)))

    assert first.reset_action is NONE
    assert second is first


def test_exits_follow_the_market() -> None:
    exits = plan(mode=GridMode.EMERGENCY, levels_down=0)
    first, near, far = kept(
        exits,
        attrs.evolve(exits, center_price=Decimal(60_010)),
        attrs.evolve(exits, center_price=Decimal(59_900)),
    )

    assert near is first
    assert far.center_price == Decimal(59_900)
