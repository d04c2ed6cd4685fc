"""Fields of control commands: read with bounds, so that no order of a test breaks the venue."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

TEXT_MAX = 4096
AMOUNT_MAX = Decimal(10**12)
WHOLE = re.compile(r"-?[0-9]{1,19}")
NUMBER = re.compile(r"[0-9]{1,20}(\.[0-9]{1,20})?")

_MISSING = object()


def text(wanted: Mapping[str, Any], name: str, default: str | None = None) -> str:
    """Return a text.

    Raises:
        KeyError: it is missing and has no default.
        ValueError: it is no text, or longer than TEXT_MAX.
    """
    value = wanted[name] if default is None else wanted.get(name, default)
    if not isinstance(value, str) or len(value) > TEXT_MAX:
        raise ValueError(f"{name}: expected a text of at most {TEXT_MAX} characters")
    return value


def whole(
    wanted: Mapping[str, Any], name: str, default: Any = _MISSING, *, least: int, most: int
) -> int:
    """Return a whole number from ``least`` to ``most``; a text of digits will do.

    Raises:
        KeyError: it is missing and has no default.
        ValueError: it is none.
    """
    value = wanted[name] if default is _MISSING else wanted.get(name, default)
    if isinstance(value, str) and WHOLE.fullmatch(value):
        value = int(value)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        raise ValueError(f"{name}: expected a whole number from {least} to {most}")
    return value


def amount(
    wanted: Mapping[str, Any], name: str, default: Any = _MISSING, *, may_be_zero: bool = False
) -> Decimal:
    """Return a price or a quantity above zero; a text will do.

    Raises:
        KeyError: it is missing and has no default.
        ValueError: it is none, or not below AMOUNT_MAX.
    """
    value = wanted[name] if default is _MISSING else wanted.get(name, default)
    is_kind = isinstance(value, str | int | float | Decimal) and not isinstance(value, bool)
    shown = format(value, "f") if isinstance(value, Decimal) else str(value) if is_kind else ""
    found = Decimal(shown) if NUMBER.fullmatch(shown) else Decimal(-1)
    if not (0 < found < AMOUNT_MAX or (found == 0 and may_be_zero)):
        raise ValueError(f"{name}: expected a number above 0 and below {AMOUNT_MAX}")
    return found
