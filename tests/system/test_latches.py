"""What is latched outlives the process, however it ends; what has to go is gone."""

from __future__ import annotations

import json
import shutil
import signal
from pathlib import Path
from typing import Any

import pytest
import requests

from system.conftest import OpenSite, Site
from system.processes import FIXTURES, HTTP_S, Run, settings
from system.waiting import until
from system.witness import accepted, fills

pytestmark = pytest.mark.unmeasured

QUIET = (
    *("--config", str(FIXTURES / "restless.toml")),
    *settings(run__symbols="BTCUSDT", risk__cooldown_ms=500),
)
LOSING = (
    *("--config", str(FIXTURES / "lively.toml")),
    *settings(
        run__symbols="BTCUSDT",
        risk__cooldown_ms=500,
        policy__stop_loss="0.01",
        policy__exit_spacing_bps=200,
        close__patience_ms=0,
    ),
)
TICKS = 150
"""So many changes of prices later a process that may enter has long done so."""


def kept(path: Path) -> dict[str, Any]:
    """Return what the file says is latched."""
    latches: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))["latches"]
    return latches


def operate(run: Run, action: str) -> None:
    """Say something to the run as an operator does."""
    said = {"operator": "ada", "detail": "test"}
    answer = requests.post(f"{run.url}/operator/{action}", json=said, timeout=HTTP_S)
    assert answer.status_code == 202, answer.text


def entries(site: Site, after: int = 0) -> list[dict[str, Any]]:
    return [line for line in accepted(site.witness.log(after)) if not line["reduce_only"]]


def die(run: Run) -> None:
    run.send(signal.SIGKILL)
    run.wait()


def reasons(run: Run, to_state: str) -> list[str]:
    """Return why the lifecycle came to a state, each time that the console shows."""
    moves = run.state()["transitions"]
    return [one["reason"] for one in moves if one["to"] == to_state]


def sees_market(run: Run) -> bool:
    return bool(run.state()["ticks"] >= TICKS)


def test_a_kill_switch_is_still_closed_after_a_kill_and_opens_for_an_operator_only(
    tmp_path: Path, site: Site
) -> None:
    file = tmp_path / "latches.json"
    options = (*QUIET, *settings(latches__file=file), *site.options)
    with Run(tmp_path, *options, name="first") as first:
        until(lambda: entries(site), "entries")
        operate(first, "kill")
        until(lambda: first.state()["kill_switch"]["is_tripped"], "the kill switch is seen")
        die(first)
    assert kept(file)["risk"]["kill_switch"] == "MANUAL"

    mark = site.witness.last()
    with Run(tmp_path, *options, name="second") as second:
        until(lambda: sees_market(second), "a market to enter")
        state = second.state()
        assert state["kill_switch"]["is_tripped"]
        assert [(one["latch"], one["is_restored"]) for one in state["latches"]] == [
            ("kill_switch", True)
        ]
        moved = until(lambda: second.records("latch_moved"), "the latch is told of")
        assert moved[0]["is_restored"] is True
        assert entries(site, mark) == []
        operate(second, "reset")
        until(lambda: entries(site, mark), "entries once it is open")
        until(lambda: kept(file) == {}, "nothing is kept")
        report = second.stop()
    assert report["latches"] == []


def has_crossed(run: Run) -> bool:
    sent = [one["reason"] for one in run.records("order_submitted")]
    return any(reason.startswith("CLOSE_CROSS STOP_LOSS") for reason in sent)


def test_a_grid_that_a_stop_has_ended_is_flat_and_stays_over_until_it_is_resumed(
    tmp_path: Path, open_site: OpenSite
) -> None:
    site = open_site(speed=8.0)
    file = tmp_path / "latches.json"
    options = (*LOSING, *settings(latches__file=file), *site.options)
    with Run(tmp_path, *options, name="first") as first:
        until(lambda: fills(site.witness.log()), "a fill")
        until(lambda: first.state()["latches"], "the stop")
        until(lambda: not site.witness.account()["positions"], "flat by orders that take")
        until(lambda: has_crossed(first), "a way out that takes, for the stop")
        die(first)
    assert kept(file)["policy.BTCUSDT"] == {"stopped": "STOP_LOSS"}
    assert any(not line["is_maker"] for line in fills(site.witness.log()))

    mark = site.witness.last()
    with Run(tmp_path, *options, name="second") as second:
        until(lambda: sees_market(second), "a market to enter")
        until(second.is_active, "a lifecycle that would let it")
        (latch,) = second.state()["latches"]
        assert (latch["latch"], latch["symbol"], latch["reason"], latch["is_restored"]) == (
            "grid",
            "BTCUSDT",
            "STOP_LOSS",
            True,
        )
        assert entries(site, mark) == []
        operate(second, "resume")
        until(lambda: entries(site, mark), "entries once it is resumed")
        die(second)


def test_a_file_that_holds_something_else_keeps_the_run_from_starting(
    tmp_path: Path, site: Site
) -> None:
    file = tmp_path / "latches.json"
    file.write_text('{"version": 1, "acc', encoding="utf-8")
    with Run(tmp_path, *QUIET, *settings(latches__file=file), *site.options) as run:
        assert run.wait() == 2
    line = run.err.splitlines()[-1]
    assert line.startswith(f"error: latches.file: {file} does not hold what was written")
    assert "move the file away" in line
    assert "Traceback" not in run.err
    assert entries(site) == []
    assert file.read_text(encoding="utf-8") == '{"version": 1, "acc', "it is left as it was"


def test_one_file_serves_one_process(tmp_path: Path, site: Site) -> None:
    options = (*QUIET, *settings(latches__file=tmp_path / "latches.json"), *site.options)
    with Run(tmp_path, *options, name="first") as first:
        until(lambda: entries(site), "entries")
        with Run(tmp_path, *options, name="second") as second:
            assert second.wait() == 2
        assert "is in use by another process" in second.err
        first.stop()


def test_a_disk_that_takes_no_latch_ends_entries_until_it_does(tmp_path: Path, site: Site) -> None:
    folder = tmp_path / "kept"
    folder.mkdir()
    options = (*QUIET, *settings(latches__file=folder / "latches.json"), *site.options)
    with Run(tmp_path, *options) as run:
        until(run.is_active, "active")
        shutil.rmtree(folder)
        operate(run, "pause")
        until(lambda: run.state()["latches_lost"], "the loss is told")
        until(lambda: "LATCHES_LOST" in reasons(run, "DEGRADED"), "no risk is taken, for that")
        folder.mkdir()
        until(lambda: not run.state()["latches_lost"], "written after all")
        assert kept(folder / "latches.json")["risk"] == {"override": "PAUSE"}
        operate(run, "resume")
        until(run.is_active, "active again")
        run.stop()
