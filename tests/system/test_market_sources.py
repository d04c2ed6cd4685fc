"""The main command on markets other than the one in the package."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from system.processes import FIXTURES, Run, settings, whole_lines
from system.waiting import until

pytestmark = pytest.mark.unmeasured

RECORDINGS = FIXTURES / "recordings"
CAPTURE = RECORDINGS / "cryptofeed-usdm-20210417.txt.gz"
BARS = RECORDINGS / "bars-btcusdt-20221213.csv"

FAULTS = """
[[command]]
name = "delay"
way = "in"
distribution = "lognormal"
ms = 5
ms_max = 50
"""


def accepted(log: Path) -> dict[str, int]:
    """Return the symbols of the orders that the venue has accepted, each with when it was first."""
    text = whole_lines(log) if log.exists() else ""
    lines = [json.loads(line) for line in text.splitlines()]
    # Newest first, so that the oldest one stays.
    return {line["symbol"]: line["ts"] for line in lines[::-1] if line["op"] == "accepted"}


def test_it_trades_on_a_capture_and_on_bars_with_faults_of_a_file(tmp_path: Path) -> None:
    log, faults = tmp_path / "orders.jsonl", tmp_path / "faults.toml"
    faults.write_text(FAULTS)
    symbols = {"BTCUSDT", "KSMUSDT", "YFIUSDT"}
    market = ("--data", f"{CAPTURE},BTCUSDT={BARS}", "--symbols", ",".join(sorted(symbols)))
    options = (*market, "--faults", str(faults), *settings(sim__order_log=log))
    with Run(tmp_path, *options) as run:
        until(lambda: accepted(log).keys() >= symbols, "orders on all three")
        report = run.stop()

    assert report["ticks"] > 0
    assert report["open_orders_at_exit"] == 0
    assert report["restarts"] == 0


CRASH = """
[[command]]
name = "regime"
at_s = {at_s}
regime = "crash"
"""


def paused_after(run: Run, ms: int) -> bool:
    """Return whether trading was paused later than ``ms``, for however short a time."""
    return any(
        moved["at_ns"] // 1_000_000 > ms and moved["to_state"] not in ("INIT", "READY", "ACTIVE")
        for moved in run.records("risk_state_changed")
    )


def test_it_takes_its_orders_away_when_the_market_crashes(tmp_path: Path) -> None:
    log, faults = tmp_path / "orders.jsonl", tmp_path / "faults.toml"
    # Who is slow to start meets a later one.
    faults.write_text("".join(CRASH.format(at_s=at_s) for at_s in range(5, 100, 20)))
    options = ("--regime", "range", "--faults", str(faults), "--symbols", "BTCUSDT")
    config = ("--config", str(FIXTURES / "lively.toml"), *settings(sim__order_log=log))
    with Run(tmp_path, *options, *config) as run:
        ordered_ms = until(lambda: accepted(log).get("BTCUSDT"), "orders")
        until(lambda: paused_after(run, ordered_ms), "a pause")
        report = run.stop()

    assert report["open_orders_at_exit"] == 0
    assert report["restarts"] == 0
