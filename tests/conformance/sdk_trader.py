"""Binance's own SDK: REST, streams, and orders over the WebSocket API."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from binance_common.configuration import (
    ConfigurationRestAPI,
    ConfigurationWebSocketAPI,
    ConfigurationWebSocketStreams,
)
from binance_common.errors import Error
from binance_sdk_derivatives_trading_usds_futures import derivatives_trading_usds_futures as sdk
from binance_sdk_derivatives_trading_usds_futures.rest_api import models

from conformance.trader import Frames, Loop, RefusedError, Row, Trader
from grinder.venues.sim.server import VenueServer

SYMBOL = "BTCUSDT"
STREAMS: dict[str, Callable[[Any], Any]] = {
    "depth": lambda streams: streams.diff_book_depth_streams("btcusdt", update_speed="100ms"),
    "bookTicker": lambda streams: streams.individual_symbol_book_ticker_streams("btcusdt"),
    "aggTrade": lambda streams: streams.aggregate_trade_streams("btcusdt"),
    "markPrice": lambda streams: streams.mark_price_stream("btcusdt", update_speed="1s"),
    "kline": lambda streams: streams.kline_candlestick_streams("btcusdt", "1m"),
}


class SdkTrader(Trader):
    """REST and streams."""

    def __init__(self, server: VenueServer, secret: str = "sim-secret") -> None:
        super().__init__(server, secret)
        client: Any = sdk.DerivativesTradingUsdsFutures(
            ConfigurationRestAPI("sim-key", secret, base_path=self.rest_url, retries=0),
            ConfigurationWebSocketAPI("sim-key", secret, stream_url=self.ws_url + "/ws-fapi/v1"),
            ConfigurationWebSocketStreams(stream_url=self.ws_url),
        )
        self._rest: Any = client.rest_api
        self._client: Any = client
        self._loop: Loop | None = None
        self._streams: Any = None

    def close(self) -> None:
        if self._loop is not None:
            self._loop.stop_after(self._disconnect)

    async def _disconnect(self) -> None:
        if self._streams is not None:
            await self._streams.close_connection(close_session=True)

    def symbols(self) -> list[Row]:
        return list(_call(self._rest.exchange_information)["symbols"])

    def time(self) -> int:
        return int(_call(self._rest.check_server_time)["serverTime"])

    def depth(self) -> Row:
        return dict(_call(self._rest.order_book, SYMBOL, limit=1000))

    def quote(self) -> Row:
        return dict(_call(self._rest.symbol_order_book_ticker, symbol=SYMBOL))

    def klines(self) -> list[list[Any]]:
        return list(_call(self._rest.kline_candlestick_data, SYMBOL, "1m", limit=2))

    def place(self, **order: Any) -> Row:
        return dict(_call(self._rest.new_order, SYMBOL, **_snake(order)))

    def amend(self, order_id: int, side: str, quantity: float, price: float) -> Row:
        wanted = (SYMBOL, side, quantity, price)
        return dict(_call(self._rest.modify_order, *wanted, order_id=order_id))

    def cancel(self, order_id: int) -> Row:
        return dict(_call(self._rest.cancel_order, SYMBOL, order_id=order_id))

    def order(self, order_id: int) -> Row:
        return dict(_call(self._rest.query_order, SYMBOL, order_id=order_id))

    def open_orders(self) -> list[Row]:
        return list(_call(self._rest.current_all_open_orders, SYMBOL))

    def batch(self, orders: list[Row]) -> list[Row]:
        inner = models.PlaceMultipleOrdersBatchOrdersParameterInner
        # The model's own default for reduceOnly does not pass the model's own check.
        rows = [
            inner.from_dict({"symbol": SYMBOL, "reduceOnly": "false"} | each) for each in orders
        ]
        return list(_call(self._rest.place_multiple_orders, rows))

    def cancel_all(self) -> None:
        _call(self._rest.cancel_all_open_orders, SYMBOL)

    def countdown(self, ms: int) -> Row:
        return dict(_call(self._rest.auto_cancel_all_open_orders, SYMBOL, ms))

    def leverage(self, leverage: int) -> Row:
        return dict(_call(self._rest.change_initial_leverage, SYMBOL, leverage))

    def hedge(self, is_hedged: bool) -> None:
        _call(self._rest.change_position_mode, str(is_hedged).lower())

    def is_hedged(self) -> bool:
        return bool(_call(self._rest.get_current_position_mode)["dualSidePosition"])

    def positions(self) -> list[Row]:
        rows = _call(self._rest.position_information_v3, symbol=SYMBOL)
        return [row for row in rows if float(row["positionAmt"])]

    def balance(self) -> Row:
        rows = _call(self._rest.futures_account_balance_v3)
        return next(row for row in rows if row["asset"] == "USDT")

    def trades(self) -> list[Row]:
        return list(_call(self._rest.account_trade_list, SYMBOL))

    def place_algo(self, **order: Any) -> Row:
        return dict(_call(self._rest.new_algo_order, "CONDITIONAL", SYMBOL, **_snake(order)))

    def open_algos(self) -> list[Row]:
        return list(_call(self._rest.current_all_algo_open_orders, symbol=SYMBOL))

    def cancel_algo(self, algo_id: int) -> None:
        _call(self._rest.cancel_algo_order, algo_id=algo_id)

    def listen(self, stream: str) -> Frames:
        return self._listen(STREAMS[stream])

    def listen_user(self) -> Frames:
        listen_key = _call(self._rest.start_user_data_stream)["listenKey"]
        return self._listen(lambda streams: streams.user_data(listen_key))

    def loop(self) -> Loop:
        """Return the loop of what is asynchronous in the client."""
        if self._loop is None:
            self._loop = Loop()
        return self._loop

    def _listen(self, subscribed: Callable[[Any], Any]) -> Frames:
        frames = Frames()

        async def listen() -> None:
            if self._streams is None:
                self._streams = self._client.websocket_streams
                await self._streams.create_connection()
            handle = await subscribed(self._streams)
            handle.on("message", lambda frame: frames.put(_plain(frame)))

        self.loop().run(listen())
        return frames


class SdkSocketTrader(SdkTrader):
    """Orders and account over the WebSocket API; what it does not have goes over REST."""

    def __init__(self, server: VenueServer, secret: str = "sim-secret") -> None:
        super().__init__(server, secret)
        self._socket: Any = self._client.websocket_api
        self.loop().run(self._socket.create_connection())

    async def _disconnect(self) -> None:
        await super()._disconnect()
        await self._socket.close_connection(close_session=True)

    def depth(self) -> Row:
        return dict(self._ask(self._socket.order_book, SYMBOL, limit=1000))

    def quote(self) -> Row:
        return dict(self._ask(self._socket.symbol_order_book_ticker, symbol=SYMBOL))

    def place(self, **order: Any) -> Row:
        return dict(self._ask(self._socket.new_order, SYMBOL, **_snake(order)))

    def amend(self, order_id: int, side: str, quantity: float, price: float) -> Row:
        wanted = (SYMBOL, side, quantity, price)
        return dict(self._ask(self._socket.modify_order, *wanted, order_id=order_id))

    def cancel(self, order_id: int) -> Row:
        return dict(self._ask(self._socket.cancel_order, SYMBOL, order_id=order_id))

    def order(self, order_id: int) -> Row:
        return dict(self._ask(self._socket.query_order, SYMBOL, order_id=order_id))

    def positions(self) -> list[Row]:
        rows = self._ask(self._socket.position_information_v2, symbol=SYMBOL)
        return [row for row in rows if float(row["positionAmt"])]

    def balance(self) -> Row:
        rows = self._ask(self._socket.futures_account_balance_v2)
        return next(row for row in rows if row["asset"] == "USDT")

    def place_algo(self, **order: Any) -> Row:
        call = self._socket.new_algo_order
        return dict(self._ask(call, "CONDITIONAL", SYMBOL, **_snake(order)))

    def cancel_algo(self, algo_id: int) -> None:
        self._ask(self._socket.cancel_algo_order, algo_id=algo_id)

    def _ask(self, call: Callable[..., Any], *wanted: Any, **named: Any) -> Any:
        answer = _plain(self.loop().run(call(*wanted, **named)).data())
        if "error" in answer:
            error = answer["error"]
            raise RefusedError(int(error["code"]), str(error["msg"]))
        return answer["result"]


def _call(call: Callable[..., Any], *wanted: Any, **named: Any) -> Any:
    try:
        return _plain(call(*wanted, **named).data())
    except Error as error:
        code = getattr(error, "status_code", None)
        raise RefusedError(int(code or 0), str(error)) from error


def _plain(value: Any) -> Any:
    """Return what the venue said, from the client's model of it."""
    if isinstance(value, list):
        return [_plain(each) for each in value]
    event = getattr(value, "actual_instance", None)
    if event is not None:
        # The model of an event is its name; the name itself is not in it.
        name = re.sub(r"(?<!^)(?=[A-Z])", "_", type(event).__name__).upper()
        return {"e": name, **_plain(event)}
    if hasattr(value, "to_dict"):
        return _plain(value.to_dict())
    return value


def _snake(order: Row) -> Row:
    return {
        "".join("_" + c.lower() if c.isupper() else c for c in key): order[key] for key in order
    }
