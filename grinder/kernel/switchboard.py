"""Addresses, and how a message gets from one to another."""

from __future__ import annotations

import functools
import itertools
import logging
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from typing import Any, Final

from grinder.kernel.actor import Effect
from grinder.kernel.address import Address
from grinder.kernel.clock import Clock
from grinder.kernel.mailbox import Item
from grinder.kernel.message import Envelope, Message
from grinder.kernel.observer import Observer
from grinder.kernel.port import Port
from grinder.kernel.recorder import Recorder
from grinder.kernel.routes import Routes
from grinder.kernel.slot import Door, Slot

logger = logging.getLogger("grinder.kernel")

OUTSIDE: Final = "outside"
"""The sender of what neither an actor nor a port has said."""

NOBODY: Final = "nobody"
"""The receiver, in a record, of what no actor and no port hears."""

Watch = Callable[[str, int, Message], None]
Names = tuple[str, ...]
Hearers = tuple[tuple[tuple[Slot, Door], ...], Names]
"""Who hears a message, with what takes it, and their names."""
Plan = tuple[tuple[Watch, ...], Hearers, Callable[[Any], Any] | None, dict[Any, Hearers]]
"""What happens to a class of messages: who watches, who hears each; and, where somebody hears one
by its key, what reads the key, and who hears those with one that is known."""


