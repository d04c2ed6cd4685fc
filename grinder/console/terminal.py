"""The live picture on a terminal."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from grinder.console.views import StateView
from grinder.kernel.observer import ActorSnapshot

PERIOD_S = 0.25
ROWS_MAX = 30
"""Symbols and actors shown; a terminal has few more lines."""
LEVELS_SHOWN = 3
STATE_STYLES = {"ACTIVE": "green", "EMERGENCY": "bold red", "DEGRADED": "red"}


class Terminal:
    """Draws the picture four times a second on a thread of its own."""

    def __init__(
        self,
        view: StateView,
        actors: Callable[[], tuple[ActorSnapshot, ...]],
        *,
        console: Console | None = None,
    ) -> None:
        self._view = view
        self._actors = actors
        self._console = console if console is not None else Console()
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._draw, name="terminal", daemon=True)

    def start(self) -> None:
        """Begin to draw."""
        self._thread.start()

    def close(self) -> None:
        """Draw a last time and leave the picture standing. Idempotent."""
        self._end.set()
        if self._thread.is_alive():
            self._thread.join(2.0)

    def _draw(self) -> None:
        with Live(console=self._console, auto_refresh=False) as live:
            is_last = False
            while not is_last:
                is_last = self._end.wait(PERIOD_S)
                live.update(render(self._view.snapshot(), self._actors()), refresh=True)


def render(seen: dict[str, Any], actors: tuple[ActorSnapshot, ...]) -> RenderableType:
    """Return the picture of a snapshot of StateView and the actors."""
    return Panel(
        Group(_headline(seen), _symbols(seen), _actors(actors)),
        title="grinder",
        title_align="left",
    )


def _headline(seen: dict[str, Any]) -> Text:
    state = seen["state"]
    leadership = seen["leadership"]
    orders = seen["orders"]
    text = Text()
    text.append(state, style=STATE_STYLES.get(state, "yellow"))
    text.append(f"  leader epoch {leadership['epoch']}" if leadership["is_leader"] else "  standby")
    if seen["kill_switch"]["is_tripped"]:
        text.append(f"  KILL SWITCH {seen['kill_switch']['reason']}", style="bold red")
    text.append(f"  up {seen['uptime_s']:.0f} s  ticks {seen['ticks']}")
    text.append(
        f"\norders {orders['placed']} placed ({seen['orders_per_minute']}/min), "
        f"{orders['open']} open, {orders['fills']} fills, {orders['cancelled']} cancelled, "
        f"{orders['rejected']} rejected"
    )
    if seen["stale_streams"]:
        text.append(f"\nstale: {', '.join(seen['stale_streams'][:ROWS_MAX])}", style="red")
    return text


def _symbols(seen: dict[str, Any]) -> Table:
    table = Table(expand=True)
    for column in ("symbol", "mid", "market", "bids", "asks", "exits", "position"):
        table.add_column(column)
    for column in ("grid", "inventory", "fees", "funding"):
        table.add_column(column, justify="right")
    for symbol, one in list(seen["symbols"].items())[:ROWS_MAX]:
        ladder = one["ladder"] or {"bids": [], "asks": [], "exits": []}
        pnl = one["pnl"]
        table.add_row(
            symbol,
            one["mid"] or "-",
            _market(one),
            *(_levels(ladder[side]) for side in ("bids", "asks", "exits")),
            one["position"],
            *(_short(pnl[part]) for part in ("grid", "inventory", "fees", "funding")),
        )
    return table


def _market(one: dict[str, Any]) -> str:
    """Return regime, policy and step, as far as they are known."""
    plan = one["plan"]
    words = [one["regime"]]
    if plan is not None:
        words.append(f"{plan['policy']} {plan['spacing_bps']:g} bps")
    if one["toxicity"] not in ("", "LOW"):
        words.append(f"toxic {one['toxicity']}")
    if one["is_selected"] is False:
        words.append("not selected")
    return " ".join(word for word in words if word) or "-"


def _levels(prices: list[str]) -> str:
    shown = " ".join(prices[:LEVELS_SHOWN])
    more = len(prices) - LEVELS_SHOWN
    return f"{shown} +{more}" if more > 0 else shown or "-"


def _short(amount: str) -> str:
    # Four decimals are plenty for a glance; the report has them all.
    whole, point, decimals = amount.partition(".")
    return f"{whole}{point}{decimals[:4]}"


def _actors(actors: tuple[ActorSnapshot, ...]) -> Table:
    table = Table(expand=True)
    table.add_column("actor")
    table.add_column("state")
    for column in ("waiting", "handled", "restarts", "conflated", "dropped"):
        table.add_column(column, justify="right")
    for actor in actors[:ROWS_MAX]:
        style = "" if actor.state == "ready" else "red"
        counts = (actor.depth, actor.handled, actor.restarts, actor.conflated, actor.dropped)
        table.add_row(actor.name, Text(actor.state, style=style), *map(str, counts))
    return table
