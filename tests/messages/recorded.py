"""The recorded schema of messages, and the command that brings it up to date.

Run ``make records`` after changing a message and raising its ``version``. A class whose fields
changed under the same version is refused.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from grinder.messages.codec import CODEC

FILE = Path(__file__).with_name("schema.json")
COMMAND = "make records"

Schema = dict[str, dict[str, Any]]


def recorded() -> Schema:
    """Return the schema as it was last recorded."""
    schema: Schema = json.loads(FILE.read_text(encoding="utf-8"))
    return schema


def unversioned_changes(before: Schema, after: Schema) -> list[str]:
    """Say which classes changed without a higher version; each entry is a sentence."""
    problems = []
    for name in sorted(before.keys() & after.keys()):
        old, new = before[name], after[name]
        if new["version"] < old["version"]:
            problems.append(f"{name}: version fell from {old['version']} to {new['version']}")
        elif new["version"] == old["version"] and not _same(old, new):
            problems.append(
                f"{name}: {_difference(old['fields'], new['fields'])}, but version is still "
                f"{old['version']}: raise it in the class, then run {COMMAND}"
            )
    return problems


def is_current(before: Schema, after: Schema) -> bool:
    """Return True when nothing has to be recorded."""
    return before.keys() == after.keys() and all(_same(before[n], after[n]) for n in after)


def update() -> list[str]:
    """Record the schema of today; return the problems that forbid it."""
    before = recorded() if FILE.exists() else {}
    problems = unversioned_changes(before, CODEC.schema())
    if not problems:
        FILE.write_text(json.dumps(CODEC.schema(), indent=1) + "\n", encoding="utf-8")
    return problems


def _same(old: dict[str, Any], new: dict[str, Any]) -> bool:
    # The order of fields is part of the bytes.
    same_order = list(old["fields"].items()) == list(new["fields"].items())
    return bool(same_order and old["version"] == new["version"])


def _difference(old: dict[str, str], new: dict[str, str]) -> str:
    parts = [
        *(f"{name} was added" for name in new if name not in old),
        *(f"{name} was removed" for name in old if name not in new),
        *(
            f"{name} was {old[name]} and is {new[name]}"
            for name in new
            if name in old and old[name] != new[name]
        ),
    ]
    return "; ".join(parts) or "the order of fields changed"


if __name__ == "__main__":
    if sys.argv[1:] != ["--update"]:
        sys.exit(f"expected --update; run {COMMAND}")
    if found := update():
        sys.exit("\n".join(found))
