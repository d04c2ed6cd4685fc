from __future__ import annotations

from typing import Any

import pytest

from grinder.messages.venue import (
    CancelAnswered,
    ClockMeasured,
    CountdownAnswered,
    DropPlacements,
    Outcome,
    PlaceAnswered,
    QueryOrder,
    ReadAccount,
    ReadFailed,
    SetCountdown,
    VenueDenied,
    VenueThrottled,
)
from grinder.model.order import OrderStatus, TimeInForce
from grinder.model.permit import Permit
from grinder.model.units import NS_PER_MS, NS_PER_S
from grinder.venues.binance_rest import BinanceRestPort
from grinder.venues.clock import VenueClock
from grinder.venues.signing import Credentials, sign
from venues.fakes import (
    HANG_UP,
    TIMEOUT_S,
    Answer,
    FakeOutlet,
    ScriptedVenue,
    acknowledged,
    cancel,
    entry,
    exit_order,
    traded,
)
from venues.scripts import ORDER, SETTINGS, Gate, Open, error


def test_a_placement_is_sent_as_documented(
    opened: Open, outlet: FakeOutlet, scripted: ScriptedVenue
) -> None:
    envelope = outlet.envelope(entry(outlet))
    opened().receive(envelope)
    (answer,) = outlet.wait(PlaceAnswered)
    call = scripted.seen(ORDER)[0]
    text, _, signature = call.text.rpartition("&signature=")

    assert answer.outcome is Outcome.DONE
    assert (answer.order_id, answer.status, answer.tick_ns) == (42, OrderStatus.NEW, 7)
    assert 0 < answer.sent_ns <= outlet.now_ns()
    assert (call.key, signature) == ("the-key", sign("the-secret", text))
    assert {name: call.parameters[name] for name in list(call.parameters)[:8]} == {
        "symbol": "BTCUSDT",
        "side": "BUY",
        "type": "LIMIT",
        "quantity": "0.010",
        "newClientOrderId": "g-1",
        "price": "61800.00",
        "timeInForce": "GTX",
        "recvWindow": "5000",
    }
    assert "reduceOnly" not in call.parameters
    assert {each.cause for each in outlet.told} == {envelope.seq}
    assert {each.receiver for each in outlet.told} == {"exchange"}


def test_an_exit_is_reduce_only_and_asks_what_it_filled(
    opened: Open, outlet: FakeOutlet, scripted: ScriptedVenue
) -> None:
    opened().receive(outlet.envelope(exit_order(outlet)))
    outlet.wait(PlaceAnswered)
    sent = scripted.seen(ORDER)[0].parameters

    assert (sent["type"], sent["reduceOnly"], sent["newOrderRespType"]) == (
        "MARKET",
        "true",
        "RESULT",
    )
    assert "price" not in sent
    assert "timeInForce" not in sent


def test_the_receive_window_ends_with_the_permit(
    opened: Open, outlet: FakeOutlet, scripted: ScriptedVenue
) -> None:
    deadline_ns = outlet.now_ns() + 50 * NS_PER_S
    permit = Permit(serial=1, state="ACTIVE", epoch=1, deadline_ns=deadline_ns)
    opened(recv_window_ms=60_000).receive(outlet.envelope(entry(outlet, permit=permit)))
    outlet.wait(PlaceAnswered)
    sent = scripted.seen(ORDER)[0].parameters

    assert 0 < int(sent["recvWindow"]) < 50_000
    assert int(sent["timestamp"]) + int(sent["recvWindow"]) <= deadline_ns // NS_PER_MS


@pytest.mark.parametrize(
    "change",
    [
        {"permit": None},
        {"permit": Permit(serial=1, state="ACTIVE", epoch=1, deadline_ns=1)},
        {"permit": Permit(serial=0, state="ACTIVE", epoch=1, deadline_ns=2**62)},
    ],
)
def test_without_a_valid_permit_nothing_is_sent(
    opened: Open, outlet: FakeOutlet, scripted: ScriptedVenue, change: dict[str, Any]
) -> None:
    port = opened()
    port.receive(outlet.envelope(DropPlacements(serial=1)))
    port.receive(outlet.envelope(entry(outlet, **change)))
    (answer,) = outlet.wait(PlaceAnswered)

    assert (answer.outcome, answer.code, answer.sent_ns) == (Outcome.REFUSED, 0, 0)
    assert answer.text == "permit void"
    assert scripted.seen(ORDER) == []


