"""Hedge mode as an operator starts it: both legs trade, and the money is the venue's."""

from __future__ import annotations

import json
import signal
from collections import Counter
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from grinder.model.settings import VenueSettings
from grinder.venues.sim.config import AccountSeed
from system.conftest import OpenSite, Site
from system.funding import until_funded
from system.processes import FIXTURES, Run, grinder, settings, whole_lines
from system.recorded import FOLDER, replayed
from system.waiting import until
from system.witness import ACCOUNT, accepted, books, doubles, fills, leg, venue_books

pytestmark = pytest.mark.unmeasured

LIVELY = ("--config", str(FIXTURES / "lively.toml"))
HEDGE = settings(venue__position_mode="hedge")
DEFAULT_MS = VenueSettings().dead_man_ms
"""The countdown of who has asked for no other one, renewed when a third of it has gone."""
LEGS = {f"{market}:{side}" for market in ("BTCUSDT", "ETHUSDT") for side in ("LONG", "SHORT")}


def hedged(*, is_hedged: bool = True) -> tuple[AccountSeed, ...]:
    return (AccountSeed(key=ACCOUNT, secret="sim-secret", is_hedged=is_hedged),)


@pytest.fixture
def hedge_site(open_site: OpenSite) -> Site:
    """Give a venue whose account is in hedge mode."""
    return open_site(
        speed=8.0,
        accounts=hedged(),
        funding_interval_ms=8_000,
        funding_rate=Decimal("0.000137"),
    )


def test_the_main_command_trades_both_legs_and_agrees_with_the_ledger_of_its_venue(
    tmp_path: Path,
) -> None:
    log = tmp_path / "orders.jsonl"
    options = settings(sim__order_log=log, stop__position="flatten")
    with Run(tmp_path, *LIVELY, *HEDGE, *options, "--speed", "8") as run:
        until(lambda: {leg(line) for line in fills(lines_of(log))} == LEGS, "all legs traded")
        report = run.stop()
    lines = lines_of(log)

    assert {line["position_side"] for line in lines if line["op"] == "accepted"} == {
        "LONG",
        "SHORT",
    }
    assert report["open_orders_at_exit"] == 0
    assert not any(Decimal(text) for text in report["positions"].values())
    assert money(report) == money_of(lines)
    assert not doubles(lines)


def lines_of(log: Path) -> list[dict[str, Any]]:
    """Return the lines of an order log so far."""
    text = whole_lines(log) if log.exists() else ""
    return [json.loads(line) for line in text.splitlines()]


def money(report: dict[str, Any]) -> dict[str, Decimal]:
    """Return realised profit and fees, leg by leg."""
    return {
        f"{name} {field}": Decimal(one[field])
        for name, one in report["symbols"].items()
        for field in ("realized_pnl", "fees")
        if one["fills"]
    }


def money_of(lines: list[dict[str, Any]]) -> dict[str, Decimal]:
    """Return the same from the venue's own order log."""
    sums: Counter[str] = Counter()
    for line in fills(lines):
        sums[f"{leg(line)} realized_pnl"] += Decimal(line["realised"])  # type: ignore[assignment]
        sums[f"{leg(line)} fees"] += Decimal(line["commission"])  # type: ignore[assignment]
    return {name: Decimal(amount) for name, amount in sums.items()}


def test_a_stopped_run_is_flat_on_both_legs_and_replays_to_the_same(
    tmp_path: Path, hedge_site: Site
) -> None:
    witness = hedge_site.witness
    options = settings(journal__directory=FOLDER, stop__position="flatten")
    with Run(tmp_path, *LIVELY, *HEDGE, *options, *hedge_site.options) as run:
        until(lambda: {leg(line) for line in fills(witness.log())} == LEGS, "all legs traded")
        until_funded(run, witness)
        report = run.stop()

    account = witness.account()
    assert account["open_orders"] == []
    assert account["positions"] == {}
    assert report["stop"] == {"position": "flatten", "confirmed": True, "detail": ""}
    assert books(report) == venue_books(witness)
    assert not doubles(witness.log())
    code, found, _ = replayed(tmp_path)
    assert (code, found["identical"]) == (0, True)
    for name in ("BTCUSDT:LONG", "BTCUSDT:SHORT"):
        page = tmp_path / f"{name[-4:]}.html"
        drawn = grinder(tmp_path, "plot", FOLDER, "--symbol", name, "--out", str(page))
        assert drawn.returncode == 0, drawn.stderr
        assert name in page.read_text(encoding="utf-8")
    placed = next(line for line in accepted(witness.log()) if line["reduce_only"])
    told = grinder(tmp_path, "why", placed["client_id"], "--journal", FOLDER)
    assert told.returncode == 0, told.stderr
    assert leg(placed) in told.stdout


def test_the_countdown_takes_the_orders_of_both_legs_when_the_process_dies(
    tmp_path: Path, hedge_site: Site
) -> None:
    witness = hedge_site.witness
    options = settings(venue__dead_man_ms=3_000)
    with Run(tmp_path, *LIVELY, *HEDGE, *options, *hedge_site.options) as run:
        until(lambda: {one["positionSide"] for one in witness.open_orders()} == {"LONG", "SHORT"},
              "both legs rest")  # fmt: skip
        run.send(signal.SIGKILL)
        run.wait()
        died_ms = hedge_site.server.control("state")["now_ms"]
        until(lambda: witness.resting() == 0, "no order rests")

    ended_ms = max(line["ts"] for line in witness.log() if line["op"] == "canceled")
    assert ended_ms - died_ms < DEFAULT_MS / 2


@pytest.mark.parametrize("is_hedged", [True, False])
def test_an_account_in_another_mode_is_refused_before_anything_starts(
    tmp_path: Path, open_site: OpenSite, is_hedged: bool
) -> None:
    site = open_site(accounts=hedged(is_hedged=is_hedged))
    wanted = "one-way" if is_hedged else "hedge"
    mode = settings(venue__position_mode=wanted)
    with Run(tmp_path, *LIVELY, *mode, *site.options) as run:
        assert run.wait() == 2

    assert f"expected the account in {wanted} mode" in run.err
    assert "Traceback" not in run.err
    assert site.witness.log() == []
    # It is for its owner to change that.
    assert site.server.control("state")["accounts"][ACCOUNT]["open_orders"] == []
