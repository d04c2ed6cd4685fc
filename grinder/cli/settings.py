"""The commands on settings: config check, show and init."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from grinder.cli.common import (
    EPILOG,
    EXIT_CONFIG,
    AsJson,
    ConfigFile,
    Overrides,
    failures_told,
    print_json,
    refuse,
    settings_of,
)
from grinder.config.write import commented_toml, config_hash, to_toml, to_tree
from grinder.errors import ConfigError

config_app = typer.Typer(
    help="Check, show or begin a file of settings.", no_args_is_help=True, epilog=EPILOG
)


@config_app.command(epilog=EPILOG)
def check(
    *, config: ConfigFile = None, overrides: Overrides = None, as_json: AsJson = False
) -> None:
    """Report everything that is wrong with the settings."""
    try:
        settings = settings_of(config, overrides)
    except ConfigError as error:
        if not as_json:
            refuse(error)
        print_json({"is_valid": False, "problems": list(error.problems)})
        raise typer.Exit(EXIT_CONFIG) from None
    if as_json:
        print_json({"is_valid": True, "problems": [], "hash": config_hash(settings)})
    else:
        typer.echo(f"settings are valid, hash {config_hash(settings)}")


@config_app.command(epilog=EPILOG)
def show(
    *, config: ConfigFile = None, overrides: Overrides = None, as_json: AsJson = False
) -> None:
    """Print the settings in force, from all layers, without secrets."""
    with failures_told():
        settings = settings_of(config, overrides)
    if as_json:
        print_json({"hash": config_hash(settings), "settings": to_tree(settings)})
    else:
        typer.echo(f"# hash {config_hash(settings)}\n{to_toml(settings)}", nl=False)


@config_app.command(epilog=EPILOG)
def init(
    *,
    config: Annotated[
        Path | None, typer.Option("--config", help="File to write; standard output when absent.")
    ] = None,
) -> None:
    """Write a commented file with every default; an existing file is left alone."""
    if config is None:
        typer.echo(commented_toml(), nl=False)
        return
    try:
        with config.open("x", encoding="utf-8") as file:
            file.write(commented_toml())
    except OSError as error:
        refuse(ConfigError(f"{config}: can't be written: {error.strerror or error}"))
    typer.echo(f"wrote {config}")


def add_to(app: typer.Typer) -> None:
    """Make these commands of ``app``."""
    app.add_typer(config_app, name="config")
