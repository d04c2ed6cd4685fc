"""What only real threads can show."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pykka
import pytest

from grinder.errors import InvariantError
from grinder.kernel.cell import Cell
from grinder.kernel.clock import Clock
from grinder.kernel.loop import Loop
from grinder.kernel.message import Envelope
from grinder.kernel.port import Outlet, Port
from grinder.kernel.signals import ActorFailed, ExitReason, SetTimer
from kernel.world import (
    MS,
    STALL_NS,
    TIMEOUT_S,
    Command,
    Note,
    Probe,
    RecordingPort,
    ThreadWorld,
)

PRODUCERS = 4
EACH = 10_000


@pytest.fixture(params=["thinking", ""])
def world(request: pytest.FixtureRequest) -> Iterator[ThreadWorld]:
    one = ThreadWorld(thread=request.param)
    yield one
    one.runtime.stop(TIMEOUT_S)


def kernel_threads() -> list[str]:
    return [
        thread.name
        for thread in threading.enumerate()
        if thread.name.startswith(("actor:", "thinking", "supervision", "clockwork"))
    ]


def test_nothing_is_lost_and_each_senders_order_is_kept(world: ThreadWorld) -> None:
    heard: dict[str, list[int]] = {str(number): [] for number in range(PRODUCERS)}
    done = threading.Event()

    class Consumer(Probe):
        count = 0

        def on_note(self, note: Note) -> None:  # type: ignore[override]
            sender, _, number = note.text.partition(" ")
            heard[sender].append(int(number))
            self.count += 1
            if self.count == PRODUCERS * EACH:
                done.set()

    world.start(world.probe("a", factory=lambda: Consumer(world.log), mailbox_max=PRODUCERS * EACH))
    start = threading.Barrier(PRODUCERS)

    def produce(sender: int) -> None:
        receiver = world.at("a")
        start.wait(TIMEOUT_S)
        for number in range(EACH):
            world.runtime.tell(receiver, Note(text=f"{sender} {number}"))

    producers = [threading.Thread(target=produce, args=(one,)) for one in range(PRODUCERS)]
    for one in producers:
        one.start()
    for one in producers:
        one.join(TIMEOUT_S)

    assert done.wait(TIMEOUT_S)
    assert all(numbers == list(range(EACH)) for numbers in heard.values())
    assert world.shot("a").dropped == 0


def test_the_dead_speak_to_nobody_and_the_others_go_on(world: ThreadWorld) -> None:
    entered, released, left = threading.Event(), threading.Event(), threading.Event()

    def stall(a: Probe) -> None:
        entered.set()
        released.wait(TIMEOUT_S)
        a.tell(world.at("b"), Note(text="from the dead"))
        a.set_timer("from the dead", 0)
        left.set()

    world.start(world.probe("a", stall_after_ns=STALL_NS), world.probe("b"))
    world.run("a", stall)
    assert entered.wait(TIMEOUT_S)
    world.tell("b", Note(text="still here"))
    world.tell("a", Note(text="for the next"))
    world.until_heard("still here", "for the next")
    assert world.shot("a").generation == 2
    released.set()
    assert left.wait(TIMEOUT_S)
    world.until(lambda: world.shot("a").dropped == 2)
    world.settle()

    assert sorted(world.heard()) == ["for the next", "still here"]


def test_what_the_dead_raise_is_not_a_second_failure(world: ThreadWorld) -> None:
    entered, released, left = threading.Event(), threading.Event(), threading.Event()

    def stall(a: Probe) -> None:
        entered.set()
        released.wait(TIMEOUT_S)
        left.set()
        raise ValueError("too late")

    world.start(world.probe("a", stall_after_ns=STALL_NS))
    world.run("a", stall)
    assert entered.wait(TIMEOUT_S)
    world.until(lambda: world.shot("a").generation == 2 and world.runtime.is_ready())
    released.set()
    assert left.wait(TIMEOUT_S)
    world.settle()

    failed = [one.reason for one in world.life.entries if isinstance(one, ActorFailed)]
    assert failed == [ExitReason.STUCK]


def test_restarts_and_stalls_leave_no_threads_behind(world: ThreadWorld) -> None:
    world.start(world.probe("a", stall_after_ns=30 * MS), world.probe("b"))
    before = len(kernel_threads())
    for kind in ("hang", "raise", "hang", "raise", "hang"):
        world.fail("a", kind)
    world.until(lambda: len(kernel_threads()) == before)

    assert world.runtime.stop(TIMEOUT_S)
    world.until(lambda: not kernel_threads())


def test_a_false_alarm_costs_nobody_a_turn() -> None:
    # The watchdog looks just before a handler ends and acts just after: by then its thread runs
    # somebody else, who must neither be lost nor be run by two threads.
    world = ThreadWorld()
    entered, released = threading.Event(), threading.Event()

    def hold(b: Probe) -> None:
        entered.set()
        released.wait(TIMEOUT_S)
        b.tell(b.me, Note(text="after the alarm"))

    world.start(world.probe("a"), world.probe("b"))
    world.run("b", hold)
    assert entered.wait(TIMEOUT_S)
    slot = world.at("b").slot
    slot.runner.abandon()
    slot.runner.go_on()
    world.tell("a", Note(text="a goes on"))
    world.until_heard("a goes on")
    world.tell("b", Note(text="waits its turn"))
    released.set()
    world.until_heard("after the alarm")

    assert world.heard("b") == ["waits its turn", "after the alarm"]
    assert world.shot("b").generation == 1
    assert world.runtime.stop(TIMEOUT_S)


def test_actors_that_share_a_thread_take_turns() -> None:
    world = ThreadWorld()

    def again(a: Probe) -> None:
        a.tell(a.me, Command(run=again))

    world.start(world.probe("a"), world.probe("b"))
    world.run("a", again)
    world.tell("b", Note(text="my turn"))

    world.until_heard("my turn")
    assert world.shot("a").thread == world.shot("b").thread == "thinking"
    world.runtime.stop(TIMEOUT_S)


def test_an_actor_that_exits_its_thread_ends_only_itself(world: ThreadWorld) -> None:
    def leave(a: Probe) -> None:
        raise SystemExit(3)

    world.start(world.probe("a"), world.probe("b"))
    world.run("a", leave)
    world.until(lambda: world.shot("a").generation == 2 and world.runtime.is_ready())
    world.settle()

    assert world.shot("b").generation == 1


def test_an_actor_that_gets_no_thread_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    attempts: list[str] = []

    class ScarceLoop(Loop):
        def __init__(self, name: str, clock: Clock) -> None:
            attempts.append(name)
            if attempts.count("actor:a") == 1 and name == "actor:a":
                raise RuntimeError("can't start new thread")
            super().__init__(name, clock)

    monkeypatch.setattr("grinder.kernel.threads.Loop", ScarceLoop)
    world = ThreadWorld(thread="")
    world.start(world.probe("a"))

    assert world.life.entries[0].detail == 'RuntimeError("can\'t start new thread")'
    assert world.shot("a").generation == 2
    assert world.runtime.stop(TIMEOUT_S)
    assert pykka.ActorRegistry.get_all() == []


class ThreadedPort(Port):
    """Runs what it is told on a thread of its own."""

    def __init__(self, name: str) -> None:
        self._name = name

    def open(self, outlet: Outlet) -> None:
        self.outlet = outlet

    def receive(self, envelope: Envelope) -> None:
        body = envelope.body
        assert isinstance(body, Command)
        thread = threading.Thread(target=body.run, args=(self,), name=self._name, daemon=True)
        thread.start()

    def close(self, timeout_s: float) -> None: ...


class EchoPort(RecordingPort):
    """Answers at once, on the sender's thread."""

    def receive(self, envelope: Envelope) -> None:
        self.outlet.tell(self.outlet.resolve("watcher"), Note(text="echo"))


