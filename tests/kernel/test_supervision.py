from __future__ import annotations

import pytest

from grinder.kernel.signals import (
    ActorFailed,
    ActorRestarted,
    ActorStarted,
    ExitReason,
    SupervisorGaveUp,
    TimerFired,
)
from grinder.kernel.spec import Intensity, Restart, Strategy, SupervisorSpec
from kernel.world import FAST, MS, STALL_NS, TIMEOUT_S, Log, Probe, World

BRITTLE = Intensity(restarts_max=1, backoff_ns=MS, backoff_max_ns=MS)


def generations(world: World) -> dict[str, int]:
    return {one.name: one.generation for one in world.runtime.snapshots()}


def test_children_start_left_to_right_each_waiting_for_the_one_before(world: World) -> None:
    class Late(Probe):
        ready_on_start = False

        def on_start(self) -> None:
            self.heard("started")
            self.set_timer("soon", 20 * MS)

        def on_timer_fired(self, timer: TimerFired) -> None:
            self.heard("ready")
            self.declare_ready()

    names = ["a", "b", "c"]
    world.start(*(world.probe(name, factory=lambda: Late(world.log)) for name in names))

    told = [(who, what) for who, _, what in world.log.entries]
    assert told == [(name, what) for name in names for what in ("started", "ready")]
    started = [one for one in world.life.entries if isinstance(one, ActorStarted)]
    assert [one.actor for one in started] == names


def test_children_stop_right_to_left(world: World) -> None:
    class Polite(Probe):
        def on_stop(self) -> None:
            self.heard("stopping")
            self.exit()

    inner = SupervisorSpec(
        name="inner",
        children=tuple(world.probe(name, factory=lambda: Polite(world.log)) for name in "bc"),
    )
    world.start(
        world.probe("a", factory=lambda: Polite(world.log)),
        inner,
        world.probe("d", factory=lambda: Polite(world.log)),
    )
    assert world.runtime.stop(TIMEOUT_S)

    assert [who for who, _, _ in world.log.entries] == ["d", "c", "b", "a"]
    assert not any(isinstance(one, ActorFailed) for one in world.life.entries)
    assert {one.state for one in world.runtime.snapshots()} == {"down"}


def test_a_child_that_does_not_stop_is_killed(world: World) -> None:
    class Stubborn(Probe):
        def on_stop(self) -> None:
            self.heard("no")

    world.start(
        world.probe("a"),
        world.probe("b", factory=lambda: Stubborn(world.log), shutdown_ns=20 * MS),
    )
    assert world.runtime.stop(TIMEOUT_S)

    assert world.heard() == ["no"]
    assert {one.state for one in world.runtime.snapshots()} == {"down"}


def test_a_start_that_takes_too_long_is_killed_and_tried_again(world: World) -> None:
    class Never(Probe):
        ready_on_start = False

        def on_start(self) -> None:
            if self.generation == 3:
                self.declare_ready()

    world.start(world.probe("a", factory=lambda: Never(world.log), start_timeout_ns=400 * MS))

    failed = [one.reason for one in world.life.entries if isinstance(one, ActorFailed)]
    assert failed == [ExitReason.START_TIMEOUT] * 2
    assert world.shot("a").restarts == 2


def test_a_factory_that_raises_is_a_failed_start(world: World) -> None:
    attempts = Log()

    def make() -> Probe:
        attempts.note(1)
        if len(attempts.entries) < 3:
            raise OSError("no door")
        return Probe(world.log)

    world.start(world.probe("a", factory=make))

    failed = [one for one in world.life.entries if isinstance(one, ActorFailed)]
    assert [one.detail for one in failed] == ["OSError('no door')"] * 2
    assert world.shot("a").generation == 3


