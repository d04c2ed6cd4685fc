"""Stand-ins for both sides of a port: an outlet that collects, and venues that obey a script."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import parse_qsl, urlsplit

import attrs

from grinder.kernel.address import Address
from grinder.kernel.message import Envelope, Message
from grinder.messages.orders import CancelOrder, Placement, PlaceOrders
from grinder.model.instrument import Instrument
from grinder.model.order import OrderType, Side
from grinder.model.permit import Permit
from grinder.model.units import NS_PER_MS, NS_PER_S
from grinder.venues.binance_instruments import instruments

DATA = Path(__file__).parent / "data"
TIMEOUT_S = 60.0
M = TypeVar("M", bound=Message)


def samples(name: str) -> list[dict[str, Any]]:
    """Return the rows of a file of samples."""
    return [json.loads(line) for line in (DATA / name).read_text(encoding="utf-8").splitlines()]


def traded(*symbols: str) -> dict[str, Instrument]:
    """Return recorded instruments by symbol."""
    info = json.loads((DATA / "exchange_info.json").read_text(encoding="utf-8"))
    return {each.symbol: each for each in instruments(info, symbols)}


@attrs.frozen(kw_only=True)
class Told:
    """One message that a port told."""

    receiver: str
    message: Message
    cause: int


class FakeOutlet:
    """Collect what is told; the time is the machine's, moved by hand."""

    def __init__(self) -> None:
        self.told: list[Told] = []
        self.skew_ns = 0
        self._changed = threading.Condition()
        self._seq = 0

    def tell(self, receiver: Address, message: Message, *, cause: int = 0) -> None:
        """Keep the message."""
        with self._changed:
            self.told.append(Told(receiver=receiver.name, message=message, cause=cause))
            self._changed.notify_all()

    def resolve(self, name: str) -> Address:
        """Return an address."""
        return Address(name, None)

    def now_ns(self) -> int:
        """Return the time."""
        return time.time_ns() + self.skew_ns

    def envelope(self, body: Message, sender: str = "exchange") -> Envelope:
        """Wrap a command."""
        self._seq += 1
        return Envelope(
            seq=self._seq, sender=sender, receiver="port", at_ns=self.now_ns(), cause=0, body=body
        )

    def all(self, kind: type[M]) -> list[M]:
        """Return what was told of one kind so far."""
        with self._changed:
            return [each.message for each in self.told if isinstance(each.message, kind)]

    def wait(self, kind: type[M], count: int = 1) -> list[M]:
        """Return the messages of one kind once there are ``count`` of them."""
        with self._changed:
            arrived = self._changed.wait_for(lambda: len(self.all_held(kind)) >= count, TIMEOUT_S)
            assert arrived, f"expected {count} {kind.__name__}, was {self.told}"
            return self.all_held(kind)

    def all_held(self, kind: type[M]) -> list[M]:
        """Return what was told of one kind; the lock is held."""
        return [each.message for each in self.told if isinstance(each.message, kind)]


@attrs.frozen(kw_only=True)
class Call:
    """One request that reached the venue."""

    method: str
    path: str
    text: str
    """Query string and body as sent."""
    parameters: dict[str, str]
    key: str


@attrs.frozen(kw_only=True)
class Answer:
    """What the venue says; without a status it hangs up instead."""

    status: int = 200
    body: Any = None
    headers: dict[str, str] = attrs.field(factory=dict)


HANG_UP = Answer(status=0)
COUNTS = {
    "X-MBX-USED-WEIGHT-1M": "7",
    "X-MBX-ORDER-COUNT-10S": "1",
    "X-MBX-ORDER-COUNT-1M": "2",
}
Script = Callable[[Call], Answer]


