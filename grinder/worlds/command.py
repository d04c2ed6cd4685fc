"""`grinder simulate`: many worlds on every core, what they found, and how to see it again."""

from __future__ import annotations

import json
import multiprocessing
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path
from typing import Any, Final

import attrs
from rich.console import Console
from rich.progress import Progress

from grinder import __version__
from grinder.errors import ConfigError
from grinder.kernel.clock import SystemClock
from grinder.model.units import NS_PER_S
from grinder.policy.registry import AUTO, OWN
from grinder.worlds.canaries import CANARIES, planter
from grinder.worlds.invariants import SELDOM
from grinder.worlds.plan import KINDS, Fault
from grinder.worlds.run import Verdict, WorldSpec, play
from grinder.worlds.settings import OPTIONS, WORDS
from grinder.worlds.shrink import shrink

CANARY_SEEDS: Final = range(1, 4)
"""A canary is found when one of these worlds finds it."""
REFERENCE: Final = WorldSpec(
    seed=3,
    minutes=0.2,
    symbols=("BTCUSDT",),
    is_replayed=False,
    funding_ms=5_500,
    # Down by 7 bps, up by 13, up by 16: a position, its exit, and a ladder that moves.
    given=(
        Fault(at_ms=3_100, kind="price-jump", seed=663),
        Fault(at_ms=4_600, kind="price-jump", seed=817),
        Fault(at_ms=6_100, kind="price-jump", seed=1_482),
    ),
)
"""The run that is crashed at every message boundary: entries, exits, a shift and a funding."""
TELLING_MINUTES: Final = 500
"""In a run of so many virtual minutes every invariant is judged and every kind of fault hits."""


@attrs.frozen(kw_only=True)
class Wish:
    """What somebody wants to see."""

    seeds: tuple[int, ...]
    minutes: float
    kinds: tuple[str, ...]
    policies: tuple[str, ...] = ("static",)
    """Who decides, by turns from world to world."""
    is_exhaustive: bool = False
    at: tuple[int, bool] | None = None
    """Message of the reference run at which its receiver falls, or (True) the process."""
    is_shrinking: bool = False
    replay_every: int = 1
    """The journal of every so many worlds is replayed; 0: of none."""
    workers: int = 0
    state: Path | None = None
    """Where verdicts are kept, so that a run that was interrupted can go on."""
    as_json: bool = False


def policies_of(text: str) -> tuple[str, ...]:
    """Return the names in ``text``, with commas between; all means all of ours, and every word.

    Raises:
        ConfigError: there is no such policy.
    """
    known = (*sorted(OWN), AUTO, *WORDS)
    names = known if text == "all" else tuple(text.split(","))
    unknown = [one for one in names if one not in known]
    if unknown:
        raise ConfigError((f"--policy: unknown {', '.join(unknown)}; known: {', '.join(known)}",))
    return names


def simulate(wish: Wish) -> int:
    """Play the worlds; return 0 if nothing was violated and every canary was found, else 1.

    Raises:
        ConfigError: nothing to do.
    """
    clock = SystemClock()
    began_ns = clock.now_ns()
    specs = _specs(wish)
    if not specs:
        raise ConfigError(("nothing to do: name seeds, or --exhaustive",))
    verdicts, found = _played(wish, specs)
    seconds = (clock.now_ns() - began_ns) / NS_PER_S
    report = report_of(wish, verdicts, found, seconds)
    if wish.is_shrinking:
        report["shrunk"] = [_shrunk(wish, one) for one in verdicts if _can_shrink(one)]
    _print(report, as_json=wish.as_json)
    return 0 if report["passed"] else 1


def _specs(wish: Wish) -> list[WorldSpec]:
    specs = [
        WorldSpec(
            seed=seed,
            minutes=wish.minutes,
            kinds=wish.kinds,
            is_replayed=wish.replay_every > 0 and number % wish.replay_every == 0,
            policy=wish.policies[seed % len(wish.policies)],
        )
        for number, seed in enumerate(wish.seeds)
    ]
    if wish.is_exhaustive:
        specs += boundaries()
    if wish.at is not None:
        specs.append(attrs.evolve(REFERENCE, trap=wish.at[0], is_fatal=wish.at[1]))
    return specs


