"""Plans as they come to rest at the venue, through the assembled system."""

from __future__ import annotations

import logging
from decimal import Decimal
from random import Random
from typing import Any

import attrs
import pytest

from grinder.kernel.signals import ActorRestarted
from grinder.messages.features import FeaturesSampled
from grinder.messages.grid import IntentsProposed, PlanChosen, SymbolSelected
from grinder.messages.orders import (
    CancelOrder,
    OrderFilled,
    OrderRejected,
    OrdersSubmitted,
    PlaceOrders,
)
from grinder.model.grid import GridMode, GridPlan, MarketRegime, ResetAction
from grinder.model.instrument import Instrument
from grinder.policy.conductor import ConductorFacts, Decision
from grinder.policy.regime import Verdict
from simulated import checks
from simulated.worlds import BITCOIN, BTC, Market, Stage, Walk, quick

pytestmark = pytest.mark.unmeasured

FINE = attrs.evolve(BITCOIN, lot=Decimal("0.0001"), notional_min=Decimal(5))


class Script:
    """A conductor that a test tells what to say."""

    def __init__(self, plan: GridPlan) -> None:
        self.plan = plan
        self._last: Decision | None = None

    def consider(self, _: FeaturesSampled, facts: ConductorFacts) -> Decision:
        """Return the plan of the test, centred on the mid unless it stays."""
        if self._last is None or self._last.plan is not self.plan:
            self._last = Decision(
                plan=self.plan,
                policy="script",
                verdict=Verdict(regime=MarketRegime.RANGE, reason="DEFAULT", confidence=100),
                is_plain=False,
            )
        return self._last


def plan_of(**changes: Any) -> GridPlan:
    plan = GridPlan(
        center_price=Decimal("60000.05"),
        spacing_bps=5,
        levels_up=3,
        levels_down=3,
        size_schedule=(Decimal("0.004"),),
        reason_codes=("TEST",),
    )
    return attrs.evolve(plan, **changes)


def pause(reset: ResetAction = ResetAction.NONE) -> GridPlan:
    return plan_of(
        mode=GridMode.PAUSE, levels_up=0, levels_down=0, size_schedule=(), reset_action=reset
    )


def scripted(
    plan: GridPlan, *, instrument: Instrument = FINE, market: Market | None = None, **sections: Any
) -> tuple[Stage, Script]:
    """Return a world in which a script decides, and the script."""
    sections["policy"] = {"name": "adaptive", **sections.get("policy", {})}
    stage = Stage(quick(BTC, **sections), instruments=(instrument,), market=market).run(0.02)
    script = Script(plan)
    stage.actor(f"policy.{BTC}")._conductor = script
    return stage, script


def prices(stage: Stage) -> dict[str, int]:
    return {level: order.price_ticks for level, order in stage.entries(BTC).items()}


def covered(stage: Stage) -> int:
    return sum(one.qty_lots - one.filled_lots for one in stage.exits(BTC).values())


# What decides the ladder.


def test_nothing_is_entered_before_the_first_plan_unless_the_policy_is_static() -> None:
    first: dict[str, float] = {}
    for name in ("adaptive", "static"):
        stage = Stage(quick(policy={"name": name})).run(5)
        placed = stage.entries_of(PlaceOrders)[0].at_ns
        chosen = stage.entries_of(PlanChosen)[0].at_ns
        first[name] = placed - chosen
        assert len(stage.entries(BTC)) == 6

    assert first["adaptive"] >= 0


def test_a_plan_of_its_own_on_each_side_rests_as_it_says() -> None:
    sizes = (Decimal("0.004"), Decimal("0.008"))
    stage, _ = scripted(plan_of(levels_up=1, levels_down=4, size_schedule=sizes, skew_bps=-1))
    stage.run(4)

    found = prices(stage)
    assert set(found) == {"s1", "b1", "b2", "b3", "b4"}
    assert {order.qty_lots for order in stage.entries(BTC).values()} == {40, 80}
    chosen = stage.said(PlanChosen)[-1]
    assert (chosen.policy, chosen.plan.skew_bps) == ("script", -1)
    proposed = stage.said(IntentsProposed)[0]
    assert len(proposed.intents) == 5


