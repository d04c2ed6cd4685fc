"""A recorded run and the commands that look back at it, all as processes of their own."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeVar

import attrs
import zstandard

from grinder.journal.reading import JournalReader
from grinder.kernel.message import Message
from grinder.messages.codec import CODEC
from system.conftest import Site
from system.processes import FIXTURES, Run, grinder, settings
from system.waiting import until
from system.witness import fills

LIVELY = ("--config", str(FIXTURES / "lively.toml"))
FOLDER = "journal"
BAD_JOURNAL = 1
M = TypeVar("M", bound=Message)


def recorded_run(folder: Path, site: Site, **values: object) -> Run:
    """Begin a run that fills soon and is recorded."""
    return Run(folder, *LIVELY, "--journal", FOLDER, *site.options, *settings(**values))


def trades(site: Site, at_least: int = 3) -> None:
    """Wait for fills."""
    until(lambda: len(fills(site.witness.log())) >= at_least, "fills")


def replayed(folder: Path, *options: str) -> tuple[int, dict[str, Any], str]:
    """Return exit code, what `grinder replay` found, and what it said besides."""
    ended = grinder(folder, "replay", FOLDER, "--json", *options)
    found: dict[str, Any] = json.loads(ended.stdout) if ended.stdout else {}
    return ended.returncode, found, ended.stderr


def written(folder: Path) -> bytes:
    """Return every byte of the journal, unpacked."""
    parts = []
    for path in sorted((folder / FOLDER).iterdir()):
        data = path.read_bytes()
        if path.suffix == ".zst":
            data = zstandard.ZstdDecompressor().decompressobj().decompress(data)
        parts.append(data)
    return b"".join(parts)


@attrs.frozen(kw_only=True)
class Turn:
    """One message that an actor was handed, and what it said of that."""

    generation: int
    at_ns: int
    """When it was handed."""
    handed: list[Any]
    """The message as a row: its class, then its fields."""
    said: list[list[Any]]


def turns(folder: Path, actor: str) -> Iterator[Turn]:
    """Yield the turns of an actor in the order in which it had them, whatever its thread."""
    rows: dict[int, list[Any]] = {}
    for record in JournalReader(folder / FOLDER).records():
        if record[0] == "o":
            rows[record[1]] = record[6]
        elif record[0] == "t":
            heard = rows.pop(record[1], None)
            said = [(first, hearers, row or heard) for first, hearers, row in record[6]]
            for first, hearers, row in said:
                rows.update({first + place: row for place in range(len(hearers))})
            if record[2] == actor and heard is not None:
                told = [row for _, _, row in said if row is not None]
                yield Turn(generation=record[3], at_ns=record[4], handed=heard, said=told)


def spoken(turn: Turn, kind: type[M]) -> list[M]:
    """Return what was said of one kind in a turn."""
    said = [CODEC.from_row(row) for row in turn.said if row[0] == kind.__name__]
    return [one for one in said if isinstance(one, kind)]


def newest_segment(folder: Path) -> Path:
    """Return the segment that was written last."""
    return max((folder / FOLDER).iterdir())
