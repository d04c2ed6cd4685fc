"""python-binance: Client for calls, AsyncClient with BinanceSocketManager for streams."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from binance import AsyncClient, BinanceSocketManager, Client  # type: ignore[import-untyped]
from binance.exceptions import BinanceAPIException  # type: ignore[import-untyped]

from conformance.trader import Frames, Loop, RefusedError, Row, Trader
from grinder.venues.sim.server import VenueServer

SYMBOL = "BTCUSDT"
PUBLIC = ("depth", "bookTicker")
NAMES = {"depth": "depth@100ms", "markPrice": "markPrice@1s", "kline": "kline_1m"}


class PythonBinanceTrader(Trader):
    """The synchronous client, with the asynchronous one for streams."""

    def __init__(self, server: VenueServer, secret: str = "sim-secret") -> None:
        super().__init__(server, secret)
        self._client: Any = Client("sim-key", secret, ping=False)
        self._client.FUTURES_URL = self.rest_url + "/fapi"
        self._loop: Loop | None = None
        self._async: Any = None

    def close(self) -> None:
        self._client.close_connection()
        if self._loop is not None:
            self._loop.stop_after(self._async.close_connection)

    def symbols(self) -> list[Row]:
        return list(self._client.futures_exchange_info()["symbols"])

    def time(self) -> int:
        return int(self._client.futures_time()["serverTime"])

    def depth(self) -> Row:
        return dict(self._client.futures_order_book(symbol=SYMBOL, limit=1000))

    def quote(self) -> Row:
        return dict(self._client.futures_orderbook_ticker(symbol=SYMBOL))

    def klines(self) -> list[list[Any]]:
        return list(self._client.futures_klines(symbol=SYMBOL, interval="1m", limit=2))

    def place(self, **order: Any) -> Row:
        return dict(self._call(self._client.futures_create_order, symbol=SYMBOL, **order))

    def amend(self, order_id: int, side: str, quantity: float, price: float) -> Row:
        wanted = {"orderId": order_id, "side": side, "quantity": quantity, "price": price}
        return dict(self._call(self._client.futures_modify_order, symbol=SYMBOL, **wanted))

    def cancel(self, order_id: int) -> Row:
        return dict(self._call(self._client.futures_cancel_order, symbol=SYMBOL, orderId=order_id))

    def order(self, order_id: int) -> Row:
        return dict(self._call(self._client.futures_get_order, symbol=SYMBOL, orderId=order_id))

    def open_orders(self) -> list[Row]:
        return list(self._call(self._client.futures_get_open_orders, symbol=SYMBOL))

    def batch(self, orders: list[Row]) -> list[Row]:
        # The batch takes only texts, as the venue's documentation shows them.
        rows = [{"symbol": SYMBOL} | {key: str(each[key]) for key in each} for each in orders]
        return list(self._call(self._client.futures_place_batch_order, batchOrders=rows))

    def cancel_all(self) -> None:
        self._call(self._client.futures_cancel_all_open_orders, symbol=SYMBOL)

    def countdown(self, ms: int) -> Row:
        call = self._client.futures_countdown_cancel_all
        return dict(self._call(call, symbol=SYMBOL, countdownTime=ms))

    def leverage(self, leverage: int) -> Row:
        call = self._client.futures_change_leverage
        return dict(self._call(call, symbol=SYMBOL, leverage=leverage))

    def hedge(self, is_hedged: bool) -> None:
        call = self._client.futures_change_position_mode
        self._call(call, dualSidePosition=str(is_hedged).lower())

    def is_hedged(self) -> bool:
        return bool(self._call(self._client.futures_get_position_mode)["dualSidePosition"])

    def positions(self) -> list[Row]:
        rows = self._call(self._client.futures_position_information, symbol=SYMBOL)
        return [row for row in rows if float(row["positionAmt"])]

    def balance(self) -> Row:
        rows = self._call(self._client.futures_account_balance)
        return next(row for row in rows if row["asset"] == "USDT")

    def trades(self) -> list[Row]:
        return list(self._call(self._client.futures_account_trades, symbol=SYMBOL))

    def place_algo(self, **order: Any) -> Row:
        # As the old name, with the old parameter: the client sends both to the algo service.
        order["stopPrice"] = order.pop("triggerPrice")
        return dict(self._call(self._client.futures_create_order, symbol=SYMBOL, **order))

    def open_algos(self) -> list[Row]:
        return list(self._call(self._client.futures_get_open_algo_orders, symbol=SYMBOL))

    def cancel_algo(self, algo_id: int) -> None:
        self._call(self._client.futures_cancel_algo_order, symbol=SYMBOL, algoId=algo_id)

    def listen(self, stream: str) -> Frames:
        name = f"{SYMBOL.lower()}@{NAMES.get(stream, stream)}"
        category = "public" if stream in PUBLIC else "market"
        return self._listen(
            lambda manager: manager.futures_multiplex_socket([name], category=category)
        )

    def listen_user(self) -> Frames:
        return self._listen(lambda manager: manager.futures_user_socket())

    def _listen(self, opened: Callable[[Any], Any]) -> Frames:
        frames = Frames()
        if self._loop is None:
            self._loop = Loop()
            self._async = self._loop.run(self._connected())
        self._loop.keep(self._read(opened, frames))
        return frames

    async def _connected(self) -> Any:
        client = AsyncClient("sim-key", self.secret)
        client.FUTURES_URL = self.rest_url + "/fapi"
        return client

    async def _read(self, opened: Callable[[Any], Any], frames: Frames) -> None:
        manager = BinanceSocketManager(self._async)
        manager.FSTREAM_URL = self.ws_url + "/"
        sockets = opened(manager)
        # A socket that is told to end waits for its next frame, or as long as this.
        sockets.TIMEOUT = 1
        async with sockets as socket:
            while True:
                frame = await socket.recv()
                if frame:
                    frames.put(frame.get("data", frame))

    def _call(self, call: Callable[..., Any], **wanted: Any) -> Any:
        try:
            return call(**wanted)
        except BinanceAPIException as error:
            raise RefusedError(error.code, error.message) from error
