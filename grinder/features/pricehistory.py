"""Returns over the last minutes and the slope of the price, from the mids at the samples."""

from __future__ import annotations

from math import log

from grinder.features.rolling import Lag, RollingFit, RollingZ
from grinder.model.units import BPS, NS_PER_S

MINUTE_NS = 60 * NS_PER_S
SPANS_NS = (MINUTE_NS, 5 * MINUTE_NS, 15 * MINUTE_NS, 60 * MINUTE_NS)
SLOPE_S = 300
SLOPE_MIN = 30
"""Mids without which there is no slope."""


class PriceHistory:
    """The mids of the last hour, at most one for each second of the venue."""

    __slots__ = ("_fit", "_lags", "_momentum", "_origin_ns", "_second", "returns")

    def __init__(self) -> None:
        self._lags = tuple(Lag(span_ns) for span_ns in SPANS_NS)
        self._momentum = (RollingZ(), RollingZ())
        self._fit = RollingFit(SLOPE_S + 1)
        self._second = -1
        self._origin_ns = 0
        self.returns: tuple[float | None, ...] = (None,) * len(SPANS_NS)
        """Over 1 minute, 5 minutes, 15 minutes and an hour, as fractions."""

    def values(self, now_ns: int, mid2: int) -> tuple[float | None, ...]:
        """Take the mid of a sample; return what the registry lists of the history.

        ``mid2`` is above 0. The reference of a return is the last mid held that is at least as old
        as the span.
        """
        second = now_ns // NS_PER_S
        if second > self._second:
            if self._second < 0:
                self._origin_ns = now_ns
            self._second = second
            row = (now_ns, float(mid2))
            for lag in self._lags:
                lag.add(row)
            at_s = (now_ns - self._origin_ns) / NS_PER_S
            self._fit.add(at_s, log(mid2))
            self._fit.drop_before(at_s - SLOPE_S)
        self.returns = tuple(
            None if (then2 := lag.at(now_ns)) is None else mid2 / then2 - 1.0 for lag in self._lags
        )
        minute, five = self.returns[:2]
        slope = self._fit.slope() if len(self._fit) >= SLOPE_MIN else None
        return (
            *self.returns,
            None if minute is None else self._momentum[0].add(minute),
            None if five is None else self._momentum[1].add(five),
            None if minute is None else BPS * minute,
            None if slope is None else 60.0 * slope,
        )
