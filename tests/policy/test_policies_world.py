"""Every policy in the whole system, in a market made for it: its ladder rests at the venue."""

from __future__ import annotations

from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest

from grinder.messages.grid import PlanChosen, PolicySwitched
from grinder.model.grid import GridMode, GridPlan
from grinder.model.order import Side
from policy.scripted import Scripted, liquidate
from simulated.worlds import BTC, Stage, quick

SECONDS_BARS = {"bar_interval_ms": 1_000}
UNTHROTTLED: dict[str, dict[str, Any]] = {"toxicity": {"enabled": False}}
"""Who is made for a violent market shall be seen in one, before anything holds it back."""


def stage_for(
    name: str,
    *options: str,
    market: Scripted | None = None,
    sections: dict[str, dict[str, Any]] | None = None,
    **given: Any,
) -> Stage:
    """Return a world in which ``name`` decides."""
    policy = {"name": name, "options": options}
    settings = quick(BTC, policy=policy, **(sections or {}))
    return Stage(settings, market=market or Scripted(), **given)


def plan_of(stage: Stage) -> GridPlan:
    return stage.said(PlanChosen)[-1].plan


def sides(stage: Stage) -> tuple[int, int]:
    """Return how many entries rest to sell and to buy."""
    resting = [one.side for one in stage.entries(BTC).values()]
    return resting.count(Side.SELL), resting.count(Side.BUY)


def rests(stage: Stage, reason: str, up: int, down: int, within_s: float = 30) -> GridPlan:
    """Wait until a plan with this reason is in force and its ladder rests; return it."""
    stage.until(lambda: stage.said(PlanChosen), within_s)
    stage.until(lambda: reason in plan_of(stage).reason_codes, within_s)
    stage.until(lambda: sides(stage) == (up, down), 10)
    plan = plan_of(stage)
    assert (plan.levels_up, plan.levels_down) == (up, down)
    return plan


def trades(stage: Stage, side: Side) -> None:
    """Let somebody trade through an entry of this side; see that an exit covers what is held."""
    entry = next(one for one in stage.entries(BTC).values() if one.side is side)
    hit = stage.sold if side is Side.BUY else stage.bought
    hit(entry.price_ticks - side.sign, entry.qty_lots)
    stage.until(lambda: stage.held() * side.sign > 0, 5)
    stage.until(lambda: covered(stage) == abs(stage.held()), 5)


def covered(stage: Stage) -> int:
    return sum(one.qty_lots - one.filled_lots for one in stage.exits(BTC).values())


def spacings_bps(stage: Stage, side: Side) -> list[float]:
    """Return the distances between neighbouring entries of a side."""
    prices = sorted(one.price_ticks for one in stage.entries(BTC).values() if one.side is side)
    return [10_000 * (high - low) / low for low, high in pairwise(prices)]


def test_range_quotes_both_sides_closely() -> None:
    stage = stage_for("range")
    plan = rests(stage, "MODE_RANGE_LOW_TOX", 5, 5)

    assert plan.spacing_bps == 8
    assert spacings_bps(stage, Side.BUY) == pytest.approx([8] * 4, rel=0.01)
    trades(stage, Side.BUY)


def test_static_rests_as_the_settings_say() -> None:
    stage = stage_for("static")
    rests(stage, "REGIME_RANGE", 3, 3)

    trades(stage, Side.SELL)


def test_adaptive_begins_with_the_settings_and_goes_over_to_volatility() -> None:
    stage = stage_for("adaptive", sections={"features": SECONDS_BARS})
    rests(stage, "NATR_FALLBACK", 3, 3)
    stage.until(lambda: "NATR_FALLBACK" not in plan_of(stage).reason_codes, 60)
    plan = rests(stage, "REGIME_RANGE", 4, 4)

    assert plan.spacing_bps == 5
    assert plan.width_bps == 20
    trades(stage, Side.SELL)


@pytest.mark.parametrize(
    ("rate", "reason", "up", "down"),
    [
        ("0.0006", "MODE_FUNDING_SHORT", 4, 2),
        ("0.002", "MODE_FUNDING_SHORT_EXTREME", 6, 1),
        ("-0.002", "MODE_FUNDING_LONG_EXTREME", 1, 6),
        ("0.0001", "MODE_RANGE_FUNDING_NORMAL", 4, 4),
    ],
)
def test_funding_harvester_quotes_deeper_where_it_is_paid(
    rate: str, reason: str, up: int, down: int
) -> None:
    stage = stage_for("funding-harvester", funding_rate=Decimal(rate))
    plan = rests(stage, reason, up, down)

    assert plan.spacing_bps == 12
    trades(stage, Side.SELL if up > down else Side.BUY)


