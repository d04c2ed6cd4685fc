"""The answers to cancels that went together: each gets one, whatever becomes of the request."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from grinder.messages.venue import (
    CancelAnswered,
    ClockMeasured,
    Outcome,
    Quiesce,
    Quiesced,
    VenueDenied,
    VenueThrottled,
)
from grinder.model.units import NS_PER_MS, NS_PER_S
from grinder.venues import binance_batches
from grinder.venues.binance_rest import BinanceRestPort
from venues.fakes import (
    HANG_UP,
    Answer,
    Call,
    FakeOutlet,
    ScriptedVenue,
    cancel,
    cancelled_rows,
)
from venues.scripts import (
    BATCH,
    FIVE,
    ORDER,
    Gate,
    Open,
    by_name,
    cancelled_but,
    error,
    hold_first,
    outcomes,
    told,
)

WINDOW_MS = 400
"""For so long the venue may still take a cancel that was not answered."""
Script = Callable[[Call], Answer] | Answer


def answered(
    port: BinanceRestPort, outlet: FakeOutlet, scripted: ScriptedVenue, script: Script
) -> list[CancelAnswered]:
    """Return what is said of five cancels that went together and were answered by ``script``."""
    scripted.on("DELETE", BATCH, script)
    gate = hold_first(port, outlet, scripted)
    for name in FIVE:
        port.receive(outlet.envelope(cancel(name)))
    gate.open()
    answers = outlet.wait(CancelAnswered, 6)[1:]
    assert len(scripted.seen(ORDER)) == 1
    return answers


@pytest.mark.parametrize(
    ("row", "outcome", "code"),
    [
        (told(-2011), Outcome.REFUSED, -2011),
        (told(-1008), Outcome.REFUSED, -1008),
        (told(-1102), Outcome.REFUSED, -1102),
        (told(-1000), Outcome.UNKNOWN, 0),
        (told(-1007), Outcome.UNKNOWN, 0),
        (told(200), Outcome.UNKNOWN, 0),
        ({}, Outcome.UNKNOWN, 0),
        (None, Outcome.UNKNOWN, 0),
        ("CANCELED", Outcome.UNKNOWN, 0),
        ([], Outcome.UNKNOWN, 0),
        ({"orderId": 1, "clientOrderId": "c"}, Outcome.UNKNOWN, 0),
        (
            {"orderId": 1, "symbol": "BTCUSDT", "status": "CANCELED", "executedQty": "0"},
            Outcome.UNKNOWN,
            0,
        ),
    ],
)
def test_each_answer_to_one_of_them(
    opened: Open,
    outlet: FakeOutlet,
    scripted: ScriptedVenue,
    row: Any,
    outcome: Outcome,
    code: int,
) -> None:
    answers = answered(opened(cancel_threads=1), outlet, scripted, cancelled_but(2, row))
    third = by_name(answers).pop("c")

    assert (third.outcome, third.code) == (outcome, code)
    assert {each.outcome for each in answers if each is not third} == {Outcome.DONE}


@pytest.mark.parametrize(
    ("reply", "outcome", "code"),
    [
        (error(400, -1102), Outcome.REFUSED, -1102),
        (error(400, -2014), Outcome.REFUSED, -2014),
        (error(429, -1003), Outcome.REFUSED, -1003),
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
def test_what_is_said_of_the_whole_request_is_said_of_each(
    opened: Open,
    outlet: FakeOutlet,
    scripted: ScriptedVenue,
    reply: Answer,
    outcome: Outcome,
    code: int,
) -> None:
    answers = answered(opened(cancel_threads=1), outlet, scripted, reply)

    assert sorted(by_name(answers)) == list(FIVE)
    assert {(each.outcome, each.code) for each in answers} == {(outcome, code)}
    assert len(scripted.seen(BATCH)) == 1


@pytest.mark.parametrize(
    "change",
    [
        lambda rows: rows[:4],
        lambda rows: [*rows, told(-2011)],
        lambda rows: [told(-2011), *rows[:4]],
        lambda rows: [rows[1], rows[0], *rows[2:]],
    ],
)
def test_an_answer_out_of_step_is_no_answer(
    opened: Open,
    outlet: FakeOutlet,
    scripted: ScriptedVenue,
    change: Callable[[list[dict[str, Any]]], list[dict[str, Any]]],
) -> None:
    port = opened(cancel_threads=1)
    answers = answered(
        port, outlet, scripted, lambda call: Answer(body=change(cancelled_rows(call)))
    )

    assert outcomes(answers) == "UUUUU"
    assert all(each.text.startswith("expected ") for each in answers)


def test_a_timestamp_refused_of_one_measures_the_clock_again(
    opened: Open, outlet: FakeOutlet, scripted: ScriptedVenue
) -> None:
    port = opened(cancel_threads=1)
    port.receive(outlet.envelope(cancel("before")))
    before = outlet.wait(ClockMeasured)[0]
    outlet.wait(CancelAnswered)
    scripted.offset_ms = 90_000
    scripted.on("DELETE", BATCH, Answer(body=[told(-1021)] * 5))
    gate = hold_first(port, outlet, scripted)
    for name in FIVE:
        port.receive(outlet.envelope(cancel(name)))
    gate.open()
    after = outlet.wait(ClockMeasured, 2)
    answers = outlet.wait(CancelAnswered, 7)[2:]
    port.receive(outlet.envelope(cancel("after")))
    outlet.wait(CancelAnswered, 8)

    assert outcomes(answers) == "RRRRR"
    assert {each.code for each in answers} == {-1021}
    assert after[1].offset_ns - before.offset_ns > 80 * NS_PER_S
    assert len(outlet.all(ClockMeasured)) == 2


def test_a_silence_asked_for_of_one_is_told_and_cancels_go_on(
    opened: Open, outlet: FakeOutlet, scripted: ScriptedVenue
) -> None:
    scripted.begin_minute()
    port = opened(cancel_threads=1)
    answers = answered(port, outlet, scripted, cancelled_but(0, told(-1003, "Too many requests")))
    throttled = outlet.wait(VenueThrottled)
    port.receive(outlet.envelope(cancel("after")))
    after = outlet.wait(CancelAnswered, 7)[6]

    assert outcomes(answers) == "RDDDD"
    assert [each.status for each in throttled] == [429]
    assert after.outcome is Outcome.DONE


def test_a_key_refused_of_one_is_told(
    opened: Open, outlet: FakeOutlet, scripted: ScriptedVenue
) -> None:
    answers = answered(opened(cancel_threads=1), outlet, scripted, cancelled_but(1, told(-2015)))

    assert [each.code for each in outlet.wait(VenueDenied)] == [-2015]
    assert outcomes(answers) == "DRDDD"


def test_a_bug_of_ours_leaves_each_of_them_unknown(
    opened: Open, outlet: FakeOutlet, scripted: ScriptedVenue, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("a bug")

    monkeypatch.setattr(binance_batches, "said_of_each", broken)
    monkeypatch.setattr("threading.excepthook", lambda _: None)
    port = opened(cancel_threads=1)
    answers = answered(port, outlet, scripted, lambda call: Answer(body=cancelled_rows(call)))
    port.receive(outlet.envelope(cancel("after")))
    after = outlet.wait(CancelAnswered, 7)[6]

    assert outcomes(answers) == "UUUUU"
    assert after.outcome is Outcome.DONE


def test_quiesced_comes_after_every_one_of_them_and_after_the_unknown_ones(
    opened: Open, outlet: FakeOutlet, scripted: ScriptedVenue
) -> None:
    batch = Gate(cancelled_but(0, told(-1000)))
    scripted.on("DELETE", BATCH, batch)
    port = opened(cancel_threads=1, recv_window_ms=WINDOW_MS, unknown_margin_ms=0)
    first = hold_first(port, outlet, scripted)
    for name in FIVE:
        port.receive(outlet.envelope(cancel(name)))
    port.receive(outlet.envelope(Quiesce(token=1)))
    first.open()
    scripted.wait(BATCH)
    assert outlet.all(Quiesced) == []
    answered_ns = outlet.now_ns()
    batch.open()
    outlet.wait(Quiesced)

    assert outcomes(outlet.all(CancelAnswered)[1:]) == "UDDDD"
    assert outlet.now_ns() - answered_ns >= WINDOW_MS * NS_PER_MS
