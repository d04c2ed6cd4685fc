"""A file of control commands that a venue carries out by itself: at its start, or some time after.

It is TOML; each table of ``command`` names one and gives its fields::

    [[command]]
    name = "delay"
    distribution = "lognormal"
    ms = 20

    [[command]]
    at_s = 30.5
    name = "regime"
    regime = "crash"
    ms = 60000
"""

from __future__ import annotations

import asyncio
import tomllib
from collections.abc import Callable, Iterable, Mapping
from decimal import InvalidOperation
from pathlib import Path
from typing import Any

import attrs

from grinder.errors import ConfigError
from grinder.simulation.refusals import Refusal
from grinder.venues.sim.refusing import ApiRefusal

AT_MAX_S = 10 * 365 * 24 * 3600.0
REFUSED = (ValueError, KeyError, TypeError, InvalidOperation, ConfigError, ApiRefusal, Refusal)
"""What an impossible command raises."""

Command = Callable[[str, Mapping[str, Any]], Any]


@attrs.frozen(kw_only=True)
class Step:
    """One command."""

    place: str
    """Where it stands, for messages."""
    at_s: float
    """Seconds after the start, of this machine's time."""
    name: str
    fields: Mapping[str, Any]

    def carry_out(self, command: Command) -> None:
        """Carry it out.

        Raises:
            ConfigError: it is impossible.
        """
        try:
            command(self.name, self.fields)
        except REFUSED as error:
            reason = f"missing field {error}" if isinstance(error, KeyError) else str(error)
            raise ConfigError(f"{self.place} ({self.name}): {reason}") from error


def read(path: Path, names: Iterable[str]) -> list[Step]:
    """Return the commands of a file in the order in which they are due.

    Raises:
        ConfigError: the file cannot be read, or a command is not known.
    """
    try:
        tree = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"{path}: {error}") from error
    rows = tree.get("command", [])
    if tree.keys() - {"command"} or not isinstance(rows, list):
        raise ConfigError(f"{path}: expected only tables [[command]]")
    known = set(names)
    steps = [_step(f"{path}, command {number}", row, known) for number, row in enumerate(rows, 1)]
    return sorted(steps, key=lambda step: step.at_s)


def _step(place: str, row: Any, known: set[str]) -> Step:
    if not isinstance(row, dict):
        raise ConfigError(f"{place}: expected a table")
    name, at_s = row.get("name"), row.get("at_s", 0)
    if name not in known:
        choice = ", ".join(sorted(known))
        raise ConfigError(f"{place}: unknown name {name!r}: choose from {choice}")
    if isinstance(at_s, bool) or not isinstance(at_s, int | float) or not 0 <= at_s <= AT_MAX_S:
        raise ConfigError(f"{place}: at_s: expected seconds of 0 or more, was {at_s!r}")
    fields = {field: value for field, value in row.items() if field not in ("name", "at_s")}
    return Step(place=place, at_s=float(at_s), name=name, fields=fields)


def begin(steps: list[Step], command: Command) -> list[Step]:
    """Carry out what is due at the start; return the rest.

    Raises:
        ConfigError: a command is impossible.
    """
    for step in steps:
        if not step.at_s:
            step.carry_out(command)
    return [step for step in steps if step.at_s]


async def work(steps: list[Step], command: Command) -> None:
    """Carry out each step at its time, then wait for ever.

    Raises:
        ConfigError: a command is impossible; the venue ends, for what it was to do was not done.
    """
    loop = asyncio.get_running_loop()
    started_s = loop.time()
    for step in steps:
        await asyncio.sleep(max(0.0, started_s + step.at_s - loop.time()))
        step.carry_out(command)
    await asyncio.Event().wait()
