"""What the commands have in common: options, exit codes, and how a failure is told."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from grinder.config.load import load
from grinder.config.secrets import settings_environment
from grinder.errors import BooksError, ConfigError, JournalError, VenueError
from grinder.model.settings import Config

EXIT_FAILED = 1
EXIT_CONFIG = 2
EXIT_VENUE = 3
EPILOG = (
    "Exit codes: 0 done; 1 failed while running; 2 wrong usage or settings; "
    "3 the venue can't be reached or refused at the start; 130 interrupted twice."
)

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
ConfigFile = Annotated[Path | None, typer.Option("--config", help="File of settings (TOML).")]
Overrides = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="SECTION.FIELD=VALUE", help="One setting; may be repeated."),
]


@contextmanager
def failures_told() -> Iterator[None]:
    """Turn what an operator can do something about into a line and an exit code."""
    try:
        yield
    except ConfigError as error:
        refuse(error)
    except VenueError as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(EXIT_VENUE) from None
    except (BooksError, JournalError) as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(EXIT_FAILED) from None


def refuse(error: ConfigError) -> NoReturn:
    """Print every problem and end."""
    for problem in error.problems:
        typer.echo(f"error: {problem}", err=True)
    raise typer.Exit(EXIT_CONFIG) from None


def settings_of(config: Path | None, overrides: list[str] | None) -> Config:
    """Return the settings in force: defaults, file, environment, options; raise ConfigError."""
    return load(config, environ=settings_environment(), overrides=overrides or ())


def print_json(value: object) -> None:
    """Print ``value`` as a document of JSON."""
    typer.echo(json.dumps(value, indent=2))
