"""Which types a message may hold, and how they are described.

A value is: int, float, str, bool, Decimal, None, an Enum of text or whole numbers, a frozen attrs
class with slots whose fields are values, a tuple of values, or a value or None.
"""

from __future__ import annotations

import types
import typing
from decimal import Decimal
from enum import Enum
from typing import Any, Union, get_args, get_origin

import attrs

SCALARS: tuple[type, ...] = (int, float, str, bool, Decimal)
DEPTH_MAX = 8
"""Values nested deeper than this are refused; it also ends a class that holds itself."""


def fields_of(cls: type) -> dict[str, Any]:
    """Return the fields of an attrs class by name, with their types resolved."""
    attrs.resolve_types(cls)
    return {field.name: field.type for field in attrs.fields(cls)}


def is_optional(kind: Any) -> bool:
    """Return True for ``X | None``."""
    return (
        get_origin(kind) in (Union, types.UnionType)
        and types.NoneType in get_args(kind)
        and len(get_args(kind)) == 2
    )


def is_tuple(kind: Any) -> bool:
    """Return True for ``tuple[...]``."""
    return get_origin(kind) is tuple


def enums_of(kind: Any) -> tuple[type[Enum], ...]:
    """Return the enums that ``kind`` is, or holds in a tuple or beside None."""
    if _is_enum(kind):
        return (kind,)
    return tuple(enum for part in get_args(kind) for enum in enums_of(part))


def is_plain(kind: Any) -> bool:
    """Return True when JSON carries a value of ``kind`` as it is."""
    kind = _unwrap(kind)
    if kind in (int, str, bool):
        return True
    if _is_enum(kind):
        return issubclass(kind, (str, int))
    if is_tuple(kind):
        return all(is_plain(part) for part in get_args(kind) if part is not Ellipsis)
    if is_optional(kind):
        return all(is_plain(part) for part in get_args(kind) if part is not types.NoneType)
    return False


def describe(kind: Any, depth: int = 0) -> str:
    """Spell ``kind`` out, down to plain values.

    Raises:
        TypeError: it is not a value, or it is nested too deeply.
    """
    kind = _unwrap(kind)
    if depth > DEPTH_MAX:
        raise TypeError(f"{kind!r} is nested more than {DEPTH_MAX} deep")
    if kind in SCALARS:
        return str(kind.__name__)
    if _is_enum(kind):
        return _describe_enum(kind)
    if is_tuple(kind):
        return _describe_tuple(get_args(kind), depth)
    if is_optional(kind):
        inner = next(part for part in get_args(kind) if part is not types.NoneType)
        return f"{describe(inner, depth + 1)} | None"
    if isinstance(kind, type) and attrs.has(kind):
        return _describe_value(kind, depth)
    raise TypeError(f"expected an immutable value, was {kind!r}")


def why_not_a_value(cls: type) -> str:
    """Return why ``cls`` is not a frozen, slotted, keyword-only attrs class; empty if it is."""
    if not attrs.has(cls):
        return f"{cls.__name__} is not an attrs class"
    if not attrs.inspect(cls).is_frozen:
        return f"{cls.__name__} is not frozen"
    if not attrs.inspect(cls).is_slotted or cls.__dictoffset__:
        return f"{cls.__name__} has no slots"
    loose = [field.name for field in attrs.fields(cls) if field.init and not field.kw_only]
    if loose:
        return f"{cls.__name__} takes {', '.join(loose)} by position"
    return ""


def _describe_enum(kind: type[Enum]) -> str:
    if not all(type(member.value) in (str, int) for member in kind):
        raise TypeError(f"{kind.__name__} has members that are neither text nor whole numbers")
    return f"{kind.__name__}[{', '.join(str(member.value) for member in kind)}]"


def _describe_tuple(parts: tuple[Any, ...], depth: int) -> str:
    names = ["..." if part is Ellipsis else describe(part, depth + 1) for part in parts]
    return f"tuple[{', '.join(names)}]"


def _describe_value(cls: type, depth: int) -> str:
    if reason := why_not_a_value(cls):
        raise TypeError(reason)
    fields = (f"{name}: {describe(kind, depth + 1)}" for name, kind in fields_of(cls).items())
    return f"{cls.__name__}({', '.join(fields)})"


def _unwrap(kind: Any) -> Any:
    """Return the type behind a NewType."""
    while isinstance(kind, typing.NewType):
        kind = kind.__supertype__
    return kind


def _is_enum(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, Enum)
