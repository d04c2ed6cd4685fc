"""Entries by fives: what becomes one request, and what is looked at before it leaves."""

from __future__ import annotations

import json
from itertools import repeat

import pytest

from grinder.messages.venue import (
    BudgetReported,
    CancelAnswered,
    DropPlacements,
    Outcome,
    PlaceAnswered,
    ReadAccount,
    ReadFailed,
)
from grinder.model.permit import Permit
from grinder.model.units import NS_PER_MS, NS_PER_S
from grinder.venues.binance_batches import grouped
from grinder.venues.signing import sign
from venues.fakes import (
    Answer,
    FakeOutlet,
    ScriptedVenue,
    batch_rows,
    batched,
    cancel,
    entry,
    exit_order,
)
from venues.scripts import BATCH, FIVE, ORDER, Gate, Open, by_name, outcomes, told


@pytest.mark.parametrize(
    ("count", "sizes"),
    [(1, [1]), (4, [1] * 4), (5, [5]), (7, [5, 1, 1]), (16, [5, 5, 5, 1])],
)
def test_what_a_plan_becomes(outlet: FakeOutlet, count: int, sizes: list[int]) -> None:
    orders = entry(outlet, *map(str, range(count))).orders
    groups = grouped(orders, is_batched=True)

    assert list(map(len, groups)) == sizes
    assert tuple(order for group in groups for order in group) == orders
    assert grouped(orders, is_batched=False) == tuple(zip(orders, strict=True))


def test_five_entries_are_one_request_as_documented(
    opened: Open, outlet: FakeOutlet, scripted: ScriptedVenue
) -> None:
    opened().receive(outlet.envelope(entry(outlet, *FIVE, "f")))
    answers = by_name(outlet.wait(PlaceAnswered, 6))
    (call,), (single,) = scripted.seen(BATCH), scripted.seen(ORDER)
    text, _, signature = call.text.rpartition("&signature=")
    rows = json.loads(call.parameters["batchOrders"])

    assert (call.key, signature) == ("the-key", sign("the-secret", text))
    assert set(call.parameters) == {"batchOrders", "recvWindow", "timestamp", "signature"}
    assert batched(call) == list(FIVE)
    assert single.parameters["newClientOrderId"] == "f"
    assert rows[0] == {
        "symbol": "BTCUSDT",
        "side": "BUY",
        "type": "LIMIT",
        "quantity": "0.010",
        "newClientOrderId": "a",
        "price": "61800.00",
        "timeInForce": "GTX",
    }
    assert {each.outcome for each in answers.values()} == {Outcome.DONE}
    assert [answers[name].order_id for name in "abcdef"] == [50, 51, 52, 53, 54, 42]
    assert len({answers[name].sent_ns for name in FIVE}) == 1
    assert {each.tick_ns for each in answers.values()} == {7}


def test_a_leg_says_its_side_in_a_batch_too(
    opened: Open, outlet: FakeOutlet, scripted: ScriptedVenue
) -> None:
    leg = entry(outlet, *FIVE, symbol="BTCUSDT:LONG")
    opened(position_mode="hedge").receive(outlet.envelope(leg))
    outlet.wait(PlaceAnswered, 5)
    rows = json.loads(scripted.seen(BATCH)[0].parameters["batchOrders"])

    assert {(row["symbol"], row["positionSide"]) for row in rows} == {("BTCUSDT", "LONG")}


def test_turned_off_each_entry_is_a_request(
    opened: Open, outlet: FakeOutlet, scripted: ScriptedVenue
) -> None:
    opened(batches=False).receive(outlet.envelope(entry(outlet, *FIVE)))
    answers = outlet.wait(PlaceAnswered, 5)

    assert outcomes(answers) == "DDDDD"
    assert len(scripted.seen(ORDER)) == 5
    assert scripted.seen(BATCH) == []


def test_exits_go_one_by_one(opened: Open, outlet: FakeOutlet, scripted: ScriptedVenue) -> None:
    exits = entry(outlet, *FIVE, reduce_only=True, permit=None)
    opened().receive(outlet.envelope(exits))
    outlet.wait(PlaceAnswered, 5)

    assert len(scripted.seen(ORDER)) == 5
    assert scripted.seen(BATCH) == []


def test_a_batch_that_hangs_holds_no_exit_up(
    opened: Open, outlet: FakeOutlet, scripted: ScriptedVenue
) -> None:
    gate = Gate(lambda call: Answer(body=batch_rows(call)))
    scripted.on("POST", BATCH, gate)
    port = opened(place_threads=1)
    port.receive(outlet.envelope(entry(outlet, *FIVE)))
    scripted.wait(BATCH)
    port.receive(outlet.envelope(exit_order(outlet)))
    (exited,) = outlet.wait(PlaceAnswered)
    gate.open()

    assert (exited.client_order_id, exited.outcome) == ("x-1", Outcome.DONE)
    assert outcomes(outlet.wait(PlaceAnswered, 6)[1:]) == "DDDDD"


