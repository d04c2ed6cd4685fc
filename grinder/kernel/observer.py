"""Observers: who watches what is said, for metrics, logs, pictures and reports.

An observer is shown each message once, when it is said, however many hear it. It runs on the
speaker's thread: it must be quick, safe to call from several threads, and must not speak.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar

import attrs

from grinder.kernel.message import Message


class Observer(ABC):
    """Watches some classes of messages."""

    hears: ClassVar[tuple[type[Message], ...]]
    """Exact classes shown to it; subclasses are not implied."""

    @abstractmethod
    def observe(self, sender: str, at_ns: int, body: Message) -> None:
        """Take note of ``body``, said by ``sender`` at ``at_ns`` (ns since the epoch)."""


@attrs.frozen(kw_only=True)
class ActorSnapshot:
    """What the runtime knows of one actor at one moment."""

    name: str
    kind: str
    """Class name of the actor."""
    supervisor: str
    """Name of its supervisor; empty for the root."""
    state: str
    """starting, ready, stopping, down."""
    generation: int
    restarts: int
    handled: int
    """Messages handled by all its generations."""
    depth: int
    """Messages waiting."""
    conflated: int
    """Market data replaced by newer data before it was read."""
    dropped: int
    """Messages lost: mailbox full, receiver gone for good, or speaker's generation over."""
    unhandled: int
    """Messages it has no handler for."""
    thread: str
    """Name of the thread that empties its mailbox."""
