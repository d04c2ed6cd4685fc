"""The grid as it rests at the venue."""

from __future__ import annotations

from decimal import Decimal

import attrs
import pytest
from hypothesis import given
from hypothesis import settings as limits
from hypothesis import strategies as st

from grinder.actors.world import ACCOUNT, World
from grinder.messages.grid import IntentsDenied
from grinder.messages.orders import CancelOrder, OrderEnded, OrderFilled, OrderRejected, PlaceOrders
from grinder.model.order import Side
from grinder.simulation.orders import Order
from simulated import checks
from simulated.worlds import BITCOIN, BTC, MS, Market, Stage, Walk, ladder, quick

LADDER = ladder(3)
STEP = 300
"""5 bps of 60,000.05 in ticks, rounded down."""


@pytest.fixture
def stage() -> Stage:
    """A ladder that rests around 600,000.5 ticks."""
    return Stage().run(3)


def prices(stage: Stage) -> dict[str, int]:
    return {level: order.price_ticks for level, order in stage.entries(BTC).items()}


def remaining(order: Order) -> int:
    return order.qty_lots - order.filled_lots


def covered(stage: Stage) -> int:
    return sum(remaining(order) for order in stage.exits(BTC).values())


def hit(stage: Stage, level: str, lots: int) -> None:
    """Let somebody trade through one level, past what else waits at its price."""
    order = {**stage.entries(BTC), **stage.exits(BTC)}[level]
    if order.side is Side.BUY:
        stage.sold(order.price_ticks - 1, lots)
    else:
        stage.bought(order.price_ticks + 1, lots)
    stage.run(0.5)


def test_the_ladder_is_symmetrical_and_rounds_away_from_the_market(stage: Stage) -> None:
    assert prices(stage) == {
        "b1": 600_000 - STEP, "b2": 600_000 - 2 * STEP, "b3": 600_000 - 3 * STEP,
        "s1": 600_001 + STEP, "s2": 600_001 + 2 * STEP, "s3": 600_001 + 3 * STEP,
    }  # fmt: skip
    assert {order.qty_lots for order in stage.orders()} == {4}
    assert not any(order.reduce_only for order in stage.orders())


@given(bid=st.integers(2_000, 3_000_000), spread=st.integers(1, 3))
@limits(max_examples=25)
def test_every_ladder_is_symmetrical_about_the_mid(bid: int, spread: int) -> None:
    fine = attrs.evolve(BITCOIN, notional_min=Decimal(5), lot=Decimal("0.0001"))
    wide = quick(BTC, risk={"spread_spike_bps": 100.0})
    market = Market({BTC: bid})
    market.put(BTC, bid, bid + spread)
    found = prices(Stage(wide, instruments=(fine,), market=market).run(2))

    assert set(found) == LADDER
    for number in (1, 2, 3):
        assert found[f"b{number}"] + found[f"s{number}"] == 2 * bid + spread
    assert found["b1"] < bid + spread
    assert found["s1"] > bid


def test_levels_of_a_low_priced_symbol_are_distinct_though_a_tick_is_wider_than_the_spacing() -> (
    None
):
    coarse = attrs.evolve(BITCOIN, tick=Decimal("0.01"), lot=Decimal(1), notional_min=Decimal(5))
    settings = quick(BTC, risk={"spread_spike_bps": 200.0}, policy={"levels": 6})
    stage = Stage(settings, instruments=(coarse,), market=Market({BTC: 100})).run(2)

    found = prices(stage)
    assert set(found) == ladder(6)
    assert len(set(found.values())) == 12


def test_the_ladder_stands_still_while_the_mid_moves_less_than_its_limit(stage: Stage) -> None:
    before = {order.order_id for order in stage.orders()}
    for ticks in (600_100, 599_950, 600_200, 599_800):
        stage.market.put(BTC, ticks)
        stage.run(1)

    assert {order.order_id for order in stage.orders()} == before
    assert not stage.said(CancelOrder)


def test_the_ladder_moves_once_the_mid_has_moved_past_its_limit() -> None:
    stage = Stage(quick(policy={"spacing_bps": 20})).run(3)
    stage.market.put(BTC, 600_590)
    stage.run(1)
    assert not stage.said(CancelOrder)

    stage.market.put(BTC, 600_610)
    stage.run(2)
    found = prices(stage)
    assert set(found) == LADDER
    assert found["b1"] + found["s1"] == 600_610 + 600_611


