"""What Binance's bodies and frames look like, drawn from samples, and how ours differ from it.

The samples stand in ``data/shapes.jsonl``, each with where it comes from: recorded on the live
venue, or published by Binance. A shape is what the samples of one kind show between them:

- an object has every field of the samples, unless the field is listed as optional, and no other;
- a value is of the JSON kind that it has in a sample; a text that is a number stays a number in
  plain digits, and a number does not become a text;
- a text is one of the venue's words where the venue has words for the field (``words.py``).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import attrs
import orjson

from venue.words import FREE, WORDS, names

DATA = Path(__file__).parent / "data" / "shapes.jsonl"
NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]{1,16})?")
DISCRIMINATOR = "filterType"
"""A field whose value decides which other fields an object has."""


@attrs.frozen(kw_only=True)
class Shape:
    """What the samples of one kind show."""

    samples: tuple[Any, ...] = ()
    adds: Mapping[str, Any] = attrs.field(factory=dict)
    """Fields that no sample shows, by path, each with a value as documented."""
    optional: Mapping[str, str] = attrs.field(factory=dict)
    """Fields that may be absent, by path, each with the reason."""


def rows() -> list[dict[str, Any]]:
    """Return the rows of the file of samples."""
    return [orjson.loads(line) for line in DATA.read_bytes().splitlines()]


def load() -> dict[str, Shape]:
    """Return the shapes by kind.

    A kind is ``GET /fapi/v1/order``, ``ws order.place`` (its ``result``) or ``event bookTicker``.
    """
    found: dict[str, Shape] = {}
    for row in rows():
        for kind in row["kinds"]:
            before = found.get(kind, Shape())
            found[kind] = attrs.evolve(
                before,
                samples=before.samples + ((row["payload"],) if "payload" in row else ()),
                adds={**before.adds, **row.get("adds", {})},
                optional={**before.optional, **row.get("optional", {})},
            )
    return found


SHAPES = load()


def differences(kind: str, value: Any) -> list[str]:
    """Return how ``value`` differs from the shape of its kind; one line for each difference."""
    shape = SHAPES.get(kind)
    if shape is None:
        return [f"{kind} has no shape"]
    return [f"{kind}: {each}" for each in _Check(kind, shape).of(value, shape.samples, "")]


class _Check:
    def __init__(self, kind: str, shape: Shape) -> None:
        self._kind = kind
        self._shape = shape

    def of(self, value: Any, samples: Sequence[Any], path: str) -> list[str]:
        if isinstance(value, dict):
            return self._of_object(
                value, [each for each in samples if isinstance(each, dict)], path
            )
        if isinstance(value, list):
            return self._of_list(value, [each for each in samples if isinstance(each, list)], path)
        if isinstance(value, str) and any(isinstance(each, str) and each for each in samples):
            known = names(self._kind, path)
            words = next((WORDS[name] for name in known if name in WORDS), None)
            if words is not None:
                return [] if value in words else [f"{path} is {value!r}, no word of the venue"]
            if value and any(name in FREE for name in known):
                return []
        return _of_kind(value, samples, path)

    def _of_object(self, value: Any, samples: list[Any], path: str) -> list[str]:
        fields: dict[str, list[Any]] = {}
        for sample in samples:
            if _are_variants(value, sample):
                for name, each in sample.items():
                    fields.setdefault(_joined(path, name), []).append(each)
        if not fields and (value or not samples):
            return [f"{path} has the fields of no sample: {sorted(value)}"]
        for inner, each in self._shape.adds.items():
            if inner.rpartition(".")[0] == path:
                fields.setdefault(inner, []).append(each)
        ours = {_joined(path, name): each for name, each in value.items()}
        found = [
            f"{inner} is absent"
            for inner in fields
            if inner not in ours and inner not in self._shape.optional
        ]
        for inner, each in ours.items():
            if inner in fields:
                found += self.of(each, fields[inner], inner)
            else:
                found.append(f"{inner} is unknown")
        return found

    def _of_list(self, value: list[Any], samples: list[Any], path: str) -> list[str]:
        rows = [row for sample in samples for row in sample]
        if not samples or (value and not rows):
            return [f"{path} has rows, which no sample shows"]
        if rows and not isinstance(rows[0], dict | list) and _kind(rows[0]) != "text":
            return self._of_tuple(value, samples, path)
        return list(
            dict.fromkeys(each for row in value for each in self.of(row, rows, f"{path}[]"))
        )

    def _of_tuple(self, value: list[Any], samples: list[Any], path: str) -> list[str]:
        alike = [each for each in samples if len(each) == len(value)]
        if not alike:
            return [f"{path} has {len(value)} values, not {len(samples[0])}"]
        return [
            each
            for place, inner in enumerate(value)
            for each in self.of(inner, [row[place] for row in alike], f"{path}[{place}]")
        ]


def _joined(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _are_variants(value: Mapping[str, Any], sample: Mapping[str, Any]) -> bool:
    if DISCRIMINATOR in sample:
        return bool(value.get(DISCRIMINATOR) == sample[DISCRIMINATOR])
    return not value or not value.keys().isdisjoint(sample)


def _of_kind(value: Any, samples: Sequence[Any], path: str) -> list[str]:
    ours, wanted = _kind(value), {_kind(each) for each in samples}
    if ours == "text" and ours in wanted:
        return [f"{path} is {value!r}; is it free, or of which words? (words.py does not say)"]
    if ours in wanted or (ours == "int" and "float" in wanted):
        return []
    return [f"{path} is {value!r}, not {' or '.join(sorted(wanted))}"]


def _kind(value: Any) -> str:
    if isinstance(value, str):
        if not value:
            return "an empty text"
        return "a number as text" if NUMBER.fullmatch(value) else "text"
    return {type(None): "null", dict: "an object", list: "a list"}.get(
        type(value), type(value).__name__
    )
