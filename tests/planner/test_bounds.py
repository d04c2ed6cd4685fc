"""What begins a grid and what ends it."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from grinder.planner.bounds import price_of
from grinder.planner.grid import facts, recall, resume
from policy.stub import BID, Venue


@pytest.mark.parametrize(
    ("text", "price"),
    [("58000", "58000"), ("58000.5", "58000.5"), ("-5%", "57000"), ("+0.5%", "60300")],
)
def test_a_price_is_itself_or_a_distance_from_the_mid(text: str, price: str) -> None:
    assert price_of(text, Decimal(60_000)) == Decimal(price)


@pytest.mark.parametrize("text", ["", "x", "-58000", "0", "-100%", "1e5", "5 %", "NaN"])
def test_anything_else_is_no_price(text: str) -> None:
    with pytest.raises(ValueError, match="expected a price"):
        price_of(text, Decimal(60_000))


def test_nothing_is_placed_before_the_start_price_is_reached_and_then_it_goes_on() -> None:
    venue = Venue(levels=2, start_price="59900")
    assert venue.turn() == ()
    assert venue.planner.is_quiet(2 * 599_500)
    assert not venue.planner.is_quiet(2 * 599_000)

    venue.move(598_999)
    venue.rest()
    assert len(venue.entries()) == 4
    venue.move(605_000)
    venue.rest()
    assert venue.planner.bounds is not None
    assert venue.planner.bounds.is_started


@pytest.mark.parametrize(
    ("setting", "text", "to", "reason"),
    [
        ("stop_lower", "-1%", 593_000, "STOP_LOWER"),
        ("stop_upper", "60600", 607_000, "STOP_UPPER"),
    ],
)
def test_beyond_a_stop_entries_go_and_the_position_is_closed_by_exits_that_reduce(
    setting: str, text: str, to: int, reason: str
) -> None:
    settings: dict[str, Any] = {setting: text}
    venue = Venue(levels=3, **settings)
    venue.rest()
    venue.move(BID - 350 if to < BID else BID + 350)
    venue.rest()
    assert venue.planner.position_lots

    venue.bid, venue.ask = to, to + 1
    assert not venue.planner.is_quiet(2 * to + 1)
    for _ in range(40):
        venue.turn()
    assert venue.entries() == {}
    ((price, lots),) = venue.exits().values()
    assert price == (to + 1 if to < BID else to)
    assert lots == abs(venue.planner.position_lots)
    assert reason in {one.reason for one in venue.sent}
    assert [one.reduce_only for one in venue.sent if not one.client_order_id][-1]


def test_a_stop_holds_after_the_price_has_come_back_until_somebody_resumes() -> None:
    venue = Venue(levels=2, stop_lower="-1%")
    venue.rest()
    venue.bid, venue.ask = 590_000, 590_001
    venue.rest()
    venue.bid, venue.ask = BID, BID + 1
    venue.rest()
    assert venue.entries() == {}

    assert venue.planner.bounds is not None
    assert resume(venue.planner)
    venue.planner.is_dirty = True
    venue.rest()
    assert len(venue.entries()) == 4


def test_a_profit_or_loss_of_the_whole_grid_ends_it() -> None:
    for net, reason in ((Decimal(25), "TAKE_PROFIT"), (Decimal(-12), "STOP_LOSS")):
        venue = Venue(levels=2, take_profit=Decimal(25), stop_loss=Decimal(12))
        venue.rest()
        assert venue.planner.note_profit(net)
        venue.rest()

        assert venue.planner.bounds is not None
        assert venue.planner.bounds.stopped == reason
        assert venue.entries() == {}


def test_what_is_open_counts_at_the_mid() -> None:
    venue = Venue(levels=2, stop_loss=Decimal(3))
    venue.rest()
    venue.move(BID - 301)
    venue.rest()
    held = venue.planner.position_lots
    assert held == 41

    # 0.0041 x 500 is 2.05, x 1,000 is 4.10.
    for away, is_over in ((5_000, False), (10_000, True)):
        venue.bid, venue.ask = BID - 300 - away, BID - 299 - away
        assert not venue.planner.is_quiet(venue.bid + venue.ask)
        venue.turn()
        assert venue.planner.bounds is not None
        assert bool(venue.planner.bounds.stopped) is is_over


def test_stops_move_along_with_trailing_lines() -> None:
    venue = Venue(
        lines=11, price_lower="59000", price_upper="61000", trailing="up", direction="long",
        stop_lower="58900",
    )  # fmt: skip
    venue.rest()
    venue.move(614_500)
    venue.rest()

    assert venue.planner.bounds is not None
    assert venue.planner.bounds.stop_lower == Decimal(59_300)


def test_without_bounds_none_are_looked_at() -> None:
    assert Venue(levels=2).planner.bounds is None


def test_the_next_generation_counts_what_this_one_has_earned() -> None:
    venue = Venue(levels=2, take_profit=Decimal(300), stop_loss=Decimal(50))
    venue.planner.note_profit(Decimal(310))
    venue.rest()
    assert resume(venue.planner)
    venue.rest()

    for earned, reason in ((-49, ""), (-50, "STOP_LOSS")):
        venue.planner.note_profit(Decimal(310 + earned))
        venue.turn()
        heir = Venue(levels=2, take_profit=Decimal(300), stop_loss=Decimal(50))
        recall(heir.planner, facts(venue.planner))
        heir.turn()
        assert heir.planner.bounds is not None
        assert heir.planner.bounds.stopped == reason


@pytest.mark.parametrize(
    "settings",
    [
        {"lines": 11, "price_lower": "-5%", "price_upper": "5%"},
        {"levels": 99, "spacing_bps": 20, "price_lower": "-5%", "price_upper": "5%"},
    ],
)
def test_a_grid_that_is_resumed_lies_around_the_mid_of_then_and_so_does_its_heir(
    settings: dict[str, Any],
) -> None:
    venue = Venue(stop_lower="-8%", **settings)
    venue.rest()
    venue.bid, venue.ask = 540_000, 540_001
    venue.rest()
    assert resume(venue.planner)
    assert not resume(venue.planner)
    venue.rest()

    prices = sorted(venue.entries().values())
    assert 513_000 <= prices[0] < 515_000
    assert 565_000 < prices[-1] <= 567_001
    heir = Venue(stop_lower="-8%", **settings)
    recall(heir.planner, facts(venue.planner))
    heir.bid, heir.ask = venue.bid, venue.ask
    heir.rest()
    assert sorted(heir.entries().values()) == prices


def test_a_stop_of_an_earlier_process_holds_even_where_its_setting_is_gone() -> None:
    venue = Venue(levels=3)
    recall(venue.planner, {"stopped": "STOP_LOSS"})
    venue.rest()
    assert venue.entries() == {}
    assert not venue.planner.is_quiet(2 * BID + 1_000), "nothing rests on the fast path"

    assert resume(venue.planner)
    venue.rest()
    assert len(venue.entries()) == 6
