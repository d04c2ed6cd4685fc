"""The cell: one generation of one actor, as a pykka actor.

Pykka leaves three hooks to those who bring another way of running: the inbox, the future, and the
start of the loop. The cell uses all three. Its inbox forwards to the mailbox of the address, which
outlives it; its loop belongs to the runtime, which may give it a thread, let it share one, or step
it. Pykka keeps the registry, the refs, the stop protocol and the failure log.
"""

from __future__ import annotations

import functools
import sys
import traceback
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, Any, ClassVar, cast

import attrs
import pykka
from pykka import messages as pykka_messages

from grinder.kernel.actor import Actor, Effect
from grinder.kernel.mailbox import Item
from grinder.kernel.message import Lane, Message
from grinder.kernel.signals import ExitReason, StopRequested, TimerFired

if TYPE_CHECKING:
    from grinder.kernel.runtime import Runtime, Slot


class InjectedFaultError(RuntimeError):
    """Raised in an actor because somebody asked for it, to see what happens."""


@attrs.frozen(kw_only=True)
class InjectFault(Message):
    """Make the receiving cell raise, or hang until it is abandoned. For tests and drills."""

    lane: ClassVar[Lane] = Lane.CONTROL

    kind: str
    """raise or hang."""


@attrs.frozen(kw_only=True)
class PykkaRequest(Message):
    """What came through a pykka ref; only stopping is served."""

    lane: ClassVar[Lane] = Lane.CONTROL

    envelope: Any


class CellInbox:
    """The inbox pykka sees; hands everything to the address's mailbox."""

    def __init__(self) -> None:
        self.forward: Callable[[Message], None] | None = None

    def put(self, envelope: Any, /) -> None:
        """Take a pykka envelope."""
        if self.forward is None:
            raise pykka.ActorDeadError("the actor has not been started")
        self.forward(PykkaRequest(envelope=envelope))

    def get(self) -> Any:
        """Refuse: the runtime's loop takes from the mailbox, not from here."""
        raise NotImplementedError("a cell is driven by its runtime")

    def empty(self) -> bool:
        """Return True: nothing ever waits here."""
        return True


class Cell(pykka.ThreadingActor):
    """Hosts one generation of an actor."""

    def __init__(self, runtime: Runtime, slot: Slot, actor: Actor, generation: int) -> None:
        super().__init__()
        self.actor = actor
        self.generation = generation
        self.is_started = False
        self.is_fenced = False
        """True once the runtime has given this generation up: nothing it says counts."""
        self.began_ns = 0
        """When the handler now running was entered; 0 between handlers."""
        self._runtime = runtime
        self.slot = slot
        self._outbox: list[Effect] = []
        self._announced_ready = False
        actor.me = slot.address
        actor.generation = generation
        actor.now_ns = runtime.now_ns()
        actor._timer = runtime.timer_address
        actor._outbox = self._outbox
        self._handlers: dict[type, Callable[[Any], None]] = {
            message_class: getattr(actor, name) for message_class, name in actor.handlers().items()
        }
        self._on_timer = self._handlers.get(TimerFired)
        self._handlers[TimerFired] = self._timer_fired
        self._handlers[StopRequested] = self._stop_requested
        self._handlers[InjectFault] = self._inject_fault
        self._handlers[PykkaRequest] = self._pykka_request
        cast("CellInbox", self.actor_inbox).forward = functools.partial(runtime.post_outside, slot)

    @staticmethod
    def _create_actor_inbox() -> CellInbox:
        return CellInbox()

    def _start_actor_loop(self) -> None:
        self._runtime.attach(self)

    # What the runtime calls, always on the thread that owns the cell.

    def begin(self, now_ns: int) -> None:
        """Run ``on_start`` and send what it says."""
        self.is_started = True
        self.actor.now_ns = now_ns
        self._actor_loop_setup()
        if not self.actor_stopped.is_set():
            self._after(0)

    def deliver(self, item: Item, now_ns: int) -> None:
        """Handle one item and send what the handler says."""
        body = item[3]
        handler = self._handlers.get(body.__class__)
        if handler is None:
            self.slot.unhandled += 1
            return
        self.actor.now_ns = now_ns
        try:
            handler(body)
        except BaseException:  # noqa: BLE001  # whatever a handler raises ends this generation
            self._handle_failure(*sys.exc_info())
            return
        self.slot.handled += 1
        if self._outbox or self.actor._wants_exit or not self._announced_ready:
            self._after(item[0])

    def _after(self, cause: int) -> None:
        if self.is_fenced:
            self.slot.dropped += len(self._outbox)
            self._outbox.clear()
            return
        self._runtime.flush(self.slot, self._outbox, cause)
        if not self._announced_ready and (self.actor.ready_on_start or self.actor._is_ready):
            self._announced_ready = True
            self._runtime.cell_ready(self)
        if self.actor._wants_exit and not self.actor_stopped.is_set():
            self._stop()

    # Pykka's hooks.

    def on_start(self) -> None:
        """Start the hosted actor."""
        self.actor.on_start()

    def on_stop(self) -> None:
        """Tell the runtime of a normal end."""
        self._runtime.cell_exited(self, ExitReason.NORMAL, "")

    def _handle_failure(
        self,
        exception_type: type[BaseException] | None,
        exception_value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        # Pykka comes here for a failure in on_start, in a handler and in on_stop alike, so this is
        # the one place where every failure reaches the supervisor.
        self._outbox.clear()
        super()._handle_failure(exception_type, exception_value, trace)
        detail = "".join(traceback.format_exception_only(exception_type, exception_value)).strip()
        self._runtime.cell_exited(self, ExitReason.ERROR, detail)

    # Handlers of the kernel's own messages.

    def _timer_fired(self, timer: TimerFired) -> None:
        if timer.generation == self.generation and self._on_timer is not None:
            self._on_timer(timer)

    def _stop_requested(self, _: StopRequested) -> None:
        self.actor.on_stop()

    def _inject_fault(self, fault: InjectFault) -> None:
        if fault.kind == "hang":
            self._runtime.hang(self)
            return
        raise InjectedFaultError(f"asked to {fault.kind}")

    def _pykka_request(self, request: PykkaRequest) -> None:
        envelope = request.envelope
        if isinstance(envelope.message, pykka_messages._ActorStop):
            self.actor.on_stop()
            if envelope.reply_to is not None:
                envelope.reply_to.set(None)
        elif envelope.reply_to is not None:
            envelope.reply_to.set_exception(
                (TypeError, TypeError("actors here are told messages; they are not asked"), None)
            )


_CLASSES: dict[type[Actor], type[Cell]] = {}


def cell_class(actor_class: type[Actor]) -> type[Cell]:
    """Return a cell class named after the actor, so pykka's registry and logs name it."""
    known = _CLASSES.get(actor_class)
    if known is None:
        known = type(actor_class.__name__, (Cell,), {"__doc__": actor_class.__doc__})
        _CLASSES[actor_class] = known
    return known
