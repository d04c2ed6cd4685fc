"""A lease for a process that is alone: the same words, no store."""

from __future__ import annotations

import threading

from grinder.kernel.message import Envelope
from grinder.kernel.port import Outlet, Port
from grinder.lease.states import LeaseTable
from grinder.messages.control import AcquireLease, ReleaseLease


class MemoryLeasePort(Port):
    """Answers from a table in memory; ports that share a table compete for one lease."""

    def __init__(self, table: LeaseTable | None = None) -> None:
        self._table = table or LeaseTable()
        self._lock = threading.Lock()

    def open(self, outlet: Outlet) -> None:
        """Take the outlet."""
        self._outlet = outlet

    def receive(self, envelope: Envelope) -> None:
        """Answer at once."""
        command = envelope.body
        with self._lock:
            if isinstance(command, ReleaseLease):
                self._table.release(command)
                return
            if not isinstance(command, AcquireLease):
                return
            answer = self._table.acquire(command, envelope.at_ns)
        self._outlet.tell(self._outlet.resolve(envelope.sender), answer, cause=envelope.seq)

    def close(self, timeout_s: float) -> None:
        """Need nothing."""
