"""Read books that somebody keeps: sums in exact decimals, made here and not in the database."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import attrs
import sqlalchemy as sa

from grinder.books.sql import check_version, engine_of, told
from grinder.books.tables import ACCOUNTS, DAYS, FILLS, FUNDING, POSITIONS, ROUND_TRIPS
from grinder.errors import BooksError
from grinder.ledger.days import day_of
from grinder.model.trip import LONG
from grinder.model.units import NS_PER_MS

_ZERO = Decimal(0)


@attrs.define
class Sums:
    """What was earned in some part of the books. Fees by asset; the rest in quote units."""

    fills: int = 0
    realized_pnl: Decimal = _ZERO
    fees: dict[str, Decimal] = attrs.field(factory=dict)
    funding: Decimal = _ZERO
    round_trips: int = 0
    wins: int = 0
    losses: int = 0
    trips_pnl: Decimal = _ZERO
    """Net of the round trips: after fees, before funding."""
    position: Decimal | None = None
    """Signed; None where it makes no sense to add them up."""

    def net_pnl(self, quote_asset: str) -> Decimal:
        """Return realised and funding, less the fees of the quote asset."""
        return self.realized_pnl + self.funding - self.fees.get(quote_asset, _ZERO)


class Books:
    """The books at a URL, opened for reading.

    Raises:
        BooksError: there are none, or they can't be read.
    """

    def __init__(self, url: str) -> None:
        self._engine = engine_of(url)
        path = self._engine.url.database if self._engine.dialect.name == "sqlite" else None
        if path is not None and not Path(path).is_file():
            raise BooksError(f"there is no file {path}")
        check_version(self._engine)

    def accounts(self, wanted: str) -> tuple[str, ...]:
        """Return the accounts in the books, oldest first, or the one that is wanted.

        Raises:
            BooksError: it is not there.
        """
        query = sa.select(ACCOUNTS.c.account).order_by(ACCOUNTS.c.since_ns)
        with told(self._engine) as connection:
            found = tuple(connection.execute(query).scalars())
        if wanted and wanted not in found:
            raise BooksError(f"there is no account {wanted}; known: {', '.join(found) or 'none'}")
        return (wanted,) if wanted else found

    def sums(self, account: str) -> tuple[dict[str, Sums], dict[str, Sums]]:
        """Return what was earned, by symbol and by UTC day."""
        symbols: dict[str, Sums] = {}
        days: dict[str, Sums] = {}
        with told(self._engine) as connection:
            for row in connection.execute(_of(FILLS, account)):
                for one in _both(symbols, days, row.symbol, row.event_ns):
                    one.fills += 1
                    one.realized_pnl += row.realized_pnl
                    one.fees[row.fee_asset] = one.fees.get(row.fee_asset, _ZERO) + row.fee
            for row in connection.execute(_of(FUNDING, account)):
                for one in _both(symbols, days, row.symbol, row.event_ns):
                    one.funding += row.amount
            for row in connection.execute(_of(ROUND_TRIPS, account)):
                for one in _both(symbols, days, row.symbol, row.exit_ts * NS_PER_MS):
                    one.round_trips += 1
                    one.wins += row.outcome == "win"
                    one.losses += row.outcome == "loss"
                    one.trips_pnl += row.net_pnl
            for row in connection.execute(_of(POSITIONS, account)):
                open_qty = row.entry_qty - row.exit_qty
                held = row.untracked_qty + (open_qty if row.direction == LONG else -open_qty)
                symbols.setdefault(row.symbol, Sums()).position = held
        return dict(sorted(symbols.items())), dict(sorted(days.items()))

    def equity(self, account: str) -> dict[str, Any]:
        """Return the rows of equity, by UTC day."""
        with told(self._engine) as connection:
            rows = connection.execute(_of(DAYS, account).order_by(DAYS.c.day)).all()
        return {row.day: row for row in rows}

    def trips(self, accounts: tuple[str, ...], symbol: str, last: int) -> list[dict[str, Any]]:
        """Return round trips as fields by name, oldest first; the last so many, 0 means all."""
        query = sa.select(ROUND_TRIPS).where(ROUND_TRIPS.c.account.in_(accounts))
        if symbol:
            query = query.where(ROUND_TRIPS.c.symbol == symbol)
        query = query.order_by(ROUND_TRIPS.c.exit_ts.desc(), ROUND_TRIPS.c.row_id)
        if last:
            query = query.limit(last)
        with told(self._engine) as connection:
            rows = connection.execute(query).mappings().all()
        return [dict(row) for row in reversed(rows)]


def _of(table: sa.Table, account: str) -> sa.Select[Any]:
    return sa.select(table).where(table.c.account == account)


def _both(
    symbols: dict[str, Sums], days: dict[str, Sums], symbol: str, at_ns: int
) -> Iterator[Sums]:
    yield symbols.setdefault(symbol, Sums())
    yield days.setdefault(day_of(at_ns), Sums())
