"""A venue in a process of its own, so that a load does not share its interpreter."""

from __future__ import annotations

import time
from collections.abc import Sequence

import attrs

from grinder.bench.child_process import ChildProcess

KEY = "bench-key"
SECRET = "a secret that opens nothing, as long as those that do open something"


@attrs.frozen(kw_only=True)
class Usage:
    """What a venue has used so far."""

    resident_bytes: int
    cpu_s: float
    at_s: float
    """When it was asked: the parent's monotonic clock."""

    def cpu_share(self, before: Usage) -> float:
        """Return the share of a core that it used since ``before``."""
        return (self.cpu_s - before.cpu_s) / (self.at_s - before.at_s)


class VenueChild(ChildProcess):
    """Starts the venue.

    Raises:
        RuntimeError: it did not start.
    """

    def __init__(
        self, symbols: Sequence[str], data: Sequence[str] = (), *, speed: float = 1.0
    ) -> None:
        super().__init__("grinder.bench.venue_process")
        addresses = self.ask({"symbols": [*symbols], "data": [*data], "speed": speed})
        self.rest_url = str(addresses["rest"])
        self.ws_url = str(addresses["ws"])

    def usage(self) -> Usage:
        """Return what the venue has used; its garbage is collected before."""
        found = self.ask("usage")
        return Usage(
            resident_bytes=int(found["resident_bytes"]),
            cpu_s=float(found["cpu_s"]),
            at_s=time.monotonic(),
        )
