"""The other end of the wire: ``python -m grinder.bench.wire_sink``.

It takes whatever is placed, and remembers when the first line of each request was there. Its first
line of output is its address; every further line of input is answered with the times of the orders
since the last one, nanoseconds since the epoch, an entry for each order. It judges nothing and
keeps no book: that would be measured with it.
"""

from __future__ import annotations

import itertools
import json
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs

from grinder.model.units import NS_PER_MS

LOOPBACK = "127.0.0.1"
Orders = list[dict[str, str]]


class _Handler(BaseHTTPRequestHandler):
    """Answers placements as the venue answers those that rest."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1
    """The whole answer in one packet."""
    server: _Sink

    def parse_request(self) -> bool:
        """Read the head, of which the first line is there."""
        self._arrived_ns = time.time_ns()
        return super().parse_request()

    def do_GET(self) -> None:
        """Tell the time."""
        self._answer({"serverTime": time.time_ns() // NS_PER_MS})

    def do_POST(self) -> None:
        """Take an order, or several."""
        length = int(self.headers["Content-Length"])
        form = {name: each[0] for name, each in parse_qs(self.rfile.read(length).decode()).items()}
        many: Orders | None = json.loads(form["batchOrders"]) if "batchOrders" in form else None
        rows = [self.server.take(one, self._arrived_ns) for one in many or [form]]
        self._answer(rows if many is not None else rows[0])

    def log_message(self, *_: object) -> None:
        """Say nothing: that would be measured."""

    def _answer(self, body: object) -> None:
        text = json.dumps(body).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)
        self.wfile.flush()


class _Sink(ThreadingHTTPServer):
    """Counts the orders and keeps their times until they are asked for."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__((LOOPBACK, 0), _Handler)
        self._ids = itertools.count(1)
        self.arrived_ns: list[int] = []

    def take(self, order: dict[str, str], arrived_ns: int) -> dict[str, str | int]:
        """Return what the venue says of an order that rests."""
        self.arrived_ns.append(arrived_ns)
        return {
            "orderId": next(self._ids),
            "symbol": order["symbol"],
            "clientOrderId": order["newClientOrderId"],
            "status": "NEW",
            "executedQty": "0",
        }


def main() -> None:
    """Serve until the input ends."""
    sink = _Sink()
    threading.Thread(target=sink.serve_forever, daemon=True).start()
    for line in sys.stdin:
        if json.loads(line) == "address":
            answer: object = f"http://{LOOPBACK}:{sink.server_port}"
        else:
            answer, sink.arrived_ns = sink.arrived_ns, []
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
