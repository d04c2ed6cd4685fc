"""What the tests of the REST port share: its settings, and venues that make it wait."""

from __future__ import annotations

import threading
from collections.abc import Callable

from grinder.model.settings import VenueSettings
from grinder.venues.binance_rest import BinanceRestPort
from venues.fakes import TIMEOUT_S, Answer, Call, acknowledged

ORDER = "/fapi/v1/order"
SETTINGS = VenueSettings(place_timeout_ms=20_000, cancel_timeout_ms=20_000, read_timeout_ms=20_000)
Open = Callable[..., BinanceRestPort]


class Gate:
    """A script that keeps requests waiting until the test lets them go."""

    def __init__(self, answer: Callable[[Call], Answer] = acknowledged) -> None:
        self._open = threading.Event()
        self._answer = answer

    def __call__(self, call: Call) -> Answer:
        assert self._open.wait(TIMEOUT_S)
        return self._answer(call)

    def open(self) -> None:
        """Let them go."""
        self._open.set()


def error(status: int, code: int, text: str = "no") -> Answer:
    """Return a refusal."""
    return Answer(status=status, body={"code": code, "msg": text})
