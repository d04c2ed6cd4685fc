"""The market of the benchmarks: one instrument, and a price that walks.

The price is near 10,000 ticks, so a tick is a basis point. Half of the quotes move it, by one tick
up or down; the spread is one tick. The walk turns at the edges of a corridor, so that inventory
comes home and orders keep filling however long it lasts. What is displayed is far more than any
order of ours: an order that is crossed fills whole.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from decimal import Decimal
from random import Random

import attrs

from grinder.model.instrument import Instrument
from grinder.simulation.market import Quote

SYMBOL = "BENCHUSDT"
HOME_TICKS = 10_000
QUOTE_MS = 1
"""Pause between quotes: a thousand a second of virtual time."""
DISPLAYED_LOTS = 1_000_000
SEED = 11

INSTRUMENT = Instrument(
    symbol=SYMBOL,
    base_asset="BENCH",
    tick=Decimal("0.01"),
    lot=Decimal("0.001"),
    notional_min=Decimal(5),
)


def walk(count: int, corridor: int, seed: int = SEED) -> Iterator[Quote]:
    """Yield ``count`` quotes that stay within ``corridor`` ticks of home.

    The same ``corridor`` and ``seed`` give the same quotes.
    """
    chance = Random(seed).random
    bid = HOME_TICKS
    for number in range(count):
        draw = chance()
        if draw < 0.25:
            bid += 1 if bid < HOME_TICKS + corridor else -1
        elif draw < 0.5:
            bid -= 1 if bid > HOME_TICKS - corridor else -1
        yield Quote(
            at_ms=number * QUOTE_MS,
            symbol=SYMBOL,
            bid_ticks=bid,
            bid_lots=DISPLAYED_LOTS,
            ask_ticks=bid + 1,
            ask_lots=DISPLAYED_LOTS,
        )


def prepared(count: int, corridor: int, times: int = 1) -> list[Quote]:
    """Return the quotes of a measurement, made beforehand and out of the collector's sight.

    They are the same walk ``times`` times in a row, so that a longer course is as busy as a short.
    """
    quotes = [
        attrs.evolve(one, at_ms=one.at_ms + turn * count * QUOTE_MS)
        for turn in range(times)
        for one in walk(count, corridor)
    ]
    gc.collect()
    gc.freeze()
    return quotes
