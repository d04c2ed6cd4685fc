"""The report's money is the venue's, to the last digit."""

from __future__ import annotations

import signal
from decimal import Decimal
from pathlib import Path
from typing import Any

import requests

from system.conftest import OpenSite
from system.funding import until_funded
from system.processes import FIXTURES, HTTP_S, Job, Run, settings
from system.waiting import until
from system.witness import Witness, books, doubles, fills, venue_books

LIVELY = ("--config", str(FIXTURES / "lively.toml"))
FUNDING_MS = 8_000


def controlled(url: str) -> Witness:
    def control(command: str, **fields: Any) -> Any:
        return requests.post(f"{url}/{command}", json=fields, timeout=HTTP_S).json()

    return Witness(control)


def test_a_run_on_a_venue_of_its_own_process_agrees_with_its_ledger(tmp_path: Path) -> None:
    log = tmp_path / "orders.jsonl"
    arguments = [
        *("-m", "grinder.cli", "venue", "--rest-port", "0", "--ws-port", "0"),
        *("--control-port", "0", "--order-log", str(log), "--speed", "8"),
    ]
    with Job(tmp_path, "venue", arguments) as venue:
        rest, streams, control = venue.line(r"REST (\S+) WS (\S+) CONTROL (\S+)").groups()
        witness = controlled(control)
        where = settings(venue__rest_url=rest, venue__stream_url=streams)
        with Run(tmp_path, *LIVELY, *where) as run:
            until(lambda: len(fills(witness.log())) >= 8, "eight fills")
            report = run.stop()

        assert books(report) == venue_books(witness)
        assert len(log.read_text(encoding="utf-8").splitlines()) == len(witness.log())
        assert not doubles(witness.log())
        venue.send(signal.SIGTERM)
        assert venue.wait() == 0


def test_funding_is_booked_as_the_venue_booked_it(tmp_path: Path, open_site: OpenSite) -> None:
    site = open_site(speed=8.0, funding_interval_ms=FUNDING_MS, funding_rate=Decimal("0.000137"))
    flat = settings(stop__position="flatten")
    with Run(tmp_path, *LIVELY, *flat, *site.options) as run:
        # Nothing is held any more when the next payment is due, an interval later.
        until_funded(run, site.witness)
        report = run.stop()

    assert Decimal(report["funding"]) != 0
    assert books(report) == venue_books(site.witness)
