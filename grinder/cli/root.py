"""The whole command line, put together from the modules beside this one."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer

from grinder import __version__
from grinder.cli import books, fixtures, records, strategy
from grinder.cli import venue as venue_command
from grinder.cli.common import (
    DEFAULT_URL,
    EPILOG,
    EXIT_CONFIG,
    AsJson,
    failures_told,
    refuse,
)
from grinder.config.load import load
from grinder.config.secrets import load_secrets, settings_environment
from grinder.config.write import commented_toml, config_hash, to_toml, to_tree
from grinder.errors import ConfigError
from grinder.model.settings import Config

app = typer.Typer(
    name="grinder",
    help="An adaptive grid for Binance USDT-M futures.",
    epilog=EPILOG,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
config_app = typer.Typer(
    help="Check, show or begin a file of settings.", no_args_is_help=True, epilog=EPILOG
)
app.add_typer(config_app, name="config")
records.add_to(app)
fixtures.add_to(app)
strategy.add_to(app)
books.add_to(app)

ConfigFile = Annotated[Path | None, typer.Option("--config", help="File of settings (TOML).")]
Overrides = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="SECTION.FIELD=VALUE", help="One setting; may be repeated."),
]
Url = Annotated[str, typer.Option("--url", help="Console of a running instance.")]


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
        settings = _settings(config, [*(overrides or ()), *given])
        _check_run(for_seconds, report)
        secrets = load_secrets(settings.run.venue)
        start = _fetch("grinder.actors.main", "run")
        code = start(settings, for_seconds=for_seconds, report=report, secrets=secrets)
    raise typer.Exit(code)


app.command(name="run", epilog=EPILOG)(run)


venue_command.add_to(app)


@app.command(epilog=EPILOG)
def tree(
    *,
    url: Url = DEFAULT_URL,
    config: ConfigFile = None,
    overrides: Overrides = None,
    as_json: AsJson = False,
) -> None:
    """Print the supervision tree: the running one if there is one, else the declared one."""
    from grinder.console import treeprint

    with failures_told():
        seen = _read_state(url)
        if seen is not None:
            nodes = seen["tree"]
        else:
            declared = _fetch("grinder.actors.wiring", "declared_tree")
            nodes = [treeprint.declared(declared(_settings(config, overrides)))]
    if as_json:
        _print_json({"is_running": seen is not None, "tree": nodes})
    else:
        treeprint.show(nodes, f"running at {url}" if seen is not None else "declared, not running")


@app.command(epilog=EPILOG)
def state(*, url: Url = DEFAULT_URL) -> None:
    """Print the state of a running instance as JSON."""
    seen = _read_state(url)
    if seen is None:
        typer.echo(f"error: no instance answers at {url}", err=True)
        raise typer.Exit(1)
    _print_json(seen)


@app.command(epilog=EPILOG)
def ctl(
    action: Annotated[
        str, typer.Argument(help="kill, reset, pause, emergency or resume.", metavar="ACTION")
    ],
    *,
    operator: Annotated[str, typer.Option(help="Who says so; it is recorded.")],
    detail: Annotated[str, typer.Option(help="Why.")] = "",
    url: Url = DEFAULT_URL,
    as_json: AsJson = False,
) -> None:
    """Tell a running instance to trip or reset its kill switch, to hold, or to go on."""
    from grinder.console.client import command

    with failures_told():
        answer = command(url, action, operator=operator, detail=detail)
    if as_json:
        _print_json(answer)
    else:
        typer.echo(f"{action}: told by {operator}")


@app.command(
    epilog=EPILOG,
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True},
    add_help_option=False,
)
def bench(context: typer.Context) -> None:
    """Measure; see bench --help for what."""
    with failures_told():
        code = _fetch("grinder.bench", "main")(context.args)
    raise typer.Exit(code or 0)


@config_app.command(epilog=EPILOG)
def check(
    *, config: ConfigFile = None, overrides: Overrides = None, as_json: AsJson = False
) -> None:
    """Report everything that is wrong with the settings."""
    try:
        settings = _settings(config, overrides)
    except ConfigError as error:
        if not as_json:
            refuse(error)
        _print_json({"is_valid": False, "problems": list(error.problems)})
        raise typer.Exit(EXIT_CONFIG) from None
    if as_json:
        _print_json({"is_valid": True, "problems": [], "hash": config_hash(settings)})
    else:
        typer.echo(f"settings are valid, hash {config_hash(settings)}")


@config_app.command(epilog=EPILOG)
def show(
    *, config: ConfigFile = None, overrides: Overrides = None, as_json: AsJson = False
) -> None:
    """Print the settings in force, from all layers, without secrets."""
    with failures_told():
        settings = _settings(config, overrides)
    if as_json:
        _print_json({"hash": config_hash(settings), "settings": to_tree(settings)})
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


def run_main() -> NoReturn:
    """Take the options of ``grinder run`` from the command line and run.

    For ``python -m grinder.actors.main``.
    """
    alone = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    alone.command(epilog=EPILOG)(run)
    alone()
    raise SystemExit(0)


def _settings(config: Path | None, overrides: list[str] | None) -> Config:
    return load(config, environ=settings_environment(), overrides=overrides or ())


def _check_run(for_seconds: float | None, report: Path | None) -> None:
    problems: list[str] = []
    if for_seconds is not None and not 0 < for_seconds < float("inf"):
        problems.append(f"--for: expected above 0, was {for_seconds}")
    if report is not None:
        folder = report.absolute().parent
        if report.is_dir() or not os.access(folder, os.W_OK):
            problems.append(f"--report: expected a file in a folder to write to, was {report}")
    if problems:
        raise ConfigError(tuple(problems))


def _fetch(module: str, name: str) -> Callable[..., Any]:
    from importlib import import_module

    found: Callable[..., Any] = getattr(import_module(module), name)
    return found


def _read_state(url: str) -> dict[str, Any] | None:
    from grinder.console.client import read_state

    return read_state(url)


def _print_json(value: object) -> None:
    typer.echo(json.dumps(value, indent=2))
