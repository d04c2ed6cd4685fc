"""Properties that earlier incidents call for and that no other file here is about."""

from __future__ import annotations

import inspect

import pytest

from grinder.actors import session, wiring, world
from grinder.messages.grid import IntentsDenied
from grinder.messages.orders import OrderRejected, PlaceOrders
from grinder.simulation.refusals import Refusal, Rule
from simulated import checks
from simulated.worlds import BTC, Stage, Walk, ladder, quick


def test_the_planners_only_picture_is_the_one_that_venue_events_and_snapshots_draw() -> None:
    stage = Stage().run(3)
    for order in stage.orders()[:3]:
        stage.exchange.cancel("sim", BTC, order_id=order.order_id, now_ms=stage.now_ms)
    stage.world.venue.settle()
    stage.run(3)

    assert set(stage.entries(BTC)) == ladder(3)
    assert not checks.differences(stage)


def test_orders_that_vanish_unheard_are_noticed_by_a_snapshot_and_quoted_again() -> None:
    stage = Stage().run(3)
    for order in stage.orders():
        stage.exchange.cancel("sim", BTC, order_id=order.order_id, now_ms=stage.now_ms)
    stage.exchange.drain()
    stage.run(15)

    assert set(stage.entries(BTC)) == ladder(3)
    checks.assert_all_well(stage)


@pytest.mark.parametrize("told", [True, False])
def test_while_a_position_is_open_an_exit_that_is_lost_is_placed_again(told: bool) -> None:
    stage = Stage().run(3)
    stage.sold(stage.entries(BTC)["b1"].price_ticks, 4)
    stage.run(1)
    for _ in range(3):
        (order,) = stage.exits(BTC).values()
        stage.exchange.cancel("sim", BTC, order_id=order.order_id, now_ms=stage.now_ms)
        if told:
            stage.world.venue.settle()
        else:
            stage.exchange.drain()
        stage.run(1 if told else 15)
        assert not checks.uncovered(stage)


def test_a_refused_exit_is_tried_again_after_a_pause_and_leaves_no_entry_behind() -> None:
    stage = Stage().run(3)
    place = stage.exchange.place

    def refuse_exits(account: str, new: object, now_ms: int) -> object:
        if new.reduce_only:  # type: ignore[attr-defined]
            raise Refusal(Rule.REDUCE_ONLY)
        return place(account, new, now_ms)  # type: ignore[arg-type]

    stage.exchange.place = refuse_exits  # type: ignore[method-assign,assignment]
    stage.sold(stage.entries(BTC)["b1"].price_ticks, 4)
    stage.run(20)
    tries = [one for one in stage.said(OrderRejected) if one.reduce_only]
    assert 10 <= len(tries) <= 21

    assert not stage.actor("exchange")._desk.book.live_count - len(stage.orders())
    stage.exchange.place = place  # type: ignore[method-assign]
    stage.run(3)
    checks.assert_all_well(stage)


def test_a_spent_order_budget_keeps_the_planner_quiet_and_lets_exits_through() -> None:
    settings = quick(router={"orders_10s_max": 4, "orders_1m_max": 10})
    stage = Stage(settings).run(5)
    stage.sold(stage.entries(BTC)["b1"].price_ticks, 4)
    stage.run(25)

    assert not checks.uncovered(stage)
    placed = sum(len(one.orders) for one in stage.said(PlaceOrders, sender="router"))
    assert placed <= 12
    assert len(stage.said(IntentsDenied)) <= 30


def test_tables_stay_small_however_long_the_run() -> None:
    market = Walk({BTC: 600_000}, 12, step_bps=3)
    stage = Stage(market=market).run(240)
    market.stand()
    stage.run(10)

    planner = stage.actor("policy.BTCUSDT")._planner
    assert stage.exchange.ledger("sim").orders > 50
    assert len(planner.holdings.by_id) == len(stage.orders())
    assert len(planner.holdings.proposed) == 0
    assert len(planner.paused_until_ns) <= 7
    assert len(stage.actor("exchange")._desk._levels[BTC]) == len(stage.orders())


def test_live_and_simulated_runs_are_wired_by_the_same_function() -> None:
    assert session.assemble is wiring.assemble  # type: ignore[attr-defined]
    assert world.assemble is wiring.assemble  # type: ignore[attr-defined]
    assert "stepped" not in inspect.getsource(wiring)
