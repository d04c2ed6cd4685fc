"""A small client of the venue's WebSocket API, and a key pair to log on with."""

from __future__ import annotations

import base64
import time
from typing import Any

import orjson
import websocket
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from venue.clients import TIMEOUT_S, Rest
from venue.hearing import Hearing, check_reply

PRIVATE = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
PUBLIC_RAW = base64.b64encode(
    PRIVATE.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
).decode()


def ed25519(text: str) -> str:
    """Return the signature of a text."""
    return base64.b64encode(PRIVATE.sign(text.encode())).decode()


class Api:
    """One connection of the WebSocket API."""

    def __init__(
        self, url: str, query: str = "", *, key: str = "sim-key", hear: Hearing = check_reply
    ) -> None:
        self._socket = websocket.create_connection(f"{url}/ws-fapi/v1{query}", timeout=TIMEOUT_S)
        self._key = key
        self._rest = Rest("")
        self._hear = hear

    def send(self, request: Any) -> Any:
        """Send a request and return its answer, whose shape has been checked."""
        self._socket.send(orjson.dumps(request))
        answer = orjson.loads(self._socket.recv())
        method = request.get("method") if isinstance(request, dict) else None
        self._hear(str(method), answer)
        return answer

    def call(self, method: str, **params: Any) -> Any:
        """Call a method that is open to everybody."""
        return self.send({"id": "7", "method": method, "params": params})

    def signed(self, method: str, **params: Any) -> Any:
        """Call a method with key, time and signature."""
        params |= {"apiKey": self._key, "timestamp": time.time_ns() // 1_000_000}
        text = "&".join(f"{name}={value}" for name, value in sorted(params.items()))
        sign = ed25519 if self._key == "ed-key" else self._rest.sign
        return self.call(method, **params, signature=sign(text))

    def timed(self, method: str, **params: Any) -> Any:
        """Call a method of a session that has logged on."""
        return self.call(method, **params, timestamp=time.time_ns() // 1_000_000)

    def close(self) -> None:
        """Hang up."""
        self._socket.close()
