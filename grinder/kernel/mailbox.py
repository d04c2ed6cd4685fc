"""A bounded mailbox with three lanes, whose market data conflates.

It belongs to an address, not to an actor: it outlives every generation of its owner. What waits in
it is an item ``(seq, sender, cause, body)``; items become envelopes only for those who ask.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from typing import Any

from grinder.kernel.message import Lane, Message

Item = tuple[int, str, int, Message]
Subject = tuple[type[Message], Any]
"""What a conflated message is about: its class and the value of its ``conflate_by`` field."""


class Mailbox:
    """Items in order of lane, then of arrival, for the stepped runtime.

    A conflated message takes the place of the one of its class and key that still waits, so a
    lagging consumer finds one item for each key, the newest, where the first one stood. Only the
    normal lane conflates.
    """

    __slots__ = (
        "_control",
        "_entry",
        "_latest",
        "_normal",
        "_ready",
        "_urgent",
        "capacity",
        "conflated",
    )

    def __init__(self, capacity: int, ready: deque[Any], entry: object) -> None:
        self.capacity = capacity
        """Items that may wait in each lane."""
        self.conflated = 0
        """Items replaced before they were read, since the start."""
        self._ready = ready
        self._entry = entry
        # ``entry`` is appended to ``ready`` once for each item that begins to wait.
        self._control: deque[Item] = deque()
        self._urgent: deque[Item] = deque()
        self._normal: deque[Item | Subject] = deque()
        self._latest: dict[Subject, Item] = {}

    def put(self, item: Item) -> bool:
        """Take ``item``; return False if its lane is full, and then nothing has changed."""
        return self.door(item[3].__class__)(item)

    def door(self, message_class: type[Message]) -> Callable[[Item], bool]:
        """Return what takes the items of this class; the same as ``put``, but found once."""
        lane: object = message_class.lane
        if isinstance(lane, property):
            return self._put_by_content
        if lane is Lane.CONTROL:
            return self._put_control
        if lane is Lane.URGENT:
            return self._put_urgent
        return self._put_normal if message_class.conflate_by is None else self._put_latest

    def _put_by_content(self, item: Item) -> bool:
        lane = item[3].lane
        if lane is Lane.NORMAL:
            return self._put_normal(item)
        return self._put_urgent(item) if lane is Lane.URGENT else self._put_control(item)

    def _put_control(self, item: Item) -> bool:
        if len(self._control) >= self.capacity:
            return False
        self._control.append(item)
        self._ready.append(self._entry)
        return True

    def _put_urgent(self, item: Item) -> bool:
        if len(self._urgent) >= self.capacity:
            return False
        self._urgent.append(item)
        self._ready.append(self._entry)
        return True

    def _put_normal(self, item: Item) -> bool:
        if len(self._normal) >= self.capacity:
            return False
        self._normal.append(item)
        self._ready.append(self._entry)
        return True

    def _put_latest(self, item: Item) -> bool:
        body = item[3]
        latest = self._latest
        subject = (body.__class__, getattr(body, body.conflate_by or ""))
        if subject in latest:
            latest[subject] = item
            self.conflated += 1
            return True
        if len(self._normal) >= self.capacity:
            return False
        latest[subject] = item
        self._normal.append(subject)
        self._ready.append(self._entry)
        return True

    def put_first(self, item: Item) -> None:
        """Put ``item`` before everything else, whatever the bound says."""
        self._control.appendleft(item)
        self._ready.append(self._entry)

    def pop(self) -> Item | None:
        """Return the next item; None if nothing waits."""
        if self._control:
            return self._control.popleft()
        if self._urgent:
            return self._urgent.popleft()
        if self._normal:
            entry = self._normal.popleft()
            # A subject stands where its first message was put; the message itself is elsewhere.
            return self._latest.pop(entry) if len(entry) == 2 else entry
        return None

    def clear(self, lane: Lane) -> int:
        """Throw away what waits in ``lane``; return how many items that were."""
        queue: deque[Any] = (self._control, self._urgent, self._normal)[lane]
        lost = len(queue)
        queue.clear()
        if lane is Lane.NORMAL:
            self._latest.clear()
        return lost

    def remove_personal(self, classes: tuple[type[Message], ...]) -> tuple[Item, ...]:
        """Take out and return the control items of these classes: they die with a generation."""
        found = tuple(item for item in self._control if isinstance(item[3], classes))
        if found:
            kept = [item for item in self._control if not isinstance(item[3], classes)]
            self._control.clear()
            self._control.extend(kept)
        return found

    def __len__(self) -> int:
        return len(self._control) + len(self._urgent) + len(self._normal)


class SharedMailbox(Mailbox):
    """A mailbox that any thread may put into and whose owner alone takes from.

    The owner is woken once and then counts as scheduled until it has found the mailbox empty, so
    there is never more than one entry for it in its thread's queue, and no two threads run it.
    Everything happens under one lock, the waking included; that is what makes it true.
    """

    __slots__ = ("_is_scheduled", "_lock", "_owner", "_wake")

    def __init__(self, capacity: int) -> None:
        # Nobody counts single items here: the owner takes until nothing is left.
        super().__init__(capacity, deque(maxlen=0), None)
        self._lock = threading.Lock()
        self._owner: object = None
        self._wake: Callable[[Any], object] | None = None
        self._is_scheduled = False

    def _schedule(self) -> None:
        if self._wake is not None:
            self._is_scheduled = True
            self._wake(self._owner)

    def put(self, item: Item) -> bool:
        """Take ``item`` and wake the owner; return False if its lane is full."""
        with self._lock:
            is_taken = super().door(item[3].__class__)(item)
            if not self._is_scheduled:
                self._schedule()
            return is_taken

    def door(self, message_class: type[Message]) -> Callable[[Item], bool]:
        """Return what takes the items of this class."""
        file = super().door(message_class)

        def put(item: Item) -> bool:
            with self._lock:
                is_taken = file(item)
                if not self._is_scheduled:
                    self._schedule()
                return is_taken

        return put

    def give_to(self, owner: object, wake: Callable[[Any], object], first: Item) -> None:
        """Let ``owner`` take from now on, ``first`` before all else; ``wake(owner)`` runs it."""
        with self._lock:
            self._owner = owner
            self._wake = wake
            self.put_first(first)
            self._schedule()

    def take_away(self) -> None:
        """Let nobody take until there is a new owner."""
        with self._lock:
            self._owner = None
            self._wake = None
            self._is_scheduled = False

    def take(self, owner: object) -> Item | None:
        """Return the next item; None if nothing waits or ``owner`` is no longer the owner."""
        with self._lock:
            if owner is not self._owner:
                return None
            item = self.pop()
            if item is None:
                self._is_scheduled = False
            return item

    def clear(self, lane: Lane) -> int:
        """Throw away what waits in ``lane``; return how many items that were."""
        with self._lock:
            return super().clear(lane)

    def remove_personal(self, classes: tuple[type[Message], ...]) -> tuple[Item, ...]:
        """Take out and return the control items of these classes."""
        with self._lock:
            return super().remove_personal(classes)
