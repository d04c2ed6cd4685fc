"""Speed with the adaptive policy in charge: beside the unit, over a long run, with more symbols."""

from __future__ import annotations

import gc
import time
from collections.abc import Iterator
from typing import cast

import attrs

from grinder.actors.world import World
from grinder.bench.engine import Tally, play, settings
from grinder.bench.figures import Result, ratios, spread, target
from grinder.bench.quotes import INSTRUMENT, QUOTE_MS, SYMBOL, prepared
from grinder.bench.replay import CALM, CALM_CORRIDOR
from grinder.bench.skeleton import Skeleton
from grinder.model.settings import Config, FeatureSettings, RunSettings
from grinder.simulation.market import MarketEvent, Quote
from grinder.venues.simulated import Latency

OTHERS = 4
"""Symbols beside the first one."""
FOLD = 1 + OTHERS
BAR_MS = 1_000
"""A thousand quotes make a bar, so that most of a run is warm."""


def adaptive(*, is_short: bool) -> Result:
    """Measure quotes a second with every feature on and the adaptive policy deciding."""
    rounds, count = (2, 3_000) if is_short else (5, 100_000)
    short = prepared(count, CALM_CORRIDOR)
    long = prepared(count, CALM_CORRIDOR, times=FOLD)
    many = _many(short)
    unit, ours, tenfold, wide = [], [], [], []
    for _ in range(rounds):
        unit.append(_speed_of_unit(short))
        ours.append(_speed_of_world(short, 1))
        tenfold.append(_speed_of_world(long, 1))
        wide.append(_speed_of_world(many, FOLD))
    share = ratios(ours, unit)
    kept, across = ratios(tenfold, ours), ratios(wide, tenfold)
    return {
        "quotes": [len(short), len(long), len(many)],
        "rounds": rounds,
        "quotes_per_s": spread(ours),
        "unit_quotes_per_s": spread(unit),
        "share_of_unit": share,
        "speed_kept": kept,
        "speed_kept_across_symbols": across,
        "orders": _orders(short),
        "targets": [
            target("share of the unit", share["median"], 0.25, at_least=True),
            target("speed kept on five times the quotes", kept["median"], 0.9, at_least=True),
            target("speed kept on five symbols", across["median"], 0.9, at_least=True),
        ],
    }


def symbols_of(count: int) -> tuple[str, ...]:
    """Return the names of so many symbols, that of every other measurement first."""
    return (SYMBOL, *(f"BENCH{number}USDT" for number in range(1, count)))


def config_of(symbols: tuple[str, ...]) -> Config:
    """Return the settings of the other measurements with the adaptive policy."""
    plain = settings(CALM)
    return attrs.evolve(
        plain,
        run=RunSettings(symbols=symbols),
        features=FeatureSettings(bar_interval_ms=BAR_MS),
        policy=attrs.evolve(plain.policy, name="adaptive"),
    )


def _many(quotes: list[Quote]) -> list[Quote]:
    """Return the same walk for every symbol, side by side."""
    symbols = symbols_of(FOLD)
    side_by_side = [attrs.evolve(one, symbol=symbol) for one in quotes for symbol in symbols]
    gc.collect()
    gc.freeze()
    return side_by_side


def world_with(quotes: list[Quote], symbols: int) -> World:
    """Return a started world that will play ``quotes`` of so many symbols."""
    names = symbols_of(symbols)
    world = World(
        config_of(names),
        {name: attrs.evolve(INSTRUMENT, symbol=name) for name in names},
        cast("Iterator[MarketEvent]", iter(quotes)),
        latency=Latency(order_ms=QUOTE_MS, event_ms=QUOTE_MS),
    )
    world.start()
    return world


def _speed_of_unit(quotes: list[Quote]) -> float:
    skeleton = Skeleton(CALM)
    gc.collect()
    began = time.perf_counter()
    skeleton.run(quotes)
    return len(quotes) / (time.perf_counter() - began)


def _speed_of_world(quotes: list[Quote], symbols: int) -> float:
    world = world_with(quotes, symbols)
    gc.collect()
    began = time.perf_counter()
    play(world, len(quotes) // symbols)
    return len(quotes) / (time.perf_counter() - began)


def _orders(quotes: list[Quote]) -> Result:
    tally = Tally()
    world = world_with(quotes, 1)
    world.runtime.observe(tally)
    play(world, len(quotes))
    return {"placed": tally.placed, "cancelled": tally.cancelled, "fills": tally.fills}
