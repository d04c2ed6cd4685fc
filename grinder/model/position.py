"""A position in one-way mode."""

from __future__ import annotations

from decimal import Decimal

import attrs


@attrs.frozen(kw_only=True)
class Position:
    """What is held of one symbol. ``qty_lots`` is signed: positive long, negative short."""

    symbol: str
    qty_lots: int = 0
    entry_price: Decimal = Decimal(0)
    """Average entry price in quote per base, as the venue states it; 0 when flat."""
    unrealized_pnl: Decimal = Decimal(0)
    updated_ns: int = 0
