"""Speed of the stepped runtime: the whole system beside the reference unit, on the same quotes."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable

from grinder.bench.engine import Tally, play, world_of
from grinder.bench.figures import Result, ratios, spread, target
from grinder.bench.quotes import prepared
from grinder.bench.skeleton import Grid, Skeleton
from grinder.simulation.market import Quote

CALM = Grid(step=10, recentre=50)
DENSE = Grid(step=2, recentre=10)
TENFOLD = 10
CALM_CORRIDOR = 75
"""Ticks: seven and a half steps of the ladder to each side of home, in the dense walk too."""
DENSE_CORRIDOR = 15


def replay(*, is_short: bool) -> Result:
    """Measure quotes a second through every actor to the simulated venue, against the unit."""
    rounds, count = (2, 2_000) if is_short else (7, 100_000)
    quotes = prepared(count, CALM_CORRIDOR)
    ours, unit = [], []
    for _ in range(rounds):
        unit.append(_speed_of_unit(CALM, quotes))
        ours.append(_speed_of_world(CALM, quotes))
    share = ratios(ours, unit)
    return {
        "quotes": count,
        "rounds": rounds,
        "quotes_per_s": spread(ours),
        "unit_quotes_per_s": spread(unit),
        "share_of_unit": share,
        "orders": _orders(CALM, quotes),
        "targets": [target("share of the unit", share["median"], 0.25, at_least=True)],
    }


def busy(*, is_short: bool) -> Result:
    """Measure the same with dense orders, on few quotes and on those ten times in a row."""
    rounds, count = (2, 500) if is_short else (5, 50_000)
    quotes = prepared(count, DENSE_CORRIDOR, times=TENFOLD)
    few = quotes[:count]
    unit, short, long = [], [], []
    for _ in range(rounds):
        unit.append(_speed_of_unit(DENSE, few))
        short.append(_speed_of_world(DENSE, few))
        long.append(_speed_of_world(DENSE, quotes))
    kept = ratios(long, short)
    return {
        "quotes": [count, len(quotes)],
        "rounds": rounds,
        "quotes_per_s": spread(short),
        "quotes_per_s_tenfold": spread(long),
        "unit_quotes_per_s": spread(unit),
        "share_of_unit": ratios(short, unit),
        "speed_kept": kept,
        "orders": _orders(DENSE, few),
        "orders_tenfold": _orders(DENSE, quotes),
        "targets": [
            target("speed kept on ten times the quotes", kept["median"], 0.85, at_least=True)
        ],
    }


def _speed_of_unit(grid: Grid, quotes: list[Quote]) -> float:
    skeleton = Skeleton(grid)
    return len(quotes) / _seconds(lambda: skeleton.run(quotes))


def _speed_of_world(grid: Grid, quotes: list[Quote]) -> float:
    world = world_of(grid, iter(quotes))
    return len(quotes) / _seconds(lambda: play(world, len(quotes)))


def _seconds(function: Callable[[], None]) -> float:
    gc.collect()
    began = time.perf_counter()
    function()
    return time.perf_counter() - began


def _orders(grid: Grid, quotes: list[Quote]) -> Result:
    """Count orders on both sides, apart from the measured rounds: nobody watches those."""
    skeleton = Skeleton(grid)
    skeleton.run(quotes)
    tally = Tally()
    world = world_of(grid, iter(quotes))
    world.runtime.observe(tally)
    play(world, len(quotes))
    return {
        "ours": {"placed": tally.placed, "cancelled": tally.cancelled, "fills": tally.fills},
        "unit": {
            "placed": skeleton.placed,
            "cancelled": skeleton.cancelled,
            "fills": skeleton.fills,
        },
    }
