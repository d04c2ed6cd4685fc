"""What the measurements are made of does what they say it does."""

from __future__ import annotations

import itertools

import pytest

from grinder.bench.engine import Tally, play, world_of
from grinder.bench.figures import percentile, ratios, spread, target
from grinder.bench.memory import resident_bytes
from grinder.bench.quotes import HOME_TICKS, walk
from grinder.bench.replay import DENSE, DENSE_CORRIDOR
from grinder.bench.skeleton import BUY, SELL, Grid, Skeleton, Venue
from grinder.simulation.market import Quote


def quote(bid: int) -> Quote:
    return Quote(at_ms=0, symbol="X", bid_ticks=bid, bid_lots=9, ask_ticks=bid + 1, ask_lots=9)


def test_the_walk_stays_in_its_corridor_and_reaches_both_edges() -> None:
    bids = {one.bid_ticks for one in walk(20_000, 5)}

    assert min(bids) == HOME_TICKS - 5
    assert max(bids) == HOME_TICKS + 5


def test_half_of_the_quotes_move_the_price_by_one_tick() -> None:
    bids = [one.bid_ticks for one in walk(10_000, 75)]
    moves = [abs(after - before) for before, after in itertools.pairwise(bids)]

    assert set(moves) == {0, 1}
    assert 0.45 < sum(moves) / len(moves) < 0.55


def test_the_same_seed_gives_the_same_walk() -> None:
    assert list(walk(100, 10, seed=3)) == list(walk(100, 10, seed=3))
    assert list(walk(100, 10, seed=3)) != list(walk(100, 10, seed=4))


def test_the_unit_quotes_a_ladder_around_the_first_mid() -> None:
    skeleton = Skeleton(Grid(levels=2, step=10, recentre=50))

    skeleton.run([quote(1_000)])

    assert sorted(skeleton.venue.orders.values()) == [
        (SELL, 1_011),
        (SELL, 1_021),
        (BUY, 980),
        (BUY, 990),
    ]


def test_the_unit_answers_a_fill_with_its_counter_order() -> None:
    skeleton = Skeleton(Grid(levels=1, step=10, recentre=50))

    skeleton.run([quote(1_000), quote(989)])

    assert (skeleton.placed, skeleton.cancelled, skeleton.fills) == (3, 0, 1)
    assert sorted(skeleton.venue.orders.values()) == [(SELL, 1_000), (SELL, 1_011)]


def test_the_unit_moves_its_ladder_with_the_price() -> None:
    skeleton = Skeleton(Grid(levels=1, step=10, recentre=5))

    skeleton.run([quote(1_000), quote(1_005)])

    assert (skeleton.placed, skeleton.cancelled, skeleton.fills) == (4, 2, 0)
    assert sorted(skeleton.venue.orders.values()) == [(SELL, 1_016), (BUY, 995)]


def test_the_venue_of_the_unit_fills_only_what_is_crossed() -> None:
    venue = Venue()
    venue.place(1, BUY, 100)
    venue.place(2, BUY, 90)
    venue.place(3, SELL, 110)

    assert venue.quote(104, 105) == []
    assert venue.quote(99, 100) == [(1, BUY, 100)]
    assert venue.cancel(2)
    assert not venue.cancel(1)


def test_the_system_trades_in_the_world_that_is_measured() -> None:
    tally = Tally()
    world = world_of(DENSE, walk(3_000, DENSE_CORRIDOR))
    world.runtime.observe(tally)

    play(world, 3_000)

    assert tally.placed > 20
    assert tally.fills > 0
    assert tally.cancelled > 0
    assert world.exchange.open_orders("sim")


def test_a_spread_has_median_and_edges() -> None:
    assert spread([3.0, 1.0, 2.0]) == {"median": 2.0, "min": 1.0, "max": 3.0}
    assert ratios([1.0, 4.0], [2.0, 2.0]) == {"median": 1.25, "min": 0.5, "max": 2.0}


@pytest.mark.parametrize(("share", "expected"), [(0.0, 1), (0.5, 51), (0.99, 100), (1.0, 100)])
def test_a_percentile_is_one_of_the_samples(share: float, expected: int) -> None:
    assert percentile(range(1, 101), share) == expected


@pytest.mark.parametrize(
    ("value", "at_least", "is_met"), [(2, True, True), (0.5, True, False), (0.5, False, True)]
)
def test_a_target_says_whether_it_is_met(value: float, at_least: bool, is_met: bool) -> None:
    assert target("x", value, 1, at_least=at_least)["is_met"] is is_met


def test_the_process_holds_memory() -> None:
    assert resident_bytes() > 1_000_000
