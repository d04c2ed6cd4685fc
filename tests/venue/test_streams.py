from __future__ import annotations

from typing import Any

import pytest
import websocket

from grinder.venues.sim.config import Limits, VenueConfig
from grinder.venues.sim.server import VenueServer
from grinder.venues.sim.streams import Route, carries
from venue.clients import Rest, Stream, World


def kind(name: str) -> Any:
    return lambda frame: frame.get("e") == name


@pytest.mark.parametrize(
    ("route", "stream", "expected"),
    [
        (Route.PUBLIC, "btcusdt@bookTicker", True),
        (Route.PUBLIC, "btcusdt@depth@100ms", True),
        (Route.PUBLIC, "btcusdt@depth5@100ms", True),
        (Route.PUBLIC, "btcusdt@trade", True),
        (Route.PUBLIC, "btcusdt@aggTrade", False),
        (Route.PUBLIC, "btcusdt@markPrice@1s", False),
        (Route.MARKET, "btcusdt@aggTrade", True),
        (Route.MARKET, "btcusdt@markPrice", True),
        (Route.MARKET, "btcusdt@bookTicker", False),
        (Route.PRIVATE, "abcdef", True),
        (Route.PRIVATE, "btcusdt@bookTicker", False),
        (Route.BARE, "btcusdt@bookTicker", True),
        (Route.BARE, "btcusdt@aggTrade", False),
        (Route.BARE, "abcdef", False),
    ],
)
def test_each_route_carries_its_own_streams(route: Route, stream: str, expected: bool) -> None:
    assert carries(route, stream) is expected


@pytest.mark.parametrize("prefix", ["/public", ""])
def test_bare_and_wrapped_frames_come_on_the_route_and_without_one(
    world: World, prefix: str
) -> None:
    bare = world.stream(f"{prefix}/ws/btcusdt@bookTicker/ethusdt@bookTicker")
    wrapped = world.stream(f"{prefix}/stream?streams=btcusdt@bookTicker")
    world.quote("61700.00", "61700.10")

    frame, packed = bare.next(), wrapped.next()

    assert (frame["e"], frame["b"], frame["a"]) == ("bookTicker", "61700.00", "61700.10")
    assert packed == {"stream": "btcusdt@bookTicker", "data": frame}


def test_update_ids_of_quotes_rise(world: World) -> None:
    stream = world.stream("/public/ws/btcusdt@bookTicker")
    for price in ("61700.00", "61701.00", "61702.00"):
        world.quote(price, "61800.00")

    ids = [stream.next()["u"] for _ in range(3)]

    assert ids == sorted(set(ids))


def test_wrong_route_and_unknown_names_are_accepted_and_stay_silent(world: World) -> None:
    stream = world.stream("/public/ws/0")
    answer = stream.ask("SUBSCRIBE", "btcusdt@aggTrade", "nobody@knows", "btcusdt@markPrice@1s")
    world.quote("61700.00", "61700.10")
    world.server.control("trade", symbol="BTCUSDT", price="61700", qty="1")

    assert answer == {"result": None, "id": 1}
    assert stream.heard_before_answer() == []


def test_subscriptions_can_be_listed_changed_and_ended(world: World) -> None:
    stream = world.stream("/public/ws")

    stream.ask("SUBSCRIBE", "btcusdt@bookTicker", "btcusdt@trade")
    stream.ask("UNSUBSCRIBE", "btcusdt@bookTicker")
    listed = stream.ask("LIST_SUBSCRIPTIONS", number=3)
    world.quote("61700.00", "61700.10")

    assert listed == {"result": ["btcusdt@trade"], "id": 3}
    assert stream.heard_before_answer() == []


def test_nonsense_is_answered_with_an_error(world: World) -> None:
    stream = world.stream("/public/ws")

    assert "error" in stream.ask("DANCE")


def test_trades_come_raw_and_aggregated(world: World) -> None:
    raw = world.stream("/public/ws/btcusdt@trade")
    aggregated = world.stream("/market/ws/btcusdt@aggTrade")
    for _ in range(2):
        world.server.control("trade", symbol="BTCUSDT", price="61700", qty="1")
    world.server.control("trade", symbol="BTCUSDT", price="61701", qty="1")

    first, last = raw.next(), [raw.next(), raw.next()][-1]
    both = aggregated.next()

    assert (both["p"], both["f"], both["m"]) == ("61700.00", first["t"], False)
    assert first["t"] <= both["l"] < last["t"] + 1


