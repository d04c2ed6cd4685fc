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
    per_s = spread([wall for wall, _ in speeds])
    return {
        "operations": count,
        "rounds": rounds,
        "operations_per_s": per_s,
        "operations_per_cpu_s": spread([cpu for _, cpu in speeds]),
        "orders": dict(flow.counts),
        "targets": [
            target("operations a second", per_s["median"], CORE_TARGET, at_least=True),
        ],
    }


def _speed(flow: OrderFlow, count: int) -> tuple[float, float]:
    """Return operations a second of the clock, and of the time that the process ran."""
    flow.prepare(count)
    gc.collect()
    began, began_cpu = time.perf_counter(), time.process_time()
    flow.run(count)
    took_cpu = time.process_time() - began_cpu
    return count / (time.perf_counter() - began), count / took_cpu
