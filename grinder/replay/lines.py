"""A message in one readable line."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import attrs

from grinder.replay.causes import Link

ITEMS_MAX = 4
"""Parts of a tuple that are spelled out; of the others only the number is told."""


def line_of(link: Link, at_ns: int) -> str:
    """Return ``link`` as a line: offset from ``at_ns``, who told whom, and what."""
    offset_ms = (link.said_ns - at_ns) / 1e6
    receivers = ", ".join(link.receivers)
    return (
        f"{offset_ms:+12.3f} ms  {link.seq:>9}  {link.sender} -> {receivers}: "
        f"{type(link.body).__name__} {values_of(link.body)}"
    )


def values_of(message: Any) -> str:
    """Return the values of an attrs object, those that say something."""
    shown = []
    for field in attrs.fields(type(message)):
        value = getattr(message, field.name)
        if value is None or value in ("", ()):
            continue
        shown.append(f"{field.name}={_text(value)}")
    return " ".join(shown)


def _text(value: Any) -> str:
    if isinstance(value, tuple):
        shown = [_text(one) for one in value[:ITEMS_MAX]]
        if len(value) > ITEMS_MAX:
            shown.append(f"and {len(value) - ITEMS_MAX} more")
        return "[" + "; ".join(shown) + "]"
    if attrs.has(type(value)):
        return "(" + values_of(value) + ")"
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, float):
        return f"{value:.6g}"
    return str(value)
