"""Ports: the only things that touch the world.

An actor thinks and never blocks. What has to block (a socket, a REST call, a lease store, a disk)
is a port: it has an address like an actor, is told commands, and tells what came of them to the
address that asked. A port owns its threads and bounds its queues. Under the stepped runtime other
ports stand at the same addresses and answer in virtual time.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Protocol

from grinder.kernel.address import Address
from grinder.kernel.message import Envelope, Message
from grinder.kernel.recorder import Entry


class Outlet(Protocol):
    """What a port is given to speak with. Safe to use from any thread."""

    def tell(self, receiver: Address, message: Message, *, cause: int = 0) -> None:
        """Post ``message``; ``cause`` is the seq of the command that it answers, 0 if none."""

    def resolve(self, name: str) -> Address:
        """Return the address called ``name``, such as the sender of an envelope.

        Raises:
            KeyError: no such address was declared.
        """

    def now_ns(self) -> int:
        """Return the runtime's time in nanoseconds since the epoch."""


class Port(ABC):
    """A door to the outside with an address of its own."""

    @abstractmethod
    def open(self, outlet: Outlet) -> None:
        """Take the outlet and start what is needed. Called once, before any actor starts."""

    @abstractmethod
    def receive(self, envelope: Envelope) -> None:
        """Take one command. Called on the sender's thread: must not block and must not raise.

        A port whose queue is full answers the command as refused; it never drops it silently.
        """

    @abstractmethod
    def close(self, timeout_s: float) -> None:
        """Stop every thread and socket within ``timeout_s`` seconds. Idempotent."""


class RecordingPort(Port):
    """A port that takes what a recorder is told."""

    @abstractmethod
    def note(self, entry: Entry) -> None:
        """Take note. Called on the speaker's thread: must not block and must not raise."""
