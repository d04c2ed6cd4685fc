"""The command that plays fault worlds: simulate."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from grinder.cli.common import EPILOG, AsJson, failures_told
from grinder.errors import ConfigError

Seeds = Annotated[str, typer.Option(metavar="A..B", help="A world for each seed; empty for none.")]
Faults = Annotated[
    str, typer.Option(metavar="KINDS", help="all, none, or names with commas between.")
]
Minutes = Annotated[float, typer.Option(min=0.2, help="Virtual minutes in which things go wrong.")]
Deciding = Annotated[
    str,
    typer.Option(
        metavar="NAMES",
        help="Who decides: policies, auto, bots, lines or hedge, with commas between; or all.",
    ),
]
Exhaustive = Annotated[
    bool, typer.Option("--exhaustive", help="Also crash a reference run at every message.")
]
At = Annotated[
    int, typer.Option(metavar="N", help="Crash the reference run at this message alone.")
]
Kill = Annotated[bool, typer.Option("--kill", help="With --at: the whole process.")]
Shrink = Annotated[
    bool, typer.Option("--shrink", help="Of worlds that fail, find the faults that it takes.")
]
ReplayEvery = Annotated[
    int, typer.Option(min=0, metavar="N", help="Replay the journal of every Nth world; 0: none.")
]
Workers = Annotated[int, typer.Option(min=0, help="Processes; 0 for one a core.")]
Resume = Annotated[
    Path | None, typer.Option(metavar="FILE", help="Keep verdicts there, and go on from them.")
]
ListFaults = Annotated[
    bool, typer.Option("--list-faults", help="List the kinds of faults, and do nothing.")
]


def simulate(
    *,
    seeds: Seeds = "1..20",
    faults: Faults = "all",
    minutes: Minutes = 10,
    policy: Deciding = "static",
    exhaustive: Exhaustive = False,
    at: At = 0,
    kill: Kill = False,
    shrink: Shrink = False,
    replay_every: ReplayEvery = 1,
    workers: Workers = 0,
    resume: Resume = None,
    list_faults: ListFaults = False,
    as_json: AsJson = False,
) -> None:
    """Play whole worlds in virtual time in which things go wrong, and judge each of them."""
    with failures_told():
        from grinder.worlds import command
        from grinder.worlds.plan import KINDS, kinds_of

        if list_faults:
            for name, kind in KINDS.items():
                typer.echo(f"{name:16} {kind.text}")
            return
        wish = command.Wish(
            seeds=() if at else _seeds(seeds),
            minutes=minutes,
            kinds=kinds_of(faults),
            policies=command.policies_of(policy),
            is_exhaustive=exhaustive,
            at=(at, kill) if at else None,
            is_shrinking=shrink,
            replay_every=replay_every,
            workers=workers,
            state=resume,
            as_json=as_json,
        )
        code = command.simulate(wish)
    raise typer.Exit(code)


def _seeds(text: str) -> tuple[int, ...]:
    if not text:
        return ()
    first, dots, last = text.partition("..")
    try:
        return tuple(range(int(first), int(last if dots else first) + 1))
    except ValueError:
        raise ConfigError((f"--seeds: expected A..B, was {text}",)) from None


def add_to(app: typer.Typer) -> None:
    """Make this a command of ``app``."""
    app.command(epilog=EPILOG)(simulate)
