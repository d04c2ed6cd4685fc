"""The venue does not hide an error of its own: fuzzing would be blind otherwise."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson
import pytest
import websocket

from grinder.simulation.exchange import Exchange
from grinder.venues.sim import wsmethods
from grinder.venues.sim.products import USDM
from grinder.venues.sim.rest import Endpoint, Security
from grinder.venues.sim.site import TABLES
from grinder.venues.sim.streams import Hub
from grinder.venues.sim.venue import Venue
from venue.fuzzing import TIMEOUT_S, Target, form, request, stamped

pytestmark = pytest.mark.unmeasured

PLANTED = "/fapi/v1/planted"


@pytest.fixture(scope="module")
def target() -> Iterator[Target]:
    target = Target()
    yield target
    target.close()


def failing(_: Any, *__: Any) -> Any:
    raise ZeroDivisionError("planted")


def counted(target: Target) -> tuple[int, str]:
    found = target.server.control("state")["failures"]
    return found["count"], found["newest"][-1] if found["newest"] else ""


def is_broken(socket: websocket.WebSocket) -> bool:
    try:
        return bool(socket.recv_data()[0] == websocket.ABNF.OPCODE_CLOSE)
    except (websocket.WebSocketConnectionClosedException, ConnectionError):
        return True


def test_an_error_in_a_handler_is_a_500_and_counted(
    target: Target, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, _ = counted(target)
    endpoint = Endpoint(handler=failing, security=Security.NONE)
    monkeypatch.setitem(TABLES["usdm"], ("GET", PLANTED), endpoint)

    status, _ = target.http(request("GET", PLANTED.encode()))

    assert status == 500
    assert counted(target) == (before + 1, "ZeroDivisionError: planted")
    assert target.http(request("GET", b"/fapi/v1/ping"))[0] == 200


def test_an_error_behind_the_websocket_api_breaks_it_and_is_counted(
    target: Target, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, _ = counted(target)
    monkeypatch.setitem(
        TABLES["usdm"],
        ("GET", PLANTED),
        Endpoint(handler=failing, security=Security.NONE),
    )
    monkeypatch.setitem(wsmethods.USDM, "planted", ("GET", PLANTED))
    socket = websocket.create_connection(target.server.ws_url + USDM.api, timeout=TIMEOUT_S)

    socket.send(orjson.dumps({"id": 1, "method": "planted"}))

    assert is_broken(socket)
    socket.close()
    assert counted(target) == (before + 1, "ZeroDivisionError: planted")


def test_an_error_in_a_stream_is_counted(target: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    before, _ = counted(target)
    monkeypatch.setattr(Hub, "_answer", failing)
    socket = websocket.create_connection(target.server.ws_url + "/ws", timeout=TIMEOUT_S)

    socket.send("{}")

    assert is_broken(socket)
    socket.close()
    assert counted(target) == (before + 1, "ZeroDivisionError: planted")


def test_an_error_of_a_callback_is_counted(target: Target) -> None:
    before, _ = counted(target)
    loop = target.server._loop
    assert loop is not None

    loop.call_soon_threadsafe(failing, None)

    target.look()
    assert counted(target) == (before + 1, "ZeroDivisionError: planted")


def test_an_answer_that_says_no_is_no_failure(target: Target) -> None:
    before, _ = counted(target)

    target.http(request("GET", b"/nothing"))
    target.http(request("POST", b"/fapi/v1/order", b"a" * 300_000), "POST")
    target.signed("POST", "/fapi/v1/order", form(stamped({})))

    assert counted(target)[0] == before


def test_what_is_unsound_is_seen(target: Target) -> None:
    def spoil(venue: Venue) -> Exchange:
        exchange = venue.exchange
        exchange._accounts["sim-key"].wallet("USDT").wallet_e8 += 1
        return exchange

    target.begin()
    target.look()
    target.on_loop(spoil)

    with pytest.raises(AssertionError):
        target.look()
    target.begin()
    target.look()
