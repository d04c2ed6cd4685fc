"""Features of one best bid and ask."""

from __future__ import annotations

from grinder.features.volatility import round_half_even
from grinder.model.units import BPS


def imbalance_bps(bid_lots: int, ask_lots: int) -> int:
    """Return 10,000 x (bid - ask) / (bid + ask), half to even, in [-10,000, 10,000].

    0 when both are empty.
    """
    total = bid_lots + ask_lots
    return round_half_even(BPS * (bid_lots - ask_lots), total) if total > 0 else 0