def test_mark_price_is_stated_every_second_without_being_asked(world: World) -> None:
    stream = world.stream("/market/ws/btcusdt@markPrice@1s")

    frame = stream.next()

    assert (frame["e"], frame["p"]) == ("markPriceUpdate", "61800.05000000")
    assert frame["T"] % (8 * 3600 * 1000) == 0


class LocalBook:
    """A client's book, kept by the venue's published rule."""

    def __init__(self, snapshot: dict[str, Any]) -> None:
        self.id = snapshot["lastUpdateId"]
        self.sides = {side: dict(snapshot[side]) for side in ("bids", "asks")}
        self._last: int | None = None

    def apply(self, frame: dict[str, Any]) -> None:
        if frame["u"] < self.id:
            return
        if self._last is None:
            assert frame["U"] <= self.id <= frame["u"]
        else:
            assert frame["pu"] == self._last
        self._last = frame["u"]
        for side, levels in (("bids", frame["b"]), ("asks", frame["a"])):
            for price, qty in levels:
                if float(qty):
                    self.sides[side][price] = qty
                else:
                    self.sides[side].pop(price, None)


@pytest.mark.parametrize("suffix", ["", "@100ms", "@500ms", "@0ms"])
def test_local_book_from_snapshot_and_diffs_equals_the_venues_book(
    world: World, suffix: str
) -> None:
    stream = world.stream(f"/public/ws/btcusdt@depth{suffix}")
    stream.ask("LIST_SUBSCRIPTIONS")
    world.quote("61700.00", "61700.10")
    local = LocalBook(world.rest.get("/fapi/v1/depth", symbol="BTCUSDT", limit=1000))
    for step in range(5):
        world.quote(f"6171{step}.00", f"6171{step}.10", qty=str(step + 1))
    marker = "61555.50"
    world.quote(marker, "61555.60")

    def is_last(frame: dict[str, Any]) -> bool:
        return any(price == marker and float(qty) == 5 for price, qty in frame["b"])

    for frame in stream.until(is_last):
        local.apply(frame)

    venue = world.rest.get("/fapi/v1/depth", symbol="BTCUSDT", limit=1000)
    best = {side: dict(venue[side][:200]) for side in ("bids", "asks")}
    mine = {
        "bids": dict(sorted(local.sides["bids"].items(), key=lambda row: -float(row[0]))[:200]),
        "asks": dict(sorted(local.sides["asks"].items(), key=lambda row: float(row[0]))[:200]),
    }
    assert mine == best


def test_partial_depth_is_the_top_of_the_book(world: World) -> None:
    stream = world.stream("/public/ws/btcusdt@depth5@100ms")
    world.quote("61700.00", "61700.10", qty="3")

    frame = stream.until(lambda each: each["b"][0][0] == "61700.00")[-1]

    assert (len(frame["b"]), len(frame["a"])) == (5, 5)
    assert frame["a"][0] == ["61700.10", "3.000"]


@pytest.mark.parametrize(
    "path",
    [
        "/private/ws/{key}",
        "/private/ws?listenKey={key}",
        "/private/stream?listenKey={key}",
        "/private/stream?streams={key}",
    ],
)
def test_user_stream_opens_in_every_way_that_clients_use(world: World, path: str) -> None:
    key = world.rest.listen_key()
    stream = world.stream(path.format(key=key))
    world.rest.limit("BUY", "60000", newClientOrderId="one")

    frame = stream.next()

    body = frame["data"] if "stream" in path else frame
    assert (body["e"], body["o"]["x"]) == ("ORDER_TRADE_UPDATE", "NEW")
    assert frame.get("stream", key) == key


def test_user_stream_by_subscribing_and_with_an_event_filter(world: World) -> None:
    key = world.rest.listen_key()
    subscribed = world.stream("/private/ws")
    subscribed.ask("SUBSCRIBE", key)
    filtered = world.stream(f"/private/ws?listenKey={key}&events=ACCOUNT_UPDATE")
    world.rest.market("BUY")

    assert subscribed.next()["e"] == "TRADE_LITE"
    assert {frame["e"] for frame in filtered.heard_before_answer()} == {"ACCOUNT_UPDATE"}


