from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from grinder.kernel.port import Port
from grinder.messages.market import (
    BookTicked,
    CloseStream,
    FrameRejected,
    OpenStream,
    StreamClosed,
    StreamOpened,
    TradePrinted,
)
from grinder.messages.venue import (
    KeepUserStream,
    ListenKeyExpired,
    OpenUserStream,
    OrderReported,
    Outcome,
    UserStreamKept,
    VenueDenied,
)
from grinder.model.settings import VenueSettings
from grinder.venues.clock import VenueClock
from grinder.venues.signing import Credentials
from grinder.venues.stream import BinanceStreamPort, BinanceUserStreamPort
from venues.fakes import TIMEOUT_S, Answer, FakeOutlet, ScriptedVenue, samples, traded
from venues.frameserver import FrameServer

KEY = "a1b2c3-the-listen-key"
LISTEN_KEY = "/fapi/v1/listenKey"
SETTINGS = VenueSettings(connect_timeout_ms=20_000, read_timeout_ms=20_000)
Open = Callable[..., Port]


def tick(update_id: int) -> str:
    return (
        f'{{"e":"bookTicker","u":{update_id},"s":"BTCUSDT","b":"61800.20","B":"2.507",'
        '"a":"61800.30","A":"2.510","T":1,"E":1}'
    )


def recorded(name: str) -> str:
    return next(
        json.dumps(row["payload"]) for row in samples("private_frames.jsonl") if row["name"] == name
    )


@pytest.fixture
def market(outlet: FakeOutlet, frames: FrameServer) -> Iterator[Open]:
    ports: list[Port] = []

    def make(stream: str = "public", **more: Any) -> Port:
        port = BinanceStreamPort(
            stream=stream,
            stream_url=frames.url,
            instruments=traded("BTCUSDT", "ETHUSDT"),
            settings=SETTINGS,
            **more,
        )
        port.open(outlet)
        ports.append(port)
        return port

    yield make
    for port in ports:
        port.close(TIMEOUT_S)


@pytest.fixture
def private(outlet: FakeOutlet, frames: FrameServer, scripted: ScriptedVenue) -> Iterator[Port]:
    scripted.on("POST", LISTEN_KEY, Answer(body={"listenKey": KEY}))
    scripted.on("PUT", LISTEN_KEY, Answer(body={}))
    port = BinanceUserStreamPort(
        rest_url=scripted.url,
        stream_url=frames.url,
        credentials=Credentials(key="the-key", secret="the-secret"),
        clock=VenueClock(),
        instruments=traded("BTCUSDT", "ETHUSDC"),
        settings=SETTINGS,
    )
    port.open(outlet)
    yield port
    port.close(TIMEOUT_S)


def test_a_route_subscribes_what_it_carries(
    market: Open, outlet: FakeOutlet, frames: FrameServer
) -> None:
    for number, (stream, depth) in enumerate(
        [("public", True), ("public", False), ("market", True)]
    ):
        market(stream, depth=depth).receive(outlet.envelope(OpenStream(connection=number)))
        outlet.wait(StreamOpened, number + 1)
    paths = [frames.accept().path for _ in range(3)]

    assert paths == [
        "/public/stream?streams="
        "btcusdt@bookTicker/btcusdt@depth@100ms/ethusdt@bookTicker/ethusdt@depth@100ms",
        "/public/stream?streams=btcusdt@bookTicker/ethusdt@bookTicker",
        "/market/stream?streams="
        "btcusdt@aggTrade/btcusdt@markPrice@1s/btcusdt@forceOrder/"
        "ethusdt@aggTrade/ethusdt@markPrice@1s/ethusdt@forceOrder",
    ]


def test_what_is_heard_is_told_to_the_opener_in_order(
    market: Open, outlet: FakeOutlet, frames: FrameServer
) -> None:
    envelope = outlet.envelope(OpenStream(connection=7), sender="feed")
    market().receive(envelope)
    peer = frames.accept()
    peer.text(tick(1))
    peer.text(f'{{"stream":"btcusdt@bookTicker","data":{tick(2)}}}')
    peer.text('{"e":"serverShutdown"}')
    trade = '{"e":"aggTrade","E":1,"s":"ETHUSDT","a":5,"p":"2000.01","q":"0.5","m":false}'
    peer.text(trade)
    (opened,), ticks = outlet.wait(StreamOpened), outlet.wait(BookTicked, 2)
    (printed,) = outlet.wait(TradePrinted)

    assert opened == StreamOpened(stream="public", connection=7)
    assert [(each.update_id, each.connection) for each in ticks] == [(1, 7), (2, 7)]
    assert (printed.price_ticks, printed.qty_lots) == (200_001, 500)
    assert [(each.receiver, each.cause) for each in outlet.told[:2]] == [
        ("feed", envelope.seq),
        ("feed", 0),
    ]


