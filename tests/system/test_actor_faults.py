"""Any actor raises or hangs at any moment of a live run: it comes back, and so do its orders."""

from __future__ import annotations

import functools
import random
from pathlib import Path
from typing import Any

import attrs
import pytest

from grinder.kernel.signals import ActorFailed, ActorRestarted, ExitReason
from grinder.messages.codec import CODEC
from grinder.messages.orders import OrdersSubmitted
from grinder.messages.risk import PermitsRevoked
from system.conftest import OpenSite, Site
from system.processes import FAULTS, FIXTURES, Run, settings
from system.recorded import FOLDER, spoken, turns
from system.waiting import until
from system.witness import Line, accepted, books, doubles, fills, same_price, venue_books

pytestmark = pytest.mark.unmeasured

NINE = (
    "feed", "feature", "policy.BTCUSDT", "risk", "router", "exchange", "reconcile",
    "account_sync", "leader",
)  # fmt: skip
LADDER = 2 * 5
"""Orders that rest for each symbol under restless.toml."""
TICKS_BETWEEN = (20, 200)
SEED = 20_240_817
NEVER_NS = 2**63


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


@attrs.define(kw_only=True)
class Standstills:
    """From when on permits were to be had again after somebody was down, in ns.

    RiskSupervisor voids every permit until it has heard that who was down is back; when it was
    down itself, it is back with the first thing that it is handed.
    """

    by_serial: dict[int, int] = attrs.field(factory=dict)
    """By the serial of what was voided."""
    by_generation: dict[int, int] = attrs.field(factory=dict)
    """By the generation of RiskSupervisor."""

    def ends_ns(self, handed: list[Any]) -> int:
        """Return when the standstill ends that an actor is told of; 0 if it is told of none."""
        if handed[0] not in ("PermitsRevoked", "ActorFailed"):
            return 0
        told = CODEC.from_row(handed)
        if isinstance(told, PermitsRevoked):
            return self.by_serial.get(told.serial, 0)
        assert isinstance(told, ActorFailed)
        is_news = told.actor == "risk" and told.reason is not ExitReason.NORMAL
        return self.by_generation.get(told.generation + 1, NEVER_NS) if is_news else 0


def standstills(folder: Path) -> Standstills:
    """Return those of a run."""
    found = Standstills()
    back_ns: dict[str, int] = {}
    for turn in reversed(list(turns(folder, "risk"))):
        found.by_generation[turn.generation] = turn.at_ns
        if turn.handed[0] == "ActorRestarted":
            restarted = CODEC.from_row(turn.handed)
            assert isinstance(restarted, ActorRestarted)
            back_ns[restarted.actor] = turn.at_ns
        elif turn.handed[0] == "ActorFailed":
            failed = CODEC.from_row(turn.handed)
            assert isinstance(failed, ActorFailed)
            # One that has not been up yet is not missing.
            if failed.reason is not ExitReason.NORMAL:
                for revoked in spoken(turn, PermitsRevoked):
                    found.by_serial[revoked.serial] = back_ns.get(failed.actor, NEVER_NS)
    return found


def sent_while_down(folder: Path) -> tuple[int, list[str]]:
    """Return how often entries had to end, and those that were submitted before they might again.

    What was submitted is judged by what ExchangeActor had been told by then, in the order of its
    own turns: before it is told, an entry may still leave.
    """
    known = standstills(folder)
    count, until_ns = 0, 0
    found: list[str] = []
    for turn in turns(folder, "exchange"):
        ends_ns = known.ends_ns(turn.handed)
        count += ends_ns > 0
        until_ns = max(until_ns, ends_ns)
        if turn.at_ns < until_ns:
            orders = [one for told in spoken(turn, OrdersSubmitted) for one in told.orders]
            found += [one.client_order_id for one in orders if not one.reduce_only]
    return count, found


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
    recorded = settings(journal__directory=FOLDER)
    with Run(tmp_path, *config, *FAULTS, *recorded, *site.options) as run:
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
    standstills_seen, sent = sent_while_down(tmp_path)
    assert standstills_seen >= 10
    assert sent == []


@pytest.mark.parametrize("placement", ["shared", "own"])
def test_fills_are_counted_once_whoever_fails(
    tmp_path: Path, open_site: OpenSite, placement: str
) -> None:
    site = open_site(speed=8.0)
    config = ("--config", str(FIXTURES / "lively.toml"))
    options = settings(supervision__placement=placement, journal__directory=FOLDER)
    with Run(tmp_path, *config, *FAULTS, *options, *site.options) as run:
        until(lambda: fills(site.witness.log()), "a fill")
        for actor, ticks in [*moments(placement, 9), ("ledger", 50), ("policy.ETHUSDT", 50)]:
            break_and_see(run, actor, "raise", ticks)
        after = len(fills(site.witness.log()))
        until(lambda: len(fills(site.witness.log())) > after, "trading goes on")
        report = run.stop()

    lines = site.witness.log()
    assert not doubles(lines)
    standstills_seen, sent = sent_while_down(tmp_path)
    assert standstills_seen >= 11
    assert sent == []
    assert books(report) == venue_books(site.witness)
