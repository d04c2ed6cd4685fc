"""The answers to entries by fives: each order gets one, whatever becomes of the request."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from grinder.messages.venue import (
    ClockMeasured,
    Outcome,
    PlaceAnswered,
    Quiesce,
    Quiesced,
    VenueDenied,
    VenueThrottled,
)
from grinder.model.units import NS_PER_MS, NS_PER_S
from grinder.venues import binance_batches
from venues.fakes import (
    HANG_UP,
    Answer,
    FakeOutlet,
    ScriptedVenue,
    batch_rows,
    entry,
)
from venues.scripts import BATCH, FIVE, ORDER, Gate, Open, by_name, error, outcomes, told, with_row


@pytest.mark.parametrize(
    ("row", "outcome", "code"),
    [
        (told(-5022), Outcome.REFUSED, -5022),
        (told(-2019), Outcome.REFUSED, -2019),
        (told(-4116), Outcome.REFUSED, -4116),
        (told(-1008), Outcome.REFUSED, -1008),
        (told(-1015), Outcome.REFUSED, -1015),
        (told(-1000), Outcome.UNKNOWN, 0),
        (told(-1007), Outcome.UNKNOWN, 0),
        (told(200), Outcome.UNKNOWN, 0),
        ({}, Outcome.UNKNOWN, 0),
        (None, Outcome.UNKNOWN, 0),
        ("NEW", Outcome.UNKNOWN, 0),
        ([], Outcome.UNKNOWN, 0),
        ({"orderId": 1, "clientOrderId": "c"}, Outcome.UNKNOWN, 0),
        (
            {"orderId": 1, "symbol": "BTCUSDT", "status": "NEW", "executedQty": "0"},
            Outcome.UNKNOWN,
            0,
        ),
    ],
)
def test_each_answer_to_one_of_a_batch(
    opened: Open,
    outlet: FakeOutlet,
    scripted: ScriptedVenue,
    row: Any,
    outcome: Outcome,
    code: int,
) -> None:
    scripted.on("POST", BATCH, with_row(2, row))
    opened().receive(outlet.envelope(entry(outlet, *FIVE)))
    answers = by_name(outlet.wait(PlaceAnswered, 5))
    third = answers.pop("c")

    assert (third.outcome, third.code) == (outcome, code)
    assert third.sent_ns > 0
    assert (third.decided_ns == third.sent_ns + 6 * NS_PER_S) is (outcome is Outcome.UNKNOWN)
    assert {each.outcome for each in answers.values()} == {Outcome.DONE}


@pytest.mark.parametrize(
    ("reply", "outcome", "code"),
    [
        (error(400, -4082), Outcome.REFUSED, -4082),
        (error(400, -2014), Outcome.REFUSED, -2014),
        (error(429, -1015), Outcome.REFUSED, -1015),
        (error(503, -1008), Outcome.REFUSED, -1008),
        (error(503, -1000), Outcome.UNKNOWN, 0),
        (error(408, -1007), Outcome.UNKNOWN, 0),
        (HANG_UP, Outcome.UNKNOWN, 0),
        (Answer(status=502, body=b"<html>"), Outcome.UNKNOWN, 0),
        (Answer(body=b"[garbage"), Outcome.UNKNOWN, 0),
        (Answer(body={"orderId": 1}), Outcome.UNKNOWN, 0),
        (Answer(body=[]), Outcome.UNKNOWN, 0),
    ],
)
def test_what_is_said_of_a_whole_batch_is_said_of_each_order(
    opened: Open,
    outlet: FakeOutlet,
    scripted: ScriptedVenue,
    reply: Answer,
    outcome: Outcome,
    code: int,
) -> None:
    scripted.on("POST", BATCH, reply)
    opened().receive(outlet.envelope(entry(outlet, *FIVE)))
    answers = outlet.wait(PlaceAnswered, 5)

    assert sorted(by_name(answers)) == list(FIVE)
    assert {(each.outcome, each.code) for each in answers} == {(outcome, code)}
    assert {each.decided_ns > 0 for each in answers} == {outcome is Outcome.UNKNOWN}
    assert all(each.sent_ns for each in answers)
    assert len(scripted.seen(BATCH)) == 1
    assert scripted.seen(ORDER) == []


@pytest.mark.parametrize(
    "change",
    [
        lambda rows: rows[:4],
        lambda rows: [*rows, told(-2019)],
        lambda rows: [told(-2019), *rows[:4]],
        lambda rows: [rows[1], rows[0], *rows[2:]],
    ],
)
def test_an_answer_out_of_step_is_no_answer(
    opened: Open,
    outlet: FakeOutlet,
    scripted: ScriptedVenue,
    change: Callable[[list[dict[str, Any]]], list[dict[str, Any]]],
) -> None:
    scripted.on("POST", BATCH, lambda call: Answer(body=change(batch_rows(call))))
    opened().receive(outlet.envelope(entry(outlet, *FIVE)))

    assert outcomes(outlet.wait(PlaceAnswered, 5)) == "UUUUU"


def test_a_timestamp_refused_within_a_batch_measures_the_clock_again(
    opened: Open, outlet: FakeOutlet, scripted: ScriptedVenue
) -> None:
    port = opened()
    port.receive(outlet.envelope(entry(outlet, "first")))
    outlet.wait(PlaceAnswered)
    before = outlet.wait(ClockMeasured)
    scripted.offset_ms = 90_000
    scripted.on("POST", BATCH, with_row(4, told(-1021)))
    port.receive(outlet.envelope(entry(outlet, *FIVE)))
    after = outlet.wait(ClockMeasured, 2)

    assert outcomes(outlet.wait(PlaceAnswered, 6)[1:]) == "DDDDR"
    assert after[1].offset_ns - before[0].offset_ns > 80 * NS_PER_S


def test_a_silence_asked_for_within_a_batch_is_kept(
    opened: Open, outlet: FakeOutlet, scripted: ScriptedVenue
) -> None:
    scripted.begin_minute()
    scripted.on("POST", BATCH, with_row(0, told(-1003, "Too many requests")))
    port = opened()
    port.receive(outlet.envelope(entry(outlet, *FIVE)))
    first = outlet.wait(PlaceAnswered, 5)
    throttled = outlet.wait(VenueThrottled)
    port.receive(outlet.envelope(entry(outlet, *FIVE)))
    second = outlet.wait(PlaceAnswered, 10)[5:]

    assert outcomes(first) == "RDDDD"
    assert [each.status for each in throttled] == [429]
    assert outcomes(second) == "RRRRR"
    assert len(scripted.seen(BATCH)) == 1


def test_a_ban_ends_batches(opened: Open, outlet: FakeOutlet, scripted: ScriptedVenue) -> None:
    until_ms = outlet.now_ns() // NS_PER_MS + 60_000
    scripted.on("POST", BATCH, error(418, -1003, f"IP banned until {until_ms}."))
    port = opened()
    port.receive(outlet.envelope(entry(outlet, *FIVE)))
    outlet.wait(PlaceAnswered, 5)
    port.receive(outlet.envelope(entry(outlet, *"fghij")))
    answers = outlet.wait(PlaceAnswered, 10)

    assert [each.status for each in outlet.wait(VenueThrottled)] == [418]
    assert outcomes(answers) == "R" * 10
    assert len(scripted.seen(BATCH)) == 1


def test_a_key_refused_within_a_batch_is_told(
    opened: Open, outlet: FakeOutlet, scripted: ScriptedVenue
) -> None:
    scripted.on("POST", BATCH, with_row(1, told(-2015)))
    opened().receive(outlet.envelope(entry(outlet, *FIVE)))

    assert [each.code for each in outlet.wait(VenueDenied)] == [-2015]
    assert outcomes(outlet.wait(PlaceAnswered, 5)) == "DRDDD"


def test_a_bug_of_ours_leaves_every_order_of_a_batch_unknown(
    opened: Open, outlet: FakeOutlet, scripted: ScriptedVenue, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("a bug")

    monkeypatch.setattr(binance_batches, "said_of_each", broken)
    monkeypatch.setattr("threading.excepthook", lambda _: None)
    port = opened(place_threads=1)
    port.receive(outlet.envelope(entry(outlet, *FIVE)))
    answers = outlet.wait(PlaceAnswered, 5)
    port.receive(outlet.envelope(entry(outlet, "after")))
    outlet.wait(PlaceAnswered, 6)

    assert outcomes(answers) == "UUUUU"
    assert all(each.decided_ns for each in answers)


def test_quiesced_comes_after_every_order_of_a_batch_and_after_the_unknown_ones(
    opened: Open, outlet: FakeOutlet, scripted: ScriptedVenue
) -> None:
    gate = Gate(with_row(0, told(-1000)))
    scripted.on("POST", BATCH, gate)
    port = opened(recv_window_ms=1, unknown_margin_ms=0)
    port.receive(outlet.envelope(entry(outlet, *FIVE)))
    port.receive(outlet.envelope(Quiesce(token=1)))
    scripted.wait(BATCH)
    assert outlet.all(Quiesced) == []
    gate.open()
    outlet.wait(Quiesced)

    assert outcomes(outlet.all(PlaceAnswered)) == "UDDDD"
    assert outlet.now_ns() >= max(each.decided_ns for each in outlet.all(PlaceAnswered))
