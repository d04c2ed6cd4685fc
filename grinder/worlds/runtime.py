"""The stepped runtime with traps: something happens at one message boundary, by its number."""

from __future__ import annotations

from typing import Any, cast

from grinder.kernel.cell import Cell
from grinder.kernel.mailbox import Item
from grinder.kernel.signals import ExitReason, InjectFault
from grinder.kernel.slot import Slot
from grinder.kernel.stepped import SteppedRuntime
from grinder.kernel.switchboard import OUTSIDE
from grinder.model.units import NS_PER_MS


class ProcessKilledError(BaseException):
    """The process is gone. Not an Exception: nothing inside may catch it."""


class WorldRuntime(SteppedRuntime):
    """Counts deliveries; at ``trap`` the receiver falls, or the process does."""

    trap = 0
    """Number of the delivery in whose place something happens; 0 for none."""
    is_fatal = False
    """Whether the whole process goes with it."""
    deliveries = 0

    def drain(self) -> None:
        """Deliver what waits, and spring the trap when its number comes."""
        if not self.trap:
            super().drain()
            return
        ready = self._ready
        chance = self._random
        while ready:
            if chance is not None:
                ready.rotate(-chance.randrange(len(ready)))
            slot = ready.popleft()
            runner: Any = slot.runner
            item = slot.mailbox.pop() if runner is not None else None
            if item is None:
                continue
            self.deliveries += 1
            if self.deliveries == self.trap:
                item = self._sprung(slot)
            runner.deliver(item, self.now_ns())

    def _sprung(self, slot: Slot) -> Item:
        if self.is_fatal or slot is self._root:
            # Nobody is above the root: its end is that of the process.
            raise ProcessKilledError
        return self._number(slot, OUTSIDE, 0, InjectFault(kind="raise"))

    def hold(self, name: str, ms: int) -> bool:
        """Let the actor at ``name`` read nothing for ``ms``; False if there is none to hold."""
        slot = self._slots.get(name)
        cell = None if slot is None else slot.runner
        if slot is None or cell is None:
            return False
        slot.runner = None
        self.call_at(self.now_ns() + ms * NS_PER_MS, self._release, slot, cell)
        return True

    def _release(self, slot: Slot, cell: object) -> None:
        if slot.runner is None and slot.cell is cell:
            slot.runner = cast("Cell", cell)
            self._ready.extend([slot] * len(slot.mailbox))

    def perish(self) -> None:
        """End every actor without a word, as a process that is killed does."""
        root = self._root
        if root is not None:
            self._is_stopping = True
            self.kill_child(root.name, ExitReason.KILLED, "the process was killed")
        self._ready.clear()
