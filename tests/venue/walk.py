"""A walk past every door of the venue, so that each body and frame that it can say is said once."""

from __future__ import annotations

from typing import Any

import attrs
import orjson

from grinder.venues.sim.config import VenueConfig
from grinder.venues.sim.server import VenueServer
from venue.clients import Rest, Stream, World
from venue.hearing import in_frame, in_reply
from venue.socket_client import PUBLIC_RAW, Api

ORDER = "/fapi/v1/order"
ALGO = "/fapi/v1/algoOrder"
BATCH = "/fapi/v1/batchOrders"
LISTEN_KEY = "/fapi/v1/listenKey"
DUAL = "/fapi/v1/positionSide/dual"

FUNDING_MS = 600_000
BTC = {"symbol": "BTCUSDT"}
OPEN_READS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("v1/ping", {}),
    ("v1/time", {}),
    ("v1/exchangeInfo", {}),
    ("v1/depth", BTC | {"limit": 5}),
    ("v1/ticker/bookTicker", BTC),
    ("v1/ticker/bookTicker", {}),
    ("v1/ticker/price", BTC),
    ("v1/ticker/price", {}),
    ("v2/ticker/price", BTC),
    ("v2/ticker/price", {}),
    ("v1/premiumIndex", BTC),
    ("v1/premiumIndex", {}),
    ("v1/fundingRate", BTC),
    ("v1/fundingInfo", {}),
    ("v1/klines", BTC | {"interval": "1m"}),
    ("v1/continuousKlines", {"pair": "BTCUSDT", "contractType": "PERPETUAL", "interval": "1m"}),
    ("v1/markPriceKlines", BTC | {"interval": "1m"}),
    ("v1/indexPriceKlines", {"pair": "BTCUSDT", "interval": "1m"}),
    ("v1/premiumIndexKlines", BTC | {"interval": "1m"}),
    ("v1/ticker/24hr", BTC),
    ("v1/ticker/24hr", {}),
    ("v1/trades", BTC),
    ("v1/historicalTrades", BTC),
    ("v1/aggTrades", BTC),
    ("v1/openInterest", BTC),
)
"""Calls that nobody signs; that of old trades wants a key and no more."""

SIGNED_READS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("v3/account", {}),
    ("v2/account", {}),
    ("v3/balance", {}),
    ("v2/balance", {}),
    ("v3/positionRisk", {}),
    ("v2/positionRisk", {}),
    ("v1/openOrders", {}),
    ("v1/allOrders", BTC),
    ("v1/userTrades", BTC),
    ("v1/income", {}),
    ("v1/commissionRate", BTC),
    ("v1/leverageBracket", {}),
    ("v1/symbolConfig", {}),
    ("v1/accountConfig", {}),
    ("v1/multiAssetsMargin", {}),
    ("v1/positionSide/dual", {}),
    ("v1/rateLimit/order", {}),
    ("v1/feeBurn", {}),
    ("v1/adlQuantile", {}),
    ("v1/apiTradingStatus", {}),
    ("v1/forceOrders", {}),
    ("v1/openAlgoOrders", {}),
    ("v1/allAlgoOrders", BTC),
)


def read_all(rest: Rest) -> None:
    """Call everything that only reads and needs no id."""
    for path, params in OPEN_READS:
        rest.get(f"/fapi/{path}", **params)
    for path, params in SIGNED_READS:
        rest.call("GET", f"/fapi/{path}", **params)


