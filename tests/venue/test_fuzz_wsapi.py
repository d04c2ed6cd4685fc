"""Malformed requests of the WebSocket API: each is answered, and nothing is done by halves."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterator
from typing import Any

import orjson
import pytest
import websocket
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from grinder.venues.sim.products import USDM
from grinder.venues.sim.streams import MESSAGE_MAX
from grinder.venues.sim.wsapi import SESSIONS
from grinder.venues.sim.wsmethods import METHODS
from venue.fuzzing import KEY, SECRET, SYMBOL, Target, examples, now_ms
from venue.malformed import deep, json_text, json_values
from venue.test_fuzz_rest import ALGO, AMENDMENT, NAMES, ORDER

pytestmark = pytest.mark.unmeasured

WELL: dict[str, dict[str, Any]] = {
    "order.place": ORDER,
    "order.modify": AMENDMENT,
    "order.cancel": {"symbol": SYMBOL, "orderId": 2},
    "order.status": {"symbol": SYMBOL, "origClientOrderId": "mine"},
    "algoOrder.place": ALGO,
    "algoOrder.cancel": {"clientAlgoId": "stop"},
    "depth": {"symbol": SYMBOL, "limit": 5},
}
"""Requests that are right; the other methods get a symbol."""


class Api:
    """One connection, opened anew after it broke."""

    def __init__(self, target: Target) -> None:
        self.target = target
        self.socket: websocket.WebSocket | None = None

    def asked(self, text: str) -> Any:
        """Send a text and return the answer to it."""
        if self.socket is None:
            self.socket = self.target.socket_at(USDM.api)
        try:
            self.socket.send(text)
            return orjson.loads(self.socket.recv())
        except (ConnectionError, websocket.WebSocketException):
            self.close()
            raise

    def close(self) -> None:
        if self.socket is not None:
            self.socket.close()
            self.socket = None


@pytest.fixture(scope="module")
def api() -> Iterator[Api]:
    target = Target()
    target.begin()
    api = Api(target)
    yield api
    api.close()
    target.close()


def signed(params: dict[str, Any]) -> dict[str, Any]:
    """Return the parameters with key, time and their signature, whatever they are."""
    whole = {"apiKey": KEY, "timestamp": now_ms()} | params
    rows = sorted((name, _text(each)) for name, each in whole.items() if each is not None)
    text = "&".join(f"{name}={each}" for name, each in rows)
    return whole | {
        "signature": hmac.new(SECRET.encode(), text.encode(), hashlib.sha256).hexdigest()
    }


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


@st.composite
def mutated(draw: st.DrawFn) -> tuple[Any, str, Any]:
    """Return id, method and signed parameters of which one to three are wrong."""
    every = sorted((*METHODS["usdm"], *SESSIONS))
    method = draw(st.one_of(st.sampled_from(every), st.sampled_from(sorted(WELL))))
    params: dict[str, Any] = dict(WELL.get(method, {"symbol": SYMBOL}))
    for name in draw(st.lists(st.sampled_from((*params, *params, *NAMES)), min_size=1, max_size=3)):
        if draw(st.integers(0, 4)):
            params[name] = draw(json_values())
        else:
            params.pop(name, None)
    return draw(st.integers(0, 9)), method, signed(params)


def loose() -> st.SearchStrategy[str]:
    """Return texts that are hardly a request."""
    methods = st.one_of(st.sampled_from(sorted((*METHODS["usdm"], *SESSIONS))), json_values())
    whole = st.fixed_dictionaries(
        {}, optional={"id": json_values(), "method": methods, "params": json_values()}
    ).map(json_text)
    return st.one_of(whole, json_values().map(json_text), st.text(max_size=50))


@pytest.mark.timeout(0)
@settings(max_examples=examples(500))
@given(wrong=mutated(), is_hedged=st.booleans())
def test_malformed_parameters(api: Api, wrong: tuple[Any, str, Any], is_hedged: bool) -> None:
    number, method, params = wrong
    text = json_text({"id": number, "method": method, "params": params})
    assume(len(text.encode()) < MESSAGE_MAX)
    api.target.begin(is_hedged=is_hedged)
    before = api.target.look()

    answer = api.asked(text)

    after = api.target.look()
    assert after.failure_count == before.failure_count, after.failures[-1]
    # What is too deep to be read has no id.
    assert answer["id"] == number or answer["error"]["code"] == -1100
    if answer["status"] == 200:
        assert after.orders - before.orders == (method == "order.place")
    else:
        assert 400 <= answer["status"] < 500
        assert answer["error"]["code"] < 0
        assert after.standing == before.standing, "refused, and yet something was done"


@pytest.mark.timeout(0)
@settings(max_examples=examples(300))
@given(text=loose())
def test_garbage_is_answered(api: Api, text: str) -> None:
    assume(len(text.encode(errors="replace")) < MESSAGE_MAX)
    before = api.target.look()

    answer = api.asked(text.encode(errors="replace").decode())

    after = api.target.look()
    assert after.failure_count == before.failure_count, after.failures[-1]
    assert after.standing == before.standing
    assert answer["status"] == 200 or 400 <= answer["status"] < 500


@pytest.mark.parametrize("value", [deep(240), deep(1000), {"a": 1}, [], {}])
def test_an_array_or_object_is_no_parameter(api: Api, value: Any) -> None:
    api.target.begin()
    before = api.target.look()
    params = {**ORDER, "newClientOrderId": value, "apiKey": KEY}

    answer = api.asked(json_text({"id": 1, "method": "order.place", "params": params}))

    assert (answer["id"], answer["status"], answer["error"]["code"]) == (1, 400, -1100)
    assert api.target.look().standing == before.standing


@pytest.mark.parametrize("number", [deep(300), 1.5, True, "a" * 37, {}, 2**70])
def test_an_id_of_the_wrong_kind_is_not_given_back(api: Api, number: Any) -> None:
    text = json_text({"id": 0, "method": "ping"}).replace("0", _json(number), 1)

    answer = api.asked(text)

    assert (answer["id"], answer["status"]) == (None, 400)


def _json(value: Any) -> str:
    return str(value) if type(value) is int else json_text(value)


def test_binary_frames_are_not_answered(api: Api) -> None:
    socket = api.target.socket_at(USDM.api)

    socket.send(b'{"id":1,"method":"ping"}', websocket.ABNF.OPCODE_BINARY)
    socket.send('{"id":2,"method":"ping"}')

    assert orjson.loads(socket.recv())["id"] == 2
    socket.close()
