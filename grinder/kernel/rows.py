"""Rows: what messages are where the same few classes are written by the million.

A message is ``[<class name>, <version>, [<value>, ...]]``, with values in the order of its fields.
A value object in a field, or a tuple of them, is folded: it stands as a list of rows of values
alone. Where the very same object has been folded before in the same document, its number stands
instead, counted from 0: what one actor has said and others pass on is written once. ``nested`` says
what is folded; whoever stores rows stores that beside them, and unfolds them when he reads.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from math import isfinite
from typing import Any, get_args

import attrs

from grinder.kernel.message import Message
from grinder.kernel.schema import describe, enums_of, fields_of, is_optional, is_tuple

Row = tuple[str, int, tuple[Any, ...]]
"""Class name, version, and the values of the fields in the order of the class."""
Seen = dict[int, int]
"""Number of each object that was folded, by its identity; they live as long as the document."""
RowWriter = Callable[[Any, Seen], Any]
"""Returns something that JSON carries, or that has a writer itself, in place of a value."""
Hooks = Callable[[Any], Callable[[Any], Any]]
"""Returns what spells the values of a type out, and refuses floats that are not finite."""
Columns = dict[type, Callable[[Any], Any]]
"""What makes a row of values alone of an object, by class."""
Nested = Mapping[str, Iterable[tuple[int, bool, Iterable[str]]]]
"""What is folded by class of message: place among the values, whether it is a tuple of objects
rather than one, and the names of what a row of it holds."""


def nested_in(cls: type[Message]) -> tuple[tuple[int, bool, tuple[str, ...]], ...]:
    """Return what is folded in a message of this class."""
    return tuple(
        (place, is_tuple(kind), tuple(fields_of(inner)))
        for place, kind in enumerate(fields_of(cls).values())
        if (inner := _folded_class(kind)) is not None
    )


def row_writer(cls: type[Message], hook_of: Hooks, columns: Columns) -> RowWriter:
    """Compile what ``cls`` is as a row: one expression, several times faster than a loop.

    ``columns`` holds what was compiled for objects that are folded; what is missing is added.
    """
    fields = fields_of(cls)
    floats = [name for name, kind in fields.items() if kind is float]
    names = {"isfinite": isfinite, "check": _finite_check(cls, floats), "fold": _fold}
    values = []
    for name, kind in fields.items():
        inner = _folded_class(kind)
        if inner is not None:
            names[f"row_{name}"] = _columns_of(inner, hook_of, columns)
            values.append(f"fold(m.{name}, seen, row_{name})")
        elif kind is float:
            values.append(f"m.{name}")
        else:
            values.append(_expression(name, kind, names, hook_of))
    row = f"({cls.__name__!r}, {cls.version}, {_tuple_of(values)})"
    if floats:
        # Large numbers may add up to what is not finite: then they are looked at one by one.
        row += f" if isfinite({' + '.join(f'm.{name}' for name in floats)}) or check(m) else None"
    writer: RowWriter = eval(f"lambda m, seen: {row}", names)
    return writer


def unfold(row: list[Any], nested: Nested, met: list[Any]) -> None:
    """Put each object of a row that was read back in its place, as a document by field names.

    ``met`` holds those of the same document that came before; this one's are added to it.

    Raises:
        ValueError: it does not fit ``nested``, or names one that did not come before.
    """
    values = row[2]
    for place, is_many, names in nested.get(row[0], ()):
        value = values[place]
        if isinstance(value, int) and 0 <= value < len(met):
            values[place] = met[value]
        elif isinstance(value, list) and value:
            objects = [dict(zip(names, one, strict=True)) for one in value]
            values[place] = objects if is_many else objects[0]
            met.append(values[place])
        elif value not in (None, []):
            raise ValueError(f"{row[0]}: there is no object {value!r}")


def _folded_class(kind: Any) -> type | None:
    """Return the class of objects that a field of this type holds; None if it holds none."""
    if is_tuple(kind):
        part, *rest = get_args(kind)
        return _with_fields(part) if rest == [Ellipsis] else None
    if is_optional(kind):
        kind = next(part for part in get_args(kind) if part is not type(None))
    return _with_fields(kind)


def _with_fields(kind: Any) -> type | None:
    return kind if isinstance(kind, type) and attrs.has(kind) and attrs.fields(kind) else None


def _finite_check(cls: type, floats: list[str]) -> Callable[[Message], bool]:
    def check(message: Message) -> bool:
        for name in floats:
            number = getattr(message, name)
            if not isfinite(number):
                raise ValueError(f"{cls.__name__}: expected a finite {name}, was {number}")
        return True

    return check


def _fold(value: Any, seen: Seen, row_of: Callable[[Any], Any]) -> Any:
    """Return the rows of an object, or of a tuple of them, the first time, then their number."""
    is_many = value.__class__ is tuple
    if value is None or (is_many and not value):
        return value
    number = seen.get(id(value))
    if number is not None:
        return number
    seen[id(value)] = len(seen)
    return list(map(row_of, value)) if is_many else (row_of(value),)


def _columns_of(cls: type, hook_of: Hooks, columns: Columns) -> Callable[[Any], Any]:
    """Return what makes a row of values alone of an object that is folded."""
    row_of = columns.get(cls)
    if row_of is None:
        names: dict[str, Any] = {}
        values = [_expression(name, kind, names, hook_of) for name, kind in fields_of(cls).items()]
        row_of = columns[cls] = eval(f"lambda m: {_tuple_of(values)}", names)
    return row_of


def _expression(name: str, kind: Any, names: dict[str, Any], hook_of: Hooks) -> str:
    """Return the source of what stands for a field; what it calls is added to ``names``."""
    # JSON has no word for what is not finite, and its writer would not refuse it.
    if "float" in describe(kind):
        names[f"write_{name}"] = hook_of(kind)
        return f"write_{name}(m.{name})"
    # The writer of the JSON asks an enum for its value by two Python calls, each time.
    return f"m.{name}._value_" if enums_of(kind) == (kind,) else f"m.{name}"


def _tuple_of(values: list[str]) -> str:
    return f"({''.join(f'{value}, ' for value in values)})"