def test_what_is_said_of_plans_is_said_only_when_they_change() -> None:
    stage, script = scripted(plan_of())
    stage.run(10)
    assert len(stage.said(PlanChosen)) == 1

    script.plan = plan_of(levels_up=4)
    stage.run(10)
    assert len(stage.said(PlanChosen)) == 2


def test_in_a_quiet_market_the_adaptive_ladder_moves_less_than_once_a_minute() -> None:
    market = Walk({BTC: 600_000}, 4, step_bps=0.2, top_lots=50_000)
    stage = Stage(quick(policy={"name": "adaptive", "levels": 8}), market=market).run(60)
    before = len(stage.said(CancelOrder, sender="router"))
    stage.run(300)

    cancels = len(stage.said(CancelOrder, sender="router")) - before
    fills = stage.said(OrderFilled)
    # A fill empties the other side: those orders go for a reason. A move takes sixteen more.
    assert cancels <= 16 * 5 + 10 * len(fills)


def test_a_policy_that_fails_adopts_its_ladder_and_enters_nothing_before_the_next_sample() -> None:
    logging.disable(logging.CRITICAL)
    try:
        stage = Stage(quick(policy={"name": "adaptive"})).run(5)
        before = {order.order_id for order in stage.orders()}
        stage.runtime.inject(f"policy.{BTC}", "raise")
        stage.run(5)
    finally:
        logging.disable(logging.NOTSET)

    (restarted,) = [
        one
        for one in stage.entries_of(ActorRestarted)
        if one.body.actor == f"policy.{BTC}"  # type: ignore[attr-defined]
    ]
    assert {order.order_id for order in stage.orders()} == before
    sampled = [one.at_ns for one in stage.entries_of(PlanChosen) if one.at_ns >= restarted.at_ns]
    placed = [one.at_ns for one in stage.entries_of(PlaceOrders) if one.at_ns >= restarted.at_ns]
    assert sampled
    assert all(at_ns >= sampled[0] for at_ns in placed)


def test_a_symbol_that_is_not_selected_keeps_its_exits_and_nothing_else() -> None:
    stage = Stage().run(3)
    stage.sold(599_700, 4)
    stage.run(1)
    assert covered(stage) == 4

    news = SymbolSelected(symbol=BTC, is_selected=False, rank=0, score=0, reasons=())
    stage.tell(f"policy.{BTC}", news)
    stage.run(2)
    assert not stage.entries(BTC)
    assert covered(stage) == 4

    stage.tell(f"policy.{BTC}", attrs.evolve(news, is_selected=True, rank=1))
    stage.run(2)
    assert set(stage.entries(BTC)) == {"b2", "b3"}


def test_an_order_sent_for_a_ladder_that_has_moved_meanwhile_goes_at_once() -> None:
    stage, _ = scripted(plan_of())
    stage.run(4)
    before = len(stage.said(IntentsProposed))
    first = stage.said(OrdersSubmitted)[0].orders[0]
    late = attrs.evolve(first, client_order_id="late", level="b9", price_ticks=598_000)

    stage.tell(f"policy.{BTC}", OrdersSubmitted(symbol=BTC, orders=(late,)))
    stage.run(0.01)

    (proposed,) = stage.said(IntentsProposed)[before:]
    assert [(one.client_order_id, one.reason) for one in proposed.intents] == [
        ("late", "GRID_TRIM")
    ]


# Modes and resets.


def test_a_hard_reset_rebuilds_and_a_pause_clears_or_leaves() -> None:
    stage, script = scripted(plan_of())
    stage.run(4)
    before = {order.order_id for order in stage.orders()}
    script.plan = plan_of(reset_action=ResetAction.HARD)
    stage.run(3)
    after = {order.order_id for order in stage.orders()}
    assert len(after) == 6
    assert not before & after

    script.plan = pause()
    stage.run(3)
    assert {order.order_id for order in stage.orders()} == after
    script.plan = pause(ResetAction.SOFT)
    stage.run(3)
    assert not stage.orders()


