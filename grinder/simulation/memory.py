"""How long the venue's reads remember, by the rules that it documents."""

from __future__ import annotations

DAY_MS = 24 * 3600 * 1000

UNFILLED_MEMORY_MS = 3 * DAY_MS
"""An order that ended without a fill is shown this long, counted from its creation."""

MEMORY_MS = 90 * DAY_MS
"""Nothing that ended is shown longer than this; fills and income neither."""

RECENT_MS = 7 * DAY_MS
"""What a list shows that is asked for neither a time nor an id."""


def is_forgotten(created_ms: int, now_ms: int, *, is_filled: bool) -> bool:
    """Say whether an order that has ended is shown no longer.

    Args:
        created_ms: when it was accepted, epoch ms; the venue counts from there, not from its end.
        now_ms: epoch ms.
        is_filled: whether any of it was.
    """
    return now_ms - created_ms > (MEMORY_MS if is_filled else UNFILLED_MEMORY_MS)


def oldest_ms(now_ms: int | None, *, is_ranged: bool) -> int:
    """Return the time before which a list shows nothing; 0 when ``now_ms`` is not told.

    ``is_ranged`` says that it was asked for from a time or an id on.
    """
    if now_ms is None:
        return 0
    return now_ms - (MEMORY_MS if is_ranged else RECENT_MS)
