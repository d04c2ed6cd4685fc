"""A venue in a process of its own, so that a load does not share its interpreter."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Sequence
from types import TracebackType

import attrs

KEY = "bench-key"
SECRET = "a secret that opens nothing, as long as those that do open something"
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
            [sys.executable, "-m", "grinder.bench.venue_process"],
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
