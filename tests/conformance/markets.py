"""COIN-M and spot through ccxt and python-binance: one seat for each, alike for the play.

Orders, answers and frames are dictionaries with the venue's own names and texts.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import ccxt  # type: ignore[import-untyped]
import ccxt.pro  # type: ignore[import-untyped]
from binance import AsyncClient, BinanceSocketManager, Client  # type: ignore[import-untyped]
from binance.exceptions import BinanceAPIException  # type: ignore[import-untyped]

from conformance.trader import Frames, Loop, RefusedError, Row, refusal
from grinder.venues.sim.server import VenueServer

KEYS = {"apiKey": "sim-key", "secret": "sim-secret", "enableRateLimit": False}
MARGIN = "sapi/v1"
"""Calls that spot clients make to another service; none is expected here."""


class Seat(ABC):
    """One client on one market."""

    symbol: str
    """The venue's name of what is traded."""

    def __init__(self, server: VenueServer) -> None:
        self.server = server
        self.loop: Loop | None = None

    @abstractmethod
    def close(self) -> None:
        """Close every connection."""

    @abstractmethod
    def symbols(self) -> list[Row]:
        """Return the symbols of exchangeInfo."""

    @abstractmethod
    def bids(self) -> list[list[Any]]:
        """Return the bids, best first."""

    @abstractmethod
    def place(self, **order: Any) -> Row:
        """Place an order; ``postOnly`` is the client's way to say so."""

    @abstractmethod
    def amend(self, order_id: int, quantity: float, price: float) -> Row:
        """Give an open buy another price and quantity; return the order that then stands."""

    @abstractmethod
    def cancel(self, order_id: int) -> Row:
        """Cancel an order."""

    @abstractmethod
    def order(self, order_id: int) -> Row:
        """Return an order."""

    @abstractmethod
    def open_orders(self) -> list[Row]:
        """Return the open orders."""

    @abstractmethod
    def trades(self) -> list[Row]:
        """Return our own trades."""

    @abstractmethod
    def wallets(self) -> dict[str, Decimal]:
        """Return what we have of each asset."""

    @abstractmethod
    def listen_user(self) -> Frames:
        """Listen to user data."""


class CcxtSeat(Seat):
    """ccxt, with ccxt.pro for user data."""

    unified: str
    kind: str

    def __init__(self, server: VenueServer) -> None:
        super().__init__(server)
        self.client = self.pointed(getattr(ccxt, self.kind)(dict(KEYS)))
        self._pro: Any = None

    @abstractmethod
    def pointed(self, client: Any) -> Any:
        """Point a client at the venue."""

    def close(self) -> None:
        if self.loop is not None:
            self.loop.stop_after(self._pro.close)

    def symbols(self) -> list[Row]:
        return [market["info"] for market in self.client.load_markets().values()]

    def bids(self) -> list[list[Any]]:
        return list(self.client.fetch_order_book(self.unified, 5)["bids"])

    def place(self, **order: Any) -> Row:
        wanted = dict(order)
        if "postOnly" in wanted:
            del wanted["timeInForce"]
        name, side = wanted.pop("type").lower(), wanted.pop("side").lower()
        amount, price = wanted.pop("quantity", 0), wanted.pop("price", None)
        row = self.call("create_order", self.unified, name, side, amount, price, wanted)
        return dict(row["info"])

    def amend(self, order_id: int, quantity: float, price: float) -> Row:
        wanted = (str(order_id), self.unified, "limit", "buy", quantity, price)
        info = self.call("edit_order", *wanted)["info"]
        return dict(info.get("newOrderResponse", info))

    def cancel(self, order_id: int) -> Row:
        return dict(self.call("cancel_order", str(order_id), self.unified)["info"])

    def order(self, order_id: int) -> Row:
        return dict(self.call("fetch_order", str(order_id), self.unified)["info"])

    def open_orders(self) -> list[Row]:
        return [row["info"] for row in self.call("fetch_open_orders", self.unified)]

    def trades(self) -> list[Row]:
        return [row["info"] for row in self.call("fetch_my_trades", self.unified)]

    def listen_user(self) -> Frames:
        frames = Frames()
        self.loop = self.loop or Loop()
        if self._pro is None:
            self._pro = self.loop.run(self._connected())
        self._pro.ears = [frames]
        self.loop.keep(self._watched())
        return frames

    async def _connected(self) -> Any:
        client = self.pointed(listening(getattr(ccxt.pro, self.kind))(dict(KEYS)))
        await client.load_markets()
        return client

    async def _watched(self) -> None:
        while True:
            await self._pro.watch_orders(self.unified)

    def call(self, name: str, *wanted: Any) -> Any:
        """Call the client; its error becomes the venue's refusal."""
        try:
            return getattr(self.client, name)(*wanted)
        except (ccxt.OrderImmediatelyFillable, ccxt.InsufficientFunds) as error:
            if "code" in str(error):
                raise refusal(str(error)) from error
            # The client leaves the code out of those that it knows by their texts.
            raise RefusedError(-2010, str(error)) from error
        except ccxt.BaseError as error:
            raise refusal(str(error)) from error


