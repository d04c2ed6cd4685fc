"""A ladder that moves takes few requests, and every order of it is accounted for once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import requests

from system.conftest import OpenSite, Site
from system.processes import FIXTURES, HTTP_S, Run, settings
from system.waiting import until
from system.witness import Line, accepted, doubles

pytestmark = pytest.mark.unmeasured

LEVELS = 8
LADDER = 2 * LEVELS
ORDER, BATCH = "/fapi/v1/order", "/fapi/v1/batchOrders"
HOUR_MS = 3_600_000
OPTIONS = (
    *("--config", str(FIXTURES / "restless.toml")),
    *settings(policy__levels=LEVELS, run__symbols="BTCUSDT"),
    # The market stands still until it is moved, which is no silence.
    *settings(feed__book_stale_after_ms=HOUR_MS, feed__trade_stale_after_ms=HOUR_MS),
    *settings(feed__mark_stale_after_ms=HOUR_MS),
    # However slow the venue, no cancel and no placement is of unknown outcome.
    *settings(venue__place_timeout_ms=60_000, venue__cancel_timeout_ms=60_000),
)
BEFORE, AFTER = 61_800, 61_862
"""Prices further apart than a ladder moves for, and less far than to its nearest level."""
SLOW_MS = 1_500
"""So long a request to cancel is under way: meanwhile all other cancels are told."""
CANCELS_MAX = 2 + 2
"""Requests for a ladder: what each of two threads takes first, and by tens what waits then."""
MOVES_MAX = 6
"""Ladders moved until ends come so close together that what takes their places goes by fives."""


@pytest.fixture
def still(open_site: OpenSite) -> Site:
    """Give a venue whose market stands still."""
    return open_site(paused=True)


def move(site: Site, price: int) -> None:
    """Set the best bid and ask."""
    site.server.control(
        "quote", symbol="BTCUSDT", bid=f"{price}.0", ask=f"{price}.1", bid_qty="5", ask_qty="5"
    )


def names_of(site: Site) -> set[str]:
    """Return the names of the entries that rest."""
    return {one["clientOrderId"] for one in site.witness.open_orders() if not one["reduceOnly"]}


def ladder_at(site: Site, price: int, before: frozenset[str] = frozenset()) -> frozenset[str]:
    """Return the names of a whole ladder of new orders, once it rests around ``price``."""

    def rests() -> frozenset[str]:
        # Said again and again: who connects after a quote does not hear of it.
        move(site, price)
        names = frozenset(names_of(site))
        return names if len(names) == LADDER and not names & before else frozenset()

    return until(rests, f"a ladder at {price}")


def count_requests(site: Site, slow_ms: int = SLOW_MS) -> None:
    """Let the venue list the requests about orders that reach it, and be slow to cancel."""
    for method, ms in (("GET", 0), ("POST", 0), ("DELETE", slow_ms)):
        delay: dict[str, Any] = {"distribution": "uniform", "ms": ms, "ms_max": ms}
        site.server.control("delay", way="in", method=method, path="/fapi/v1/*rder*", **delay)


def requests_of(site: Site) -> Counter[tuple[str, str]]:
    """Return how many of them have come so far, by method and path."""
    drawn = site.server.control("state")["delays"]
    return Counter((method, path) for _, method, path, _ in drawn)


def canceled(lines: list[Line]) -> list[str]:
    return [line["client_id"] for line in lines if line["op"] == "canceled"]


def check_cancels(sent: Counter[tuple[str, str]]) -> None:
    """Check that cancels of a ladder went together."""
    assert sent["DELETE", BATCH] >= 1
    assert sent["DELETE", BATCH] + sent["DELETE", ORDER] <= CANCELS_MAX


def check_accounts(site: Site, report: dict[str, Any]) -> None:
    """Check that each order was taken once and cancelled once, by the log of the venue."""
    lines = site.witness.log()
    names = [line["client_id"] for line in accepted(lines)]
    assert len(set(names)) == len(names) == report["orders_placed"]
    assert sorted(canceled(lines)) == sorted(names)
    assert not doubles(lines)
    assert report["mismatches"] == 0
    assert report["open_orders_at_exit"] == 0
    assert site.witness.open_orders() == []


def test_a_ladder_that_moves_is_cancelled_and_placed_again_in_few_requests(
    tmp_path: Path, still: Site
) -> None:
    with Run(tmp_path, *OPTIONS, *still.options) as run:
        first = ladder_at(still, BEFORE)
        count_requests(still)
        ladder = ladder_at(still, AFTER, before=first)
        sent = requests_of(still)
        for price in (BEFORE, AFTER) * (MOVES_MAX // 2):
            if not requests_of(still)["POST", BATCH]:
                ladder = ladder_at(still, price, before=ladder)
        by_fives = requests_of(still)["POST", BATCH]
        refused = [line for line in still.witness.log() if line["op"].endswith("-refused")]
        still.server.control("clear-faults")
        report = run.stop()

    check_cancels(sent)
    assert by_fives
    assert refused == []
    check_accounts(still, report)


def test_turned_off_each_cancel_is_a_request(tmp_path: Path, still: Site) -> None:
    with Run(tmp_path, *OPTIONS, *settings(venue__batches="false"), *still.options) as run:
        first = ladder_at(still, BEFORE)
        count_requests(still, slow_ms=0)
        ladder_at(still, AFTER, before=first)
        sent = requests_of(still)
        report = run.stop()

    assert {key: sent[key] for key in sent if key[0] != "GET"} == {
        ("DELETE", ORDER): LADDER,
        ("POST", ORDER): LADDER,
    }
    check_accounts(still, report)


def operate(run: Run, action: str) -> None:
    answer = requests.post(
        f"{run.url}/operator/{action}", json={"operator": "a test"}, timeout=HTTP_S
    )
    assert answer.status_code == 202, answer.text


def test_a_pause_clears_the_book_in_few_requests(tmp_path: Path, still: Site) -> None:
    with Run(tmp_path, *OPTIONS, *still.options) as run:
        first = ladder_at(still, BEFORE)
        count_requests(still)
        operate(run, "pause")
        until(lambda: not still.witness.open_orders(), "nothing rests")
        sent = requests_of(still)
        still.server.control("clear-faults")
        operate(run, "resume")
        ladder_at(still, BEFORE, before=first)
        report = run.stop()

    check_cancels(sent)
    check_accounts(still, report)


def lose(fault: str) -> Callable[[Site], None]:
    """Return what lets the replies to cancels that go together go wrong, and nobody else tell."""

    def order(site: Site) -> None:
        site.server.control("stall", routes=["private"])
        site.server.control("fault", fault=fault, method="DELETE", path=BATCH, times=2)

    return order


def refuse(site: Site) -> None:
    """Refuse one of the cancels as if there were no such order."""
    site.server.control("refuse", operation="cancel", skip=5, code=-2011)


@pytest.mark.parametrize(
    "trouble",
    [lose("lost"), lose("lost-before"), lose("unknown-503-done"), lose("unknown-503"), refuse],
    ids=["lost", "lost-before", "unknown-503-done", "unknown-503", "refused"],
)
def test_whatever_becomes_of_a_request_each_of_its_orders_ends_once(
    tmp_path: Path, still: Site, trouble: Callable[[Site], None]
) -> None:
    with Run(tmp_path, *OPTIONS, *still.options) as run:
        first = ladder_at(still, BEFORE)
        count_requests(still)
        trouble(still)
        move(still, AFTER)
        until(lambda: requests_of(still)["GET", ORDER], "an order is looked up")
        still.server.control("stall", routes=[])
        ladder_at(still, AFTER, before=first)
        sent = requests_of(still)
        still.server.control("clear-faults")
        report = run.stop()

    assert sent["DELETE", BATCH]
    check_accounts(still, report)
