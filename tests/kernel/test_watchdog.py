"""The watchdog against a clock moved by hand: what counts as stuck, and what does not."""

from __future__ import annotations

import queue
import threading

import pytest

from grinder.kernel.clock import ManualClock
from grinder.kernel.signals import ActorFailed, ExitReason
from grinder.kernel.threads import LOOK_MAX_NS
from kernel.world import TIMEOUT_S, Probe, ThreadWorld


class Pulse:
    """Virtual time, and the watchdog's looks at it."""

    def __init__(self, world: ThreadWorld, clock: ManualClock) -> None:
        self._clock = clock
        self._watch = world.runtime.watch
        self._looked: queue.Queue[int] = queue.Queue()

    def watch(self, now_ns: int) -> None:
        self._watch(now_ns)
        self._looked.put(now_ns)

    def pass_ns(self, ns: int) -> None:
        """Let so much time pass at once, and the watchdog look."""
        now_ns = self._clock.now_ns() + ns
        self._clock.advance_to(now_ns)
        while self._looked.get(timeout=TIMEOUT_S) < now_ns:
            pass


def test_a_process_that_stood_still_has_nobody_in_it_who_is_stuck(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock = ManualClock(1)
    world = ThreadWorld(clock=clock)
    pulse = Pulse(world, clock)
    monkeypatch.setattr(world.runtime, "watch", pulse.watch)
    world.start(world.probe("a", stall_after_ns=4 * LOOK_MAX_NS))
    entered, released = threading.Event(), threading.Event()

    def hold(a: Probe) -> None:
        entered.set()
        released.wait(TIMEOUT_S)

    world.run("a", hold)
    assert entered.wait(TIMEOUT_S)
    pulse.pass_ns(100 * LOOK_MAX_NS)
    pulse.pass_ns(LOOK_MAX_NS)
    assert not [one for one in world.life.entries if isinstance(one, ActorFailed)]
    for _ in range(3):
        pulse.pass_ns(LOOK_MAX_NS)
    released.set()

    failed = [one.reason for one in world.life.entries if isinstance(one, ActorFailed)]
    assert failed == [ExitReason.STUCK]
    assert world.runtime.stop(TIMEOUT_S)
