"""Replies that never come, or that say nothing: the order is asked for, never sent again."""

from __future__ import annotations

from pathlib import Path

import pytest

from system.conftest import Site
from system.processes import FIXTURES, Run, settings
from system.waiting import until
from system.witness import accepted, books, doubles, venue_books

pytestmark = pytest.mark.unmeasured

# Requests of one order each: tests of batches lose the replies of several at once.
SINGLY = settings(venue__batches="false")
# No order is of unknown outcome because a busy venue was slow to answer.
PATIENT = settings(venue__place_timeout_ms=60_000)
RESTLESS = ("--config", str(FIXTURES / "restless.toml"))
LADDER = 2 * 5
TIMES = 2
ORDER = "/fapi/v1/order"
SENT_TOO_LATE = -1021
"""What a busy machine may be told of an order whose time was over when it arrived."""


def accepted_names(site: Site) -> set[str]:
    """Return the names of the orders that the venue has ever accepted."""
    return {line["client_id"] for line in accepted(site.witness.log())}


def lost_names(run: Run, site: Site, fault: str) -> set[str]:
    """Let replies be lost until orders rest that are of unknown outcome; return their names."""
    control = site.server.control

    def found() -> set[str] | None:
        unknown = {one["client_order_id"] for one in run.records("order_outcome_unknown")}
        names = unknown & accepted_names(site)
        if len(names) >= TIMES:
            return names
        if not control("state")["planned_faults"]:
            # At the beginning; when the venue has refused one that came too late; and when a look
            # at the account has found one before anybody could wonder.
            control("fault", fault=fault, method="POST", path=ORDER, times=TIMES)
        return None

    return until(found, "placements of unknown outcome")


@pytest.mark.parametrize("fault", ["lost", "unknown-503-done", "backend-408", "silent"])
def test_an_order_that_rests_without_a_reply_is_adopted(
    tmp_path: Path, site: Site, fault: str
) -> None:
    control = site.server.control
    with Run(tmp_path, *RESTLESS, *SINGLY, *site.options) as run:
        until(lambda: site.witness.entries() == 2 * LADDER, "both ladders")
        # The private stream would tell of the order before anyone could wonder.
        control("stall", routes=["private"])
        names = lost_names(run, site, fault)
        until(
            lambda: names <= {one["client_order_id"] for one in run.records("order_accepted")},
            "the orders are adopted",
        )
        control("stall", routes=[])
        until(lambda: site.witness.entries() == 2 * LADDER, "both ladders again")
        report = run.stop()

    lines = site.witness.log()
    assert not doubles(lines)
    refused = [line for line in lines if line["op"] == "place-refused"]
    assert not [line for line in refused if line["code"] != SENT_TOO_LATE]
    assert report["mismatches"] == 0
    assert site.witness.open_orders() == []
    assert books(report) == venue_books(site.witness)


@pytest.mark.parametrize("fault", ["lost-before", "unknown-503"])
def test_an_order_that_never_arrived_is_given_up(tmp_path: Path, site: Site, fault: str) -> None:
    with Run(tmp_path, *RESTLESS, *SINGLY, *PATIENT, *site.options) as run:
        until(lambda: site.witness.entries() == 2 * LADDER, "both ladders")
        site.server.control("fault", fault=fault, method="POST", path=ORDER, times=TIMES)
        unknown = until(
            lambda: run.records("order_outcome_unknown", at_least=TIMES),
            "placements of unknown outcome",
        )
        until(lambda: site.witness.entries() == 2 * LADDER, "both ladders again")
        report = run.stop()

    lines = site.witness.log()
    assert not {one["client_order_id"] for one in unknown} & accepted_names(site)
    assert not doubles(lines)
    assert report["mismatches"] == 0
    assert site.witness.open_orders() == []


@pytest.mark.parametrize("fault", ["lost", "lost-before", "unknown-503"])
def test_a_cancel_without_a_reply_is_seen_through(tmp_path: Path, site: Site, fault: str) -> None:
    with Run(tmp_path, *RESTLESS, *SINGLY, *site.options) as run:
        until(lambda: site.witness.entries() == 2 * LADDER, "both ladders")
        mark = site.witness.last()
        site.server.control("fault", fault=fault, method="DELETE", path=ORDER, times=TIMES)
        until(
            lambda: [line for line in site.witness.log(mark) if line["op"] == "canceled"],
            "cancels at the venue",
        )
        until(lambda: site.witness.entries() == 2 * LADDER, "both ladders again")
        report = run.stop()

    assert not doubles(site.witness.log())
    assert report["mismatches"] == 0
    assert site.witness.open_orders() == []
