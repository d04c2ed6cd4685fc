"""Sizes from the budget, the gate of the book, and the selector, all of them conducted."""

from __future__ import annotations

from decimal import Decimal

import pytest

from grinder.model.grid import GridMode, ResetAction, ToxicityLevel
from policy.market import SECOND_NS, settings
from policy.sampled import START_NS, Conducted, Market, budget, changed

HIGH = ToxicityLevel.HIGH
ADAPTIVE = settings("adaptive")
AUTO = settings("auto")


@pytest.mark.parametrize("name", ["static", "adaptive"])
def test_sizes_come_from_the_budget_when_they_shall(name: str) -> None:
    config = changed(settings(name), "sizing", mode="auto")
    conductor = Conducted(config).know(**budget())

    decision = conductor.see()
    plan = decision.plan
    step = plan.center_price * Decimal(repr(plan.spacing_bps)) / 10_000
    worth = sum(
        plan.size(level) * (plan.center_price - step * level)
        for level in range(1, plan.levels_down + 1)
    )

    assert not decision.is_plain
    assert "SIZE_AUTO" in plan.reason_codes
    assert Decimal(3_500) < worth <= Decimal(4_000)  # 1,000 to lose at a quarter against it


def test_nothing_is_placed_while_nothing_is_known_of_the_budget_and_what_rests_stays() -> None:
    config = changed(ADAPTIVE, "sizing", mode="auto")

    plan = Conducted(config).see().plan

    assert "SIZE_UNKNOWN" in plan.reason_codes
    assert not plan.is_active
    assert plan.reset_action is ResetAction.NONE


def test_the_smallest_share_of_a_level_is_one_all_the_same() -> None:
    config = changed(settings("range"), "sizing", mode="auto")
    config = changed(config, "policy", options=("size=1",), level_notional=Decimal(100_000))
    conductor = Conducted(config).know(**budget())

    plan = conductor.see(spread_bps=20.0).plan

    assert "THROTTLE_SPREAD_WIDE" in plan.reason_codes
    assert plan.size_schedule
    assert all(plan.size_schedule)


def test_a_symbol_that_was_given_no_share_has_no_entries() -> None:
    config = changed(ADAPTIVE, "sizing", mode="auto")

    plan = Conducted(config).know(**budget(budget=Decimal(0))).see().plan

    assert "SIZE_NO_ROOM" in plan.reason_codes
    assert not plan.is_active
    assert plan.reset_action is ResetAction.HARD


# The book of depth acts from its own time on, and not for ever.

WHOLE = [(59_999.9 - level, 900) for level in range(20)]
TORN = [(60_000.1, 1), (61_500.0, 900)]
"""The next ask is 250 bps away."""


def test_depth_blocks_from_its_own_time_on_and_expires() -> None:
    market, conductor = Market(ADAPTIVE), Conducted(ADAPTIVE)

    def levels_down(second: int) -> int:
        return conductor.hear(market.tick(START_NS + second * SECOND_NS, 60_000)).plan.levels_down

    before = levels_down(1)
    market.depth(START_NS + 2 * SECOND_NS, WHOLE, TORN)
    during = [levels_down(second) for second in (2, 3, 4, 5)]
    after = levels_down(6)

    assert before > 0
    assert during == [0] * 4
    assert after == before


def test_a_gate_that_is_off_lets_everything_through() -> None:
    config = changed(ADAPTIVE, "throttle", l2_impact_threshold_bps=0)
    conductor = Conducted(config)

    assert conductor.see(impact_buy_insufficient=1.0, impact_sell_insufficient=1.0).plan.is_active


# Auto.


def test_a_quiet_market_is_for_the_adaptive_policy() -> None:
    conductor = Conducted(AUTO)

    assert conductor.see(20).policy == "adaptive"
    assert conductor.switches() == []


def test_harmful_flow_pauses_at_once_and_adaptive_comes_back_with_patience() -> None:
    conductor = Conducted(AUTO)
    conductor.see(20)

    during = conductor.see(toxicity=HIGH)
    after = [conductor.see().policy for _ in range(7)]

    assert during.policy == "pause"
    assert during.plan.reset_action is ResetAction.NONE
    assert during.policy_switched is not None
    assert (during.policy_switched.from_policy, during.policy_switched.to_policy) == (
        "adaptive",
        "pause",
    )
    assert during.policy_switched.reason == "PAUSE_TOX_HIGH"
    assert after == ["pause"] * 5 + ["adaptive"] * 2


def test_a_killed_run_is_for_emergency_at_once() -> None:
    conductor = Conducted(AUTO)
    conductor.see(20)

    decision = conductor.know(is_killed=True, position_qty=Decimal("-0.02")).see()

    assert decision.policy == "emergency"
    assert decision.plan.mode is GridMode.EMERGENCY
    assert decision.plan.levels_down > 0
    assert decision.plan.levels_up == 0


def test_funding_worth_having_is_for_the_harvester_after_three_samples() -> None:
    conductor = Conducted(AUTO)
    conductor.see(20)

    policies = [conductor.see(funding_rate=0.0006).policy for _ in range(4)]

    assert policies == ["adaptive", "adaptive", "funding-harvester", "funding-harvester"]
    assert conductor.switches() == ["funding-harvester"]
    assert conductor.decisions[-1].plan.reset_action is not ResetAction.NONE


def test_symbols_have_policies_of_their_own() -> None:
    one, other = Conducted(AUTO), Conducted(AUTO)
    one.see(20)
    one.see(5, funding_rate=0.0006)

    assert other.see(20).policy == "adaptive"
