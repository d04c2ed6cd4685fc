"""A planner that follows plans: what rests becomes what is wanted, and nothing else is done."""

from __future__ import annotations

from decimal import Decimal
from itertools import pairwise

import attrs
import pytest
from hypothesis import given
from hypothesis import settings as limits
from hypothesis import strategies as st

from grinder.model.grid import GridMode, GridPlan, ResetAction
from grinder.model.order import Side
from policy.stub import BID, FINE, Venue, plan_of

TWICE_MID = 2 * BID + 1


def test_each_side_has_its_own_levels_and_each_level_its_own_size() -> None:
    venue = Venue()
    sizes = (Decimal("0.004"), Decimal("0.006"), Decimal("0.009"))
    venue.follow(plan_of(levels_up=2, levels_down=4, size_schedule=sizes))
    venue.rest()

    assert venue.entries(Side.BUY) == {"b1": 599_400, "b2": 598_800, "b3": 598_200, "b4": 597_600}
    assert venue.entries(Side.SELL) == {"s1": 600_601, "s2": 601_201}
    lots = {one.level: one.qty_lots for one in venue.orders()}
    assert lots == {"b1": 40, "b2": 60, "b3": 90, "b4": 90, "s1": 40, "s2": 60}


def test_a_skew_moves_the_centre() -> None:
    venue = Venue()
    venue.follow(plan_of(skew_bps=-5.0))
    venue.rest()

    assert venue.planner.anchor_ticks2 == TWICE_MID - 600


def test_geometric_levels_keep_their_ratio() -> None:
    venue = Venue(spacing_kind="geometric")
    venue.follow(plan_of(spacing_bps=100, levels_up=5, levels_down=5))
    venue.rest()

    sells = sorted(venue.entries(Side.SELL).values())
    ratios = [after / before for before, after in pairwise(sells)]
    assert all(abs(ratio - 1.01) < 1e-5 for ratio in ratios)
    buys = sorted(venue.entries(Side.BUY).values())
    assert all(abs(b / a - 1.01) < 1e-5 for a, b in pairwise(buys))


@pytest.mark.parametrize(
    ("mode", "side"), [(GridMode.UNI_LONG, Side.BUY), (GridMode.UNI_SHORT, Side.SELL)]
)
def test_a_one_sided_plan_rests_on_one_side(mode: GridMode, side: Side) -> None:
    venue = Venue()
    venue.follow(plan_of(mode=mode))
    venue.rest()

    assert {one.side for one in venue.orders()} == {side}


@pytest.mark.parametrize("is_left", [True, False])
def test_a_pause_leaves_what_rests_or_takes_it_off_by_its_reset(is_left: bool) -> None:
    venue = Venue()
    venue.follow(plan_of())
    venue.rest()
    before = venue.names()
    reset = ResetAction.NONE if is_left else ResetAction.HARD
    pause = {"levels_up": 0, "levels_down": 0, "size_schedule": (), "reset_action": reset}

    venue.follow(plan_of(mode=GridMode.PAUSE, reason_codes=("TOXIC_FLOW",), **pause))
    venue.rest()

    assert venue.names() == (before if is_left else set())
    if not is_left:
        assert {one.reason for one in venue.sent[-6:]} == {"TOXIC_FLOW"}


def test_nothing_is_placed_during_a_pause_though_levels_are_missing() -> None:
    venue = Venue()
    venue.follow(plan_of())
    venue.rest()
    venue.follow(plan_of(mode=GridMode.PAUSE, levels_up=0, levels_down=0, size_schedule=()))
    venue.planner.holdings.remove(next(iter(venue.names())))
    venue.planner.is_dirty = True

    assert venue.turn() == ()


def test_an_emergency_takes_entries_off_and_offers_what_is_held_at_the_touch() -> None:
    venue = Venue()
    venue.follow(plan_of())
    venue.rest()
    venue.move(599_399)
    venue.rest()
    held = venue.planner.position_lots
    assert held == 40

    venue.follow(plan_of(mode=GridMode.EMERGENCY, reason_codes=("DD_LIMIT",)))
    for _ in range(40):
        venue.turn()
        assert venue.uncovered in (0, held)

    assert venue.entries() == {}
    assert [price for price, _ in venue.exits().values()] == [venue.bid + 1]
    for step in range(1, 20):
        venue.bid, venue.ask = 599_399 - 200 * step, 599_400 - 200 * step
        venue.planner.is_dirty = True
        for _ in range(25):
            venue.turn()
        assert [price for price, _ in venue.exits().values()] == [venue.bid + 1]


