"""The cell: one generation of one actor, as a pykka actor.

Pykka leaves three hooks to those who bring another way of running: the inbox, the future, and the
start of the loop. The cell uses the first and the last. Its inbox forwards to the mailbox of the
address, which outlives it; its loop belongs to the runtime, which may give it a thread, let it
share one, or step it. Pykka keeps the registry, the refs, the stop protocol and the failure log.
"""

from __future__ import annotations

import functools
import sys
import traceback
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, Any, ClassVar, Final, cast

import attrs
import pykka
from pykka import messages as pykka_messages

from grinder.kernel.actor import Actor, Effect
from grinder.kernel.mailbox import Item
from grinder.kernel.message import Lane, Message
from grinder.kernel.signals import Begin, ExitReason, InjectFault, StopRequested, TimerFired

if TYPE_CHECKING:
    from grinder.kernel.runtime import Runtime
    from grinder.kernel.slot import Slot


class InjectedFaultError(RuntimeError):
    """Raised in an actor because somebody asked for it, to see what happens."""


@attrs.frozen(kw_only=True)
class PykkaRequest(Message):
    """What came through a pykka ref; only stopping is served."""

    lane: ClassVar[Lane] = Lane.CONTROL

    envelope: Any


PERSONAL: Final = (Begin, InjectFault, PykkaRequest, StopRequested)
"""Meant for one generation: what its death leaves unread must not reach the next one."""


class CellInbox:
    """The inbox pykka sees; hands everything to the address's mailbox."""

    def __init__(self) -> None:
        self.forward: Callable[[Message], bool] | None = None

    def put(self, envelope: Any, /) -> None:
        """Take a pykka envelope."""
        if self.forward is not None and self.forward(PykkaRequest(envelope=envelope)):
            return
        error = pykka.ActorDeadError("the actor has ended")
        if envelope.reply_to is None:
            raise error
        envelope.reply_to.set_exception((pykka.ActorDeadError, error, None))

    def get(self) -> Any:
        """Refuse: the runtime's loop takes from the mailbox, not from here."""
        raise NotImplementedError("a cell is driven by its runtime")

    def empty(self) -> bool:
        """Return True: nothing ever waits here."""
        return True


class Cell(pykka.ThreadingActor):
    """Hosts one generation of an actor. The runtime calls it on the thread that owns it."""

    def __init__(self, runtime: Runtime, slot: Slot, actor: Actor, generation: int) -> None:
        super().__init__()
        self.actor = actor
        self.generation = generation
        self.slot = slot
        self.is_fenced = False
        """True once the runtime has given this generation up: nothing it says counts."""
        self._runtime = runtime
        self._flush = runtime.flush
        self._name = slot.name
        self._outbox: list[Effect] = []
        self._announced_ready = False
        self._stop_replies: list[Any] = []
        actor.me = slot.address
        actor.generation = generation
        actor.now_ns = runtime.now_ns()
        actor._timer = runtime.timer_address
        actor._outbox = self._outbox
        handlers: dict[type[Message], Callable[[Any], None]] = {
            message_class: getattr(actor, name) for message_class, name in actor.handlers().items()
        }
        self._on_timer = handlers.get(TimerFired)
        handlers[Begin] = self._begin
        handlers[TimerFired] = self._timer_fired
        handlers[StopRequested] = self._stop_requested
        handlers[InjectFault] = self._inject_fault
        handlers[PykkaRequest] = self._pykka_request
        self._handlers = handlers
        cast("CellInbox", self.actor_inbox).forward = functools.partial(
            runtime.post_personal, slot, self
        )

    def __str__(self) -> str:
        return f"{type(self.actor).__name__} at {self.slot.name}, generation {self.generation}"

    @staticmethod
    def _create_actor_inbox() -> CellInbox:
        return CellInbox()

    def _start_actor_loop(self) -> None:
        self._runtime.attach(self)

    def deliver(self, item: Item, now_ns: int) -> None:
        """Handle one item and send what the handler says."""
        body = item[3]
        handler = self._handlers.get(body.__class__)
        if handler is None:
            self.slot.unhandled += 1
            return
        actor = self.actor
        actor.now_ns = now_ns
        try:
            handler(body)
            self.slot.handled += 1
            if self._outbox:
                if self.is_fenced:
                    self._drop()
                else:
                    flush = self._flush
                    flush(self._name, self._outbox, item[0])
            if actor._has_news:
                self._hear_news()
        except self._runtime.failures:
            self._handle_failure(*sys.exc_info())

    def _drop(self) -> None:
        """Count what was said by a generation that had been given up: it goes nowhere."""
        self.slot.dropped += len(self._outbox)
        self._outbox.clear()

    def _hear_news(self) -> None:
        actor = self.actor
        actor._has_news = False
        if actor._is_ready and not self._announced_ready:
            self._announced_ready = True
            self._runtime.cell_ready(self)
        if actor._wants_exit and not self.actor_stopped.is_set():
            self._stop()

    # Pykka's hooks.

    def on_stop(self) -> None:
        """Tell the runtime of a normal end."""
        self._runtime.cell_exited(self, ExitReason.NORMAL, "")

    def _handle_failure(
        self,
        exception_type: type[BaseException] | None,
        exception_value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        # Pykka comes here when on_stop raises, and deliver when a handler does, on_start included:
        # the one place from which every failure reaches the supervisor.
        self._outbox.clear()
        super()._handle_failure(exception_type, exception_value, trace)
        detail = "".join(traceback.format_exception_only(exception_type, exception_value)).strip()
        self._runtime.cell_exited(self, ExitReason.ERROR, detail)

    def bury(self, unread: tuple[Item, ...]) -> None:
        """Answer everyone who waits for this generation through pykka: it has ended."""
        pykka.ActorRegistry.unregister(self.actor_ref)
        self.actor_stopped.set()
        for reply_to in self._stop_replies:
            reply_to.set(None)
        self._stop_replies.clear()
        for item in unread:
            request = item[3]
            if isinstance(request, PykkaRequest) and request.envelope.reply_to is not None:
                error = pykka.ActorDeadError(f"{self.slot.name} ended before it read this")
                request.envelope.reply_to.set_exception((pykka.ActorDeadError, error, None))

    # Handlers of the kernel's own messages.

    def _begin(self, _: Begin) -> None:
        self.actor.on_start()
        if self.actor.ready_on_start:
            self.actor.declare_ready()

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
            if envelope.reply_to is not None:
                self._stop_replies.append(envelope.reply_to)
            self.actor.on_stop()
        elif envelope.reply_to is not None:
            error = TypeError("actors here are told messages; they are not asked")
            envelope.reply_to.set_exception((TypeError, error, None))
        else:
            self.slot.unhandled += 1
