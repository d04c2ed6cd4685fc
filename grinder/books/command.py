"""``grinder pnl`` and ``grinder trips``."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Iterable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import attrs
from rich.console import Console
from rich.table import Table

from grinder.books.reading import Books, Sums
from grinder.books.tables import ROUND_TRIPS

QUOTE = "USDT"
PIPE_WIDTH = 240
_ZERO = Decimal(0)


def show_pnl(url: str, account: str, *, as_json: bool) -> None:
    """Print sums by account, symbol and day.

    Raises:
        BooksError: there are no books to read.
    """
    books = Books(url)
    documents = [_document(books, name) for name in books.accounts(account)]
    if as_json:
        sys.stdout.write(json.dumps(documents, indent=2) + "\n")
        return
    console = _console()
    if not documents:
        console.print("the books are empty")
    for one in documents:
        console.print(f"account {one['account']}", style="bold")
        console.print(_sums_table("symbol", [*one["symbols"], {"name": "all", **one["total"]}]))
        console.print(_sums_table("day", one["days"]))


def _console() -> Console:
    """Return where tables go; a pipe has room for whole lines."""
    return Console(file=sys.stdout, width=None if sys.stdout.isatty() else PIPE_WIDTH)


def _document(books: Books, account: str) -> dict[str, Any]:
    symbols, days = books.sums(account)
    equity = books.equity(account)
    return {
        "account": account,
        "total": _said(total_of(symbols.values())),
        "symbols": [{"name": name or "(unnamed)", **_said(one)} for name, one in symbols.items()],
        "days": [
            {"name": day, **_said(days.get(day, Sums())), **_equity(equity.get(day))}
            for day in sorted({*days, *equity})
        ],
    }


def total_of(parts: Iterable[Sums]) -> Sums:
    """Return the sums of ``parts`` in one; positions are not added."""
    total = Sums()
    for one in parts:
        for name in ("fills", "realized_pnl", "funding", "round_trips", "wins", "losses"):
            setattr(total, name, getattr(total, name) + getattr(one, name))
        total.trips_pnl += one.trips_pnl
        for asset, amount in one.fees.items():
            total.fees[asset] = total.fees.get(asset, _ZERO) + amount
    return total


def _said(sums: Sums) -> dict[str, Any]:
    fees = {asset: _plain(amount) for asset, amount in sorted(sums.fees.items())}
    said = attrs.asdict(sums) | {"fees": fees, "net_pnl": sums.net_pnl(QUOTE)}
    return {name: _plain(value) for name, value in said.items()}


def _equity(row: Any) -> dict[str, Any]:
    names = ("equity_open", "equity_low", "equity_high", "equity")
    return {name: None if row is None else _plain(getattr(row, name)) for name in names}


def _plain(value: Any) -> Any:
    """Return money as text in plain notation without trailing zeros, all else as it is."""
    if not isinstance(value, Decimal):
        return value
    text = format(value, "f")
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text in ("", "-0") else text


def _sums_table(title: str, rows: list[dict[str, Any]]) -> Table:
    table = Table(title, box=None)
    columns = {
        "position": "position",
        "fills": "fills",
        "realized_pnl": "realised",
        "fees": "fees",
        "funding": "funding",
        "net_pnl": "net",
        "round_trips": "trips",
        "wins": "wins",
        "losses": "losses",
        "trips_pnl": "net of trips",
    }
    columns |= {"equity_open": "equity from", "equity": "to"} if title == "day" else {}
    if title == "day":
        del columns["position"]
    for heading in columns.values():
        table.add_column(heading, justify="right", no_wrap=True)
    for row in rows:
        table.add_row(row["name"], *(_cell(row.get(name)) for name in columns))
    return table


def _cell(value: Any) -> str:
    if isinstance(value, dict):
        return " ".join(f"{amount} {asset}" for asset, amount in value.items()) or "0"
    return "" if value is None else str(value)


def show_trips(url: str, account: str, symbol: str, last: int, *, style: str) -> None:
    """Print round trips as ``table``, ``json`` (one object a line) or ``csv``.

    Raises:
        BooksError: there are no books to read.
    """
    books = Books(url)
    rows = books.trips(books.accounts(account), symbol, last)
    if style == "json":
        for row in rows:
            document = {name: _plain(value) for name, value in row.items()}
            sys.stdout.write(json.dumps(document) + "\n")
    elif style == "csv":
        writer = csv.writer(sys.stdout)
        writer.writerow(column.name for column in ROUND_TRIPS.columns)
        writer.writerows([_plain(value) for value in row.values()] for row in rows)
    else:
        _print_trips(rows)


def _print_trips(rows: list[dict[str, Any]]) -> None:
    table = Table("closed (UTC)", "symbol", "side", box=None)
    for heading in ("quantity", "entry", "exit", "held", "realised", "fees", "net", "bps"):
        table.add_column(heading, justify="right", no_wrap=True)
    for row in rows:
        closed = datetime.fromtimestamp(row["exit_ts"] / 1_000, UTC)
        table.add_row(
            closed.strftime("%Y-%m-%d %H:%M:%S"),
            row["symbol"],
            row["direction"],
            _plain(row["entry_qty"]),
            _short(row["entry_price"]),
            _short(row["exit_price"]),
            f"{row['holding_time_ms'] / 1_000:.1f} s",
            _plain(row["realized_pnl"]),
            _plain(row["entry_fee"] + row["exit_fee"]),
            _plain(row["net_pnl"]),
            str(row["pnl_bps"]),
        )
    console = _console()
    console.print(table)
    net = sum((row["net_pnl"] for row in rows), _ZERO)
    wins = sum(row["outcome"] == "win" for row in rows)
    console.print(f"{len(rows)} round trips, {wins} won, net {_plain(net)}")


def _short(price: Decimal) -> str:
    """Return an average price to eight places, for people."""
    return str(_plain(round(price, 8)))
