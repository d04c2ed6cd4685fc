"""What `grinder replay --set` prints."""

from __future__ import annotations

import json
import sys
from decimal import Decimal
from pathlib import Path

from rich.console import Console
from rich.table import Table

from grinder.replay.whatif import Result, what_if

MONEY = ("realized_pnl", "fees", "funding", "unrealized_pnl", "net_pnl")
COUNTS = ("orders", "cancels", "rejected", "fills")


def compare(
    directory: Path, run: int | None, from_seq: int, overrides: tuple[str, ...], *, as_json: bool
) -> None:
    """Print what the same system would have done with other settings.

    Raises:
        JournalError, ConfigError: see ``what_if``.
    """
    found = what_if(directory, run, from_seq, overrides)
    before, after = _facts(found.recorded), _facts(found.changed)
    if as_json:
        document = {
            "from": found.from_seq,
            "seconds": found.seconds,
            "events": found.events,
            "set": list(overrides),
            "recorded_settings": before,
            "changed_settings": after,
        }
        sys.stdout.write(json.dumps(document, indent=2) + "\n")
        return
    table = Table(
        "",
        "as recorded",
        ", ".join(overrides),
        "difference",
        title=f"{found.events} market events, {found.seconds:.0f} s, on the simulated venue",
        box=None,
    )
    for name in (*COUNTS, *MONEY):
        difference = Decimal(str(after[name])) - Decimal(str(before[name]))
        table.add_row(name, str(before[name]), str(after[name]), f"{difference:+f}")
    table.add_row("positions (lots)", str(before["positions"]), str(after["positions"]), "")
    Console(file=sys.stdout).print(table)


def _facts(result: Result) -> dict[str, object]:
    facts: dict[str, object] = {name: getattr(result, name) for name in COUNTS}
    facts.update({name: format(getattr(result, name), "f") for name in MONEY})
    return {**facts, "positions": result.positions}
