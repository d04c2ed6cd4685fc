"""The books in a database: SQLite by default, PostgreSQL by URL."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import attrs
import sqlalchemy as sa
from alembic import command
from alembic.config import Config as AlembicConfig
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import SQLAlchemyError

from grinder.books.store import IDS_MAX, Row, facts_of, total_of
from grinder.books.tables import ACCOUNTS, DAYS, FILLS, FUNDING, POSITIONS, ROUND_TRIPS
from grinder.errors import BooksError
from grinder.ledger.days import begin_of, day_of, nothing_of
from grinder.messages.books import (
    BookBase,
    BookFill,
    BookFunding,
    BooksRestored,
    RestoreBooks,
    SymbolBooks,
)
from grinder.messages.ledger import DayChanged, DayTotals
from grinder.model.trip import OpenTrip, TripState
from grinder.model.units import NS_PER_MS

INSERTS: Final[dict[str, Any]] = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}
"""How a row is inserted that may be there already, by dialect: the ones that are supported."""
TIMEOUT_S: Final = 5
STATEMENT_MS: Final = 10_000
_ZERO = Decimal(0)


def engine_of(url: str) -> sa.Engine:
    """Return the way to the database at ``url``; nothing is connected yet.

    Raises:
        BooksError: the URL is none, or names a database or a driver that is not there.
    """
    try:
        parsed = sa.engine.make_url(url)
        name = parsed.get_backend_name()
        if name not in INSERTS:
            raise BooksError(f"expected sqlite or postgresql, was {name}")
        if name == "sqlite":
            if not parsed.database or parsed.database == ":memory:":
                raise BooksError("expected a file, such as sqlite:///grinder.db")
            engine = sa.create_engine(parsed, connect_args={"timeout": TIMEOUT_S})
            sa.event.listen(engine, "connect", _prepare_sqlite)
            return engine
        return sa.create_engine(
            parsed.set(drivername="postgresql+psycopg"),
            pool_pre_ping=True,
            connect_args={
                "connect_timeout": TIMEOUT_S,
                "options": f"-c statement_timeout={STATEMENT_MS}",
            },
        )
    except ModuleNotFoundError as error:
        raise BooksError(f"{error.name} is missing: pip install grinder[postgresql]") from error
    except SQLAlchemyError as error:
        raise BooksError(_one_line(error)) from error


def _prepare_sqlite(connection: Any, _: object) -> None:
    """Let readers read while we write."""
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=NORMAL")


@contextmanager
def told(engine: sa.Engine) -> Iterator[sa.Connection]:
    """Give a connection in one transaction; say what goes wrong as BooksError."""
    try:
        with engine.begin() as connection:
            yield connection
    except SQLAlchemyError as error:
        raise BooksError(_one_line(error)) from error


def _one_line(error: SQLAlchemyError) -> str:
    text = " ".join(str(getattr(error, "orig", None) or error).split())
    return f"{type(error).__name__}: {text[:300]}"


def _script() -> AlembicConfig:
    config = AlembicConfig()
    config.set_main_option("script_location", str(Path(__file__).with_name("migrations")))
    config.set_main_option("path_separator", "os")
    return config


def upgrade(engine: sa.Engine) -> None:
    """Bring the schema up to date.

    Raises:
        BooksError: it is younger than this version of Grinder, or the database fails.
    """
    with told(engine) as connection:
        _check_version(connection, is_older_fine=True)
        config = _script()
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def check_version(engine: sa.Engine) -> None:
    """Make sure that the schema is the one of this version.

    Raises:
        BooksError: it is another one, or there is none.
    """
    with told(engine) as connection:
        _check_version(connection, is_older_fine=False)


def _check_version(connection: sa.Connection, *, is_older_fine: bool) -> None:
    found = MigrationContext.configure(connection).get_current_revision()
    script = ScriptDirectory.from_config(_script())
    known = {one.revision for one in script.walk_revisions()}
    if found is not None and found not in known:
        raise BooksError(f"the schema has version {found}, which this Grinder does not know")
    if not is_older_fine and found != script.get_current_head():
        raise BooksError(f"there are no books of this version (schema {found or 'none'})")


class SqlStore:
    """Rows of one account in a database."""

    def __init__(self, engine: sa.Engine, account: str) -> None:
        self._engine = engine
        self._account = account
        self._insert = INSERTS[engine.dialect.name]

    def write(self, rows: Sequence[Row]) -> int:
        """Keep all of ``rows`` or none; return how many were kept before with other values."""
        with told(self._engine) as connection:
            return sum(self._keep(connection, row) for row in rows)

    def _keep(self, connection: sa.Connection, row: Row) -> bool:
        if isinstance(row, BookBase):
            self._put_state(connection, row.state)
        elif isinstance(row, DayChanged):
            self._put_day(connection, row)
        elif isinstance(row, BookFunding):
            return not self._add(connection, FUNDING, row) and self._differs(connection, row)
        elif not self._add(connection, FILLS, row):
            return self._is_conflict(connection, row)
        else:
            self._put_state(connection, row.state)
            for trip in row.trips:
                self._add(connection, ROUND_TRIPS, trip)
        return False

    def _add(self, connection: sa.Connection, table: sa.Table, row: Any) -> bool:
        """Insert a row; return False when there is one of its key."""
        values = {
            name: getattr(row, name) for name in map(_key_of, table.columns) if name != "account"
        } | {"account": self._account}
        if "side" in values:
            values["side"] = str(row.side)
        query = self._insert(table).values(values).on_conflict_do_nothing()
        # Without this PostgreSQL's driver is not asked how many rows there were.
        done = connection.execute(query, execution_options={"preserve_rowcount": True})
        return bool(done.rowcount == 1)

    def _differs(self, connection: sa.Connection, row: BookFunding) -> bool:
        query = self._of(FUNDING).where(
            FUNDING.c.symbol == row.symbol, FUNDING.c.transaction_id == row.transaction_id
        )
        kept = connection.execute(query).one()
        return bool((kept.amount, kept.event_ns) != (row.amount, row.event_ns))

    def _is_conflict(self, connection: sa.Connection, row: BookFill) -> bool:
        query = self._of(FILLS).where(
            FILLS.c.symbol == row.symbol, FILLS.c.trade_id == row.trade_id
        )
        kept = connection.execute(query).one()
        known = (kept.order_id, kept.side, kept.price, kept.qty, kept.fee, kept.event_ns)
        return known != tuple(str(one) if isinstance(one, str) else one for one in facts_of(row))

    def _put(self, connection: sa.Connection, table: sa.Table, values: dict[str, Any]) -> None:
        """Insert a row, or put it in the place of the one of its key."""
        keys = [one.name for one in table.primary_key]
        changed = {name: value for name, value in values.items() if name not in keys}
        query = self._insert(table).values(values)
        connection.execute(query.on_conflict_do_update(index_elements=keys, set_=changed))

    def _put_state(self, connection: sa.Connection, state: TripState) -> None:
        trip = attrs.asdict(state.open) if state.open is not None else _NO_TRIP
        own = {"symbol": state.symbol, "untracked_qty": state.untracked_qty}
        self._put(connection, POSITIONS, {"account": self._account, **own, **trip})

    def _put_day(self, connection: sa.Connection, day: DayChanged) -> None:
        names = ("day", "equity_open", "equity_low", "equity_high", "equity")
        if day.equity is not None:
            values = {name: getattr(day, name) for name in names}
            self._put(connection, DAYS, {"account": self._account, **values})

    def restore(self, request: RestoreBooks, now_ns: int) -> BooksRestored:
        """Return what was kept; an account that is not known begins now."""
        with told(self._engine) as connection:
            begin = {"account": self._account, "since_ns": request.started_ns}
            query = self._insert(ACCOUNTS).values(begin).on_conflict_do_nothing()
            connection.execute(query)
            since_ns = connection.execute(self._of(ACCOUNTS)).one().since_ns
            payments = connection.execute(
                self._of(FUNDING).order_by(FUNDING.c.event_ns.desc()).limit(IDS_MAX)
            ).all()
            return BooksRestored(
                token=request.token,
                since_ns=since_ns,
                funding_since_ns=payments[0].event_ns if payments else since_ns,
                payments=tuple((one.symbol, one.transaction_id) for one in reversed(payments)),
                symbols=tuple(self._symbols(connection, request.symbols)),
                day=self._day(connection, day_of(now_ns), request.quote_asset),
            )

    def _symbols(self, connection: sa.Connection, names: Sequence[str]) -> Iterator[SymbolBooks]:
        for row in connection.execute(self._of(POSITIONS).where(POSITIONS.c.symbol.in_(names))):
            own = self._of(FILLS, FILLS.c.trade_id).where(FILLS.c.symbol == row.symbol)
            newest = own.order_by(FILLS.c.trade_id.desc()).limit(IDS_MAX + 1)
            ids = connection.execute(newest).scalars().all()
            last = self._of(FILLS, sa.func.max(FILLS.c.event_ns)).where(
                FILLS.c.symbol == row.symbol
            )
            yield SymbolBooks(
                state=_state(row),
                trade_ids=tuple(reversed(ids[:IDS_MAX])),
                has_more=len(ids) > IDS_MAX,
                last_ns=connection.execute(last).scalar() or 0,
            )

    def _day(self, connection: sa.Connection, day: str, quote: str) -> DayTotals | None:
        begin_ns = begin_of(day)
        seen = connection.execute(self._of(DAYS).where(DAYS.c.day == day)).one_or_none()
        whole = nothing_of(day)
        if seen is not None:
            whole = attrs.evolve(
                whole,
                equity_open=seen.equity_open,
                equity_low=seen.equity_low,
                equity_high=seen.equity_high,
                equity=seen.equity,
            )
        fills = connection.execute(self._of(FILLS).where(FILLS.c.event_ns >= begin_ns)).all()
        paid = self._of(FUNDING, FUNDING.c.amount).where(FUNDING.c.event_ns >= begin_ns)
        ended = self._of(ROUND_TRIPS, ROUND_TRIPS.c.outcome).where(
            ROUND_TRIPS.c.exit_ts >= begin_ns // NS_PER_MS
        )
        payments = connection.execute(paid).scalars().all()
        return total_of(whole, fills, payments, connection.execute(ended).scalars().all(), quote)

    def _of(self, table: sa.Table, *columns: Any) -> sa.Select[Any]:
        query = sa.select(*columns) if columns else sa.select(table)
        return query.where(table.c.account == self._account)

    def close(self) -> None:
        """Let go of every connection."""
        self._engine.dispose()


def _key_of(column: sa.Column[Any]) -> str:
    return column.name


_NO_TRIP: dict[str, Any] = {
    "direction": "",
    "entry_ns": 0,
    "entry_qty": _ZERO,
    "entry_cost": _ZERO,
    "entry_fee": _ZERO,
    "entry_fills": 0,
    "exit_ns": 0,
    "exit_qty": _ZERO,
    "exit_cost": _ZERO,
    "exit_fee": _ZERO,
    "exit_fills": 0,
}


def _state(row: Any) -> TripState:
    """Return the state that a row of positions holds.

    Raises:
        BooksError: its numbers contradict each other.
    """
    values = {name: getattr(row, name) for name in _NO_TRIP}
    trip = OpenTrip(**values) if row.direction else None
    state = TripState(symbol=row.symbol, untracked_qty=row.untracked_qty, open=trip)
    try:
        state.check()
    except ValueError as error:
        raise BooksError(f"the position of {row.symbol} can't be used: {error}") from error
    return state
