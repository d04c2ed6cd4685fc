"""What a recorder is told of what an actor has said."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from grinder.kernel.message import Envelope, Message
from grinder.kernel.port import Outlet, Port
from grinder.kernel.signals import StopRequested, TimerFired
from grinder.kernel.stepped import SteppedRuntime

HANDED = StopRequested()
SAID = TimerFired(key="a", generation=1)


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
    runtime._seq = iter(numbers)  # type: ignore[assignment]
    entries: list[Any] = []
    runtime.recorder = entries.append
    cell: Any = SimpleNamespace(slot=SimpleNamespace(name="me"), generation=1)
    effects = [(addresses.get(name), body) for name, body in outbox]
    runtime.flush_recorded(cell, 99, (5, "outside", 0, HANDED), effects, "done")
    (entry,) = entries
    assert entry[:6] == ("t", 5, "me", 1, 99, "done")
    return [(number, list(names), body) for number, names, body in entry[6]]


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
