"""How the console is asked for a ban of a symbol, and for how long."""

from __future__ import annotations

import re

import attrs

from grinder.model.units import NS_PER_S

UNITS_S = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}
DURATION_MAX_S = 3_650 * UNITS_S["d"]
TEXT_MAX = 500
_DURATION = re.compile(r"([0-9]{1,9})([smhd])")


@attrs.frozen(kw_only=True)
class BanWish:
    """What an operator wants of one symbol."""

    symbol: str
    operator: str
    reason: str
    duration_ns: int
    """0: until it is lifted."""
    is_lifted: bool


def duration_s(text: str) -> int:
    """Return how many seconds ``text`` means, such as 90s, 30m, 2h or 7d; 0 for nothing.

    Raises:
        ValueError: it means none, or more than ten years.
    """
    if not text:
        return 0
    match = _DURATION.fullmatch(text)
    seconds = int(match[1]) * UNITS_S[match[2]] if match else 0
    if not 0 < seconds <= DURATION_MAX_S:
        raise ValueError(f'expected a time such as 90s, 30m, 2h or 7d, was "{text}"')
    return seconds


def wish_of(body: dict[str, object], *, is_lifted: bool) -> BanWish:
    """Return what the body of a request asks for.

    Raises:
        ValueError: it names no symbol or no operator, or no time where one should stand.
    """
    symbol, operator = body.get("symbol"), body.get("operator")
    if not isinstance(operator, str) or not operator.strip():
        raise ValueError("expected a JSON body that names the operator")
    if not isinstance(symbol, str):
        raise ValueError("expected a JSON body that names the symbol")
    return BanWish(
        symbol=symbol,
        operator=operator[:TEXT_MAX],
        reason=str(body.get("detail", ""))[:TEXT_MAX],
        duration_ns=duration_s(str(body.get("for", ""))) * NS_PER_S,
        is_lifted=is_lifted,
    )