def listening(kind: Any) -> Any:
    """Return the client with an ear at what it hears."""

    class Listening(kind):  # type: ignore[misc]
        ears: Any = ()

        def handle_message(self, client: Any, message: Any) -> Any:
            super().handle_message(client, message)
            if isinstance(message, dict):
                for ear in self.ears:
                    ear.put(message.get("event", message.get("data", message)))

    return Listening


class CcxtCoin(CcxtSeat):
    """ccxt's binancecoinm."""

    symbol, unified, kind = "BTCUSD_PERP", "BTC/USD:BTC", "binancecoinm"

    def pointed(self, client: Any) -> Any:
        api, at = client.urls["api"], self.server.rest_url
        api["dapiPublic"] = api["dapiPrivate"] = f"{at}/dapi/v1"
        api["dapiPrivateV2"] = f"{at}/dapi/v2"
        if "ws" in api:
            api["ws"]["inverse"] = f"{self.server.ws_url}/coinm/ws"
            api["ws"]["ws-api"]["inverse"] = f"{self.server.ws_url}/ws-dapi/v1"
        client.has["fetchCurrencies"] = False
        return client

    def wallets(self) -> dict[str, Decimal]:
        rows = self.call("fetch_balance")["info"]["assets"]
        return {row["asset"]: Decimal(row["walletBalance"]) for row in rows}


class CcxtSpot(CcxtSeat):
    """ccxt's binance, on spot."""

    symbol, unified, kind = "BTCUSDT", "BTC/USDT", "binance"

    def pointed(self, client: Any) -> Any:
        api, at = client.urls["api"], self.server.rest_url
        api["public"] = api["private"] = f"{at}/api/v3"
        api["sapi"] = f"{at}/{MARGIN}"
        if "ws" in api:
            api["ws"]["spot"] = f"{self.server.ws_url}/spot/ws"
            api["ws"]["ws-api"]["spot"] = f"{self.server.ws_url}/ws-api/v3"
        client.has["fetchCurrencies"] = False
        client.options |= {"fetchMarkets": {"types": ["spot"]}, "fetchMargins": False}
        return client

    def wallets(self) -> dict[str, Decimal]:
        return summed(self.call("fetch_balance")["info"]["balances"])


class PythonSeat(Seat):
    """python-binance, with its asynchronous half for user data."""

    def __init__(self, server: VenueServer) -> None:
        super().__init__(server)
        self.client = self.pointed(Client("sim-key", "sim-secret", ping=False))
        self._async: Any = None

    def pointed(self, client: Any) -> Any:
        """Point a client at the venue."""
        client.API_URL = self.server.rest_url + "/api"
        client.FUTURES_COIN_URL = self.server.rest_url + "/dapi"
        return client

    @abstractmethod
    def opened(self, manager: Any) -> Any:
        """Return the socket of user data."""

    def close(self) -> None:
        self.client.close_connection()
        if self.loop is not None:
            self.loop.stop_after(self._async.close_connection)

    def listen_user(self) -> Frames:
        frames = Frames()
        self.loop = self.loop or Loop()
        if self._async is None:
            self._async = self.loop.run(self._connected())
        self.loop.keep(self._read(frames))
        return frames

    async def _connected(self) -> Any:
        client = self.pointed(AsyncClient("sim-key", "sim-secret"))
        client.ws_api._url = self.server.ws_url + "/ws-api/v3"
        # A socket that is told to end waits for its next frame, or as long as this.
        client.ws_api.TIMEOUT = 1
        return client

    async def _read(self, frames: Frames) -> None:
        manager = BinanceSocketManager(self._async)
        manager.DSTREAM_URL = self.server.ws_url + "/coinm/"
        sockets = self.opened(manager)
        sockets.TIMEOUT = 1
        async with sockets as socket:
            while True:
                frame = await socket.recv()
                if frame:
                    frames.put(frame.get("event", frame))

    def call(self, call: Callable[..., Any], **wanted: Any) -> Any:
        """Call the client; its error becomes the venue's refusal."""
        try:
            return call(**wanted)
        except BinanceAPIException as error:
            raise RefusedError(error.code, error.message) from error


