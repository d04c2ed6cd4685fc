"""The end of a run: own orders off the book, whoever dies on the way."""

from __future__ import annotations

from decimal import Decimal

import attrs
import pytest

from grinder.messages.orders import PlaceOrders
from grinder.messages.risk import StopPosition, WindDownCompleted
from grinder.messages.venue import SetCountdown
from grinder.model.order import Side
from simulated import checks
from simulated.worlds import BITCOIN, BTC, ETH, ETHER, MS, Stage, quick

pytestmark = pytest.mark.usefixtures("quiet")


@pytest.fixture
def stage() -> Stage:
    """Two ladders, long three lots of one."""
    stage = Stage(quick(BTC, ETH), instruments=(BITCOIN, ETHER)).run(3)
    stage.sold(stage.entries(BTC)["b1"].price_ticks, 3)
    return stage.run(1)


def ends(stage: Stage) -> list[WindDownCompleted]:
    return stage.said(WindDownCompleted)


def asked_each_second(stage: Stage, position: StopPosition, within_s: int = 12) -> None:
    """Ask for the end as the main job does: again each second until it has come."""
    for _ in range(within_s):
        stage.world.wind_down(position)
        stage.run(1)
        if ends(stage):
            return
    pytest.fail("no end")


def test_keep_takes_every_own_order_off_and_leaves_the_position(stage: Stage) -> None:
    stage.world.wind_down(StopPosition.KEEP)
    stage.run(2)

    (end,) = ends(stage)
    assert end.is_confirmed
    assert (end.open_orders, end.positions) == (0, ((BTC, "0.003"),))
    assert not stage.orders()
    assert stage.held() == 3


def test_flatten_closes_the_position_at_the_market(stage: Stage) -> None:
    stage.world.wind_down(StopPosition.FLATTEN)
    stage.run(3)

    (end,) = ends(stage)
    assert end.is_confirmed
    assert end.positions == ()
    assert not stage.orders()
    assert stage.held() == 0
    assert not checks.book_differences(stage)


def test_nothing_is_placed_after_the_end_was_asked_for(stage: Stage) -> None:
    asked_ns = stage.runtime.now_ns()
    stage.world.wind_down(StopPosition.KEEP)
    stage.market.put(BTC, 603_000)
    stage.run(10)

    assert not [one for one in stage.entries_of(PlaceOrders) if one.at_ns > asked_ns]


def test_asking_twice_changes_nothing(stage: Stage) -> None:
    stage.world.wind_down(StopPosition.KEEP)
    stage.world.wind_down(StopPosition.FLATTEN)
    stage.run(3)

    assert len(ends(stage)) == 1
    assert stage.held() == 3


def test_the_countdowns_are_stopped_at_the_end_so_that_they_never_hit_a_successor(
    stage: Stage,
) -> None:
    stage.world.wind_down(StopPosition.KEEP)
    stage.run(2)

    last = {one.symbol: one.countdown_ms for one in stage.said(SetCountdown)}
    assert last == {BTC: 0, ETH: 0}


def test_somebody_elses_order_is_left_alone(stage: Stage) -> None:
    theirs = stage.by_hand(Side.BUY, 10, ticks=590_000)
    stage.world.wind_down(StopPosition.KEEP)
    stage.run(3)

    assert [order.order_id for order in stage.orders()] == [theirs.order_id]
    assert ends(stage)[0].open_orders == 0


@pytest.mark.parametrize("position", list(StopPosition))
@pytest.mark.parametrize("name", ["exchange", "risk", "router", "policy.BTCUSDT", "leader"])
def test_whoever_restarts_in_the_middle_the_end_comes(
    stage: Stage, name: str, position: StopPosition
) -> None:
    stage.world.wind_down(position)
    stage.world.run_for(7 * MS)
    stage.runtime.inject(name, "raise")
    asked_each_second(stage, position)

    assert ends(stage)[-1].is_confirmed
    assert not stage.orders()
    assert stage.held() == (3 if position is StopPosition.KEEP else 0)
    assert not checks.overlaps(stage)


@pytest.mark.parametrize("after_ms", [0, 1, 4, 6, 11, 16, 21, 26, 40])
@pytest.mark.parametrize("name", ["exchange", "risk"])
def test_the_end_comes_at_whatever_moment_exchange_or_risk_restart(
    stage: Stage, name: str, after_ms: int
) -> None:
    stage.world.wind_down(StopPosition.FLATTEN)
    stage.world.run_for(after_ms * MS)
    stage.runtime.inject(name, "raise")
    asked_each_second(stage, StopPosition.FLATTEN)

    assert not stage.orders()
    assert stage.held() == 0


def test_a_fill_during_the_end_is_closed_too(stage: Stage) -> None:
    ticks = stage.entries(ETH)["s1"].price_ticks
    stage.world.wind_down(StopPosition.FLATTEN)
    stage.bought(ticks, 5, symbol=ETH)
    stage.run(4)

    assert ends(stage)[0].is_confirmed
    assert (stage.held(BTC), stage.held(ETH)) == (0, 0)
    assert not checks.book_differences(stage)


def test_an_end_that_the_venue_does_not_confirm_says_so_in_time() -> None:
    stage = Stage().run(3)
    port = dict(stage.runtime.ports())["port.venue"]
    port._venue.later = lambda *_: None  # type: ignore[attr-defined]
    stage.world.wind_down(StopPosition.KEEP)
    stage.run(stage.settings.stop.timeout_ms / 1_000 + 1)

    (end,) = ends(stage)
    assert not end.is_confirmed
    stage.exchange.advance(stage.now_ms + stage.settings.venue.dead_man_ms)
    assert not stage.orders(), "the countdown is the last resort"


def test_a_position_larger_than_a_market_order_may_be_is_closed_in_parts() -> None:
    small = attrs.evolve(BITCOIN, market_qty_lots_max=2, notional_min=Decimal(5))
    stage = Stage(quick(), instruments=(small,)).run(3)
    stage.sold(599_695, 40)
    stage.run(1)
    held = stage.held()
    assert held > 2
    stage.world.wind_down(StopPosition.FLATTEN)
    stage.run(4)

    orders = [
        order
        for batch in stage.said(PlaceOrders, sender="exchange")
        for order in batch.orders
        if order.reason == "STOP_FLATTEN"
    ]
    assert [one.qty_lots for one in orders] == [2] * (held // 2) + [1] * (held % 2)
    assert stage.held() == 0
