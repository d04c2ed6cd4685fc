"""Malformed stream requests: each text is answered, and nobody else notices."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import orjson
import pytest
import websocket
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from grinder.venues.sim.streams import MESSAGE_MAX, NAME_MAX
from venue.fuzzing import SYMBOL, TIMEOUT_S, Target, examples
from venue.malformed import deep, json_text, json_values, values

pytestmark = pytest.mark.unmeasured

FENCE = 990_099
PATHS = (
    "/ws",
    "/stream",
    "/public/ws",
    "/public/stream?streams=btcusdt@bookTicker/btcusdt@trade",
    "/market/ws/btcusdt@aggTrade/!ticker@arr/nothing",
    "/market/stream?streams=",
    "/private/ws?listenKey=x&events=ORDER_TRADE_UPDATE//",
    "/private/stream?streams=%FF%00/%F0%9F%92%A9",
    "/ws/////",
    "/ws/" + "btcusdt@trade/" * 200,
)
NAMES = (
    "btcusdt@bookTicker",
    "btcusdt@depth@100ms",
    "btcusdt@depth20@0ms",
    "btcusdt@depth" + "٣",
    "btcusdt@trade\n",
    "BTCUSDT@trade",
    "!bookTicker",
    "!" + "a@" * 90,
    "btcusdt@kline_1M",
    "btcusdt@kline_" + "1" * 180,
    "@",
    "",
    "nothing@all",
)
METHODS = ("SUBSCRIBE", "UNSUBSCRIBE", "LIST_SUBSCRIPTIONS", "subscribe", "SET_PROPERTY", "")


@pytest.fixture(scope="module")
def target() -> Iterator[Target]:
    target = Target()
    target.begin()
    yield target
    target.close()


def requests() -> st.SearchStrategy[str]:
    """Return texts that are nearly a request of a stream."""
    names = st.lists(st.one_of(st.sampled_from(NAMES), values().map(_sendable)), max_size=5)
    whole = st.fixed_dictionaries(
        {},
        optional={
            "method": st.one_of(st.sampled_from(METHODS), json_values()),
            "params": st.one_of(names, names, json_values()),
            "id": st.one_of(st.integers(-(2**63), 2**64 - 1), json_values()),
            "more": json_values(),
        },
    ).map(json_text)
    return st.one_of(whole, whole, json_values().map(json_text), st.text(max_size=50))


def _sendable(text: str) -> str:
    return text.encode(errors="replace").decode()


def answers_before_fence(socket: websocket.WebSocket) -> list[Any]:
    """Return the answers heard so far, without market frames."""
    socket.send(orjson.dumps({"method": "LIST_SUBSCRIPTIONS", "id": FENCE}))
    heard: list[Any] = []
    while True:
        frame = orjson.loads(socket.recv())
        if isinstance(frame, list):  # an all-market stream on a bare path
            continue
        if frame.get("id") == FENCE and isinstance(frame.get("result"), list):
            return heard
        if "result" in frame or "error" in frame:
            heard.append(frame)


@pytest.mark.timeout(0)
@settings(max_examples=examples(250))
@given(path=st.sampled_from(PATHS), texts=st.lists(requests(), min_size=1, max_size=4))
def test_every_text_is_answered(target: Target, path: str, texts: list[str]) -> None:
    assume(all(len(_sendable(text).encode()) < MESSAGE_MAX for text in texts))
    before = target.look()

    with closing(target.socket_at(path)) as socket:
        for text in texts:
            socket.send(_sendable(text))
        target.server.control("trade", symbol=SYMBOL, price="61800", qty="0.001")
        answers = answers_before_fence(socket)

    assert len(answers) == len(texts)
    after = target.look()
    assert after.failure_count == before.failure_count, after.failures[-1]
    assert nobody_is_left(target)


def nobody_is_left(target: Target) -> bool:
    """Tell whether the venue forgets everybody and everything that was subscribed."""
    # The venue waits ten seconds for the other half of a closing handshake.
    until_s = time.monotonic() + 3 * TIMEOUT_S
    while time.monotonic() < until_s:
        left = target.on_loop(lambda venue: (venue.hub.connections, len(venue.hub._listeners)))
        if left == (0, 0):
            return True
    return False


OPCODES = (0x0, 0x1, 0x2, 0x3, 0x8, 0x9, 0xA, 0xF)


@st.composite
def raw_frames(draw: st.DrawFn) -> bytes:
    """Return bytes that are nearly WebSocket frames."""
    found = b""
    for _ in range(draw(st.integers(1, 4))):
        if draw(st.integers(0, 5)) == 0:
            found += draw(st.binary(max_size=40))
            continue
        payload = draw(st.binary(max_size=125))
        head = draw(st.sampled_from((0x80, 0x80, 0x80, 0x00, 0xC0, 0xF0)))
        length = draw(st.one_of(st.just(len(payload)), st.sampled_from((0, 126, 127))))
        mask = draw(st.sampled_from((0x80, 0x80, 0x00)))
        found += bytes([head | draw(st.sampled_from(OPCODES)), mask | length])
        found += (b"\0\0\0\0" if mask else b"") + payload
    return found


@pytest.mark.timeout(0)
@settings(max_examples=examples(250))
@given(path=st.sampled_from(("/ws", "/private/ws", "/ws-fapi/v1")), raw=raw_frames())
def test_garbage_in_frames(target: Target, path: str, raw: bytes) -> None:
    before = target.look()
    socket: Any = target.socket_at(path)

    try:
        socket.sock.sendall(raw)
        target.look()
    finally:
        socket.shutdown()

    with closing(target.socket_at("/ws")) as other:
        assert answers_before_fence(other) == []
    after = target.look()
    assert after.failure_count == before.failure_count, after.failures[-1]
    assert after.standing == before.standing
    assert nobody_is_left(target)


@pytest.mark.parametrize(
    "text",
    [
        '{"method":"SUBSCRIBE","params":["btcusdt@trade"],"id":%s}' % ("[" * 300 + "]" * 300),
        '{"method":"SUBSCRIBE","params":["btcusdt@trade"],"id":1.5}',
        '{"method":"SUBSCRIBE","params":["btcusdt@trade"],"id":true}',
        '{"method":"SUBSCRIBE","params":["btcusdt@trade"],"id":"%s"}' % ("a" * 37),
        '{"method":"SUBSCRIBE","params":"btcusdt@trade","id":1}',
        '{"method":"SUBSCRIBE","params":{"btcusdt@trade":1},"id":1}',
        '{"method":"SUBSCRIBE","params":[5],"id":1}',
        '{"method":"SUBSCRIBE","params":["%s"],"id":1}' % ("a" * (NAME_MAX + 1)),
        '{"method":%s,"id":1}' % ("[" * 900 + "]" * 900),
        '{"params":["btcusdt@trade"],"id":1}',
        "[]",
        "5",
        "",
        json_text({"method": "SUBSCRIBE", "params": [deep(1000)]}),
    ],
)
def test_what_is_no_request_is_told_so_and_subscribes_nothing(target: Target, text: str) -> None:
    with closing(target.socket_at("/ws")) as socket:
        socket.send(text)

        answers = answers_before_fence(socket)
        socket.send(orjson.dumps({"method": "LIST_SUBSCRIPTIONS", "id": 1}))
        assert [each["error"]["code"] in (2, 3) for each in answers] == [True]
        assert orjson.loads(socket.recv()) == {"result": [], "id": 1}


@pytest.mark.parametrize("number", [None, 0, -1, 2**63 - 1, "a" * 36, ""])
def test_an_id_is_given_back(target: Target, number: object) -> None:
    with closing(target.socket_at("/ws")) as socket:
        socket.send(orjson.dumps({"method": "LIST_SUBSCRIPTIONS", "id": number}))

        assert orjson.loads(socket.recv()) == {"result": [], "id": number}


def test_a_huge_message_ends_its_connection_only(target: Target) -> None:
    before = target.look()
    for path in ("/ws", "/ws-fapi/v1"):
        other = target.socket_at("/ws")
        socket: Any = target.socket_at(path)

        socket.send(" " * (MESSAGE_MAX + 1))

        frame = socket.recv_frame()
        assert frame.opcode == websocket.ABNF.OPCODE_CLOSE
        assert frame.data[:2] == (1009).to_bytes(2, "big")
        assert answers_before_fence(other) == []
        other.close()
        socket.shutdown()
    assert target.look().failure_count == before.failure_count
