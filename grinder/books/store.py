"""What a store of the books promises, and one in memory for runs in virtual time."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any, Final, Protocol

import attrs

from grinder.ledger.days import begin_of, day_of, nothing_of
from grinder.messages.books import (
    BookBase,
    BookFill,
    BookFunding,
    BooksRestored,
    RestoreBooks,
    SymbolBooks,
)
from grinder.messages.ledger import DayChanged, DayTotals, RoundTrip
from grinder.model.trip import TripState
from grinder.model.units import NS_PER_MS

Row = BookBase | BookFill | BookFunding | DayChanged

IDS_MAX: Final = 500
"""Trades, and payments, that a start is told the numbers of."""


class Store(Protocol):
    """Rows of one account. Every method raises BooksError when the store can't be reached."""

    def write(self, rows: Sequence[Row]) -> int:
        """Keep all of ``rows`` or none; return how many were kept before with other values.

        A fill that is kept already changes nothing, and nor does what follows from it.
        """

    def restore(self, request: RestoreBooks, now_ns: int) -> BooksRestored:
        """Return what was kept; an account that is not known begins now.

        Raises:
            BooksError: what was kept contradicts itself.
        """

    def close(self) -> None:
        """Let go of everything. Idempotent."""


class MemoryStore:
    """The same in memory; outlives ports and processes of virtual time."""

    def __init__(self) -> None:
        self.since_ns = 0
        self.fills: dict[tuple[str, int], BookFill] = {}
        self.funding: dict[tuple[str, int], BookFunding] = {}
        self.states: dict[str, TripState] = {}
        self.trips: dict[str, RoundTrip] = {}
        self.days: dict[str, DayChanged] = {}

    def write(self, rows: Sequence[Row]) -> int:
        """Keep rows."""
        return sum(self._keep(row) for row in rows)

    def _keep(self, row: Row) -> bool:
        """Keep one row; return whether it contradicts one that is kept."""
        if isinstance(row, BookBase):
            self.states[row.state.symbol] = row.state
        elif isinstance(row, DayChanged):
            if row.equity is not None:
                self.days[row.day] = row
        elif isinstance(row, BookFunding):
            kept = self.funding.setdefault((row.symbol, row.transaction_id), row)
            return kept != row
        else:
            known = self.fills.get((row.symbol, row.trade_id))
            if known is not None:
                return facts_of(known) != facts_of(row)
            self.fills[row.symbol, row.trade_id] = row
            self.states[row.state.symbol] = row.state
            self.trips.update((one.row_id, one) for one in row.trips)
        return False

    def restore(self, request: RestoreBooks, now_ns: int) -> BooksRestored:
        """Return what was kept."""
        self.since_ns = self.since_ns or request.started_ns
        payments = sorted(self.funding.values(), key=lambda one: one.event_ns)
        known = [self._symbol(name) for name in request.symbols if name in self.states]
        return BooksRestored(
            token=request.token,
            since_ns=self.since_ns,
            funding_since_ns=payments[-1].event_ns if payments else self.since_ns,
            payments=tuple((one.symbol, one.transaction_id) for one in payments[-IDS_MAX:]),
            symbols=tuple(known),
            day=self._day(day_of(now_ns), request.quote_asset),
        )

    def _symbol(self, symbol: str) -> SymbolBooks:
        fills = sorted(
            (one for one in self.fills.values() if one.symbol == symbol),
            key=lambda one: one.trade_id,
        )
        return SymbolBooks(
            state=self.states[symbol],
            trade_ids=tuple(one.trade_id for one in fills[-IDS_MAX:]),
            has_more=len(fills) > IDS_MAX,
            last_ns=max((one.event_ns for one in fills), default=0),
        )

    def _day(self, day: str, quote_asset: str) -> DayTotals | None:
        begin_ns = begin_of(day)
        trips = self.trips.values()
        return total_of(
            self.days.get(day, nothing_of(day)),
            [one for one in self.fills.values() if one.event_ns >= begin_ns],
            [one.amount for one in self.funding.values() if one.event_ns >= begin_ns],
            [one.outcome for one in trips if one.exit_ts * NS_PER_MS >= begin_ns],
            quote_asset,
        )

    def close(self) -> None:
        """Need nothing."""


def facts_of(fill: BookFill) -> tuple[object, ...]:
    """Return what the venue says of a fill: the same whenever and by whom it is told."""
    return (fill.order_id, fill.side, fill.price, fill.qty, fill.fee, fill.event_ns)


def total_of(
    seen: DayChanged,
    fills: Iterable[Any],
    payments: Iterable[Decimal],
    outcomes: Sequence[str],
    quote_asset: str,
) -> DayTotals | None:
    """Return a day with the equity of ``seen`` and the sums of its rows; None of nothing.

    ``fills`` have the fields ``realized_pnl``, ``fee`` and ``fee_asset``.
    """
    rows = list(fills)
    fees = [one.fee for one in rows if one.fee_asset == quote_asset]
    day = attrs.evolve(
        seen,
        fills=len(rows),
        realized_pnl=sum((one.realized_pnl for one in rows), Decimal(0)),
        fees=sum(fees, Decimal(0)),
        funding=sum(payments, Decimal(0)),
        round_trips=len(outcomes),
        wins=outcomes.count("win"),
        losses=outcomes.count("loss"),
    )
    return None if day == nothing_of(seen.day) else DayTotals(**attrs.asdict(day))
