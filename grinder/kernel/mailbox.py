"""A bounded mailbox with three lanes, whose market data conflates.

It belongs to an address, not to an actor: it outlives every generation of its owner. What waits in
it is an item ``(seq, sender, cause, body)``; items become envelopes only for those who ask.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Hashable
from typing import Final

from grinder.kernel.message import Lane, Message

Item = tuple[int, str, int, Message]

QUEUED: Final = 0
"""The item waits; its owner is already on its way."""
WAKE: Final = 1
"""The item waits and its owner has to be woken."""
FULL: Final = 2
"""The item was not taken: the mailbox is at its bound."""


class Mailbox:
    """Items in order of lane, then of arrival.

    A conflated message takes the place of the one of its class and key that still waits, so a
    lagging consumer finds one item for each key, the newest.
    """

    __slots__ = ("_control", "_latest", "_normal", "_urgent", "capacity", "conflated", "scheduled")

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        """Items that may wait in each lane."""
        self.conflated = 0
        """Items replaced before they were read, since the start."""
        self.scheduled = False
        """True while the owner has been woken and not yet found it empty."""
        self._control: deque[Item] = deque()
        self._urgent: deque[Item] = deque()
        self._normal: deque[Item | list[object]] = deque()
        self._latest: dict[Hashable, list[object]] = {}

    def put(self, item: Item) -> int:
        """Take ``item``; return QUEUED, WAKE or FULL."""
        body = item[3]
        lane = body.lane
        if lane is Lane.NORMAL:
            field = body.conflate_by
            if field is not None:
                return self._put_latest(item, (body.__class__, getattr(body, field)))
            queue: deque[Item | list[object]] = self._normal
        elif lane is Lane.URGENT:
            queue = self._urgent  # type: ignore[assignment]  # holds items only
        else:
            queue = self._control  # type: ignore[assignment]  # holds items only
        if len(queue) >= self.capacity:
            return FULL
        queue.append(item)
        return self._schedule()

    def _put_latest(self, item: Item, key: Hashable) -> int:
        waiting = self._latest.get(key)
        if waiting is not None:
            waiting[0:4] = item
            self.conflated += 1
            return QUEUED
        if len(self._normal) >= self.capacity:
            return FULL
        entry: list[object] = [*item, key]
        self._latest[key] = entry
        self._normal.append(entry)
        return self._schedule()

    def _schedule(self) -> int:
        if self.scheduled:
            return QUEUED
        self.scheduled = True
        return WAKE

    def pop(self) -> Item | None:
        """Return the next item; None if nothing waits, and then the owner must be woken again."""
        if self._control:
            return self._control.popleft()
        if self._urgent:
            return self._urgent.popleft()
        if self._normal:
            entry = self._normal.popleft()
            if entry.__class__ is list:
                del self._latest[entry[4]]
                return (entry[0], entry[1], entry[2], entry[3])  # type: ignore[return-value]
            return entry  # type: ignore[return-value]
        self.scheduled = False
        return None

    def clear(self) -> int:
        """Throw away what waits; return how many items that were."""
        lost = len(self)
        self._control.clear()
        self._urgent.clear()
        self._normal.clear()
        self._latest.clear()
        return lost

    def __len__(self) -> int:
        return len(self._control) + len(self._urgent) + len(self._normal)


class SharedMailbox(Mailbox):
    """A mailbox that any thread may put into and one thread at a time takes from."""

    __slots__ = ("_lock",)

    def __init__(self, capacity: int) -> None:
        super().__init__(capacity)
        self._lock = threading.Lock()

    def put(self, item: Item) -> int:
        """Take ``item``; return QUEUED, WAKE or FULL."""
        with self._lock:
            return super().put(item)

    def pop(self) -> Item | None:
        """Return the next item, or None."""
        with self._lock:
            return super().pop()

    def clear(self) -> int:
        """Throw away what waits; return how many items that were."""
        with self._lock:
            return super().clear()