def _played(wish: Wish, specs: list[WorldSpec]) -> tuple[list[Verdict], Counter[str]]:
    """Return a verdict on each world, kept or new, and how often each canary was found."""
    kept = _kept(wish.state)
    missing = [one for one in specs if _key(one) not in kept]
    verdicts = [kept[_key(one)] for one in specs if _key(one) in kept]
    found: Counter[str] = Counter()
    for name, spec, verdict in _results(wish, missing):
        if spec is None:
            found[name] += bool(verdict.violations)
        else:
            verdicts.append(verdict)
            _keep(wish.state, spec, verdict)
    return verdicts, found


def _results(wish: Wish, specs: list[WorldSpec]) -> Iterator[tuple[str, WorldSpec | None, Verdict]]:
    """Play the worlds and every canary on all cores; give (canary, world, verdict) as they end."""
    canaries = [(name, seed) for name in CANARIES for seed in CANARY_SEEDS]
    context = multiprocessing.get_context("forkserver")
    with (
        ProcessPoolExecutor(wish.workers or os.cpu_count() or 1, mp_context=context) as pool,
        _bar(len(specs) + len(canaries), is_shown=not wish.as_json) as step,
    ):
        jobs: dict[Any, tuple[str, WorldSpec | None]] = {
            pool.submit(play, spec): ("", spec) for spec in specs
        }
        jobs |= {pool.submit(play_canary, name, seed): (name, None) for name, seed in canaries}
        for job in as_completed(jobs):
            yield *jobs[job], job.result()
            step()


def play_canary(name: str, seed: int) -> Verdict:
    """Return the verdict on a world with a bug planted in it."""
    spec = WorldSpec(seed=seed, minutes=1, is_replayed=False, canary=name)
    return play(spec, change=planter(name))


def boundaries() -> list[WorldSpec]:
    """Return the reference run once for each of its messages: an actor falls, or all do."""
    count = play(attrs.evolve(REFERENCE, trap=2**60)).deliveries
    return [
        attrs.evolve(REFERENCE, trap=number, is_fatal=is_fatal)
        for is_fatal in (False, True)
        for number in range(1, count + 1)
    ]


def _can_shrink(verdict: Verdict) -> bool:
    return bool(verdict.violations) and not verdict.trap


def _shrunk(wish: Wish, verdict: Verdict) -> dict[str, object]:
    spec = WorldSpec(
        seed=verdict.seed,
        minutes=wish.minutes,
        kinds=wish.kinds,
        is_replayed="replay" in verdict.judged,
        policy=wish.policies[verdict.seed % len(wish.policies)],
    )
    names = {one.partition(":")[0] for one in verdict.violations}

    def fails(faults: tuple[Any, ...]) -> bool:
        again = play(spec, faults)
        return any(one.partition(":")[0] in names for one in again.violations)

    return {"seed": verdict.seed, "faults": [str(one) for one in shrink(spec.faults(), fails)]}


# What is told.


def report_of(
    wish: Wish, verdicts: list[Verdict], canaries: Counter[str], seconds: float
) -> dict[str, Any]:
    """Return what is told of a run; ``canaries`` says how often each was found."""
    done: Counter[str] = Counter()
    judged: Counter[str] = Counter()
    for one in verdicts:
        done.update(one.done)
        judged.update(one.judged)
    failed = sorted((one for one in verdicts if one.violations), key=lambda one: one.seed)
    missed = [name for name in CANARIES if not canaries[name]]
    is_telling = wish.minutes * len(wish.seeds) >= TELLING_MINUTES
    unseen = [name for name in (*SELDOM, *wish.kinds) if not (judged[name] or done[name])]
    unseen = unseen if is_telling and wish.kinds else []
    return {
        "passed": not failed and not missed and not unseen,
        "version": __version__,
        "commit": _commit(),
        "seconds": round(seconds, 1),
        "worlds": sum(not one.trap for one in verdicts),
        "virtual_minutes": round(wish.minutes * sum(not one.trap for one in verdicts), 1),
        "crash_points": sum(bool(one.trap) and not one.is_fatal for one in verdicts),
        "kill_points": sum(bool(one.trap) and one.is_fatal for one in verdicts),
        "deliveries": sum(one.deliveries for one in verdicts),
        "orders": sum(one.orders for one in verdicts),
        "fills": sum(one.fills for one in verdicts),
        "faults": sum(one.faults for one in verdicts),
        "faults_by_kind": {name: done[name] for name in KINDS if done[name]},
        "options": {name: sum(name in one.options for one in verdicts) for name in OPTIONS},
        "judged": dict(sorted(judged.items())),
        "replayed": sum(one.replayed for one in verdicts),
        "slowest_to_converge_ms": max((one.converged_ms for one in verdicts), default=0),
        "canaries_missed": missed,
        "never_seen": unseen,
        "violations": [
            {
                "seed": one.seed,
                "trap": one.trap,
                "fatal": one.is_fatal,
                "violations": list(one.violations),
                "again": _again(wish, one),
            }
            for one in failed
        ],
    }


