"""A ladder goes to the venue by fives, and every order of it is accounted for once."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from system.conftest import Site
from system.processes import FIXTURES, Run, settings
from system.waiting import until
from system.witness import accepted, doubles

pytestmark = pytest.mark.unmeasured

LEVELS = 8
LADDERS = 2 * 2 * LEVELS
"""Two symbols, two sides."""
ORDER, BATCH = "/fapi/v1/order", "/fapi/v1/batchOrders"
BY_FIVES = {BATCH: 2 * 3, ORDER: 2 * 1}
"""The requests that two ladders of sixteen make."""
STILL = (
    *("--config", str(FIXTURES / "restless.toml")),
    *settings(policy__levels=LEVELS, policy__recentre_bps=10_000),
)
"""Ladders that nobody reaches, and that stay where they are."""
PATIENT = settings(venue__place_timeout_ms=60_000)
"""No order is of unknown outcome because a busy venue was slow to answer."""
LOST = 2
"""Requests whose answer is lost, of five orders each."""


def count_requests(site: Site) -> None:
    """Let the venue keep a list of the placements that reach it: of delays, none of them long."""
    nothing = {"distribution": "uniform", "ms": 0, "ms_max": 0}
    site.server.control("delay", way="in", method="POST", path="/fapi/v1/*rder*", **nothing)


def requests_of(site: Site) -> Counter[str]:
    """Return how many requests for placements have reached the venue, by path."""
    return Counter(path for _, _, path, _ in site.server.control("state")["delays"])


def names_of(lines: list[dict[str, Any]]) -> list[str]:
    return sorted(line["client_id"] for line in lines)


def unknown_names(run: Run) -> set[str]:
    """Return the names of the orders that have been of unknown outcome, once a batch each is."""
    unknown = run.records("order_outcome_unknown", at_least=LOST * 5)
    return {one["client_order_id"] for one in unknown}


def shown(run: Run) -> list[str]:
    """Return the names of the orders that rest as the console shows them."""
    return sorted(one["client_order_id"] for one in run.state()["open_orders"])


@pytest.mark.parametrize(
    ("way", "expected"), [([], BY_FIVES), (settings(venue__batches="false"), {ORDER: 32})]
)
def test_ladders_arrive_in_few_requests_and_each_order_once(
    tmp_path: Path, site: Site, way: list[str], expected: dict[str, int]
) -> None:
    count_requests(site)
    with Run(tmp_path, *STILL, *PATIENT, *way, *site.options) as run:
        until(lambda: site.witness.entries() == LADDERS, "both ladders")
        names = sorted(one["clientOrderId"] for one in site.witness.open_orders())
        until(lambda: shown(run) == names, "the console shows what rests")
        requests = requests_of(site)
        report = run.stop()

    lines = site.witness.log()
    assert requests == expected
    assert names_of(accepted(lines)) == names
    assert len(set(names)) == LADDERS == report["orders_placed"]
    assert not doubles(lines)
    assert not [line for line in lines if line["op"] == "place-refused"]
    assert report["mismatches"] == 0
    assert report["open_orders_at_exit"] == 0
    assert site.witness.open_orders() == []


def test_what_the_venue_refuses_of_a_batch_is_placed_again_and_the_others_rest(
    tmp_path: Path, site: Site
) -> None:
    site.server.control("refuse", operation="place", symbol="BTCUSDT", skip=2, times=2, code=-5022)
    with Run(tmp_path, *STILL, *PATIENT, *site.options) as run:
        until(lambda: site.witness.entries() == LADDERS, "both ladders")
        refused = [line for line in site.witness.log() if line["op"] == "place-refused"]
        rejected = until(
            lambda: run.records("order_rejected", at_least=2), "the run knows of the refusals"
        )
        report = run.stop()

    lines = site.witness.log()
    assert names_of(refused) == sorted(one["client_order_id"] for one in rejected)
    assert [line["code"] for line in refused] == [-5022, -5022]
    assert not set(names_of(refused)) & set(names_of(accepted(lines)))
    assert len(accepted(lines)) == LADDERS
    assert not doubles(lines)
    assert report["mismatches"] == 0
    assert site.witness.open_orders() == []


@pytest.mark.parametrize("fault", ["lost", "unknown-503-done", "backend-408", "silent"])
def test_the_orders_of_a_batch_that_rest_without_a_reply_are_adopted(
    tmp_path: Path, site: Site, fault: str
) -> None:
    control = site.server.control
    # The private stream would tell of the orders before anyone could wonder.
    control("stall", routes=["private"])
    control("fault", fault=fault, method="POST", path=BATCH, times=LOST)
    with Run(tmp_path, *STILL, *site.options) as run:
        unknown = until(lambda: unknown_names(run), "placements of unknown outcome")
        until(
            lambda: unknown <= {one["client_order_id"] for one in run.records("order_accepted")},
            "the orders are adopted",
        )
        control("stall", routes=[])
        until(lambda: site.witness.entries() == LADDERS, "both ladders")
        report = run.stop()

    lines = site.witness.log()
    assert unknown <= set(names_of(accepted(lines)))
    assert not doubles(lines)
    assert report["mismatches"] == 0
    assert site.witness.open_orders() == []


@pytest.mark.parametrize("fault", ["lost-before", "unknown-503"])
def test_the_orders_of_a_batch_that_never_arrived_are_placed_anew(
    tmp_path: Path, site: Site, fault: str
) -> None:
    site.server.control("fault", fault=fault, method="POST", path=BATCH, times=LOST)
    with Run(tmp_path, *STILL, *PATIENT, *site.options) as run:
        unknown = until(lambda: unknown_names(run), "placements of unknown outcome")
        until(lambda: site.witness.entries() == LADDERS, "both ladders")
        report = run.stop()

    lines = site.witness.log()
    assert not unknown & set(names_of(accepted(lines)))
    assert len(accepted(lines)) == LADDERS
    assert not doubles(lines)
    assert report["mismatches"] == 0
    assert site.witness.open_orders() == []
