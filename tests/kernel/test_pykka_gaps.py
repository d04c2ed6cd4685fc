"""What pykka leaves open, and what holds here instead."""

from __future__ import annotations

import pykka
import pytest

from grinder.kernel.signals import ActorFailed, ActorRestarted, ExitReason, TimerFired
from grinder.kernel.spec import Intensity, Restart
from kernel.world import MS, SECOND, TIMEOUT_S, ControlNote, Log, Note, Probe, World

PAUSE = Intensity(restarts_max=9, backoff_ns=800 * MS, backoff_max_ns=800 * MS)
"""Long enough for a busy test to see an actor that is down."""


def ref_of(world: World, name: str) -> pykka.ActorRef[pykka.Actor]:
    ref: pykka.ActorRef[pykka.Actor] = world.at(name).slot.cell.actor_ref
    assert ref in pykka.ActorRegistry.get_all()
    return ref


class FailsFirst(Probe):
    """Raises in the first generation's on_start."""

    def on_start(self) -> None:
        if self.generation == 1:
            raise OSError("no door")


def test_a_failure_in_on_start_reaches_the_supervisor(world: World) -> None:
    world.start(world.probe("a", factory=lambda: FailsFirst(world.log)))

    failed, restarted = world.life.entries
    assert isinstance(failed, ActorFailed)
    assert (failed.reason, failed.detail) == (ExitReason.ERROR, "OSError: no door")
    assert isinstance(restarted, ActorRestarted)
    assert restarted.generation == 2


def test_what_is_told_to_an_actor_that_is_down_reaches_its_next_generation(world: World) -> None:
    world.start(world.probe("a"), intensity=PAUSE)
    world.runtime.inject("a", "raise")
    world.until(lambda: world.shot("a").state == "down" or world.shot("a").generation == 2)
    world.tell("a", Note(text="while down"))

    world.until_heard("while down")
    assert world.log.entries == [("a", 2, "while down")]


def test_what_waits_behind_a_failure_reaches_the_next_generation(world: World) -> None:
    def fill_and_raise(a: Probe) -> None:
        world.tell("a", Note(text="one"))
        world.tell("a", Note(text="two"))
        raise ValueError

    world.start(world.probe("a"))
    world.run("a", fill_and_raise)

    world.until_heard("two")
    assert world.log.entries == [("a", 2, "one"), ("a", 2, "two")]


def test_telling_the_dead_does_not_raise(world: World) -> None:
    world.start(world.probe("a", restart=Restart.TEMPORARY), world.probe("b"))
    world.runtime.inject("a", "raise")
    world.until(lambda: world.shot("a").state == "down")
    world.run("b", lambda b: b.tell(world.at("a"), Note(text="lost")))
    world.tell("a", Note(text="lost"))
    world.settle()

    assert world.shot("b").state == "ready"
    assert world.shot("a").depth == 2


def test_an_inbox_is_bounded_and_overflow_ends_the_generation(world: World) -> None:
    def flood(b: Probe) -> None:
        for number in range(25):
            b.tell(b.me, Note(text=str(number)))

    # The next one is not there before all has been said.
    world.start(world.probe("b", mailbox_max=10), intensity=PAUSE)
    world.run("b", flood)
    world.until(lambda: world.shot("b").state == "ready" and world.shot("b").generation > 1)
    world.settle()

    failed = next(one for one in world.life.entries if isinstance(one, ActorFailed))
    assert (failed.actor, failed.reason) == ("b", ExitReason.OVERFLOW)
    # Two times the ten that waited and the one too many; the rest was told to the next one.
    assert world.shot("b").dropped == 22
    assert world.heard("b") == ["22", "23", "24"]


def test_a_mailbox_nobody_reads_stays_bounded(world: World) -> None:
    world.start(world.probe("a", restart=Restart.TEMPORARY, mailbox_max=10))
    world.runtime.inject("a", "raise")
    world.until(lambda: world.shot("a").state == "down")
    for number in range(1000):
        world.tell("a", Note(text=str(number)))

    assert world.shot("a").depth <= 10
    assert world.shot("a").depth + world.shot("a").dropped == 1000


