"""trend, mean-reversion, liquidation-catcher and volatility-breakout: moves and their memory."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from grinder.model.grid import GridMode, GridPlan, ToxicityLevel
from grinder.policy.base import Policy
from grinder.policy.registry import make_policies
from policy.market import held, settings, view

LEVEL = Decimal("0.02")


def made(name: str, *options: str) -> Policy:
    return make_policies((name,), settings(name, *options))[name]


def shape(plan: GridPlan) -> tuple[float, ...]:
    """Return spacing, sells, buys, and size of a level in hundredths of an ordinary one."""
    return plan.spacing_bps, plan.levels_up, plan.levels_down, float(plan.size(1) / LEVEL * 100)


RISE: dict[str, Any] = {"momentum_5m": 2.5, "cvd_change_5m": 10}
FALL: dict[str, Any] = {"momentum_5m": -2.5, "cvd_change_5m": -10}


def test_trend_buys_the_dips_of_a_rise_and_sells_the_rallies_of_a_fall() -> None:
    trend = made("trend")
    up, down = trend.evaluate(view(1, **RISE)), trend.evaluate(view(2, **FALL))

    assert (up.mode, down.mode) == (GridMode.UNI_LONG, GridMode.UNI_SHORT)
    assert shape(up) == (15, 0, 4, 150)
    assert shape(down) == (15, 4, 0, 150)
    assert up.reason_codes == ("MODE_LONG_MOMENTUM",)
    assert down.reason_codes == ("MODE_SHORT_MOMENTUM",)


def test_trend_is_thinner_while_volume_disagrees() -> None:
    plan = made("trend").evaluate(view(momentum_5m=2.5, cvd_change_5m=-1))

    assert shape(plan) == (22.5, 0, 2, 75)
    assert plan.reason_codes == ("THROTTLE_CVD_DIVERGENCE", "MODE_LONG_MOMENTUM")


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"momentum_5m": 1.9}, "TREND_INACTIVE"),
        ({"momentum_5m": 4.1}, "PAUSE_TREND_EXHAUSTED"),
        ({"ofi_zscore": -3.1}, "PAUSE_TREND_EXHAUSTED"),
        ({"toxicity": ToxicityLevel.HIGH}, "PAUSE_TOX_HIGH"),
        (held(-0.8), "PAUSE_WRONG_SIDE"),
    ],
)
def test_trend_pauses(given: dict[str, Any], reason: str) -> None:
    plan = made("trend").evaluate(view(**(RISE | given)))

    assert (plan.mode, plan.reason_codes) == (GridMode.PAUSE, (reason,))


@pytest.mark.parametrize("given", [held(0.8), held(-0.7), {"ofi_zscore": 4}, {"momentum_5m": 4}])
def test_trend_goes_on(given: dict[str, Any]) -> None:
    assert made("trend").evaluate(view(**(RISE | given))).mode is GridMode.UNI_LONG


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, True),
        ({"momentum_5m": 1.99}, False),
        ({"cvd_change_5m": -1}, False),
        ({"toxicity": ToxicityLevel.HIGH}, False),
        ({"toxicity": ToxicityLevel.MID}, True),
    ],
)
def test_trend_begins_with_momentum_that_volume_carries(
    given: dict[str, Any], expected: bool
) -> None:
    assert made("trend").should_activate(view(**(RISE | given))) is expected


def test_trend_of_one_minute_is_an_option() -> None:
    trend = made("trend", "horizon_minutes=1")

    assert trend.evaluate(view(momentum_1m=-3, cvd_change_1m=-1)).mode is GridMode.UNI_SHORT
    assert not trend.should_activate(view(2, **RISE))


def test_trend_that_hovers_about_its_threshold_does_not_come_and_go() -> None:
    trend = made("trend")
    momenta = (1.9, 2.0, 1.9, 1.1, 2.1, 0.9, 1.9)
    plans = [
        trend.evaluate(view(at, **RISE | {"momentum_5m": one})) for at, one in enumerate(momenta)
    ]

    assert [one.is_active for one in plans] == [False, True, True, True, True, False, False]


def test_exhaustion_lasts_a_while() -> None:
    trend = made("trend", "exhausted_samples=3")
    momenta = (3, 4.1, 3, 3, 3)
    plans = [
        trend.evaluate(view(at, **RISE | {"momentum_5m": one})) for at, one in enumerate(momenta)
    ]

    assert [one.is_active for one in plans] == [True, False, False, False, True]
    assert plans[2].reason_codes == ("PAUSE_TREND_EXHAUSTED",)


def test_trend_keeps_its_turn_while_volume_wavers() -> None:
    trend = made("trend")

    assert not trend.should_activate(view(1, **RISE | {"cvd_change_5m": -1}))
    assert trend.should_activate(view(2, **RISE))
    assert trend.should_activate(view(3, **RISE | {"cvd_change_5m": -1}))
    assert not trend.should_activate(view(4, **RISE | {"momentum_5m": 0.5}))


def test_reversion_goes_on_until_the_move_has_come_back() -> None:
    policy = made("mean-reversion")
    momenta = (3.1, 2.9, 1.0, 0.9, 2.9, -3.1)
    plans = [
        policy.evaluate(view(at, momentum_5m=one, cvd_change_5m=-one))
        for at, one in enumerate(momenta)
    ]

    short, idle, long = GridMode.UNI_SHORT, GridMode.PAUSE, GridMode.UNI_LONG
    assert [one.mode for one in plans] == [short, short, short, idle, idle, long]


@pytest.mark.parametrize(
    ("given", "side"),
    [
        ({"momentum_5m": 3.1, "cvd_change_5m": -1}, "SHORT"),
        ({"momentum_5m": -3.1, "cvd_change_5m": 1}, "LONG"),
        ({"momentum_5m": 3.1, "momentum_1m": 2.1, "ofi_zscore": -1.1}, "SHORT"),
        ({"momentum_5m": -3.1, "momentum_1m": -2.1, "ofi_zscore": 1.1}, "LONG"),
        ({"momentum_5m": 3.1, "momentum_1m": 1.9, "ofi_zscore": -1.1}, ""),
        ({"momentum_5m": 3.1, "momentum_1m": 2.1, "ofi_zscore": -0.9}, ""),
        ({"momentum_5m": 3.1, "cvd_change_5m": 1}, ""),
        ({"momentum_5m": 3.0, "cvd_change_5m": -1}, ""),
    ],
)
def test_mean_reversion_stands_against_a_move_without_a_carrier(
    given: dict[str, Any], side: str
) -> None:
    policy = made("mean-reversion")
    plan = policy.evaluate(view(**given))

    assert policy.should_activate(view(**given)) is bool(side)
    if not side:
        assert plan.reason_codes == ("SNIPER_INACTIVE",)
        return
    is_long = side == "LONG"
    assert plan.mode is (GridMode.UNI_LONG if is_long else GridMode.UNI_SHORT)
    assert shape(plan) == (8, 0 if is_long else 3, 3 if is_long else 0, 60)
    assert plan.skew_bps == (-5 if is_long else 5)
    assert plan.reason_codes == (f"MODE_MEAN_REVERSION_{side}",)


def test_mean_reversion_keeps_out_of_liquidations() -> None:
    policy = made("mean-reversion")
    given: dict[str, Any] = {"momentum_5m": 5, "cvd_change_5m": -1, "liq_surge": 1}

    assert not policy.should_activate(view(**given))
    assert policy.evaluate(view(**given)).reason_codes == ("PAUSE_LIQ_SURGE",)


def phases(policy: Policy, surge: str, **given: Any) -> list[str]:
    """Return the first reason of each sample; ``surge`` has a character for each, x is a surge."""
    reasons = []
    for at, flag in enumerate(surge, 1):
        seen = view(at, liq_surge=float(flag == "x"), **({"momentum_1m": -1} | given))
        is_up = policy.should_activate(seen)
        plan = policy.evaluate(seen)
        assert is_up == (plan.reason_codes != ("LIQ_CATCHER_INACTIVE",))
        reasons.append(plan.reason_codes[0])
    return reasons


CALM, SURGE, COOLING, LONG = (
    "LIQ_CATCHER_INACTIVE",
    "PAUSE_LIQ_SURGE_ACTIVE",
    "PAUSE_LIQ_COOLDOWN",
    "MODE_LIQ_RECOVERY_LONG",
)


def test_catcher_waits_thirty_samples_of_a_surge() -> None:
    reasons = phases(made("liquidation-catcher"), "." + "x" * 31 + "." * 60 + ".")

    assert reasons == [CALM, *[SURGE] * 30, *[LONG] * 61, CALM]


def test_cooldown_goes_on_when_the_surge_is_over() -> None:
    reasons = phases(made("liquidation-catcher", "recovery_samples=2"), "x" * 10 + "." * 24)

    assert reasons == [*[SURGE] * 10, *[COOLING] * 20, LONG, LONG, CALM, CALM]


def test_another_surge_begins_the_wait_anew() -> None:
    policy = made("liquidation-catcher", "cooldown_samples=2", "recovery_samples=9")

    assert phases(policy, "xx..xxx") == [SURGE, SURGE, LONG, LONG, SURGE, SURGE, LONG]


def test_cooldown_advances_while_another_policy_is_in_charge() -> None:
    policy = made("liquidation-catcher")
    for at in range(1, 31):
        policy.should_activate(view(at, liq_surge=1))

    plan = policy.evaluate(view(31, liq_surge=1, momentum_1m=-1))

    assert plan.reason_codes == (LONG,)


@pytest.mark.parametrize(
    ("momentum", "side", "skew"), [(-0.1, "LONG", -10), (0, "SHORT", 10), (1, "SHORT", 10)]
)
def test_catcher_fades_the_move(momentum: float, side: str, skew: float) -> None:
    policy = made("liquidation-catcher", "cooldown_samples=0")
    plan = policy.evaluate(view(liq_surge=1, momentum_1m=momentum))

    assert plan.mode is GridMode(f"UNI_{side}")
    assert shape(plan) == (20, *((3, 0) if side == "SHORT" else (0, 3)), 80)
    assert plan.skew_bps == skew
    assert plan.reason_codes == (f"MODE_LIQ_RECOVERY_{side}",)


def test_catcher_does_not_turn_with_each_wave() -> None:
    policy = made("liquidation-catcher", "cooldown_samples=0")
    plans = [
        policy.evaluate(view(at, liq_surge=1, momentum_1m=one)) for at, one in enumerate((-1, 1))
    ]

    assert [one.mode for one in plans] == [GridMode.UNI_LONG] * 2


def opened(policy: Policy, *natr: float, **given: Any) -> list[str]:
    reasons = []
    for at, value in enumerate(natr, 1):
        seen = view(at, natr_z=value, **given)
        is_up = policy.should_activate(seen)
        plan = policy.evaluate(seen)
        assert is_up == plan.is_active
        reasons.append(plan.reason_codes[0])
    return reasons


def breakout(*options: str) -> Policy:
    return made("volatility-breakout", "compressed_samples=3", "hold_samples=2", *options)


OPEN, TIGHT, IDLE = "MODE_VOL_BREAKOUT_LONG", "VOL_COMPRESSED", "VOL_BREAKOUT_INACTIVE"


def test_breakout_needs_compression_before_expansion() -> None:
    deep = {"depth_imbalance_bps": 4_001}

    assert opened(breakout(), 2, 2, 2, **deep) == [IDLE] * 3
    assert opened(breakout(), 0, 0, 2, **deep) == [IDLE] * 3
    assert opened(breakout(), 0.3, 0, 0, 1.5, 1, 1, **deep) == [
        IDLE,
        IDLE,
        TIGHT,
        OPEN,
        OPEN,
        IDLE,
    ]


def test_breakout_ends_when_the_market_is_tight_again() -> None:
    reasons = opened(breakout("hold_samples=50"), 0, 0, 0, 2, 0, 2, depth_imbalance_bps=9_000)

    assert reasons[3:] == [OPEN, IDLE, IDLE]


def test_compression_is_forgotten_after_a_while() -> None:
    wide = {"depth_imbalance_bps": 9_000}

    assert opened(breakout("memory_samples=2"), 0, 0, 0, 1, 2, **wide)[-1] == OPEN
    assert opened(breakout("memory_samples=2"), 0, 0, 0, 1, 1, 2, **wide)[-1] == IDLE


@pytest.mark.parametrize(
    ("imbalance", "expected", "reason"),
    [
        (4_001, (20, 0, 3, 100), "MODE_VOL_BREAKOUT_LONG"),
        (-4_001, (20, 3, 0, 100), "MODE_VOL_BREAKOUT_SHORT"),
        (4_000, (20, 2, 2, 50), "MODE_VOL_NEUTRAL"),
    ],
)
def test_breakout_takes_the_side_of_the_deeper_book(
    imbalance: float, expected: tuple[float, ...], reason: str
) -> None:
    policy = breakout()
    opened(policy, 0, 0, 0)
    plan = policy.evaluate(view(4, natr_z=2, depth_imbalance_bps=imbalance))

    assert shape(plan) == expected
    assert plan.reason_codes == (reason,)


def test_breakout_keeps_its_side() -> None:
    policy = breakout("hold_samples=9")
    opened(policy, 0, 0, 0)
    plans = [
        policy.evaluate(view(at, natr_z=2, depth_imbalance_bps=one))
        for at, one in enumerate((9_000, -9_000, 0), 4)
    ]

    assert [one.mode for one in plans] == [GridMode.UNI_LONG] * 3


@pytest.mark.parametrize(
    "name", ["trend", "mean-reversion", "liquidation-catcher", "volatility-breakout"]
)
def test_they_wait_for_what_they_need(name: str) -> None:
    plan = made(name).evaluate(view())

    assert plan.mode is GridMode.PAUSE
    assert plan.reason_codes[0] == "WARMUP_INCOMPLETE"
