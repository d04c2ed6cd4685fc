"""Cancels that wait together go together: what becomes one request, and what does not."""

from __future__ import annotations

import json

import pytest

from grinder.messages.venue import (
    CancelAnswered,
    CountdownAnswered,
    Outcome,
    PlaceAnswered,
    QueryOrder,
    ReadFailed,
    SetCountdown,
    VenueThrottled,
)
from grinder.model.order import OrderStatus
from grinder.model.units import NS_PER_MS
from grinder.venues.signing import sign
from venues.fakes import FakeOutlet, ScriptedVenue, batch_cancelled, cancel, entry
from venues.scripts import BATCH, FIVE, ORDER, Open, by_name, error, hold_first, outcomes

COUNTDOWN = "/fapi/v1/countdownCancelAll"
FIFTEEN = "abcdefghijklmno"


def test_cancels_that_wait_are_one_request_as_documented(
    opened: Open, outlet: FakeOutlet, scripted: ScriptedVenue
) -> None:
    port = opened(cancel_threads=1)
    gate = hold_first(port, outlet, scripted)
    envelopes = {name: outlet.envelope(cancel(name)) for name in FIVE}
    for envelope in envelopes.values():
        port.receive(envelope)
    gate.open()
    answers = by_name(outlet.wait(CancelAnswered, 6))
    (call,), (single,) = scripted.seen(BATCH), scripted.seen(ORDER)
    text, _, signature = call.text.rpartition("&signature=")
    causes = {
        each.message.client_order_id: each.cause
        for each in outlet.told
        if isinstance(each.message, CancelAnswered)
    }

    assert (call.method, call.key, signature) == ("DELETE", "the-key", sign("the-secret", text))
    assert set(call.parameters) == {
        *("symbol", "origClientOrderIdList"),
        *("recvWindow", "timestamp", "signature"),
    }
    assert call.parameters["symbol"] == "BTCUSDT"
    assert call.parameters["origClientOrderIdList"] == '["a","b","c","d","e"]'
    assert single.parameters["origClientOrderId"] == "first"
    assert {each.outcome for each in answers.values()} == {Outcome.DONE}
    assert {each.status for each in answers.values()} == {OrderStatus.CANCELED}
    assert [answers[name].order_id for name in FIVE] == [70, 71, 72, 73, 74]
    assert {name: causes[name] for name in FIVE} == {
        name: envelope.seq for name, envelope in envelopes.items()
    }


@pytest.mark.parametrize(
    ("count", "sizes", "alone"), [(1, [], 1), (10, [10], 0), (11, [10], 1), (15, [10, 5], 0)]
)
def test_ten_at_most_go_together_and_one_alone_goes_as_before(
    opened: Open,
    outlet: FakeOutlet,
    scripted: ScriptedVenue,
    count: int,
    sizes: list[int],
    alone: int,
) -> None:
    port = opened(cancel_threads=1)
    gate = hold_first(port, outlet, scripted)
    for name in FIFTEEN[:count]:
        port.receive(outlet.envelope(cancel(name)))
    gate.open()
    answers = outlet.wait(CancelAnswered, 1 + count)
    singles = [call.parameters["origClientOrderId"] for call in scripted.seen(ORDER)]
    together = [batch_cancelled(call) for call in scripted.seen(BATCH)]

    assert outcomes(answers) == "D" * (1 + count)
    assert list(map(len, together)) == sizes
    assert len(singles) == 1 + alone
    assert "".join(name for names in together for name in names) == FIFTEEN[: count - alone]


def test_turned_off_each_cancel_is_a_request(
    opened: Open, outlet: FakeOutlet, scripted: ScriptedVenue
) -> None:
    port = opened(cancel_threads=1, batches=False)
    gate = hold_first(port, outlet, scripted)
    for name in FIVE:
        port.receive(outlet.envelope(cancel(name)))
    gate.open()

    assert outcomes(outlet.wait(CancelAnswered, 6)) == "DDDDDD"
    assert len(scripted.seen(ORDER)) == 6
    assert scripted.seen(BATCH) == []


