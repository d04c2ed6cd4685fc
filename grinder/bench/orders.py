"""Signed orders a second over loopback, and how late their replies are at the target's pace."""

from __future__ import annotations

import asyncio

import attrs

from grinder.bench.figures import Result, Spread, percentile, spread, target
from grinder.bench.rest_load import CONNECTIONS, SYMBOLS, RestLoad
from grinder.bench.venue_child import VenueChild
from grinder.venues.sim.config import BUNDLED

ORDERS_TARGET = 300


@attrs.frozen(kw_only=True)
class Round:
    """One round: as many orders as eight connections can place one after another."""

    orders_per_s: float
    requests_per_s: float
    """Orders and their cancels."""
    venue_cpu_share: float
    orders_per_venue_cpu_s: float
    """What the venue could do on a core of its own."""


def orders(*, is_short: bool) -> Result:
    """Measure a venue in a process of its own from this one."""
    rounds, count = (2, 40) if is_short else (5, 2_000)
    with VenueChild(SYMBOLS, (BUNDLED,)) as venue:
        return asyncio.run(_measured(venue, rounds, count))


async def _measured(venue: VenueChild, rounds: int, count: int) -> Result:
    async with RestLoad(venue.rest_url, venue.ws_url) as load:
        await load.place(count)
        played = [await _round(venue, load, count) for _ in range(rounds)]
        paced = await _paced(load, 2 * count)
    figures = {each.name: _spread(played, each.name) for each in attrs.fields(Round)}
    per_s = figures["orders_per_s"]["median"]
    return {
        "rounds": rounds,
        "connections": CONNECTIONS,
        "orders_each": count,
        **figures,
        "at_the_target": paced,
        "targets": [
            target("orders a second", per_s, ORDERS_TARGET, at_least=True),
            target("news of an order heard twice", load.heard_twice, 0, at_least=False),
        ],
    }


async def _round(venue: VenueChild, load: RestLoad, count: int) -> Round:
    sent, before = load.requests, venue.usage()
    took_s = await load.place(count)
    after = venue.usage()
    return Round(
        orders_per_s=count / took_s,
        requests_per_s=(load.requests - sent) / took_s,
        venue_cpu_share=after.cpu_share(before),
        orders_per_venue_cpu_s=count / (after.cpu_s - before.cpu_s),
    )


async def _paced(load: RestLoad, count: int) -> Result:
    load.late_ms.clear()
    took_s = await load.place(count, ORDERS_TARGET)
    shares = {"p50": 0.5, "p99": 0.99}
    return {
        "orders_per_s": round(count / took_s, 1),
        "reply_ms": {
            name: round(percentile(load.late_ms, share), 2) for name, share in shares.items()
        },
    }


def _spread(played: list[Round], name: str) -> Spread:
    return spread([getattr(each, name) for each in played])
