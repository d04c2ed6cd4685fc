"""How a symbol moves with the leading one: beta and what it does not explain."""

from __future__ import annotations

from collections import deque

from grinder.features.bars import Bar
from grinder.features.rolling import RollingFit

WINDOW = 60
MINIMUM = 30
BETA_MAX = 2.0
BETA_COLD = 1.0
KEPT = 8
"""Returns that wait for the same bar of the leading symbol."""

Move = tuple[int, int, float]
"""Start of the bar before, start of the bar, return from close to close."""


class Moves:
    """The newest returns of one symbol's bars."""

    __slots__ = ("_last", "recent")

    def __init__(self) -> None:
        self._last: Bar | None = None
        self.recent: deque[Move] = deque(maxlen=KEPT)

    def add(self, bar: Bar) -> None:
        """Take a completed bar."""
        last = self._last
        if last is not None and last.close2 > 0:
            self.recent.append((last.start_ns, bar.start_ns, bar.close2 / last.close2 - 1.0))
        self._last = bar


class Beta:
    """Least squares of a symbol's returns on those of the leading one, over 60 common bars."""

    __slots__ = ("_fit", "_paired_ns")

    def __init__(self) -> None:
        self._fit = RollingFit(WINDOW)
        self._paired_ns = -1

    def values(
        self, own: Moves, leading: Moves, ret: float | None, leading_ret: float | None
    ) -> tuple[float | None, ...]:
        """Return beta in [-2, 2], the residual of the 5-minute return, and R squared.

        Beta is 1 before 30 common bars.
        """
        for before_ns, start_ns, move in own.recent:
            if start_ns <= self._paired_ns:
                continue
            for other_before_ns, other_start_ns, other in leading.recent:
                if (other_before_ns, other_start_ns) == (before_ns, start_ns):
                    self._fit.add(other, move)
                    self._paired_ns = start_ns
        is_warm = len(self._fit) >= MINIMUM
        slope = self._fit.slope() if is_warm else None
        beta = BETA_COLD if slope is None else max(-BETA_MAX, min(BETA_MAX, slope))
        residual = None if ret is None or leading_ret is None else ret - beta * leading_ret
        return beta, residual, self._fit.explained() if is_warm else None
