"""Numbers that may only fall, and the command that lowers them.

Run ``make records`` to record today's numbers where they are lower.
"""

from __future__ import annotations

import json
import statistics
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from tidy import source
from tidy.source import Measure

FILE = Path(__file__).with_name("ratchet.json")
COMMAND = "make records"

LIMITS = {
    "file_lines_max": 400,
    "function_lines_max": 50,
    "function_lines_p90": 35,
    "class_lines_max": 250,
    "class_methods_max": 20,
    "constructor_arguments_max": 7,
}
"""What no edit of the recorded numbers may exceed."""

MEASURED: dict[str, Callable[[], list[Measure]]] = {
    "file_lines_max": lambda: source.file_lengths(source.CODE, source.TESTS),
    "function_lines_max": source.function_lengths,
    "class_lines_max": source.class_lengths,
    "class_methods_max": source.method_counts,
    "constructor_arguments_max": source.constructor_widths,
}


def recorded() -> dict[str, int]:
    """Return the numbers as they were last recorded."""
    numbers: dict[str, int] = json.loads(FILE.read_text(encoding="utf-8"))
    return numbers


def over(measures: Sequence[Measure], limit: int) -> list[str]:
    """Say what is larger than ``limit``, largest first."""
    found = sorted((m for m in measures if m.size > limit), key=lambda m: -m.size)
    return [f"{measure.place}: {measure.size}, at most {limit}" for measure in found]


def today() -> dict[str, int]:
    """Measure every number."""
    numbers = {
        name: max((measure.size for measure in measure_all()), default=0)
        for name, measure_all in MEASURED.items()
    }
    lengths = [measure.size for measure in source.function_lengths()]
    numbers["function_lines_p90"] = round(statistics.quantiles(lengths, n=10)[-1])
    numbers["suppressions"] = len(source.suppressions())
    return numbers


def lower() -> dict[str, int]:
    """Record today's numbers where they are lower than the recorded ones, and return them."""
    before, now = recorded(), today()
    numbers = {name: min(before.get(name, now[name]), now[name]) for name in now}
    FILE.write_text(json.dumps(numbers, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    return numbers


if __name__ == "__main__":
    if sys.argv[1:] != ["--lower"]:
        sys.exit(f"expected --lower; run {COMMAND}")
    lower()