class Switchboard(ABC):
    """Knows every address, and posts."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.plans: dict[type[Message], Plan] = {}
        # Kept from the first message of a class to the next change of the wiring.
        self.routes = Routes(self.plans.clear)
        self._slots: dict[str, Slot] = {}
        self.seq = itertools.count(1)
        self._observers: dict[type[Message], tuple[Watch, ...]] = {}
        self._nobody = Slot(NOBODY)
        self._nobody.port_door = lambda _: True
        self.recorder: Recorder | None = None
        """Is told all that is said and handled, before it is posted; set before the start."""

    # Wiring, before the start.

    def address(self, name: str) -> Address:
        """Return the address called ``name``, made on first use."""
        slot = self._slots.get(name)
        if slot is None:
            slot = Slot(name)
            self._furnish(slot)
            self._slots[name] = slot
        return slot.address

    def add_port(self, name: str, port: Port) -> Address:
        """Put ``port`` at the address called ``name``."""
        address = self.address(name)
        slot: Slot = address.slot
        slot.port = port
        slot.port_door = functools.partial(self._hand_to_port, name, port)
        slot.doors.clear()
        self.plans.clear()
        return address

    def observe(self, observer: Observer) -> None:
        """Show ``observer`` every message of the classes that it names, from now on."""
        for message_class in observer.hears:
            known = self._observers.get(message_class, ())
            self._observers[message_class] = (*known, observer.observe)
        self.plans.clear()

    def ports(self) -> tuple[tuple[str, Port], ...]:
        """Return every port with its name."""
        slots = tuple(self._slots.values())
        return tuple((slot.name, slot.port) for slot in slots if slot.port is not None)

    def resolve(self, name: str) -> Address:
        """Return the address called ``name``.

        Raises:
            KeyError: nobody has declared it.
        """
        return self._slots[name].address

    # Delivery.

    def now_ns(self) -> int:
        """Return the runtime's time in nanoseconds since the epoch."""
        return self.clock.now_ns()

    def tell(self, receiver: Address, message: Message, *, cause: int = 0) -> None:
        """Tell ``receiver`` something from outside the tree, in the name of ``outside``."""
        self.emit(OUTSIDE, receiver, message, cause)

    def emit(self, sender: str, receiver: Address, message: Message, cause: int) -> None:
        """Post ``message`` to ``receiver`` in the name of ``sender`` and show it to observers."""
        message_class = message.__class__
        watchers = self._observers.get(message_class)
        if watchers is not None:
            show(watchers, sender, self.clock.now_ns(), message)
        slot: Slot = receiver.slot
        item = (next(self.seq), sender, cause, message)
        record = self.recorder
        if record is not None:
            record(("o", item[0], sender, slot.name, self.clock.now_ns(), cause, message))
        if not slot.doors[message_class](item):
            self._overflow(slot, message)

    def publish(self, sender: str, message: Message, cause: int = 0) -> None:
        """Say ``message`` in the name of ``sender`` to whoever is routed to hear it."""
        watchers, hearers, key, keyed = self.plan(message.__class__)
        if watchers:
            show(watchers, sender, self.clock.now_ns(), message)
        if key is not None:
            hearers = keyed.get(key(message), hearers)
        for slot, _ in hearers[0]:
            self.post(slot, message, sender, cause)

    def flush(self, sender: str, outbox: list[Effect], cause: int) -> None:
        """Send what a handler of ``sender`` has said, in order, and empty its outbox."""
        seq = self.seq
        plans = self.plans
        for receiver, body in outbox:
            watchers, hearers, key, keyed = plans.get(body.__class__) or self.plan(body.__class__)
            if watchers:
                show(watchers, sender, self.clock.now_ns(), body)
            if receiver is not None:
                slot: Slot = receiver.slot
                if not slot.doors[body.__class__]((next(seq), sender, cause, body)):
                    self._overflow(slot, body)
                continue
            if key is not None:
                hearers = keyed.get(key(body), hearers)
            for slot, put in hearers[0]:
                if not put((next(seq), sender, cause, body)):
                    self._overflow(slot, body)
        outbox.clear()

    def plan(self, message_class: type[Message]) -> Plan:
        """Return what happens to a class of messages, and keep it until the wiring changes."""
        known = self.plans.get(message_class)
        if known is not None:
            return known
        everyone, named = self.routes.plan(message_class)
        key, addresses = named or (None, {})
        keyed = {
            value: self._hearers(message_class, (*everyone, *named_by_key))
            for value, named_by_key in addresses.items()
        }
        watchers = self._observers.get(message_class, ())
        plan = (watchers, self._hearers(message_class, everyone), key, keyed)
        self.plans[message_class] = plan
        return plan

    def _hearers(self, message_class: type[Message], addresses: Iterable[Address]) -> Hearers:
        slots: list[Slot] = [address.slot for address in addresses]
        if self.recorder is not None and not slots:
            # Told to people alone; a record leaves nothing out.
            slots = [self._nobody]
        doors = tuple((slot, slot.doors[message_class]) for slot in slots)
        return doors, tuple(slot.name for slot in slots)

    def post(self, slot: Slot, message: Message, sender: str = OUTSIDE, cause: int = 0) -> None:
        """Post a message without showing it to observers."""
        if not slot.put(self._number(slot, sender, cause, message)):
            self._overflow(slot, message)

    def _number(self, slot: Slot, sender: str, cause: int, body: Message) -> Item:
        """Return ``body`` as an item for ``slot``; the recorder knows of it then."""
        item = (next(self.seq), sender, cause, body)
        if self.recorder is not None:
            at_ns = self.clock.now_ns()
            self.recorder(("o", item[0], sender, slot.name, at_ns, cause, body))
        return item

    def _hand_to_port(self, name: str, port: Port, item: Item) -> bool:
        seq, sender, cause, body = item
        envelope = Envelope(
            seq=seq, sender=sender, receiver=name, at_ns=self.clock.now_ns(), cause=cause, body=body
        )
        try:
            port.receive(envelope)
        except Exception as error:  # noqa: BLE001  # the sender has done nothing wrong
            self.port_failed(name, error)
        return True

    @abstractmethod
    def _furnish(self, slot: Slot) -> None:
        """Give a new slot its mailbox."""

    @abstractmethod
    def _overflow(self, slot: Slot, body: Message) -> None:
        """Deal with a slot that had no room for ``body``."""

    @abstractmethod
    def port_failed(self, name: str, error: BaseException) -> None:
        """Deal with what the port called ``name`` has raised."""


def show(watchers: tuple[Watch, ...], sender: str, now_ns: int, body: Message) -> None:
    """Show ``body`` to those who watch, whatever becomes of it there."""
    for watch in watchers:
        try:
            watch(sender, now_ns, body)
        except Exception:  # a broken observer must not break what it observes
            logger.exception("an observer failed on %s", body.__class__.__name__)