def test_only_cancels_of_one_market_go_together_and_the_others_keep_their_order(
    opened: Open, outlet: FakeOutlet, scripted: ScriptedVenue
) -> None:
    port = opened(cancel_threads=1)
    gate = hold_first(port, outlet, scripted)
    for name, symbol in zip("abcde", ("BTCUSDT", "ETHUSDT") * 2 + ("BTCUSDT",), strict=True):
        port.receive(outlet.envelope(cancel(name, symbol)))
    gate.open()
    answers = by_name(outlet.wait(CancelAnswered, 6))
    sent = [(call.parameters["symbol"], batch_cancelled(call)) for call in scripted.seen(BATCH)]

    assert sent == [("BTCUSDT", ["a", "c", "e"]), ("ETHUSDT", ["b", "d"])]
    assert {name: answers[name].symbol for name in "abc"} == {
        "a": "BTCUSDT",
        "b": "ETHUSDT",
        "c": "BTCUSDT",
    }
    assert {each.outcome for each in answers.values()} == {Outcome.DONE}


def test_the_legs_of_a_market_share_a_request(
    opened: Open, outlet: FakeOutlet, scripted: ScriptedVenue
) -> None:
    long, short = "BTCUSDT:LONG", "BTCUSDT:SHORT"
    port = opened(cancel_threads=1, position_mode="hedge")
    gate = hold_first(port, outlet, scripted)
    port.receive(outlet.envelope(cancel("a", long)))
    port.receive(outlet.envelope(cancel("b", short)))
    gate.open()
    answers = by_name(outlet.wait(CancelAnswered, 3))
    (call,) = scripted.seen(BATCH)

    assert (call.parameters["symbol"], batch_cancelled(call)) == ("BTCUSDT", ["a", "b"])
    assert (answers["a"].symbol, answers["b"].symbol) == (long, short)
    assert {each.outcome for each in answers.values()} == {Outcome.DONE}


def test_a_countdown_keeps_its_place_and_goes_alone(
    opened: Open, outlet: FakeOutlet, scripted: ScriptedVenue
) -> None:
    scripted.on("POST", COUNTDOWN, error(400, -1102))
    port = opened(cancel_threads=1)
    gate = hold_first(port, outlet, scripted)
    port.receive(outlet.envelope(cancel("a")))
    port.receive(outlet.envelope(SetCountdown(symbol="BTCUSDT", countdown_ms=7)))
    for name, symbol in (("b", "BTCUSDT"), ("c", "ETHUSDT"), ("d", "ETHUSDT")):
        port.receive(outlet.envelope(cancel(name, symbol)))
    gate.open()
    answers = outlet.wait(CancelAnswered, 5)
    writes = [call for call in scripted.calls if call.method != "GET"]

    assert outcomes(answers) == "DDDDD"
    assert [call.path for call in writes] == [ORDER, BATCH, COUNTDOWN, BATCH]
    assert [batch_cancelled(call) for call in scripted.seen(BATCH)] == [["a", "b"], ["c", "d"]]
    assert [each.code for each in outlet.all(CountdownAnswered)] == [-1102]


def test_one_that_hangs_holds_none_up_that_another_thread_can_take(
    opened: Open, outlet: FakeOutlet, scripted: ScriptedVenue
) -> None:
    port = opened(cancel_threads=2)
    gate = hold_first(port, outlet, scripted)
    for name in FIVE:
        port.receive(outlet.envelope(cancel(name)))
    others = outlet.wait(CancelAnswered, 5)
    gate.open()

    assert sorted(each.client_order_id for each in others) == list(FIVE)
    assert outlet.wait(CancelAnswered, 6)[5].client_order_id == "first"


def test_one_that_finds_a_free_thread_leaves_at_once(
    opened: Open, outlet: FakeOutlet, scripted: ScriptedVenue
) -> None:
    port = opened(cancel_threads=1)
    for count, name in enumerate(FIVE, 1):
        port.receive(outlet.envelope(cancel(name)))
        outlet.wait(CancelAnswered, count)

    assert len(scripted.seen(ORDER)) == 5
    assert scripted.seen(BATCH) == []


