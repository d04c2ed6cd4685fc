"""The cell of a run that is recorded.

The recorder is told of each turn before anything of it is posted: no effect comes before its cause
in a record, whatever threads do.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from grinder.kernel.actor import Actor
from grinder.kernel.address import Address
from grinder.kernel.cell import Cell
from grinder.kernel.mailbox import Item
from grinder.kernel.message import Message
from grinder.kernel.recorder import DONE, FENCED, RAISED, Saying
from grinder.kernel.slot import Door, Slot
from grinder.kernel.switchboard import Hearers, show

if TYPE_CHECKING:
    from grinder.kernel.runtime import Runtime

Sending = tuple[Slot, Door, Item]
"""Who hears an item, and what takes it."""


class RecordedCell(Cell):
    """Hosts a generation whose every turn is told to the recorder."""

    def __init__(self, runtime: Runtime, slot: Slot, actor: Actor, generation: int) -> None:
        super().__init__(runtime, slot, actor, generation)
        assert runtime.recorder is not None
        self._record = runtime.recorder
        self._seq = runtime.seq
        self._plans = runtime.plans
        self._plan = runtime.plan

    def deliver(self, item: Item, now_ns: int) -> None:
        """Handle one item, have it recorded, and send what the handler says."""
        body = item[3]
        handler = self._handlers.get(body.__class__)
        if handler is None:
            self.slot.unhandled += 1
            self._record((item[0], self._name, self.generation, now_ns))
            return
        actor = self.actor
        actor.now_ns = now_ns
        has_returned = False
        try:
            handler(body)
            has_returned = True
            self.slot.handled += 1
            if self.is_fenced:
                self._drop()
                self._note(item, now_ns, FENCED)
            elif not self._outbox:
                record = self._record
                record((item[0], self._name, self.generation, now_ns))
            elif len(self._outbox) == 1:
                self._send_one(item, now_ns)
            else:
                self._send_all(item, now_ns)
            if actor._has_news:
                self._hear_news()
        except self._runtime.failures:
            if not has_returned:
                self._note(item, now_ns, RAISED)
            self._handle_failure(*sys.exc_info())

    def _note(self, item: Item, now_ns: int, ending: str, said: Sequence[Saying] = ()) -> None:
        """Have a turn recorded that is not one of the most frequent kinds."""
        self._record(("t", item[0], self._name, self.generation, now_ns, ending, said))

    def _send_one(self, handled: Item, now_ns: int) -> None:
        """Send the only thing that was said, once it is recorded."""
        receiver, body = self._outbox.pop()
        message_class = body.__class__
        watchers, hearers, key, keyed = self._plans.get(message_class) or self._plan(message_class)
        if watchers:
            show(watchers, self._name, now_ns, body)
        if receiver is not None:
            hearers = _hearer(receiver, message_class)
        elif key is not None:
            hearers = keyed.get(key(body), hearers)
        doors, names = hearers
        cause = handled[0]
        name = self._name
        record = self._record
        shown = None if body is handled[3] else body
        number = next(self._seq)
        if len(names) == 1:
            record((cause, name, self.generation, now_ns, number, names, shown))
            [(slot, put)] = doors
            if not put((number, name, cause, body)):
                self._runtime._overflow(slot, body)
            return
        sendings: list[Sending] = []
        first = number
        for slot, put in doors:
            if sendings:
                number = next(self._seq)
            sendings.append((slot, put, (number, name, cause, body)))
        if number - first < len(names):
            record((cause, name, self.generation, now_ns, first, names, shown))
        else:
            said: list[Saying] = []
            _say(said, sendings, handled[3])
            self._note(handled, now_ns, DONE, said)
        self._post(sendings)

    def _send_all(self, handled: Item, now_ns: int) -> None:
        """Send what was said, in order, once all of it is recorded."""
        seq = self._seq
        plans = self._plans
        sendings: list[Sending] = []
        said: list[Saying] = []
        last: Message | None = None
        for receiver, body in self._outbox:
            message_class = body.__class__
            watchers, hearers, key, keyed = plans.get(message_class) or self._plan(message_class)
            if watchers:
                show(watchers, self._name, now_ns, body)
            if receiver is not None:
                hearers = _hearer(receiver, message_class)
            elif key is not None:
                hearers = keyed.get(key(body), hearers)
            doors, names = hearers
            number = 0
            for slot, put in doors:
                number = next(seq)
                sendings.append((slot, put, (number, self._name, handled[0], body)))
            first = number + 1 - len(names)
            if body is last or sendings[-len(names)][2][0] != first:
                _say(said, sendings[-len(names) :], handled[3])
            else:
                said.append((first, names, None if body is handled[3] else body))
            last = body
        self._outbox.clear()
        self._note(handled, now_ns, DONE, said)
        self._post(sendings)

    def _post(self, sendings: list[Sending]) -> None:
        for slot, put, item in sendings:
            if not put(item):
                self._runtime._overflow(slot, item[3])


def _hearer(receiver: Address, message_class: type[Message]) -> Hearers:
    slot: Slot = receiver.slot
    return ((slot, slot.doors[message_class]),), (slot.name,)


def _say(said: list[Saying], sendings: list[Sending], handled: Message | None) -> None:
    """Say for a record what was said just before, or what other threads took numbers between."""
    for slot, _, (number, _, _, body) in sendings:
        shown = None if body is handled else body
        if said and said[-1][2] is shown and said[-1][0] + len(said[-1][1]) == number:
            first, names, _ = said[-1]
            said[-1] = (first, (*names, slot.name), shown)
        else:
            said.append((number, (slot.name,), shown))
