"""The commands on what decides where the grid goes: features, policies."""

from __future__ import annotations

import typer

from grinder.cli.common import EPILOG, AsJson, print_json


def features(*, as_json: AsJson = False) -> None:
    """List every feature: what it means, its inputs, and when it is known."""
    from grinder.features.registry import described

    rows = list(described())
    if as_json:
        print_json(rows)
        return
    _show(rows)


def _show(rows: list[dict[str, object]]) -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    console = Console()
    group = None
    table = Table()
    for row in rows:
        if row["group"] != group:
            group = row["group"]
            if table.row_count:
                console.print(table)
            inputs = row["inputs"]
            assert isinstance(inputs, list)
            table = Table(
                title=f"{group}: from {', '.join(inputs)}; unknown: {row['stale_after']}",
                title_justify="left",
            )
            for column in ("name", "meaning", "unit", "range", "window", "known after", "source"):
                table.add_column(column, no_wrap=column == "name", overflow="fold")
        table.add_row(
            str(row["name"]),
            escape(str(row["meaning"])),
            str(row["unit"]),
            range_text(row["least"], row["greatest"]),
            str(row["window"]),
            cold_text(row),
            str(row["source"]),
        )
    console.print(table)


def range_text(least: object, greatest: object) -> str:
    """Return the range of a feature in words."""
    if least is None and greatest is None:
        return "any"
    if greatest is None:
        return f"from {least:g}"
    return f"{least:g} to {greatest:g}"


def cold_text(row: dict[str, object]) -> str:
    """Return when a feature is known, and what is said before."""
    cold = "" if row["cold"] == "unknown" else f"; before: {row['cold']}"
    return f"{row['warm_up']}{cold}"


def policies(*, as_json: AsJson = False) -> None:
    """List every policy: who decides where, with its options; those of other packages, too."""
    from grinder.config.plugins import described

    rows = described()
    if as_json:
        print_json(rows)
        return
    from rich.console import Console
    from rich.table import Table

    table = Table()
    for column in ("policy", "priority", "from", "what it does", "options"):
        table.add_column(column, no_wrap=column == "policy", overflow="fold")
    for row in rows:
        options = " ".join(f"{one['name']}={one['default']}" for one in row.get("options", ()))
        does = row.get("problem") or row["does"]
        table.add_row(row["name"], str(row.get("priority", "")), row["from"], does, options)
    Console().print(table)


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    for command in (features, policies):
        app.command(epilog=EPILOG)(command)
