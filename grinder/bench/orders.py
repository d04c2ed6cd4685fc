"""Signed orders a second over loopback, and how late their replies are at the target's pace."""

from __future__ import annotations

import asyncio

from grinder.bench.figures import Result, percentile, spread, target
from grinder.bench.rest_load import CONNECTIONS, SYMBOLS, RestLoad
from grinder.bench.venue_child import VenueChild
from grinder.venues.sim.config import BUNDLED

ORDERS_TARGET = 300


def orders(*, is_short: bool) -> Result:
    """Measure a venue in a process of its own from this one."""
    rounds, count = (2, 40) if is_short else (5, 2_000)
    with VenueChild(SYMBOLS, (BUNDLED,)) as venue:
        return asyncio.run(_measured(venue, rounds, count))


async def _measured(venue: VenueChild, rounds: int, count: int) -> Result:
    async with RestLoad(venue.rest_url, venue.ws_url) as load:
        await load.place(count)
        speeds, requests, shares, each_cpu_s = [], [], [], []
        for _ in range(rounds):
            sent, before = load.requests, venue.usage()
            took = await load.place(count)
            speeds.append(count / took)
            requests.append((load.requests - sent) / took)
            after = venue.usage()
            shares.append(after.cpu_share(before))
            each_cpu_s.append(count / (after.cpu_s - before.cpu_s))
        load.late_ms.clear()
        paced = 2 * count
        paced_s = await load.place(paced, ORDERS_TARGET)
    per_s = spread(speeds)
    return {
        "rounds": rounds,
        "connections": CONNECTIONS,
        "orders_each": count,
        "orders_per_s": per_s,
        "requests_per_s": spread(requests),
        "venue_cpu_share": spread(shares),
        "orders_per_venue_cpu_s": spread(each_cpu_s),
        "at_the_target": {
            "orders_per_s": round(paced / paced_s, 1),
            "reply_ms": {
                "p50": round(percentile(load.late_ms, 0.5), 2),
                "p99": round(percentile(load.late_ms, 0.99), 2),
            },
        },
        "targets": [
            target("orders a second", per_s["median"], ORDERS_TARGET, at_least=True),
            target("news of an order heard twice", load.heard_twice, 0, at_least=False),
        ],
    }
