"""How long the threaded runtime takes from a tick to the bodies of the orders that it calls for.

The market goes in cycles at a thousand ticks a second: it rests, falls below every buy of the
ladder, whereupon the venue takes the buys off, and comes back up. The tick that comes back calls
for all buys at once: twenty, or a single one. What is measured is the time from the receipt of that
tick, on the thread that plays the socket, to the moment at which the signed body of the first and
of the twentieth placement stands ready on the thread of the gateway. A ladder that a later tick
completes counts from the tick that called for it, so nothing slow is left out.
"""

from __future__ import annotations

import gc
import os
import sys
import time
from collections.abc import Callable
from itertools import product
from typing import Protocol

from grinder.bench.figures import Result, Spread, percentile, ratios, spread, target
from grinder.bench.floor import Floor
from grinder.bench.hops import HopPipeline
from grinder.bench.live import LiveSystem
from grinder.bench.quotes import HOME_TICKS
from grinder.bench.skeleton import Grid
from grinder.errors import InvariantError
from grinder.model.units import NS_PER_S

LADDER = Grid(levels=20, step=1, recentre=400)
"""The anchor stays where it is: no cancels, twenty buys below home and twenty sells above."""
SINGLE = Grid(levels=1, step=1, recentre=400)
"""The same with one order on each side."""
DIP_TICKS = 25
"""Deep enough for every buy to be crossed, far too shallow to re-centre."""
TICKS_PER_S = 1_000
CYCLE = 50
"""Ticks from one ladder to the next, half of them down: order news of one is over by the next."""
NEWS_AFTER = 5
"""Ticks until the venue tells of the buys that are gone: by then the fall is known everywhere."""
LATE_MAX_S = 0.002
SWITCH_INTERVAL_S = 0.0005
"""That of a live run; everything in this process has it."""


class Subject(Protocol):
    """What is measured."""

    @property
    def ready_ns(self) -> list[int]:
        """When each order body was ready, in order."""

    def start(self, home: int) -> None:
        """Bring it up, quoting around ``home``."""

    def tick(self, bid_ticks: int) -> int:
        """Let the best bid be ``bid_ticks``; return when that was received."""

    def mark(self, ticks: int) -> None:
        """Let the venue state its mark price."""

    def take_buys(self) -> None:
        """Let the venue take every buy off the book."""

    def stop(self) -> None:
        """End it."""


SUBJECTS: dict[str, Callable[[Grid], Subject]] = {
    "pykka": lambda grid: HopPipeline(grid.levels, grid.step),
    "floor": lambda grid: Floor(grid.levels, grid.step),
    "own": lambda grid: LiveSystem(grid, "own"),
    "shared": lambda grid: LiveSystem(grid, "shared"),
}
ONE_CORE, ALL_CORES = "one_core", "all_cores"
Figures = dict[str, float]
"""Percentiles in microseconds: of the only order, and of the first and the last of a ladder."""
BOUNDS = {
    "own": (("single_p99", "first_p99", "last_p99"), 1.5),
    "shared": (
        ("single_p50", "single_p99", "first_p50", "first_p99", "last_p50", "last_p99"),
        0.4,
    ),
}


def reaction(*, is_short: bool) -> Result:
    """Measure a thread each and the shared thread against six bare pykka threads.

    The floor stands beside them: what it misses can't be met. Everything is measured twice: kept
    to one core, as ``run.core`` keeps a live run, and on all of them, where the machine decides
    which thread runs where.
    """
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    rounds, cycles = (1, 8) if is_short else (5, 150)
    every = _cores()
    places = {ONE_CORE: every[-1:], ALL_CORES: every}
    found: dict[str, dict[str, list[Figures]]] = {
        place: {name: [] for name in SUBJECTS} for place in places
    }
    missed = dict.fromkeys(SUBJECTS, 0)
    for _, (place, cores), (name, make) in product(range(rounds), places.items(), SUBJECTS.items()):
        _keep_to(cores)
        single, lost_single = round_of(make(SINGLE), SINGLE.levels, cycles)
        ladder, lost_ladder = round_of(make(LADDER), LADDER.levels, cycles)
        found[place][name].append(figures_of(single, ladder))
        missed[name] += lost_single + lost_ladder
    _keep_to(every)
    told: Result = {"ticks_per_s": TICKS_PER_S, "rounds": rounds, "cycles": cycles}
    told["incomplete"] = missed
    targets: list[Result] = []
    for place in places:
        told[place], judged = _compared(place, found[place])
        targets += judged
    return told | {"targets": targets}


