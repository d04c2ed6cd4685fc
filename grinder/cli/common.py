"""What the commands have in common: exit codes, and how a failure is told."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, NoReturn

import typer

from grinder.errors import BooksError, ConfigError, JournalError, VenueError

EXIT_FAILED = 1
EXIT_CONFIG = 2
EXIT_VENUE = 3
DEFAULT_URL = "http://127.0.0.1:9090"
EPILOG = (
    "Exit codes: 0 done; 1 failed while running; 2 wrong usage or settings; "
    "3 the venue can't be reached or refused at the start; 130 interrupted twice."
)

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


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