def trade(rest: Rest) -> None:
    """Place, change, show and cancel single orders of every kind."""
    rest.market("BUY", newOrderRespType="RESULT")
    rest.limit("BUY", "60000", newClientOrderId="one")
    for tif, price in (("GTX", "60001"), ("IOC", "61900"), ("FOK", "61900")):
        rest.limit("BUY", price, timeInForce=tif, newOrderRespType="RESULT")
    rest.limit("SELL", "62500", reduceOnly="true")
    rest.limit("SELL", "62500", timeInForce="GTD", goodTillDate=4_000_000_000_000)
    one = BTC | {"origClientOrderId": "one"}
    rest.call("PUT", ORDER, **one, side="BUY", quantity="0.02", price="60010", modifyId=7)
    rest.call("GET", ORDER, **one)
    rest.call("GET", "/fapi/v1/openOrder", **one)
    rest.call("GET", "/fapi/v1/orderAmendment", **one)
    rest.call("GET", "/fapi/v1/openOrders", **BTC)
    rest.call("DELETE", ORDER, **one)
    rest.call("POST", "/fapi/v1/order/test", **BTC, side="BUY", type="MARKET", quantity="0.01")
    rest.call("POST", "/fapi/v1/countdownCancelAll", **BTC, countdownTime=0)
    rest.call("DELETE", "/fapi/v1/allOpenOrders", **BTC)


def trade_in_batches(rest: Rest) -> None:
    """Place, change and cancel in batches, of which one order each is refused."""
    limit = BTC | {"side": "BUY", "type": "LIMIT", "timeInForce": "GTX", "quantity": "0.01"}
    placed = _batch(rest, "POST", [limit | {"price": "60000"}, limit | {"price": "99000"}])
    one = placed[0]["orderId"]
    change = BTC | {"side": "BUY", "quantity": "0.02", "price": "60010"}
    _batch(rest, "PUT", [change | {"orderId": one}, change | {"orderId": 987_654_321}])
    rest.call("DELETE", BATCH, **BTC, orderIdList=f"[{one},987654321]")


def _batch(rest: Rest, method: str, orders: list[dict[str, Any]]) -> Any:
    return rest.call(method, BATCH, batchOrders=orjson.dumps(orders).decode())


def set_up(rest: Rest) -> None:
    """Change every setting of an account without orders and positions, and change it back."""
    rest.call("POST", "/fapi/v1/leverage", **BTC, leverage=20)
    for margin_type in ("ISOLATED", "CROSSED"):
        rest.call("POST", "/fapi/v1/marginType", **BTC, marginType=margin_type)
    for is_hedged in ("true", "false"):
        rest.call("POST", DUAL, dualSidePosition=is_hedged)
    rest.call("POST", "/fapi/v1/feeBurn", feeBurn="false")
    rest.call("POST", "/fapi/v1/multiAssetsMargin", multiAssetsMargin="false")


def trade_on_conditions(world: World) -> None:
    """Place, show, cancel and trigger conditional orders."""
    rest = world.rest
    stop = BTC | {"algoType": "CONDITIONAL", "side": "SELL", "quantity": "0.010"}
    kinds: tuple[dict[str, Any], ...] = (
        {"type": "STOP_MARKET", "triggerPrice": "61000", "clientAlgoId": "stop"},
        {"type": "STOP", "triggerPrice": "61000", "price": "60900"},
        {"type": "TAKE_PROFIT", "triggerPrice": "62500", "price": "62500"},
        {"type": "TRAILING_STOP_MARKET", "callbackRate": "1", "activatePrice": "62500"},
    )
    for each in kinds:
        rest.call("POST", ALGO, **stop | each)
    rest.call("GET", ALGO, clientAlgoId="stop")
    rest.call("GET", "/fapi/v1/openAlgoOrders")
    rest.call("DELETE", ALGO, clientAlgoId="stop")
    rest.call("DELETE", "/fapi/v1/algoOpenOrders", **BTC)
    triggered = {"type": "STOP_MARKET", "triggerPrice": "61000", "clientAlgoId": "triggered"}
    rest.call("POST", ALGO, **stop | triggered)
    world.quote("60900.00", "60900.10")
    rest.call("GET", ALGO, clientAlgoId="triggered")
    rest.call("GET", "/fapi/v1/allAlgoOrders", **BTC)
    world.quote("61800.00", "61800.10")