@pytest.mark.parametrize(
    ("strategy", "restarted"),
    [
        (Strategy.ONE_FOR_ONE, "b"),
        (Strategy.REST_FOR_ONE, "bc"),
        (Strategy.ONE_FOR_ALL, "abc"),
    ],
)
def test_a_strategy_says_who_is_restarted_with_the_failed(
    world: World, strategy: Strategy, restarted: str
) -> None:
    world.start(*(world.probe(name) for name in "abc"), strategy=strategy)
    world.life.entries.clear()

    def again() -> list[str]:
        return [one.actor for one in world.life.entries if isinstance(one, ActorRestarted)]

    world.fail("b")
    world.until(lambda: len(again()) == len(restarted))

    assert again() == list(restarted)
    assert all(
        count == (2 if name in restarted else 1) for name, count in generations(world).items()
    )


@pytest.mark.parametrize("strategy", [Strategy.REST_FOR_ONE, Strategy.ONE_FOR_ALL])
def test_two_that_fail_together_are_restarted_once(world: World, strategy: Strategy) -> None:
    world.start(*(world.probe(name) for name in "abc"), strategy=strategy)
    # The supervisor asks c to stop when c has failed as well: the order must not reach the next c.
    world.runtime.inject("b", "raise")
    world.runtime.inject("c", "raise")
    world.until(lambda: generations(world)["c"] > 1 and world.runtime.is_ready())
    world.settle()

    assert world.shot("b").generation <= 3
    assert world.runtime.is_ready()
    assert world.runtime.root_exit is None


@pytest.mark.parametrize(
    ("restart", "after_exit", "after_error"),
    [
        (Restart.PERMANENT, True, True),
        (Restart.TRANSIENT, False, True),
        (Restart.TEMPORARY, False, False),
    ],
)
def test_a_restart_type_says_when_it_comes_back(
    world: World, restart: Restart, after_exit: bool, after_error: bool
) -> None:
    world.start(
        world.probe("exits", restart=restart),
        world.probe("fails", restart=restart),
        world.probe("witness"),
    )
    world.run("exits", lambda a: a.exit())
    world.runtime.inject("fails", "raise")
    world.until(lambda: len([e for e in world.life.entries if isinstance(e, ActorFailed)]) == 2)
    # The witness restarts after both have been dealt with.
    world.fail("witness")
    world.until(lambda: (world.shot("exits").state == "ready") is after_exit)
    world.until(lambda: (world.shot("fails").state == "ready") is after_error)

    assert (world.shot("exits").generation, world.shot("fails").generation) == (
        1 + after_exit,
        1 + after_error,
    )


def test_a_temporary_sibling_is_stopped_and_stays_down(world: World) -> None:
    world.start(
        world.probe("a"),
        world.probe("b", restart=Restart.TEMPORARY),
        strategy=Strategy.ONE_FOR_ALL,
    )
    world.fail("a")
    world.fail("a")

    assert (world.shot("b").state, world.shot("b").generation) == ("down", 1)


def test_beyond_the_intensity_the_parent_restarts_the_subtree(world: World) -> None:
    inner = SupervisorSpec(
        name="inner", intensity=BRITTLE, children=(world.probe("b"), world.probe("c"))
    )
    world.start(world.probe("a"), inner, world.probe("d"))
    world.fail("b")
    world.fail("b")
    world.until(world.runtime.is_ready)

    assert generations(world) == {"root": 1, "a": 1, "inner": 2, "b": 3, "c": 2, "d": 1}
    (gave_up,) = [one for one in world.life.entries if isinstance(one, SupervisorGaveUp)]
    assert (gave_up.supervisor, gave_up.child, gave_up.restarts) == ("inner", "b", 2)


def test_the_root_gives_up_and_says_why(world: World) -> None:
    world.start(world.probe("a"), world.probe("b"), intensity=BRITTLE)
    world.fail("a")
    world.runtime.inject("a", "raise")
    world.until(lambda: world.runtime.root_exit)

    assert world.runtime.root_exit is not None
    assert world.runtime.root_exit.reason is ExitReason.ERROR
    assert "a ended (error) more often" in world.runtime.root_exit.detail
    assert {one.state for one in world.runtime.snapshots()} == {"down"}


