"""The commands that look back: journal, replay, why, plot."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from grinder.cli.common import EPILOG, AsJson, failures_told
from grinder.errors import ConfigError

journal_app = typer.Typer(help="Look into a journal.", no_args_is_help=True, epilog=EPILOG)


def replay(
    directory: Annotated[Path, typer.Argument(help="Directory of a journal.")],
    *,
    run_number: Annotated[
        int | None, typer.Option("--run", help="Which run; the newest when absent.")
    ] = None,
    until: Annotated[
        int, typer.Option(metavar="SEQ", help="Stop there and print the state of each actor.")
    ] = 0,
    actor: Annotated[str, typer.Option(metavar="NAME", help="Replay this actor alone.")] = "",
    overrides: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="SECTION.FIELD=VALUE",
            help="Run on from --until with this setting on the simulated venue, and compare.",
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Hand a recorded run to the same actors again and compare what they say."""
    with failures_told():
        from grinder.replay.command import replay as replay_run

        code = replay_run(directory, run=run_number, until=until, actor=actor, as_json=as_json)
        if code == 0 and overrides:
            from grinder.replay.whatif_command import compare

            compare(directory, run_number, until, tuple(overrides), as_json=as_json)
    raise typer.Exit(code)


JournalDirectory = Annotated[Path, typer.Argument(help="Directory of a journal.")]
RunNumber = Annotated[int | None, typer.Option("--run", help="Which run; the newest when absent.")]


@journal_app.command(name="ls", epilog=EPILOG)
def journal_ls(directory: JournalDirectory, *, as_json: AsJson = False) -> None:
    """List the runs: when, of which version and configuration, and how much there is."""
    with failures_told():
        from grinder.journal import command

        command.list_runs(directory, as_json=as_json)


@journal_app.command(name="cat", epilog=EPILOG)
def journal_cat(
    directory: JournalDirectory,
    *,
    run_number: RunNumber = None,
    actor: Annotated[str, typer.Option(help="Said or heard by this one.")] = "",
    symbol: Annotated[str, typer.Option(help="Of this symbol.")] = "",
    kind: Annotated[str, typer.Option("--type", help="Of this class, such as PlaceOrders.")] = "",
    since: Annotated[str, typer.Option("--from", metavar="TIME", help="ISO 8601, UTC.")] = "",
    until: Annotated[str, typer.Option("--to", metavar="TIME", help="ISO 8601, UTC.")] = "",
    as_json: AsJson = False,
) -> None:
    """Print messages, a line each; with --json a document each."""
    with failures_told():
        from grinder.journal import command
        from grinder.journal.telling import TIME_MAX, Wanted
        from grinder.model.units import utc_ns

        try:
            wanted = Wanted(
                actor=actor,
                symbol=symbol,
                kind=kind,
                from_ns=utc_ns(since) if since else 0,
                to_ns=utc_ns(until) if until else TIME_MAX,
            )
        except ValueError as error:
            raise ConfigError((f"--from, --to: {error}",)) from error
        command.show(directory, run_number, wanted, as_json=as_json)


@journal_app.command(name="stats", epilog=EPILOG)
def journal_stats(
    directory: JournalDirectory, *, run_number: RunNumber = None, as_json: AsJson = False
) -> None:
    """Print what a run consists of."""
    with failures_told():
        from grinder.journal import command

        command.show_counts(directory, run_number, as_json=as_json)


@journal_app.command(name="verify", epilog=EPILOG)
def journal_verify(
    directory: JournalDirectory, *, run_number: RunNumber = None, as_json: AsJson = False
) -> None:
    """Check every byte of a run; end with 1 and the place of what is damaged."""
    with failures_told():
        from grinder.journal import command

        command.verify(directory, run_number, as_json=as_json)


def plot(
    directory: Annotated[Path, typer.Argument(metavar="JOURNAL", help="Directory of a journal.")],
    *,
    symbol: Annotated[str, typer.Option(help="What to draw: BTCUSDT, or BTCUSDT:LONG.")],
    out: Annotated[Path, typer.Option(metavar="FILE", help="HTML file to write.")],
    run_number: RunNumber = None,
) -> None:
    """Draw a run: mid, ladder, fills, regime, position and profit, on one page for a browser."""
    with failures_told():
        from grinder.plot.page import figure_of
        from grinder.plot.story import story_of

        figure = figure_of(story_of(directory, run_number, symbol))
        try:
            figure.write_html(out, include_plotlyjs=True)
        except OSError as error:
            raise ConfigError((f"--out: {out}: {error.strerror}",)) from error


def why(
    client_order_id: Annotated[
        str, typer.Argument(metavar="[CLIENT_ORDER_ID]", help="The order that is asked about.")
    ] = "",
    *,
    journal: Annotated[Path, typer.Option(metavar="DIR", help="Directory of a journal.")],
    run_number: Annotated[
        int | None, typer.Option("--run", help="Which run; the newest when absent.")
    ] = None,
    refused: Annotated[
        bool, typer.Option("--refused", help="List what our own gates have refused.")
    ] = False,
    symbol: Annotated[str, typer.Option(help="Of this symbol alone; with --refused.")] = "",
    as_json: AsJson = False,
) -> None:
    """Tell why an order was placed, cancelled or refused, back to the market that led to it."""
    with failures_told():
        from grinder.replay import why_command

        if refused == bool(client_order_id):
            raise ConfigError(("say the name of an order, or --refused",))
        if refused:
            code = why_command.why_refused(journal, symbol, run=run_number, as_json=as_json)
        else:
            code = why_command.why(journal, client_order_id, run=run_number, as_json=as_json)
    raise typer.Exit(code)


def add_to(app: typer.Typer) -> None:
    """Make these commands of ``app``."""
    app.add_typer(journal_app, name="journal")
    for command in (replay, why, plot):
        app.command(epilog=EPILOG)(command)
