from __future__ import annotations

from grinder.kernel.message import Envelope
from grinder.kernel.port import Outlet, Port
from grinder.kernel.signals import SetTimer, TimerFired
from kernel.world import MS, SECOND, Probe, World

LATER = 400 * MS
"""Of a timer that is withdrawn: so long that a busy machine withdraws it in time."""


def test_a_timer_fires_once_and_not_early(world: World) -> None:
    fired: list[int] = []

    class Timed(Probe):
        def on_timer_fired(self, timer: TimerFired) -> None:
            fired.append(self.now_ns)
            self.heard(timer.key)

    world.start(world.probe("a", factory=lambda: Timed(world.log)))
    asked: list[int] = []

    def ask(a: Probe) -> None:
        asked.append(a.now_ns)
        a.set_timer("t", 20 * MS)

    world.run("a", ask)
    world.until_heard("t")
    world.settle()

    assert world.heard() == ["t"]
    assert fired[0] - asked[0] >= 20 * MS


def test_setting_a_timer_again_replaces_it(world: World) -> None:
    world.start(world.probe("a"))
    world.run("a", lambda a: (a.set_timer("t", LATER), a.set_timer("t", MS)))
    world.run("a", lambda a: a.set_timer("last", LATER + MS))

    world.until_heard("timer last")
    assert world.heard() == ["timer t", "timer last"]


def test_timers_of_two_actors_with_one_key_are_apart(world: World) -> None:
    world.start(world.probe("a"), world.probe("b"))
    world.run("a", lambda a: a.set_timer("t", LATER))
    world.run("b", lambda b: (b.set_timer("t", LATER), b.cancel_timer("t")))
    world.run("b", lambda b: b.set_timer("last", LATER + MS))

    world.until_heard("timer t", "timer last")
    assert world.heard("b") == ["timer last"]


def test_a_cancelled_timer_does_not_fire(world: World) -> None:
    world.start(world.probe("a"))
    world.run(
        "a", lambda a: (a.set_timer("t", LATER), a.cancel_timer("t"), a.cancel_timer("never"))
    )
    world.run("a", lambda a: a.set_timer("last", LATER + MS))

    world.until_heard("timer last")
    assert world.heard() == ["timer last"]


def test_timers_of_a_dead_generation_never_fire_into_the_next(world: World) -> None:
    world.start(world.probe("a"))
    world.run("a", lambda a: a.set_timer("old", LATER))
    world.settle()
    world.fail("a")
    # Even one that had already fired and waits unread.
    world.tell("a", TimerFired(key="older", generation=1))
    world.run("a", lambda a: a.set_timer("new", LATER + MS))

    world.until_heard("timer new")
    assert world.log.entries == [("a", 2, "timer new")]


def test_many_replaced_timers_do_not_pile_up(world: World) -> None:
    world.start(world.probe("a"))
    world.run("a", lambda a: [a.set_timer("t", 3600 * SECOND) for _ in range(1000)])
    world.settle()

    heap = getattr(world.runtime, "_due", None)
    if heap is None:
        heap = world.runtime._clockwork._heap  # type: ignore[attr-defined]
    assert len(heap) < 200


def test_a_port_may_have_timers_too(world: World) -> None:
    class Ticking(Port):
        def open(self, outlet: Outlet) -> None:
            self.outlet = outlet

        def receive(self, envelope: Envelope) -> None:
            if isinstance(envelope.body, TimerFired):
                world.log.note(("port", 0, envelope.body.key))

        def close(self, timeout_s: float) -> None: ...

    port = Ticking()
    world.runtime.add_port("port", port)
    world.start(world.probe("a"))
    port.outlet.tell(world.at("timer"), SetTimer(key="mine", after_ns=MS, generation=0))

    world.until_heard("mine")
