"""An operator bans a symbol of a live run, and unbans it, by the command line."""

from __future__ import annotations

import signal
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from system.conftest import Site
from system.processes import FIXTURES, Run, grinder, settings
from system.waiting import until
from system.witness import accepted

pytestmark = pytest.mark.unmeasured

BTC, ETH = "BTCUSDT", "ETHUSDT"


def resting(run: Run, symbol: str) -> list[dict[str, Any]]:
    """Return the entries of a symbol that rest, as the console shows them."""
    return [
        one
        for one in run.state()["open_orders"]
        if one["symbol"] == symbol and not one["reduce_only"]
    ]


def is_back(run: Run, actor: str, restarts: int) -> bool:
    """Return whether an actor has been restarted since, and trading goes on."""
    return run.restarts_of(actor) > restarts and run.is_active()


def test_a_symbol_is_banned_and_unbanned_while_the_other_goes_on(tmp_path: Path) -> None:
    config = ("--config", str(FIXTURES / "lively.toml"), "--symbols", f"{BTC},{ETH}")
    with Run(tmp_path, *config, *settings(run__fault_injection="true")) as run:
        until(lambda: resting(run, BTC) and resting(run, ETH), "ladders of both")
        said = ("--operator", "ada", "--url", run.url)
        told = grinder(tmp_path, "ctl", "ban", BTC, "--for", "2h", "--reason", "exploit", *said)
        assert told.returncode == 0, told.stderr
        until(lambda: run.state()["symbols"][BTC]["ban"], "the ban is shown")
        assert run.state()["symbols"][BTC]["ban"]["reason"] == "exploit"
        assert run.state()["symbols"][ETH]["ban"] is None
        until(lambda: not resting(run, BTC), "its entries are off")

        for actor in ("risk", f"policy.{BTC}"):
            restarts = run.restarts_of(actor)
            run.fault(actor, "raise")
            until(partial(is_back, run, actor, restarts), f"{actor} is back")
        before = run.state()["ticks"]
        until(lambda: run.state()["ticks"] > before + 200 and resting(run, ETH), "it goes on")
        assert not resting(run, BTC)
        assert run.state()["symbols"][BTC]["ban"]["operator"] == "ada"

        wrong = grinder(tmp_path, "ctl", "ban", "DOGEUSDT", *said)
        assert wrong.returncode == 2
        assert "DOGEUSDT is not traded here" in wrong.stderr
        assert grinder(tmp_path, "ctl", "ban", BTC, "--for", "soon", *said).returncode == 2
        assert grinder(tmp_path, "ctl", "unban", BTC, *said).returncode == 0
        until(lambda: resting(run, BTC), "its ladder is back")
        until(lambda: run.state()["symbols"][BTC]["ban"] is None, "no ban is shown")
        report = run.stop()

    assert report["stop"]["confirmed"]
    assert report["open_orders_at_exit"] == 0


def test_a_ban_outlives_a_killed_process_where_latches_are_kept(tmp_path: Path, site: Site) -> None:
    file = tmp_path / "latches.json"
    options = (
        *("--config", str(FIXTURES / "restless.toml")),
        *settings(run__symbols=BTC, risk__cooldown_ms=500, latches__file=file),
        *site.options,
    )
    with Run(tmp_path, *options, name="first") as first:
        until(lambda: accepted(site.witness.log(0)), "orders")
        said = ("--operator", "ada", "--url", first.url)
        assert grinder(tmp_path, "ctl", "ban", BTC, "--for", "1h", *said).returncode == 0
        until(lambda: first.state()["symbols"][BTC]["ban"], "the ban is shown")
        first.send(signal.SIGKILL)
        first.wait()

    mark = site.witness.last()
    with Run(tmp_path, *options, name="second") as second:
        until(lambda: second.is_active() and second.state()["ticks"] > 150, "a market to enter")
        assert second.state()["symbols"][BTC]["ban"]["operator"] == "ada"
        assert not [one for one in accepted(site.witness.log(mark)) if not one["reduce_only"]]
        said = ("--operator", "ada", "--url", second.url)
        assert grinder(tmp_path, "ctl", "unban", BTC, *said).returncode == 0
        until(lambda: accepted(site.witness.log(mark)), "entries once it is lifted")
        second.stop()
