"""The clocks: the machine's, read once and carried on, and the virtual one."""

from __future__ import annotations

from datetime import UTC, datetime

from freezegun import freeze_time

from grinder.kernel.clock import ManualClock, SystemClock

NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


def test_the_system_clock_counts_from_the_epoch() -> None:
    with freeze_time(NOON):
        assert SystemClock().now_ns() == int(NOON.timestamp()) * 1_000_000_000


def test_the_system_clock_goes_on_with_time() -> None:
    with freeze_time(NOON) as frozen:
        clock = SystemClock()
        before_ns = clock.now_ns()
        frozen.tick(1.5)

        assert clock.now_ns() - before_ns == 1_500_000_000


def test_a_clock_made_later_agrees_with_one_made_earlier() -> None:
    with freeze_time(NOON) as frozen:
        early = SystemClock()
        frozen.tick(3600)

        assert SystemClock().now_ns() == early.now_ns()


def test_virtual_time_never_goes_back() -> None:
    clock = ManualClock(100)

    clock.advance_to(50)
    assert clock.now_ns() == 100
    clock.advance_to(150)
    assert clock.now_ns() == 150