def test_churn_is_bounded_in_a_market_that_only_trembles() -> None:
    stage = Stage(market=Walk({BTC: 600_000}, 4, step_bps=0.2)).run(120)

    cancels = len(stage.said(CancelOrder, sender="router"))
    assert cancels <= 12 + 4 * len(stage.said(OrderFilled))


def test_the_ladder_stays_where_it_is_while_a_position_is_open(stage: Stage) -> None:
    hit(stage, "b1", 4)
    before = prices(stage)
    exits = {order.order_id for order in stage.exits(BTC).values()}
    for ticks in (599_500, 599_440):
        stage.market.put(BTC, ticks)
        stage.run(1)

    assert prices(stage) == before
    assert {order.order_id for order in stage.exits(BTC).values()} == exits


def test_the_first_recentre_after_flat_is_not_held_back_by_the_old_anchor(stage: Stage) -> None:
    hit(stage, "b1", 4)
    stage.market.put(BTC, 599_670)
    stage.run(1)
    hit(stage, "x0", 4)
    stage.run(1)

    assert stage.held() == 0
    found = prices(stage)
    assert set(found) == LADDER
    assert found["b1"] + found["s1"] == 2 * 599_670 + 1, "less than the limit, more than a step"


def test_while_a_position_is_open_the_other_side_only_reduces(stage: Stage) -> None:
    hit(stage, "b1", 4)

    sells = [order for order in stage.orders() if order.side is Side.SELL]
    assert set(stage.entries(BTC)) == {"b2", "b3"}
    assert sells
    assert all(order.reduce_only for order in sells)


def test_every_part_of_a_partial_fill_is_covered_by_a_reduce_only_exit(stage: Stage) -> None:
    for _ in range(3):
        stage.sold(599_700, 1)
        stage.run(0.5)
        held = stage.held()
        assert covered(stage) == held
    assert all(order.price_ticks >= 600_000 for order in stage.exits(BTC).values())


@pytest.mark.parametrize(("level", "bought"), [("b1", True), ("s1", False)])
def test_an_exit_stands_one_step_beyond_the_entry_on_the_right_side(
    stage: Stage, level: str, bought: bool
) -> None:
    entry = stage.entries(BTC)[level].price_ticks
    hit(stage, level, 4)

    (order,) = stage.exits(BTC).values()
    assert order.side is (Side.SELL if bought else Side.BUY)
    assert abs(order.price_ticks - entry) in range(STEP, STEP + 3)


def test_a_take_profit_is_never_cancelled_before_its_replacement_is_accepted(
    stage: Stage,
) -> None:
    hit(stage, "b1", 4)
    hit(stage, "b2", 4)
    for ticks in (598_000, 599_000, 601_000):
        stage.market.put(BTC, ticks)
        stage.run(2)

    exits = [one for one in stage.said(OrderEnded) if one.reduce_only]
    assert all(one.status == "FILLED" for one in exits)


def test_after_an_exit_the_innermost_level_returns_and_exposure_does_not_grow(
    stage: Stage,
) -> None:
    hit(stage, "b1", 4)
    hit(stage, "b2", 4)
    assert set(stage.entries(BTC)) == {"b3"}
    hit(stage, "x0", 4)
    stage.run(1)

    assert stage.held() == 4
    found = prices(stage)
    assert set(found) == {"b2", "b3"}
    assert found["b2"] == 600_000 - 2 * STEP
    hit(stage, "x1", 4)
    stage.run(1)
    assert set(stage.entries(BTC)) == LADDER


def test_a_partial_exit_leaves_the_rest_covered(stage: Stage) -> None:
    hit(stage, "b1", 4)
    hit(stage, "x0", 1)

    assert stage.held() == 3
    assert covered(stage) == 3


def test_a_position_of_more_parts_than_exit_levels_is_covered_whole() -> None:
    wide = attrs.evolve(BITCOIN, lot=Decimal("0.0001"))
    stage = Stage(instruments=(wide,)).run(3)
    stage.sold(599_700, 1)
    stage.run(0.1)
    for _ in range(40):
        stage.sold(599_400, 1)
        stage.run(0.1)
    stage.run(3)

    assert stage.held() == 41
    assert covered(stage) == 41
    assert len(stage.exits(BTC)) < 41
    merged = [one for one in stage.said(OrderEnded) if one.reduce_only]
    assert merged
    assert not checks.overlaps(stage)


def test_more_exits_never_ask_for_more_than_the_position(stage: Stage) -> None:
    for level in ("b1", "b2", "b3"):
        hit(stage, level, 3)
    stage.run(2)

    refused = {one.code for one in stage.said(OrderRejected)}
    assert not refused & {-2022, -4118}
    assert not [one for one in stage.said(OrderEnded) if one.status == "EXPIRED"]


