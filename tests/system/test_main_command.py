"""The main command on the venue that it brings: what a stranger sees first."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from system.processes import FIXTURES, START_S, Run, grinder, settings
from system.waiting import until
from system.witness import books_by_symbol, doubles, sums_by_symbol

# The ladder follows the market with a position open too, so that ticks cause orders all the time.
MOVING = settings(policy__freeze_in_position="false", policy__recentre_bps=1)
SECONDS = "15"
NINE = {
    "feed", "feature", "policy.BTCUSDT", "risk", "router", "exchange", "reconcile",
    "account_sync", "leader",
}  # fmt: skip


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> tuple[Run, dict[str, Any]]:
    """Run for some seconds; what was seen on the way stands in the second value."""
    folder = tmp_path_factory.mktemp("main")
    log = folder / "orders.jsonl"
    config = ("--config", str(FIXTURES / "lively.toml"), *MOVING, *settings(sim__order_log=log))
    seen: dict[str, Any] = {}
    with Run(folder, "--for", SECONDS, "--speed", "8", *config) as run:
        until(run.is_ready, "readyz says 200")
        until(lambda: run.state()["orders"]["fills"] > 0, "a fill", within_s=20)
        until(
            lambda: all(run.state()["latency_samples"].values()),
            lambda: f"samples of both latencies, were {run.state()['latency_samples']}",
            within_s=20,
        )
        seen["readyz"] = run.get("/readyz")
        seen["metrics"] = run.get("/metrics")
        seen["state"] = run.get("/state").json()
        seen["tree"] = grinder(folder, "tree", "--url", run.url)
        seen["tree_json"] = grinder(folder, "tree", "--url", run.url, "--json")
        seen["exit"] = run.wait(START_S)
    seen["orders"] = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
    return run, seen


def test_it_ends_by_itself_with_code_0(finished: tuple[Run, dict[str, Any]]) -> None:
    run, seen = finished

    assert seen["exit"] == 0, run.err[-2000:]
    assert "Traceback" not in run.err


def test_the_report_counts_what_happened(finished: tuple[Run, dict[str, Any]]) -> None:
    report = finished[0].report()

    assert report["ticks"] > 1000
    assert report["orders_placed"] > 20
    assert report["fills"] > 0
    assert report["open_orders_at_exit"] == 0
    assert report["restarts"] == 0
    assert report["mailbox_dropped"] == 0
    assert report["failures"] == []
    assert report["mismatches"] == 0
    assert report["fsm"][:3] == ["INIT", "READY", "ACTIVE"]
    assert report["stop"]["position"] == "keep"
    assert report["stop"]["confirmed"] is True


def test_the_report_states_money_as_exact_text(finished: tuple[Run, dict[str, Any]]) -> None:
    report = finished[0].report()

    for name in ("realized_pnl", "fees", "funding"):
        assert isinstance(report[name], str)
        assert "E" not in report[name]


def test_the_report_agrees_with_the_order_log(finished: tuple[Run, dict[str, Any]]) -> None:
    run, seen = finished

    assert books_by_symbol(run.report()) == sums_by_symbol(seen["orders"])
    assert not doubles(seen["orders"])


def test_the_report_states_latencies(finished: tuple[Run, dict[str, Any]]) -> None:
    latency = finished[0].report()["latency_us"]

    for name in ("tick_to_intent", "tick_to_wire"):
        assert 0 < latency[name]["p50"] <= latency[name]["p99"]


def test_the_hash_of_the_settings_is_the_one_printed(
    finished: tuple[Run, dict[str, Any]],
) -> None:
    run, seen = finished
    report = run.report()

    assert f"config {report['config_hash']}" in run.out
    assert seen["state"]["config_hash"] == report["config_hash"]


def test_the_metrics_parse(finished: tuple[Run, dict[str, Any]]) -> None:
    text = finished[1]["metrics"].text

    families = {family.name for family in text_string_to_metric_families(text)}

    assert len(families) > 20
    assert any(name.startswith("grinder_") for name in families)


def test_it_is_ready_while_it_runs(finished: tuple[Run, dict[str, Any]]) -> None:
    assert finished[1]["readyz"].status_code == 200


def test_the_tree_command_shows_the_running_tree(finished: tuple[Run, dict[str, Any]]) -> None:
    run, seen = finished

    assert seen["tree"].returncode == 0, seen["tree"].stderr
    assert run.url in seen["tree"].stdout
    assert not [name for name in NINE if name not in seen["tree"].stdout]
    assert json.loads(seen["tree_json"].stdout)["is_running"] is True


def test_the_tree_command_shows_the_declared_tree_without_a_run(tmp_path: Path) -> None:
    shown = grinder(tmp_path, "tree", "--url", "http://127.0.0.1:9", "--json")

    assert shown.returncode == 0, shown.stderr
    assert json.loads(shown.stdout)["is_running"] is False
    assert not [name for name in NINE if f'"{name}"' not in shown.stdout]
