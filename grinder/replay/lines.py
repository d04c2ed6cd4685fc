"""A message in one readable line."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import attrs

from grinder.replay.causes import Link

ITEMS_MAX = 4
"""Parts of a tuple that are spelled out; of the others only the number is told."""


Focus = tuple[str, str]
"""The client order id and the level that somebody asks for."""


def line_of(link: Link, at_ns: int, focus: Focus = ("", "")) -> str:
    """Return ``link`` as a line: offset from ``at_ns``, who told whom, and what."""
    offset_ms = (link.said_ns - at_ns) / 1e6
    receivers = ", ".join(link.receivers)
    return (
        f"{offset_ms:+12.3f} ms  {link.seq:>9}  {link.sender} -> {receivers}: "
        f"{type(link.body).__name__} {values_of(link.body, focus)}"
    )


def values_of(message: Any, focus: Focus = ("", "")) -> str:
    """Return the values of an attrs object, those that say something.

    Of intents, orders and the like only those in ``focus`` are told, where there is one.
    """
    shown = []
    for field in attrs.fields(type(message)):
        value = getattr(message, field.name)
        if value is None or value in ("", ()):
            continue
        shown.append(f"{field.name}={_text(value, focus)}")
    return " ".join(shown)


def _text(value: Any, focus: Focus) -> str:
    if isinstance(value, tuple):
        return _texts(value, focus)
    if attrs.has(type(value)):
        return "(" + values_of(value, focus) + ")"
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, float):
        return f"{value:.6g}"
    return str(value)


def _texts(values: tuple[Any, ...], focus: Focus) -> str:
    wanted = [one for one in values if _is_in(one, focus)] or list(values[:ITEMS_MAX])
    shown = [_text(one, focus) for one in wanted]
    if len(values) > len(wanted):
        shown.append(f"and {len(values) - len(wanted)} more")
    return "[" + "; ".join(shown) + "]"


def _is_in(value: Any, focus: Focus) -> bool:
    name, level = focus
    by_name = getattr(value, "client_order_id", "")
    if by_name:
        return by_name == name
    return bool(level) and getattr(value, "level", "") == level