class PythonCoin(PythonSeat):
    """python-binance's futures_coin calls."""

    symbol = "BTCUSD_PERP"

    def opened(self, manager: Any) -> Any:
        return manager.coin_futures_user_socket()

    def symbols(self) -> list[Row]:
        return list(self.client.futures_coin_exchange_info()["symbols"])

    def bids(self) -> list[list[Any]]:
        return list(self.client.futures_coin_order_book(symbol=self.symbol, limit=5)["bids"])

    def place(self, **order: Any) -> Row:
        if order.pop("postOnly", False):
            order["timeInForce"] = "GTX"
        call = self.client.futures_coin_create_order
        return dict(self.call(call, symbol=self.symbol, **order))

    def amend(self, order_id: int, quantity: float, price: float) -> Row:
        call = self.client.futures_coin_modify_order
        wanted = {"orderId": order_id, "side": "BUY", "quantity": quantity, "price": price}
        return dict(self.call(call, symbol=self.symbol, **wanted))

    def cancel(self, order_id: int) -> Row:
        call = self.client.futures_coin_cancel_order
        return dict(self.call(call, symbol=self.symbol, orderId=order_id))

    def order(self, order_id: int) -> Row:
        call = self.client.futures_coin_get_order
        return dict(self.call(call, symbol=self.symbol, orderId=order_id))

    def open_orders(self) -> list[Row]:
        return list(self.call(self.client.futures_coin_get_open_orders, symbol=self.symbol))

    def trades(self) -> list[Row]:
        return list(self.call(self.client.futures_coin_account_trades, symbol=self.symbol))

    def wallets(self) -> dict[str, Decimal]:
        rows = self.call(self.client.futures_coin_account_balance)
        return {row["asset"]: Decimal(row["balance"]) for row in rows}


class PythonSpot(PythonSeat):
    """python-binance's spot calls."""

    symbol = "BTCUSDT"

    def opened(self, manager: Any) -> Any:
        return manager.user_socket()

    def symbols(self) -> list[Row]:
        return list(self.client.get_exchange_info()["symbols"])

    def bids(self) -> list[list[Any]]:
        return list(self.client.get_order_book(symbol=self.symbol, limit=5)["bids"])

    def place(self, **order: Any) -> Row:
        if order.pop("postOnly", False):
            del order["timeInForce"]
            order["type"] = "LIMIT_MAKER"
        return dict(self.call(self.client.create_order, symbol=self.symbol, **order))

    def amend(self, order_id: int, quantity: float, price: float) -> Row:
        wanted = {"side": "BUY", "type": "LIMIT", "timeInForce": "GTC"}
        wanted |= {"cancelReplaceMode": "STOP_ON_FAILURE"}
        named = {"cancelOrderId": order_id, "quantity": quantity, "price": price}
        call = self.client.cancel_replace_order
        found = self.call(call, symbol=self.symbol, **wanted, **named)
        return dict(found["newOrderResponse"])

    def cancel(self, order_id: int) -> Row:
        return dict(self.call(self.client.cancel_order, symbol=self.symbol, orderId=order_id))

    def order(self, order_id: int) -> Row:
        return dict(self.call(self.client.get_order, symbol=self.symbol, orderId=order_id))

    def open_orders(self) -> list[Row]:
        return list(self.call(self.client.get_open_orders, symbol=self.symbol))

    def trades(self) -> list[Row]:
        return list(self.call(self.client.get_my_trades, symbol=self.symbol))

    def wallets(self) -> dict[str, Decimal]:
        return summed(self.call(self.client.get_account)["balances"])


def summed(rows: list[Row]) -> dict[str, Decimal]:
    """Return free and locked together, by asset."""
    return {row["asset"]: Decimal(row["free"]) + Decimal(row["locked"]) for row in rows}
