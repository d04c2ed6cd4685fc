"""The commands that ask or tell a running instance: tree, state, ctl."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from grinder.cli.common import (
    EPILOG,
    EXIT_FAILED,
    AsJson,
    ConfigFile,
    Overrides,
    failures_told,
    print_json,
    settings_of,
)

DEFAULT_URL = "http://127.0.0.1:9090"

Url = Annotated[str, typer.Option("--url", help="Console of a running instance.")]


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
            from grinder.actors.wiring import declared_tree

            nodes = [treeprint.declared(declared_tree(settings_of(config, overrides)))]
    if as_json:
        print_json({"is_running": seen is not None, "tree": nodes})
    else:
        treeprint.show(nodes, f"running at {url}" if seen is not None else "declared, not running")


def state(*, url: Url = DEFAULT_URL) -> None:
    """Print the state of a running instance as JSON."""
    seen = _read_state(url)
    if seen is None:
        typer.echo(f"error: no instance answers at {url}", err=True)
        raise typer.Exit(EXIT_FAILED)
    print_json(seen)


def ctl(
    action: Annotated[
        str,
        typer.Argument(
            help="kill, reset, pause, emergency, resume, ban or unban.", metavar="ACTION"
        ),
    ],
    symbol: Annotated[str, typer.Argument(help="To be banned or unbanned.")] = "",
    *,
    operator: Annotated[str, typer.Option(help="Who says so; it is recorded.")],
    detail: Annotated[str, typer.Option("--detail", "--reason", help="Why.")] = "",
    duration: Annotated[
        str, typer.Option("--for", help="Of a ban: 90s, 30m, 2h, 7d; without it until unban.")
    ] = "",
    url: Url = DEFAULT_URL,
    as_json: AsJson = False,
) -> None:
    """Tell a running instance to trip or reset its kill switch, to hold, go on, or ban a symbol."""
    from grinder.console.client import command

    others = _ban_of(action, symbol, duration)
    with failures_told():
        answer = command(url, action, operator=operator, detail=detail, **others)
    if as_json:
        print_json(answer)
    else:
        typer.echo(f"{action}: told by {operator}")


def _ban_of(action: str, symbol: str, duration: str) -> dict[str, str]:
    """Return what a ban says besides; nothing for another action."""
    is_ban = action in ("ban", "unban")
    if is_ban is not bool(symbol):
        raise typer.BadParameter(f"{action} takes {'a' if is_ban else 'no'} SYMBOL")
    if duration and action != "ban":
        raise typer.BadParameter(f"{action} takes no --for")
    return {"symbol": symbol, "for": duration} if is_ban else {}


def _read_state(url: str) -> dict[str, Any] | None:
    from grinder.console.client import read_state

    return read_state(url)


def add_to(app: typer.Typer) -> None:
    """Make these commands of ``app``."""
    for command in (tree, state, ctl):
        app.command(epilog=EPILOG)(command)
