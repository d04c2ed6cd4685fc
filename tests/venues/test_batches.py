from __future__ import annotations

from grinder.messages.venue import (
    CancelAnswered,
    DropPlacements,
    Outcome,
    PlaceAnswered,
    Quiesce,
    Quiesced,
)
from venues.fakes import FakeOutlet, ScriptedVenue, acknowledged, cancel, entry, exit_order
from venues.scripts import BATCH, ORDER, Gate, Open


def test_orders_of_one_command_are_under_way_at_once_and_each_is_answered(
    opened: Open, outlet: FakeOutlet, scripted: ScriptedVenue
) -> None:
    gate = Gate()
    scripted.on("POST", ORDER, gate)
    port = opened(place_threads=3)
    port.receive(outlet.envelope(entry(outlet, "a", "b", "c", "d")))
    scripted.wait(ORDER, 3)
    assert len(scripted.seen(ORDER)) == 3
    gate.open()
    answers = outlet.wait(PlaceAnswered, 4)

    assert sorted(each.client_order_id for each in answers) == ["a", "b", "c", "d"]
    assert {each.outcome for each in answers} == {Outcome.DONE}
    assert {each.tick_ns for each in answers} == {7}
    assert all(each.sent_ns for each in answers)


def test_one_thread_sends_them_in_their_order(
    opened: Open, outlet: FakeOutlet, scripted: ScriptedVenue
) -> None:
    scripted.on("POST", ORDER, acknowledged)
    port = opened(place_threads=1)
    port.receive(outlet.envelope(entry(outlet, "a", "b")))
    port.receive(outlet.envelope(entry(outlet, "c", "d")))
    outlet.wait(PlaceAnswered, 4)

    sent = [call.parameters["newClientOrderId"] for call in scripted.seen(ORDER)]
    assert sent == ["a", "b", "c", "d"]


def test_dropping_and_cancelling_reach_those_of_a_command_that_are_not_sent_yet(
    opened: Open, outlet: FakeOutlet, scripted: ScriptedVenue
) -> None:
    gate = Gate()
    scripted.on("POST", ORDER, gate)
    port = opened(place_threads=1)
    port.receive(outlet.envelope(entry(outlet, "a", "b", "c")))
    scripted.wait(ORDER)
    port.receive(outlet.envelope(DropPlacements(serial=2)))
    gate.open()
    answers = outlet.wait(PlaceAnswered, 3)

    assert [each.outcome for each in answers] == [Outcome.DONE, Outcome.REFUSED, Outcome.REFUSED]
    assert len(scripted.seen(ORDER)) == 1


def test_an_order_of_a_command_that_is_cancelled_first_is_never_sent(
    opened: Open, outlet: FakeOutlet, scripted: ScriptedVenue
) -> None:
    gate = Gate()
    scripted.on("POST", ORDER, gate)
    port = opened(place_threads=1)
    port.receive(outlet.envelope(entry(outlet, "a", "b", "c")))
    scripted.wait(ORDER)
    port.receive(outlet.envelope(cancel("b")))
    outlet.wait(CancelAnswered)
    gate.open()
    answers = outlet.wait(PlaceAnswered, 3)

    assert [(each.client_order_id, each.text) for each in answers] == [
        ("a", ""),
        ("b", "cancelled before it was sent"),
        ("c", ""),
    ]


def test_cancels_and_exits_do_not_wait_behind_the_orders_of_a_command(
    opened: Open, outlet: FakeOutlet, scripted: ScriptedVenue
) -> None:
    gate = Gate()
    scripted.on(
        "POST",
        ORDER,
        lambda call: acknowledged(call) if "reduceOnly" in call.parameters else gate(call),
    )
    scripted.on("POST", BATCH, gate)
    scripted.on("DELETE", ORDER, acknowledged)
    port = opened(place_threads=2)
    port.receive(outlet.envelope(entry(outlet, *(f"g-{number}" for number in range(6)))))
    scripted.wait(BATCH)
    scripted.wait(ORDER)
    port.receive(outlet.envelope(cancel()))
    port.receive(outlet.envelope(exit_order(outlet)))
    outlet.wait(CancelAnswered)
    (exited,) = outlet.wait(PlaceAnswered)
    gate.open()

    assert exited.client_order_id == "x-1"


def test_what_of_a_command_does_not_fit_the_queue_is_answered(
    opened: Open, outlet: FakeOutlet, scripted: ScriptedVenue
) -> None:
    gate = Gate()
    scripted.on("POST", ORDER, gate)
    port = opened(place_threads=1, queue_max=2)
    port.receive(outlet.envelope(entry(outlet, "first")))
    scripted.wait(ORDER)
    port.receive(outlet.envelope(entry(outlet, "a", "b", "c", "d")))
    refused = outlet.all(PlaceAnswered)
    gate.open()
    outlet.wait(PlaceAnswered, 5)

    assert [(each.client_order_id, each.text) for each in refused] == [
        ("c", "queue full"),
        ("d", "queue full"),
    ]


def test_quiesced_comes_after_the_answer_to_every_order_of_a_command(
    opened: Open, outlet: FakeOutlet, scripted: ScriptedVenue
) -> None:
    gate = Gate()
    scripted.on("POST", ORDER, gate)
    port = opened(place_threads=1)
    port.receive(outlet.envelope(entry(outlet, "a", "b", "c")))
    port.receive(outlet.envelope(Quiesce(token=1)))
    scripted.wait(ORDER)
    assert outlet.all(Quiesced) == []
    gate.open()
    outlet.wait(Quiesced)

    assert len(outlet.all(PlaceAnswered)) == 3
