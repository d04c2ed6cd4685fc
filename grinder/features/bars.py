"""Bars of the mid, in twice the mid (bid plus ask) so that everything stays a whole number."""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

BARS_MAX = 1_000
"""Completed bars kept."""


class Bar(NamedTuple):
    """One completed bar; prices are twice the mid in ticks."""

    start_ns: int
    open2: int
    high2: int
    low2: int
    close2: int
    ticks: int


class BarBuilder:
    """The forming bar and the completed ones.

    A bar completes when a tick of a later bucket arrives, and only then. Empty buckets make no
    bars. A tick of an earlier bucket than the forming one is left out and counted.
    """

    __slots__ = (
        "_close2",
        "_end_ns",
        "_high2",
        "_low2",
        "_open2",
        "_start_ns",
        "_ticks",
        "bars",
        "completed",
        "interval_ns",
        "late",
    )

    def __init__(self, interval_ns: int, bars_max: int = BARS_MAX) -> None:
        if interval_ns < 1 or bars_max < 1:
            raise ValueError(
                f"expected an interval and a bound above 0, was {interval_ns} and {bars_max}"
            )
        self.interval_ns = interval_ns
        self.bars: deque[Bar] = deque(maxlen=bars_max)
        self.completed = 0
        """Bars completed so far, also those no longer kept."""
        self.late = 0
        self._start_ns = 0
        self._end_ns = 0
        self._open2 = self._high2 = self._low2 = self._close2 = 0
        self._ticks = 0

    def add(self, ts_ns: int, mid2: int) -> Bar | None:
        """Take one tick; return the bar that it completes, if any."""
        if ts_ns < self._end_ns:
            if ts_ns < self._start_ns:
                self.late += 1
                return None
            if mid2 > self._high2:
                self._high2 = mid2
            elif mid2 < self._low2:
                self._low2 = mid2
            self._close2 = mid2
            self._ticks += 1
            return None
        return self._begin(ts_ns, mid2)

    def _begin(self, ts_ns: int, mid2: int) -> Bar | None:
        completed = None
        if self._ticks:
            completed = Bar(
                self._start_ns, self._open2, self._high2, self._low2, self._close2, self._ticks
            )
            self.bars.append(completed)
            self.completed += 1
        self._start_ns = ts_ns - ts_ns % self.interval_ns
        self._end_ns = self._start_ns + self.interval_ns
        self._open2 = self._high2 = self._low2 = self._close2 = mid2
        self._ticks = 1
        return completed
