"""The commands on what was earned: pnl, trips."""

from __future__ import annotations

from typing import Annotated

import typer

from grinder.cli.common import EPILOG, AsJson, failures_told

BooksUrl = Annotated[str, typer.Argument(metavar="URL", help="Books, as in books.url.")]
Account = Annotated[str, typer.Option(help="Only this account; all of them when absent.")]


def pnl(url: BooksUrl, *, account: Account = "", as_json: AsJson = False) -> None:
    """Print what each account, symbol and day of the books has earned."""
    with failures_told():
        from grinder.books import command

        command.show_pnl(url, account, as_json=as_json)


def trips(
    url: BooksUrl,
    *,
    account: Account = "",
    symbol: Annotated[str, typer.Option(help="Only of this symbol.")] = "",
    last: Annotated[
        int, typer.Option(min=0, metavar="N", help="Only the last N; 0 means all.")
    ] = 0,
    as_json: AsJson = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV.")] = False,
) -> None:
    """Print the completed round trips, oldest first."""
    with failures_told():
        from grinder.books import command

        command.show_trips(url, account, symbol, last, style=_style(as_json, as_csv))


def _style(as_json: bool, as_csv: bool) -> str:
    if as_json and as_csv:
        raise typer.BadParameter("--json and --csv: one of them")
    return "json" if as_json else "csv" if as_csv else "table"


def add_to(app: typer.Typer) -> None:
    """Give the commands to ``app``."""
    app.command(epilog=EPILOG)(pnl)
    app.command(epilog=EPILOG)(trips)