def test_dropping_reaches_placements_that_wait_behind_a_slow_one(
    opened: Open, outlet: FakeOutlet, scripted: ScriptedVenue
) -> None:
    gate = Gate()
    scripted.on("POST", ORDER, gate)
    port = opened(place_threads=1)
    for name in ("a", "b", "c"):
        port.receive(outlet.envelope(entry(outlet, name)))
    scripted.wait(ORDER)
    port.receive(outlet.envelope(DropPlacements(serial=2)))
    gate.open()
    answers = outlet.wait(PlaceAnswered, 3)

    assert [each.outcome for each in answers] == [Outcome.DONE, Outcome.REFUSED, Outcome.REFUSED]
    assert len(scripted.seen(ORDER)) == 1


def test_an_order_cancelled_before_it_was_sent_is_never_sent(
    opened: Open, outlet: FakeOutlet, scripted: ScriptedVenue
) -> None:
    gate = Gate()
    scripted.on("POST", ORDER, gate)
    scripted.on("DELETE", ORDER, error(400, -2011))
    port = opened(place_threads=1)
    port.receive(outlet.envelope(entry(outlet, "a")))
    port.receive(outlet.envelope(entry(outlet, "b")))
    scripted.wait(ORDER)
    port.receive(outlet.envelope(cancel("b")))
    outlet.wait(CancelAnswered)
    gate.open()
    answers = outlet.wait(PlaceAnswered, 2)

    assert [(each.client_order_id, each.outcome) for each in answers] == [
        ("a", Outcome.DONE),
        ("b", Outcome.REFUSED),
    ]
    assert answers[1].text == "cancelled before it was sent"


def test_cancels_and_exits_overtake_entries_and_reads(
    opened: Open, outlet: FakeOutlet, scripted: ScriptedVenue
) -> None:
    gate = Gate()
    scripted.on(
        "POST",
        ORDER,
        lambda call: acknowledged(call) if "reduceOnly" in call.parameters else gate(call),
    )
    scripted.on("GET", "/fapi/v3/account", gate)
    port = opened(place_threads=2)
    for number in range(6):
        port.receive(outlet.envelope(entry(outlet, f"g-{number}")))
        port.receive(outlet.envelope(ReadAccount(token=number)))
    scripted.wait(ORDER, 2)
    port.receive(outlet.envelope(cancel()))
    port.receive(outlet.envelope(exit_order(outlet)))
    (cancelled,) = outlet.wait(CancelAnswered)
    (exited,) = outlet.wait(PlaceAnswered)
    gate.open()

    assert cancelled.outcome is Outcome.DONE
    assert cancelled.status is OrderStatus.CANCELED
    assert exited.client_order_id == "x-1"


def test_what_does_not_fit_the_queue_is_answered(
    opened: Open, outlet: FakeOutlet, scripted: ScriptedVenue
) -> None:
    gate = Gate()
    scripted.on("POST", ORDER, gate)
    scripted.on("DELETE", ORDER, gate)
    scripted.on("GET", ORDER, gate)
    port = opened(place_threads=1, cancel_threads=1, queue_max=1)
    port.receive(outlet.envelope(entry(outlet, "a")))
    scripted.wait(ORDER, 1)
    port.receive(outlet.envelope(cancel("a")))
    scripted.wait(ORDER, 2)
    for name in ("b", "c", "d"):
        port.receive(outlet.envelope(entry(outlet, name)))
        port.receive(outlet.envelope(cancel(name)))
        port.receive(outlet.envelope(SetCountdown(symbol="BTCUSDT", countdown_ms=1)))
    refused, uncancelled = outlet.all(PlaceAnswered), outlet.all(CancelAnswered)
    countdowns = outlet.all(CountdownAnswered)
    gate.open()

    assert [each.client_order_id for each in refused] == ["c", "d"]
    assert {(each.outcome, each.code, each.text) for each in refused} == {
        (Outcome.REFUSED, 0, "queue full")
    }
    assert [each.client_order_id for each in uncancelled] == ["c", "d"]
    assert len(countdowns) == 3


