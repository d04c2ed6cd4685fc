"""Speed of the venue's matching core alone: no socket, no rendering, no log."""

from __future__ import annotations

import gc
import time

from grinder.bench.figures import Result, spread, target
from grinder.bench.orderflow import OrderFlow

CORE_TARGET = 2_000


def core(*, is_short: bool) -> Result:
    """Measure order operations a second, market events and the draining of news included."""
    rounds, count = (2, 500) if is_short else (7, 20_000)
    flow = OrderFlow()
    flow.run(count)
    speeds = [_speed(flow, count) for _ in range(rounds)]
    per_s = spread(speeds)
    return {
        "operations": count,
        "rounds": rounds,
        "operations_per_s": per_s,
        "orders": dict(flow.counts),
        "targets": [
            target("operations a second", per_s["median"], CORE_TARGET, at_least=True),
        ],
    }


def _speed(flow: OrderFlow, count: int) -> float:
    flow.prepare(count)
    gc.collect()
    began = time.perf_counter()
    flow.run(count)
    return count / (time.perf_counter() - began)
