"""A time for each name, and the earliest of them."""

from __future__ import annotations

from heapq import heapify, heappop, heappush


class Timers:
    """At most one time for a name."""

    def __init__(self) -> None:
        self._at_ns: dict[str, int] = {}
        self._queue: list[tuple[int, str]] = []
        """Every timer by time, and some that were replaced or withdrawn."""

    def set(self, name: str, at_ns: int) -> None:
        """Let ``name`` be due at ``at_ns``, and at no other time."""
        self._at_ns[name] = at_ns
        heappush(self._queue, (at_ns, name))
        if len(self._queue) > 64 + 4 * len(self._at_ns):
            self._queue = [(due_ns, each) for each, due_ns in self._at_ns.items()]
            heapify(self._queue)

    def drop(self, name: str) -> None:
        """Withdraw the time of ``name``, if it has one."""
        self._at_ns.pop(name, None)

    def take_due(self, now_ns: int) -> list[str]:
        """Return the names that are due, longest set first; their times are over."""
        names = [name for name, at_ns in self._at_ns.items() if at_ns <= now_ns]
        for name in names:
            del self._at_ns[name]
        return names

    def next_ns(self) -> int | None:
        """Return the earliest time; None if there is none."""
        queue = self._queue
        while queue and self._at_ns.get(queue[0][1]) != queue[0][0]:
            heappop(queue)
        return queue[0][0] if queue else None
