"""What each UTC day has brought, over all runs that are in the books."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from decimal import Decimal

import attrs

from grinder.messages.books import BookFill, BookFunding
from grinder.messages.ledger import DayChanged, DayTotals
from grinder.model.units import NS_PER_S

_ZERO = Decimal(0)


def day_of(at_ns: int) -> str:
    """Return the UTC day of a time in ns since the epoch, in ISO 8601."""
    return datetime.fromtimestamp(at_ns // NS_PER_S, UTC).date().isoformat()


def begin_of(day: str) -> int:
    """Return when ``day`` begins, in ns since the epoch."""
    return int(datetime.fromisoformat(day).replace(tzinfo=UTC).timestamp()) * NS_PER_S


def nothing_of(day: str) -> DayChanged:
    """Return a day on which nothing has happened."""
    return DayChanged(
        day=day,
        fills=0,
        realized_pnl=_ZERO,
        fees=_ZERO,
        funding=_ZERO,
        round_trips=0,
        wins=0,
        losses=0,
        equity_open=None,
        equity_low=None,
        equity_high=None,
        equity=None,
    )


def with_equity(day: DayChanged, equity: Decimal) -> DayChanged:
    """Return ``day`` after the account was seen to be worth ``equity``."""
    low, high = day.equity_low, day.equity_high
    return attrs.evolve(
        day,
        equity_open=equity if day.equity_open is None else day.equity_open,
        equity_low=equity if low is None else min(low, equity),
        equity_high=equity if high is None else max(high, equity),
        equity=equity,
    )


class DayBook:
    """The totals of the day that it is. Yesterday's late rows are in the store, not here."""

    def __init__(self, quote_asset: str) -> None:
        self._quote_asset = quote_asset
        self._day: DayChanged | None = None
        self._is_told = True

    def restore(self, day: DayTotals | None) -> None:
        """Go on from what the store holds of today; it is told again, for nobody else knows."""
        self._day = None if day is None else DayChanged(**attrs.asdict(day))
        self._is_told = day is None

    def add(self, row: BookFill | BookFunding) -> Iterable[DayChanged]:
        """Count a row; return the day before if this one begins another."""
        closed = self._turn(row.event_ns)
        day = self._day
        if day is not None and day.day == day_of(row.event_ns):
            self._day = self._counted(day, row)
            self._is_told = False
        return closed

    def see(self, equity: Decimal, at_ns: int) -> Iterable[DayChanged]:
        """Take what the account is worth; return the day before if another has begun."""
        closed = self._turn(at_ns)
        day = self._day
        if day is not None and day.day == day_of(at_ns) and day.equity != equity:
            self._day = with_equity(day, equity)
            self._is_told = False
        return closed

    def changed(self) -> Iterable[DayChanged]:
        """Return today, if it is not what was returned last."""
        if self._is_told or self._day is None:
            return ()
        self._is_told = True
        return (self._day,)

    def _turn(self, at_ns: int) -> Iterable[DayChanged]:
        name = day_of(at_ns)
        if self._day is not None and name <= self._day.day:
            return ()
        closed = tuple(self.changed())
        self._day = nothing_of(name)
        return closed

    def _counted(self, day: DayChanged, row: BookFill | BookFunding) -> DayChanged:
        if isinstance(row, BookFunding):
            return attrs.evolve(day, funding=day.funding + row.amount)
        outcomes = [one.outcome for one in row.trips]
        return attrs.evolve(
            day,
            fills=day.fills + 1,
            realized_pnl=day.realized_pnl + row.realized_pnl,
            fees=day.fees + (row.fee if row.fee_asset == self._quote_asset else _ZERO),
            round_trips=day.round_trips + len(outcomes),
            wins=day.wins + outcomes.count("win"),
            losses=day.losses + outcomes.count("loss"),
        )
