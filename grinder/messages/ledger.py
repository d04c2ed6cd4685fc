"""What it was worth. Said by LedgerActor."""

from __future__ import annotations

from decimal import Decimal
from typing import ClassVar

import attrs

from grinder.kernel.message import Message


@attrs.frozen(kw_only=True)
class LedgerChanged(Message):
    """Totals of one symbol since the run started; money in quote units."""

    conflate_by: ClassVar[str | None] = "symbol"

    symbol: str
    fills: int
    position_lots: int
    average_price: Decimal
    realized_pnl: Decimal
    """Before fees and funding."""
    fees: Decimal
    """Paid, positive."""
    funding: Decimal
    """Received, negative when paid."""
    unrealized_pnl: Decimal
    """At the last mark price heard."""