def test_a_name_told_twice_is_sent_once_and_answered_twice(
    opened: Open, outlet: FakeOutlet, scripted: ScriptedVenue
) -> None:
    port = opened(cancel_threads=1)
    gate = hold_first(port, outlet, scripted)
    for name in ("a", "b", "a"):
        port.receive(outlet.envelope(cancel(name)))
    gate.open()
    answers = outlet.wait(CancelAnswered, 4)[1:]
    (call,) = scripted.seen(BATCH)

    assert json.loads(call.parameters["origClientOrderIdList"]) == ["a", "b"]
    assert [each.client_order_id for each in answers] == ["a", "b", "a"]
    assert {each.outcome for each in answers} == {Outcome.DONE}


def test_an_order_is_withdrawn_while_its_cancel_still_waits(
    opened: Open, outlet: FakeOutlet, scripted: ScriptedVenue
) -> None:
    port = opened(cancel_threads=1)
    gate = hold_first(port, outlet, scripted)
    for name in FIVE:
        port.receive(outlet.envelope(cancel(name)))
    port.receive(outlet.envelope(entry(outlet, "c", "f")))
    placed = by_name(outlet.wait(PlaceAnswered, 2))
    gate.open()

    assert placed["c"].text == "cancelled before it was sent"
    assert placed["f"].outcome is Outcome.DONE
    assert outcomes(outlet.wait(CancelAnswered, 6)) == "DDDDDD"


def test_a_full_queue_and_a_closed_port_answer_every_cancel(
    opened: Open, outlet: FakeOutlet, scripted: ScriptedVenue
) -> None:
    port = opened(cancel_threads=1, queue_max=3)
    gate = hold_first(port, outlet, scripted)
    for name in FIVE:
        port.receive(outlet.envelope(cancel(name)))
    full = [(each.client_order_id, each.text) for each in outlet.all(CancelAnswered)]
    port.close(0.0)
    closed = [(each.client_order_id, each.text) for each in outlet.all(CancelAnswered)][2:]
    port.receive(outlet.envelope(cancel("f")))
    gate.open()
    answers = by_name(outlet.wait(CancelAnswered, 7))

    assert full == [("d", "queue full"), ("e", "queue full")]
    assert closed == [(name, "port closed") for name in "abc"]
    assert answers["f"].text == "port closed"
    assert answers["first"].outcome is Outcome.DONE
    assert scripted.seen(BATCH) == []


def test_a_throttle_does_not_stop_them(
    opened: Open, outlet: FakeOutlet, scripted: ScriptedVenue
) -> None:
    scripted.begin_minute()
    scripted.on("GET", ORDER, error(429, -1003, "Too many requests"))
    port = opened(cancel_threads=1)
    port.receive(outlet.envelope(QueryOrder(symbol="BTCUSDT", client_order_id="q")))
    outlet.wait(ReadFailed)
    outlet.wait(VenueThrottled)
    gate = hold_first(port, outlet, scripted)
    for name in FIVE:
        port.receive(outlet.envelope(cancel(name)))
    gate.open()

    assert outcomes(outlet.wait(CancelAnswered, 6)) == "DDDDDD"
    assert len(scripted.seen(BATCH)) == 1


def test_a_ban_stops_them(opened: Open, outlet: FakeOutlet, scripted: ScriptedVenue) -> None:
    until_ms = outlet.now_ns() // NS_PER_MS + 60_000
    scripted.on("GET", ORDER, error(418, -1003, f"IP banned until {until_ms}."))
    port = opened(cancel_threads=1)
    gate = hold_first(port, outlet, scripted)
    port.receive(outlet.envelope(QueryOrder(symbol="BTCUSDT", client_order_id="q")))
    outlet.wait(VenueThrottled)
    for name in FIVE:
        port.receive(outlet.envelope(cancel(name)))
    gate.open()
    answers = by_name(outlet.wait(CancelAnswered, 6))

    assert {(answers[name].outcome, answers[name].text) for name in FIVE} == {
        (Outcome.REFUSED, "the venue asked for silence")
    }
    assert scripted.seen(BATCH) == []
