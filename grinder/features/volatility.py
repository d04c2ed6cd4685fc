"""True range and its mean.

The mean is the simple one over the last ``period`` true ranges, not Wilder's recursive smoothing
(New Concepts in Technical Trading Systems, 1978).
"""

from __future__ import annotations

from collections import deque

from grinder.features.bars import Bar
from grinder.model.units import BPS


def true_range2(bar: Bar, previous_close2: int) -> int:
    """Return the true range of ``bar`` in the bar's own unit (twice the mid, ticks)."""
    return max(
        bar.high2 - bar.low2, abs(bar.high2 - previous_close2), abs(bar.low2 - previous_close2)
    )


def round_half_even(numerator: int, denominator: int) -> int:
    """Return the quotient rounded to the nearest whole number, halves to the even one.

    Both are whole numbers and the denominator is above 0.
    """
    quotient, rest = divmod(numerator, denominator)
    doubled = 2 * rest
    if doubled > denominator or (doubled == denominator and quotient % 2):
        return quotient + 1
    return quotient


class AverageTrueRange:
    """Mean true range of the last ``period`` bars; needs one bar more for the first close."""

    __slots__ = ("_last_close2", "_ranges", "_sum", "is_warm", "natr_bps", "period")

    def __init__(self, period: int) -> None:
        if period < 1:
            raise ValueError(f"expected a period of at least 1, was {period}")
        self.period = period
        self._ranges: deque[int] = deque()
        self._sum = 0
        self._last_close2: int | None = None
        self.natr_bps = 0
        """Mean true range over the last close x 10,000; 0 while warming up or on a close of 0."""
        self.is_warm = False
        """True once ``period`` true ranges are known."""

    def add(self, bar: Bar) -> None:
        """Take a completed bar."""
        if self._last_close2 is not None:
            latest = true_range2(bar, self._last_close2)
            self._ranges.append(latest)
            self._sum += latest
            if len(self._ranges) > self.period:
                self._sum -= self._ranges.popleft()
            self.is_warm = len(self._ranges) == self.period
        self._last_close2 = bar.close2
        self.natr_bps = (
            round_half_even(BPS * self._sum, self.period * bar.close2)
            if self.is_warm and bar.close2 > 0
            else 0
        )
