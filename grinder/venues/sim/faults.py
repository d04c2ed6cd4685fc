"""Faults on demand: what the control endpoint may order the venue to do wrong."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from enum import StrEnum

import attrs

from grinder.venues.sim.delays import Delays
from grinder.venues.sim.maintenance import State, only_reduces
from grinder.venues.sim.ordered import OrderedRefusals

QUEUE_MAX = 1000


class Fault(StrEnum):
    """One way in which a reply goes wrong."""

    UNKNOWN_503 = "unknown-503"
    """HTTP 503 "Unknown error": nothing was done, but the client cannot know."""
    UNKNOWN_503_DONE = "unknown-503-done"
    """The same answer although the request was carried out."""
    UNAVAILABLE_503 = "unavailable-503"
    """HTTP 503 "Service Unavailable": not done."""
    OVERLOADED_503 = "overloaded-503"
    """HTTP 503 with -1008: not done. Orders that only reduce are exempt and do not count."""
    TOO_MANY_429 = "too-many-429"
    """HTTP 429 with -1003: not done."""
    BACKEND_408 = "backend-408"
    """HTTP 408 with -1007: carried out, outcome not told."""
    LOST = "lost"
    """Carried out; the connection breaks before the reply."""
    LOST_BEFORE = "lost-before"
    """Not carried out; the connection breaks."""
    SILENT = "silent"
    """Carried out; no reply comes, the connection stays open until the venue stops."""

    @property
    def is_carried_out(self) -> bool:
        """Whether the request takes effect all the same."""
        return self in (Fault.UNKNOWN_503_DONE, Fault.BACKEND_408, Fault.LOST, Fault.SILENT)


REPLIES: dict[Fault, tuple[int, int, str]] = {
    Fault.UNKNOWN_503: (503, -1000, "Unknown error, please check your request or try again later."),
    Fault.UNKNOWN_503_DONE: (
        503,
        -1000,
        "Unknown error, please check your request or try again later.",
    ),
    Fault.UNAVAILABLE_503: (503, -1016, "Service Unavailable."),
    Fault.OVERLOADED_503: (
        503,
        -1008,
        "Request throttled by system-level protection. Reduce-only/close-position orders are "
        "exempt. Please try again.",
    ),
    Fault.TOO_MANY_429: (
        429,
        -1003,
        "Too many requests; current limit of IP(127.0.0.1) is 2400 requests per minute. Please "
        "use the websocket for live updates to avoid polling the API.",
    ),
    Fault.BACKEND_408: (
        408,
        -1007,
        "Timeout waiting for response from backend server. Send status unknown; execution status "
        "unknown.",
    ),
}
"""HTTP status, code and text of the faults that answer."""


@attrs.define
class Planned:
    """A fault that waits for ``times`` matching requests."""

    fault: Fault
    method: str
    path: str
    times: int


class Faults:
    """Planned faults, and delays of requests and replies."""

    def __init__(self) -> None:
        self._planned: deque[Planned] = deque(maxlen=QUEUE_MAX)
        self.delays = Delays()
        self.refusals = OrderedRefusals()
        self.queue_ms = 0
        """How long order operations wait between the gateway and the matching engine."""
        self.amending: set[tuple[str, ...]] = set()
        """Orders whose amendment waits for the matching engine: account, symbol and id."""
        self.is_reply_first = False
        """Whether user-data frames of a request wait until its reply has left."""
        self.states: dict[str, State] = {}
        """Symbols that do not trade as usual."""

    def plan(self, fault: Fault, *, method: str = "", path: str = "", times: int = 1) -> None:
        """Let the next ``times`` requests fail that match; an empty method or path matches all."""
        self._planned.append(Planned(fault, method.upper(), path, times))

    @property
    def waiting(self) -> dict[str, int]:
        """Return how many requests each kind of fault still waits for."""
        found: dict[str, int] = {}
        for planned in self._planned:
            found[planned.fault.value] = found.get(planned.fault.value, 0) + planned.times
        return found

    def take(self, method: str, path: str, params: Mapping[str, str]) -> Fault | None:
        """Return the fault for this request, and count it."""
        for planned in self._planned:
            if planned.method in ("", method) and planned.path in ("", path):
                if planned.fault is Fault.OVERLOADED_503 and only_reduces(params):
                    continue
                planned.times -= 1
                if planned.times <= 0:
                    self._planned.remove(planned)
                return planned.fault
        return None

    def clear(self) -> None:
        """Forget every fault and the delays."""
        self._planned.clear()
        self.delays.clear()
        self.refusals.clear()
        self.queue_ms = 0
        self.is_reply_first = False
        self.states.clear()
