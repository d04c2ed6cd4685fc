"""The main command with each policy on the venue that it brings, the clock eight times as fast."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from grinder.policy.registry import AUTO, OWN
from system.processes import FIXTURES, Run, settings
from system.waiting import until

pytestmark = pytest.mark.unmeasured

TICKS = 300
QUOTING = {"static", "range", "adaptive", "funding-harvester", AUTO}
"""Those that quote in the market at hand from the first sample on."""


def deciding(run: Run) -> dict[str, Any]:
    """Return what the console shows of the plan in force; nothing before there is one."""
    plan: dict[str, Any] | None = run.state()["symbols"].get("BTCUSDT", {}).get("plan")
    return plan or {}


@pytest.mark.parametrize("name", sorted({*OWN, AUTO}))
def test_run_ends_flat_whoever_decides(tmp_path: Path, name: str) -> None:
    config = ("--config", str(FIXTURES / "lively.toml"), "--symbols", "BTCUSDT", "--speed", "8")
    chosen = settings(policy__name=name, stop__position="flatten")
    with Run(tmp_path, *config, *chosen) as run:
        until(run.is_ready, "readyz says 200")
        until(lambda: deciding(run).get("reasons"), "a plan")
        if name != AUTO:
            assert deciding(run)["policy"] == name
        until(lambda: run.state()["ticks"] >= TICKS, "ticks")
        if name in QUOTING:
            until(lambda: run.state()["orders"]["placed"] > 0, "an order")
        report = run.stop()

    assert report["stop"]["confirmed"]
    assert report["open_orders_at_exit"] == 0
    assert not any(map(float, report["positions"].values()))
    assert report["restarts"] == 0
    assert report["failures"] == []
    assert "Traceback" not in run.err