def test_frames_cut_anywhere_are_put_together(
    market: Open, outlet: FakeOutlet, frames: FrameServer
) -> None:
    market().receive(outlet.envelope(OpenStream(connection=1)))
    peer = frames.accept()
    text = tick(1).encode()
    whole = bytes([0x81, 0x7E]) + len(text).to_bytes(2, "big") + text
    peer.raw(whole + whole[:3])
    outlet.wait(BookTicked)
    peer.raw(whole[3:50])
    peer.raw(whole[50:])

    assert len(outlet.wait(BookTicked, 2)) == 2


def test_a_broken_frame_costs_only_itself(
    market: Open, outlet: FakeOutlet, frames: FrameServer
) -> None:
    port = market()
    port.receive(outlet.envelope(OpenStream(connection=1)))
    peer = frames.accept()
    peer.text("{broken")
    peer.frame(0x2, b"\xff\xfe")
    peer.text(tick(1).replace("61800.20", "61800.25"))
    peer.text(tick(2))
    outlet.wait(BookTicked)
    rejected = outlet.wait(FrameRejected, 3)

    assert isinstance(port, BinanceStreamPort)
    assert port.rejected == 3
    assert "{broken" in rejected[0].detail
    assert "multiple of 0.10" in rejected[2].detail


def test_pings_are_answered(market: Open, outlet: FakeOutlet, frames: FrameServer) -> None:
    market().receive(outlet.envelope(OpenStream(connection=1)))
    peer = frames.accept()
    peer.frame(0x9, b"are you there")

    assert peer.read_frame() == (0xA, b"are you there")


def test_the_end_of_a_connection_is_told_and_nobody_reconnects(
    market: Open, outlet: FakeOutlet, frames: FrameServer
) -> None:
    port = market()
    port.receive(outlet.envelope(OpenStream(connection=1)))
    frames.accept().frame(0x8, (1001).to_bytes(2, "big"))
    first = outlet.wait(StreamClosed)[0]
    port.receive(outlet.envelope(OpenStream(connection=2)))
    frames.accept().close()
    second = outlet.wait(StreamClosed, 2)[1]

    assert first == StreamClosed(
        stream="public", connection=1, reason="closed by the venue with 1001"
    )
    assert second.connection == 2
    assert len(outlet.all(StreamOpened)) == 2


def test_a_refused_handshake_is_told(market: Open, outlet: FakeOutlet, frames: FrameServer) -> None:
    frames.refuse_with = 403
    market().receive(outlet.envelope(OpenStream(connection=1)))
    (closed,) = outlet.wait(StreamClosed)

    assert closed.reason == "not connected: handshake answered with 403"


def test_nobody_there_is_told(outlet: FakeOutlet) -> None:
    gone = FrameServer()
    port = BinanceStreamPort(
        stream="market", stream_url=gone.url, instruments=traded("BTCUSDT"), settings=SETTINGS
    )
    gone.close()
    port.open(outlet)
    port.receive(outlet.envelope(OpenStream(connection=1)))
    (closed,) = outlet.wait(StreamClosed)
    port.close(TIMEOUT_S)

    assert closed.reason.startswith("not connected: ConnectionRefusedError")


def test_a_silent_connection_is_left_open_until_another_one_is_wanted(
    market: Open, outlet: FakeOutlet, frames: FrameServer
) -> None:
    port = market()
    port.receive(outlet.envelope(OpenStream(connection=1)))
    silent = frames.accept()
    outlet.wait(StreamOpened)
    port.receive(outlet.envelope(OpenStream(connection=2)))
    fresh = frames.accept()
    hung_up = silent.is_hung_up()
    fresh.text(tick(9))
    (heard,) = outlet.wait(BookTicked)

    assert hung_up
    assert heard.connection == 2
    assert outlet.all(StreamClosed) == []


def test_closing_on_request_hangs_up_in_silence(
    market: Open, outlet: FakeOutlet, frames: FrameServer
) -> None:
    port = market()
    port.receive(outlet.envelope(OpenStream(connection=1)))
    peer = frames.accept()
    outlet.wait(StreamOpened)
    port.receive(outlet.envelope(CloseStream()))

    assert peer.is_hung_up()
    port.close(TIMEOUT_S)
    assert outlet.all(StreamClosed) == []


def test_a_peer_that_never_speaks_does_not_hold_up_close(
    market: Open, outlet: FakeOutlet, frames: FrameServer
) -> None:
    port = market()
    port.receive(outlet.envelope(OpenStream(connection=1)))
    frames.accept()
    outlet.wait(StreamOpened)
    port.close(TIMEOUT_S)

    assert isinstance(port, BinanceStreamPort)
    assert not any(each.is_alive for each in port._connections)