def _compared(place: str, found: dict[str, list[Figures]]) -> tuple[Result, list[Result]]:
    """Return figures and ratios, and the ratios held against their bounds."""
    against = {name: _against(found[name], found["pykka"]) for name in ("floor", *BOUNDS)}
    figures: Result = {
        "us": {
            name: {key: spread([one[key] for one in each]) for key in each[0]}
            for name, each in found.items()
        },
        "against_pykka": against,
        "against_floor": {"shared": _against(found["shared"], found["floor"])},
    }
    return figures, [
        target(f"{place} {name} {key}", against[name][key]["median"], bound, at_least=False)
        for name, (keys, bound) in BOUNDS.items()
        for key in keys
    ]


def _cores() -> tuple[int, ...]:
    """Return the cores that this process may run on; none where the system does not tell."""
    return tuple(sorted(os.sched_getaffinity(0))) if hasattr(os, "sched_getaffinity") else ()


def _keep_to(cores: tuple[int, ...]) -> None:
    """Let this thread, and what it starts, run on ``cores`` only; on any if there are none."""
    if cores:
        os.sched_setaffinity(0, cores)


def _against(ours: list[Figures], theirs: list[Figures]) -> dict[str, Spread]:
    return {
        key: ratios([one[key] for one in ours], [one[key] for one in theirs]) for key in ours[0]
    }


def figures_of(single: list[list[float]], ladder: list[list[float]]) -> Figures:
    """Return percentiles of the times of single orders and of ladders, in microseconds."""
    columns = {
        "single": [times[0] for times in single],
        "first": [times[0] for times in ladder],
        "last": [times[-1] for times in ladder],
    }
    return {
        f"{name}_p{share}": percentile(times, share / 100)
        for name, times in columns.items()
        for share in (50, 99)
    }


def round_of(
    subject: Subject, levels: int, cycles: int, cycle: int = CYCLE
) -> tuple[list[list[float]], int]:
    """Return the times of each complete ladder in microseconds, and how many were incomplete.

    ``cycle`` is the number of ticks from one ladder to the next.

    What an earlier round left is cleared away first, and what exists at the start is kept out of
    the collector's sight, as in a live run.
    """
    gc.collect()
    gc.freeze()
    subject.start(HOME_TICKS)
    try:
        called = _drive(subject, cycles, cycle)
    finally:
        subject.stop()
        gc.unfreeze()
    ready_ns = subject.ready_ns
    ends = [*called[1:], called[-1] + NS_PER_S]
    complete = []
    for from_ns, until_ns in zip(called, ends, strict=True):
        times = [(at_ns - from_ns) / 1_000 for at_ns in ready_ns if from_ns <= at_ns < until_ns]
        if len(times) >= levels:
            complete.append(times[:levels])
    if not complete:
        raise InvariantError("no tick got all the orders that it called for")
    return complete, len(called) - len(complete)


def _drive(subject: Subject, cycles: int, cycle: int) -> list[int]:
    """Play ``cycles`` cycles; return when the ticks that call for a ladder were received."""
    called = []
    due = time.perf_counter()
    down = cycle // 2
    # One cycle goes before: what has just started is slow to see the first fall.
    for number in range(-down - cycle, cycles * cycle):
        time.sleep(max(0.0, due - time.perf_counter()))
        # After a stall of the machine the pace goes on; what was missed is not made up for at once.
        due = max(due, time.perf_counter() - LATE_MAX_S) + 1 / TICKS_PER_S
        place = number % cycle
        received_ns = subject.tick(HOME_TICKS if place < down else HOME_TICKS - DIP_TICKS)
        if place == 0 and number >= 0:
            called.append(received_ns)
        elif place == down + NEWS_AFTER:
            subject.take_buys()
        if number % TICKS_PER_S == 1:
            subject.mark(HOME_TICKS)
    return called
