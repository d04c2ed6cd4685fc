"""The lease as a table: who holds it, under which epoch, until when."""

from __future__ import annotations

from grinder.kernel.message import Message
from grinder.messages.control import AcquireLease, LeaseGranted, LeaseRefused, ReleaseLease


class LeaseTable:
    """One lease. The epoch grows with every grant to somebody who did not hold it."""

    def __init__(self) -> None:
        self.holder = ""
        self.epoch = 0
        self.until_ns = 0

    def acquire(self, command: AcquireLease, now_ns: int) -> Message:
        """Grant or extend the lease, or refuse it while somebody else holds it."""
        if self.holder not in ("", command.holder) and now_ns < self.until_ns:
            return LeaseRefused(holder=self.holder, reason=f"held by {self.holder}")
        if self.holder != command.holder:
            self.epoch += 1
            self.holder = command.holder
        self.until_ns = now_ns + command.ttl_ns
        return LeaseGranted(epoch=self.epoch, valid_from_ns=now_ns, ttl_ns=command.ttl_ns)

    def release(self, command: ReleaseLease) -> None:
        """Let go of the lease if the one who asks holds it."""
        if self.holder == command.holder and self.epoch == command.epoch:
            self.holder = ""
            self.until_ns = 0
