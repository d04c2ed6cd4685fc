"""Fixed prices, stops and ages of exits, through the assembled system."""

from __future__ import annotations

import logging
from decimal import Decimal
from typing import Any

import attrs
import pytest

from grinder.messages.orders import CancelOrder
from grinder.messages.risk import OverrideLifecycle
from grinder.model.order import Side
from simulated import checks
from simulated.worlds import BITCOIN, BTC, Stage, quick

FINE = attrs.evolve(BITCOIN, lot=Decimal("0.0001"), notional_min=Decimal(5))


def prices(stage: Stage) -> dict[str, int]:
    return {level: order.price_ticks for level, order in stage.entries(BTC).items()}


def covered(stage: Stage) -> int:
    return sum(one.qty_lots - one.filled_lots for one in stage.exits(BTC).values())


def limited(*, on_stop: str = "off", **policy: Any) -> Stage:
    """Return a stage whose stops wait at the touch, unless told to go further."""
    return Stage(quick(policy=policy, close={"on_stop": on_stop}), instruments=(FINE,))


def test_fixed_prices_rest_stay_and_turn_over() -> None:
    stage = limited(lines=5, price_lower="59800", price_upper="60200", exits="per-level").run(3)
    assert sorted(prices(stage).values()) == [598_000, 599_000, 601_000, 602_000]
    stage.market.put(BTC, 599_000)
    stage.run(0.3)
    stage.sold(598_999, 60)
    stage.run(1)
    held = stage.held()
    assert held > 0
    assert [one.price_ticks for one in stage.exits(BTC).values()] == [600_000]

    stage.market.put(BTC, 600_010)
    stage.bought(600_005, held)
    stage.run(2)
    assert stage.held() == 0
    assert sorted(prices(stage).values()) == [598_000, 599_000, 601_000, 602_000]


def test_a_trailing_grid_follows_a_rising_market_and_cancels_only_the_far_side() -> None:
    stage = limited(
        lines=5, price_lower="59800", price_upper="60200", direction="long", trailing="up"
    ).run(3)
    for bid in range(600_000, 605_600, 100):
        stage.market.put(BTC, bid)
        stage.run(0.3)

    assert sorted(prices(stage).values()) == [601_000, 602_000, 603_000, 604_000]
    cancelled = [one.client_order_id for one in stage.said(CancelOrder, sender="router")]
    ended = {
        order.price_ticks
        for order in checks.history(stage, BTC)
        if order.client_order_id in cancelled
    }
    assert ended == {598_000, 599_000, 600_000}
    assert stage.held() == 0


@pytest.mark.parametrize("side", [Side.BUY, Side.SELL])
def test_beyond_a_stop_the_grid_is_over_and_what_is_held_is_sold_at_the_touch(side: Side) -> None:
    limits = {"stop_lower": "-0.5%"} if side is Side.BUY else {"stop_upper": "60300"}
    stage = limited(**limits).run(3)
    away = -side.sign
    trade = stage.sold if side is Side.BUY else stage.bought
    trade(600_000 + away * 305, 40)
    stage.run(1)
    assert stage.held()
    stage.market.put(BTC, 600_000 + away * 4_000)
    stage.run(8)

    assert not stage.entries(BTC)
    (touch,) = {order.price_ticks for order in stage.exits(BTC).values()}
    assert touch == (596_001 if side is Side.BUY else 604_000)
    assert covered(stage) == abs(stage.held())
    back = stage.bought if side is Side.BUY else stage.sold
    back(touch + (5 if side is Side.BUY else -5), 1_000)
    stage.run(1)
    assert stage.held() == 0
    stage.market.put(BTC, 600_000)
    stage.run(3)
    assert not stage.orders(), "it stays over"

    stage.tell(f"policy.{BTC}", OverrideLifecycle(override="NONE", operator="ada"))
    stage.run(2)
    assert len(stage.entries(BTC)) == 6


def test_a_loss_of_the_whole_grid_ends_it_and_counts_what_was_realised() -> None:
    stage = limited(stop_loss=Decimal(2)).run(3)
    stage.sold(599_695, 40)
    stage.run(1)
    assert stage.held()
    stage.market.put(BTC, 592_000)
    stage.run(4)

    assert not stage.entries(BTC)
    bounds = stage.actor(f"policy.{BTC}")._planner.bounds
    assert bounds.stopped == "STOP_LOSS"
    (touch,) = {order.price_ticks for order in stage.exits(BTC).values()}
    stage.bought(touch + 5, 1_000)
    stage.run(2)
    assert stage.held() == 0
    assert bounds.realised < -2


def test_an_exit_that_is_too_old_is_renewed_without_losing_its_cover_for_long() -> None:
    stage = limited(exit_ttl_ms=3_000).run(3)
    stage.sold(599_695, 40)
    stage.run(1)
    (before,) = [order.order_id for order in stage.exits(BTC).values()]
    uncovered = 0
    for _ in range(80):
        stage.run(0.1)
        uncovered += covered(stage) < stage.held()

    assert covered(stage) == stage.held() > 0
    assert before not in [order.order_id for order in stage.exits(BTC).values()]
    assert uncovered <= 8, "a round trip for each renewal, and two for the first"


def test_a_stop_that_was_reached_and_lines_that_were_moved_outlive_their_policy() -> None:
    stage = limited(
        lines=5, price_lower="-0.33%", price_upper="+0.33%", trailing="up", direction="long",
        stop_lower="-0.5%",
    ).run(3)  # fmt: skip
    for bid in range(600_000, 605_600, 100):
        stage.market.put(BTC, bid)
        stage.run(0.3)
    before = prices(stage)
    stop = stage.actor(f"policy.{BTC}")._planner.bounds.stop_lower
    assert stop > 59_700

    logging.disable(logging.CRITICAL)
    stage.runtime.inject(f"policy.{BTC}", "raise")
    stage.run(3)
    assert prices(stage) == before
    assert stage.actor(f"policy.{BTC}")._planner.bounds.stop_lower == stop

    stage.market.put(BTC, 590_000)
    stage.run(6)
    stage.market.put(BTC, 603_000)
    stage.run(3)
    assert not stage.entries(BTC)
    stage.runtime.inject(f"policy.{BTC}", "raise")
    stage.run(5)
    logging.disable(logging.NOTSET)
    assert stage.actor(f"policy.{BTC}").generation == 3
    assert not stage.entries(BTC)
