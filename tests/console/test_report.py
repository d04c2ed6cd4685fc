"""The report holds what was confirmed, or else what was last known, with money as text."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from console import said
from console.said import INSTRUMENTS, NOW, Clock
from grinder.console.report import build_report, write_report
from grinder.console.views import StateView
from grinder.messages.orders import OrdersSynced
from grinder.messages.risk import StopPosition, WindDownCompleted, WindDownStarted

NEEDED = {
    "ticks",
    "orders_placed",
    "fills",
    "cancels",
    "open_orders_at_exit",
    "restarts",
    "fsm",
    "latency_us",
    "mailbox_dropped",
    "mailbox_conflated",
    "realized_pnl",
    "fees",
    "funding",
    "unrealized_pnl",
    "positions",
    "stop",
    "config_hash",
    "symbols",
    "duration_s",
    "version",
}


@pytest.fixture
def view() -> StateView:
    return StateView(INSTRUMENTS, now_ns=Clock())


def report_of(view: StateView) -> dict[str, Any]:
    actors = (said.actor("feed", restarts=2, dropped=1), said.actor("risk", conflated=4))
    return build_report(
        view,
        actors,
        config_hash="abc",
        version="1",
        stop_position="keep",
        duration_s=1.23456,
    )


def test_a_run_in_which_nothing_happened_has_every_key(view: StateView) -> None:
    report = json.loads(json.dumps(report_of(view)))

    assert set(report) >= NEEDED
    assert report["fsm"] == ["INIT"]
    assert report["stop"] == {"position": "keep", "confirmed": False, "detail": ""}
    assert report["latency_us"]["tick_to_wire"]["p99"] is None
    assert (report["restarts"], report["mailbox_dropped"], report["mailbox_conflated"]) == (2, 1, 9)


def test_a_run_adds_up(view: StateView) -> None:
    for message in (
        said.ticked(),
        said.moved("INIT", "READY"),
        said.moved("READY", "ACTIVE"),
        said.submitted(),
        said.accepted(),
        said.filled(),
        said.ledger(),
        said.answered(NOW + 2_000),
        said.proposed(),
    ):
        view.observe("anybody", NOW + 1_000, message)

    report = report_of(view)

    assert report["fsm"] == ["INIT", "READY", "ACTIVE"]
    assert (report["ticks"], report["orders_placed"], report["fills"]) == (1, 1, 1)
    assert report["open_orders_at_exit"] == 1
    assert report["latency_us"]["tick_to_intent"]["p50"] == 1.0
    assert report["latency_us"]["tick_to_wire"]["p50"] == 2.0
    assert report["unrealized_pnl"] == "0.00000001"
    assert report["symbols"]["BTCUSDT"]["funding"] == "-0.25"
    assert report["duration_s"] == 1.235


def test_what_the_venue_confirmed_wins(view: StateView) -> None:
    synced = OrdersSynced(
        symbol="BTCUSDT",
        orders=(),
        position_lots=5,
        entry_price=said.BTC.tick,
        is_stream_live=True,
    )
    view.observe("exchange", NOW, synced)
    view.observe("exchange", NOW, said.accepted())
    assert report_of(view)["positions"] == {"BTCUSDT": "0.005"}

    view.observe("risk", NOW, WindDownStarted(position=StopPosition.FLATTEN))
    done = WindDownCompleted(open_orders=0, positions=(), is_confirmed=True, detail="all clear")
    view.observe("exchange", NOW, done)

    report = report_of(view)
    assert report["open_orders_at_exit"] == 0
    assert report["positions"] == {"BTCUSDT": "0"}
    assert report["stop"] == {"position": "flatten", "confirmed": True, "detail": "all clear"}


def test_a_report_is_written_whole(tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    path.write_text("old")

    write_report(path, {"ticks": 1})

    assert json.loads(path.read_text()) == {"ticks": 1}
    assert [one.name for one in tmp_path.iterdir()] == ["report.json"]


def test_a_report_that_can_t_be_written_leaves_nothing_behind(tmp_path: Path) -> None:
    target = tmp_path / "folder"
    target.mkdir()

    with pytest.raises(OSError, match="directory"):
        write_report(target, {})

    assert [one.name for one in tmp_path.iterdir()] == ["folder"]
