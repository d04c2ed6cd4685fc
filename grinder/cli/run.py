"""The command that trades: run."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from grinder.cli.common import EPILOG, ConfigFile, Overrides, failures_told, settings_of
from grinder.config.secrets import load_secrets
from grinder.errors import ConfigError


def run(
    *,
    config: ConfigFile = None,
    overrides: Overrides = None,
    venue: Annotated[str | None, typer.Option(help="Short for --set run.venue=.")] = None,
    symbols: Annotated[
        str | None, typer.Option(metavar="A,B", help="Short for --set run.symbols=.")
    ] = None,
    for_seconds: Annotated[
        float | None, typer.Option("--for", metavar="SECONDS", help="End after this long.")
    ] = None,
    report: Annotated[Path | None, typer.Option(help="Write a JSON report at the end.")] = None,
    port: Annotated[int | None, typer.Option(help="Short for --set run.port=.")] = None,
    data: Annotated[str | None, typer.Option(help="Short for --set sim.data=.")] = None,
    regime: Annotated[str | None, typer.Option(help="Short for --set sim.regimes=.")] = None,
    faults: Annotated[str | None, typer.Option(help="Short for --set sim.faults=.")] = None,
    speed: Annotated[float | None, typer.Option(help="Short for --set sim.speed=.")] = None,
    log: Annotated[str | None, typer.Option(help="Short for --set run.log=: text, json.")] = None,
    journal: Annotated[
        str | None, typer.Option(metavar="DIR", help="Short for --set journal.directory=.")
    ] = None,
) -> None:
    """Trade until interrupted, or for some seconds."""
    short = {
        "run.venue": venue,
        "run.symbols": symbols,
        "run.port": port,
        "sim.data": data,
        "sim.regimes": regime,
        "sim.faults": faults,
        "sim.speed": speed,
        "run.log": log,
        "journal.directory": journal,
    }
    given = [f"{path}={value}" for path, value in short.items() if value is not None]
    with failures_told():
        settings = settings_of(config, [*(overrides or ()), *given])
        _check(for_seconds, report)
        secrets = load_secrets(settings.run.venue)
        from grinder.actors.main import run as start

        code = start(settings, for_seconds=for_seconds, report=report, secrets=secrets)
    raise typer.Exit(code)


def run_main() -> NoReturn:
    """Take the options of ``grinder run`` from the command line and run.

    For ``python -m grinder.actors.main``.
    """
    alone = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    alone.command(epilog=EPILOG)(run)
    alone()
    raise SystemExit(0)


def _check(for_seconds: float | None, report: Path | None) -> None:
    problems: list[str] = []
    if for_seconds is not None and not 0 < for_seconds < float("inf"):
        problems.append(f"--for: expected above 0, was {for_seconds}")
    if report is not None:
        folder = report.absolute().parent
        if report.is_dir() or not os.access(folder, os.W_OK):
            problems.append(f"--report: expected a file in a folder to write to, was {report}")
    if problems:
        raise ConfigError(tuple(problems))


def add_to(app: typer.Typer) -> None:
    """Make this a command of ``app``."""
    app.command(epilog=EPILOG)(run)
