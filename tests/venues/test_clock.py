from __future__ import annotations

import pytest

from grinder.errors import TransientError
from grinder.model.units import NS_PER_MS
from grinder.venues.clock import REMEASURE_AFTER_NS, SAMPLES, VenueClock


class World:
    """A local clock that moves only when told, and a venue that is ahead of it."""

    def __init__(self, *, ahead_ms: int, ways: list[tuple[int, int]]) -> None:
        self.monotonic_ns = 5_000 * NS_PER_MS
        self.wall_offset_ns = 1_700_000_000_000 * NS_PER_MS
        self.ahead_ms = ahead_ms
        self.ways = ways
        self.asked = 0
        self.clock = VenueClock(
            wall_ns=lambda: self.monotonic_ns + self.wall_offset_ns,
            monotonic_ns=lambda: self.monotonic_ns,
        )

    def true_ms(self) -> int:
        return (self.monotonic_ns + self.wall_offset_ns) // NS_PER_MS + self.ahead_ms

    def read_ms(self) -> int:
        there, back = self.ways[self.asked % len(self.ways)]
        self.asked += 1
        if there < 0:
            raise TransientError("lost")
        self.monotonic_ns += there * NS_PER_MS
        answer = self.true_ms()
        self.monotonic_ns += back * NS_PER_MS
        return answer


def test_the_quickest_of_five_samples_counts() -> None:
    world = World(ahead_ms=1_270, ways=[(50, 300), (10, 10), (90, 2), (40, 40), (5, 200)])
    measured = world.clock.measure(world.read_ms)

    assert world.asked == SAMPLES
    assert measured.round_trip_ns == 20 * NS_PER_MS
    assert measured.offset_ns == 1_270 * NS_PER_MS


@pytest.mark.parametrize("ahead_ms", [-5_000, -1, 0, 900, 5_000])
@pytest.mark.parametrize("way", [(0, 0), (1, 400), (400, 1), (3, 3)])
def test_it_is_never_ahead_of_the_venue_and_lags_by_a_way_back_at_most(
    ahead_ms: int, way: tuple[int, int]
) -> None:
    world = World(ahead_ms=ahead_ms, ways=[way])
    world.clock.measure(world.read_ms)
    world.monotonic_ns += 12_345 * NS_PER_MS

    assert world.true_ms() - way[1] - 1 <= world.clock.venue_ms() <= world.true_ms()


def test_a_step_of_the_local_wall_clock_does_not_move_it() -> None:
    world = World(ahead_ms=0, ways=[(1, 1)])
    world.clock.measure(world.read_ms)
    before = world.clock.venue_ms()
    world.wall_offset_ns += 3_600_000 * NS_PER_MS

    assert world.clock.venue_ms() == before


def test_lost_samples_are_passed_over_until_none_is_left() -> None:
    world = World(ahead_ms=10, ways=[(-1, 0), (4, 4), (-1, 0)])
    world.clock.measure(world.read_ms)
    deaf = World(ahead_ms=10, ways=[(-1, 0)])

    assert world.clock.is_measured
    with pytest.raises(TransientError):
        deaf.clock.measure(deaf.read_ms)
    with pytest.raises(TransientError):
        deaf.clock.venue_ms()


def test_it_is_measured_again_after_minutes_and_once_for_many_refusals() -> None:
    world = World(ahead_ms=0, ways=[(1, 1)])
    mark = world.clock.mark()
    world.clock.measure(world.read_ms, since=mark)
    world.clock.measure(world.read_ms, since=mark)
    was_due = world.clock.is_due
    world.monotonic_ns += REMEASURE_AFTER_NS

    assert world.asked == SAMPLES
    assert not was_due
    assert world.clock.is_due