def test_a_lost_reply_is_unknown_until_its_window_is_over(
    opened: Open, outlet: FakeOutlet, scripted: ScriptedVenue
) -> None:
    scripted.on("POST", ORDER, HANG_UP)
    opened().receive(outlet.envelope(entry(outlet)))
    (answer,) = outlet.wait(PlaceAnswered)

    assert answer.outcome is Outcome.UNKNOWN
    assert answer.decided_ns == answer.sent_ns + 6 * NS_PER_S
    assert len(scripted.seen(ORDER)) == 1


@pytest.mark.parametrize(
    ("reply", "outcome", "code"),
    [
        (error(503, -1000, "Unknown error"), Outcome.UNKNOWN, 0),
        (error(408, -1007), Outcome.UNKNOWN, 0),
        (Answer(status=502, body=b"<html>"), Outcome.UNKNOWN, 0),
        (Answer(body=b"garbage"), Outcome.UNKNOWN, 0),
        (Answer(body={"orderId": 1}), Outcome.UNKNOWN, 0),
        (error(503, 0, "Service Unavailable."), Outcome.REFUSED, 0),
        (error(503, -1008), Outcome.REFUSED, -1008),
        (error(400, -5022), Outcome.REFUSED, -5022),
        (error(400, -4116), Outcome.REFUSED, -4116),
        (error(429, -1015), Outcome.REFUSED, -1015),
    ],
)
def test_each_answer_to_a_placement(
    opened: Open,
    outlet: FakeOutlet,
    scripted: ScriptedVenue,
    reply: Answer,
    outcome: Outcome,
    code: int,
) -> None:
    scripted.on("POST", ORDER, reply)
    opened().receive(outlet.envelope(entry(outlet)))
    (answer,) = outlet.wait(PlaceAnswered)

    assert (answer.outcome, answer.code) == (outcome, code)
    assert (answer.decided_ns > 0) is (outcome is Outcome.UNKNOWN)