def _again(wish: Wish, verdict: Verdict) -> str:
    if verdict.trap:
        fatal = " --kill" if verdict.is_fatal else ""
        return f"grinder simulate --at {verdict.trap}{fatal}"
    kinds = "all" if set(wish.kinds) == set(KINDS) else ",".join(wish.kinds) or "none"
    seed = verdict.seed
    policy = wish.policies[seed % len(wish.policies)]
    other = "" if policy == "static" else f" --policy {policy}"
    # A world without a journal is another one: faults of its disk hit nothing.
    other += "" if "replay" in verdict.judged else " --replay-every 0"
    world = f"--seeds {seed}..{seed} --minutes {wish.minutes:g} --faults {kinds}{other}"
    return f"grinder simulate {world}"


def _print(report: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        sys.stdout.write(json.dumps(report, indent=2) + "\n")
        return
    out = sys.stdout.write
    for one in report["violations"]:
        where = f"message {one['trap']}" if one["trap"] else f"seed {one['seed']}"
        out(f"{where}, commit {report['commit']}:\n")
        for line in one["violations"]:
            out(f"  {line}\n")
        out(f"  again: {one['again']}\n")
    for one in report.get("shrunk", ()):
        out(f"seed {one['seed']} with the faults that it takes:\n")
        for line in one["faults"]:
            out(f"  {line}\n")
    for name in report["canaries_missed"]:
        out(f"the canary {name} was not found: this run proves nothing\n")
    for name in report["never_seen"]:
        out(f"{name} did not occur in so many worlds: this run proves little\n")
    out(
        f"{report['worlds']} worlds, {report['virtual_minutes']:g} virtual minutes, "
        f"{report['crash_points']} crash points, {report['kill_points']} kill points, "
        f"{report['faults']} faults of {len(report['faults_by_kind'])} kinds, "
        f"{report['orders']} orders, {report['fills']} fills, "
        f"{report['replayed']} messages replayed, in {report['seconds']} s: "
        f"{len(report['violations'])} with violations\n"
    )


def _commit() -> str:
    done = subprocess.run(
        ["git", "-C", str(Path(__file__).parent), "rev-parse", "--short", "HEAD"],
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout.strip() or "unknown"


# Progress, and what was done before.


class _Steps:
    """Counts worlds on a terminal, or silently."""

    def __init__(self, total: int, *, is_shown: bool) -> None:
        console = Console(stderr=True)
        self._bar = Progress(console=console, transient=True)
        self._is_shown = is_shown and console.is_terminal
        self._task = self._bar.add_task("worlds", total=total)

    def __enter__(self) -> Any:
        if self._is_shown:
            self._bar.start()
        return lambda: self._bar.advance(self._task)

    def __exit__(self, *_: object) -> None:
        if self._is_shown:
            self._bar.stop()


def _bar(total: int, *, is_shown: bool) -> _Steps:
    return _Steps(total, is_shown=is_shown)


def _key(spec: WorldSpec) -> str:
    return json.dumps([__version__, _commit(), attrs.asdict(spec)], sort_keys=True)


def _kept(path: Path | None) -> dict[str, Verdict]:
    """Return the verdicts of an interrupted run; a line that was cut off is played again."""
    if path is None or not path.exists():
        return {}
    return dict(_lines(path.read_text(encoding="utf-8").splitlines()))


def _lines(lines: Iterable[str]) -> Iterator[tuple[str, Verdict]]:
    for line in lines:
        try:
            key, fields = json.loads(line)
        except ValueError:
            continue
        for name in ("violations", "options"):
            fields[name] = tuple(fields[name])
        yield key, Verdict(**fields)


def _keep(path: Path | None, spec: WorldSpec, verdict: Verdict) -> None:
    if path is not None:
        with path.open("a", encoding="utf-8") as file:
            file.write(json.dumps([_key(spec), attrs.asdict(verdict)]) + "\n")