def cross_below(world: World) -> None:
    """Let the venue's book stand below our picture of it when the first placements arrive."""
    start_ms = world.runtime.now_ns() // MS
    for at_ms in range(start_ms + 101, start_ms + 400):
        quote = (BTC, 599_000, 9, 599_001, 9, at_ms)
        world.runtime.call_at(at_ms * MS, world.exchange.quote, *quote)


def test_a_level_refused_as_post_only_returns_when_the_price_allows() -> None:
    stage = Stage(prepare=cross_below).run(1)
    refused = [one for one in stage.said(OrderRejected) if one.code == -5022]
    assert {one.level for one in refused} == {"b1", "b2", "b3"}

    stage.run(3)
    assert set(stage.entries(BTC)) == LADDER
    assert stage.state == "ACTIVE"
    assert not checks.overlaps(stage)


def test_a_level_that_would_cross_waits_instead_of_being_refused(stage: Stage) -> None:
    hit(stage, "b1", 4)
    hit(stage, "x0", 4)
    stage.market.put(BTC, 600_200)
    stage.run(3)

    assert not stage.said(OrderRejected)


def test_a_position_made_by_hand_gets_an_exit_too(stage: Stage) -> None:
    stage.by_hand(Side.SELL, 7)
    stage.run(1)

    assert stage.held() == -7
    assert covered(stage) == 7


def test_a_worthless_cap_lets_nothing_through(stage: Stage) -> None:
    tight = Stage(quick(risk={"position_notional_max": Decimal(100)})).run(10)

    assert not tight.orders()
    codes = {denial.code for one in tight.said(IntentsDenied) for denial in one.denials}
    assert codes == {"MAX_POSITION_EXCEEDED"}


def worst_case(stage: Stage) -> Decimal:
    """Return the worth of the worst position that the resting orders can lead to."""
    held = stage.held()
    pending = dict.fromkeys(Side, 0)
    for order in stage.entries(BTC).values():
        pending[order.side] += remaining(order)
    lots = max(abs(held + pending[Side.BUY]), abs(held - pending[Side.SELL]))
    return BITCOIN.notional(stage.market.quotes[BTC][0], lots)


@given(
    seed=st.integers(0, 10_000),
    step_bps=st.floats(0.5, 6),
    cap=st.integers(300, 1_200),
    order=st.none() | st.integers(0, 50),
)
@limits(max_examples=20)
def test_the_cap_with_everything_pending_counted_is_never_exceeded(
    seed: int, step_bps: float, cap: int, order: int | None
) -> None:
    settings = quick(risk={"position_notional_max": Decimal(cap), "toxicity_high_bps": 5_000.0})
    market = Walk({BTC: 600_000}, seed, step_bps=step_bps)
    stage = Stage(settings, market=market, seed=order)
    for _ in range(150):
        stage.run(0.1)
        # The price may rise after the approval; that alone is not an approval beyond the cap.
        assert worst_case(stage) <= cap * Decimal("1.05")
        assert not stage.doubles()


@given(seed=st.integers(0, 10_000), step_bps=st.floats(0.5, 5), order=st.none() | st.integers(0, 9))
@limits(max_examples=20)
def test_on_any_path_the_position_is_covered_and_no_exit_flips_it(
    seed: int, step_bps: float, order: int | None
) -> None:
    market = Walk({BTC: 600_000}, seed, step_bps=step_bps)
    stage = Stage(market=market, seed=order).run(20)
    market.stand()
    stage.run(15)

    checks.assert_all_well(stage)
    assert not flips(stage)


def flips(stage: Stage) -> list[int]:
    """Return trades that took the position through zero."""
    held, found = 0, []
    for trade in stage.exchange.trades(ACCOUNT, BTC, from_id=1, limit=checks.ALL):
        after = held + trade.side.sign * trade.qty_lots
        if held * after < 0:
            found.append(trade.trade_id)
        held = after
    return found


def test_every_order_and_cancel_carries_its_reason(stage: Stage) -> None:
    hit(stage, "b1", 4)
    stage.market.put(BTC, 598_000, 602_000)
    stage.run(1)

    placed = [order for one in stage.said(PlaceOrders) for order in one.orders]
    assert placed
    assert all(one.reason for one in placed)
    assert all(one.reason for one in stage.said(CancelOrder))
    assert all(one.level for one in placed)
