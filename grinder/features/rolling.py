"""Sums over a moving window, at a constant cost for each value added.

Sums are taken around an offset near the values. They are made anew from what is held once in each
window, and whenever the offset has become so far from the values that rounding would tell, so
rounding neither grows nor outlives the values behind it.
"""

from __future__ import annotations

from collections import deque
from math import sqrt

WINDOW = 300
"""Values that a z-score looks back on."""
MINIMUM = 30
"""Values without which there is no z-score."""
CLIP = 5.0
EPSILON = 1e-8
FLAT = 1e-10
"""A standard deviation below it is none."""
FAR = 1e-6
"""A variance that is a smaller part of the mean square about the offset is mostly rounding."""


class RollingZ:
    """The z-score of each value among the last ``window``, the value itself among them.

    (x - mean) / (population standard deviation + 1e-8), within [-clip, clip]; 0 when nothing
    moves; None before ``minimum`` values.
    """

    __slots__ = ("_age", "_clip", "_minimum", "_offset", "_squares", "_sum", "_values", "_window")

    def __init__(self, window: int = WINDOW, minimum: int = MINIMUM, clip: float = CLIP) -> None:
        if not 1 <= minimum <= window:
            raise ValueError(f"expected 1 <= minimum <= window, was {minimum} and {window}")
        self._window = window
        self._minimum = minimum
        self._clip = clip
        self._values: deque[float] = deque()
        self._offset = 0.0
        self._sum = 0.0
        self._squares = 0.0
        self._age = 0

    def __len__(self) -> int:
        return len(self._values)

    @property
    def mean(self) -> float:
        """Mean of the values held; 0 without any."""
        count = len(self._values)
        return self._offset + self._sum / count if count else 0.0

    def add(self, value: float) -> float | None:
        """Take a value; return its z-score."""
        values = self._values
        if not values:
            self._offset = value
        away = value - self._offset
        values.append(value)
        self._sum += away
        self._squares += away * away
        count = len(values)
        if count > self._window:
            count -= 1
            gone = values.popleft() - self._offset
            self._sum -= gone
            self._squares -= gone * gone
            self._age += 1
            if self._age >= self._window or FAR * gone * gone > self._squares:
                self._sum_anew()
        if count < self._minimum:
            return None
        mean = self._sum / count
        square = self._squares / count
        variance = square - mean * mean
        if variance < FAR * square:
            self._sum_anew()
            mean = self._sum / count
            variance = self._squares / count - mean * mean
        away = value - self._offset
        deviation = sqrt(variance) if variance > 0.0 else 0.0
        if deviation < FLAT:
            return 0.0
        score = (away - mean) / (deviation + EPSILON)
        clip = self._clip
        return clip if score > clip else -clip if score < -clip else score

    def _sum_anew(self) -> None:
        values = self._values
        self._age = 0
        first = values[0]
        # Exactly the value where all are the same.
        self._offset = offset = first + sum(value - first for value in values) / len(values)
        self._sum = sum(value - offset for value in values)
        self._squares = sum((value - offset) ** 2 for value in values)


