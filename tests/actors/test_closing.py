"""A position that has to go is gone: through the assembled system, by the venue's own log."""

from __future__ import annotations

import logging
from decimal import Decimal
from typing import Any

import attrs
import pytest

from grinder.actors.world import ACCOUNT
from grinder.messages.grid import CloseProgressed, CloseStage
from grinder.messages.orders import CancelOrder, Placement, PlaceOrders
from grinder.messages.risk import TripKillSwitch
from grinder.model.order import OrderType, TimeInForce
from simulated import checks
from simulated.worlds import BITCOIN, BTC, Stage, quick

FINE = attrs.evolve(BITCOIN, lot=Decimal("0.0001"), notional_min=Decimal(5))
FALL = 300
"""Ticks that a straight crash falls in each tenth of a second: half a per cent in a second."""


def stopped(*, instrument: Any = FINE, policy: dict[str, Any] | None = None, **close: Any) -> Stage:
    """Return a stage that holds something, with a stop a little below."""
    wanted = {"stop_lower": "-0.5%", **(policy or {})}
    stage = Stage(quick(policy=wanted, close=close), instruments=(instrument,)).run(3)
    stage.sold(599_695, 40)
    stage.run(1)
    assert stage.held() > 0
    return stage


def crash(stage: Stage, seconds: float, begin: int = 596_000) -> float:
    """Let the market fall in a straight line; return after how many seconds nothing was held."""
    for number in range(round(seconds * 10)):
        stage.market.put(BTC, begin - FALL * number)
        stage.run(0.1)
        if not stage.held():
            return number / 10
    return -1


def sent(stage: Stage) -> list[Placement]:
    """Return the orders that were to take, as the router named them."""
    batches = stage.said(PlaceOrders, sender="router")
    return [one for batch in batches for one in batch.orders if one.reason.startswith("CLOSE_")]


def stages(stage: Stage) -> list[str]:
    return [str(one.stage) for one in stage.said(CloseProgressed)]


def never_turned(stage: Stage) -> bool:
    """Return whether no fill of a reduce-only order has left more, or the other side, held."""
    held = 0
    for trade in stage.exchange.trades(ACCOUNT, BTC, limit=checks.ALL):
        before, held = held, held + trade.side.sign * trade.qty_lots
        if before and (held * before < 0):
            return False
    return held == stage.held()


def test_in_a_straight_crash_an_offer_at_the_touch_alone_never_fills() -> None:
    stage = stopped(on_stop="off")
    assert crash(stage, 30) < 0
    assert stage.held() > 0
    assert not sent(stage)
    assert stages(stage) == ["OFFERED"]


@pytest.mark.parametrize("reach", ["cross", "market"])
def test_orders_that_take_follow_the_offer_and_the_position_is_flat(reach: str) -> None:
    stage = stopped(on_stop=reach)
    assert 3 <= crash(stage, 30) <= 5
    assert never_turned(stage)
    orders = sent(stage)
    assert {one.time_in_force for one in orders} == {TimeInForce.IOC}
    assert {one.reduce_only for one in orders} == {True}
    assert orders[0].reason == "CLOSE_CROSS STOP_LOWER 10bps"
    assert stages(stage) == ["OFFERED", "CROSSING", "OVER"]
    stage.run(5)
    assert not stage.orders()
    assert len(sent(stage)) == len(orders), "nothing is tried once flat"


def test_no_order_that_takes_is_worse_than_the_slippage_and_it_widens_to_its_bound() -> None:
    stage = stopped(on_stop="cross", slippage_bps=5, slippage_step_bps=20, slippage_max_bps=30)
    stage.market.top_lots = 1
    stage.market.put(BTC, 590_000)
    stage.run(12)
    assert stage.held() > 0

    orders = sent(stage)
    worst = [590_000 - 295, 590_000 - 1_475, 590_000 - 1_770]
    assert [one.price_ticks for one in orders[:3]] == worst
    assert {one.price_ticks for one in orders[2:]} == {590_000 - 1_770}
    assert all(trade.price_ticks >= worst[-1] for trade in _closing_trades(stage))
    assert 6 <= len(orders) <= 10, "one in each second"


def _closing_trades(stage: Stage) -> list[Any]:
    trades = stage.exchange.trades(ACCOUNT, BTC, limit=checks.ALL)
    return [one for one in trades if one.side.sign < 0]