def test_a_supervisor_that_crashes_takes_its_children_with_it(world: World) -> None:
    inner = SupervisorSpec(
        name="inner", intensity=FAST, children=(world.probe("b"), world.probe("c"))
    )
    world.start(world.probe("a"), inner)
    world.runtime.inject("inner", "raise")
    world.until(lambda: world.shot("inner").generation == 2 and world.runtime.is_ready())
    world.settle()

    # Once each: the news of the old children's end has not reached the new supervisor.
    assert generations(world) == {"root": 1, "a": 1, "inner": 2, "b": 2, "c": 2}
    killed = [one.actor for one in world.life.entries if isinstance(one, ActorFailed)]
    assert killed == ["b", "c"]


def test_a_routed_watcher_hears_of_failures(world: World) -> None:
    world.runtime.routes.connect(ActorFailed, world.runtime.address("watcher"))
    world.start(world.probe("watcher"), world.probe("b"))
    world.settle()
    world.log.entries.clear()
    world.fail("b")

    world.until_heard(("failed", "b", "error"))
    assert world.heard("watcher") == [("failed", "b", "error")]


def test_a_newborn_watcher_hears_who_is_down(world: World) -> None:
    world.runtime.routes.connect(ActorFailed, world.runtime.address("watcher"))
    world.start(world.probe("watcher"), world.probe("b", restart=Restart.TEMPORARY))
    assert world.heard("watcher") == [("failed", "b", "normal")]
    world.log.entries.clear()
    world.runtime.inject("b", "raise")
    world.until_heard(("failed", "b", "error"))
    world.log.entries.clear()
    world.fail("watcher")

    world.until_heard(("failed", "b", "normal"))
    # Its own end has waited for it like any other message.
    assert world.log.entries == [
        ("watcher", 2, ("failed", "watcher", "error")),
        ("watcher", 2, ("failed", "b", "normal")),
    ]


def test_a_stuck_child_is_abandoned_and_replaced(world: World) -> None:
    world.start(world.probe("a", stall_after_ns=STALL_NS), world.probe("b"))
    world.runtime.inject("a", "hang")
    world.until(lambda: world.shot("a").generation == 2 and world.runtime.is_ready())
    world.settle()

    failed = [one for one in world.life.entries if isinstance(one, ActorFailed)]
    assert [(one.actor, one.reason) for one in failed] == [("a", ExitReason.STUCK)]
    assert world.shot("b").generation == 1


def test_a_stuck_child_is_killed_when_its_supervisor_crashes(world: World) -> None:
    inner = SupervisorSpec(
        name="inner", intensity=FAST, children=(world.probe("b", stall_after_ns=2 * STALL_NS),)
    )
    world.start(inner, world.probe("c"))
    world.runtime.inject("b", "hang")
    world.runtime.inject("inner", "raise")
    world.until(lambda: world.shot("inner").generation == 2 and world.runtime.is_ready())
    world.run("c", lambda c: c.set_timer("past the limit", 3 * STALL_NS))
    world.until_heard("timer past the limit")

    assert generations(world) == {"root": 1, "inner": 2, "b": 2, "c": 1}


def test_injection_is_checked_and_spares_who_is_down(world: World) -> None:
    world.start(world.probe("a", restart=Restart.TEMPORARY))
    with pytest.raises(KeyError):
        world.runtime.inject("nobody", "raise")
    with pytest.raises(KeyError):
        world.runtime.inject("timer", "raise")
    with pytest.raises(ValueError, match="raise or hang"):
        world.runtime.inject("a", "explode")
    world.runtime.inject("a", "raise")
    world.until(lambda: world.shot("a").state == "down")
    world.runtime.inject("a", "raise")

    assert world.shot("a").depth == 0
