"""The state of an actor, for people: everything it holds, down to plain values."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Set
from decimal import Decimal
from enum import Enum
from typing import Any

import attrs

from grinder.kernel.actor import Actor
from grinder.kernel.address import Address

DEPTH_MAX = 8
ITEMS_MAX = 200
_MACHINERY = frozenset({"me", "_timer", "_outbox", "_is_ready", "_wants_exit", "_has_news"})


def state_of(actor: Actor) -> dict[str, Any]:
    """Return what ``actor`` holds, as JSON carries it; what lies too deep is named by its class."""
    return {name: _plain(value, 0) for name, value in vars(actor).items() if name not in _MACHINERY}


def _plain(value: Any, depth: int) -> Any:
    if isinstance(value, Enum):
        return value.value
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, Address):
        return value.name
    if depth >= DEPTH_MAX:
        return type(value).__name__
    if isinstance(value, Mapping):
        items = list(value.items())[:ITEMS_MAX]
        return {_key(name): _plain(one, depth + 1) for name, one in items}
    if isinstance(value, Set):
        return sorted((_plain(one, depth + 1) for one in list(value)[:ITEMS_MAX]), key=str)
    if isinstance(value, list | tuple | deque):
        return [_plain(one, depth + 1) for one in list(value)[:ITEMS_MAX]]
    if attrs.has(type(value)):
        names = [field.name for field in attrs.fields(type(value))]
        return {name: _plain(getattr(value, name), depth + 1) for name in names}
    held = _held(value)
    return {name: _plain(one, depth + 1) for name, one in held.items()} or type(value).__name__


def _key(value: Any) -> str:
    return value if isinstance(value, str) else str(_plain(value, DEPTH_MAX - 1))


def _held(value: Any) -> dict[str, Any]:
    if callable(value):
        return {}
    held = dict(vars(value)) if hasattr(value, "__dict__") else {}
    for cls in type(value).__mro__:
        slots = getattr(cls, "__slots__", ())
        for name in (slots,) if isinstance(slots, str) else slots:
            if hasattr(value, name):
                held[name] = getattr(value, name)
    return held
