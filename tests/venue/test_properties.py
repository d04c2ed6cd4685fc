"""What a stream connection can be asked besides names: properties, and the route for everything."""

from __future__ import annotations

from typing import Any

import pytest

from grinder.venues.sim.streams import Route, carries
from venue.clients import Stream, World


def asked(stream: Stream, method: str, *params: Any) -> Any:
    return stream.ask(method, *params, number=7)


def test_frames_are_wrapped_when_the_combined_property_is_set(world: World) -> None:
    stream = world.stream("/public/ws/btcusdt@bookTicker")

    assert asked(stream, "GET_PROPERTY", "combined") == {"result": False, "id": 7}
    assert asked(stream, "SET_PROPERTY", "combined", True) == {"result": None, "id": 7}
    world.quote("61700.00", "61700.10")
    assert stream.next()["stream"] == "btcusdt@bookTicker"
    assert asked(stream, "GET_PROPERTY", "combined") == {"result": True, "id": 7}


@pytest.mark.parametrize(
    ("params", "code"), [((), 0), (("bogus", True), 0), (("combined",), 1), (("combined", "x"), 1)]
)
def test_other_properties_are_refused(world: World, params: tuple[Any, ...], code: int) -> None:
    stream = world.stream("/public/ws")

    assert asked(stream, "SET_PROPERTY", *params)["error"]["code"] == code


@pytest.mark.parametrize("stream", ["btcusdt@bookTicker", "btcusdt@markPrice", "abcdef"])
def test_the_route_for_everything_carries_all(stream: str) -> None:
    assert carries(Route.ALL, stream)


def test_one_address_tells_of_market_and_account(world: World) -> None:
    listen_key = world.rest.listen_key()
    stream = world.stream(f"/all/ws/btcusdt@trade/btcusdt@aggTrade/{listen_key}")

    world.server.control("trade", symbol="BTCUSDT", price="61700", qty="1")
    world.rest.market("BUY")

    wanted = {"TRADE_LITE", "ORDER_TRADE_UPDATE", "trade", "aggTrade"}
    while wanted:
        wanted.discard(stream.next()["e"])


def test_subscribing_again_takes_no_room(world: World) -> None:
    stream = world.stream("/public/ws")
    names = [f"coin{number}@trade" for number in range(600)]

    assert stream.ask("SUBSCRIBE", *names)["result"] is None
    assert stream.ask("SUBSCRIBE", *names, number=2)["result"] is None
    assert "error" in stream.ask("SUBSCRIBE", *[f"new{name}" for name in names], number=3)


def test_continuous_candles_have_the_fields_of_the_venue(world: World) -> None:
    stream = world.stream("/market/ws/btcusdt_perpetual@continuousKline_1m")
    world.server.control("trade", symbol="BTCUSDT", price="61700", qty="1")

    frame = stream.until(lambda each: each["k"]["c"] == "61700.00")[-1]

    assert (frame["e"], frame["ps"], frame["ct"]) == ("continuous_kline", "BTCUSDT", "PERPETUAL")
    assert frame["k"]["i"] == "1m"
    assert "s" not in frame["k"]
