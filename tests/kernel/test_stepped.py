from __future__ import annotations

import functools
from collections import defaultdict
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grinder.errors import InvariantError
from grinder.kernel.message import Envelope
from grinder.kernel.port import Outlet
from grinder.kernel.spec import Intensity, Strategy, SupervisorSpec
from grinder.kernel.stepped import BrokenPortError
from kernel.world import (
    MS,
    SECOND,
    Command,
    ControlNote,
    Note,
    Probe,
    RecordingPort,
    SteppedWorld,
    UrgentNote,
)

NAMES = ("a", "b", "c", "d")
LANES = {"n": Note, "u": UrgentNote, "c": ControlNote}


class Gossip(Probe):
    """Notes what it hears and passes each text on, shortened, to the next actor it names."""

    def on_note(self, note: Note | UrgentNote | ControlNote) -> None:
        self.heard(note.text)
        sender, _, rest = note.text.partition(">")
        del sender
        if rest:
            kind = LANES["nuc"[len(rest) % 3]]
            receiver = self.log.world.at(rest[0])  # type: ignore[attr-defined]
            self.tell(receiver, kind(text=f"{self.me.name}>{rest[1:]}"))


def gossip(seed: int | None, texts: list[tuple[str, str, str]]) -> list[Any]:
    world = SteppedWorld(seed)
    world.log.world = world  # type: ignore[attr-defined]
    world.start(*(world.probe(name, factory=lambda: Gossip(world.log)) for name in NAMES))
    for number, (receiver, lane, text) in enumerate(texts):
        world.tell(receiver, LANES[lane](text=f"outside {number}>{text}"))
    world.runtime.drain()
    world.runtime.stop()
    return world.log.entries


programs = st.lists(
    st.tuples(st.sampled_from(NAMES), st.sampled_from("nuc"), st.text(alphabet="abcd", max_size=6)),
    max_size=20,
)


@given(st.none() | st.integers(0, 1000), programs)
@settings(max_examples=40, deadline=None)
def test_one_seed_gives_one_order(seed: int | None, texts: list[tuple[str, str, str]]) -> None:
    assert gossip(seed, texts) == gossip(seed, texts)


@given(programs, st.integers(0, 1000), st.integers(0, 1000))
@settings(max_examples=40, deadline=None)
def test_no_seed_loses_or_adds_a_message(
    texts: list[tuple[str, str, str]], one: int, other: int
) -> None:
    assert sorted(gossip(one, texts)) == sorted(gossip(other, texts))


@given(st.none() | st.integers(0, 10_000), st.data())
@settings(max_examples=40, deadline=None)
def test_every_order_keeps_sender_receiver_and_lane(seed: int | None, data: st.DataObject) -> None:
    world = SteppedWorld(seed)
    world.start(*(world.probe(name) for name in NAMES))
    sent: dict[tuple[str, str, str], list[str]] = defaultdict(list)

    def speak(actor: Probe, plan: list[tuple[str, str]]) -> None:
        for receiver, lane in plan:
            key = (actor.me.name, receiver, lane)
            text = f"{'>'.join(key)} {len(sent[key])}"
            sent[key].append(text)
            actor.tell(world.at(receiver), LANES[lane](text=text))

    plans = st.lists(st.tuples(st.sampled_from(NAMES), st.sampled_from("nuc")), max_size=8)
    for _ in range(3):
        for name in NAMES:
            world.run(name, functools.partial(speak, plan=data.draw(plans)))
    world.runtime.drain()

    heard: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for text in world.heard():
        heard[tuple(text.split(" ")[0].split(">"))].append(text)
    assert heard == {key: texts for key, texts in sent.items() if texts}
    world.runtime.stop()


def test_seeds_differ() -> None:
    texts = [(name, "n", "abcd") for name in NAMES for _ in range(3)]

    assert len({str(gossip(seed, texts)) for seed in range(10)}) > 5


def test_without_a_seed_messages_are_delivered_in_the_order_of_sending() -> None:
    world = SteppedWorld()
    world.start(*(world.probe(name) for name in NAMES))
    order = "abacdddbac"
    for number, name in enumerate(order):
        world.tell(name, Note(text=str(number)))
    world.runtime.drain()

    assert world.heard() == [str(number) for number in range(len(order))]


