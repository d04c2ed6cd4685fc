"""What people see of the books."""

from __future__ import annotations

import csv
import io
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import attrs
import pytest
from typer.testing import CliRunner

from books import rows
from grinder.books.sql import SqlStore, engine_of, upgrade
from grinder.cli import app
from grinder.config.load import load
from grinder.console.bookswatch import BooksObserver
from grinder.console.metrics import Metrics, scrape
from grinder.errors import ConfigError
from grinder.messages.books import BooksDoubted, BooksReported
from grinder.messages.ledger import RoundTripCompleted


def ask(*arguments: str) -> Any:
    return CliRunner().invoke(app, arguments)


@pytest.fixture
def url(tmp_path: Path) -> str:
    made = f"sqlite:///{tmp_path}/books.db"
    engine = engine_of(made)
    upgrade(engine)
    store = SqlStore(engine, "mine")
    store.restore(rows.asked(), rows.DAY_NS)
    first = rows.booked(rows.flat(), 1, "2", "100", "0.1")
    second = rows.booked(first.state, 2, "-3", "101", "0.3")
    store.write([first, second, rows.paid(1, "-0.05"), rows.seen("1000", "1001.5")])
    store.close()
    return made


def test_sums_are_exact_and_by_symbol_and_day(url: str) -> None:
    (one,) = json.loads(ask("pnl", url, "--json").stdout)

    (symbol,) = one["symbols"]
    assert symbol["position"] == "-1"
    assert symbol["fees"] == {"USDT": "0.4"}
    assert (symbol["realized_pnl"], symbol["funding"], symbol["net_pnl"]) == (
        "0.5",
        "-0.05",
        "0.05",
    )
    assert (symbol["fills"], symbol["round_trips"], symbol["wins"]) == (2, 1, 1)
    assert symbol["trips_pnl"] == "1.7"
    (day,) = one["days"]
    assert (day["name"], day["equity_open"], day["equity"]) == ("2023-11-15", "1000", "1001.5")
    assert "position" not in one["total"] or one["total"]["position"] is None
    assert "BTCUSDT" in ask("pnl", url).stdout


def test_round_trips_come_as_table_json_and_csv(url: str) -> None:
    shown = ask("trips", url)
    said = json.loads(ask("trips", url, "--json").stdout)
    (listed,) = csv.DictReader(io.StringIO(ask("trips", url, "--csv").stdout))

    assert "1 round trips, 1 won, net 1.7" in shown.stdout
    assert len(said) == 22  # the account and 21 fields
    assert said["net_pnl"] == listed["net_pnl"] == "1.7"
    assert Decimal(listed["exit_fee"]) == Decimal("0.2")
    assert ask("trips", url, "--symbol", "ETHUSDT", "--json").stdout == ""
    assert ask("trips", url, "--json", "--csv").exit_code == 2


def test_books_that_are_not_there_are_said_and_not_made(tmp_path: Path, url: str) -> None:
    missing = tmp_path / "none.db"

    for arguments in (("pnl", f"sqlite:///{missing}"), ("trips", url, "--account", "other")):
        refused = ask(*arguments)
        assert refused.exit_code == 1
        assert refused.stderr.startswith("error: there is no")
    assert not missing.exists()


@pytest.mark.parametrize("url", ["postgresql://me:hidden@host/books", "mysql://host/books"])
def test_a_setting_with_a_password_or_another_database_is_refused(url: str) -> None:
    with pytest.raises(ConfigError) as refused:
        load(overrides=[f"books.url={url}"], environ={})

    assert "books.url" in str(refused.value)
    assert "hidden" not in str(refused.value)


def test_round_trips_are_counted_once_and_the_store_is_watched() -> None:
    metrics = Metrics(
        config_hash="h", version="v", actors=lambda: (), is_ready=lambda: True, now_ns=lambda: 1
    )
    watch = BooksObserver(metrics)
    first = rows.booked(rows.flat(), 1, "2", "100")
    (done,) = rows.booked(first.state, 2, "-2", "101").trips
    trip = RoundTripCompleted(**attrs.asdict(done))
    report = BooksReported(
        is_written=True, is_torn=False, pending=2, written=5, lost=1, conflicts=0, detail=""
    )
    assert watch.summary()["books"] is None
    for body in (trip, trip, report, report, BooksDoubted(symbol="", detail="odd")):
        watch.observe("ledger", 1, body)

    text = scrape(metrics.registry).decode()
    assert 'grinder_round_trips_total{outcome="win"} 1.0' in text
    assert "grinder_books_rows_total 5.0" in text
    assert "grinder_books_lost_total 1.0" in text
    assert "grinder_books_healthy 1.0" in text
    seen = watch.summary()
    assert seen["round_trips"] == {
        "count": 1,
        "win": 1,
        "loss": 0,
        "breakeven": 0,
        "net_pnl": "1.98",
    }
    assert seen["books"]["doubts"] == 1
