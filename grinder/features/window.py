"""The oldest value of the last few seconds, at a constant cost for each one added."""

from __future__ import annotations

CAPACITY = 8_192
"""Values held at most: five seconds of distinct milliseconds, the venue's resolution, fit.

Of a window with more values, the oldest held stands for the oldest.
"""


class OldestInWindow:
    """A ring of (time, value) from which old entries fall.

    ``add`` answers the oldest value not older than ``span_ns``, the one just added among them.
    Times that go backwards are taken as the last one: the window never grows by a wrong clock.
    A new value at the time of the last one is not stored: it can never be the oldest of a window
    before that one is, and then it is of the same age.
    """

    __slots__ = ("_capacity", "_head", "_size", "_times", "_values", "dropped", "span_ns")

    def __init__(self, span_ns: int, capacity: int = CAPACITY) -> None:
        if span_ns < 0 or capacity < 1:
            raise ValueError(
                f"expected a span of at least 0 and room, was {span_ns} and {capacity}"
            )
        self.span_ns = span_ns
        self._capacity = capacity
        self._times = [0] * capacity
        self._values = [0] * capacity
        self._head = 0
        self._size = 0
        self.dropped = 0
        """Values that fell out for want of room, before their time."""

    def add(self, ts_ns: int, value: int) -> int:
        """Take a value; return the oldest one within the span."""
        times = self._times
        capacity = self._capacity
        head = self._head
        size = self._size
        if size:
            last_ns = times[(head + size - 1) % capacity]
            if ts_ns <= last_ns:
                return self._values[head]
        limit_ns = ts_ns - self.span_ns
        while size and times[head] < limit_ns:
            head = (head + 1) % capacity
            size -= 1
        if size == capacity:
            head = (head + 1) % capacity
            size -= 1
            self.dropped += 1
        at = (head + size) % capacity
        times[at] = ts_ns
        self._values[at] = value
        self._head = head
        self._size = size + 1
        return self._values[head]

    def __len__(self) -> int:
        return self._size