@pytest.mark.parametrize(
    ("name", "speaks", "failed"),
    [
        ("rest", False, True),
        ("rest-2", False, True),
        ("other", True, True),
        ("other", False, False),
    ],
)
@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_what_a_ports_thread_raises_does_not_vanish(
    name: str, speaks: bool, failed: bool, caplog: pytest.LogCaptureFixture
) -> None:
    hook = threading.excepthook
    world = ThreadWorld()

    def break_down(port: ThreadedPort) -> None:
        if speaks:
            port.outlet.tell(world.at("echo"), Note())
        raise OSError("wire cut")

    world.runtime.add_port("rest", ThreadedPort(name))
    world.runtime.add_port("echo", EchoPort())
    world.runtime.routes.connect(ActorFailed, world.runtime.address("watcher"))
    world.start(world.probe("watcher"))
    world.tell("rest", Command(run=break_down))
    if failed:
        world.until_heard(("failed", "rest", "error"))
    world.until(lambda: any(one.levelname == "CRITICAL" for one in caplog.records))
    world.settle()

    assert ("failed", "rest", "error") in world.heard() or not failed
    assert world.runtime.stop(TIMEOUT_S)
    assert threading.excepthook == hook


def test_a_port_that_raises_at_once_does_no_harm_to_the_sender(
    world: ThreadWorld, caplog: pytest.LogCaptureFixture
) -> None:
    class Broken(RecordingPort):
        def receive(self, envelope: Envelope) -> None:
            raise LookupError("broken door")

    door = world.runtime.add_port("door", Broken())
    world.start(world.probe("a"))
    world.run("a", lambda a: (a.tell(door, Note()), a.tell(a.me, Note(text="went on"))))
    world.until_heard("went on")

    failed = [one for one in world.life.entries if isinstance(one, ActorFailed)]
    assert [(one.actor, one.detail) for one in failed] == [("door", "LookupError('broken door')")]
    assert "the port door failed" in caplog.text
    assert world.shot("a").generation == 1


