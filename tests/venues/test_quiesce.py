from __future__ import annotations

from grinder.messages.venue import (
    PlaceAnswered,
    Quiesce,
    Quiesced,
)
from venues.fakes import (
    HANG_UP,
    FakeOutlet,
    ScriptedVenue,
    entry,
)
from venues.scripts import ORDER, Gate, Open


def test_quiesced_waits_for_answers_and_for_unknown_ones_to_be_decided(
    opened: Open, outlet: FakeOutlet, scripted: ScriptedVenue
) -> None:
    gate = Gate(lambda _call: HANG_UP)
    scripted.on("POST", ORDER, gate)
    port = opened()
    port.receive(outlet.envelope(entry(outlet)))
    port.receive(outlet.envelope(Quiesce(token=1)))
    gate.open()
    (answer,) = outlet.wait(PlaceAnswered)
    assert outlet.all(Quiesced) == []
    outlet.skew_ns = answer.decided_ns - outlet.now_ns()
    port.receive(outlet.envelope(Quiesce(token=2)))
    tokens = [each.token for each in outlet.wait(Quiesced, 2)]

    assert tokens == [1, 2]


def test_quiesced_comes_at_once_when_nothing_is_open(opened: Open, outlet: FakeOutlet) -> None:
    opened().receive(outlet.envelope(Quiesce(token=5)))

    assert outlet.wait(Quiesced) == [Quiesced(token=5)]