@given(
    st.none() | st.integers(0, 100),
    st.sampled_from(list(Strategy)),
    st.sampled_from(list(Strategy)),
    st.lists(
        st.tuples(
            st.sampled_from(["a", "b", "c", "d", "inner"]),
            st.sampled_from(["raise", "hang", "exit"]),
            st.integers(0, 300),
        ),
        max_size=12,
    ),
)
@settings(max_examples=80, deadline=None)
def test_whatever_crashes_there_is_one_living_generation_and_all_come_back(
    seed: int | None, outer: Strategy, inside: Strategy, crashes: list[tuple[str, str, int]]
) -> None:
    world = SteppedWorld(seed)
    alive: dict[str, set[int]] = defaultdict(set)

    class Watched(Probe):
        def on_start(self) -> None:
            cell = world.at(self.me.name).slot.cell
            alive[self.me.name] = {one.generation for one in living(self.me.name)}
            assert cell.actor is self
            # Those declared before it in its supervisor are up, or in a pause of their own.
            before = {"b": "a", "d": "c"}.get(self.me.name)
            if before and self.generation == 1:
                assert world.shot(before).state == "ready"

    cells: list[Any] = []

    def living(name: str) -> list[Any]:
        return [one for one in cells if one.slot.name == name and not one.is_fenced]

    attach = world.runtime.attach

    def attach_and_note(cell: Any) -> None:
        attach(cell)
        cells.append(cell)
        assert len(living(cell.slot.name)) <= 1

    world.runtime.attach = attach_and_note  # type: ignore[method-assign]
    probes = {
        name: world.probe(name, factory=lambda: Watched(world.log), stall_after_ns=100 * MS)
        for name in "abcd"
    }
    hardy = Intensity(restarts_max=100, backoff_ns=MS, backoff_max_ns=20 * MS)
    inner = SupervisorSpec(
        name="inner", strategy=inside, intensity=hardy, children=(probes["c"], probes["d"])
    )
    world.start(probes["a"], probes["b"], inner, strategy=outer, intensity=hardy)
    for name, kind, pause_ms in crashes:
        if kind == "exit" and name != "inner":
            world.tell(name, Command(run=lambda actor: actor.exit()))
        else:
            world.runtime.inject(name, "hang" if kind == "hang" and name != "inner" else "raise")
        world.runtime.run_for(pause_ms * MS)
    world.until(world.runtime.is_ready)

    assert all(len(living(name)) == 1 for name in ("a", "b", "c", "d", "inner", "root"))
    assert world.runtime.root_exit is None
    assert world.runtime.stop()
    assert not any(living(one.slot.name) for one in cells)


def test_time_jumps_to_what_is_due_and_ports_may_ask_to_be_called() -> None:
    class Paced(RecordingPort):
        def open(self, outlet: Outlet) -> None:
            super().open(outlet)
            world.runtime.call_at(world.runtime.now_ns() + SECOND, self.speak)

        def speak(self) -> None:
            self.outlet.tell(self.outlet.resolve("a"), Note(text=f"{self.outlet.now_ns()}"))

    world = SteppedWorld()
    began_ns = world.runtime.now_ns()
    world.runtime.add_port("paced", Paced())
    world.start(world.probe("a"))
    world.runtime.run_until(began_ns + 5 * SECOND)

    assert world.heard() == [str(began_ns + SECOND)]
    assert world.runtime.now_ns() == began_ns + 5 * SECOND
    world.runtime.stop()


def test_actors_that_tell_each_other_for_ever_are_found_out() -> None:
    world = SteppedWorld()
    world.start(world.probe("a"))
    world.runtime.instant_max = 1000

    def again(a: Probe) -> None:
        a.tell(a.me, Command(run=again))

    world.run("a", again)
    with pytest.raises(InvariantError, match="no time has passed"):
        world.runtime.drain()


def test_a_port_that_raises_is_the_tests_failure() -> None:
    class Broken(RecordingPort):
        def receive(self, envelope: Envelope) -> None:
            raise LookupError("broken door")

    world = SteppedWorld()
    door = world.runtime.add_port("door", Broken())
    world.start(world.probe("a"))
    world.run("a", lambda a: a.tell(door, Note()))
    with pytest.raises(BrokenPortError, match="door: LookupError"):
        world.runtime.drain()


def test_an_interrupt_in_a_handler_is_not_the_actors_failure() -> None:
    def interrupt(a: Probe) -> None:
        raise KeyboardInterrupt

    world = SteppedWorld()
    world.start(world.probe("a"))
    world.run("a", interrupt)
    with pytest.raises(KeyboardInterrupt):
        world.runtime.drain()


def test_steps_are_single_deliveries() -> None:
    world = SteppedWorld()
    world.start(world.probe("a"), world.probe("b"))
    world.runtime.drain()
    world.tell("a", Note(text="1"))
    world.tell("b", Note(text="2"))

    assert world.runtime.step()
    assert world.heard() == ["1"]
    assert world.runtime.step()
    assert not world.runtime.step()
    world.runtime.stop()
