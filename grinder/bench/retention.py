"""Growth of the venue while orders come and go: the core alone, and through REST.

What the venue keeps of the past is bounded by count: closed orders, fills, incomes, lines of the
order log, public trades. Measured is what grows once those tables are full, so anything kept for
each order, even a number in a set, would show.
"""

from __future__ import annotations

import asyncio
from itertools import pairwise

from grinder.bench.figures import Result, target
from grinder.bench.memory import resident_bytes
from grinder.bench.orderflow import OrderFlow
from grinder.bench.rest_load import SYMBOLS, TAKE_EVERY, RestLoad
from grinder.bench.venue_child import VenueChild
from grinder.venues.sim.config import BUNDLED

CORE_BOUND = 5.0
REST_BOUND = 50.0
"""Bytes; the smallest thing that could be kept of an order is larger."""

MARKET_SPEED = 10.0
"""The market fills tables too, and has less time for it than orders have."""


def retention(*, is_short: bool) -> Result:
    """Measure resident memory with full tables, halfway, and at the end."""
    count = 1_000 if is_short else 1_000_000
    rest_count = 50 if is_short else 24_000
    core = _core(count)
    with VenueChild(SYMBOLS, (BUNDLED,), speed=MARKET_SPEED) as venue:
        rest = asyncio.run(_rest(venue, rest_count))
    return {
        "core": core,
        "rest": rest,
        "targets": [
            _target("core, first half", core, 0, CORE_BOUND),
            _target("core, second half", core, 1, CORE_BOUND),
            _target("REST, first half", rest, 0, REST_BOUND),
            _target("REST, second half", rest, 1, REST_BOUND),
        ],
    }


def _core(count: int) -> Result:
    flow = OrderFlow()
    flow.run(count // 5)
    resident = [resident_bytes()]
    for _ in range(2):
        flow.run(count // 2)
        resident.append(resident_bytes())
    return _grown(count // 2, resident)


async def _rest(venue: VenueChild, count: int) -> Result:
    async with RestLoad(venue.rest_url, venue.ws_url) as load:
        load.take_every = 1
        await load.place(count // 2)
        load.take_every = TAKE_EVERY
        await load.place(count * 2 // 3)
        resident = [venue.usage().resident_bytes]
        for _ in range(2):
            await load.place(count)
            resident.append(venue.usage().resident_bytes)
    return _grown(count, resident)


def _grown(count: int, resident: list[int]) -> Result:
    steps = pairwise(resident)
    return {
        "each_half": count,
        "resident_bytes": resident,
        "bytes_per_order": [round((after - before) / count, 2) for before, after in steps],
    }


def _target(name: str, grown: Result, half: int, bound: float) -> Result:
    listed = grown["bytes_per_order"]
    assert isinstance(listed, list)
    return target(f"bytes an order, {name}", listed[half], bound, at_least=False)
