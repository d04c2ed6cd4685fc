"""Addresses: what an actor holds of another one.

An address names a receiver and outlives every generation of it. It carries no method to send
with; only the runtime can post to it, so a message can't leave a handler that later fails.
"""

from __future__ import annotations

from typing import Any, final


@final
class Address:
    """A stable name of an actor or a port, handed out by a runtime.

    Two addresses are equal when they are the same object; a runtime makes one for each name.
    """

    __slots__ = ("name", "slot")

    name: str
    slot: Any
    """The runtime's private record of the receiver."""

    def __init__(self, name: str, slot: Any) -> None:
        object.__setattr__(self, "name", name)
        object.__setattr__(self, "slot", slot)

    def __setattr__(self, key: str, value: object) -> None:
        raise AttributeError(f"an address does not change: {key}")

    def __repr__(self) -> str:
        return f"<Address {self.name}>"