def test_the_clockwork_outlives_an_error(
    world: ThreadWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.start(world.probe("a"))
    broken = threading.Event()

    def fail(now_ns: int) -> None:
        broken.set()
        raise RuntimeError("cannot look")

    monkeypatch.setattr(world.runtime, "watch", fail)
    assert broken.wait(TIMEOUT_S)
    world.run("a", lambda a: a.set_timer("t", MS))

    world.until_heard("timer t")


def test_nobody_sets_timers_from_outside(world: ThreadWorld) -> None:
    world.start(world.probe("a"))
    world.tell("timer", SetTimer(key="t", after_ns=0, generation=0))
    world.until(lambda: any(isinstance(one, ActorFailed) for one in world.life.entries))

    assert world.life.entries[-1].actor == "timer"


def test_a_runtime_without_a_tree_does_not_start(world: ThreadWorld) -> None:
    with pytest.raises(InvariantError, match="declare a tree"):
        world.runtime.start()


def test_a_tree_that_does_not_end_in_time_is_killed() -> None:
    class Stubborn(Probe):
        def on_stop(self) -> None: ...

    world = ThreadWorld()
    world.start(world.probe("a", factory=lambda: Stubborn(world.log)))

    assert not world.runtime.stop(0.05)
    assert world.runtime.root_exit is not None
    assert world.runtime.root_exit.reason is ExitReason.KILLED
    assert {one.state for one in world.runtime.snapshots()} == {"down"}


def test_a_child_whose_supervisor_has_ended_meanwhile_is_not_left_alone(
    world: ThreadWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.start(world.probe("a"))
    runtime = world.runtime
    root = world.at("root").slot
    runtime.kill_child("root", ExitReason.KILLED)
    cell = Cell(runtime, world.at("a").slot, Probe(world.log), 9)
    runtime.attach(cell)
    runtime.start_child("a")

    assert root.cell is None
    assert cell.is_fenced
    assert world.at("a").slot.cell is None
    assert world.shot("a").generation == 1