def test_liquidation_catcher_lets_the_worst_pass_and_then_buys() -> None:
    market = Scripted(drift_bps=-0.5, from_s=330)
    stage = stage_for("liquidation-catcher", market=market, sections=UNTHROTTLED)
    stage.run(330)
    assert sides(stage) == (0, 0)
    assert plan_of(stage).reason_codes[0] == "LIQ_CATCHER_INACTIVE"

    liquidate(stage, lots=20_000)
    stage.run(20)
    assert plan_of(stage).reason_codes[0] == "PAUSE_LIQ_SURGE_ACTIVE"
    assert sides(stage) == (0, 0)

    plan = rests(stage, "MODE_LIQ_RECOVERY_LONG", 0, 3, within_s=20)
    assert plan.mode is GridMode.UNI_LONG
    trades(stage, Side.BUY)


def test_trend_buys_the_dips_of_a_rise_that_is_bought() -> None:
    market = Scripted(drift_bps=0.2, from_s=120, buys=lambda at_s: at_s >= 60)
    stage = stage_for("trend", "horizon_minutes=1", market=market, sections=UNTHROTTLED)
    plan = rests(stage, "MODE_LONG_MOMENTUM", 0, 4, within_s=240)

    assert plan.mode is GridMode.UNI_LONG
    assert "THROTTLE_CVD_DIVERGENCE" not in plan.reason_codes
    trades(stage, Side.BUY)


def test_trend_sells_the_rallies_of_a_fall_that_is_sold() -> None:
    market = Scripted(drift_bps=-0.2, from_s=120)
    stage = stage_for("trend", "horizon_minutes=1", market=market, sections=UNTHROTTLED)
    plan = rests(stage, "MODE_SHORT_MOMENTUM", 4, 0, within_s=240)

    assert plan.mode is GridMode.UNI_SHORT
    trades(stage, Side.SELL)


def test_mean_reversion_sells_a_rise_that_nobody_buys() -> None:
    market = Scripted(drift_bps=0.5, from_s=400)
    stage = stage_for("mean-reversion", market=market, sections=UNTHROTTLED)
    stage.run(390)
    assert "SNIPER_INACTIVE" in plan_of(stage).reason_codes

    plan = rests(stage, "MODE_MEAN_REVERSION_SHORT", 3, 0, within_s=120)
    assert plan.mode is GridMode.UNI_SHORT
    trades(stage, Side.SELL)


def test_breakout_waits_for_the_market_to_open() -> None:
    market = Scripted(noise_bps=6, from_s=90)
    options = ("compressed_samples=5", "compressed_max=1.0")
    stage = stage_for(
        "volatility-breakout", *options, market=market, sections={"features": SECONDS_BARS}
    )
    stage.run(85)
    assert "VOL_COMPRESSED" in plan_of(stage).reason_codes

    rests(stage, "MODE_VOL_NEUTRAL", 2, 2, within_s=60)
    trades(stage, Side.BUY)


def test_pause_has_nothing_at_the_venue() -> None:
    stage = stage_for("pause").run(10)

    assert plan_of(stage).reason_codes == ("PAUSE_MANUAL",)
    assert stage.orders(BTC) == ()


def test_emergency_gets_rid_of_what_is_held() -> None:
    stage = stage_for("emergency")
    stage.run(5)
    stage.by_hand(Side.BUY, 20)
    stage.until(lambda: "EMERGENCY_EXIT_LONG" in plan_of(stage).reason_codes)
    stage.until(lambda: stage.held() == 0, 60)

    assert not stage.entries(BTC)
    stage.until(lambda: plan_of(stage).reason_codes == ("EMERGENCY_FLAT",))


def test_selector_gives_the_symbol_to_the_funding_harvester() -> None:
    stage = stage_for("auto", funding_rate=Decimal("0.002"))
    rests(stage, "MODE_FUNDING_SHORT_EXTREME", 6, 1)

    switched = stage.said(PolicySwitched)
    assert [one.to_policy for one in switched] == ["funding-harvester"]


def test_selector_hands_a_surge_to_the_catcher_and_the_calm_back() -> None:
    options = ("liquidation-catcher.recovery_samples=20",)
    stage = stage_for("auto", *options, sections=UNTHROTTLED)
    stage.run(330)
    assert stage.said(PlanChosen)[-1].policy == "adaptive"
    assert min(sides(stage)) > 0

    liquidate(stage, lots=20_000)
    # Nobody below the catcher quotes while it lets the worst pass.
    stage.until(lambda: sides(stage) == (0, 0), 10)
    stage.until(lambda: stage.said(PlanChosen)[-1].plan.is_active, 60)
    assert stage.said(PlanChosen)[-1].policy == "liquidation-catcher"

    stage.until(lambda: stage.said(PlanChosen)[-1].policy == "adaptive", 120)
    stage.until(lambda: min(sides(stage)) > 0, 10)
    assert [one.to_policy for one in stage.said(PolicySwitched)][-2:] == [
        "liquidation-catcher",
        "adaptive",
    ]