def test_frames_of_a_fill_come_in_the_recorded_order(world: World) -> None:
    stream = world.stream(f"/private/ws/{world.rest.listen_key()}")
    world.rest.market("BUY")
    taker = [stream.next() for _ in range(4)]
    world.rest.limit("BUY", "61800.00", qty="0.020")
    world.quote("61700.00", "61700.10")
    maker = [stream.next() for _ in range(4)]

    def words(frames: list[Any]) -> list[str]:
        return [frame["o"]["x"] if "o" in frame else frame["e"] for frame in frames]

    assert words(taker) == ["TRADE_LITE", "NEW", "ACCOUNT_UPDATE", "TRADE"]
    assert words(maker) == ["NEW", "TRADE_LITE", "ACCOUNT_UPDATE", "TRADE"]
    assert len({frame["T"] for frame in taker}) == 1
    assert [frame["a"]["P"][0]["pa"] for frame in (taker[2], maker[2])] == ["0.010", "0.030"]
    assert (maker[3]["o"]["m"], maker[3]["o"]["X"]) == (True, "FILLED")


def test_listen_key_is_one_per_account_and_dies_by_deletion_and_expiry(world: World) -> None:
    rest = world.rest
    key = rest.listen_key()
    path = "/fapi/v1/listenKey"
    stream = world.stream(f"/private/ws/{key}")
    stream.ask("LIST_SUBSCRIPTIONS")

    assert rest.listen_key() == key
    assert rest.raw("PUT", path, "").json() == {"listenKey": key}
    assert world.server.control("expire-listen-key") == {"expired": True}
    assert stream.next()["e"] == "listenKeyExpired"
    assert rest.raw("PUT", path, "").json()["code"] == -1125
    rest.limit("BUY", "60000")
    assert stream.heard_before_answer() == []
    assert rest.listen_key() != key
    assert rest.raw("DELETE", path, "").json() == {}
    assert Rest(rest.url, key="").raw("POST", path, "").json()["code"] == -2014


def test_stalled_streams_keep_the_connection_and_lose_what_was_said(world: World) -> None:
    stream = world.stream("/public/ws/btcusdt@bookTicker")
    stream.ask("LIST_SUBSCRIPTIONS")
    world.server.control("stall", routes=["public"])
    world.quote("61700.00", "61700.10")
    world.server.control("stall", routes=[])
    world.quote("61600.00", "61600.10")

    assert stream.next()["b"] == "61600.00"


def test_dropped_streams_break(world: World) -> None:
    public = world.stream("/public/ws/btcusdt@bookTicker")
    private = world.stream(f"/private/ws/{world.rest.listen_key()}")
    public.ask("LIST_SUBSCRIPTIONS")
    private.ask("LIST_SUBSCRIPTIONS")

    assert world.server.control("drop", routes=["private"]) == {"dropped": 1}
    with pytest.raises((websocket.WebSocketException, OSError)):
        private.next()
    world.quote("61700.00", "61700.10")
    assert public.next()["b"] == "61700.00"


def test_pings_of_a_client_are_answered(world: World) -> None:
    socket = websocket.create_connection(world.server.ws_url + "/public/ws", timeout=60)
    try:
        socket.ping("hello")
        opcode, data = socket.recv_data(control_frame=True)
    finally:
        socket.close()

    assert (opcode, data) == (websocket.ABNF.OPCODE_PONG, b"hello")


def test_slow_client_is_disconnected_and_counted() -> None:
    config = VenueConfig(paused=True, data=(), limits=Limits(queue_frames_max=4))
    server = VenueServer(config)
    server.start()
    try:
        slow = Stream(server.ws_url, "/public/ws/ethusdt@trade")
        slow.ask("LIST_SUBSCRIPTIONS")
        # One command that prints more than the queue holds leaves the writer no turn.
        flood = {"symbol": "ETHUSDT", "price": "2680", "qty": "1"}
        server.control("burst", times=10, trade=flood)
        with pytest.raises((websocket.WebSocketException, OSError)):
            slow.until(lambda _: False)
        state = server.control("state")
    finally:
        server.stop()

    assert (state["slow_disconnects"], state["connections"]) == (1, 0)


def test_venue_pings_its_clients() -> None:
    config = VenueConfig(paused=True, data=(), limits=Limits(ping_interval_s=0.05))
    server = VenueServer(config)
    server.start()
    try:
        socket = websocket.create_connection(server.ws_url + "/public/ws", timeout=60)
        opcode, _ = socket.recv_data(control_frame=True)
        socket.close()
    finally:
        server.stop()

    assert opcode == websocket.ABNF.OPCODE_PING
