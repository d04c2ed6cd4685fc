"""The picture shows what matters and ends when told."""

from __future__ import annotations

import io
import threading

from rich.console import Console

from console import said
from console.said import INSTRUMENTS, NOW, Clock, S
from grinder.console.terminal import ROWS_MAX, Terminal, render
from grinder.console.tree import tree_of
from grinder.console.treeprint import show
from grinder.console.views import StateView
from grinder.messages.control import LeadershipGained
from grinder.messages.market import FeedHealthChanged, StreamKind
from grinder.messages.risk import KillSwitchTripped


def view() -> StateView:
    watched = StateView(INSTRUMENTS, now_ns=Clock())
    for message in (
        said.ticked(),
        said.planned(),
        said.ledger(),
        said.submitted(),
        said.moved("READY", "ACTIVE"),
        LeadershipGained(epoch=7, deadline_ns=NOW + S),
        KillSwitchTripped(reason="MANUAL", detail=""),
        FeedHealthChanged(symbol="BTCUSDT", stream=StreamKind.DEPTH, is_stale=True, age_ns=S),
    ):
        watched.observe("anybody", NOW, message)
    return watched


def printed(*things: object) -> str:
    console = Console(file=io.StringIO(), width=200)
    console.print(*things)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_the_picture_shows_what_matters() -> None:
    text = printed(render(view().snapshot(), (said.actor("feed", restarts=3),)))

    for part in (
        "ACTIVE",
        "leader epoch 7",
        "KILL SWITCH MANUAL",
        "stale: BTCUSDT depth",
        "60000.05",
        "59970.00 59940.00 59910.00 +1",
        "1 placed (1/min)",
        "-0.25",
        "feed",
    ):
        assert part in text, part


def test_the_picture_of_nothing_can_be_drawn() -> None:
    text = printed(render(StateView({}, now_ns=Clock()).snapshot(), ()))

    assert "standby" in text


def test_the_picture_is_bounded() -> None:
    actors = tuple(said.actor(f"actor{number}") for number in range(ROWS_MAX * 10))

    assert len(printed(render(view().snapshot(), actors)).splitlines()) < ROWS_MAX * 2


def test_a_terminal_draws_at_least_once_and_ends() -> None:
    console = Console(file=io.StringIO(), width=200, force_terminal=True)
    terminal = Terminal(view(), lambda: (said.actor(),), console=console)

    terminal.start()
    terminal.close()
    terminal.close()

    assert "terminal" not in {thread.name for thread in threading.enumerate()}
    assert isinstance(console.file, io.StringIO)
    assert "60000.05" in console.file.getvalue()


def test_a_tree_is_printed_with_what_lives_in_it() -> None:
    actors = (said.actor("root"), said.actor("feed", "root", state="down", restarts=2))
    console = Console(file=io.StringIO(), width=100)

    show(tree_of(actors), "running", console)

    assert isinstance(console.file, io.StringIO)
    assert "feed  down  2 restarts" in console.file.getvalue()