def test_nobody_there_means_not_sent(outlet: FakeOutlet) -> None:
    gone = ScriptedVenue()
    clock = VenueClock()
    clock.measure(lambda: outlet.now_ns() // NS_PER_MS)
    port = BinanceRestPort(
        rest_url=gone.url,
        credentials=Credentials(key="k", secret="s"),
        clock=clock,
        instruments=traded("BTCUSDT"),
        settings=SETTINGS,
    )
    gone.close()
    port.open(outlet)
    port.receive(outlet.envelope(entry(outlet)))
    port.receive(outlet.envelope(cancel()))
    (placed,), (cancelled,) = outlet.wait(PlaceAnswered), outlet.wait(CancelAnswered)
    port.close(TIMEOUT_S)

    assert (placed.outcome, placed.sent_ns) == (Outcome.REFUSED, 0)
    assert "signature" not in placed.text + cancelled.text
    assert cancelled.outcome is Outcome.REFUSED


def test_a_refused_timestamp_measures_the_clock_again(
    opened: Open, outlet: FakeOutlet, scripted: ScriptedVenue
) -> None:
    port = opened()
    port.receive(outlet.envelope(entry(outlet, "a")))
    outlet.wait(PlaceAnswered)
    before = outlet.wait(ClockMeasured)
    scripted.offset_ms = 90_000
    scripted.on("POST", ORDER, error(400, -1021))
    port.receive(outlet.envelope(entry(outlet, "b")))
    after = outlet.wait(ClockMeasured, 2)
    answer = outlet.wait(PlaceAnswered, 2)[1]
    port.receive(outlet.envelope(entry(outlet, "c")))
    outlet.wait(PlaceAnswered, 3)
    stamps = [int(call.parameters["timestamp"]) for call in scripted.seen(ORDER)]

    assert (answer.outcome, answer.code) == (Outcome.REFUSED, -1021)
    assert after[1].offset_ns - before[0].offset_ns > 80 * NS_PER_S
    assert stamps[2] - stamps[1] >= 89_000


def test_a_throttle_stops_entries_and_reads_but_not_cancels_and_exits(
    opened: Open, outlet: FakeOutlet, scripted: ScriptedVenue
) -> None:
    scripted.begin_minute()
    scripted.on("GET", ORDER, error(429, -1003, "Too many requests"))
    port = opened()
    port.receive(outlet.envelope(QueryOrder(symbol="BTCUSDT", client_order_id="q")))
    outlet.wait(ReadFailed)
    told = outlet.wait(VenueThrottled)
    port.receive(outlet.envelope(QueryOrder(symbol="BTCUSDT", client_order_id="q")))
    outlet.wait(ReadFailed, 2)
    port.receive(outlet.envelope(entry(outlet)))
    (refused,) = outlet.wait(PlaceAnswered)
    port.receive(outlet.envelope(exit_order(outlet)))
    exited = outlet.wait(PlaceAnswered, 2)[1]
    port.receive(outlet.envelope(cancel()))
    (cancelled,) = outlet.wait(CancelAnswered)
    outlet.skew_ns = 61 * NS_PER_S
    port.receive(outlet.envelope(entry(outlet, "g-2")))
    resumed = outlet.wait(PlaceAnswered, 3)[2]

    assert [each.status for each in told] == [429]
    assert refused.outcome is Outcome.REFUSED
    assert (exited.outcome, cancelled.outcome) == (Outcome.DONE, Outcome.DONE)
    assert resumed.outcome is Outcome.DONE
    assert len([call for call in scripted.seen(ORDER) if call.method == "GET"]) == 1


def test_a_ban_stops_cancels_too(opened: Open, outlet: FakeOutlet, scripted: ScriptedVenue) -> None:
    until_ms = outlet.now_ns() // NS_PER_MS + 60_000
    scripted.on("POST", ORDER, error(418, -1003, f"IP banned until {until_ms}."))
    port = opened()
    port.receive(outlet.envelope(entry(outlet)))
    (told,) = outlet.wait(VenueThrottled)
    outlet.wait(PlaceAnswered)
    port.receive(outlet.envelope(cancel()))
    (cancelled,) = outlet.wait(CancelAnswered)

    assert told.status == 418
    assert abs(told.until_ns - until_ms * NS_PER_MS) < 10 * NS_PER_S
    assert cancelled.outcome is Outcome.REFUSED
    assert len(scripted.seen(ORDER)) == 1


@pytest.mark.parametrize(
    ("reply", "code"), [(error(401, -2015), -2015), (Answer(status=403, body=b"<html>"), 403)]
)
def test_a_refused_key_is_told(
    opened: Open, outlet: FakeOutlet, scripted: ScriptedVenue, reply: Answer, code: int
) -> None:
    scripted.on("DELETE", ORDER, reply)
    opened().receive(outlet.envelope(cancel()))
    (denied,), (answer,) = outlet.wait(VenueDenied), outlet.wait(CancelAnswered)

    assert denied.code == code
    assert (answer.outcome, answer.code) == (Outcome.REFUSED, code)


def test_the_countdown_goes_out(opened: Open, outlet: FakeOutlet, scripted: ScriptedVenue) -> None:
    path = "/fapi/v1/countdownCancelAll"
    scripted.on("POST", path, Answer(body={"symbol": "BTCUSDT", "countdownTime": "30000"}))
    opened().receive(outlet.envelope(SetCountdown(symbol="BTCUSDT", countdown_ms=30_000)))
    (answer,) = outlet.wait(CountdownAnswered)

    assert answer.outcome is Outcome.DONE
    assert scripted.seen(path)[0].parameters["countdownTime"] == "30000"


def test_close_answers_what_still_waits_and_takes_nothing_more(
    opened: Open, outlet: FakeOutlet, scripted: ScriptedVenue
) -> None:
    gate = Gate()
    scripted.on("POST", ORDER, gate)
    port = opened(place_threads=1)
    for name in ("a", "b"):
        port.receive(outlet.envelope(entry(outlet, name)))
    scripted.wait(ORDER)
    port.close(0.0)
    port.receive(outlet.envelope(entry(outlet, "c")))
    closed = outlet.wait(PlaceAnswered, 2)
    gate.open()
    outlet.wait(PlaceAnswered, 3)

    assert [(each.client_order_id, each.text) for each in closed] == [
        ("b", "port closed"),
        ("c", "port closed"),
    ]


def test_a_symbol_that_is_not_ours_is_refused(
    opened: Open, outlet: FakeOutlet, scripted: ScriptedVenue
) -> None:
    stranger = entry(outlet, symbol="DOGEUSDT", time_in_force=TimeInForce.GTC)
    opened().receive(outlet.envelope(stranger))
    (answer,) = outlet.wait(PlaceAnswered)

    assert answer.outcome is Outcome.REFUSED
    assert scripted.seen(ORDER) == []
