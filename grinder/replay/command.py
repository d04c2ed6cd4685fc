"""`grinder replay`: one run of a journal, and the first place where it would go otherwise."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Callable
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import Progress

from grinder.actors.wiring import Facts
from grinder.config.load import from_toml
from grinder.journal.reading import JournalReader
from grinder.journal.telling import iso
from grinder.kernel.clock import SystemClock
from grinder.messages.codec import CODEC
from grinder.model.units import NS_PER_S
from grinder.replay.causes import chain_of
from grinder.replay.differences import sayings
from grinder.replay.engine import Divergence, Engine, Outcome
from grinder.replay.lines import line_of
from grinder.replay.runtime import ReplayRuntime
from grinder.replay.states import state_of

if TYPE_CHECKING:
    from collections.abc import Iterator

CHAIN_MAX = 30
PROGRESS_EVERY = 2_000


def runtime_of(reader: JournalReader) -> ReplayRuntime:
    """Return a runtime with the actors of the run, made from what its journal says.

    Raises:
        JournalError, ConfigError: the run is of another version of Grinder.
    """
    described = reader.described(CODEC)
    facts = Facts(
        instruments={one.symbol: one for one in described.instruments},
        started_ns=described.started_ns,
        instance=described.instance,
    )
    return ReplayRuntime(from_toml(described.config), facts)


def replay(directory: Path, *, run: int | None, until: int, actor: str, as_json: bool) -> int:
    """Replay one run; return 0 if it comes out identical, 1 if not.

    Raises:
        GrinderError: the journal is damaged, or of another version.
    """
    # Actors that fell while it was recorded fall again; that is no news.
    logging.getLogger("pykka").setLevel(logging.CRITICAL + 1)
    reader = JournalReader(directory, run)
    runtime = runtime_of(reader)
    engine = Engine(runtime, CODEC, only=actor)
    clock = SystemClock()
    began_ns = clock.now_ns()
    with _progress(reader, is_wanted=not as_json) as step:
        outcome = engine.replay(reader, until=until, progress=step)
    took_s = (clock.now_ns() - began_ns) / NS_PER_S
    states = {name: state_of(cell.actor) for name, cell in sorted(runtime.cells.items())}
    runtime.end()
    divergence = outcome.divergence
    facts: dict[str, object] = {
        "run": reader.run,
        "messages": outcome.messages,
        "actors": len(outcome.actors),
        "generations": outcome.generations,
        "digest": outcome.digest,
        "identical": divergence is None,
        "skipped": outcome.skipped,
        "cut_bytes": reader.cut_bytes,
        "closed": reader.is_closed,
        "seconds": round(took_s, 3),
        "messages_per_s": round(outcome.messages / took_s) if took_s else 0,
        "times_real": round((outcome.last_ns - outcome.first_ns) / NS_PER_S / took_s, 2),
    }
    if divergence is not None:
        facts["divergence"] = _told(divergence, directory, reader.run)
    if until or (actor and as_json):
        facts["states"] = states if not actor else {actor: states.get(actor)}
    if as_json:
        sys.stdout.write(json.dumps(facts, indent=2) + "\n")
    else:
        _print(outcome, reader, facts)
    return 0 if divergence is None else 1


def _told(divergence: Divergence, directory: Path, run: int) -> dict[str, object]:
    causes = chain_of(JournalReader(directory, run), divergence.seq, CODEC)[:CHAIN_MAX]
    lines = list(sayings(divergence.recorded, divergence.replayed, CODEC))
    if divergence.recorded_ending != divergence.replayed_ending:
        lines.append(
            f"the handler: recorded {divergence.recorded_ending}, "
            f"replayed {divergence.replayed_ending}"
        )
    return {
        "actor": divergence.actor,
        "generation": divergence.generation,
        "seq": divergence.seq,
        "at": iso(divergence.at_ns),
        "handed": type(divergence.handed.body).__name__,
        "place": divergence.place,
        "differences": lines,
        "causes": [line_of(link, divergence.at_ns) for link in causes],
    }


def _print(outcome: Outcome, reader: JournalReader, facts: dict[str, object]) -> None:
    out = sys.stdout.write
    told = facts.get("divergence")
    if isinstance(told, dict):
        out(
            f"diverged after {outcome.messages} messages: {told['actor']}, generation "
            f"{told['generation']}, handed {told['handed']} (message {told['seq']}) at "
            f"{told['at']}\n  {told['place']}\n"
        )
        for line in told["differences"]:
            out(f"  {line}\n")
        out("causes, newest first:\n")
        for line in told["causes"]:
            out(f"  {line}\n")
    else:
        out(
            f"replayed {outcome.messages} messages, {len(outcome.actors)} actors, "
            f"digest {outcome.digest}, identical\n"
        )
    for why, count in sorted(outcome.skipped.items()):
        out(f"not judged: {count} messages: {why}\n")
    if reader.cut_bytes:
        out(f"cut: {reader.cut_bytes} bytes after the last whole block\n")
    elif not reader.is_closed and told is None and "states" not in facts:
        out("not closed in order: the run was killed, or is still going on\n")
    states = facts.get("states")
    if isinstance(states, dict):
        out(json.dumps(states, indent=2) + "\n")


@contextmanager
def _progress(reader: JournalReader, *, is_wanted: bool) -> Iterator[Callable[[], None] | None]:
    """Show how far it has come, on a terminal."""
    console = Console(stderr=True)
    if not (is_wanted and console.is_terminal):
        yield None
        return
    names = [one.path.name for one in reader.segments]
    with Progress(console=console, transient=True) as bar:
        task = bar.add_task("replaying", total=len(names))
        count = 0

        def step() -> None:
            nonlocal count
            count += 1
            if count % PROGRESS_EVERY == 0:
                name = reader.place.partition(",")[0]
                bar.update(task, completed=names.index(name), description=f"{count} records")

        yield step
