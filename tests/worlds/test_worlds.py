"""Whole worlds: the same twice, hit by every kind of fault, and found out when a bug is planted."""

from __future__ import annotations

import attrs
import pytest

from grinder.worlds.canaries import CANARIES
from grinder.worlds.command import REFERENCE, play_canary
from grinder.worlds.plan import KINDS, Fault
from grinder.worlds.run import Verdict, WorldSpec, play

pytestmark = pytest.mark.unmeasured

SHORT = WorldSpec(seed=5, minutes=1, kinds=tuple(KINDS))


def barrage(kind: str) -> tuple[Fault, ...]:
    """Return twelve faults of one kind, with jumps of the price so that there is something to hit.

    A fault of an actor hits the one that places orders.
    """
    longest_ms = min(KINDS[kind].ms[1], 2_000)
    target = "exchange" if KINDS[kind].has_target else ""
    faults = []
    for number in range(12):
        at_ms = 6_000 + 4_000 * number
        faults.append(Fault(at_ms=at_ms, kind=kind, ms=longest_ms, target=target, seed=number))
        faults.append(Fault(at_ms=at_ms + 10, kind="price-jump", seed=number))
    return tuple(faults)


def of_kind(kind: str) -> Verdict:
    # The journal is the disk that faults of the disk hit.
    spec = WorldSpec(seed=2, minutes=1, is_replayed=kind.startswith("disk"))
    return play(spec, barrage(kind))


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_of_fault_hits_something_and_is_survived(kind: str) -> None:
    verdict = of_kind(kind)

    assert verdict.done.get(kind, 0) > 0
    assert not verdict.violations


def test_a_world_is_played_the_same_twice() -> None:
    assert play(SHORT) == play(SHORT)


def test_what_a_world_did_is_replayed_to_the_last_message() -> None:
    verdict = play(SHORT)

    assert verdict.replayed > 1_000
    assert not verdict.violations


def test_a_kill_in_the_middle_is_survived() -> None:
    kill = Fault(at_ms=20_000, kind="kill", ms=2_000)

    verdict = play(attrs.evolve(SHORT, is_replayed=False), (kill,))

    assert verdict.kills == 1
    assert verdict.fills > 0
    assert verdict.converged_ms >= 0
    assert not verdict.violations


@pytest.mark.parametrize("seed", [6, 12, 14])
def test_a_trade_by_hand_whose_events_are_lost_is_in_the_books(seed: int) -> None:
    lost = Fault(at_ms=20_000, kind="event-lost", ms=500)
    by_hand = Fault(at_ms=20_100, kind="by-hand", seed=seed)

    verdict = play(WorldSpec(seed=seed, minutes=1), (lost, by_hand))

    assert verdict.done["by-hand"] == 1
    assert verdict.done["event-lost"] > 0
    assert not verdict.violations


@pytest.mark.parametrize("name", CANARIES)
def test_a_planted_bug_is_found(name: str) -> None:
    assert any(play_canary(name, seed).violations for seed in (1, 2, 3))


def test_the_reference_run_has_entries_exits_a_shift_and_a_funding() -> None:
    verdict = play(attrs.evolve(REFERENCE, trap=2**60))

    assert not verdict.violations
    assert verdict.fills >= 4
    assert verdict.orders >= 10
    assert verdict.deliveries < 1_500


@pytest.mark.parametrize("is_fatal", [False, True], ids=["actor", "process"])
def test_crashes_at_any_message_of_the_reference_run_are_survived(is_fatal: bool) -> None:
    for trap in range(1, 1_200, 60):
        verdict = play(attrs.evolve(REFERENCE, trap=trap, is_fatal=is_fatal))
        assert not verdict.violations, trap


def test_an_exit_that_the_venue_cut_is_made_whole_again() -> None:
    # Somebody sells by hand while something is held, and the venue cuts the exits.
    hands = tuple(
        Fault(at_ms=6_000 + 900 * number, kind="by-hand", seed=number) for number in range(50)
    )

    verdict = play(WorldSpec(seed=20, minutes=1, is_replayed=False), hands)

    assert verdict.done["by-hand"] > 20
    assert not verdict.violations


def test_a_fill_may_come_after_the_end_of_a_round_trip_that_a_late_one_completed() -> None:
    # Two fills of ours are told after one by hand; the first of them, in its place, ends a trip.
    faults = (
        Fault(at_ms=254_144, kind="crash", target="policy.ETHUSDT"),
        Fault(at_ms=312_634, kind="event-late", ms=3_746, share=0.36, seed=1_773_093_832),
        Fault(at_ms=314_342, kind="by-hand", seed=123_394_861),
    )

    verdict = play(WorldSpec(seed=51, minutes=5.3, is_replayed=False), faults)

    assert not verdict.violations