def test_levels_come_and_go_without_a_reset_and_the_others_stay() -> None:
    venue = Venue()
    venue.follow(plan_of())
    venue.rest()
    before = venue.names()

    venue.follow(plan_of(levels_up=5, levels_down=2))
    venue.rest()

    assert len(before & venue.names()) == 5
    assert set(venue.entries()) == {"b1", "b2", "s1", "s2", "s3", "s4", "s5"}


def test_without_a_reset_neither_step_nor_size_nor_a_small_drift_moves_what_rests() -> None:
    venue = Venue()
    venue.follow(plan_of())
    venue.rest()
    before = venue.names()
    near = Decimal(60_000)

    venue.follow(plan_of(spacing_bps=14, size_schedule=(Decimal("0.009"),), center_price=near))
    venue.rest()

    assert venue.names() == before


def test_a_drift_of_the_centre_past_the_limit_of_the_settings_moves_the_ladder() -> None:
    venue = Venue()
    venue.follow(plan_of())
    venue.rest()

    assert venue.follow(plan_of(center_price=Decimal("60090.05")))
    venue.rest()

    assert venue.planner.anchor_ticks2 == TWICE_MID + 1_800


def test_a_soft_reset_replaces_only_what_does_not_fit() -> None:
    venue = Venue()
    venue.follow(plan_of(levels_up=6, levels_down=6))
    venue.rest()
    before = venue.names()

    # One whole step up: five of six levels of each side stand where they are wanted again.
    plan = plan_of(
        levels_up=6, levels_down=6, center_price=Decimal("60060.05"), reset_action=ResetAction.SOFT
    )
    venue.follow(plan)
    venue.bid, venue.ask = BID + 600, BID + 601
    venue.rest()

    assert len(before & venue.names()) == 10
    cancelled = [one for one in venue.sent if one.reason in {"GRID_SHIFT", "GRID_TRIM"}]
    assert len(cancelled) == 2


def test_an_order_within_its_tolerance_stays() -> None:
    venue = Venue(price_epsilon=0.25)
    venue.follow(plan_of())
    venue.rest()
    before = venue.names()

    nearly = plan_of(center_price=Decimal("60014.05"), reset_action=ResetAction.SOFT)
    venue.follow(nearly)
    venue.rest()
    assert venue.names() == before

    venue.follow(attrs.evolve(nearly, center_price=Decimal("60016.05")))
    venue.rest()
    assert not venue.names() & before


def test_a_size_within_its_tolerance_stays_and_another_one_is_replaced() -> None:
    venue = Venue(qty_epsilon_pct=10.0)
    venue.follow(plan_of())
    venue.rest()
    before = venue.names()

    def sized(size: str) -> GridPlan:
        return plan_of(size_schedule=(Decimal(size),), reset_action=ResetAction.SOFT)

    venue.follow(sized("0.0043"))
    venue.rest()
    assert venue.names() == before
    venue.follow(sized("0.0050"))
    venue.rest()
    assert not venue.names() & before
    assert {one.reason for one in venue.sent if one.client_order_id} == {"GRID_RESIZE"}
    assert {one.qty_lots for one in venue.orders()} == {50}


def test_a_hard_reset_takes_every_entry_off_even_one_that_would_fit() -> None:
    venue = Venue()
    venue.follow(plan_of())
    venue.rest()
    before = venue.names()

    venue.follow(plan_of(levels_up=4, reset_action=ResetAction.HARD))
    venue.rest()

    assert not venue.names() & before
    assert len(venue.names()) == 7
    assert {one.reason for one in venue.sent if one.client_order_id} == {"GRID_RESET"}


def test_with_a_position_open_no_reset_moves_the_ladder_and_it_follows_once_flat() -> None:
    venue = Venue()
    venue.follow(plan_of())
    venue.rest()
    venue.move(599_399)
    venue.rest()
    before, exits = venue.names(), venue.exits()

    lower = plan_of(center_price=Decimal(59_900), reset_action=ResetAction.HARD)
    venue.follow(lower)
    venue.rest()
    assert venue.names() == before
    assert venue.exits() == exits

    ((price, _),) = exits.values()
    venue.move(price)
    venue.rest()
    assert venue.planner.position_lots == 0
    assert venue.planner.anchor_ticks2 == 2 * 599_000


def test_levels_that_the_venue_would_not_take_are_left_out() -> None:
    banded = attrs.evolve(
        FINE, is_banded=True, multiplier_up=Decimal("1.01"), multiplier_down=Decimal("0.99")
    )
    venue = Venue(banded)
    sizes = (Decimal("0.00005"), Decimal("0.004"))
    venue.follow(plan_of(spacing_bps=30, levels_up=9, levels_down=9, size_schedule=sizes))
    venue.rest()

    assert set(venue.entries()) == {"b1", "b2", "s1", "s2"}, (
        "two of three within 1 %, one too small"
    )


