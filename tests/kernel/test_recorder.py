"""What a recorder is told of what an actor has said."""

from __future__ import annotations

from typing import Any

import pytest

from grinder.kernel.actor import Actor
from grinder.kernel.address import Address
from grinder.kernel.message import Envelope, Message
from grinder.kernel.port import Outlet, Port
from grinder.kernel.recorded import RecordedCell
from grinder.kernel.recorder import turn_of
from grinder.kernel.signals import Recalled, TimerFired
from grinder.kernel.stepped import SteppedRuntime

HANDED = Recalled(facts=())
SAID = TimerFired(key="a", generation=1)


class Speaker(Actor):
    def __init__(self, effects: list[tuple[Address | None, Message]]) -> None:
        self.effects = effects

    def on_recalled(self, _: Recalled) -> None:
        for receiver, body in self.effects:
            if receiver is None:
                self.say(body)
            else:
                self.tell(receiver, body)


class Ear(Port):
    def open(self, outlet: Outlet) -> None:
        pass

    def receive(self, envelope: Envelope) -> None:
        pass

    def close(self, timeout_s: float) -> None:
        pass


def sayings_of(
    numbers: list[int], outbox: list[tuple[str, Message]], everyone: tuple[str, ...] = ()
) -> Any:
    """Return what is recorded; no name in ``outbox`` says it to ``everyone``."""
    runtime = SteppedRuntime()
    addresses = {name: runtime.add_port(name, Ear()) for name in ("one", "two", "three")}
    runtime.routes.connect(TimerFired, *(addresses[name] for name in everyone))
    entries: list[Any] = []
    runtime.recorder = entries.append
    runtime.seq = iter(numbers)  # type: ignore[assignment]
    actor = Speaker([(addresses.get(name), body) for name, body in outbox])
    cell = RecordedCell(runtime, runtime.address("me").slot, actor, 1)
    cell.deliver((5, "outside", 0, HANDED), 99)
    (entry,) = entries
    turn = turn_of(entry)
    assert turn is not None
    assert turn[:6] == ("t", 5, "me", 1, 99, "done")
    return [(number, list(names), body) for number, names, body in turn[6]]


@pytest.mark.parametrize(
    ("numbers", "sayings"),
    [
        ([10, 11, 12], [(10, ["one", "two", "three"], SAID)]),
        ([10, 11, 13], [(10, ["one", "two"], SAID), (13, ["three"], SAID)]),
        ([10, 12, 13], [(10, ["one"], SAID), (12, ["two", "three"], SAID)]),
    ],
)
def test_numbers_that_another_thread_took_in_between_are_kept(
    numbers: list[int], sayings: Any
) -> None:
    assert sayings_of(numbers, [("", SAID)], ("one", "two", "three")) == sayings
    assert sayings_of(numbers, [("one", SAID), ("two", SAID), ("three", SAID)]) == sayings


def test_what_was_handed_is_not_said_again() -> None:
    assert sayings_of([10, 11], [("one", HANDED), ("two", SAID)]) == [
        (10, ["one"], None),
        (11, ["two"], SAID),
    ]


def test_what_nobody_hears_is_recorded() -> None:
    assert sayings_of([10], [("", SAID)]) == [(10, ["nobody"], SAID)]
