"""A thread that empties mailboxes."""

from __future__ import annotations

import itertools
import threading
from queue import SimpleQueue

from grinder.kernel.cell import Cell
from grinder.kernel.clock import Clock
from grinder.kernel.mailbox import SharedMailbox

TURN = 32
"""Messages that one cell may take while others wait: what was said together is handled together."""


class Worker(threading.Thread):
    """One thread of a loop: the only one, unless others before it were abandoned."""

    def __init__(self, loop: Loop, name: str) -> None:
        super().__init__(name=name, daemon=True)
        self.current: Cell | None = None
        """The cell whose handler is running."""
        self.began_ns = 0
        """When that handler was entered; always written before ``current``."""
        self.is_abandoned = False
        self._loop = loop
        self._seen_ns = 0
        self._busy_ns = 0

    def run(self) -> None:
        """Take cells in turn, some messages a turn, until told to end or abandoned."""
        ready = self._loop.ready
        while True:
            cell = ready.get()
            if cell is None:
                if self.is_abandoned:
                    ready.put(None)  # meant for the successor
                return
            goes_on = self._serve(cell)
            self.current = None
            if goes_on:
                # Others wait for a turn, or this thread was abandoned for a cell before this one.
                ready.put(cell)
            if self.is_abandoned:
                return

    def seen_busy(self, now_ns: int, passed_ns: int) -> int:
        """Return for how long the watchdog has seen the present handler run.

        Args:
            now_ns: when it looks; only one thread does.
            passed_ns: what has passed since its last look and may be counted.
        """
        began_ns = self.began_ns
        if began_ns == self._seen_ns:
            self._busy_ns += passed_ns
        else:
            self._seen_ns, self._busy_ns = began_ns, min(now_ns - began_ns, passed_ns)
        return self._busy_ns

    def _serve(self, cell: Cell) -> bool:
        """Deliver to ``cell`` for a turn or while nobody else waits; say whether it wants more."""
        now_ns = self._loop.clock.now_ns
        ready_is_empty = self._loop.ready.empty
        mailbox = cell.slot.mailbox
        assert isinstance(mailbox, SharedMailbox)
        take = mailbox.take
        taken = 0
        while True:
            item = take(cell)
            if item is None:
                return False
            at_ns = self.began_ns = now_ns()
            self.current = cell
            cell.deliver(item, at_ns)
            if cell.is_fenced:
                return False
            taken += 1
            if self.is_abandoned or (taken >= TURN and not ready_is_empty()):
                return True


class Loop:
    """A queue of cells that have something waiting, and the worker that serves it."""

    def __init__(self, name: str, clock: Clock) -> None:
        self.name = name
        self.clock = clock
        self.ready: SimpleQueue[Cell | None] = SimpleQueue()
        self._numbers = itertools.count(1)
        self.worker = self._hire()

    def _hire(self) -> Worker:
        worker = Worker(self, f"{self.name}-{next(self._numbers)}")
        worker.start()
        return worker

    def stop(self) -> None:
        """End the thread once it has looked at what is waiting before this call."""
        self.ready.put(None)

    def join(self, timeout_s: float) -> None:
        """Wait for the thread to end; one that is stuck is left to its fate."""
        if self.worker is not threading.current_thread():
            self.worker.join(timeout_s)

    def abandon(self) -> None:
        """Leave the thread to its fate.

        The abandoned one ends with the handler it is in. If that is by now the handler of a cell
        that has done nothing wrong, the cell keeps its place.
        """
        self.worker.is_abandoned = True

    def go_on(self) -> None:
        """Let a fresh thread take over from the one abandoned."""
        self.worker = self._hire()
