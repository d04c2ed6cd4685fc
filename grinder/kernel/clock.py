"""The only reader of the machine's clocks."""

from __future__ import annotations

import time
from typing import Protocol


class Clock(Protocol):
    """Where a runtime takes its time from."""

    def now_ns(self) -> int:
        """Return nanoseconds since the Unix epoch; never less than the call before."""


class SystemClock:
    """Wall time that does not step: read once, then carried on by the monotonic clock.

    A clock corrected by NTP in the middle of a run must not make timers fire early or ages
    negative. The offset to the venue's clock is measured apart and covers what drift there is.
    """

    def __init__(self) -> None:
        self._offset_ns = time.time_ns() - time.monotonic_ns()

    def now_ns(self) -> int:
        """Return nanoseconds since the Unix epoch."""
        return time.monotonic_ns() + self._offset_ns


class ManualClock:
    """Virtual time: moves only when told."""

    def __init__(self, start_ns: int = 0) -> None:
        self._now_ns = start_ns

    def now_ns(self) -> int:
        """Return the virtual time in nanoseconds."""
        return self._now_ns

    def advance_to(self, at_ns: int) -> None:
        """Move to ``at_ns``; a time in the past changes nothing."""
        self._now_ns = max(self._now_ns, at_ns)
