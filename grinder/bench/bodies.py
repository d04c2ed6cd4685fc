"""Order bodies as they would go on the wire, and when each was ready."""

from __future__ import annotations

from collections.abc import Callable

from grinder.bench.quotes import INSTRUMENT
from grinder.messages.orders import Placement
from grinder.model.units import NS_PER_MS
from grinder.venues.binance_requests import placement
from grinder.venues.signing import signed

SECRET = "a secret that opens nothing, as long as those that do open something"
RECV_WINDOW_MS = "5000"


class Bodies:
    """Builds signed bodies on one thread and remembers when each was ready."""

    def __init__(self, now_ns: Callable[[], int]) -> None:
        self._now_ns = now_ns
        self.ready_ns: list[int] = []
        """When each body was ready, in order."""

    def build(self, order: Placement) -> str:
        """Return the body of ``order``, signed."""
        parameters = placement(order, INSTRUMENT).parameters
        timestamp = str(self._now_ns() // NS_PER_MS)
        body = signed(
            SECRET, (*parameters, ("recvWindow", RECV_WINDOW_MS), ("timestamp", timestamp))
        )
        self.ready_ns.append(self._now_ns())
        return body
