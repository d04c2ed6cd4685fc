"""Growth of the process while the stepped runtime plays on and on."""

from __future__ import annotations

import gc
import resource
import sys
from pathlib import Path

from grinder.bench.engine import play, world_of
from grinder.bench.figures import Result, target
from grinder.bench.quotes import walk
from grinder.bench.replay import CALM, CALM_CORRIDOR

STATM = Path("/proc/self/statm")


def memory(*, is_short: bool) -> Result:
    """Measure resident memory after a warm-up, after half the ticks, and after all of them."""
    count = 20_000 if is_short else 1_000_000
    warm_up = count // 20
    world = world_of(CALM, walk(count, CALM_CORRIDOR))
    play(world, warm_up)
    warm = resident_bytes()
    play(world, count // 2 - warm_up)
    half = resident_bytes()
    play(world, count // 2)
    whole = resident_bytes()
    early = (half - warm) / (count // 2 - warm_up)
    late = (whole - half) / (count // 2)
    return {
        "ticks": [warm_up, count // 2, count],
        "resident_bytes": [warm, half, whole],
        "is_peak": not STATM.exists(),
        "bytes_per_tick": {"first_half": round(early, 2), "second_half": round(late, 2)},
        "targets": [
            target("bytes a tick, first half", round(early, 2), 50, at_least=False),
            target("bytes a tick, second half", round(late, 2), 50, at_least=False),
        ],
    }


def resident_bytes() -> int:
    """Return what the process holds in memory; where Linux is not, the most it ever held."""
    gc.collect()
    if STATM.exists():
        return int(STATM.read_text(encoding="ascii").split()[1]) * resource.getpagesize()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
