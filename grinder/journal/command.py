"""What `grinder journal` prints."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import orjson
from rich.console import Console
from rich.table import Table

from grinder.errors import JournalError
from grinder.journal.reading import JournalReader
from grinder.journal.telling import Told, Wanted, count, document, iso, told
from grinder.messages.codec import CODEC
from grinder.model.units import NS_PER_S

MOST_SHOWN = 30


def list_runs(directory: Path, *, as_json: bool) -> int:
    """Print each run: when, of which version and configuration, and how much there is."""
    newest = JournalReader(directory)
    facts = []
    for run in newest.runs:
        reader = JournalReader(directory, run)
        facts.append(
            {
                "run": run,
                "segments": len(reader.segments),
                "bytes": sum(one.path.stat().st_size for one in reader.segments),
                **_described(reader),
            }
        )
    if as_json:
        _json(facts)
        return 0
    table = Table("run", "started", "segments", "bytes", "code", "configuration", box=None)
    for one in facts:
        table.add_row(
            str(one["run"]),
            str(one.get("started", "?")),
            str(one["segments"]),
            f"{one['bytes']:,}",
            str(one.get("code", one.get("problem"))),
            str(one.get("config_hash", "")),
        )
    Console(file=sys.stdout).print(table)
    return 0


def _described(reader: JournalReader) -> dict[str, Any]:
    try:
        described = reader.described(CODEC)
    except JournalError as error:
        return {"problem": str(error)}
    return {
        "started": iso(described.started_ns),
        "code": described.code,
        "config_hash": described.config_hash,
        "instance": described.instance,
    }


def show(directory: Path, run: int | None, wanted: Wanted, *, as_json: bool) -> int:
    """Print the messages that are wanted, a line each."""
    reader = JournalReader(directory, run)
    columns = reader.head.columns
    write = sys.stdout.write
    for one in told(reader, wanted):
        if as_json:
            write(orjson.dumps(document(one, columns)).decode() + "\n")
        else:
            write(_line(one, columns) + "\n")
    return 0


def show_counts(directory: Path, run: int | None, *, as_json: bool) -> int:
    """Print what a run consists of."""
    reader = JournalReader(directory, run)
    counts = count(reader)
    seconds = (counts.last_ns - counts.first_ns) / NS_PER_S
    facts = {
        "run": reader.run,
        "seconds": round(seconds, 3),
        "turns": counts.turns,
        "messages": counts.messages,
        "messages_per_s": round(counts.messages / seconds, 1) if seconds else 0,
        "raised": counts.raised,
        "lost": counts.lost,
        "bytes": sum(one.path.stat().st_size for one in reader.segments),
        "types": dict(counts.kinds.most_common()),
        "actors": dict(counts.actors.most_common()),
    }
    if as_json:
        _json(facts)
        return 0
    console = Console(file=sys.stdout)
    for name, value in facts.items():
        if not isinstance(value, dict):
            console.print(f"{name}: {value:,}" if isinstance(value, int) else f"{name}: {value}")
    for title, counted in (("messages by type", counts.kinds), ("turns by actor", counts.actors)):
        table = Table("count", title, box=None)
        for name, number in counted.most_common(MOST_SHOWN):
            table.add_row(f"{number:,}", name)
        console.print(table)
    return 0


def verify(directory: Path, run: int | None, *, as_json: bool) -> int:
    """Check every byte of a run; return 0, or fail with the place of the damage."""
    reader = JournalReader(directory, run)
    counts = count(reader)
    facts = {
        "run": reader.run,
        "segments": len(reader.segments),
        "turns": counts.turns,
        "messages": counts.messages,
        "lost": counts.lost,
        "cut_bytes": reader.cut_bytes,
        "closed": reader.is_closed,
    }
    if as_json:
        _json(facts)
        return 0
    sys.stdout.write(
        f"sound: run {reader.run}, {len(reader.segments)} segments, {counts.turns} turns, "
        f"{counts.messages} messages\n"
    )
    if counts.lost:
        sys.stdout.write(f"lost when it was written: {counts.lost} records\n")
    if reader.cut_bytes:
        sys.stdout.write(f"cut: {reader.cut_bytes} bytes after the last whole block\n")
    elif not reader.is_closed:
        sys.stdout.write("not closed in order: the run was killed, or is still going on\n")
    return 0


def _line(one: Told, columns: dict[str, list[str]]) -> str:
    values = " ".join(
        f"{name}={value}"
        for name, value in zip(columns[one.kind], one.values, strict=True)
        if value not in (None, "", [])
    )
    receivers = ", ".join(one.receivers)
    return f"{iso(one.at_ns)} {one.seq} {one.sender} -> {receivers}: {one.kind} {values}"


def _json(value: object) -> None:
    sys.stdout.write(orjson.dumps(value, option=orjson.OPT_INDENT_2).decode() + "\n")
