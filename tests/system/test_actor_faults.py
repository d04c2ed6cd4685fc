"""Any actor raises or hangs at any moment of a live run: it comes back, and so do its orders."""

from __future__ import annotations

import functools
import random
from pathlib import Path

import pytest

from system.conftest import OpenSite, Site
from system.processes import FIXTURES, Run, settings
from system.waiting import until
from system.witness import Line, accepted, books, doubles, fills, same_price, venue_books

NINE = (
    "feed", "feature", "policy.BTCUSDT", "risk", "router", "exchange", "reconcile",
    "account_sync", "leader",
)  # fmt: skip
LADDER = 2 * 5
"""Orders that rest for each symbol under restless.toml."""
TICKS_BETWEEN = (20, 200)
SEED = 20_240_817
MS = 1e6


def moments(kind: str, count: int) -> list[tuple[str, int]]:
    """Return ``count`` actors, each of the nine at least once, and ticks to wait before each."""
    chance = random.Random(f"{SEED} {kind}")
    actors = [*NINE, *chance.choices(NINE, k=count - len(NINE))]
    chance.shuffle(actors)
    return [(actor, chance.randint(*TICKS_BETWEEN)) for actor in actors]


def break_and_see(run: Run, actor: str, kind: str, ticks: int) -> None:
    """Wait for some ticks, let an actor fail, and wait until it is back."""
    state = run.state()
    reached = state["ticks"] + ticks
    restarts = state["restarts"].get(actor, 0)
    until(lambda: run.state()["ticks"] >= reached, "ticks")
    run.fault(actor, kind)
    until(
        lambda: run.restarts_of(actor) > restarts,
        lambda: f"{actor} restarted after {kind}; {run.state()['failures'][-3:]}",
    )
    until(run.is_ready, f"ready after {kind} of {actor}")


def gaps(run: Run) -> list[tuple[str, float, float]]:
    """Return (actor, failed, restarted) in ms of each failure that the log tells of."""
    found = []
    restarts = run.records("actor_restarted")
    for failed in run.records("actor_failed"):
        back = [
            one["at_ns"]
            for one in restarts
            if one["actor"] == failed["actor"] and one["at_ns"] >= failed["at_ns"]
        ]
        found.append((failed["actor"], failed["at_ns"] / MS, min(back) / MS))
    return found


def sent_while_down(run: Run, lines: list[Line]) -> list[str]:
    """Return the entries accepted by the venue that were sent while an actor was down."""
    sent = {one["client_order_id"]: one["at_ns"] / MS for one in run.records("order_submitted")}
    return [
        f"line {line['n']} sent {sent[line['client_id']] - failed:.3f} ms after {actor} failed"
        for actor, failed, restarted in gaps(run)
        for line in accepted(lines)
        if not line["reduce_only"]
        and failed < line["ts"] < restarted
        and failed < sent[line["client_id"]] < restarted
    ]


def accepted_after(site: Site, number: int) -> list[Line]:
    return accepted(site.witness.log(number))


def ladder_is_back(site: Site) -> bool:
    levels = [
        (order["symbol"], order["clientOrderId"].split("-")[2])
        for order in site.witness.open_orders()
    ]
    return len(levels) == len(set(levels)) == 2 * LADDER


@pytest.mark.parametrize("kind", ["raise", "hang"])
def test_every_actor_comes_back_and_the_ladder_with_it(
    tmp_path: Path, site: Site, kind: str
) -> None:
    config = ("--config", str(FIXTURES / "restless.toml"))
    faults = settings(run__fault_injection="true")
    with Run(tmp_path, *config, *faults, *site.options) as run:
        until(lambda: ladder_is_back(site), "the first ladder")
        for actor, ticks in moments(kind, 10):
            break_and_see(run, actor, kind, ticks)
            after = site.witness.last()
            until(
                lambda: ladder_is_back(site),
                lambda: f"the ladder; rests: {site.witness.open_orders()}",
            )
            until(
                functools.partial(accepted_after, site, after),
                f"orders after {kind} of {actor}",
            )
        report = run.stop()

    lines = site.witness.log()
    assert report["restarts"] >= 10
    assert report["mismatches"] == 0
    assert site.witness.open_orders() == []
    assert not doubles(lines)
    assert not same_price(lines)
    assert not sent_while_down(run, lines)


@pytest.mark.parametrize("placement", ["shared", "own"])
def test_fills_are_counted_once_whoever_fails(
    tmp_path: Path, open_site: OpenSite, placement: str
) -> None:
    site = open_site(speed=8.0)
    config = ("--config", str(FIXTURES / "lively.toml"))
    faults = settings(run__fault_injection="true", supervision__placement=placement)
    with Run(tmp_path, *config, *faults, *site.options) as run:
        until(lambda: fills(site.witness.log()), "a fill")
        for actor, ticks in [*moments(placement, 9), ("ledger", 50), ("policy.ETHUSDT", 50)]:
            break_and_see(run, actor, "raise", ticks)
        after = len(fills(site.witness.log()))
        until(lambda: len(fills(site.witness.log())) > after, "trading goes on")
        report = run.stop()

    lines = site.witness.log()
    assert not doubles(lines)
    assert not sent_while_down(run, lines)
    assert books(report) == venue_books(site.witness)
