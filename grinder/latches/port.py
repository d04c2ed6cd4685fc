"""The keeper whose lasting facts outlive the process.

Whoever latches something is told to go on once it is on the disk, or when that takes too long: a
position is not held for the sake of a disk that hangs. A store that takes nothing is tried again
after growing pauses, a bounded number of times, and once more with every further latch.
RiskSupervisor, which permits nothing new until all is written, is told of both, and of giving up.
"""

from __future__ import annotations

import threading
from typing import Final

from grinder.kernel.keeper import FactStore, Keeper
from grinder.kernel.message import Envelope
from grinder.kernel.port import Outlet
from grinder.kernel.signals import Recall
from grinder.kernel.stepped import SteppedOutlet
from grinder.messages.risk import LatchesReported
from grinder.model.retries import Retries
from grinder.model.units import NS_PER_S

AHEAD_S: Final = 0.25
"""How long whoever latches something waits for the disk at most."""


class LastingKeeper(Keeper):
    """Keeps lasting facts in ``store``, written by a thread of its own.

    Hears Remember and Recall from whoever has facts to keep, and tells ``guard`` LatchesReported.
    """

    def __init__(self, store: FactStore, guard: str) -> None:
        super().__init__(store.read())
        self._store = store
        self._guard = guard
        self._turn = threading.Condition()
        self._wanted = self._written = self._tried = 0
        # Numbers of changes: the last one asked for, written, and tried.
        self._failed = ""
        self._retries = Retries()
        self._is_closed = False
        self._thread = threading.Thread(target=self._run, name="port.keeper", daemon=True)

    def open(self, outlet: Outlet) -> None:
        """Begin to write."""
        super().open(outlet)
        self._begin()

    def _begin(self) -> None:
        self._thread.start()

    def receive(self, envelope: Envelope) -> None:
        """Keep a fact; tell a new guard what his predecessor knew."""
        super().receive(envelope)
        if self._failed and envelope.sender == self._guard and isinstance(envelope.body, Recall):
            self._report()

    def lasting_changed(self) -> None:
        """Have it written, and wait for that, though not for ever."""
        with self._turn:
            self._wanted += 1
            number = self._wanted
            self._turn.notify_all()
            self._turn.wait_for(lambda: self._tried >= number, AHEAD_S)

    def close(self, timeout_s: float) -> None:
        """Write what is left, and let go of the store."""
        with self._turn:
            self._is_closed = True
            self._turn.notify_all()
        if self._thread.is_alive():
            self._thread.join(timeout_s)
        self._store.close()

    # The thread.

    def _run(self) -> None:
        while True:
            with self._turn:
                self._turn.wait_for(self._is_due, self._pause_s())
                is_last = self._is_closed
            self._write()
            if is_last:
                return

    def _is_due(self) -> bool:
        return self._is_closed or self._wanted > self._tried

    def _pause_s(self) -> float | None:
        """Return how long to wait for another latch; None: until there is one."""
        if not self._failed or self._retries.is_spent:
            return None
        return max(0, self._retries.due_ns - self._outlet.now_ns()) / NS_PER_S

    def _write(self) -> None:
        """Write what there is, if that has not been done, and tell how that went."""
        with self._turn:
            number = self._wanted
        before, self._failed = self._failed, self._try(number)
        with self._turn:
            self._tried = number
            self._turn.notify_all()
        if self._failed != before:
            self._report()

    def _try(self, number: int) -> str:
        """Write up to the change of this number; return what was wrong, if anything."""
        if number <= self._written:
            return ""
        if not self._failed:
            self._retries = self._retries.rested(self._outlet.now_ns())
        try:
            self._store.write(self.lasting())
        except OSError as error:
            self._retries = self._retries.failed(self._outlet.now_ns())
            why = str(error) or error.__class__.__name__
            given_up = f"; given up after {self._retries.failures} attempts in a row"
            return why + (given_up if self._retries.is_spent else "")
        self._written = number
        return ""

    def _report(self) -> None:
        report = LatchesReported(is_written=not self._failed, detail=self._failed)
        self._outlet.tell(self._outlet.resolve(self._guard), report)


class SteppedLastingKeeper(LastingKeeper):
    """The same in virtual time, without a thread: what is latched is written at once."""

    def _begin(self) -> None:
        """Need no thread."""

    def lasting_changed(self) -> None:
        """Write it."""
        self._wanted += 1
        self._write()
        self._call_again()

    def _call_again(self) -> None:
        """Ask for the next attempt at a store that failed, if there is to be one."""
        due_ns = self._retries.due_ns
        if self._pause_s() is not None:
            assert isinstance(self._outlet, SteppedOutlet)
            self._outlet.call_at(due_ns, self._again, due_ns)

    def _again(self, due_ns: int) -> None:
        # An attempt that was made meanwhile has been followed by a call of its own.
        is_last = due_ns == self._retries.due_ns
        if is_last and self._pause_s() is not None and not self._is_closed:
            self._write()
            self._call_again()


class MemoryFacts:
    """A store that outlives processes of virtual time."""

    def __init__(self) -> None:
        self.facts: dict[str, dict[str, str]] = {}
        self.is_full = False
        """True while it takes nothing."""

    def read(self) -> dict[str, dict[str, str]]:
        """Return what is kept."""
        return self.facts

    def write(self, facts: dict[str, dict[str, str]]) -> None:
        """Keep ``facts`` and nothing else.

        Raises:
            OSError: it takes nothing.
        """
        if self.is_full:
            raise OSError("no space left")
        self.facts = facts

    def close(self) -> None:
        """Need nothing."""
