"""The runtime's record of one address, and how a tree of them looks from outside."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from grinder.kernel.actor import Actor
from grinder.kernel.address import Address
from grinder.kernel.mailbox import Item, Mailbox
from grinder.kernel.message import Message
from grinder.kernel.observer import ActorSnapshot
from grinder.kernel.port import Port
from grinder.kernel.spec import SUPERVISION_THREAD, ChildSpec, SupervisorSpec

if TYPE_CHECKING:
    from grinder.kernel.cell import Cell

Door = Callable[[Item], bool]
"""Takes an item; returns False if there was no room."""


class Slot:
    """What a runtime knows of one address."""

    __slots__ = (
        "address",
        "cell",
        "children",
        "doors",
        "dropped",
        "factory",
        "generation",
        "handled",
        "mailbox",
        "name",
        "port",
        "port_door",
        "runner",
        "spec",
        "state",
        "supervisor",
        "unhandled",
    )

    def __init__(self, name: str) -> None:
        self.name = name
        self.address = Address(name, self)
        self.mailbox: Mailbox
        self.port: Port | None = None
        self.port_door: Door | None = None
        self.doors = Doors(self)
        self.cell: Cell | None = None
        """The living generation."""
        self.runner: object = None
        """What empties the mailbox; None while nobody does. Its class is the runtime's business."""
        self.spec: ChildSpec | SupervisorSpec | None = None
        self.factory: Callable[[], Actor] | None = None
        self.supervisor: Slot | None = None
        self.children: list[Slot] = []
        self.generation = 0
        self.handled = 0
        self.dropped = 0
        self.unhandled = 0
        self.state = "down"

    def put(self, item: Item) -> bool:
        """Take a message for this address; return False if there is no room."""
        return self.doors[item[3].__class__](item)


class Doors(dict[type[Message], Door]):
    """What takes a message into a slot, by its class; found once and kept."""

    def __init__(self, slot: Slot) -> None:
        self._slot = slot

    def __missing__(self, message_class: type[Message]) -> Door:
        slot = self._slot
        door = self[message_class] = slot.port_door or slot.mailbox.door(message_class)
        return door


def thread_of(spec: ChildSpec | SupervisorSpec) -> str:
    """Return the name of the thread that a child wants to run on."""
    if isinstance(spec, SupervisorSpec):
        return SUPERVISION_THREAD
    return spec.thread or f"actor:{spec.name}"


def snapshots(slot: Slot, thread: Callable[[Slot], str]) -> Iterator[ActorSnapshot]:
    """Yield what is known of ``slot`` and all below it, supervisors before their children."""
    cell = slot.cell
    yield ActorSnapshot(
        name=slot.name,
        kind=type(cell.actor).__name__ if cell is not None else "",
        supervisor=slot.supervisor.name if slot.supervisor is not None else "",
        state=slot.state,
        generation=slot.generation,
        restarts=max(0, slot.generation - 1),
        handled=slot.handled,
        depth=len(slot.mailbox),
        conflated=slot.mailbox.conflated,
        dropped=slot.dropped,
        unhandled=slot.unhandled,
        thread=thread(slot),
    )
    for child in slot.children:
        yield from snapshots(child, thread)
