"""The whole command line, put together from the modules beside this one."""

from __future__ import annotations

from typing import Annotated

import typer

from grinder import __version__
from grinder.cli import (
    books,
    console,
    fixtures,
    records,
    run,
    settings,
    strategy,
    venue,
    worlds,
)
from grinder.cli.common import EPILOG, failures_told

app = typer.Typer(
    name="grinder",
    help="An adaptive grid for Binance USDT-M futures.",
    epilog=EPILOG,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
for part in (settings, records, worlds, fixtures, strategy, books, run, venue, console):
    part.add_to(app)


def _show_version(is_wanted: bool) -> None:
    if is_wanted:
        typer.echo(f"grinder {__version__}")
        raise typer.Exit


@app.callback()
def main(
    _version: Annotated[
        bool,
        typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version."),
    ] = False,
) -> None:
    """Trade an adaptive grid, or look at how it is done."""


@app.command(
    epilog=EPILOG,
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True},
    add_help_option=False,
)
def bench(context: typer.Context) -> None:
    """Measure; see bench --help for what."""
    with failures_told():
        from grinder.bench import main as measure

        code = measure(context.args)
    raise typer.Exit(code or 0)
