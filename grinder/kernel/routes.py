"""Who hears what an actor says: a table from message class to addresses, fixed at wiring time."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from operator import attrgetter
from typing import Any

from grinder.errors import InvariantError
from grinder.kernel.address import Address
from grinder.kernel.message import Message

Key = tuple[Callable[[Any], Any], dict[Any, tuple[Address, ...]]]
"""Reads the key off a message, and who hears it under which key."""
Keyed = Mapping[str, Address] | Mapping[str, tuple[Address, ...]]


class Routes:
    """The wiring of a system."""

    def __init__(self, changed: Callable[[], None] | None = None) -> None:
        self._everyone: dict[type[Message], tuple[Address, ...]] = {}
        self._keyed: dict[type[Message], Key] = {}
        self._changed = changed

    def connect(self, message_class: type[Message], *receivers: Address) -> None:
        """Let ``receivers`` hear every ``message_class``, in this order."""
        known = self._everyone.get(message_class, ())
        for receiver in receivers:
            if receiver in known:
                raise InvariantError(f"{receiver.name} hears {message_class.__name__} twice")
            known = (*known, receiver)
        self._everyone[message_class] = known
        if self._changed is not None:
            self._changed()

    def connect_keyed(self, message_class: type[Message], field: str, receivers: Keyed) -> None:
        """Let who is named by the message's ``field`` hear it, one or several; maybe nobody."""
        if message_class in self._keyed:
            raise InvariantError(f"{message_class.__name__} is keyed twice")
        if not hasattr(message_class, field):
            raise InvariantError(f"{message_class.__name__} has no field {field}")
        named = {key: one if isinstance(one, tuple) else (one,) for key, one in receivers.items()}
        self._keyed[message_class] = (attrgetter(field), named)
        if self._changed is not None:
            self._changed()

    def plan(self, message_class: type[Message]) -> tuple[tuple[Address, ...], Key | None]:
        """Return who hears every ``message_class``, and how to find who hears one by its key."""
        return self._everyone.get(message_class, ()), self._keyed.get(message_class)

    def receivers(self, body: Message) -> tuple[Address, ...]:
        """Return who hears ``body``; those named by key come last."""
        everyone, keyed = self.plan(body.__class__)
        if keyed is None:
            return everyone
        key, addresses = keyed
        return (*everyone, *addresses.get(key(body), ()))

    def hears(self, address: Address, message_class: type[Message]) -> bool:
        """Return whether ``address`` is among those who hear every ``message_class``."""
        return address in self._everyone.get(message_class, ())
