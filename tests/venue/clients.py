"""Small clients of the simulated venue: signed HTTP and streams, with nothing in between."""

from __future__ import annotations

import hashlib
import hmac
import http.client
import socket
import time
from collections.abc import Callable
from functools import partial
from typing import Any
from urllib.parse import urlencode, urlsplit

import orjson
import requests
import websocket

from grinder.venues.sim.server import VenueServer
from venue.hearing import Hearing, check_answer, check_frame

TIMEOUT_S = 60.0
HTTP_REFUSED = 400


def heard(hear: Hearing, answer: requests.Response, **_: Any) -> None:
    """Hand what a venue answered to ``hear``; a body that is not JSON has no shape."""
    if answer.headers.get("Content-Type", "").startswith("application/json"):
        kind = f"{answer.request.method} {urlsplit(answer.request.url or '').path}"
        hear("error" if answer.status_code >= HTTP_REFUSED else str(kind), answer.json())


class Unread:
    """A POST that was sent, and whose answer nobody has read yet."""

    def __init__(self, url: str, target: str, key: str = "sim-key") -> None:
        self._connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=TIMEOUT_S)
        self._connection.request("POST", target, headers={"X-MBX-APIKEY": key})

    def is_answered(self) -> bool:
        """Tell whether any of the answer, or the end of the connection, has come."""
        self._connection.sock.setblocking(False)
        try:
            self._connection.sock.recv(1, socket.MSG_PEEK)
        except BlockingIOError:
            return False
        finally:
            self._connection.sock.settimeout(TIMEOUT_S)
        return True

    def status(self) -> int:
        """Return the status of the answer; 0 when the venue hangs up instead."""
        try:
            return self._connection.getresponse().status
        except ConnectionError:
            return 0

    def close(self) -> None:
        """Hang up."""
        self._connection.close()


class Rest:
    """Call a venue as one account."""

    def __init__(
        self,
        url: str,
        key: str = "sim-key",
        secret: str = "sim-secret",
        hear: Hearing = check_answer,
    ) -> None:
        self.url = url
        self._secret = secret
        self._session = requests.Session()
        # Every answer of the venue, to whatever test, is held against its shape.
        self._session.hooks["response"].append(partial(heard, hear))
        self._session.headers["X-MBX-APIKEY"] = key

    def get(self, path: str, **params: Any) -> Any:
        """Return the body of an open call."""
        return self._session.get(self.url + path, params=params, timeout=TIMEOUT_S).json()

    def raw(self, method: str, path: str, query: str, body: str = "") -> requests.Response:
        """Send exactly this."""
        target = f"{self.url}{path}?{query}" if query else self.url + path
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        return self._session.request(method, target, data=body, headers=headers, timeout=TIMEOUT_S)

    def send(self, method: str, path: str, **params: Any) -> requests.Response:
        """Send a signed call in the query string."""
        params.setdefault("timestamp", time.time_ns() // 1_000_000)
        query = urlencode(params)
        return self.raw(method, path, f"{query}&signature={self.sign(query)}")

    def unread(self, path: str, **params: Any) -> Unread:
        """Send a signed POST and leave its answer for later."""
        query = urlencode(params | {"timestamp": self.get("/fapi/v1/time")["serverTime"]})
        return Unread(self.url, f"{path}?{query}&signature={self.sign(query)}")

    def call(self, method: str, path: str, **params: Any) -> Any:
        """Return the body of a signed call."""
        return self.send(method, path, **params).json()

    def sign(self, text: str) -> str:
        """Return the signature of a text."""
        return hmac.new(self._secret.encode(), text.encode(), hashlib.sha256).hexdigest()

    def limit(self, side: str, price: str, qty: str = "0.010", **more: Any) -> Any:
        """Place a limit order on BTCUSDT."""
        params = {"timeInForce": "GTC", "type": "LIMIT", "symbol": "BTCUSDT"} | more
        return self.call("POST", "/fapi/v1/order", side=side, price=price, quantity=qty, **params)

    def market(self, side: str, qty: str = "0.010", **more: Any) -> Any:
        """Place a market order on BTCUSDT."""
        params = {"type": "MARKET", "symbol": "BTCUSDT"} | more
        return self.call("POST", "/fapi/v1/order", side=side, quantity=qty, **params)

    def listen_key(self) -> str:
        """Return the account's listen key."""
        return str(self.raw("POST", "/fapi/v1/listenKey", "").json()["listenKey"])


class Stream:
    """One stream connection."""

    def __init__(self, url: str, path: str, hear: Hearing = check_frame) -> None:
        self._socket = websocket.create_connection(url + path, timeout=TIMEOUT_S)
        self._hear = hear

    def next(self) -> Any:
        """Return the next frame; fails after TIMEOUT_S."""
        frame = orjson.loads(self._socket.recv())
        self._hear("", frame)
        return frame

    def until(self, wanted: Callable[[Any], bool]) -> list[Any]:
        """Return all frames up to the first that is wanted."""
        frames = [self.next()]
        while not wanted(frames[-1]):
            frames.append(self.next())
        return frames

    def ask(self, method: str, *params: str, number: int = 1) -> Any:
        """Send a request and return its answer, skipping frames before it."""
        self._socket.send(orjson.dumps({"method": method, "params": params, "id": number}))
        return self.until(lambda frame: frame.get("id") == number)[-1]

    def heard_before_answer(self) -> list[Any]:
        """Return what was sent to this connection up to now, by a request as a fence."""
        self._socket.send(orjson.dumps({"method": "LIST_SUBSCRIPTIONS", "id": 99}))
        return self.until(lambda frame: frame.get("id") == 99)[:-1]

    def close(self) -> None:
        """Hang up."""
        self._socket.close()


class World:
    """A venue whose market stands still, and what a test needs to reach it."""

    def __init__(self, server: VenueServer) -> None:
        self.server = server
        self.rest = Rest(server.rest_url)
        self._streams: list[Stream] = []

    def stream(self, path: str) -> Stream:
        """Open a stream; it is closed when the test ends."""
        stream = Stream(self.server.ws_url, path)
        self._streams.append(stream)
        return stream

    def order(self, **wanted: Any) -> Any:
        """Return the control command's answer."""
        name = wanted.pop("name")
        return self.server.control(name, **wanted)

    def quote(self, bid: str, ask: str, qty: str = "5") -> None:
        """State BTCUSDT's best bid and ask."""
        self.server.control("quote", symbol="BTCUSDT", bid=bid, ask=ask, bid_qty=qty, ask_qty=qty)

    def begin(self) -> None:
        """Make the venue as new."""
        self.server.control("reset")
        self.server.control("clock", offset_ms=0)
        self.quote("61800.00", "61800.10")

    def end(self) -> None:
        """Close what the test opened."""
        for stream in self._streams:
            stream.close()
        self._streams.clear()