def test_an_emergency_follows_the_touch_with_exits_until_nothing_is_held() -> None:
    stage, script = scripted(plan_of(), close={"on_stop": "off"})
    stage.run(4)
    stage.sold(599_700, 40)
    stage.run(1)
    assert stage.held() == 40
    script.plan = plan_of(mode=GridMode.EMERGENCY, reason_codes=("DD_LIMIT",))
    stage.market.put(BTC, 599_000)
    stage.run(12)
    assert not stage.entries(BTC)
    assert {one.price_ticks for one in stage.exits(BTC).values()} == {599_001}
    held = stage.held()

    stage.market.put(BTC, 598_000)
    stage.run(6)
    assert {one.price_ticks for one in stage.exits(BTC).values()} == {598_001}
    assert covered(stage) == held
    stage.bought(598_005, 1_000)
    stage.run(2)
    assert stage.held() == 0
    assert not stage.orders()


@pytest.mark.usefixtures("quiet")
@pytest.mark.parametrize("seed", range(12))
def test_any_plans_in_any_order_rest_as_wanted_in_the_end_and_every_lot_is_covered(
    seed: int,
) -> None:
    chance = Random(seed)
    market = Walk({BTC: 600_000}, seed, step_bps=chance.choice((0.5, 1.5, 3.0)), top_lots=60)
    exits = chance.choice(("average", "per-level"))
    stage, script = scripted(
        plan_of(), market=market, policy={"exits": exits}, risk={"toxicity_high_bps": 5_000.0}
    )
    for number in range(15):
        mid = Decimal(sum(market.quotes[BTC])) / 20
        script.plan = drawn(chance, mid)
        if number == 7:
            stage.runtime.inject(f"policy.{BTC}", "raise")
        for _ in range(chance.randrange(2, 10)):
            stage.run(0.4)
            assert not stage.doubles()
            found = [(one.side, one.price_ticks) for one in stage.entries(BTC).values()]
            assert len(found) == len(set(found)), "two levels on one tick"
        if number == 7:
            stage.actor(f"policy.{BTC}")._conductor = script
    market.stand()
    mid = Decimal(sum(market.quotes[BTC])) / 20
    script.plan = plan_of(center_price=mid, reset_action=ResetAction.SOFT)
    stage.run(20)

    checks.assert_all_well(stage)
    assert not [one for one in stage.said(OrderRejected) if one.code in {-2022, -4118}]


def drawn(chance: Random, mid: Decimal) -> GridPlan:
    """Return a plan around about the mid."""
    if chance.random() < 0.15:
        return pause(chance.choice(list(ResetAction)))
    return plan_of(
        mode=chance.choice(
            [GridMode.BILATERAL, GridMode.THROTTLE, GridMode.UNI_LONG, GridMode.UNI_SHORT]
        ),
        center_price=mid + chance.randrange(-30, 30),
        spacing_bps=chance.choice([0.1, 3, 5, 12.5, 40]),
        levels_up=chance.randrange(1, 7),
        levels_down=chance.randrange(1, 7),
        size_schedule=tuple(
            Decimal(chance.randrange(1, 20)) / 1000 for _ in range(chance.randrange(1, 4))
        ),
        reset_action=chance.choice(list(ResetAction)),
    )


# Actors that die.


WHO = ("feature", f"policy.{BTC}", "risk", "router", "exchange", "ledger")


@pytest.mark.usefixtures("quiet")
@pytest.mark.parametrize("seed", range(6))
def test_whoever_fails_while_policies_decide_all_agree_with_the_venue_in_the_end(seed: int) -> None:
    chance = Random(seed)
    settings = quick(
        supervision={"restarts_max": 100},
        policy={"name": ("adaptive", "auto", "range")[seed % 3], "exits": "per-level"},
        toxicity={"enabled": False},
    )
    market = Walk({BTC: 600_000}, seed, step_bps=chance.choice((0.5, 1.5, 3.0)))
    stage = Stage(settings, market=market, seed=chance.choice((None, seed))).run(3)
    for _ in range(5):
        stage.run(chance.randrange(1, 3_000) / 1_000)
        stage.runtime.inject(chance.choice(WHO), chance.choice(("raise", "hang")))
        for _ in range(10):
            stage.run(chance.randrange(1, 40) / 1_000)
            assert not stage.doubles()
    stage.run(15)
    market.stand()
    stage.run(20)

    checks.assert_all_well(stage)
