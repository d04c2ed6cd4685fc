"""Exits: every lot that is held has one, and keeps it."""

from __future__ import annotations

from decimal import Decimal

import attrs
import pytest

from grinder.model.order import Side
from grinder.planner.exits import SLOTS
from policy.stub import BID, FINE, MS, Venue

STEP = 300


def filled(venue: Venue, level: str, lots: int = 0) -> None:
    """Let the market come to one level and take it."""
    (one,) = [one for one in venue.orders() if one.level == level]
    venue.bid = one.price_ticks - (1 if one.side is Side.BUY else 0)
    venue.ask = venue.bid + 1
    venue.fill(one, lots or one.remaining_lots)


def prices(venue: Venue) -> list[int]:
    return sorted(price for price, _ in venue.exits().values())


def test_each_fill_has_its_own_exit_one_step_beyond_its_own_price() -> None:
    venue = Venue(exits="per-level", levels=3)
    venue.rest()
    for level in ("b1", "b2", "b3"):
        filled(venue, level)
    venue.rest()

    assert prices(venue) == [BID - 2 * STEP, BID - STEP, BID]
    assert {lots for _, lots in venue.exits().values()} == {41}
    assert len([one for one in venue.sent if one.reduce_only]) == 3


def test_exits_of_sells_stand_one_step_below() -> None:
    venue = Venue(exits="per-level", levels=2)
    venue.rest()
    filled(venue, "s1")
    filled(venue, "s2")
    venue.rest()

    assert prices(venue) == [BID + 1, BID + 1 + STEP]


def test_parts_of_one_fill_heard_together_share_an_exit() -> None:
    venue = Venue(exits="per-level", levels=2)
    venue.rest()
    filled(venue, "b1", 10)
    filled(venue, "b1", 5)
    venue.rest()

    assert [lots for _, lots in venue.exits().values()] == [15]


def test_what_was_there_before_anything_was_heard_leaves_at_the_average() -> None:
    venue = Venue(exits="per-level", levels=2)
    venue.planner.position_lots, venue.planner.entry_price = 82, venue.instrument.price(BID - 450)
    venue.bid, venue.ask = BID - 1_000, BID - 999
    venue.rest()

    assert list(venue.exits().values()) == [(BID - 150, 82)]


@pytest.mark.parametrize("lots", [82, -82])
def test_what_the_first_snapshot_shows_leaves_at_the_average_too(lots: int) -> None:
    venue = Venue(exits="per-level", levels=2)
    venue.planner.is_synced = False
    venue.planner.hold(lots, venue.instrument.price(BID), venue.now_ns)
    venue.planner.is_synced = True
    venue.bid = BID - 50 if lots > 0 else BID + 50
    venue.ask = venue.bid + 1
    venue.rest()

    assert list(venue.exits().values()) == [(BID + (STEP if lots > 0 else -STEP), 82)]


@pytest.mark.parametrize("most", [100, 5])
def test_no_exit_is_larger_than_the_venue_takes(most: int) -> None:
    venue = Venue(attrs.evolve(FINE, qty_lots_max=most), levels=2)
    venue.planner.hold(250, venue.instrument.price(BID), venue.now_ns)
    venue.rest()

    sizes = [lots for _, lots in venue.exits().values()]
    assert max(sizes) == most
    assert sum(sizes) == min(250, most * len(SLOTS))


@pytest.mark.parametrize("sign", [1, -1])
def test_where_exits_belonged_is_forgotten_with_the_position(sign: int) -> None:
    venue = Venue(exits="per-level", levels=2)
    venue.rest()
    price = venue.instrument.price
    venue.planner.hold(82 * sign, price(BID - 300 * sign), venue.now_ns)
    venue.planner.hold(0, Decimal(0), venue.now_ns)
    venue.planner.hold(-41 * sign, price(BID + 600 * sign), venue.now_ns)
    venue.bid = BID + 600 * sign
    venue.ask = venue.bid + 1
    venue.rest()
    ((name, _),) = [(one.client_order_id, one) for one in venue.orders() if one.reduce_only]
    venue.planner.holdings.remove(name)
    venue.planner.is_dirty = True
    venue.rest()

    # Five bps of 60,060 and of 59,940 are a little more and a little less than 300 ticks.
    assert prices(venue) == [BID + 299 if sign > 0 else BID - 300]


