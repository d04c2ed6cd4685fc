from __future__ import annotations

from typing import Any, ClassVar

import pytest

from grinder.errors import InvariantError
from grinder.kernel.actor import Actor
from grinder.kernel.message import Message
from grinder.kernel.observer import Observer
from grinder.kernel.signals import ExitReason
from kernel.world import (
    Book,
    Command,
    ControlNote,
    Log,
    Note,
    Probe,
    RecordingPort,
    Tick,
    UrgentNote,
    World,
)


def say(message: Message) -> Any:
    return lambda actor: actor.say(message)


def say_all(*messages: Message) -> Any:
    return lambda actor: [actor.tell(actor.me, message) for message in messages]


def test_lower_lanes_are_served_first_and_each_lane_in_order(world: World) -> None:
    world.start(world.probe("a"))
    texts = [Note(text="n1"), UrgentNote(text="u1"), ControlNote(text="c1")]
    more = [Note(text="n2"), UrgentNote(text="u2"), ControlNote(text="c2")]
    world.run("a", say_all(*texts, *more))

    world.until_heard("n2")
    assert world.heard("a") == ["c1", "c2", "u1", "u2", "n1", "n2"]


def test_conflation_keeps_the_last_of_each_class_and_key_in_the_first_ones_place(
    world: World,
) -> None:
    world.start(world.probe("a"))
    world.run(
        "a",
        say_all(
            Tick(symbol="X", price=1),
            Note(text="between"),
            Tick(symbol="Y", price=1),
            Book(symbol="X", price=1),
            Tick(symbol="X", price=2),
            Tick(symbol="X", price=3),
            Note(text="end"),
        ),
    )

    world.until_heard("end")
    assert world.heard("a") == [
        ("Tick", "X", 3),
        "between",
        ("Tick", "Y", 1),
        ("Book", "X", 1),
        "end",
    ]
    assert world.shot("a").conflated == 2


def test_a_message_read_before_the_next_is_not_conflated(world: World) -> None:
    world.start(world.probe("a"))
    world.tell("a", Tick(symbol="X", price=1))
    world.until_heard(("Tick", "X", 1))
    world.tell("a", Tick(symbol="X", price=2))

    world.until_heard(("Tick", "X", 2))
    assert world.shot("a").conflated == 0


def test_a_handler_that_raises_has_said_nothing(world: World) -> None:
    def say_and_raise(actor: Probe) -> None:
        actor.tell(world.at("b"), Note(text="half done"))
        actor.set_timer("never", 0)
        raise ValueError("no")

    world.start(world.probe("a"), world.probe("b"))
    world.run("a", say_and_raise)
    world.until(lambda: world.shot("a").generation == 2 and world.shot("a").state == "ready")
    world.settle()

    assert world.heard() == []


def test_an_envelope_names_sender_receiver_time_and_cause(world: World) -> None:
    port = RecordingPort()
    door = world.runtime.add_port("door", port)
    world.start(world.probe("a"), world.probe("b"))
    earlier_ns = world.runtime.now_ns()
    world.run("a", lambda a: a.tell(door, Note(text="first")))
    world.until(lambda: len(port.envelopes) == 1)
    cause = port.envelopes[0].seq
    port.outlet.tell(
        world.at("b"), Command(run=lambda b: b.tell(door, Note(text="second"))), cause=cause
    )
    world.until(lambda: len(port.envelopes) == 2)

    first, second = port.envelopes
    assert (first.sender, first.receiver, first.body) == ("a", "door", Note(text="first"))
    assert earlier_ns <= first.at_ns <= second.at_ns <= world.runtime.now_ns()
    assert second.sender == "b"
    # The command to a, what a said, the command to b, what b said.
    assert first.cause < first.seq < second.cause < second.seq


def test_a_handlers_clock_is_the_time_of_delivery(world: World) -> None:
    world.start(world.probe("a"))
    before_ns = world.runtime.now_ns()
    times: list[int] = []
    world.run("a", lambda a: times.append(a.now_ns))
    world.until(lambda: times)

    assert before_ns <= times[0] <= world.runtime.now_ns()


