"""What comes out of applying one message to the order book."""

from __future__ import annotations

from typing import NamedTuple

from grinder.kernel.message import Message


class Applied(NamedTuple):
    """Messages to publish, and requests to hand to the venue port, each in order."""

    messages: tuple[Message, ...]
    requests: tuple[Message, ...]


class Said:
    """Collects both while one message is applied."""

    __slots__ = ("_messages", "_requests")

    def __init__(self) -> None:
        self._messages: list[Message] = []
        self._requests: list[Message] = []

    def say(self, message: Message) -> None:
        """Publish ``message``."""
        self._messages.append(message)

    def ask(self, request: Message) -> None:
        """Hand ``request`` to the port."""
        self._requests.append(request)

    def applied(self) -> Applied:
        """Return what was collected."""
        return Applied(tuple(self._messages), tuple(self._requests))
