"""The venue's clock, as far as it can be known from here."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import attrs

from grinder.errors import TransientError
from grinder.messages.venue import ClockMeasured
from grinder.model.units import NS_PER_MS

SAMPLES = 5
FAILURES_MAX = 2
"""So many unanswered questions in a row end a measurement: the thread has better things to do."""
REMEASURE_AFTER_NS = 180 * 1_000_000_000


@attrs.frozen(kw_only=True)
class Sample:
    """One question about the time, in nanoseconds of the local monotonic clock."""

    sent_ns: int
    received_ns: int
    venue_ns: int

    @property
    def round_trip_ns(self) -> int:
        """Time between question and answer."""
        return self.received_ns - self.sent_ns


class VenueClock:
    """Tell the venue's time without ever being ahead of it. Safe from any thread.

    The venue refuses a timestamp a second ahead of it, but takes one that lags by the receive
    window. So its answer is read as if it had been made the moment it reached us: at most the
    way back too early, never too late. It runs on the monotonic clock, so that a step of the
    local wall clock does not move it; after a suspended host it lags, is refused, and measured
    again.
    """

    def __init__(
        self,
        *,
        wall_ns: Callable[[], int] = time.time_ns,
        monotonic_ns: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        self._wall_ns = wall_ns
        self._monotonic_ns = monotonic_ns
        self._best: Sample | None = None
        self.is_measured = False
        """True once measured."""
        self._measured = ClockMeasured(scope="venue", offset_ns=0, round_trip_ns=0)
        self._measuring = threading.Lock()

    @property
    def is_due(self) -> bool:
        """True when the last measurement is minutes old, or there is none."""
        best = self._best
        return best is None or self._monotonic_ns() - best.received_ns >= REMEASURE_AFTER_NS

    @property
    def last(self) -> ClockMeasured:
        """The last measurement; zeros before the first."""
        return self._measured

    def mark(self) -> int:
        """Return a point on the local monotonic clock, to compare measurements with."""
        return self._monotonic_ns()

    def venue_ms(self) -> int:
        """Return the venue's time in milliseconds since the epoch, never ahead of it.

        Raises:
            TransientError: it has not been measured yet.
        """
        best = self._best
        if best is None:
            raise TransientError("the venue's clock has not been measured yet")
        return (best.venue_ns + self._monotonic_ns() - best.received_ns) // NS_PER_MS

    def measure(self, read_ms: Callable[[], int], *, since: int | None = None) -> ClockMeasured:
        """Ask ``read_ms`` for the venue's time five times and keep the quickest answer.

        With ``since`` (see ``mark``) nothing is asked if another thread measured after it.

        Raises:
            TransientError: not one question was answered.
        """
        with self._measuring:
            best = self._best
            if since is not None and best is not None and best.received_ns > since:
                return self._measured
            fresh = self._quickest(read_ms)
            wall_minus_monotonic = self._wall_ns() - self._monotonic_ns()
            middle = (fresh.sent_ns + fresh.received_ns) // 2
            self._measured = ClockMeasured(
                scope="venue",
                offset_ns=fresh.venue_ns - middle - wall_minus_monotonic,
                round_trip_ns=fresh.round_trip_ns,
            )
            self._best = fresh
            self.is_measured = True
            return self._measured

    def _quickest(self, read_ms: Callable[[], int]) -> Sample:
        best: Sample | None = None
        failure: TransientError | None = None
        failures = 0
        for _ in range(SAMPLES):
            if failures >= FAILURES_MAX:
                break
            sent_ns = self._monotonic_ns()
            try:
                venue_ms = read_ms()
            except TransientError as error:
                failure = error
                failures += 1
                continue
            failures = 0
            sample = Sample(
                sent_ns=sent_ns, received_ns=self._monotonic_ns(), venue_ns=venue_ms * NS_PER_MS
            )
            if best is None or sample.round_trip_ns < best.round_trip_ns:
                best = sample
        if best is None:
            raise failure or TransientError("the venue's time was not asked for")
        return best
