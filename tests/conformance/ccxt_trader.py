"""ccxt's binanceusdm: calls, ccxt.pro for streams, and ccxt.pro over the WebSocket API."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import ccxt  # type: ignore[import-untyped]
import ccxt.pro  # type: ignore[import-untyped]

from conformance.trader import Frames, Loop, Row, Trader, refusal
from grinder.venues.sim.server import VenueServer

SYMBOL = "BTC/USDT:USDT"
RAW = {"symbol": "BTCUSDT"}
STATUS = {
    "NEW": "open",
    "PARTIALLY_FILLED": "open",
    "FILLED": "closed",
    "CANCELED": "canceled",
    "EXPIRED": "expired",
    "EXPIRED_IN_MATCH": "expired",
}
WATCHES: dict[str, Callable[[Any], Any]] = {
    "depth": lambda client: client.watch_order_book(SYMBOL),
    "bookTicker": lambda client: client.watch_bids_asks([SYMBOL]),
    "aggTrade": lambda client: client.watch_trades(SYMBOL, params={"name": "aggTrade"}),
    "markPrice": lambda client: client.watch_mark_price(SYMBOL),
    "kline": lambda client: client.watch_ohlcv(SYMBOL, "1m"),
    "user": lambda client: client.watch_orders(SYMBOL),
}


class Listening(ccxt.pro.binanceusdm):  # type: ignore[misc]
    """The client with an ear at what it hears."""

    ears: Any = ()

    def handle_message(self, client: Any, message: Any) -> Any:
        """Let the client work; pass the frame on."""
        super().handle_message(client, message)
        if isinstance(message, dict):
            for ear in self.ears:
                ear.put(message.get("data", message))


def pointed(client: Any, server: VenueServer) -> Any:
    """Point a client at the simulated venue."""
    for name, path in {"": "v1", "V2": "v2", "V3": "v3"}.items():
        client.urls["api"]["fapiPublic" + name] = f"{server.rest_url}/fapi/{path}"
        client.urls["api"]["fapiPrivate" + name] = f"{server.rest_url}/fapi/{path}"
    if "ws" in client.urls["api"]:
        client.urls["api"]["ws"]["linear"] = server.ws_url + "/ws"
        client.urls["api"]["ws"]["ws-api"]["linear"] = server.ws_url + "/ws-fapi/v1"
    client.has["fetchCurrencies"] = False
    client.options["fetchMarkets"] = {"types": ["linear"]}
    return client


class CcxtTrader(Trader):
    """The synchronous client, with the asynchronous one for streams."""

    def __init__(self, server: VenueServer, secret: str = "sim-secret") -> None:
        super().__init__(server, secret)
        self._keys = {"apiKey": "sim-key", "secret": secret, "enableRateLimit": False}
        self._client: Any = pointed(ccxt.binanceusdm(self._keys), server)
        self._loop: Loop | None = None
        self._pro: Any = None

    def close(self) -> None:
        if self._loop is not None:
            self._loop.stop_after(self._pro.close)

    def symbols(self) -> list[Row]:
        return [market["info"] for market in self._client.load_markets().values()]

    def time(self) -> int:
        return int(self._client.fetch_time())

    def depth(self) -> Row:
        book = self._client.fetch_order_book(SYMBOL, 1000)
        return {"lastUpdateId": book["nonce"], "bids": book["bids"], "asks": book["asks"]}

    def quote(self) -> Row:
        return dict(self._client.fetch_bids_asks([SYMBOL])[SYMBOL]["info"])

    def klines(self) -> list[list[Any]]:
        return list(self._client.fetch_ohlcv(SYMBOL, "1m", limit=2))

    def place(self, **order: Any) -> Row:
        return _checked(self._call("create_order", **_wanted(order)))

    def amend(self, order_id: int, side: str, quantity: float, price: float) -> Row:
        wanted = (str(order_id), SYMBOL, "limit", side.lower(), quantity, price)
        return _checked(self._call("edit_order", *wanted))

    def cancel(self, order_id: int) -> Row:
        return _checked(self._call("cancel_order", str(order_id), SYMBOL))

    def cancel_several(self, order_ids: list[int]) -> list[Row]:
        """Cancel several orders at once; each answer is an order or an error."""
        # cancel_orders leaves out what was refused.
        wanted = RAW | {"orderidlist": list(map(str, order_ids))}
        return list(self._call("fapiPrivateDeleteBatchOrders", wanted))

    def order(self, order_id: int) -> Row:
        return _checked(self._call("fetch_order", str(order_id), SYMBOL))

    def open_orders(self) -> list[Row]:
        return [_checked(each) for each in self._call("fetch_open_orders", SYMBOL)]

    def batch(self, orders: list[Row]) -> list[Row]:
        rows = self._call("create_orders", [_wanted(each) for each in orders])
        return [row["info"] for row in rows]

    def cancel_all(self) -> None:
        self._call("cancel_all_orders", SYMBOL)

    def countdown(self, ms: int) -> Row:
        wanted = RAW | {"countdownTime": ms}
        return dict(self._call("fapiPrivatePostCountdownCancelAll", wanted))

    def leverage(self, leverage: int) -> Row:
        return dict(self._call("set_leverage", leverage, SYMBOL))

    def hedge(self, is_hedged: bool) -> None:
        self._call("set_position_mode", is_hedged)

    def is_hedged(self) -> bool:
        return bool(self._call("fetch_position_mode")["hedged"])

    def positions(self) -> list[Row]:
        rows = [row["info"] for row in self._call("fetch_positions", [SYMBOL])]
        return [row for row in rows if float(row["positionAmt"])]

    def balance(self) -> Row:
        balance = self._call("fetch_balance")
        return {"balance": balance["total"]["USDT"], "availableBalance": balance["free"]["USDT"]}

    def trades(self, limit: int | None = None) -> list[Row]:
        return [row["info"] for row in self._call("fetch_my_trades", SYMBOL, limit=limit)]

    def wallet(self) -> Row:
        """Return the row of USDT as the venue wrote it."""
        rows = self._call("fapiPrivateV3GetBalance")
        return next(row for row in rows if row["asset"] == "USDT")

    def fundings(self) -> list[Row]:
        """Return funding payments."""
        return [row["info"] for row in self._call("fetch_funding_history", SYMBOL, limit=1000)]

    def place_algo(self, **order: Any) -> Row:
        wanted = _wanted(order)
        wanted["params"]["stopLossPrice"] = wanted["params"].pop("triggerPrice")
        wanted["type"] = "market"
        return dict(self._call("create_order", **wanted)["info"])

    def open_algos(self) -> list[Row]:
        wanted = {"trigger": True}
        return [row["info"] for row in self._call("fetch_open_orders", SYMBOL, params=wanted)]

    def cancel_algo(self, algo_id: int) -> None:
        self._call("cancel_order", str(algo_id), SYMBOL, params={"trigger": True})

    def listen(self, stream: str) -> Frames:
        return self._listen(WATCHES[stream])

    def listen_user(self) -> Frames:
        return self._listen(WATCHES["user"])

    def _listen(self, watch: Callable[[Any], Any]) -> Frames:
        frames = Frames()
        client = self._asynchronous()
        client.ears = [frames]
        assert self._loop is not None
        self._loop.keep(_watched(watch, client))
        return frames

    def _asynchronous(self) -> Any:
        if self._loop is None:
            self._loop = Loop()
            self._pro = self._loop.run(self._connected())
        return self._pro

    async def _connected(self) -> Any:
        client = pointed(Listening(self._keys), self.server)
        await client.load_markets()
        return client

    def _call(self, name: str, *wanted: Any, **named: Any) -> Any:
        try:
            return getattr(self._client, name)(*wanted, **named)
        except ccxt.BaseError as error:
            raise refusal(str(error)) from error


class CcxtProTrader(CcxtTrader):
    """The asynchronous client; orders go over the WebSocket API."""

    OVER_SOCKET = ("create_order", "edit_order", "cancel_order", "fetch_positions", "fetch_balance")

    def _call(self, name: str, *wanted: Any, **named: Any) -> Any:
        client = self._asynchronous()
        assert self._loop is not None
        over_socket = name in self.OVER_SOCKET
        if over_socket:
            name += "_ws"
        try:
            return self._loop.run(getattr(client, name)(*wanted, **named))
        except ccxt.BaseError as error:
            raise refusal(str(error)) from error


async def _watched(watch: Callable[[Any], Any], client: Any) -> None:
    while True:
        await watch(client)


def _wanted(order: Row) -> Row:
    named = dict(order)
    return {
        "symbol": SYMBOL,
        "type": named.pop("type").lower(),
        "side": named.pop("side").lower(),
        "amount": named.pop("quantity"),
        "price": named.pop("price", None),
        "params": named,
    }


def _checked(order: Row) -> Row:
    """Return the venue's order; what the client makes of it must agree with it."""
    info: Row = order["info"]
    assert (order["id"], order["symbol"]) == (str(info["orderId"]), SYMBOL)
    assert order["status"] == STATUS[info["status"]]
    assert order["amount"] == float(info["origQty"])
    return info
