"""Where the ids of a venue begin: at its start, so that those of two runs never meet."""

from __future__ import annotations

import attrs

ORDER_ID_BITS = 11
"""Order ids per millisecond of a run, as a power of two: two million a second."""
ORDER_ID_MAX = 2**53 - 1
"""The largest id that a client in JavaScript reads exactly; those recorded of BTCUSDT are less."""
ALGO_ID_BASE = 10**15
"""The venue's ids of conditional orders have sixteen digits."""


@attrs.frozen(kw_only=True)
class LastIds:
    """The ids given out before the first one of a run."""

    order: int = 0
    algo: int = 0
    trade: int = 0
    """Of every symbol."""
    income: int = 0
    """Of every account."""


def ids_before(start_ms: int) -> LastIds:
    """Return what an exchange has to count on from, when it starts at ``start_ms``, epoch ms.

    Order ids have sixteen digits and repeat after the year 2109; the others are the start itself,
    so that a run of up to a thousand ids a second ends before the ids of a later one begin. An
    exchange without a start counts from 1.
    """
    if not start_ms:
        return LastIds()
    return LastIds(
        order=(start_ms << ORDER_ID_BITS) & ORDER_ID_MAX,
        algo=ALGO_ID_BASE + start_ms,
        trade=start_ms,
        income=start_ms,
    )
