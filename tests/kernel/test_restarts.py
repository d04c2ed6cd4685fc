from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grinder.kernel.restarts import affected, backoff_ns, is_restarted, within_intensity
from grinder.kernel.signals import ExitReason
from grinder.kernel.spec import Intensity, Restart, Strategy
from kernel.world import MS, SECOND, SteppedWorld

ORDER = ("a", "b", "c")
intensities = st.builds(
    Intensity,
    restarts_max=st.integers(0, 10),
    period_ns=st.integers(1, 100),
    backoff_ns=st.integers(1, SECOND),
    backoff_max_ns=st.integers(1, 60 * SECOND),
)


@pytest.mark.parametrize("reason", list(ExitReason))
def test_restart_types(reason: ExitReason) -> None:
    assert is_restarted(Restart.PERMANENT, reason)
    assert is_restarted(Restart.TRANSIENT, reason) is (reason is not ExitReason.NORMAL)
    assert not is_restarted(Restart.TEMPORARY, reason)


@pytest.mark.parametrize("failed", ORDER)
def test_strategies(failed: str) -> None:
    assert affected(Strategy.ONE_FOR_ONE, ORDER, failed) == (failed,)
    assert affected(Strategy.ONE_FOR_ALL, ORDER, failed) == ORDER
    assert affected(Strategy.REST_FOR_ONE, ORDER, failed) == ORDER[ORDER.index(failed) :]


@given(intensities, st.lists(st.integers(0, 50), max_size=60))
def test_the_intensity_counts_restarts_within_the_period(
    intensity: Intensity, pauses: list[int]
) -> None:
    history: tuple[int, ...] = ()
    times: list[int] = []
    now_ns = 1000
    for pause in pauses:
        now_ns += pause
        times.append(now_ns)
        goes_on, history = within_intensity(history, now_ns, intensity)

        recent = [at for at in times if now_ns - at < intensity.period_ns]
        assert goes_on is (len(recent) <= intensity.restarts_max)
        assert len(history) <= intensity.restarts_max + 1


@given(intensities, st.text(max_size=8), st.integers(1, 100))
def test_the_pause_is_bounded_and_the_same_each_time(
    intensity: Intensity, child: str, failures: int
) -> None:
    pause = backoff_ns(child, failures, intensity)

    full = min(intensity.backoff_ns << min(failures - 1, 40), intensity.backoff_max_ns)
    assert 0.75 * full <= pause <= full
    assert pause == backoff_ns(child, failures, intensity)


def test_the_pause_doubles_up_to_its_bound() -> None:
    intensity = Intensity(backoff_ns=100 * MS, backoff_max_ns=1600 * MS)
    pauses = [backoff_ns("a", failures, intensity) for failures in range(1, 9)]

    assert all(later > 1.4 * earlier for earlier, later in pairwise(pauses[:5]))
    assert all(pause <= 1600 * MS for pause in pauses)


def test_actors_that_fail_together_do_not_return_together() -> None:
    pauses = {backoff_ns(f"actor{number}", 1, Intensity()) for number in range(20)}

    assert len(pauses) > 15


def test_calm_makes_the_pause_short_again() -> None:
    world = SteppedWorld()
    intensity = Intensity(
        restarts_max=5, period_ns=10 * SECOND, backoff_ns=100 * MS, backoff_max_ns=5 * SECOND
    )
    world.start(world.probe("a"), intensity=intensity)

    def pause_ns() -> int:
        before_ns = world.runtime.now_ns()
        world.fail("a")
        return world.runtime.now_ns() - before_ns

    first, second, third = pause_ns(), pause_ns(), pause_ns()
    world.runtime.run_for(11 * SECOND)

    assert first < second < third
    assert pause_ns() == first
    world.runtime.stop()
