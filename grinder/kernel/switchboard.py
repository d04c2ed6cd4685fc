"""Addresses, and how a message gets from one to another."""

from __future__ import annotations

import functools
import itertools
import logging
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, Final

from grinder.kernel.actor import Effect
from grinder.kernel.address import Address
from grinder.kernel.clock import Clock
from grinder.kernel.mailbox import Item
from grinder.kernel.message import Envelope, Message
from grinder.kernel.observer import Observer
from grinder.kernel.port import Port
from grinder.kernel.recorder import Recorder, Saying
from grinder.kernel.routes import Routes
from grinder.kernel.slot import Door, Slot

if TYPE_CHECKING:
    from grinder.kernel.cell import Cell

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
Sending = tuple[Slot, Door, Item]
"""Who hears an item, and what takes it."""


class Switchboard(ABC):
    """Knows every address, and posts."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self._plans: dict[type[Message], Plan] = {}
        # Kept from the first message of a class to the next change of the wiring.
        self.routes = Routes(self._plans.clear)
        self._slots: dict[str, Slot] = {}
        self._seq = itertools.count(1)
        self._observers: dict[type[Message], tuple[Watch, ...]] = {}
        self._nobody: Hearers = (((Slot(NOBODY), lambda _: True),), (NOBODY,))
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
        self._plans.clear()
        return address

    def observe(self, observer: Observer) -> None:
        """Show ``observer`` every message of the classes that it names, from now on."""
        for message_class in observer.hears:
            known = self._observers.get(message_class, ())
            self._observers[message_class] = (*known, observer.observe)
        self._plans.clear()

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
        watchers = self._observers.get(message.__class__)
        if watchers is not None:
            _show(watchers, sender, self.clock.now_ns(), message)
        self.post(receiver.slot, message, sender, cause)

    def publish(self, sender: str, message: Message, cause: int = 0) -> None:
        """Say ``message`` in the name of ``sender`` to whoever is routed to hear it."""
        if self.recorder is None:
            self.flush(sender, [(None, message)], cause)
            return
        sendings, _ = self._sendings(sender, [(None, message)], cause, None)
        for slot, put, item in sendings:
            self.recorder(("o", item[0], sender, slot.name, self.clock.now_ns(), cause, message))
            if not put(item):
                self._overflow(slot, message)

    def flush(self, sender: str, outbox: list[Effect], cause: int) -> None:
        """Send what a handler of ``sender`` has said, in order, and empty its outbox."""
        seq = self._seq
        plans = self._plans
        for receiver, body in outbox:
            watchers, hearers, key, keyed = plans.get(body.__class__) or self._plan(body.__class__)
            if watchers:
                _show(watchers, sender, self.clock.now_ns(), body)
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

    def flush_recorded(
        self, cell: Cell, now_ns: int, handled: Item, outbox: list[Effect], ending: str
    ) -> None:
        """Send what a handler of ``cell`` has said, once the recorder knows of it."""
        assert self.recorder is not None
        sender = cell.slot.name
        cause = handled[0]
        sendings, said = self._sendings(sender, outbox, cause, handled[3])
        outbox.clear()
        self.recorder(("t", cause, sender, cell.generation, now_ns, ending, said))
        for slot, put, item in sendings:
            if not put(item):
                self._overflow(slot, item[3])

    def _sendings(
        self, sender: str, outbox: list[Effect], cause: int, handled: Message | None
    ) -> tuple[list[Sending], list[Saying]]:
        """Give what was said its numbers, one for each who hears it, and say it for a record."""
        seq = self._seq
        plans = self._plans
        sendings: list[Sending] = []
        said: list[Saying] = []
        last: Message | None = None
        for receiver, body in outbox:
            watchers, hearers, key, keyed = plans.get(body.__class__) or self._plan(body.__class__)
            if watchers:
                _show(watchers, sender, self.clock.now_ns(), body)
            if receiver is not None:
                slot: Slot = receiver.slot
                hearers = (((slot, slot.doors[body.__class__]),), (slot.name,))
            elif key is not None:
                hearers = keyed.get(key(body), hearers)
            # Told to people alone; a record leaves nothing out.
            doors, names = hearers if hearers[1] else self._nobody
            number = 0
            for slot, put in doors:
                number = next(seq)
                sendings.append((slot, put, (number, sender, cause, body)))
            first = number + 1 - len(names)
            if body is last or sendings[-len(names)][2][0] != first:
                _say(said, sendings[-len(names) :], handled)
            else:
                said.append((first, names, None if body is handled else body))
            last = body
        return sendings, said

    def _plan(self, message_class: type[Message]) -> Plan:
        everyone, named = self.routes.plan(message_class)
        key, addresses = named or (None, {})
        keyed = {
            value: _hearers(message_class, (*everyone, *named_by_key))
            for value, named_by_key in addresses.items()
        }
        watchers = self._observers.get(message_class, ())
        plan = (watchers, _hearers(message_class, everyone), key, keyed)
        self._plans[message_class] = plan
        return plan

    def post(self, slot: Slot, message: Message, sender: str = OUTSIDE, cause: int = 0) -> None:
        """Post a message without showing it to observers."""
        if not slot.put(self._number(slot, sender, cause, message)):
            self._overflow(slot, message)

    def _number(self, slot: Slot, sender: str, cause: int, body: Message) -> Item:
        """Return ``body`` as an item for ``slot``; the recorder knows of it then."""
        item = (next(self._seq), sender, cause, body)
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


def _hearers(message_class: type[Message], addresses: Iterable[Address]) -> Hearers:
    slots: list[Slot] = [address.slot for address in addresses]
    doors = tuple((slot, slot.doors[message_class]) for slot in slots)
    return doors, tuple(slot.name for slot in slots)


def _say(said: list[Saying], sendings: list[Sending], handled: Message | None) -> None:
    """Say for a record what was said just before, or what other threads took numbers between."""
    for slot, _, (number, _, _, body) in sendings:
        shown = None if body is handled else body
        if said and said[-1][2] is shown and said[-1][0] + len(said[-1][1]) == number:
            first, names, _ = said[-1]
            said[-1] = (first, (*names, slot.name), shown)
        else:
            said.append((number, (slot.name,), shown))


def _show(watchers: tuple[Watch, ...], sender: str, now_ns: int, body: Message) -> None:
    for watch in watchers:
        try:
            watch(sender, now_ns, body)
        except Exception:  # a broken observer must not break what it observes
            logger.exception("an observer failed on %s", body.__class__.__name__)
