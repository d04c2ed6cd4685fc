"""What recording a run costs, beside the same run without, and how fast a record is replayed.

On and off take turns, round by round, so that what else the machine does falls on both.
"""

from __future__ import annotations

import gc
import sys
import time
from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory

import attrs

from grinder.actors.wiring import Facts
from grinder.bench.engine import play, settings, world_of
from grinder.bench.figures import Result, Spread, ratios, spread, target
from grinder.bench.live import LiveSystem
from grinder.bench.quotes import INSTRUMENT, QUOTE_MS, SYMBOL, prepared
from grinder.bench.reaction import LADDER, SINGLE, SWITCH_INTERVAL_S, figures_of, round_of
from grinder.bench.replay import CALM, CALM_CORRIDOR, DENSE, DENSE_CORRIDOR
from grinder.bench.skeleton import Grid
from grinder.errors import InvariantError
from grinder.journal.reading import JournalReader
from grinder.messages.codec import CODEC
from grinder.replay.engine import Engine
from grinder.replay.runtime import ReplayRuntime
from grinder.simulation.market import Quote

KEPT_TARGET = 0.7
SLOWER_TARGET = 1.25
REPLAYS = 3
REACTIONS = ("single_p50", "single_p99", "first_p50", "first_p99", "last_p50", "last_p99")


@attrs.frozen(kw_only=True)
class Stepped:
    """What the rounds of one market found."""

    off_per_s: Spread
    on_per_s: Spread
    kept: Spread
    """Share of the speed that is left."""
    kept_cpu: Spread
    """The same by processor time, of which others who want the machine take none."""
    messages_per_s: Spread
    times_real: Spread
    """Seconds of the market that a second replays."""


def journal(*, is_short: bool) -> Result:
    """Measure throughput and reaction, recorded and not, and replay what was recorded."""
    rounds, count = (2, 1_000) if is_short else (7, 50_000)
    calm = _stepped(CALM, prepared(count, CALM_CORRIDOR), rounds)
    dense = _stepped(DENSE, prepared(count, DENSE_CORRIDOR), rounds)
    rounds_live, cycles = (1, 8) if is_short else (5, 150)
    off, on, incomplete = _reactions(rounds_live, cycles)
    slower = {key: ratios(on[key], off[key]) for key in REACTIONS}
    return {
        "quotes": count,
        "rounds": rounds,
        "calm": attrs.asdict(calm),
        "dense": attrs.asdict(dense),
        "incomplete": incomplete,
        "us_off": {key: spread(off[key]) for key in REACTIONS},
        "us_on": {key: spread(on[key]) for key in REACTIONS},
        "on_against_off": slower,
        "targets": [
            target(
                "calm, kept of processor time", calm.kept_cpu["median"], KEPT_TARGET, at_least=True
            ),
            target(
                "dense, kept of processor time",
                dense.kept_cpu["median"],
                KEPT_TARGET,
                at_least=True,
            ),
            *(
                target(f"{key}, on / off", slower[key]["median"], SLOWER_TARGET, at_least=False)
                for key in REACTIONS
                if key.endswith("p99")
            ),
        ],
    }


def _stepped(grid: Grid, quotes: list[Quote], rounds: int) -> Stepped:
    off: list[tuple[float, float]] = []
    on: list[tuple[float, float]] = []
    with TemporaryDirectory() as directory:
        for number in range(rounds):
            # A directory each: a run packs what the one before has left behind.
            latest = f"{directory}/{number}"
            off.append(_speed(grid, quotes, ""))
            on.append(_speed(grid, quotes, latest))
        replayed = [_replayed(grid, latest, len(quotes)) for _ in range(min(rounds, REPLAYS))]
    return Stepped(
        off_per_s=spread([wall for wall, _ in off]),
        on_per_s=spread([wall for wall, _ in on]),
        kept=ratios([wall for wall, _ in on], [wall for wall, _ in off]),
        kept_cpu=ratios([cpu for _, cpu in on], [cpu for _, cpu in off]),
        messages_per_s=spread([speed for speed, _ in replayed]),
        times_real=spread([times for _, times in replayed]),
    )


def _speed(grid: Grid, quotes: list[Quote], directory: str) -> tuple[float, float]:
    """Return quotes a second of the clock and of processor time, the writing included.

    The run is recorded in ``directory`` unless that is empty.
    """
    world = world_of(grid, iter(quotes), directory)
    gc.collect()
    began, began_cpu = time.perf_counter(), time.process_time()
    play(world, len(quotes))
    took_cpu_s = time.process_time() - began_cpu
    took_s = time.perf_counter() - began
    world.runtime.stop()
    return len(quotes) / took_s, len(quotes) / took_cpu_s


def _replayed(grid: Grid, directory: str, quotes: int) -> tuple[float, float]:
    """Return deliveries a second of the newest run, and times real.

    Raises:
        InvariantError: it came out differently.
    """
    reader = JournalReader(Path(directory))
    described = reader.described(CODEC)
    # Limits that are out of the way are out of range as well, so the head's settings are refused.
    facts = Facts(
        instruments={SYMBOL: INSTRUMENT},
        started_ns=described.started_ns,
        instance=described.instance,
    )
    runtime = ReplayRuntime(settings(grid, directory), facts)
    gc.collect()
    began = time.perf_counter()
    outcome = Engine(runtime, CODEC).replay(reader)
    took_s = time.perf_counter() - began
    runtime.end()
    if outcome.divergence is not None or outcome.skipped:
        raise InvariantError("the record does not replay")
    return outcome.messages / took_s, quotes * QUOTE_MS / 1_000 / took_s


Columns = dict[str, list[float]]


def _reactions(rounds: int, cycles: int) -> tuple[Columns, Columns, int]:
    """Return the reaction of the shared thread off and on by round, and incomplete ladders."""
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    off: Columns = {key: [] for key in REACTIONS}
    on: Columns = {key: [] for key in REACTIONS}
    incomplete = 0
    for _, (found, is_on) in product(range(rounds), ((off, False), (on, True))):
        single, lost = _round(SINGLE, cycles, is_on=is_on)
        ladder, late = _round(LADDER, cycles, is_on=is_on)
        for key, value in figures_of(single, ladder).items():
            found[key].append(value)
        incomplete += lost + late
    return off, on, incomplete


def _round(grid: Grid, cycles: int, *, is_on: bool) -> tuple[list[list[float]], int]:
    """Measure one run in a directory of its own: a run packs what the one before has left."""
    with TemporaryDirectory() as directory:
        system = LiveSystem(grid, "shared", directory if is_on else "")
        return round_of(system, grid.levels, cycles)
