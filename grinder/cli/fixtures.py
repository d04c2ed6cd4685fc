"""The commands on fixtures: import, fixtures ls, check and refresh."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from grinder.cli.common import EPILOG, AsJson, failures_told
from grinder.errors import ConfigError

fixtures_app = typer.Typer(
    help="Play scenarios and compare what is decided with what was.",
    no_args_is_help=True,
    epilog=EPILOG,
)

Directory = Annotated[Path, typer.Option(help="Where the scenarios lie, a folder each.")]
Names = Annotated[list[str] | None, typer.Argument(metavar="[NAME]...", help="Which of them.")]
HERE = Path("fixtures")


def import_market(
    source: Annotated[Path, typer.Argument(help="File, or folder with events.jsonl.")],
    target: Annotated[Path, typer.Argument(help="File to write; packed if it ends in .gz.")],
    *,
    symbol: Annotated[str, typer.Option(help="This one alone; of bars, whose they are.")] = "",
    for_seconds: Annotated[
        float, typer.Option("--for", metavar="SECONDS", min=0, help="Only the beginning.")
    ] = 0,
    near_bps: Annotated[
        int, typer.Option("--near", metavar="BPS", min=0, help="Only levels near the first mid.")
    ] = 0,
    origin: Annotated[
        str, typer.Option("--source", metavar="TEXT", help="Where it comes from.")
    ] = "",
    licence: Annotated[str, typer.Option(metavar="TEXT", help="Its licence.")] = "not stated",
) -> None:
    """Turn a recorded market into the normalised form, which --data plays."""
    with failures_told():
        from grinder.fixtures.importing import Wanted, convert

        wanted = Wanted(
            symbol=symbol.upper(),
            for_ms=round(for_seconds * 1000),
            near_bps=near_bps,
            source=origin,
            licence=licence,
        )
        convert(source, target, wanted)


@fixtures_app.command(name="ls", epilog=EPILOG)
def list_them(*, directory: Directory = HERE) -> None:
    """List the scenarios, their digests, and what each is about."""
    with failures_told():
        from grinder.fixtures import command

        command.show(directory)


@fixtures_app.command(epilog=EPILOG)
def check(names: Names = None, *, directory: Directory = HERE, as_json: AsJson = False) -> None:
    """Play all scenarios, or those named; end with 1 if one comes out otherwise."""
    with failures_told():
        from grinder.fixtures import command

        code = command.check(directory, names or (), as_json=as_json)
    raise typer.Exit(code)


@fixtures_app.command(epilog=EPILOG)
def refresh(
    names: Names = None,
    *,
    directory: Directory = HERE,
    is_all: Annotated[bool, typer.Option("--all", help="Every one of them.")] = False,
) -> None:
    """Write down what scenarios come to now, and show what changed."""
    with failures_told():
        from grinder.fixtures import command

        if is_all == bool(names):
            raise ConfigError("name the scenarios to refresh, or say --all")
        code = command.refresh(directory, names or ())
    raise typer.Exit(code)


def add_to(app: typer.Typer) -> None:
    """Make these commands of ``app``."""
    app.add_typer(fixtures_app, name="fixtures")
    app.command(name="import", epilog=EPILOG)(import_market)
