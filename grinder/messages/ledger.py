"""What it was worth. Said by LedgerActor."""

from __future__ import annotations

from decimal import Decimal
from typing import ClassVar

import attrs

from grinder.kernel.message import Message


@attrs.frozen(kw_only=True)
class FeesPaid:
    """Fees of one asset, in that asset; positive when paid."""

    asset: str
    amount: Decimal


@attrs.frozen(kw_only=True)
class LedgerChanged(Message):
    """Totals of one symbol since the run started; money in quote units."""

    version: ClassVar[int] = 2
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
    other_fees: tuple[FeesPaid, ...] = ()
    """Paid in anything but the quote asset; not in ``fees``."""


@attrs.frozen(kw_only=True)
class PortfolioChanged(Message):
    """Totals of all symbols since the run started; money in quote units."""

    fills: int
    realized_pnl: Decimal
    fees: Decimal
    other_fees: tuple[FeesPaid, ...]
    funding: Decimal
    unrealized_pnl: Decimal
    net_pnl: Decimal
    """Realised, unrealised and funding, less fees of the quote asset."""


@attrs.frozen(kw_only=True)
class RoundTrip:
    """A position that went from flat to flat. Money in quote units, times in ms of the venue."""

    row_id: str
    """SHA-1 of symbol, direction, both times, both prices and the quantity."""
    symbol: str
    direction: str
    """long or short."""
    entry_ts: int
    """Of the first entry fill."""
    entry_price: Decimal
    """Weighted average, to 28 digits."""
    entry_qty: Decimal
    entry_fee: Decimal
    """Sum of what was paid in the quote asset; so is the other."""
    entry_fill_count: int
    exit_ts: int
    """Of the last exit fill."""
    exit_price: Decimal
    exit_qty: Decimal
    exit_fee: Decimal
    exit_fill_count: int
    realized_pnl: Decimal
    """Exact: from the sums, not from the averages."""
    net_pnl: Decimal
    """Realised less both fees; funding is not in it."""
    pnl_bps: int
    """Net of the notional, rounded half to even; 0 without notional."""
    holding_time_ms: int
    notional: Decimal
    """What the entries were worth."""
    outcome: str
    """win, loss or breakeven, by ``net_pnl``."""
    source: str
    """paper or live."""
    dataset_version: str


@attrs.frozen(kw_only=True)
class RoundTripCompleted(RoundTrip, Message):
    """A position went from flat to flat; a restarted LedgerActor may say one again (``row_id``)."""


@attrs.frozen(kw_only=True)
class DayTotals:
    """Totals of one UTC day, of all runs of the account that are in the books."""

    day: str
    """ISO 8601."""
    fills: int
    realized_pnl: Decimal
    fees: Decimal
    funding: Decimal
    round_trips: int
    wins: int
    losses: int
    equity_open: Decimal | None
    """Wallet and unrealised profit when first heard of that day; None before."""
    equity_low: Decimal | None
    equity_high: Decimal | None
    equity: Decimal | None
    """When last heard."""


@attrs.frozen(kw_only=True)
class DayChanged(DayTotals, Message):
    """A day has other totals: said to all, and told to the books, which keep the equity."""