def test_what_the_bound_leaves_goes_by_market_orders_in_parts_that_the_venue_takes() -> None:
    small = attrs.evolve(FINE, market_qty_lots_max=15)
    stage = stopped(
        instrument=small, slippage_bps=0, slippage_step_bps=0, slippage_max_bps=0,
        market_after_ms=5_000,
    )  # fmt: skip
    stage.market.top_lots = 1
    stage.market.put(BTC, 590_000)
    stage.run(4.5)
    assert stage.held() > 0
    stage.market.top_lots = 5_000
    stage.until(lambda: not stage.held(), within_s=4)

    orders = [one for one in sent(stage) if one.order_type is OrderType.MARKET]
    assert orders
    assert all(one.qty_lots <= 15 and one.reduce_only for one in orders)
    assert {one.reason for one in orders} == {"CLOSE_MARKET STOP_LOWER"}
    assert never_turned(stage)


def test_an_empty_book_is_tried_at_a_bounded_rate_and_told_of_again_and_again() -> None:
    stage = stopped(overdue_ms=10_000)
    stage.market.top_lots = 0
    stage.market.put(BTC, 590_000)
    stage.run(41)

    assert stage.held() > 0
    tries = sent(stage)
    assert 20 <= len(tries) <= 42
    assert stages(stage).count("OVERDUE") in (3, 4)
    overdue = [one for one in stage.said(CloseProgressed) if one.stage is CloseStage.OVERDUE]
    assert overdue[-1].attempts > overdue[0].attempts
    assert overdue[0].position_lots == stage.held()

    stage.market.top_lots = 5_000
    stage.until(lambda: not stage.held(), within_s=5)
    stage.run(0.5)
    assert stages(stage)[-1] == "OVER"


def test_exits_are_taken_off_before_anything_takes_and_each_says_why() -> None:
    stage = stopped(policy={"exits": "per-level", "levels": 3})
    assert crash(stage, 30) > 0
    cancels = [
        one for one in stage.said(CancelOrder, sender="router") if one.reason.startswith("CLOSE_")
    ]
    assert cancels
    assert never_turned(stage)
    assert not checks.overlaps(stage)


def test_a_take_profit_waits_at_the_touch_unless_told_otherwise() -> None:
    wanted = {"take_profit": Decimal(2), "exit_spacing_bps": 500, "direction": "long"}
    for reach, expected in (("off", ["OFFERED"]), ("cross", ["OFFERED", "CROSSING", "OVER"])):
        settings = quick(policy=wanted, close={"on_take_profit": reach})
        stage = Stage(settings, instruments=(FINE,)).run(3)
        stage.sold(599_695, 40)
        stage.run(1)
        stage.market.put(BTC, 606_000)
        stage.run(15)
        assert stages(stage) == expected
        assert bool(stage.held()) is (reach == "off")


@pytest.mark.parametrize("policy", ["static", "auto"])
def test_a_kill_switch_closes_where_it_is_told_to_and_nothing_enters_again(policy: str) -> None:
    settings = quick(policy={"name": policy}, close={"kill_position": "flatten"})
    stage = Stage(settings, instruments=(FINE,)).run(8)
    if not stage.held():
        entry = min(stage.entries(BTC).values(), key=lambda one: abs(one.price_ticks - 600_000))
        (stage.sold if entry.side.sign > 0 else stage.bought)(
            entry.price_ticks - entry.side.sign, 40
        )
        stage.run(1)
    assert stage.held()
    stage.tell("risk", TripKillSwitch(reason="MANUAL", detail="test"))
    flat_s = crash(stage, 30, begin=600_000)
    assert 0 <= flat_s <= 8
    assert never_turned(stage)
    stage.run(10)
    assert not stage.orders()


def test_without_that_a_kill_switch_leaves_what_is_held_to_its_exits() -> None:
    stage = Stage(quick(), instruments=(FINE,)).run(3)
    stage.sold(599_695, 40)
    stage.run(1)
    stage.tell("risk", TripKillSwitch(reason="MANUAL", detail="test"))
    stage.run(15)
    assert stage.held() > 0
    assert not sent(stage)
    assert sum(one.qty_lots for one in stage.exits(BTC).values()) == stage.held()


def test_a_policy_that_dies_in_the_middle_of_a_close_goes_on_with_it() -> None:
    stage = stopped()
    stage.market.top_lots = 0
    stage.market.put(BTC, 590_000)
    stage.run(5)
    logging.disable(logging.CRITICAL)
    stage.runtime.inject(f"policy.{BTC}", "raise")
    stage.run(1)
    logging.disable(logging.NOTSET)
    stage.market.top_lots = 5_000
    stage.until(lambda: not stage.held(), within_s=8)
    assert never_turned(stage)
