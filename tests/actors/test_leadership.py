"""Leadership and the dead-man countdown: who may act, and what happens when nobody does."""

from __future__ import annotations

import itertools

import pytest

from grinder.execution.identity import decode
from grinder.kernel.message import Message
from grinder.lease.states import LeaseTable
from grinder.messages.control import LeadershipGained, LeadershipLost, LeaseRefused
from grinder.messages.grid import IntentsDenied
from grinder.messages.orders import CancelOrder, PlaceOrders
from grinder.messages.venue import SetCountdown
from simulated.worlds import BTC, SECOND, Stage, ladder, quick

LADDER = ladder(3)


@pytest.fixture
def stage() -> Stage:
    """A ladder with room to follow the price."""
    return Stage(quick(policy={"spacing_bps": 20})).run(3)


def table_of(stage: Stage) -> LeaseTable:
    port = dict(stage.runtime.ports())["port.lease"]
    table: LeaseTable = port._table  # type: ignore[attr-defined]
    return table


def take_away(stage: Stage, for_s: float) -> None:
    table = table_of(stage)
    table.holder, table.epoch = "somebody else", table.epoch + 1
    table.until_ns = stage.runtime.now_ns() + round(for_s * SECOND)


def placed_after(stage: Stage, at_ns: int) -> list[Message]:
    return [one.body for one in stage.entries_of(PlaceOrders) if one.at_ns > at_ns]


def test_a_lease_held_by_somebody_else_ends_every_permit(stage: Stage) -> None:
    take_away(stage, 1_000)
    stage.until(lambda: stage.said(LeadershipLost), within_s=4)
    lost_ns = stage.runtime.now_ns()
    stage.market.put(BTC, 600_900)
    stage.run(20)

    assert not placed_after(stage, lost_ns)
    assert {one.code for denied in stage.said(IntentsDenied) for one in denied.denials} == {
        "NOT_LEADER"
    }
    assert not stage.said(CancelOrder), "whoever leads now decides"


def test_a_lease_that_comes_back_has_another_epoch_and_orders_say_so(stage: Stage) -> None:
    take_away(stage, 8)
    stage.until(lambda: stage.said(LeadershipLost), within_s=4)
    stage.market.put(BTC, 600_900)
    stage.run(40)

    assert {one.epoch for one in stage.said(LeadershipGained)} == {1, 3}
    epochs = {decode(order.client_order_id) for order in stage.orders()}
    assert {one.epoch for one in epochs if one is not None} == {3}
    assert set(stage.entries(BTC)) == LADDER


def test_a_store_out_of_reach_ends_leadership_before_the_lease_does(stage: Stage) -> None:
    table = table_of(stage)
    refusal = LeaseRefused(holder="", reason="out of reach")
    table.acquire = lambda *_: refusal  # type: ignore[method-assign]
    until_ns = table.until_ns
    stage.until(lambda: stage.said(LeadershipLost), within_s=12)

    assert stage.runtime.now_ns() < until_ns
    assert stage.said(LeadershipLost)[0].reason == "lease ran out"
    lost_ns = stage.runtime.now_ns()
    stage.market.put(BTC, 600_900)
    stage.run(10)
    assert not placed_after(stage, lost_ns)


def test_no_permit_outlives_the_lease(stage: Stage) -> None:
    deadline_ns = stage.said(LeadershipGained)[0].deadline_ns

    permits = [one.permit for one in stage.said(PlaceOrders) if one.permit is not None]
    assert permits
    assert all(permit.deadline_ns <= deadline_ns for permit in permits)


def test_the_countdown_is_set_before_the_first_placement_and_kept_alive(stage: Stage) -> None:
    told = stage.entries_of(SetCountdown, PlaceOrders, sender="exchange")
    assert isinstance(told[0].body, SetCountdown)

    stage.run(60)
    times = [one.at_ns for one in stage.entries_of(SetCountdown)]
    pauses = [after - before for before, after in itertools.pairwise(times)]
    assert max(pauses) <= stage.settings.venue.dead_man_ms * 1_000_000 // 2
    assert set(stage.entries(BTC)) == LADDER


def test_orders_of_a_system_that_is_no_longer_there_are_gone_after_the_countdown(
    stage: Stage,
) -> None:
    countdown_ms = stage.settings.venue.dead_man_ms
    last_ms = stage.entries_of(SetCountdown)[-1].at_ns // 1_000_000

    stage.exchange.advance(last_ms + countdown_ms - 1_000)
    assert len(stage.orders()) == 6
    stage.exchange.advance(last_ms + countdown_ms + 1_000)
    assert not stage.orders()


def test_the_countdown_is_stopped_once_nothing_rests(stage: Stage) -> None:
    stage.world.venue.is_silent = True
    stage.run(40)

    assert not stage.orders()
    assert stage.said(SetCountdown)[-1].countdown_ms == 0


def test_a_countdown_that_fired_too_early_leads_to_a_new_ladder(stage: Stage) -> None:
    stage.exchange.set_countdown("sim", BTC, 1, stage.now_ms)
    stage.exchange.advance(stage.now_ms + 2)
    assert not stage.orders()
    stage.world.venue.settle()
    stage.run(5)

    assert set(stage.entries(BTC)) == LADDER


def test_without_a_countdown_none_is_ever_told() -> None:
    stage = Stage(quick(venue={"dead_man_ms": 0})).run(30)

    assert set(stage.entries(BTC)) == LADDER
    assert not stage.said(SetCountdown)
