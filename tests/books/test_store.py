"""What every store promises, on each of them."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import attrs
import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext

from books import rows
from grinder.books.sql import INSERTS, SqlStore, engine_of, upgrade
from grinder.books.store import IDS_MAX, MemoryStore, Store
from grinder.books.tables import FILLS, METADATA, POSITIONS
from grinder.errors import BooksError
from grinder.messages.books import BookBase
from grinder.model.trip import TripState

NOON_NS = rows.DAY_NS + 12 * 3_600 * 10**9


def engine_in(folder: Path) -> sa.Engine:
    engine = engine_of(f"sqlite:///{folder}/books.db")
    upgrade(engine)
    return engine


@pytest.fixture(params=["memory", "sqlite"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    made: Store = MemoryStore()
    if request.param == "sqlite":
        made = SqlStore(engine_in(tmp_path), "mine")
    yield made
    made.close()


def test_an_account_that_is_not_known_begins_now(store: Store) -> None:
    answer = store.restore(rows.asked(token=7), NOON_NS)

    assert (answer.token, answer.since_ns, answer.funding_since_ns) == (7,) + 2 * (rows.DAY_NS,)
    assert (answer.symbols, answer.payments, answer.day) == ((), (), None)
    later = store.restore(rows.asked(started_ns=rows.DAY_NS + 5), NOON_NS)
    assert later.since_ns == rows.DAY_NS


def test_what_was_kept_comes_back_to_the_last_digit(store: Store) -> None:
    first = rows.booked(rows.flat(), 3, "0.003", "60000.1", "0.0360000600000000000000000001")
    second = rows.booked(first.state, 4, "-0.001", "60100.7")

    assert store.write([first, second, rows.paid(9, "-0.5"), rows.seen("100", "99", "101")]) == 0

    answer = store.restore(rows.asked(), NOON_NS)
    (books,) = answer.symbols
    assert books.state == second.state
    assert (books.trade_ids, books.has_more, books.last_ns) == ((3, 4), False, second.event_ns)
    assert answer.payments == (("BTCUSDT", 9),)
    assert answer.funding_since_ns == rows.DAY_NS + 9 * 10**9
    day = answer.day
    assert day is not None
    assert (day.fills, day.realized_pnl, day.funding) == (2, Decimal("0.50"), Decimal("-0.5"))
    assert day.fees == first.fee + second.fee
    assert (day.equity_open, day.equity_low) == (Decimal(100), Decimal(99))
    assert (day.equity_high, day.equity) == (Decimal(101), Decimal(101))


def test_a_fill_that_is_kept_changes_nothing_when_it_is_told_again(store: Store) -> None:
    first = rows.booked(rows.flat(), 1, "1", "100")
    second = rows.booked(first.state, 2, "-1", "101")
    store.write([first, second])

    assert store.write([first]) == 0

    answer = store.restore(rows.asked(), NOON_NS)
    assert answer.symbols[0].state == rows.flat()
    assert answer.day is not None
    assert (answer.day.fills, answer.day.round_trips, answer.day.wins) == (2, 1, 1)


def test_a_number_that_is_taken_by_another_fill_is_a_conflict(store: Store) -> None:
    first = rows.booked(rows.flat(), 1, "1", "100")
    payment = rows.paid(1, "0.1")
    store.write([first, payment])

    told_again = attrs.evolve(first, client_order_id="", level="")
    other = attrs.evolve(first, price=Decimal(99))
    assert store.write([told_again, other, payment, attrs.evolve(payment, amount=Decimal(1))]) == 2


def test_a_base_replaces_what_was_open(store: Store) -> None:
    store.write([rows.booked(rows.flat(), 1, "1", "100")])
    base = TripState(symbol="BTCUSDT", untracked_qty=Decimal("-0.5"))

    store.write([BookBase(state=base)])

    assert store.restore(rows.asked(), NOON_NS).symbols[0].state == base


def test_only_the_last_numbers_come_back(store: Store) -> None:
    state, told = rows.flat(), []
    for trade_id in range(1, IDS_MAX + 3):
        told.append(rows.booked(state, trade_id, "1", "100"))
        state = told[-1].state
    store.write(told)

    (books,) = store.restore(rows.asked(), NOON_NS).symbols
    assert (books.trade_ids[0], books.trade_ids[-1]) == (3, IDS_MAX + 2)
    assert books.has_more


def test_yesterday_is_not_today(store: Store) -> None:
    store.write([rows.booked(rows.flat(), 1, "1", "100"), rows.seen("5")])

    assert store.restore(rows.asked(), NOON_NS + 24 * 3_600 * 10**9).day is None


def test_accounts_do_not_see_each_other(tmp_path: Path) -> None:
    engine = engine_in(tmp_path)
    mine, other = SqlStore(engine, "mine"), SqlStore(engine, "other")
    mine.write([rows.booked(rows.flat(), 1, "1", "100")])

    assert other.restore(rows.asked(), NOON_NS).symbols == ()
    assert other.write([rows.booked(rows.flat(), 1, "2", "50")]) == 0


def test_a_batch_is_kept_whole_or_not_at_all(tmp_path: Path) -> None:
    store = SqlStore(engine_in(tmp_path), "mine")
    good = rows.booked(rows.flat(), 1, "1", "100")
    nothing: Any = None
    bad = attrs.evolve(rows.booked(good.state, 2, "1", "100"), level=nothing)

    with pytest.raises(BooksError, match="IntegrityError"):
        store.write([good, bad])

    assert store.restore(rows.asked(), NOON_NS).symbols == ()


def test_a_position_that_contradicts_itself_is_refused(tmp_path: Path) -> None:
    engine = engine_in(tmp_path)
    store = SqlStore(engine, "mine")
    store.write([rows.booked(rows.flat(), 1, "1", "100")])
    with engine.begin() as connection:
        connection.execute(sa.update(POSITIONS).values(exit_qty=Decimal(4)))

    with pytest.raises(BooksError, match="BTCUSDT"):
        store.restore(rows.asked(), NOON_NS)


def test_the_migrations_make_the_tables(tmp_path: Path) -> None:
    engine = engine_in(tmp_path)
    upgrade(engine)

    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), METADATA) == []


def test_a_schema_of_the_future_is_left_alone(tmp_path: Path) -> None:
    engine = engine_in(tmp_path)
    with engine.begin() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))

    with pytest.raises(BooksError, match="9999"):
        upgrade(engine)


@pytest.mark.parametrize(
    "url", ["sqlite://", "sqlite:///:memory:", "mysql://localhost/x", "nonsense", "://"]
)
def test_a_url_that_can_not_be_used_is_refused(url: str) -> None:
    with pytest.raises(BooksError):
        engine_of(url)


def test_postgresql_is_spoken_to_in_its_own_words() -> None:
    row = rows.booked(rows.flat(), 1, "1", "100")
    values = {"account": "mine", "symbol": row.symbol, "trade_id": 1, "price": row.price}
    insert = INSERTS["postgresql"](FILLS).values(values).on_conflict_do_nothing()

    dialect: sa.Dialect = sa.engine.make_url("postgresql+psycopg2://").get_dialect()()
    text = str(insert.compile(dialect=dialect))

    assert "ON CONFLICT DO NOTHING" in text
    created = str(sa.schema.CreateTable(FILLS).compile(dialect=dialect))
    assert "price VARCHAR(80) NOT NULL" in created
    assert "trade_id BIGINT NOT NULL" in created