@pytest.mark.parametrize("kind", ["arithmetic", "geometric"])
def test_levels_closer_than_a_tick_are_spread_by_ticks(kind: str) -> None:
    coarse = attrs.evolve(FINE, tick=Decimal(100), lot=Decimal("0.001"))
    venue = Venue(coarse, spacing_kind=kind)
    venue.bid, venue.ask = 600, 601
    venue.follow(plan_of(center_price=Decimal(60_050), spacing_bps=1))
    venue.rest()

    prices = sorted(venue.entries().values())
    assert len(set(prices)) == 6
    assert prices[2] <= 600 < 601 <= prices[3]


def test_back_to_the_settings_the_ladder_is_theirs_again() -> None:
    venue = Venue(levels=2, spacing_bps=5)
    venue.rest()
    before = venue.entries()
    venue.follow(plan_of(spacing_bps=20, reset_action=ResetAction.SOFT))
    venue.rest()
    assert venue.entries() != before

    venue.follow(None)
    venue.rest()
    assert venue.entries() == before


def test_the_same_plan_is_no_news() -> None:
    venue = Venue()
    plan = plan_of()

    assert venue.follow(plan)
    venue.rest()
    assert not venue.follow(plan)
    assert not venue.follow(plan_of(reason_codes=("OTHER_WORDS",)))
    assert venue.planner.is_quiet(TWICE_MID + 500)


plans = st.builds(
    plan_of,
    mode=st.sampled_from([GridMode.BILATERAL, GridMode.UNI_LONG, GridMode.UNI_SHORT,
                          GridMode.THROTTLE, GridMode.EMERGENCY]),
    center_price=st.integers(59_700, 60_300).map(Decimal),
    spacing_bps=st.floats(0.01, 40),
    levels_up=st.integers(0, 9),
    levels_down=st.integers(1, 9),
    size_schedule=st.lists(st.integers(1, 30), min_size=1, max_size=4).map(
        lambda sizes: tuple(Decimal(size) / 1000 for size in sizes)
    ),
    skew_bps=st.floats(-20, 20),
    reset_action=st.sampled_from(list(ResetAction)),
)  # fmt: skip
actions = st.one_of(
    st.tuples(st.just("follow"), plans),
    st.tuples(st.just("move"), st.integers(-900, 900)),
    st.tuples(st.just("fill"), st.integers(0, 99)),
    st.tuples(st.just("turn"), st.just(0)),
    st.tuples(st.just("plain"), st.just(0)),
)


def play(venue: Venue, action: str, value: object) -> None:
    if action == "follow":
        assert isinstance(value, GridPlan)
        venue.follow(value)
    elif action == "plain":
        venue.follow(None)
    elif action == "move":
        assert isinstance(value, int)
        venue.move(venue.bid + value)
    elif action == "fill" and venue.orders():
        assert isinstance(value, int)
        one = venue.orders()[value % len(venue.orders())]
        held = venue.planner.position_lots
        if one.reduce_only or held * one.side.sign >= 0:
            venue.fill(one, max(1, one.remaining_lots // 2))
    venue.turn()


@given(
    steps=st.lists(actions, max_size=25),
    exits=st.sampled_from(["average", "per-level"]),
    freeze=st.booleans(),
    kind=st.sampled_from(["arithmetic", "geometric"]),
)
@limits(max_examples=150)
def test_any_sequence_of_plans_converges_with_everything_covered(
    steps: list[tuple[str, object]], exits: str, freeze: bool, kind: str
) -> None:
    venue = Venue(exits=exits, freeze_in_position=freeze, spacing_kind=kind, levels=3)
    for action, value in steps:
        play(venue, action, value)
    venue.now_ns += 10**10
    venue.rest(60)

    planner = venue.planner
    assert venue.uncovered == 0
    if planner.shape.why_off:
        return
    wanted = planner._wanted()
    due = {
        level: one.price_ticks
        for level, one in wanted.items()
        if (one.price_ticks < venue.ask if one.side is Side.BUY else one.price_ticks > venue.bid)
    }
    resting = venue.entries()
    assert due.items() <= resting.items() <= {n: i.price_ticks for n, i in wanted.items()}.items()
    if planner.position_lots:
        assert {Side.BUY if planner.position_lots > 0 else Side.SELL} >= {
            one.side for one in venue.orders() if not one.reduce_only
        }
