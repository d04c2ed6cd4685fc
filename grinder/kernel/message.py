"""What actors say to each other: the base class of every message, lanes, and the envelope.

A message is a frozen attrs class with slots, keyword-only, whose fields are themselves immutable.
Three things about it concern the kernel, and all three are stated on the class:

``lane``
    Which of a mailbox's three lanes it waits in; a property, if that depends on the content.
``conflate_by``
    Name of the field that says what the message is about, if only the last one of a kind matters.
    A lagging consumer then finds the newest message for each value of that field.
``version``
    Raised by hand when the meaning or the fields of the class change.
"""

from __future__ import annotations

from enum import IntEnum
from typing import ClassVar

import attrs


class Lane(IntEnum):
    """Order of service in a mailbox; a lower lane is always emptied first."""

    CONTROL = 0
    """Kill, stop, leadership lost, a part of the system failed."""
    URGENT = 1
    """Cancels, exits, and news of orders."""
    NORMAL = 2
    """Everything else."""


class Message:
    """Base of everything that crosses a mailbox."""

    __slots__ = ()

    lane: ClassVar[Lane] = Lane.NORMAL
    conflate_by: ClassVar[str | None] = None
    version: ClassVar[int] = 1


@attrs.frozen(kw_only=True)
class Envelope:
    """One delivery."""

    seq: int
    """Position in the order of sending, unique and rising in one run."""
    sender: str
    """Name of the address that said it."""
    receiver: str
    """Name of the address that hears it."""
    at_ns: int
    """When it was delivered, in nanoseconds since the epoch: the handler's only clock."""
    cause: int
    """``seq`` of the message that made the sender say it; 0 for what came from outside."""
    body: Message
