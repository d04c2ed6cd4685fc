"""Signed orders to a venue over loopback, from one process with several connections.

Each connection is a trader with a contract: it places a limit order far below the market and
cancels it, and every eighth of its orders takes at the market, bought and sold in turn. One client
listens to the account's user data: every accepted order must be heard of once.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable
from contextlib import AsyncExitStack
from decimal import Decimal
from types import TracebackType
from typing import Any

import aiohttp
import orjson

from grinder.bench.venue_child import KEY, SECRET
from grinder.venues.signing import Parameters, signed

CONNECTIONS = 8
SYMBOLS = ("BTCUSDT", "ETHUSDT")
DISTANCE = Decimal("0.97")
"""Share of the best bid at which orders rest: the market does not come there."""
QUANTITIES = {"BTCUSDT": "0.010", "ETHUSDT": "0.100"}
TAKE_EVERY = 8
SETTLE_S = 10.0
"""How long the news of an order may take."""
ORDER = "/fapi/v1/order"


class RestLoad:
    """Traders on one venue; an async context manager.

    Raises:
        RuntimeError: the venue refused an order, or news of one did not come.
    """

    def __init__(self, rest_url: str, ws_url: str) -> None:
        self.take_every = TAKE_EVERY
        self._rest_url = rest_url
        self._ws_url = ws_url
        self._stack = AsyncExitStack()
        self._prices: dict[str, str] = {}
        self._numbers: Counter[int] = Counter()
        self._placed: set[int] = set()
        """Orders of which no news has come yet."""
        self._news: Counter[int] = Counter()
        self.requests = 0
        self.heard_twice = 0
        self.late_ms: list[float] = []
        """From when an order was due to when its reply was there."""

    async def __aenter__(self) -> RestLoad:
        connector = aiohttp.TCPConnector(limit=0)
        self._session = await self._stack.enter_async_context(
            aiohttp.ClientSession(connector=connector, headers={"X-MBX-APIKEY": KEY})
        )
        for symbol in SYMBOLS:
            ticker = await self._answer(self._session.get(self._url("ticker/bookTicker", symbol)))
            price = (Decimal(ticker["bidPrice"]) * DISTANCE).quantize(Decimal("0.1"))
            self._prices[symbol] = str(price)
        key = await self._answer(self._session.post(self._url("listenKey")))
        url = f"{self._ws_url}/private/ws?listenKey={key['listenKey']}"
        self._socket = await self._stack.enter_async_context(self._session.ws_connect(url))
        self._listening = asyncio.create_task(self._listen())
        return self

    async def __aexit__(
        self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None
    ) -> None:
        self._listening.cancel()
        await asyncio.wait([self._listening])
        await self._stack.aclose()

    async def place(self, orders: int, per_s: float = 0.0) -> float:
        """Place so many orders and wait for their news; return the seconds the requests took.

        With ``per_s`` orders are due at this pace, else as soon as a connection is free.
        """
        tickets = iter(range(orders))
        began = time.perf_counter()
        traders = [self._trade(number, tickets, began, per_s) for number in range(CONNECTIONS)]
        await asyncio.gather(*traders)
        took = time.perf_counter() - began
        await self._settled()
        return took

    async def _trade(self, number: int, tickets: Any, began: float, per_s: float) -> None:
        symbol = SYMBOLS[number % len(SYMBOLS)]
        for ticket in tickets:
            due = time.perf_counter()
            if per_s:
                due = began + ticket / per_s
                await asyncio.sleep(due - time.perf_counter())
            self._numbers[number] += 1
            if self._numbers[number] % self.take_every == 0:
                is_buy = self._numbers[number] // self.take_every % 2 == 1
                await self._order(symbol, due, is_buy=is_buy, price=None)
            else:
                placed = await self._order(symbol, due, is_buy=True, price=self._prices[symbol])
                await self._cancel(symbol, placed)

    async def _order(self, symbol: str, due: float, *, is_buy: bool, price: str | None) -> int:
        how: Parameters = (("type", "MARKET"),)
        if price is not None:
            how = (("type", "LIMIT"), ("timeInForce", "GTC"), ("price", price))
        side, quantity = "BUY" if is_buy else "SELL", QUANTITIES[symbol]
        text = _signed(("symbol", symbol), ("side", side), ("quantity", quantity), *how)
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        order = await self._answer(
            self._session.post(f"{self._rest_url}{ORDER}", data=text, headers=headers)
        )
        self.late_ms.append((time.perf_counter() - due) * 1000)
        order_id = int(order["orderId"])
        self._placed.add(order_id)
        return order_id

    async def _cancel(self, symbol: str, order_id: int) -> None:
        text = _signed(("symbol", symbol), ("orderId", str(order_id)))
        await self._answer(self._session.delete(f"{self._rest_url}{ORDER}?{text}"))

    async def _answer(self, request: Awaitable[aiohttp.ClientResponse]) -> Any:
        self.requests += 1
        response = await request
        body = orjson.loads(await response.read())
        if response.status != 200:
            raise RuntimeError(f"the venue answered {response.status} {body}")
        return body

    async def _listen(self) -> None:
        async for message in self._socket:
            frame = orjson.loads(message.data)
            if frame["e"] == "ORDER_TRADE_UPDATE" and frame["o"]["x"] == "NEW":
                self._news[frame["o"]["i"]] += 1

    async def _settled(self) -> None:
        """Wait until every placed order was heard of."""
        limit = time.perf_counter() + SETTLE_S
        while missing := self._placed - self._news.keys():
            if time.perf_counter() > limit:
                raise RuntimeError(f"no news of {len(missing)} orders")
            await asyncio.sleep(0.01)
        self.heard_twice += sum(count - 1 for count in self._news.values())
        self._placed.clear()
        self._news.clear()

    def _url(self, name: str, symbol: str = "") -> str:
        return f"{self._rest_url}/fapi/v1/{name}" + (f"?symbol={symbol}" if symbol else "")


def _signed(*parameters: tuple[str, str]) -> str:
    now_ms = str(time.time_ns() // 1_000_000)
    return signed(SECRET, (*parameters, ("timestamp", now_ms)))
