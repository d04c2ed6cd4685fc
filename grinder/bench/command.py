"""The command: start each measurement in a process of its own, and show what they found."""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from grinder.bench.figures import Result
from grinder.bench.table import MEASUREMENTS, Measurement, find

CHILD_TIMEOUT_S = 1_800.0


class MeasurementError(RuntimeError):
    """A child did not come back with figures; the text is the end of what it said."""


def main(argv: Sequence[str]) -> int:
    """Measure and print; return 1 when a measurement failed, which missing a target is not."""
    options = _parser().parse_args(list(argv))
    found: dict[str, Result] = {}
    failed: list[str] = []
    for one in options.only:
        if not options.json:
            sys.stderr.write(f"{one.letter} {one.name}: {one.title} ...\n")
        try:
            found[one.name] = measured(one, is_short=options.short)
        except MeasurementError as error:
            failed.append(one.name)
            sys.stderr.write(f"error: {one.name}: {error}\n")
    report = {"machine": machine(), "is_short": options.short, "measurements": found}
    if options.json:
        sys.stdout.write(json.dumps(report, indent=2) + "\n")
    else:
        Console().print(table_of(found, is_short=options.short))
    return 1 if failed else 0


def _parser() -> argparse.ArgumentParser:
    listed = "\n".join(f"  {one.letter}  {one.name:<9} {one.title}" for one in MEASUREMENTS)
    parser = argparse.ArgumentParser(
        prog="grinder bench",
        description=f"Measure the assembled system.\n\n{listed}",
        epilog="docs/performance.md says what the figures mean. Exit codes: 0 measured, 1 a "
        "measurement failed, 2 wrong usage. Missing a target is no failure.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--json", action="store_true", help="print everything as JSON")
    parser.add_argument(
        "--short", action="store_true", help="show that it runs; figures mean little"
    )
    parser.add_argument(
        "--only",
        type=_chosen,
        default=MEASUREMENTS,
        metavar="A,B,...",
        help="letters or names of what to measure",
    )
    return parser


def _chosen(text: str) -> tuple[Measurement, ...]:
    try:
        return tuple(find(word.strip()) for word in text.split(","))
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def measured(one: Measurement, *, is_short: bool) -> Result:
    """Return what a child process found.

    Raises:
        MeasurementError: it failed, or took far too long.
    """
    command = [sys.executable, "-m", "grinder.bench.child", one.name]
    try:
        child = subprocess.run(
            [*command, "--short"] if is_short else command,
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=CHILD_TIMEOUT_S,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise MeasurementError(f"no end within {CHILD_TIMEOUT_S:.0f} s") from error
    if child.returncode != 0:
        lines = child.stderr.strip().splitlines()
        raise MeasurementError(lines[-1] if lines else f"exit code {child.returncode}")
    found: Result = json.loads(child.stdout)
    return found


def machine() -> Result:
    """Return what the figures depend on besides the code."""
    return {
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "platform": platform.platform(),
        "cpus": os.cpu_count(),
        "load": [round(value, 2) for value in os.getloadavg()],
    }


def table_of(found: dict[str, Result], *, is_short: bool) -> Table:
    """Return every figure in a row, and the targets with whether they are met."""
    title = "short: these figures mean little" if is_short else "median [least..greatest]"
    table = Table("what", "figure", title=title)
    for name, result in found.items():
        for path, value in _rows(result):
            table.add_row(f"{name}: {path}", value)
        for one in _targets(result):
            verdict = "met" if one["is_met"] else "missed"
            bound = f"{one['must_be']} {one['bound']}"
            table.add_row(f"{name}: target {one['name']}", f"{one['value']}, {bound}: {verdict}")
        table.add_section()
    return table


def _targets(result: Result) -> list[Result]:
    listed = result.get("targets")
    return listed if isinstance(listed, list) else []


def _rows(value: object, path: str = "") -> list[tuple[str, str]]:
    if not isinstance(value, dict):
        return [(path, str(value))]
    if value.keys() == {"median", "min", "max"}:
        return [(path, f"{value['median']:g} [{value['min']:g}..{value['max']:g}]")]
    return [
        row
        for key, inner in value.items()
        if key != "targets"
        for row in _rows(inner, f"{path} {key}".strip())
    ]
