"""Latencies and rates of the recent past, in bounded room."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

from grinder.model.units import NS_PER_S

SAMPLES_MAX = 10_000
MINUTE_NS = 60 * NS_PER_S


class Latencies:
    """The last ten thousand samples of one kind, in nanoseconds."""

    def __init__(self) -> None:
        self._samples: deque[int] = deque(maxlen=SAMPLES_MAX)
        self.count = 0
        """All that were ever taken, those forgotten included."""

    def add(self, sample_ns: int) -> None:
        """Take one sample."""
        self.count += 1
        self._samples.append(sample_ns)

    def copy(self) -> tuple[int, ...]:
        """Return the samples still held, oldest first."""
        return tuple(self._samples)


def percentiles_us(samples_ns: Iterable[int]) -> dict[str, float | int | None]:
    """Return p50, p99 and the greatest in microseconds by nearest rank; None without samples."""
    ordered = sorted(samples_ns)
    if not ordered:
        return {"p50": None, "p99": None, "max": None, "samples": 0}
    return {
        "p50": _rank(ordered, 50) / 1_000,
        "p99": _rank(ordered, 99) / 1_000,
        "max": ordered[-1] / 1_000,
        "samples": len(ordered),
    }


class MinuteRate:
    """How often something happened in the last minute, counted in sixty seconds of bins."""

    def __init__(self) -> None:
        self._bins: deque[list[int]] = deque(maxlen=61)

    def add(self, at_ns: int, count: int = 1) -> None:
        """Take note of so many events."""
        second = at_ns // NS_PER_S
        if self._bins and self._bins[-1][0] >= second:
            self._bins[-1][1] += count
        else:
            self._bins.append([second, count])

    def per_minute(self, now_ns: int) -> int:
        """Return the events within the minute before ``now_ns``."""
        since = (now_ns - MINUTE_NS) // NS_PER_S
        return sum(count for second, count in self._bins if second > since)


def _rank(ordered: list[int], percent: int) -> int:
    # Nearest rank: the smallest sample that at least `percent` of all do not exceed.
    return ordered[max(0, -(-len(ordered) * percent // 100) - 1)]
