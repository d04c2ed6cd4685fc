"""The main command on markets other than the one in the package."""

from __future__ import annotations

import json
from pathlib import Path

from system.processes import FIXTURES, Run, settings
from system.waiting import until

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


def accepted(log: Path) -> set[str]:
    """Return the symbols of the orders that the venue has accepted."""
    text = log.read_text(encoding="utf-8") if log.exists() else ""
    lines = [json.loads(line) for line in text.splitlines(keepends=True) if line.endswith("\n")]
    return {line["symbol"] for line in lines if line["op"] == "accepted"}


def test_it_trades_on_a_capture_and_on_bars_with_faults_of_a_file(tmp_path: Path) -> None:
    log, faults = tmp_path / "orders.jsonl", tmp_path / "faults.toml"
    faults.write_text(FAULTS)
    market = ("--data", f"{CAPTURE},BTCUSDT={BARS}", "--symbols", "BTCUSDT,KSMUSDT,YFIUSDT")
    options = (*market, "--faults", str(faults), *settings(sim__order_log=log))
    with Run(tmp_path, *options) as run:
        until(lambda: accepted(log) >= {"BTCUSDT", "KSMUSDT", "YFIUSDT"}, "orders on all three")
        report = run.stop()

    assert report["ticks"] > 0
    assert report["open_orders_at_exit"] == 0
    assert report["restarts"] == 0


def test_it_takes_its_orders_away_when_the_market_crashes(tmp_path: Path) -> None:
    log, faults = tmp_path / "orders.jsonl", tmp_path / "faults.toml"
    faults.write_text('[[command]]\nname = "regime"\nat_s = 5\nregime = "crash"\n')
    options = ("--regime", "range", "--faults", str(faults), "--symbols", "BTCUSDT")
    config = ("--config", str(FIXTURES / "lively.toml"), *settings(sim__order_log=log))
    with Run(tmp_path, *options, *config) as run:
        until(lambda: "BTCUSDT" in accepted(log), "orders")
        until(lambda: run.state()["state"] not in ("INIT", "READY", "ACTIVE"), "a pause")
        report = run.stop()

    assert report["open_orders_at_exit"] == 0
    assert report["restarts"] == 0