def test_what_nobody_handles_is_counted(world: World) -> None:
    class Deaf(Actor):
        def on_note(self, note: Note) -> None:
            world.log.note((self.me.name, self.generation, note.text))

    world.start(world.probe("a", factory=Deaf))
    world.tell("a", Tick(symbol="X", price=1))
    world.tell("a", Note(text="known"))

    world.until_heard("known")
    assert world.shot("a").unhandled == 1


def test_routes_name_everyone_and_one_by_key(world: World) -> None:
    routes = world.runtime.routes
    a, b, c = (world.runtime.address(name) for name in "abc")
    routes.connect(Tick, a)
    routes.connect_keyed(Tick, "symbol", {"X": b, "Y": c})
    world.start(world.probe("a"), world.probe("b"), world.probe("c"))
    for symbol in ("X", "Y", "Z"):
        world.run("a", say(Tick(symbol=symbol, price=1)))
    world.until_heard(("Tick", "Z", 1))
    world.settle()

    assert world.heard("a") == [("Tick", symbol, 1) for symbol in ("X", "Y", "Z")]
    assert world.heard("b") == [("Tick", "X", 1)]
    assert world.heard("c") == [("Tick", "Y", 1)]


def test_wiring_mistakes_are_refused(world: World) -> None:
    routes = world.runtime.routes
    a = world.runtime.address("a")
    routes.connect(Note, a)
    with pytest.raises(InvariantError, match="twice"):
        routes.connect(Note, a)
    with pytest.raises(InvariantError, match="no field"):
        routes.connect_keyed(Tick, "venue", {})
    routes.connect_keyed(Tick, "symbol", {})
    with pytest.raises(InvariantError, match="keyed twice"):
        routes.connect_keyed(Tick, "symbol", {})
    with pytest.raises(AttributeError):
        a.name = "b"


def test_an_observer_that_raises_is_logged_and_does_no_harm(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    seen = Log()

    class Broken(Observer):
        hears: ClassVar[tuple[type[Message], ...]] = (Note,)

        def observe(self, sender: str, at_ns: int, body: Message) -> None:
            raise RuntimeError("blind")

    class Sound(Observer):
        hears: ClassVar[tuple[type[Message], ...]] = (Note,)

        def observe(self, sender: str, at_ns: int, body: Message) -> None:
            seen.note((sender, body))

    world.runtime.observe(Broken())
    world.runtime.observe(Sound())
    world.runtime.routes.connect(Note, world.runtime.address("a"), world.runtime.address("b"))
    world.start(world.probe("a"), world.probe("b"))
    world.run("a", lambda a: a.say(Note(text="hello")))
    world.until(lambda: world.heard("a") and world.heard("b"))

    # Shown once though two hear it.
    assert seen.entries == [("a", Note(text="hello"))]
    assert "an observer failed on Note" in caplog.text


@pytest.mark.parametrize("fault", ["twice", "no message", "nothing", "unknown"])
def test_bad_handlers_are_refused_at_start(world: World, fault: str) -> None:
    namespace: dict[str, Any] = {}

    def handler(annotation: Any) -> Any:
        def on_it(self: Any, it: Any) -> None: ...

        on_it.__annotations__ = {} if annotation is None else {"it": annotation}
        return on_it

    if fault == "twice":
        namespace = {"on_a": handler(Note), "on_b": handler(Note | Tick)}
    else:
        annotation = {"no message": int, "nothing": None, "unknown": "NoSuchClass"}[fault]
        namespace = {"on_a": handler(annotation)}
    bad = type("Bad", (Actor,), namespace)
    world.start(world.probe("a", factory=bad), wait=False)
    world.until(lambda: world.life.entries)

    failed = world.life.entries[0]
    assert failed.actor == "a"
    assert failed.reason is ExitReason.ERROR
    assert "InvariantError" in failed.detail