class RollingFit:
    """Ordinary least squares of y on x over a moving window: y = a + slope x."""

    __slots__ = ("_age", "_pairs", "_window", "_x", "_x0", "_xx", "_xy", "_y", "_y0", "_yy")

    def __init__(self, window: int) -> None:
        if window < 2:
            raise ValueError(f"expected a window of at least 2 pairs, was {window}")
        self._window = window
        self._pairs: deque[tuple[float, float]] = deque()
        self._x0 = self._y0 = 0.0
        self._x = self._y = self._xx = self._xy = self._yy = 0.0
        self._age = 0

    def __len__(self) -> int:
        return len(self._pairs)

    def add(self, x: float, y: float) -> None:
        """Take a pair; the oldest goes when there are more than ``window``."""
        pairs = self._pairs
        if not pairs:
            self._x0, self._y0 = x, y
        pairs.append((x, y))
        self._count(x - self._x0, y - self._y0, 1)
        if len(pairs) > self._window:
            self._drop()

    def drop_before(self, x: float) -> None:
        """Forget the pairs of a smaller x at the old end; for an x that only grows."""
        pairs = self._pairs
        while pairs and pairs[0][0] < x:
            self._drop()

    def _drop(self) -> None:
        x, y = self._pairs.popleft()
        x -= self._x0
        y -= self._y0
        self._count(x, y, -1)
        self._age += 1
        if self._age >= self._window or FAR * x * x > self._xx or FAR * y * y > self._yy:
            self._sum_anew()

    def _count(self, x: float, y: float, sign: int) -> None:
        self._x += sign * x
        self._y += sign * y
        self._xx += sign * x * x
        self._xy += sign * x * y
        self._yy += sign * y * y

    def _sum_anew(self) -> None:
        pairs = self._pairs
        count = len(pairs)
        self._age = 0
        self._x = self._y = self._xx = self._xy = self._yy = 0.0
        if not count:
            return
        x0, y0 = pairs[0]
        self._x0 = x0 + sum(x - x0 for x, _ in pairs) / count
        self._y0 = y0 + sum(y - y0 for _, y in pairs) / count
        for x, y in pairs:
            self._count(x - self._x0, y - self._y0, 1)

    def slope(self) -> float | None:
        """Return the slope; None when all x are the same or there are fewer than two pairs."""
        count = len(self._pairs)
        if count < 2:
            return None
        spread = self._xx - self._x * self._x / count
        if spread < FAR * self._xx:
            self._sum_anew()
            spread = self._xx - self._x * self._x / count
        return (self._xy - self._x * self._y / count) / spread if spread > 0.0 else None

    def explained(self) -> float | None:
        """Return R squared, in [0, 1]; None without a slope, 0 when no y differs."""
        slope = self.slope()
        if slope is None:
            return None
        count = len(self._pairs)
        total = self._yy - self._y * self._y / count
        if total < FAR * self._yy:
            self._sum_anew()
            total = self._yy - self._y * self._y / count
        if total <= 0.0:
            return 0.0
        shared = self._xy - self._x * self._y / count
        return min(1.0, max(0.0, slope * shared / total))


class Lag:
    """What a value was some time ago: the last one at or before then."""

    __slots__ = ("_rows", "span_ns")

    def __init__(self, span_ns: int) -> None:
        self.span_ns = span_ns
        self._rows: deque[tuple[int, float]] = deque()

    def add(self, row: tuple[int, float]) -> None:
        """Take (time, value); times never fall."""
        self._rows.append(row)

    def at(self, now_ns: int) -> float | None:
        """Return the value of ``span_ns`` before ``now_ns``; None when nothing is so old."""
        rows = self._rows
        then_ns = now_ns - self.span_ns
        while len(rows) > 1 and rows[1][0] <= then_ns:
            rows.popleft()
        return rows[0][1] if rows and rows[0][0] <= then_ns else None


class SecondSums:
    """Sums of some quantities over the current second of the venue and those before it.

    ``open`` holds the sums of the current second and is added to by the owner after ``roll``. What
    comes late counts as of the current second.
    """

    __slots__ = ("_rows", "_sums", "open", "second", "spans")

    def __init__(self, spans: tuple[int, ...], quantities: int) -> None:
        self.spans = spans
        """Seconds, the current one among them."""
        self.second = 0
        self.open = [0] * quantities
        self._rows: tuple[deque[tuple[int, ...]], ...] = tuple(deque() for _ in spans)
        self._sums = tuple([0] * quantities for _ in spans)

    def roll(self, second: int) -> None:
        """Begin ``second`` if it is later than the current one."""
        if second <= self.second:
            return
        if any(self.open):
            row = (self.second, *self.open)
            for rows, sums in zip(self._rows, self._sums, strict=True):
                rows.append(row)
                for at, value in enumerate(self.open):
                    sums[at] += value
            self.open = [0] * len(self.open)
        self.second = second
        for span, rows, sums in zip(self.spans, self._rows, self._sums, strict=True):
            first = second - span
            while rows and rows[0][0] <= first:
                gone = rows.popleft()
                for at in range(len(sums)):
                    sums[at] -= gone[at + 1]

    def sums(self, which: int) -> list[int]:
        """Return the sums over the span number ``which``."""
        return [old + new for old, new in zip(self._sums[which], self.open, strict=True)]
