"""The main command on the venue that it brings: what a stranger sees first."""

from __future__ import annotations

import json
import os
import signal
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import requests
from prometheus_client.parser import text_string_to_metric_families

from system.conftest import Site
from system.processes import FIXTURES, Run, grinder, settings
from system.waiting import PATIENCE_S, until
from system.witness import books_by_symbol, doubles, sums_by_symbol

# The ladder follows the market with a position open too, so that ticks cause orders all the time.
MOVING = settings(policy__freeze_in_position="false", policy__recentre_bps=1)
SECONDS = "5"
TICKS, ORDERS = 1000, 20
READY = 200
NINE = {
    "feed", "feature", "policy.BTCUSDT", "risk", "router", "exchange", "reconcile",
    "account_sync", "leader",
}  # fmt: skip


def has_seen_enough(run: Run) -> bool:
    """Return whether a run has lived through what the tests below look for."""
    state = run.state()
    orders = state["orders"]
    has_counted = state["ticks"] > TICKS and orders["placed"] > ORDERS and orders["fills"] > 0
    return has_counted and all(state["latency_samples"].values())


def ready(run: Run) -> requests.Response | None:
    """Return the answer that says that a run is ready; none before that."""
    answer = run.get("/readyz")
    return answer if answer.status_code == READY else None


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> tuple[Run, dict[str, Any]]:
    """Run until enough has happened; what was seen on the way stands in the second value."""
    folder = tmp_path_factory.mktemp("main")
    log = folder / "orders.jsonl"
    config = ("--config", str(FIXTURES / "lively.toml"), *MOVING, *settings(sim__order_log=log))
    seen: dict[str, Any] = {}
    with Run(folder, "--speed", "8", *config) as run:
        until(
            lambda: has_seen_enough(run),
            lambda: f"ticks, orders, a fill and samples of latency, was {run.state()}",
            within_s=3 * PATIENCE_S,
        )
        seen["readyz"] = until(lambda: ready(run), "readyz says 200")
        seen["metrics"] = run.get("/metrics")
        seen["state"] = run.get("/state").json()
        seen["tree"] = grinder(folder, "tree", "--url", run.url)
        seen["tree_json"] = grinder(folder, "tree", "--url", run.url, "--json")
        run.send(signal.SIGTERM)
        seen["exit"] = run.wait()
    seen["orders"] = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
    return run, seen


def test_it_ends_by_itself_with_code_0(tmp_path: Path) -> None:
    with Run(tmp_path, "--for", SECONDS, "--speed", "8") as run:
        code = run.wait(2 * PATIENCE_S)

    assert code == 0, run.err[-2000:]
    assert "Traceback" not in run.err
    assert run.report()["open_orders_at_exit"] == 0


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="Linux alone knows of this")
def test_every_thread_keeps_to_the_core_it_is_given(tmp_path: Path, site: Site) -> None:
    core = max(os.sched_getaffinity(0))
    with Run(tmp_path, *site.options, *settings(run__core=core)) as run:
        until(run.is_active, "active")
        allowed = {}
        for path in Path(f"/proc/{run.pid}/task").iterdir():
            with suppress(ProcessLookupError):
                allowed[path.name] = os.sched_getaffinity(int(path.name))
        run.stop()

    assert len(allowed) > 10
    assert set(map(frozenset, allowed.values())) == {frozenset({core})}


def test_it_ends_with_code_0_when_asked_to(finished: tuple[Run, dict[str, Any]]) -> None:
    run, seen = finished

    assert seen["exit"] == 0, run.err[-2000:]
    assert "Traceback" not in run.err


def test_the_report_counts_what_happened(finished: tuple[Run, dict[str, Any]]) -> None:
    report = finished[0].report()

    assert report["ticks"] > TICKS
    assert report["orders_placed"] > ORDERS
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
    assert finished[1]["readyz"].json() == {"ready": True, "reasons": []}


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
