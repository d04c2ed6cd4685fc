"""`grinder simulate` as whoever types it sees it."""

from __future__ import annotations

import json
import os
from collections import Counter
from pathlib import Path

import attrs
import pytest
from typer.testing import CliRunner

from grinder.cli import app
from grinder.worlds.command import Wish, report_of
from grinder.worlds.run import WorldSpec, play


def simulate(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["simulate", *arguments])
    return result.exit_code, result.stdout


@pytest.mark.parametrize(
    "arguments", [("--seeds", "a..b"), ("--faults", "earthquake"), ("--seeds", "")]
)
def test_what_can_not_be_played_is_refused(arguments: tuple[str, ...]) -> None:
    code, _ = simulate(*arguments)

    assert code == 2


def test_kinds_are_listed() -> None:
    code, out = simulate("--list-faults")

    assert code == 0
    assert "reply-lost" in out


def test_a_run_says_what_it_did_and_goes_on_from_what_it_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # What worlds reach is measured where one of them is played here.
    for name in [each for each in os.environ if each.startswith("COVERAGE_PROCESS")]:
        monkeypatch.delenv(name)
    state = tmp_path / "verdicts"
    arguments = ("--minutes", "0.2", "--json", "--workers", "2", "--resume", str(state))

    code, out = simulate("--seeds", "1..1", *arguments)
    again_code, again_out = simulate("--seeds", "1..2", *arguments)

    assert (code, again_code) == (0, 0)
    report, again = json.loads(out), json.loads(again_out)
    assert (report["worlds"], again["worlds"]) == (1, 2)
    assert report["replayed"] > 0
    assert report["canaries_missed"] == []
    assert len(state.read_text(encoding="utf-8").splitlines()) == 2


@pytest.mark.parametrize(("is_replayed", "every"), [(True, ""), (False, " --replay-every 0")])
def test_a_world_that_fails_is_named_with_the_command_that_plays_it_again(
    is_replayed: bool, every: str
) -> None:
    spec = WorldSpec(seed=3, minutes=0.1, policy="bots", is_replayed=is_replayed)
    verdict = attrs.evolve(play(spec), violations=("cap: too much",))
    wish = Wish(seeds=(2, 3), minutes=0.1, kinds=(), policies=("static", "bots"))

    report = report_of(wish, [verdict], Counter(), 1.0)

    assert report["violations"][0]["again"] == (
        f"grinder simulate --seeds 3..3 --minutes 0.1 --faults none --policy bots{every}"
    )


def test_one_message_of_the_reference_run_is_played_alone() -> None:
    code, out = simulate("--seeds", "", "--at", "300", "--kill")

    assert code == 0
    assert "1 kill points" in out
