"""What `grinder why` prints."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import orjson
from rich.console import Console
from rich.table import Table

from grinder.journal.telling import iso
from grinder.messages.codec import CODEC
from grinder.replay.causes import Link
from grinder.replay.lines import line_of
from grinder.replay.why import Explanation, explain, refusals


def why(directory: Path, name: str, *, run: int | None, as_json: bool) -> int:
    """Print why an order came to be and what became of it; return 0.

    Raises:
        JournalError: damage, or no such order.
    """
    found = explain(directory, run, name, CODEC)
    if as_json:
        _write_json(
            {
                "client_order_id": found.client_order_id,
                "life": [_document(link) for link in found.life],
                "chains": [[_document(link) for link in one] for one in found.chains],
                "plans": [None if one is None else _document(one) for one in found.plans],
            }
        )
    else:
        _print(found)
    return 0


def why_refused(directory: Path, symbol: str, *, run: int | None, as_json: bool) -> int:
    """Print what our own gates have refused, with reasons and counts; return 0.

    Raises:
        JournalError: damage.
    """
    found = refusals(directory, run, symbol, CODEC)
    if as_json:
        _write_json(
            [
                {
                    "code": one.code,
                    "symbol": one.symbol,
                    "count": one.count,
                    "last": iso(one.last_ns),
                    "detail": one.detail,
                }
                for one in found
            ]
        )
        return 0
    table = Table("count", "code", "symbol", "last", "numbers of the last one", box=None)
    for one in found:
        table.add_row(str(one.count), one.code, one.symbol, iso(one.last_ns), one.detail)
    Console(file=sys.stdout).print(table if found else "nothing was refused")
    return 0


def _print(found: Explanation) -> None:
    out = sys.stdout.write
    at_ns = found.chains[0][0].said_ns if found.chains else found.life[-1].said_ns
    out(f"{found.client_order_id}  at {iso(at_ns)}\n\nwhat became of it, newest first:\n")
    focus = (found.client_order_id, found.level)
    for link in found.life:
        out(f"  {line_of(link, at_ns, focus)}\n")
    for one, plan in zip(found.chains, found.plans, strict=True):
        if plan is not None:
            out(f"\nunder the plan\n  {line_of(plan, at_ns, focus)}")
        out(f"\nwhy {type(one[0].body).__name__}, newest first:\n")
        for link in one:
            out(f"  {line_of(link, at_ns, focus)}\n")
    if not found.chains:
        out("\nno command of ours: the venue or somebody else did it\n")


def _document(link: Link) -> dict[str, Any]:
    return {
        "seq": link.seq,
        "at_ns": link.said_ns,
        "sender": link.sender,
        "receivers": list(link.receivers),
        "message": orjson.loads(CODEC.encode(link.body)),
    }


def _write_json(value: object) -> None:
    sys.stdout.write(json.dumps(value, indent=2) + "\n")
