"""Moments at which the simulated venue acts by itself, in order."""

from __future__ import annotations

from bisect import bisect_left, insort
from enum import IntEnum

NEVER_MS = 2**62
"""Later than every moment."""


class Due(IntEnum):
    """What happens at a deadline; of two at one moment the smaller number goes first."""

    FUNDING = 0
    GOOD_TILL = 1
    COUNTDOWN = 2


Deadline = tuple[int, Due, int, str, str]
"""(epoch ms, what, order id or 0, account or empty, symbol)."""


class Deadlines:
    """A sorted list without repeats; as long as what is waiting, whatever the run length."""

    __slots__ = ("_waiting", "next_ms")

    def __init__(self) -> None:
        self._waiting: list[Deadline] = []
        self.next_ms = NEVER_MS
        """The earliest deadline; NEVER_MS when none waits."""

    def __len__(self) -> int:
        return len(self._waiting)

    def add(self, deadline: Deadline) -> None:
        """Wait for ``deadline``."""
        insort(self._waiting, deadline)
        self.next_ms = self._waiting[0][0]

    def discard(self, deadline: Deadline) -> None:
        """Stop waiting for ``deadline``; an unknown one is ignored."""
        at = bisect_left(self._waiting, deadline)
        if at < len(self._waiting) and self._waiting[at] == deadline:
            del self._waiting[at]
            self.next_ms = self._waiting[0][0] if self._waiting else NEVER_MS

    def pop(self) -> Deadline:
        """Return the earliest deadline and forget it."""
        first = self._waiting.pop(0)
        self.next_ms = self._waiting[0][0] if self._waiting else NEVER_MS
        return first