def hold(world: World) -> None:
    """Read everything with a position, open orders, isolated margin and both sides of a hedge."""
    rest = world.rest
    for price in ("61700", "61800"):
        world.server.control("trade", symbol="BTCUSDT", price=price, qty="1")
    rest.market("BUY", "0.010")
    rest.limit("BUY", "60000")
    read_all(rest)
    rest.call("DELETE", "/fapi/v1/allOpenOrders", **BTC)
    rest.market("SELL", "0.010")
    rest.call("POST", "/fapi/v1/marginType", **BTC, marginType="ISOLATED")
    rest.call("POST", DUAL, dualSidePosition="true")
    for side, position_side in (("BUY", "LONG"), ("SELL", "SHORT")):
        rest.market(side, "0.010", positionSide=position_side)
    margin = BTC | {"positionSide": "LONG", "amount": "10", "type": 1}
    rest.call("POST", "/fapi/v1/positionMargin", **margin)
    rest.call("GET", "/fapi/v1/positionMargin/history", **BTC)
    read_all(rest)


def be_liquidated(world: World) -> None:
    """Lose a position to the venue, and see it listed."""
    rest = world.rest
    rest.call("POST", "/fapi/v1/leverage", **BTC, leverage=20)
    rest.market("BUY", "1.000")
    world.quote("40000.00", "40000.10", "100")
    rest.call("GET", "/fapi/v1/forceOrders")
    read_all(rest)


def ask_socket(api: Api) -> None:
    """Call every method of the WebSocket API; the key is one that may log on."""
    for method, params in (
        ("ping", {}),
        ("time", {}),
        ("depth", BTC | {"limit": 5}),
        ("ticker.price", BTC),
        ("ticker.price", {}),
        ("ticker.book", BTC),
        ("ticker.book", {}),
        ("dance", {}),
    ):
        api.call(method, **params)
    limit = BTC | {"side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": "0.01"}
    for price in ("60000", "61900"):
        placed = api.signed("order.place", **limit, price=price)["result"]
    placed = api.signed("order.place", **limit, price="60000", newOrderRespType="RESULT")["result"]
    one = BTC | {"orderId": placed["orderId"]}
    api.signed("order.modify", **one, side="BUY", quantity="0.020", price="60100")
    api.signed("order.status", **one)
    for prefix in ("", "v2/"):
        for name in ("balance", "status", "position"):
            api.signed(f"{prefix}account.{name}")
    api.signed("order.cancel", **one)
    api.signed("order.cancel", **one)
    stop = BTC | {"algoType": "CONDITIONAL", "side": "SELL", "quantity": "0.010"}
    stop |= {"type": "STOP_MARKET", "triggerPrice": "50000", "clientAlgoId": "stop"}
    api.signed("algoOrder.place", **stop)
    api.signed("algoOrder.cancel", clientAlgoId="stop")
    for step in ("start", "ping", "stop"):
        api.call(f"userDataStream.{step}", apiKey="ed-key")
    api.signed("session.logon")
    api.call("session.status")
    api.call("session.logout")


def be_funded(world: World, user: Stream) -> None:
    """Hold a position while a funding falls due; the clock of the venue goes ahead for it."""
    world.rest.market("BUY", "0.010")
    marks = world.stream("/market/ws/btcusdt@markPrice@1s")
    due_ms = marks.next()["T"]
    world.server.control("clock", offset_ms=FUNDING_MS)
    user.until(lambda frame: frame.get("a", {}).get("m") == "FUNDING_FEE")
    # The rate is remembered once the next funding is announced.
    marks.until(lambda frame: frame["T"] > due_ms)
    world.rest.get("/fapi/v1/fundingRate", **BTC)
    world.server.control("clock", offset_ms=0)


