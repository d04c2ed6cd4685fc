"""range, funding-harvester, pause and emergency: numbers, sides and reasons."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from grinder.model.grid import GridMode, GridPlan, MarketRegime, ResetAction, ToxicityLevel
from grinder.policy.registry import make_policies
from policy.market import BTC, held, settings, view

LEVEL = Decimal("0.02")
"""An ordinary level of the view."""


def answer(name: str, *options: str, **given: Any) -> GridPlan:
    return make_policies((name,), settings(name, *options))[name].evaluate(view(**given))


def activates(name: str, **given: Any) -> bool:
    return make_policies((name,), settings(name))[name].should_activate(view(**given))


def shape(plan: GridPlan) -> tuple[float, ...]:
    """Return spacing, sells, buys, and size of a level in hundredths of an ordinary one."""
    return plan.spacing_bps, plan.levels_up, plan.levels_down, float(plan.size(1) / LEVEL * 100)


@pytest.mark.parametrize(
    ("given", "expected", "reasons"),
    [
        ({"spread_bps": 5}, (10, 5, 5, 100), ("MODE_RANGE_LOW_TOX",)),
        ({"spread_bps": 2.9}, (8, 5, 5, 100), ("MODE_RANGE_LOW_TOX",)),
        ({"spread_bps": 8}, (15, 2, 2, 50), ("THROTTLE_SPREAD_WIDE",)),
        (
            {"spread_bps": 5, "toxicity": ToxicityLevel.MID},
            (15, 2, 2, 50),
            ("THROTTLE_TOX_MID",),
        ),
        (
            {"spread_bps": 9, "toxicity": ToxicityLevel.MID},
            (15, 2, 2, 50),
            ("THROTTLE_TOX_MID", "THROTTLE_SPREAD_WIDE"),
        ),
        (
            {"spread_bps": 1, "toxicity": ToxicityLevel.MID},
            (12, 2, 2, 50),
            ("THROTTLE_TOX_MID",),
        ),
        ({}, (10, 5, 5, 100), ("WARMUP_INCOMPLETE", "MODE_RANGE_LOW_TOX")),
    ],
)
def test_range_is_narrow_wide_or_throttled(
    given: dict[str, Any], expected: tuple[float, ...], reasons: tuple[str, ...]
) -> None:
    plan = answer("range", **given)

    assert shape(plan) == pytest.approx(expected)
    assert plan.reason_codes == reasons
    is_throttled = any(one.startswith("THROTTLE") for one in reasons)
    assert plan.mode is (GridMode.THROTTLE if is_throttled else GridMode.BILATERAL)


def test_range_is_throttled_until_the_spread_is_clearly_narrower() -> None:
    policy = make_policies(("range",), settings("range"))["range"]
    modes = [
        policy.evaluate(view(at, spread_bps=one)).mode
        for at, one in enumerate((7, 8, 7, 6, 5.9, 7))
    ]

    wide, calm = GridMode.THROTTLE, GridMode.BILATERAL
    assert modes == [calm, wide, wide, wide, calm, calm]


@pytest.mark.parametrize("level", [ToxicityLevel.HIGH, ToxicityLevel.EXTREME])
def test_range_pauses_in_harmful_flow(level: ToxicityLevel) -> None:
    plan = answer("range", spread_bps=5, toxicity=level)

    assert (plan.mode, plan.reason_codes) == (GridMode.PAUSE, ("PAUSE_TOX_HIGH",))


@pytest.mark.parametrize(
    ("share", "skew", "up", "down"),
    [(0.4, -4, 5, 5), (0.6, -6, 6, 3), (-0.6, 6, 3, 6), (1, -10, 6, 3), (-4, 10, 3, 6)],
)
def test_range_leans_against_what_is_held(share: float, skew: float, up: int, down: int) -> None:
    plan = answer("range", spread_bps=5, **held(share))

    assert plan.skew_bps == pytest.approx(skew)
    assert (plan.levels_up, plan.levels_down) == (up, down)
    assert plan.reason_codes == ("MODE_RANGE_LOW_TOX", "INVENTORY_SKEW")


def test_range_keeps_a_level_on_the_heavy_side() -> None:
    plan = answer("range", spread_bps=9, **held(1))

    assert (plan.levels_up, plan.levels_down) == (3, 1)


def test_throttled_level_is_never_too_small_for_the_venue() -> None:
    least = BTC.notional_min * Decimal("1.2")
    dear = {"mid": Decimal(50_000), "level_notional": Decimal(60)}

    assert answer("range", spread_bps=9, **dear).size(1) == Decimal("0.001")
    assert answer("range", spread_bps=9, level_notional=least).mode is GridMode.PAUSE


@pytest.mark.parametrize(
    ("rate", "up", "down", "skew", "reason"),
    [
        (0.0004, 4, 4, 0, "MODE_RANGE_FUNDING_NORMAL"),
        (0.0005, 4, 2, 5, "MODE_FUNDING_SHORT"),
        (0.001, 6, 1, 5, "MODE_FUNDING_SHORT_EXTREME"),
        (-0.0004, 4, 4, 0, "MODE_RANGE_FUNDING_NORMAL"),
        (-0.0005, 2, 4, -5, "MODE_FUNDING_LONG"),
        (-0.001, 1, 6, -5, "MODE_FUNDING_LONG_EXTREME"),
    ],
)
def test_funding_harvester_favours_the_side_that_is_paid(
    rate: float, up: int, down: int, skew: float, reason: str
) -> None:
    plan = answer("funding-harvester", funding_rate=rate)

    assert shape(plan) == (12, up, down, 120)
    assert (plan.mode, plan.skew_bps) == (GridMode.BILATERAL, skew)
    assert plan.reason_codes == (reason,)
    assert activates("funding-harvester", funding_rate=rate) == (abs(rate) >= 0.0005)


def test_funding_harvester_waits_for_the_rate() -> None:
    assert answer("funding-harvester").reason_codes == ("WARMUP_INCOMPLETE",)
    assert not activates("funding-harvester")


def test_funding_harvester_takes_other_numbers() -> None:
    plan = answer("funding-harvester", "rate=0.0001", "size=50", "levels=3", funding_rate=0.0002)

    assert shape(plan) == (12, 3, 2, 50)


@pytest.mark.parametrize(
    ("given", "reason", "reset"),
    [
        ({"toxicity": ToxicityLevel.HIGH}, "PAUSE_TOX_HIGH", ResetAction.NONE),
        ({"toxicity": ToxicityLevel.EXTREME}, "PAUSE_TOX_HIGH", ResetAction.NONE),
        ({"regime": MarketRegime.PAUSED}, "PAUSE_MANUAL", ResetAction.HARD),
    ],
)
def test_pause_has_its_conditions(given: dict[str, Any], reason: str, reset: ResetAction) -> None:
    plan = answer("pause", spread_bps=1, **given)

    assert activates("pause", spread_bps=1, **given)
    assert (plan.reason_codes, plan.reset_action) == ((reason,), reset)


def test_pause_is_no_candidate_in_a_calm_market() -> None:
    assert not activates("pause", spread_bps=1, toxicity=ToxicityLevel.MID)
    assert answer("pause", spread_bps=1).reason_codes == ("PAUSE_MANUAL",)


def test_pause_takes_over_when_nothing_is_seen() -> None:
    assert activates("pause")
    assert answer("pause").reason_codes == ("PAUSE_DATA_STALE",)


@pytest.mark.parametrize("share", [1, -1])
def test_emergency_offers_twice_what_is_held(share: int) -> None:
    plan = answer("emergency", session_drawdown=0.2, drawdown_limit=0.2, **held(share))

    is_long = share > 0
    assert plan.mode is GridMode.EMERGENCY
    assert (plan.levels_up, plan.levels_down) == ((5, 0) if is_long else (0, 5))
    assert plan.spacing_bps == 5
    assert plan.skew_bps == (-10 if is_long else 10)
    assert plan.size_schedule == (Decimal("0.04"),) * 5
    assert plan.reset_action is ResetAction.HARD
    side = "LONG" if is_long else "SHORT"
    assert plan.reason_codes == (f"EMERGENCY_EXIT_{side}", "DD_LIMIT_SESSION")


def test_emergency_is_over_when_nothing_is_held() -> None:
    plan = answer("emergency", daily_drawdown=0.3, drawdown_limit=0.2)

    assert plan.mode is GridMode.PAUSE
    assert plan.reason_codes == ("EMERGENCY_FLAT", "DD_LIMIT_DAILY")


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"session_drawdown": 0.2}, True),
        ({"daily_drawdown": 0.2}, True),
        ({"session_drawdown": 0.19, "daily_drawdown": 0.19}, False),
        ({"is_killed": True}, True),
    ],
)
def test_emergency_begins_at_the_limit(given: dict[str, Any], expected: bool) -> None:
    assert activates("emergency", drawdown_limit=0.2, **given) is expected
