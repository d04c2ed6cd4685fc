"""What recording a run costs, beside the same run without, and how fast a record is replayed.

On and off take turns, round by round, so that what else the machine does falls on both.
"""

from __future__ import annotations

import gc
import sys
import time
from functools import partial
from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory

import attrs

from grinder.actors.wiring import Facts
from grinder.bench.engine import play, settings, world_of
from grinder.bench.figures import Result, Spread, ratios, spread, target
from grinder.bench.live import Gateway, GatewayPort, LiveSystem
from grinder.bench.quotes import INSTRUMENT, QUOTE_MS, SYMBOL, prepared
from grinder.bench.reaction import CYCLE, LADDER, SINGLE, SWITCH_INTERVAL_S, figures_of, round_of
from grinder.bench.replay import CALM, CALM_CORRIDOR, DENSE, DENSE_CORRIDOR
from grinder.bench.skeleton import Grid
from grinder.bench.wire import WirePort, WireSink
from grinder.errors import InvariantError
from grinder.journal.reading import JournalReader
from grinder.messages.codec import CODEC
from grinder.replay.engine import Engine
from grinder.replay.runtime import ReplayRuntime
from grinder.simulation.market import Quote

KEPT_TARGET = 0.7
SLOWER_TARGET = 1.25
REPLAYS = 3
WIRE_CYCLE = 100
"""Ticks from one ladder to the next: the requests of one are over by the next."""
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
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    rounds_live, cycles = (1, 8) if is_short else (5, 150)
    body = _reactions(rounds_live, cycles, CYCLE, GatewayPort)
    with WireSink() as sink:
        wire = _reactions(rounds_live, cycles, WIRE_CYCLE, partial(WirePort, sink))
    return {
        "quotes": count,
        "rounds": rounds,
        "calm": attrs.asdict(calm),
        "dense": attrs.asdict(dense),
        "tick_to_body": body.figures(),
        "tick_to_wire": wire.figures(),
        "targets": [
            _kept_target("calm", calm),
            _kept_target("dense", dense),
            *body.targets("tick to body"),
            *wire.targets("tick to wire"),
        ],
    }


def _kept_target(name: str, found: Stepped) -> Result:
    kept = found.kept_cpu["median"]
    return target(f"{name}, kept of processor time", kept, KEPT_TARGET, at_least=True)


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


@attrs.frozen(kw_only=True)
class Reactions:
    """Percentiles of reaction in microseconds by round, not recorded and recorded."""

    off: Columns = attrs.field(factory=lambda: {key: [] for key in REACTIONS})
    on: Columns = attrs.field(factory=lambda: {key: [] for key in REACTIONS})
    incomplete: list[int] = attrs.field(factory=list)
    """Ladders that were not complete in time, by run."""

    def slower(self) -> dict[str, Spread]:
        """Return by how much recording is slower."""
        return {key: ratios(self.on[key], self.off[key]) for key in REACTIONS}

    def figures(self) -> Result:
        """Return what is shown."""
        return {
            "us_off": {key: spread(self.off[key]) for key in REACTIONS},
            "us_on": {key: spread(self.on[key]) for key in REACTIONS},
            "on_against_off": self.slower(),
            "incomplete": sum(self.incomplete),
        }

    def targets(self, name: str) -> list[Result]:
        """Hold the slow ones against their bound."""
        return [
            target(f"{name}, {key}, on / off", each["median"], SLOWER_TARGET, at_least=False)
            for key, each in self.slower().items()
            if key.endswith("p99")
        ]


def _reactions(rounds: int, cycles: int, cycle: int, gateway: Gateway) -> Reactions:
    """Measure the shared thread off and on in turn, round by round."""
    found = Reactions()
    for _, (columns, is_on) in product(range(rounds), ((found.off, False), (found.on, True))):
        single, lost = _round(SINGLE, cycles, cycle, gateway, is_on=is_on)
        ladder, late = _round(LADDER, cycles, cycle, gateway, is_on=is_on)
        for key, value in figures_of(single, ladder).items():
            columns[key].append(value)
        found.incomplete.append(lost + late)
    return found


def _round(
    grid: Grid, cycles: int, cycle: int, gateway: Gateway, *, is_on: bool
) -> tuple[list[list[float]], int]:
    """Measure one run in a directory of its own: a run packs what the one before has left."""
    with TemporaryDirectory() as directory:
        system = LiveSystem(grid, "shared", directory if is_on else "", gateway)
        return round_of(system, grid.levels, cycles, cycle)