def test_the_private_stream_listens_with_the_account_s_key(
    private: Port, outlet: FakeOutlet, frames: FrameServer, scripted: ScriptedVenue
) -> None:
    private.receive(outlet.envelope(OpenUserStream(connection=1)))
    peer = frames.accept()
    outlet.wait(StreamOpened)
    peer.text(recorded("taker_open_order_filled"))
    (report,) = outlet.wait(OrderReported)
    call = scripted.seen(LISTEN_KEY)[0]

    assert peer.path == f"/private/ws?listenKey={KEY}"
    assert (call.method, call.key, call.text) == ("POST", "the-key", "")
    assert (report.connection, report.trade_id) == (1, 5612428004)


def test_the_new_private_connection_listens_before_the_old_one_ends(
    private: Port, outlet: FakeOutlet, frames: FrameServer, scripted: ScriptedVenue
) -> None:
    private.receive(outlet.envelope(OpenUserStream(connection=1)))
    old = frames.accept()
    outlet.wait(StreamOpened)
    old.text(recorded("listen_key_expired"))
    (expired,) = outlet.wait(ListenKeyExpired)
    private.receive(outlet.envelope(OpenUserStream(connection=2)))
    new = frames.accept()
    opened = outlet.wait(StreamOpened, 2)[1]
    hung_up = old.is_hung_up()
    new.text(recorded("order_new_gtc_limit"))
    (report,) = outlet.wait(OrderReported)

    assert (expired.connection, opened.connection, report.connection) == (1, 2, 2)
    assert hung_up
    assert outlet.all(StreamClosed) == []
    assert {call.method for call in scripted.seen(LISTEN_KEY)} == {"POST"}


def test_a_failed_renewal_leaves_the_old_private_connection_alone(
    private: Port, outlet: FakeOutlet, frames: FrameServer, scripted: ScriptedVenue
) -> None:
    private.receive(outlet.envelope(OpenUserStream(connection=1)))
    old = frames.accept()
    outlet.wait(StreamOpened)
    scripted.on("POST", LISTEN_KEY, Answer(status=500, body={}))
    private.receive(outlet.envelope(OpenUserStream(connection=2)))
    (closed,) = outlet.wait(StreamClosed)
    old.text(recorded("order_new_gtc_limit"))
    (report,) = outlet.wait(OrderReported)

    assert (closed.stream, closed.connection, report.connection) == ("private", 2, 1)


@pytest.mark.parametrize(
    ("reply", "outcome", "code"),
    [
        (Answer(body={"listenKey": KEY}), Outcome.DONE, 0),
        (Answer(status=400, body={"code": -1125, "msg": "gone"}), Outcome.REFUSED, -1125),
        (Answer(status=500, body={}), Outcome.UNKNOWN, 0),
    ],
)
def test_each_answer_to_keeping_the_key(
    private: Port,
    outlet: FakeOutlet,
    scripted: ScriptedVenue,
    reply: Answer,
    outcome: Outcome,
    code: int,
) -> None:
    scripted.on("PUT", LISTEN_KEY, reply)
    private.receive(outlet.envelope(KeepUserStream(connection=4)))
    (kept,) = outlet.wait(UserStreamKept)

    assert (kept.connection, kept.outcome, kept.code) == (4, outcome, code)


def test_a_refused_key_closes_the_stream_and_is_told(
    private: Port, outlet: FakeOutlet, scripted: ScriptedVenue
) -> None:
    scripted.on("POST", LISTEN_KEY, Answer(status=401, body={"code": -2015, "msg": "bad key"}))
    private.receive(outlet.envelope(OpenUserStream(connection=1)))
    (denied,), (closed,) = outlet.wait(VenueDenied), outlet.wait(StreamClosed)

    assert denied.code == -2015
    assert closed.connection == 1


def test_the_listen_key_is_never_shown_nor_deleted(
    private: Port, outlet: FakeOutlet, frames: FrameServer, scripted: ScriptedVenue
) -> None:
    private.receive(outlet.envelope(OpenUserStream(connection=1)))
    peer = frames.accept()
    outlet.wait(StreamOpened)
    peer.text('{"listenKey":"' + KEY + '",broken')
    outlet.wait(FrameRejected)
    peer.text(
        recorded("listen_key_expired").replace(
            "WsCMN0a4KHUPTQuX6IUnqEZfB1inxmv1qR4kbf1LuEjur5VdbzqvyxqG9TSjVVxv", KEY
        )
    )
    outlet.wait(ListenKeyExpired)
    peer.close()
    outlet.wait(StreamClosed)
    frames.refuse_with = 403
    private.receive(outlet.envelope(OpenUserStream(connection=2)))
    outlet.wait(StreamClosed, 2)
    private.close(TIMEOUT_S)

    assert KEY not in repr(outlet.told)
    assert KEY not in repr(private)
    assert all(call.method != "DELETE" for call in scripted.calls)