def hear_markets(world: World) -> None:
    """Hear one frame of each stream, bare or wrapped, and the answers to requests for streams."""
    private = world.stream("/private/ws")
    for method in ("SUBSCRIBE", "LIST_SUBSCRIPTIONS", "UNSUBSCRIBE", "DANCE"):
        private.ask(method, "nobody")
    streams = [
        world.stream("/public/ws/btcusdt@bookTicker"),
        world.stream("/public/stream?streams=btcusdt@trade"),
        world.stream("/public/ws/btcusdt@depth@0ms"),
        world.stream("/public/ws/btcusdt@depth5@100ms"),
        world.stream("/market/ws/btcusdt@aggTrade"),
        world.stream("/market/ws/btcusdt@kline_1m"),
        world.stream("/market/ws/btcusdt_perpetual@continuousKline_1m"),
        world.stream("/market/ws/btcusdt@markPrice@1s"),
        world.stream("/market/ws/btcusdt@ticker"),
        world.stream("/market/ws/btcusdt@miniTicker"),
        world.stream("/market/ws/!contractInfo"),
        world.stream("/market/ws/!forceOrder@arr"),
        world.stream("/market/ws/!markPrice@arr@1s"),
        world.stream("/market/ws/!ticker@arr"),
    ]
    world.quote("61700.00", "61700.10")
    world.server.control("trade", symbol="BTCUSDT", price="61700", qty="1")
    world.server.control("status", symbol="BTCUSDT", status="SETTLING")
    world.server.control("clear-faults")
    world.server.control("liquidation", symbol="BTCUSDT", side="SELL", price="61000", qty="0.5")
    for stream in streams:
        stream.next()


def expire(world: World) -> None:
    """Lose a listen key, after it was kept alive and before another is closed."""
    rest = world.rest
    for method in ("POST", "PUT"):
        rest.raw(method, LISTEN_KEY, "")
    world.server.control("expire-listen-key")
    rest.listen_key()
    rest.raw("DELETE", LISTEN_KEY, "")


@attrs.frozen
class Heard:
    """Everything that a walk heard, by kind, in the order in which it came."""

    values: dict[str, list[Any]] = attrs.field(factory=dict)

    def note(self, kind: str, value: Any) -> None:
        """Keep the body of a REST answer."""
        self.values.setdefault(kind, []).append(value)

    def note_reply(self, method: str, answer: Any) -> None:
        """Keep an answer of the WebSocket API."""
        for kind, value in in_reply(method, answer):
            self.note(kind, value)

    def note_frame(self, _: str, frame: Any) -> None:
        """Keep a frame of a stream."""
        for kind, value in in_frame(frame):
            self.note(kind, value)


class HearingWorld(World):
    """A venue of its own, whose clients keep what they hear."""

    def __init__(self, server: VenueServer, heard: Heard) -> None:
        super().__init__(server)
        self.heard = heard
        self.rest = Rest(server.rest_url, hear=heard.note)

    def stream(self, path: str) -> Stream:
        """Open a stream that keeps what it hears."""
        stream = Stream(self.server.ws_url, path, hear=self.heard.note_frame)
        self._streams.append(stream)
        return stream


def walked() -> Heard:
    """Return what a venue says to somebody who asks everything."""
    server = VenueServer(
        VenueConfig(paused=True, funding_interval_ms=FUNDING_MS, mark_interval_s=0.05)
    )
    server.start()
    world = HearingWorld(server, Heard())
    try:
        _walk(world)
    finally:
        world.end()
        server.stop()
    return world.heard


def _walk(world: HearingWorld) -> None:
    user = world.stream(f"/private/ws/{world.rest.listen_key()}")
    for step in (set_up, trade, trade_in_batches):
        world.begin()
        step(world.rest)
    for part in (trade_on_conditions, hold, be_liquidated, hear_markets):
        world.begin()
        part(world)
    world.begin()
    be_funded(world, user)
    world.server.control("key", key="ed-key", ed25519=PUBLIC_RAW, account="sim-key")
    api = Api(world.server.ws_url, key="ed-key", hear=world.heard.note_reply)
    ask_socket(api)
    api.close()
    expire(world)
    user = world.stream(f"/private/ws/{world.rest.listen_key()}")
    world.server.control("expire-listen-key")
    user.until(lambda frame: frame.get("e") == "listenKeyExpired")