class QuietServer(ThreadingHTTPServer):
    """Say nothing of clients that go away."""

    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Leave it to the test to see what is missing."""


class ScriptedVenue:
    """A venue over HTTP on loopback that answers each path by a script."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.offset_ms = 0
        self.scripts: dict[tuple[str, str], Script] = {}
        self._changed = threading.Condition()
        venue = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def serve(self) -> None:
                length = int(self.headers.get("Content-Length") or 0)
                body = self.rfile.read(length).decode()
                target = urlsplit(self.path)
                text = target.query + body
                answer = venue._answer(
                    Call(
                        method=self.command,
                        path=target.path,
                        text=text,
                        parameters=dict(parse_qsl(text)),
                        key=self.headers.get("X-MBX-APIKEY", ""),
                    )
                )
                if not answer.status:
                    self.close_connection = True
                    return
                raw = (
                    answer.body
                    if isinstance(answer.body, bytes)
                    else json.dumps(answer.body).encode()
                )
                self.send_response(answer.status)
                for name, value in answer.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(raw)))
                self.end_headers()
                self.wfile.write(raw)

            do_GET = do_POST = do_PUT = do_DELETE = serve  # noqa: N815

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
                return

        self._server = QuietServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.05,), daemon=True
        )
        self._thread.start()

    @property
    def url(self) -> str:
        """Address of the venue."""
        return f"http://127.0.0.1:{self._server.server_port}"

    def begin_minute(self) -> None:
        """Set the venue's clock to the beginning of a minute, so that no window turns soon."""
        self.offset_ms = 1_000 - (time.time_ns() // NS_PER_MS) % 60_000

    def on(self, method: str, path: str, script: Script | Answer) -> None:
        """Answer a path by a script from now on."""
        self.scripts[method, path] = (
            (lambda _call: script) if isinstance(script, Answer) else script
        )

    def seen(self, path: str, method: str = "") -> list[Call]:
        """Return the calls of a path so far, of one method or of all."""
        with self._changed:
            calls = [call for call in self.calls if call.path == path]
        return [call for call in calls if method in ("", call.method)]

    def wait(self, path: str, count: int = 1) -> list[Call]:
        """Return the calls of a path once there are ``count`` of them."""
        with self._changed:
            found = self._changed.wait_for(
                lambda: len([call for call in self.calls if call.path == path]) >= count, TIMEOUT_S
            )
            assert found, f"expected {count} calls of {path}, was {self.calls}"
        return self.seen(path)

    def close(self) -> None:
        """Stop serving."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(TIMEOUT_S)

    def _answer(self, call: Call) -> Answer:
        with self._changed:
            self.calls.append(call)
            self._changed.notify_all()
        script = self.scripts.get((call.method, call.path))
        if script is not None:
            return script(call)
        if call.path == "/fapi/v1/time":
            return Answer(body={"serverTime": time.time_ns() // NS_PER_MS + self.offset_ms})
        return Answer(status=404, body={"code": -5000, "msg": "Path not scripted"})


def entry(outlet: FakeOutlet, *names: str, **changes: Any) -> PlaceOrders:
    """Return entries with a fresh permit of ten seconds; ``g-1`` if none is named."""
    permit = Permit(serial=1, state="ACTIVE", epoch=1, deadline_ns=outlet.now_ns() + 10 * NS_PER_S)
    permit = changes.pop("permit", permit)
    orders = tuple(
        attrs.evolve(
            Placement(
                symbol="BTCUSDT",
                client_order_id=name,
                side=Side.BUY,
                price_ticks=618_000,
                qty_lots=10,
                level=f"b{number}",
                reason="grid",
            ),
            **changes,
        )
        for number, name in enumerate(names or ("g-1",), 1)
    )
    return PlaceOrders(symbol=orders[0].symbol, orders=orders, permit=permit, tick_ns=7)


def exit_order(outlet: FakeOutlet, name: str = "x-1") -> PlaceOrders:
    """Return a reduce-only market order without a permit."""
    return entry(
        outlet,
        name,
        side=Side.SELL,
        order_type=OrderType.MARKET,
        price_ticks=0,
        reduce_only=True,
        permit=None,
    )


def cancel(name: str = "g-1", symbol: str = "BTCUSDT") -> CancelOrder:
    """Return a cancel."""
    return CancelOrder(symbol=symbol, client_order_id=name, reason="recentre")


def acknowledged(call: Call, status: str = "NEW") -> Answer:
    """Answer a placement or a cancel as the venue does today."""
    return Answer(body=order_row(call.parameters, status), headers=COUNTS)


def order_row(parameters: dict[str, str], status: str = "NEW") -> dict[str, Any]:
    """Return what the venue says of an order that it was asked for."""
    name = parameters.get("newClientOrderId") or parameters["origClientOrderId"]
    return {
        "orderId": 42,
        "symbol": parameters["symbol"],
        "status": status,
        "clientOrderId": name,
        "executedQty": "0.000",
        "cumQty": "0.000",
        "updateTime": 1,
    }


def batch_rows(call: Call) -> list[dict[str, Any]]:
    """Return what the venue says of the orders of a batch that it has all taken."""
    wanted = json.loads(call.parameters["batchOrders"])
    return [{**order_row(row), "orderId": 50 + at} for at, row in enumerate(wanted)]


def cancelled_rows(call: Call) -> list[dict[str, Any]]:
    """Return what the venue says of the orders of a request that it has all cancelled."""
    symbol, names = call.parameters["symbol"], batch_cancelled(call)
    rows = [order_row({"symbol": symbol, "origClientOrderId": name}, "CANCELED") for name in names]
    return [{**row, "orderId": 70 + at} for at, row in enumerate(rows)]


def batch_cancelled(call: Call) -> list[str]:
    """Return the names of the orders that one request cancels."""
    names: list[str] = json.loads(call.parameters["origClientOrderIdList"])
    return names


def batched(call: Call) -> list[str]:
    """Return the names of the orders of a batch."""
    return [row["newClientOrderId"] for row in json.loads(call.parameters["batchOrders"])]
