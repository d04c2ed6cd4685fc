"""A shallow book and entries that do badly: what they do to a plan."""

from __future__ import annotations

from decimal import Decimal

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from grinder.model.grid import GridPlan, ResetAction
from grinder.model.order import Side
from grinder.model.strategy import RegimeSettings
from grinder.policy.controller import PlanKeeper
from grinder.policy.depth import PENALTY, BookPenalty, penalised
from grinder.policy.quality import PAUSE, RESET, ExecQuality, Outcome, rested
from policy.stub import plan_of

MID = Decimal(60_000)
REFUSED = Outcome(side=Side.BUY, is_refused=True)
TAKEN = Outcome(side=Side.BUY)
FEW = RegimeSettings(
    quality_orders=4, quality_markout_bps=5.0, hold_samples=2, quality_pause_samples=3
)


@pytest.mark.parametrize(
    ("features", "factor"),
    [
        ({}, 1.0),
        ({"impact_buy_bps": 49.0}, 1.0),
        ({"impact_buy_bps": 50.0}, 1.0),
        ({"impact_sell_bps": 80.0}, 1.1),
        ({"impact_sell_bps": 125.0, "impact_buy_bps": 10.0}, 1.2),
        ({"impact_buy_bps": 200.0}, 1.5),
        ({"impact_buy_bps": 900.0}, 1.5),
        ({"impact_buy_insufficient": 1.0}, 1.5),
    ],
)
def test_the_penalty_grows_from_a_quarter_of_the_threshold_by_the_worse_side(
    features: dict[str, float], factor: float
) -> None:
    assert BookPenalty(200, 150, 5).follow(features) == pytest.approx(factor)
    assert BookPenalty(0, 150, 5).follow(features) == 1
    assert BookPenalty(200, 100, 5).follow(features) == 1


def test_it_rises_at_once_and_falls_late() -> None:
    penalty = BookPenalty(200, 150, 3)
    seen = [penalty.follow({"impact_buy_bps": one}) for one in (0, 200, 0, 0, 0)]

    assert seen == [1.0, 1.5, 1.5, 1.5, 1.0]


@given(
    factor=st.floats(1, 3),
    up=st.integers(0, 20),
    down=st.integers(0, 20),
    spacing=st.floats(1, 300),
)
def test_a_penalised_plan_is_wider_and_never_deeper(
    factor: float, up: int, down: int, spacing: float
) -> None:
    plan = plan_of(levels_up=up, levels_down=down, spacing_bps=spacing)
    wider = penalised(plan, factor, 500.0)

    assert wider.spacing_bps >= plan.spacing_bps
    assert wider.levels_up <= up
    assert wider.levels_down <= down
    reach = wider.spacing_bps * max(wider.levels_up, wider.levels_down)
    assert reach <= max(500.0, spacing * max(up, down), 2 * wider.spacing_bps) * 1.000001
    assert (PENALTY in wider.reason_codes) is (factor > 1 and up + down > 0)


def test_a_penalty_that_grows_under_one_code_moves_the_ladder() -> None:
    keeper = PlanKeeper(RegimeSettings())
    plan = plan_of()
    held = keeper.follow(plan, "range")
    plans: list[GridPlan] = []
    for factor in (1.05, 1.1, 1.3, 1.0):
        held = keeper.follow(penalised(plan, factor, 500.0), "range")
        plans.append(held)

    assert [one.spacing_bps for one in plans] == [10, 11, 13, 10]
    assert all("RESET_STEP_DRIFT" in one.reason_codes for one in plans[1:])


def fed(quality: ExecQuality, *outcomes: Outcome, mid: Decimal = MID) -> str:
    return quality.follow(outcomes, mid)


def test_half_of_the_entries_refused_is_a_decay_once_the_window_is_full() -> None:
    quality = ExecQuality(FEW)

    assert fed(quality, REFUSED, REFUSED, TAKEN) == ""
    assert fed(quality, TAKEN) == RESET
    assert fed(quality, TAKEN, TAKEN, TAKEN, REFUSED) == "", "the window began anew"


@pytest.mark.parametrize("side", list(Side))
def test_a_market_that_runs_on_after_fills_is_a_decay(side: Side) -> None:
    quality = ExecQuality(FEW)
    fill = Outcome(side=side, price=MID)
    against = MID * (1 - side.sign * Decimal("0.001"))

    assert fed(quality, fill, fill) == ""
    assert fed(quality, mid=against) == "", "two samples later it counts"
    assert fed(quality, mid=against) == RESET
    calm = ExecQuality(FEW)
    fed(calm, fill, fill)
    assert [fed(calm, mid=MID * (1 + side.sign * Decimal("0.001"))) for _ in range(3)] == [""] * 3


def test_another_decay_soon_after_pauses_for_a_while() -> None:
    quality = ExecQuality(FEW)
    assert fed(quality, *[REFUSED] * 4) == RESET
    said = [fed(quality, *[REFUSED] * 4), *[fed(quality) for _ in range(3)]]

    assert said == [PAUSE, PAUSE, PAUSE, ""]
    plan = rested(plan_of(), PAUSE)
    assert not plan.is_active
    assert plan.reason_codes[0] == PAUSE
    assert plan.reset_action is ResetAction.SOFT
    assert rested(plan_of(), RESET) == plan_of()


def test_nothing_is_judged_with_it_turned_off() -> None:
    quality = ExecQuality(attrs.evolve(FEW, quality_orders=0))

    assert [fed(quality, *[REFUSED] * 9) for _ in range(5)] == [""] * 5


def test_a_decay_builds_the_ladder_anew_where_nothing_else_calls_for_it() -> None:
    keeper = PlanKeeper(RegimeSettings())
    plan = plan_of()
    held = keeper.follow(plan, "range")
    assert keeper.follow(plan, "range") is held

    renewed = keeper.follow(plan, "range", (RESET,))
    assert renewed is not held
    assert renewed.reset_action is ResetAction.SOFT
    assert renewed.reason_codes[-1] == RESET
    assert keeper.follow(plan, "range") is renewed