def test_a_refused_exit_is_tried_again_at_its_own_place() -> None:
    venue = Venue(exits="per-level", levels=3)
    venue.rest()
    venue.refuses_exits = True
    for level in ("b1", "b2"):
        filled(venue, level)
        venue.turn()
    assert not venue.exits()
    venue.refuses_exits = False
    venue.now_ns += 1_000 * MS
    venue.planner.is_dirty = True
    venue.rest()

    assert prices(venue) == [BID - STEP, BID]


def test_an_exit_is_not_touched_while_it_has_no_limit_of_age() -> None:
    venue = Venue(levels=2)
    venue.rest()
    filled(venue, "b1")
    venue.rest()
    venue.now_ns += 10**15

    assert not venue.planner.exits.has_due(venue.now_ns)
    assert venue.turn() == ()


@pytest.mark.parametrize("refuses", [True, False])
def test_a_renewed_exit_is_placed_first_unless_the_venue_refuses_two(refuses: bool) -> None:
    venue = Venue(levels=2, exit_ttl_ms=60_000)
    venue.refuses_surplus = refuses
    venue.rest()
    filled(venue, "b1")
    venue.rest()
    (before,) = [one.client_order_id for one in venue.orders() if one.reduce_only]
    venue.now_ns += 60_001 * MS
    assert venue.planner.exits.has_due(venue.now_ns)

    gaps = 0
    for _ in range(40):
        venue.turn()
        gaps += venue.uncovered > 0

    (after,) = [one.client_order_id for one in venue.orders() if one.reduce_only]
    assert after != before
    assert venue.uncovered == 0
    assert gaps == (1 if refuses else 0)
    assert [one.reason for one in venue.sent if one.client_order_id] == ["GRID_TRIM"] * 2 + [
        "TP_RENEW"
    ]


def test_of_several_old_exits_one_stays_while_the_others_are_renewed() -> None:
    venue = Venue(levels=4, exit_ttl_ms=60_000, exits="per-level")
    venue.rest()
    for level in ("b1", "b2", "b3"):
        filled(venue, level)
    venue.rest()
    before, names = venue.exits(), {one.client_order_id for one in venue.orders()}
    venue.now_ns += 60_001 * MS
    least = venue.uncovered
    for _ in range(60):
        venue.turn()
        assert venue.exits()
        least = max(least, venue.uncovered)

    assert sorted(venue.exits().values()) == sorted(before.values()), "each at its own price"
    assert not names & {one.client_order_id for one in venue.orders() if one.reduce_only}
    assert least < venue.planner.position_lots


def test_a_renewed_exit_stands_where_it_would_be_placed_now() -> None:
    venue = Venue(levels=4, exit_ttl_ms=60_000)
    venue.rest()
    for level in ("b1", "b2"):
        filled(venue, level)
        venue.rest()
    assert len(set(prices(venue))) == 2
    venue.now_ns += 60_001 * MS
    for _ in range(60):
        venue.turn()

    average = (BID - STEP + BID - 2 * STEP) // 2
    assert all(abs(price - average - STEP) <= 1 for price in prices(venue))


def test_attempts_are_bounded_while_the_venue_refuses_every_exit() -> None:
    venue = Venue(levels=2)
    venue.rest()
    filled(venue, "b1")
    venue.refuses_exits = True
    for _ in range(100):
        venue.turn()

    tries = [one for one in venue.sent if one.reduce_only]
    assert 9 <= len(tries) <= 11, "about one in each second of ten"


def test_the_other_side_stays_if_it_is_to_be_kept_and_orders_are_as_many_as_before() -> None:
    venue = Venue(levels=4, opposite="keep")
    venue.rest()
    for number in (1, 2, 3):
        filled(venue, f"b{number}")
        venue.rest()
        assert len(venue.orders()) == 8
    assert set(venue.entries(Side.SELL)) == {"s1", "s2", "s3", "s4"}


def test_with_takeover_exits_in_parts_take_the_places_of_the_outermost_levels() -> None:
    venue = Venue(levels=4, opposite="keep", slot_takeover=True)
    venue.rest()
    filled(venue, "b1")
    venue.rest()
    for number in (1, 2):
        # Somebody adds to the position by hand: one exit more, and no level fewer.
        venue.planner.position_lots += 1
        venue.planner.is_dirty = True
        assert [one.reason for one in venue.turn()] == ["GRID_TRIM", "TP_CLOSE"][number - 1 :]
        venue.planner.is_dirty = True
        venue.rest()
        assert len(venue.orders()) == 8

    assert set(venue.entries(Side.SELL)) == {"s1", "s2", "s3"}
    assert [one.reason for one in venue.sent][-1] == "TP_SLOT_TAKEOVER"
