"""What the fuzz tests share: a venue that can be looked into, and raw HTTP."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import http.client
import socket
import time
from collections.abc import Callable
from decimal import Decimal
from typing import Any, TypeVar
from urllib.parse import quote

import attrs
import websocket
from hypothesis import settings

from grinder.model.order import Side
from grinder.simulation.account import Desk
from grinder.simulation.exchange import Exchange
from grinder.venues.sim.config import Limits, VenueConfig
from grinder.venues.sim.server import VenueServer
from grinder.venues.sim.venue import Venue

SYMBOL = "BTCUSDT"
KEY, SECRET = "sim-key", "sim-secret"
TIMEOUT_S = 60.0
LONG_RUN = "fuzz"
"""The hypothesis profile that says itself how many examples are tried."""

Result = TypeVar("Result")


def examples(usual: int) -> int:
    """Return how many examples a test shall try."""
    is_long = settings.get_current_profile_name() == LONG_RUN
    return settings.get_profile(LONG_RUN).max_examples if is_long else usual


def wide_limits() -> Limits:
    """Return limits that no fuzz reaches, so that requests get past the counters."""
    return Limits(
        weight_1m=10**12,
        orders_10s=10**12,
        orders_1m=10**12,
        funding_5m=10**12,
        messages_per_s=10**9,
    )


def now_ms() -> int:
    return time.time_ns() // 1_000_000


@attrs.frozen
class Look:
    """What the venue was like at one moment."""

    failures: tuple[str, ...]
    failure_count: int
    standing: tuple[Any, ...]
    orders: int
    """Orders ever accepted."""
    algos: int


class Target:
    """A venue with a still market, wide limits, and eyes on its inside."""

    def __init__(self) -> None:
        config = VenueConfig(paused=True, control_port=0, limits=wide_limits())
        self.server = VenueServer(config)
        self.server.start()
        self._socket: socket.socket | None = None

    def begin(self, *, is_hedged: bool = False) -> None:
        """Make the venue as new, with a position, two resting orders and a conditional one."""
        self.server.control("reset")
        self.server.control("clock", offset_ms=0)
        self.server.control(
            "quote", symbol=SYMBOL, bid="61800", ask="61800.1", bid_qty=5, ask_qty=5
        )
        if is_hedged:
            self._well("POST", "/fapi/v1/positionSide/dual", dualSidePosition="true")
        leg = {"positionSide": "LONG"} if is_hedged else {}
        base = {"symbol": SYMBOL, "quantity": "0.010"} | leg
        self._well("POST", "/fapi/v1/order", side="BUY", type="MARKET", **base)
        limit = base | {"type": "LIMIT", "timeInForce": "GTC"}
        self._well("POST", "/fapi/v1/order", side="BUY", price="60000", **limit)
        self._well(
            "POST",
            "/fapi/v1/order",
            side="SELL",
            price="63000",
            newClientOrderId="mine",
            **limit,
        )
        stop = base | {"type": "STOP_MARKET", "algoType": "CONDITIONAL", "clientAlgoId": "stop"}
        self._well("POST", "/fapi/v1/algoOrder", side="SELL", triggerPrice="50000", **stop)

    def on_loop(self, ask: Callable[[Venue], Result]) -> Result:
        """Return what ``ask`` finds, asked on the venue's own thread."""
        loop, control = self.server._loop, self.server._control
        assert loop is not None, "the venue was started"
        assert control is not None, "the venue was started"
        venue = control.first.venue

        async def asked() -> Result:
            return ask(venue)

        return asyncio.run_coroutine_threadsafe(asked(), loop).result(TIMEOUT_S)

    def look(self) -> Look:
        """Return how things stand, after checking that the exchange is consistent."""
        assert self.server.is_alive, self.server.failure
        return self.on_loop(_look)

    def http(self, raw: bytes, method: str = "GET") -> tuple[int, bytes]:
        """Send ``raw`` and return status and body of the answer; 0 when the venue hung up."""
        if self._socket is None:
            address = self.server.rest_url.removeprefix("http://").split(":")
            self._socket = socket.create_connection((address[0], int(address[1])), TIMEOUT_S)
        try:
            self._socket.sendall(raw)
            response = http.client.HTTPResponse(self._socket, method=method)
            response.begin()
            body = response.read()
        except (ConnectionError, http.client.HTTPException):
            self.hang_up()
            return 0, b""
        if response.will_close:
            self.hang_up()
        return response.status, body

    def signed(
        self, method: str, path: str, query: bytes, body: bytes = b"", headers: bytes = b""
    ) -> tuple[int, bytes]:
        """Send a request with its signature after the query string."""
        mark = hmac.new(SECRET.encode(), query + body, hashlib.sha256).hexdigest().encode()
        joined = query + b"&signature=" + mark if query else b"signature=" + mark
        target = path.encode() + b"?" + joined
        return self.http(request(method, target, body, headers), method)

    def socket_at(self, path: str) -> websocket.WebSocket:
        """Open a WebSocket at a path of the stream port."""
        return websocket.create_connection(self.server.ws_url + path, timeout=TIMEOUT_S)

    def hang_up(self) -> None:
        """Close the HTTP connection."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def close(self) -> None:
        """Stop the venue."""
        self.hang_up()
        self.server.stop()

    def _well(self, method: str, path: str, **params: str) -> None:
        status, body = self.signed(method, path, form(stamped(params)))
        assert status == 200, body


def request(method: str, target: bytes, body: bytes = b"", headers: bytes = b"") -> bytes:
    """Return the bytes of an HTTP request with the key in its header."""
    return (
        method.encode()
        + b" "
        + target
        + b" HTTP/1.1\r\nHost: venue\r\nX-MBX-APIKEY: "
        + KEY.encode()
        + b"\r\nContent-Type: application/x-www-form-urlencoded\r\n"
        + headers
        + b"Content-Length: "
        + str(len(body)).encode()
        + b"\r\n\r\n"
        + body
    )


def stamped(params: dict[str, str]) -> list[tuple[str, str]]:
    """Return the parameters with the time behind them."""
    return [*params.items(), ("timestamp", str(now_ms()))]


def form(pairs: list[tuple[str, str]]) -> bytes:
    """Return the percent-encoded form of name and value pairs, in their order."""
    return "&".join(f"{_quoted(name)}={_quoted(value)}" for name, value in pairs).encode()


def _quoted(text: str) -> str:
    return quote(text.encode(errors="surrogatepass"), safe="")


def _look(venue: Venue) -> Look:
    exchange = venue.exchange
    check_sound(exchange)
    accounts = exchange._accounts.values()
    return Look(
        failures=tuple(venue.failures.newest),
        failure_count=venue.failures.count,
        standing=tuple(_account(account) for account in accounts),
        orders=sum(account.orders for account in accounts),
        algos=sum(len(account.algos) for account in accounts),
    )


def _account(account: Any) -> tuple[Any, ...]:
    return (
        account.wallet("USDT").wallet_e8,
        account.is_hedged,
        account.orders,
        account.fills,
        tuple(account.algos),
        tuple(_desk(desk) for desk in account.desks.values() if desk.closed or desk.open),
    )


def _desk(desk: Desk) -> tuple[Any, ...]:
    orders = ((o.order_id, o.ticks, o.lots, o.filled, o.amendments) for o in desk.open.values())
    legs = tuple((leg.position.lots, leg.position.cost) for leg in desk.legs.values())
    return desk.leverage, desk.is_isolated, bool(desk.countdown_ms), legs, tuple(orders)


def check_sound(exchange: Exchange) -> None:
    """Check that money is conserved and that books, desks and orders agree."""
    resting: dict[str, set[int]] = {symbol: set() for symbol in exchange._books}
    for name, account in exchange._accounts.items():
        ledger = exchange.ledger(name)
        assert exchange.balance(name).wallet == (
            ledger.start + ledger.realised - ledger.commission + ledger.funding + ledger.insurance
        )
        held = Decimal(0)
        for symbol, desk in account.desks.items():
            resting[symbol] |= _checked_orders(desk)
            trades = exchange.trades(name, symbol, limit=10**6)
            for side, leg in desk.legs.items():
                mine = [trade for trade in trades if trade.position_side is side]
                assert leg.position.lots == sum(t.side.sign * t.qty_lots for t in mine)
                held += Decimal(desk.book.scale.e8(leg.position.cost)).scaleb(-8)
            held += sum((-t.side.sign * t.price * t.qty for t in trades), Decimal(0))
        assert ledger.realised == held
    for symbol, book in exchange._books.items():
        found = {
            number
            for half in (book.bids, book.asks)
            for level in half.levels.values()
            for number in level.orders
        }
        assert found == resting[symbol]


def _checked_orders(desk: Desk) -> set[int]:
    assert not desk.open.keys() & desk.closed.keys()
    assert {order.order_id for order in desk.open_ids.values()} == desk.open.keys()
    assert not any(order.status.is_terminal for order in desk.open.values())
    assert all(order.status.is_terminal for order in desk.closed.values())
    for leg in desk.legs.values():
        for side in Side:
            mine = [o for o in desk.open.values() if o.side is side and o.leg is leg]
            reducing = sum(order.remaining for order in mine if order.reduce_only)
            assert leg.reducing[side] == reducing <= max(reducing, leg.reducible(side))
            opening = sum(o.remaining * o.ticks for o in mine if not o.reduce_only)
            assert leg.exposure[side] == opening
    return set(desk.open)
