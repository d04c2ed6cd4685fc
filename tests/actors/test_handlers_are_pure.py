"""Every actor runs for minutes with clock, chance, environment, threads and sockets taken away."""

from __future__ import annotations

import pytest

from grinder.actors.account_sync import AccountSyncActor
from grinder.actors.exchange import ExchangeActor
from grinder.actors.feature import FeatureActor
from grinder.actors.feed import FeedActor
from grinder.actors.leader import LeaderActor
from grinder.actors.ledger import LedgerActor
from grinder.actors.policy import PolicyActor
from grinder.actors.reconcile import ReconcileActor
from grinder.actors.risk import RiskSupervisor
from grinder.actors.router import RouterActor
from grinder.kernel.actor import Actor
from grinder.kernel.signals import ActorFailed
from grinder.messages.risk import ResetKillSwitch, StopPosition, TripKillSwitch, WindDownCompleted
from kernel.purity import forbid_world
from simulated import checks
from simulated.worlds import BITCOIN, BTC, ETH, ETHER, START_TICKS, Stage, Walk, quick

ACTORS: dict[str, type[Actor]] = {
    "feed": FeedActor,
    "feature": FeatureActor,
    "policy.BTCUSDT": PolicyActor,
    "policy.ETHUSDT": PolicyActor,
    "risk": RiskSupervisor,
    "router": RouterActor,
    "exchange": ExchangeActor,
    "account_sync": AccountSyncActor,
    "reconcile": ReconcileActor,
    "leader": LeaderActor,
    "ledger": LedgerActor,
}


def pure(stage: Stage, seconds: float) -> None:
    """Let time pass without a world. Births are left out: pykka names each actor by chance."""
    with forbid_world():
        stage.run(seconds)


def test_no_handler_of_any_actor_touches_the_world_in_minutes_of_everything() -> None:
    both = {name: START_TICKS[name] for name in (BTC, ETH)}
    settings = quick(BTC, ETH, supervision={"restarts_max": 100})
    stage = Stage(settings, instruments=(BITCOIN, ETHER), market=Walk(both, 7, step_bps=2), seed=7)
    stage.run(0.001)

    pure(stage, 60)
    stage.world.venue.is_silent = True
    pure(stage, 8)
    stage.world.venue.is_silent = False
    pure(stage, 20)
    for name in ACTORS:
        stage.runtime.inject(name, "raise")
        stage.run(0.2)
        pure(stage, 4)
    stage.tell("risk", TripKillSwitch(reason="MANUAL", detail="drill"))
    pure(stage, 5)
    stage.tell("risk", ResetKillSwitch(operator="ann"))
    pure(stage, 30)
    stage.market.top_lots = 10_000
    stage.run(1)
    stage.world.wind_down(StopPosition.FLATTEN)
    pure(stage, 5)

    assert not [one for one in stage.said(ActorFailed) if one.detail and "Inj" not in one.detail]
    assert stage.said(WindDownCompleted)[-1].is_confirmed
    assert stage.exchange.ledger("sim").fills > 50
    assert not checks.book_differences(stage)


@pytest.mark.parametrize("name", sorted(ACTORS))
def test_each_actor_starts_handles_and_stops_without_a_world(name: str) -> None:
    both = {symbol: START_TICKS[symbol] for symbol in (BTC, ETH)}
    stage = Stage(quick(BTC, ETH), instruments=(BITCOIN, ETHER), market=Walk(both, 1)).run(0.001)
    actor = stage.actor(name)
    with forbid_world():
        actor.on_start()
        stage.run(5)
        actor.on_stop()

    assert type(actor) is ACTORS[name]
    snapshot = next(one for one in stage.runtime.snapshots() if one.name == name)
    assert snapshot.handled > 0
    assert snapshot.restarts == 0
