"""Faults that a file orders: at the start, and some time after it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from grinder.errors import ConfigError
from grinder.venues.sim.command import serve
from grinder.venues.sim.config import VenueConfig
from grinder.venues.sim.plan import read
from grinder.venues.sim.server import VenueServer
from venue.clients import Rest, Stream
from venue.socket_client import Api

START = """
[[command]]
name = "status"
symbol = "BTCUSDT"
status = "CANCEL_ONLY"

[[command]]
name = "fault"
fault = "unknown-503"
method = "WS"
path = "ping"

[[command]]
name = "fault"
fault = "backend-408"
path = "/fapi/v1/time"

[[command]]
name = "delay"
distribution = "lognormal"
ms = 2
ms_max = 20

[[command]]
name = "clock"
offset_ms = 3600000

[[command]]
name = "fees"
fee_tier = 3
"""

LATER = """
[[command]]
name = "regime"
at_s = 0.05
symbol = "BTCUSDT"
regime = "halt"

[[command]]
name = "stall"
routes = []
"""


@pytest.fixture
def plan(tmp_path: Path) -> Path:
    return tmp_path / "faults.toml"


def started(**settings: Any) -> Iterator[VenueServer]:
    server = VenueServer(VenueConfig(symbols=("BTCUSDT",), data=(), **settings))
    server.start()
    yield server
    server.stop()


def test_commands_of_the_start_are_in_force_when_the_doors_open(plan: Path) -> None:
    plan.write_text(START)
    for server in started(faults=plan, paused=True):
        rest = Rest(server.rest_url)
        api = Api(server.ws_url)
        state = server.control("state")

        assert requests.get(f"{server.rest_url}/fapi/v1/time", timeout=60).status_code == 408
        assert rest.get("/fapi/v1/exchangeInfo")["symbols"][0]["status"] == "PRE_SETTLE"
        assert api.call("ping")["status"] == 503
        assert api.call("ping")["status"] == 200
        assert rest.limit("BUY", "60000")["code"] == -1021
        assert rest.limit("BUY", "60000", timestamp=state["now_ms"])["code"] == -4140
        assert len(server.control("state")["delays"]) >= 5
        api.close()


def test_commands_with_a_time_come_later(plan: Path) -> None:
    plan.write_text(LATER)
    for server in started(faults=plan, speed=20.0):
        news = Stream(server.ws_url, "/market/ws/!contractInfo")
        halted = server.control("state")["markets"]["BTCUSDT"]["source"] == "halt"
        if not halted:
            news.until(lambda frame: frame.get("cs") == "PRE_SETTLE")
        news.close()

        assert server.control("state")["markets"]["BTCUSDT"]["source"] == "halt"


def test_steps_are_read_in_the_order_of_their_times(plan: Path) -> None:
    plan.write_text(LATER + "[[command]]\nname = 'stall'\nat_s = 0.01\n")

    steps = read(plan, ("regime", "stall"))

    assert [(step.name, step.at_s) for step in steps] == [
        ("stall", 0.0),
        ("stall", 0.01),
        ("regime", 0.05),
    ]
    assert steps[-1].fields == {"symbol": "BTCUSDT", "regime": "halt"}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("[[command]]\nname = 'boom'\n", "command 1: unknown name 'boom': choose from ban, burst"),
        ("[[command]]\nms = 5\n", "command 1: unknown name None"),
        ("[[command]]\nname = 'delay'\nat_s = -1\n", "command 1: at_s: expected seconds"),
        ("[[command]]\nname = 'delay'\nat_s = nan\n", "command 1: at_s: expected seconds"),
        ("[[command]]\nname = 'delay'\n", r"command 1 \(delay\): missing field 'ms'"),
        ("[[command]]\nname = 'ban'\nms = -1\n", r"command 1 \(ban\): ms: expected a whole number"),
        (
            "[[command]]\nname = 'status'\nsymbol = 'X'\nstatus = 'HALT'\n",
            r"1 \(status\): .*symbol",
        ),
        ("[[comand]]\nname = 'ban'\n", r"expected only tables \[\[command\]\]"),
        ("command = 5\n", r"expected only tables \[\[command\]\]"),
        ("command = [5]\n", "command 1: expected a table"),
        ("[[command\n", "Expected"),
        ("\xff", "faults.toml"),
    ],
)
def test_impossible_plans_end_the_start_with_their_place(
    plan: Path, text: str, reason: str
) -> None:
    plan.write_bytes(text.encode("latin-1"))

    with pytest.raises(ConfigError, match=rf"faults\.toml.*{reason}|{reason}"):
        VenueServer(VenueConfig(faults=plan, data=())).start()


def test_missing_plan_is_told_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert serve(faults=tmp_path / "nothing.toml") == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "nothing.toml" in line


def process(plan: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "grinder.cli", "venue", "--faults", str(plan), "--regime", "thin"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
    )


def test_step_that_fails_while_the_venue_runs_ends_it(plan: Path) -> None:
    plan.write_text("[[command]]\nname = 'ban'\nat_s = 0.01\nms = 'long'\n")
    venue = process(plan)
    try:
        _, err = venue.communicate(timeout=60)
    finally:
        venue.kill()
        venue.wait(timeout=60)

    assert venue.returncode == 1
    assert "command 1 (ban): ms: expected a whole number" in err


def test_command_line_serves_with_its_faults(plan: Path) -> None:
    plan.write_text("[[command]]\nname = 'fault'\nfault = 'overloaded-503'\ntimes = 2\n")
    venue = process(plan)
    try:
        assert venue.stdout is not None
        words = venue.stdout.readline().split()
        url = f"{words[words.index('REST') + 1]}/fapi/v1/ping"
        codes = [requests.get(url, timeout=60).status_code for _ in range(3)]
        venue.send_signal(signal.SIGTERM)
        code = venue.wait(timeout=60)
    finally:
        venue.kill()
        venue.wait(timeout=60)

    assert (codes, code) == ([503, 503, 200], 0)
