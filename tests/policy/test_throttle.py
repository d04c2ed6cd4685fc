"""What holds a plan back, row by row."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from grinder.model.grid import GridMode, GridPlan, MarketRegime, ResetAction, ToxicityLevel
from grinder.policy.regime import Verdict
from grinder.policy.throttle import (
    BookGate,
    DrawdownBrake,
    calm,
    forbid,
    gate_by_book,
    scale,
    temper,
)

LOW, MID = ToxicityLevel.LOW, ToxicityLevel.MID
HIGH, EXTREME = ToxicityLevel.HIGH, ToxicityLevel.EXTREME
RANGE = Verdict(regime=MarketRegime.RANGE, reason="DEFAULT", confidence=80)
PLAN = GridPlan(
    center_price=Decimal(60_000),
    spacing_bps=10.0,
    levels_up=5,
    levels_down=4,
    size_schedule=(Decimal("0.010"), Decimal("0.020")),
    width_bps=45.0,
    reason_codes=("REGIME_RANGE",),
)


def plan(**changes: Any) -> GridPlan:
    return attrs.evolve(PLAN, **changes)


def seen(regime: str, reason: str) -> Verdict:
    return Verdict(regime=MarketRegime(regime), reason=reason, confidence=100)


EXITS = plan(mode=GridMode.EMERGENCY, levels_down=0, reason_codes=("EMERGENCY_EXIT_LONG",))


@pytest.mark.parametrize("verdict", [RANGE, seen("TOXIC", "SPREAD_SPIKE")])
def test_what_only_reduces_is_held_back_by_nothing(verdict: Verdict) -> None:
    for level in ToxicityLevel:
        assert calm(EXITS, level, verdict) is EXITS
    assert forbid(EXITS, verdict) is EXITS
    assert temper(EXITS, MarketRegime.VOL_SHOCK, True) is EXITS
    assert gate_by_book(EXITS, "L2_IMPACT_BUY_HIGH", "L2_IMPACT_SELL_HIGH") is EXITS
    assert scale(EXITS, Decimal(0)) is EXITS


def test_low_toxicity_leaves_the_very_plan() -> None:
    assert calm(PLAN, LOW, RANGE) is PLAN


def test_mid_is_wider_smaller_and_thinner() -> None:
    result = calm(PLAN, MID, RANGE)

    assert result == plan(
        mode=GridMode.THROTTLE,
        spacing_bps=15.0,
        levels_up=3,
        levels_down=2,
        size_schedule=(Decimal("0.0060"), Decimal("0.0120")),
        width_bps=37.5,
        reason_codes=("THROTTLE_TOX_MID", "REGIME_RANGE"),
    )


@pytest.mark.parametrize(("before", "after"), [(0, 0), (1, 1), (2, 2), (3, 2), (4, 2), (20, 18)])
def test_mid_leaves_two_levels_where_there_were_two(before: int, after: int) -> None:
    result = calm(plan(levels_up=before, levels_down=20), MID, RANGE)

    assert (result.levels_up, result.levels_down) == (after, 18)


def test_a_side_stays_the_only_one_in_a_throttle() -> None:
    result = calm(plan(mode=GridMode.UNI_LONG, levels_up=0), MID, RANGE)

    assert result.mode is GridMode.UNI_LONG
    assert result.levels_up == 0


def test_a_policy_that_throttled_itself_is_not_throttled_twice() -> None:
    throttled = plan(reason_codes=("THROTTLE_TOX_MID",))

    assert calm(throttled, MID, RANGE) is throttled


def test_high_places_nothing_and_keeps_what_rests() -> None:
    result = calm(PLAN, HIGH, seen("TOXIC", "TOXIC_FLOW"))

    assert result.mode is GridMode.PAUSE
    assert not result.is_active
    assert result.reset_action is ResetAction.NONE
    assert result.reason_codes[0] == "PAUSE_TOX_HIGH"


def test_high_keeps_what_rests_even_if_the_policy_would_clear_it_for_the_flow() -> None:
    cleared = plan(mode=GridMode.PAUSE, reset_action=ResetAction.HARD)

    result = calm(cleared, HIGH, seen("TOXIC", "TOXIC_FLOW"))

    assert result.reset_action is ResetAction.NONE


@pytest.mark.parametrize("reason", ["SPREAD_SPIKE", "PRICE_IMPACT"])
def test_a_book_torn_open_is_cleared_even_while_the_flow_is_high(reason: str) -> None:
    assert calm(PLAN, HIGH, seen("TOXIC", reason)).reset_action is ResetAction.HARD


def test_high_does_not_keep_what_something_else_clears() -> None:
    cleared = plan(mode=GridMode.PAUSE, reset_action=ResetAction.HARD)

    assert calm(cleared, HIGH, RANGE).reset_action is ResetAction.HARD


def test_extreme_takes_everything_off() -> None:
    result = calm(PLAN, EXTREME, RANGE)

    assert result.mode is GridMode.EMERGENCY
    assert not result.is_active
    assert result.reset_action is ResetAction.HARD
    assert result.reason_codes[0] == "EMERGENCY_TOX_EXTREME"


@pytest.mark.parametrize(
    ("verdict", "reason"),
    [
        (seen("TOXIC", "SPREAD_SPIKE"), "GATE_TOXIC"),
        (seen("TOXIC", "TOXIC_FLOW"), "GATE_TOXIC"),
        (seen("EMERGENCY", "KILL_SWITCH"), "KILL_SWITCH"),
    ],
)
def test_nobody_enters_a_toxic_market_or_after_a_kill(verdict: Verdict, reason: str) -> None:
    result = forbid(PLAN, verdict)

    assert result.mode is GridMode.PAUSE
    assert not result.is_active
    assert result.reset_action is ResetAction.HARD
    assert result.reason_codes == (reason, "REGIME_RANGE")


@pytest.mark.parametrize("regime", ["RANGE", "TREND_UP", "TREND_DOWN", "VOL_SHOCK", "THIN_BOOK"])
def test_every_other_market_forbids_nothing(regime: str) -> None:
    assert forbid(PLAN, seen(regime, "DEFAULT")) is PLAN


def test_a_violent_market_is_for_few_and_small_levels() -> None:
    result = temper(PLAN, MarketRegime.VOL_SHOCK, False)

    assert (result.spacing_bps, result.levels_up, result.levels_down) == (10.0, 3, 2)
    assert result.size_schedule == (Decimal("0.0060"), Decimal("0.0120"))
    assert result.reason_codes[0] == "THROTTLE_VOL_SHOCK"


def test_losses_make_the_grid_wider_too() -> None:
    result = temper(PLAN, MarketRegime.RANGE, True)

    assert result.spacing_bps == 15.0
    assert result.reason_codes[0] == "THROTTLE_DRAWDOWN"
    assert temper(PLAN, MarketRegime.RANGE, False) is PLAN


def test_the_throttle_for_losses_ends_with_recovery_and_not_on_the_edge() -> None:
    brake = DrawdownBrake(0.5, 0.20)

    assert [brake.follow(one) for one in (0.05, 0.10, 0.09, 0.081, 0.079, 0.09, 0.1)] == [
        False,
        True,
        True,
        True,
        False,
        False,
        True,
    ]


def test_a_share_of_nought_never_throttles() -> None:
    assert not DrawdownBrake(0, 0.2).follow(0.9)


# The book.


def gated(plan: GridPlan, features: dict[str, float], threshold_bps: int = 200) -> GridPlan:
    return gate_by_book(plan, *BookGate(threshold_bps, 5).follow(features))


BUY_SHORT, SELL_SHORT = {"impact_buy_insufficient": 1.0}, {"impact_sell_insufficient": 1.0}
BUY_HIGH, SELL_HIGH = {"impact_buy_bps": 200.0}, {"impact_sell_bps": 200.0}


@pytest.mark.parametrize(
    ("features", "levels", "reasons"),
    [
        (BUY_SHORT, (5, 0), ("L2_INSUFFICIENT_DEPTH_BUY", "L2_BLOCK_BUY")),
        (SELL_SHORT, (0, 4), ("L2_INSUFFICIENT_DEPTH_SELL", "L2_BLOCK_SELL")),
        (BUY_HIGH, (5, 0), ("L2_IMPACT_BUY_HIGH", "L2_BLOCK_BUY")),
        (SELL_HIGH, (0, 4), ("L2_IMPACT_SELL_HIGH", "L2_BLOCK_SELL")),
        ({**BUY_SHORT, **BUY_HIGH}, (5, 0), ("L2_INSUFFICIENT_DEPTH_BUY", "L2_BLOCK_BUY")),
        (
            {**BUY_SHORT, **SELL_HIGH},
            (0, 0),
            ("L2_INSUFFICIENT_DEPTH_BUY", "L2_IMPACT_SELL_HIGH"),
        ),
    ],
)
def test_a_side_that_the_book_cannot_bear_has_no_entries(
    features: dict[str, float], levels: tuple[int, int], reasons: tuple[str, ...]
) -> None:
    result = gated(PLAN, features)

    assert (result.levels_up, result.levels_down) == levels
    assert result.reason_codes == (*reasons, "REGIME_RANGE")
    assert (result.reset_action is ResetAction.HARD) == (levels == (0, 0))


def test_the_only_side_blocked_takes_everything_off() -> None:
    result = gated(plan(mode=GridMode.UNI_LONG, levels_up=0), BUY_SHORT)

    assert not result.is_active
    assert result.reset_action is ResetAction.HARD
    assert result.reason_codes == ("L2_INSUFFICIENT_DEPTH_BUY", "REGIME_RANGE")


@pytest.mark.parametrize(
    "features",
    [
        {},
        {"impact_buy_bps": 199.0, "impact_sell_bps": 0.0},
        {"impact_buy_insufficient": 0.0, "impact_sell_insufficient": 0.0},
    ],
)
def test_a_book_that_bears_it_or_is_not_known_changes_nothing(features: dict[str, float]) -> None:
    assert gated(PLAN, features) is PLAN


def test_a_threshold_of_nought_turns_the_gate_off() -> None:
    assert gated(PLAN, {**BUY_SHORT, **SELL_HIGH}, 0) is PLAN


def test_the_threshold_itself_blocks() -> None:
    result = gated(PLAN, {"impact_buy_bps": 20.0, "impact_sell_bps": 19.0}, 20)

    assert result.reason_codes[0] == "L2_IMPACT_BUY_HIGH"


def test_a_blocked_side_opens_after_some_samples_and_at_once_when_nothing_is_known() -> None:
    gate = BookGate(200, 2)
    high, low, nothing = {"impact_buy_bps": 250.0}, {"impact_buy_bps": 1.0}, dict[str, float]()

    told = [bool(gate.follow(one)[0]) for one in (low, high, low, low, low, high, low, nothing)]

    assert told == [False, True, True, True, False, True, True, False]


def test_one_side_does_not_hold_the_other() -> None:
    gate = BookGate(200, 5)
    gate.follow(BUY_HIGH | {"impact_sell_bps": 0.0})

    assert gate.follow(SELL_HIGH | {"impact_buy_bps": 0.0}) == (
        "L2_IMPACT_BUY_HIGH",
        "L2_IMPACT_SELL_HIGH",
    )


# Losses.


@pytest.mark.parametrize("ratio", [None, Decimal(1)])
def test_a_whole_budget_changes_nothing(ratio: Decimal | None) -> None:
    assert scale(PLAN, ratio) is PLAN


def test_no_budget_is_no_entries() -> None:
    result = scale(PLAN, Decimal(0))

    assert not result.is_active
    assert result.size_schedule == ()
    assert result.reset_action is ResetAction.HARD
    assert result.reason_codes[0] == "DD_BLOCK_ENTRIES"


@given(ratio=st.decimals("0.0001", "0.9999", places=4))
def test_between_them_every_size_is_scaled_exactly(ratio: Decimal) -> None:
    result = scale(PLAN, ratio)

    assert result.size_schedule == tuple(one * ratio for one in PLAN.size_schedule)
    assert result.reason_codes == ("REGIME_RANGE", "DD_SCALE_APPLIED")


@pytest.mark.parametrize("ratio", ["-0.01", "1.01"])
def test_a_ratio_out_of_range_is_an_error(ratio: str) -> None:
    with pytest.raises(ValueError, match=r"in \[0, 1\]"):
        scale(PLAN, Decimal(ratio))
