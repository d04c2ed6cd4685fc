"""Any actor raises or hangs at any delivery: it comes back, nothing is doubled, nothing is lost."""

from __future__ import annotations

from random import Random

import pytest

from grinder.kernel.signals import ActorFailed, ActorRestarted, ExitReason
from grinder.messages.orders import OrdersRequested
from grinder.messages.risk import KillSwitchTripped, TripKillSwitch
from grinder.venues.simulated import Latency
from simulated import checks
from simulated.worlds import BITCOIN, BTC, ETH, ETHER, MS, START_TICKS, Stage, Walk, ladder, quick

pytestmark = [pytest.mark.unmeasured, pytest.mark.usefixtures("quiet")]

ACTORS = (
    "feed", "feature", "policy.BTCUSDT", "policy.ETHUSDT", "risk", "router", "exchange",
    "account_sync", "reconcile", "leader", "ledger",
)  # fmt: skip
SEVERAL = 6


def stage_of(chance: Random) -> Stage:
    both = {name: START_TICKS[name] for name in (BTC, ETH)}
    latency = Latency(
        order_ms=chance.choice((1, 5, 30, 200)), event_ms=chance.choice((1, 5, 40, 300))
    )
    return Stage(
        quick(BTC, ETH, supervision={"restarts_max": 100}),
        instruments=(BITCOIN, ETHER),
        market=Walk(both, chance.randrange(10**6), step_bps=chance.choice((0.5, 1.5, 4.0))),
        seed=chance.choice((None, chance.randrange(10**6))),
        latency=latency,
    ).run(3)


def at_a_random_delivery(stage: Stage, chance: Random) -> None:
    stage.run(chance.randrange(1, 3_000) / 1_000)
    for _ in range(chance.randrange(40)):
        stage.runtime.step()


@pytest.mark.parametrize("seed", range(30))
def test_whoever_fails_at_whatever_delivery_comes_back_and_all_agree_with_the_venue(
    seed: int,
) -> None:
    chance = Random(seed)
    stage = stage_of(chance)
    failed = set()
    for _ in range(SEVERAL):
        at_a_random_delivery(stage, chance)
        name = chance.choice(ACTORS)
        failed.add(name)
        stage.runtime.inject(name, chance.choice(("raise", "hang")))
        for _ in range(20):
            stage.world.run_for(chance.randrange(1, 40) * MS)
            assert not stage.doubles()
    stage.run(15)
    stage.market.stand()
    stage.run(20)

    assert stage.state == "ACTIVE"
    assert failed <= {one.actor for one in stage.said(ActorRestarted)}
    assert not checks.permits_while_down(stage)
    checks.assert_all_well(stage)


@pytest.mark.parametrize("kind", ["raise", "hang"])
@pytest.mark.parametrize("name", ACTORS)
def test_each_actor_fails_while_the_ladder_is_being_placed(name: str, kind: str) -> None:
    for after_ms in (0, 12, 101, 103, 252, 256, 261):
        stage = Stage(quick(BTC, ETH), instruments=(BITCOIN, ETHER))
        stage.world.run_for(after_ms * MS)
        stage.runtime.inject(name, kind)
        stage.run(14)

        assert set(stage.entries(BTC)) == ladder(3), after_ms
        assert set(stage.entries(ETH)) == ladder(3), after_ms
        assert not checks.permits_while_down(stage)
        checks.assert_all_well(stage)


@pytest.mark.parametrize(("kind", "reason"), [("raise", "error"), ("hang", "stuck")])
def test_risk_hears_who_is_down_and_gives_no_permit_until_it_is_back(
    kind: str, reason: str
) -> None:
    stage = Stage(quick(policy={"spacing_bps": 20})).run(3)
    stage.runtime.inject("reconcile", kind)
    stage.until(lambda: stage.said(ActorFailed), within_s=3)
    stage.market.put(BTC, 601_000)
    stage.run(3)

    failed = stage.said(ActorFailed)[0]
    assert (failed.actor, failed.reason) == ("reconcile", ExitReason(reason))
    assert not checks.permits_while_down(stage)
    stage.run(3)
    assert set(stage.entries(BTC)) == ladder(3)


def test_a_restarted_actor_asks_for_what_rests_instead_of_trusting_the_dead_one() -> None:
    stage = Stage().run(3)
    for name in ("policy.BTCUSDT", "risk", "router", "reconcile"):
        before = len(stage.said(OrdersRequested, sender=name))
        stage.runtime.inject(name, "raise")
        stage.run(2)
        assert len(stage.said(OrdersRequested, sender=name)) > before


@pytest.mark.parametrize("name", ["static", "range"])
@pytest.mark.parametrize("deliveries", range(0, 12, 3))
def test_nothing_is_left_to_be_filled_after_a_kill_that_risk_and_policy_do_not_live_to_see(
    name: str, deliveries: int
) -> None:
    stage = Stage(quick(policy={"name": name})).run(5)
    assert stage.entries(BTC)
    stage.tell("risk", TripKillSwitch(reason="MANUAL", detail="test"))
    for _ in range(deliveries):
        stage.runtime.step()
    for actor in ("risk", f"policy.{BTC}"):
        stage.runtime.inject(actor, "raise")
    stage.run(10)

    assert stage.said(KillSwitchTripped)
    assert stage.entries(BTC) == {}


def test_orders_that_were_open_before_a_crash_of_the_exchange_actor_are_adopted() -> None:
    stage = Stage().run(3)
    before = {order.order_id for order in stage.orders()}
    stage.runtime.inject("exchange", "raise")
    stage.run(5)

    assert {order.order_id for order in stage.orders()} == before
    checks.assert_all_well(stage)


def test_fills_of_the_time_when_the_exchange_actor_was_down_are_told_and_booked_once() -> None:
    stage = Stage().run(3)
    ticks = stage.entries(BTC)["b1"].price_ticks
    stage.runtime.inject("exchange", "hang")
    stage.run(0.5)
    stage.sold(ticks, 3)
    stage.run(20)

    assert stage.held() == 3
    checks.assert_all_well(stage)


def test_a_fill_heard_right_after_a_restart_does_not_hide_those_before_it() -> None:
    stage = Stage(latency=Latency(order_ms=200, event_ms=20)).run(4)
    stage.runtime.inject("exchange", "hang")
    stage.run(0.5)
    stage.sold(stage.entries(BTC)["b1"].price_ticks, 1)
    back = len(stage.said(ActorRestarted))
    stage.until(lambda: len(stage.said(ActorRestarted)) > back, step_ms=10)
    stage.run(0.45)
    stage.sold(stage.entries(BTC)["b2"].price_ticks, 4)
    stage.run(20)

    assert stage.exchange.ledger("sim").fills >= 2
    checks.assert_all_well(stage)


def test_a_ledger_that_restarts_reads_the_run_again_to_the_last_digit() -> None:
    market = Walk({BTC: 600_000}, 9, step_bps=3)
    stage = Stage(market=market).run(30)
    stage.runtime.inject("ledger", "raise")
    stage.run(10)
    market.stand()
    stage.run(20)

    assert stage.exchange.ledger("sim").fills > 10
    checks.assert_all_well(stage)


def test_more_failures_than_the_tree_allows_leave_no_entry_without_a_master() -> None:
    stage = Stage(quick(supervision={"restarts_max": 1})).run(3)
    for _ in range(12):
        stage.runtime.inject("router", "raise")
        stage.run(0.3)

    assert stage.runtime.root_exit is not None
    stage.exchange.advance(stage.now_ms + stage.settings.venue.dead_man_ms)
    assert not stage.orders()