def test_overflow_of_one_lane_leaves_the_others(world: World) -> None:
    def flood(a: Probe) -> None:
        a.tell(a.me, ControlNote(text="kill"))
        for number in range(11):
            a.tell(a.me, Note(text=str(number)))

    world.start(world.probe("a", mailbox_max=10))
    world.run("a", flood)

    world.until_heard("kill")
    world.settle()
    assert world.log.entries == [("a", 2, "kill")]


def test_only_stop_may_be_asked(world: World) -> None:
    world.start(world.probe("a", restart=Restart.TEMPORARY))
    ref = ref_of(world, "a")
    answer = ref.ask("what?", block=False)
    ref.tell("nothing it knows")
    world.until(lambda: world.shot("a").unhandled == 1)

    with pytest.raises(TypeError, match="not asked"):
        answer.get(timeout=TIMEOUT_S)


def test_stop_through_a_ref_is_answered_when_the_actor_has_ended(world: World) -> None:
    class Slow(Probe):
        def on_stop(self) -> None:
            self.set_timer("last words", 20 * MS)

        def on_timer_fired(self, timer: TimerFired) -> None:
            self.heard("done")
            self.exit()

    world.start(world.probe("a", restart=Restart.TEMPORARY, factory=lambda: Slow(world.log)))
    ref = ref_of(world, "a")
    stopped = ref.stop(block=False)
    world.until_heard("done")

    assert stopped.get(timeout=TIMEOUT_S) is True
    assert not ref.is_alive()
    assert ref.stop(block=True, timeout=TIMEOUT_S) is False
    with pytest.raises(pykka.ActorDeadError):
        ref.tell("too late")


def test_a_request_left_unread_by_the_dead_is_answered(world: World) -> None:
    world.start(world.probe("a"))
    ref = ref_of(world, "a")
    answers = []

    def ask_and_raise(a: Probe) -> None:
        answers.append(ref.ask("anybody?", block=False))
        answers.append(ref.stop(block=False))
        raise ValueError

    world.run("a", ask_and_raise)
    world.until(lambda: world.shot("a").generation == 2 and world.shot("a").state == "ready")
    world.settle()

    with pytest.raises(pykka.ActorDeadError):
        answers[0].get(timeout=TIMEOUT_S)
    assert answers[1].get(timeout=TIMEOUT_S) is False
    assert world.shot("a").generation == 2


def test_two_runtimes_with_the_same_names_do_not_meet(world: World) -> None:
    other = type(world)()
    assert isinstance(other.log, Log)
    try:
        world.start(world.probe("a"))
        other.start(other.probe("a"))
        world.tell("a", Note(text="here"))
        other.tell("a", Note(text="there"))
        world.until_heard("here")
        other.until_heard("there")

        assert world.heard() == ["here"]
        assert other.heard() == ["there"]
        assert ref_of(world, "a") != ref_of(other, "a")
    finally:
        other.runtime.stop(TIMEOUT_S)
    assert ref_of(world, "a").is_alive()


@pytest.mark.parametrize("kind", ["raise", "hang"])
def test_pykkas_registry_is_empty_after_stop(world: World, kind: str) -> None:
    world.start(world.probe("a", stall_after_ns=50 * MS), world.probe("b"))
    generation = world.shot("a").generation
    world.runtime.inject("a", kind)
    world.until(lambda: world.shot("a").generation > generation and world.runtime.is_ready())

    assert world.runtime.stop(TIMEOUT_S)
    assert pykka.ActorRegistry.get_all() == []
    assert world.runtime.root_exit is not None
    assert world.runtime.root_exit.reason is ExitReason.NORMAL


def test_stopping_what_never_started_returns_at_once(world: World) -> None:
    before_ns = world.runtime.now_ns()
    assert world.runtime.stop(60)

    assert world.runtime.now_ns() - before_ns < 5 * SECOND