def test_one_that_is_cancelled_meanwhile_is_left_out(
    opened: Open, outlet: FakeOutlet, scripted: ScriptedVenue
) -> None:
    gate = Gate()
    scripted.on("POST", ORDER, gate)
    port = opened(place_threads=1)
    port.receive(outlet.envelope(entry(outlet, "first")))
    scripted.wait(ORDER)
    port.receive(outlet.envelope(entry(outlet, *FIVE)))
    port.receive(outlet.envelope(cancel("b")))
    outlet.wait(CancelAnswered)
    gate.open()
    answers = by_name(outlet.wait(PlaceAnswered, 6))
    late = answers.pop("b")

    assert (late.outcome, late.sent_ns) == (Outcome.REFUSED, 0)
    assert late.text == "cancelled before it was sent"
    assert {each.outcome for each in answers.values()} == {Outcome.DONE}
    assert batched(scripted.seen(BATCH, "POST")[0]) == ["a", "c", "d", "e"]


def test_the_last_one_left_of_a_batch_goes_alone_and_none_not_at_all(
    opened: Open, outlet: FakeOutlet, scripted: ScriptedVenue
) -> None:
    gate = Gate()
    scripted.on("POST", ORDER, gate)
    port = opened(place_threads=1)
    port.receive(outlet.envelope(entry(outlet, "first")))
    scripted.wait(ORDER)
    port.receive(outlet.envelope(entry(outlet, *FIVE, *"fghij")))
    for name in "abcdefghi":
        port.receive(outlet.envelope(cancel(name)))
    outlet.wait(CancelAnswered, 9)
    gate.open()
    answers = outlet.wait(PlaceAnswered, 11)
    placed = [call for call in scripted.seen(ORDER) if call.method == "POST"]

    assert outcomes(answers) == "RRRRRR" + "D" + "RRRD"
    assert [call.parameters["newClientOrderId"] for call in placed] == ["first", "j"]
    assert scripted.seen(BATCH, "POST") == []


@pytest.mark.parametrize(
    "permit",
    [
        None,
        Permit(serial=1, state="ACTIVE", epoch=1, deadline_ns=1),
        Permit(serial=0, state="ACTIVE", epoch=1, deadline_ns=2**62),
    ],
)
def test_without_a_valid_permit_none_of_them_is_sent(
    opened: Open, outlet: FakeOutlet, scripted: ScriptedVenue, permit: Permit | None
) -> None:
    port = opened()
    port.receive(outlet.envelope(DropPlacements(serial=1)))
    port.receive(outlet.envelope(entry(outlet, *FIVE, permit=permit)))
    answers = outlet.wait(PlaceAnswered, 5)

    assert outcomes(answers) == "RRRRR"
    assert {(each.code, each.sent_ns, each.text) for each in answers} == {(0, 0, "permit void")}
    assert scripted.seen(BATCH) == []


def test_the_receive_window_of_a_batch_ends_with_its_permit(
    opened: Open, outlet: FakeOutlet, scripted: ScriptedVenue
) -> None:
    deadline_ns = outlet.now_ns() + 50 * NS_PER_S
    permit = Permit(serial=1, state="ACTIVE", epoch=1, deadline_ns=deadline_ns)
    opened(recv_window_ms=60_000).receive(outlet.envelope(entry(outlet, *FIVE, permit=permit)))
    outlet.wait(PlaceAnswered, 5)
    sent = scripted.seen(BATCH)[0].parameters

    assert int(sent["timestamp"]) + int(sent["recvWindow"]) <= deadline_ns // NS_PER_MS


def test_a_full_queue_and_a_closed_port_answer_every_order(
    opened: Open, outlet: FakeOutlet, scripted: ScriptedVenue
) -> None:
    gate = Gate()
    scripted.on("POST", ORDER, gate)
    port = opened(place_threads=1, queue_max=1)
    port.receive(outlet.envelope(entry(outlet, "first")))
    scripted.wait(ORDER)
    # The queue counts requests: five orders are one of them.
    port.receive(outlet.envelope(entry(outlet, *FIVE, "f")))
    assert [(each.client_order_id, each.text) for each in outlet.all(PlaceAnswered)] == [
        ("f", "queue full")
    ]
    port.close(0.0)
    closed = outlet.wait(PlaceAnswered, 6)[1:]
    gate.open()

    assert [(each.client_order_id, each.text) for each in closed] == list(
        zip(FIVE, repeat("port closed"))
    )
    assert scripted.seen(BATCH) == []


def test_near_the_limit_of_weight_entries_go_one_by_one(
    opened: Open, outlet: FakeOutlet, scripted: ScriptedVenue
) -> None:
    scripted.begin_minute()
    spent = Answer(status=400, body=told(-1102), headers={"X-MBX-USED-WEIGHT-1M": str(2_400 - 300)})
    scripted.on("GET", "/fapi/v3/account", spent)
    port = opened()
    port.receive(outlet.envelope(ReadAccount(token=1)))
    outlet.wait(ReadFailed)
    assert outlet.wait(BudgetReported)[-1].used_weight_1m == 2_100
    port.receive(outlet.envelope(entry(outlet, *FIVE)))

    assert outcomes(outlet.wait(PlaceAnswered, 5)) == "DDDDD"
    assert len(scripted.seen(ORDER)) == 5
    assert scripted.seen(BATCH) == []
