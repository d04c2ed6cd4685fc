"""The policy called static: today's ladder, whatever the market does."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from grinder.messages.grid import Intent
from grinder.model.grid import GridMode, MarketRegime, ResetAction, ToxicityLevel
from grinder.model.grid_settings import GridSettings
from grinder.model.settings import Config
from grinder.planner.grid import GridPlanner
from grinder.policy.policies.static import StaticPolicy
from policy.market import BTC, settings, view


def test_plan_is_symmetric_and_uniform() -> None:
    plan = StaticPolicy(settings()).evaluate(view(natr_bps=300, regime=MarketRegime.TREND_UP))

    assert plan.mode is GridMode.BILATERAL
    assert plan.regime is MarketRegime.RANGE
    assert plan.center_price == 50_000
    assert (plan.spacing_bps, plan.levels_up, plan.levels_down) == (5, 8, 8)
    assert plan.size_schedule == (Decimal("0.02"),) * 8
    assert (plan.skew_bps, plan.width_bps) == (0, 40)
    assert plan.reset_action is ResetAction.NONE
    assert plan.reason_codes == ("REGIME_RANGE",)


def test_it_is_there_for_every_market() -> None:
    assert StaticPolicy(settings()).should_activate(view(toxicity=ToxicityLevel.EXTREME))


@given(
    bid=st.integers(10_000, 2_000_000),
    spread=st.integers(1, 50),
    notional=st.decimals(100, 10_000, places=2),
)
def test_quantity_is_that_of_the_ladder_without_a_policy(
    bid: int, spread: int, notional: Decimal
) -> None:
    planner = GridPlanner(BTC, grid := GridSettings(level_notional=notional))
    planner.is_synced = planner.may_enter = True
    intents: tuple[Intent, ...] = planner.plan(bid, bid + spread, 0)

    mid = BTC.tick * (2 * bid + spread) / 2
    plan = StaticPolicy(Config(policy=grid)).evaluate(view(mid=mid, level_notional=notional))

    wanted = {BTC.qty(one.qty_lots) for one in intents if one.qty_lots}
    assert set(plan.size_schedule) == wanted
    assert not wanted or plan.spacing_bps == grid.spacing_bps
