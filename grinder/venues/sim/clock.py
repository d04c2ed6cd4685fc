"""The venue's clock: one object, asked by everything that stamps a time."""

from __future__ import annotations

import time


class VenueClock:
    """Tell venue time and market time.

    Venue time is the wall clock plus ``offset_ms``: signed requests of clients on this machine must
    fall into its window. Market time is the time since the start, ``speed`` times faster; it only
    paces the market's events.
    """

    def __init__(self, speed: float = 1.0, offset_ms: int = 0) -> None:
        if not speed > 0:
            raise ValueError(f"expected a speed above 0, was {speed}")
        self.speed = speed
        self.offset_ms = offset_ms
        self._started = time.monotonic()
        self._drift_ppm = 0
        self._drifts_since = self._started

    def drift(self, ppm: int) -> None:
        """Let venue time run fast (or slow, below 0) by ``ppm`` millionths from now on.

        What has drifted so far is forgotten: the offset alone counts at this moment.
        """
        self._drift_ppm = ppm
        self._drifts_since = time.monotonic()

    def now_ms(self) -> int:
        """Return venue time in milliseconds since the Unix epoch."""
        now_ms = time.time_ns() // 1_000_000 + self.offset_ms
        if not self._drift_ppm:
            return now_ms
        return now_ms + int((time.monotonic() - self._drifts_since) * self._drift_ppm / 1000)

    def market_ms(self) -> float:
        """Return milliseconds of market time since the start."""
        return (time.monotonic() - self._started) * 1000 * self.speed
