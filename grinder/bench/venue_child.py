"""A venue in a process of its own, so that a load does not share its interpreter.

``python -m grinder.bench.venue_child`` reads its configuration as a line of JSON (``symbols``,
``data``, ``speed``), answers with its addresses, and then each further line with what it has used.
The end of its input ends it. Rate limits are lifted by configuration; nothing else differs from a
user's venue.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Sequence
from decimal import Decimal
from types import TracebackType

import attrs

from grinder.bench.memory import resident_bytes
from grinder.venues.sim.config import AccountSeed, Limits, VenueConfig
from grinder.venues.sim.server import VenueServer

KEY = "bench-key"
SECRET = "a secret that opens nothing, as long as those that do open something"
LIFTED = 1_000_000_000
STOP_TIMEOUT_S = 20.0


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


class VenueChild:
    """Starts the process and talks with it; a context manager, because it has to end.

    Raises:
        RuntimeError: the venue did not start, or has ended.
    """

    def __init__(
        self, symbols: Sequence[str], data: Sequence[str] = (), *, speed: float = 1.0
    ) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "grinder.bench.venue_child"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            encoding="utf-8",
        )
        wanted = {"symbols": [*symbols], "data": [*data], "speed": speed}
        addresses = self._asked(json.dumps(wanted))
        self.rest_url = str(addresses["rest"])
        self.ws_url = str(addresses["ws"])

    def usage(self) -> Usage:
        """Return what the venue has used; its garbage is collected before."""
        found = self._asked("usage")
        return Usage(
            resident_bytes=int(found["resident_bytes"]),
            cpu_s=float(found["cpu_s"]),
            at_s=time.monotonic(),
        )

    def __enter__(self) -> VenueChild:
        return self

    def __exit__(
        self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None
    ) -> None:
        try:
            self._process.communicate(timeout=STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.communicate()

    def _asked(self, line: str) -> dict[str, float | str]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        if not answer:
            raise RuntimeError(f"the venue ended with {self._process.wait(STOP_TIMEOUT_S)}")
        found: dict[str, float | str] = json.loads(answer)
        return found


def main() -> None:
    """Serve until the input ends."""
    wanted = json.loads(sys.stdin.readline())
    server = VenueServer(
        VenueConfig(
            symbols=tuple(wanted["symbols"]),
            data=tuple(wanted["data"]),
            speed=wanted["speed"],
            accounts=(AccountSeed(key=KEY, secret=SECRET, balance=Decimal(10_000_000)),),
            limits=Limits(weight_1m=LIFTED, orders_10s=LIFTED, orders_1m=LIFTED),
        )
    )
    rest, ws = server.start()
    _say({"rest": rest, "ws": ws})
    for _ in sys.stdin:
        _say({"resident_bytes": resident_bytes(), "cpu_s": time.process_time()})
    server.stop()


def _say(answer: dict[str, float | str]) -> None:
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
