"""What both runtimes have in common: addresses, delivery, generations and failures."""

from __future__ import annotations

import itertools
import logging
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator

from grinder.errors import InvariantError
from grinder.kernel.actor import Actor, Effect
from grinder.kernel.address import Address
from grinder.kernel.cell import Cell, InjectFault, cell_class
from grinder.kernel.clock import Clock
from grinder.kernel.mailbox import FULL, WAKE, Item, Mailbox
from grinder.kernel.message import Envelope, Message
from grinder.kernel.observer import ActorSnapshot, Observer
from grinder.kernel.port import Port
from grinder.kernel.routes import Routes
from grinder.kernel.signals import (
    ActorFailed,
    ChildExited,
    ChildReady,
    ExitReason,
    KillChild,
    StartChild,
    StopChild,
    StopRequested,
)
from grinder.kernel.spec import SUPERVISION_THREAD, ChildSpec, SupervisorSpec
from grinder.kernel.supervisor import Supervisor

logger = logging.getLogger("grinder.kernel")

RUNTIME = "runtime"
TIMER = "timer"


class Slot:
    """The runtime's record of one address."""

    __slots__ = (
        "address",
        "cell",
        "children",
        "dropped",
        "factory",
        "generation",
        "handled",
        "loop",
        "mailbox",
        "name",
        "port",
        "spec",
        "state",
        "supervisor",
        "unhandled",
    )

    def __init__(self, name: str, mailbox: Mailbox) -> None:
        self.name = name
        self.address = Address(name, self)
        self.mailbox = mailbox
        self.port: Port | None = None
        self.cell: Cell | None = None
        self.loop: object | None = None
        """The thread that empties the mailbox, in the threaded runtime."""
        self.spec: ChildSpec | SupervisorSpec | None = None
        self.factory: Callable[[], Actor] | None = None
        self.supervisor: Slot | None = None
        self.children: list[Slot] = []
        self.generation = 0
        self.handled = 0
        self.dropped = 0
        self.unhandled = 0
        self.state = "down"


class Runtime(ABC):
    """Runs a tree of actors. Subclasses say when, and on which thread."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.routes = Routes()
        self._slots: dict[str, Slot] = {}
        self._seq = itertools.count(1)
        self._lock = threading.RLock()
        self._observers: dict[type[Message], tuple[Callable[[str, int, Message], None], ...]] = {}
        self._root: Slot | None = None
        self._is_stopping = False
        self.root_exit: ChildExited | None = None
        """How the root supervisor ended; None while it lives."""
        self.add_port(RUNTIME, _Spawner(self))
        self.timer_address = self.add_port(TIMER, self._make_timer())

    # Wiring, before the start.

    def address(self, name: str) -> Address:
        """Return the address called ``name``, made on first use."""
        slot = self._slots.get(name)
        if slot is None:
            slot = self._slots[name] = Slot(name, self._make_mailbox(10_000))
        return slot.address

    def add_port(self, name: str, port: Port) -> Address:
        """Put ``port`` at the address called ``name``."""
        address = self.address(name)
        address.slot.port = port
        return address

    def observe(self, observer: Observer) -> None:
        """Show ``observer`` every message of the classes that it names, from now on."""
        for message_class in observer.hears:
            known = self._observers.get(message_class, ())
            self._observers[message_class] = (*known, observer.observe)

    def declare(self, spec: SupervisorSpec) -> None:
        """Take the tree that ``start`` will bring up."""
        if self._root is not None:
            raise InvariantError("a runtime runs one tree")
        self._root = self._declare(spec, None)

    def _declare(self, spec: ChildSpec | SupervisorSpec, supervisor: Slot | None) -> Slot:
        slot: Slot = self.address(spec.name).slot
        if slot.spec is not None or slot.port is not None:
            raise InvariantError(f"two actors or ports are called {spec.name}")
        slot.spec = spec
        slot.supervisor = supervisor
        if supervisor is not None:
            supervisor.children.append(slot)
        if isinstance(spec, SupervisorSpec):
            runtime_address = self.address(RUNTIME)
            slot.factory = lambda: Supervisor(spec, runtime_address)
            for child in spec.children:
                self._declare(child, slot)
        else:
            slot.factory = spec.factory
            slot.mailbox.capacity = spec.mailbox_max
        return slot

    # Time and delivery.

    def now_ns(self) -> int:
        """Return the runtime's time in nanoseconds since the epoch."""
        return self.clock.now_ns()

    def tell(self, receiver: Address, message: Message, *, cause: int = 0) -> None:
        """Tell ``receiver`` something from outside the tree, in the name of ``outside``."""
        self.emit("outside", receiver, message, cause)

    def emit(self, sender: str, receiver: Address, message: Message, cause: int) -> None:
        """Post ``message`` to ``receiver`` in the name of ``sender`` and show it to observers."""
        watchers = self._observers.get(message.__class__)
        if watchers is not None:
            self._show(watchers, sender, message)
        self._post(receiver.slot, (next(self._seq), sender, cause, message))

    def publish(self, sender: str, message: Message, cause: int = 0) -> None:
        """Say ``message`` in the name of ``sender`` to whoever is routed to hear it."""
        watchers = self._observers.get(message.__class__)
        if watchers is not None:
            self._show(watchers, sender, message)
        for receiver in self.routes.receivers(message):
            self._post(receiver.slot, (next(self._seq), sender, cause, message))

    def flush(self, slot: Slot, outbox: list[Effect], cause: int) -> None:
        """Send what a handler of ``slot`` has said, in order, and empty its outbox."""
        name = slot.name
        seq = self._seq
        post = self._post
        observers = self._observers
        for receiver, body in outbox:
            watchers = observers.get(body.__class__)
            if watchers is not None:
                self._show(watchers, name, body)
            if receiver is not None:
                post(receiver.slot, (next(seq), name, cause, body))
            else:
                for address in self.routes.receivers(body):
                    post(address.slot, (next(seq), name, cause, body))
        outbox.clear()

    def _show(
        self,
        watchers: tuple[Callable[[str, int, Message], None], ...],
        sender: str,
        body: Message,
    ) -> None:
        now_ns = self.clock.now_ns()
        for watch in watchers:
            try:
                watch(sender, now_ns, body)
            except Exception:  # a broken observer must not break what it observes
                logger.exception("an observer failed on %s", body.__class__.__name__)

    def post_outside(self, slot: Slot, message: Message) -> None:
        """Put a kernel message into a mailbox without showing it to observers."""
        self._post(slot, (next(self._seq), "outside", 0, message))

    def _post(self, slot: Slot, item: Item) -> None:
        port = slot.port
        if port is not None:
            seq, sender, cause, body = item
            port.receive(
                Envelope(
                    seq=seq,
                    sender=sender,
                    receiver=slot.name,
                    at_ns=self.clock.now_ns(),
                    cause=cause,
                    body=body,
                )
            )
            return
        taken = slot.mailbox.put(item)
        if taken == WAKE:
            self._wake(slot)
        elif taken == FULL:
            slot.dropped += 1
            self._overflow(slot)

    def _overflow(self, slot: Slot) -> None:
        """End a generation that can't keep up: the next one starts from clean truth."""
        cell = slot.cell
        slot.dropped += slot.mailbox.clear()
        if cell is not None:
            self.cell_exited(cell, ExitReason.OVERFLOW, "its mailbox was full")

    # Life of cells.

    def start_child(self, name: str) -> None:
        """Start the next generation at ``name``."""
        slot = self._slots[name]
        if slot.factory is None:
            raise InvariantError(f"nothing is declared at {name}")
        with self._lock:
            slot.generation += 1
            slot.state = "starting"
            generation = slot.generation
        try:
            actor = slot.factory()
            cell_class(type(actor)).start(self, slot, actor, generation)
        except Exception as error:  # a factory that raises is a failed start
            logger.exception("%s could not be made", name)
            slot.state = "down"
            self._tell_supervisor(slot, generation, ExitReason.ERROR, repr(error))

    def attach(self, cell: Cell) -> None:
        """Make ``cell`` the living generation of its slot and let it begin."""
        slot = cell.slot
        with self._lock:
            slot.cell = cell
            self._place(cell)
        if self.routes.hears(slot.address, ActorFailed):
            self._call_roll(slot)

    def _call_roll(self, slot: Slot) -> None:
        # A newborn that must know who is down can't have heard of it before it was born.
        for other in self._slots.values():
            if other is not slot and isinstance(other.spec, ChildSpec) and other.state != "ready":
                self.post_outside(
                    slot,
                    ActorFailed(
                        actor=other.name,
                        generation=other.generation,
                        reason=ExitReason.NORMAL,
                        detail=f"was {other.state} when {slot.name} started",
                    ),
                )

    def cell_ready(self, cell: Cell) -> None:
        """Note that ``cell`` has started and tell its supervisor."""
        slot = cell.slot
        slot.state = "ready"
        if slot.supervisor is not None:
            self.post_outside(
                slot.supervisor, ChildReady(child=slot.name, generation=cell.generation)
            )

    def cell_exited(self, cell: Cell, reason: ExitReason, detail: str) -> None:
        """Fence ``cell`` off and tell whom it concerns, once."""
        slot = cell.slot
        with self._lock:
            if cell.is_fenced:
                return
            cell.is_fenced = True
            cell.actor_stopped.set()
            if slot.cell is cell:
                slot.cell = None
                slot.state = "down"
            self._detach(cell)
        self._forget_timers(slot)
        for child in slot.children:
            if child.cell is not None:
                self.cell_exited(child.cell, ExitReason.KILLED, f"{slot.name} ended")
        if isinstance(slot.spec, ChildSpec) and not self._is_stopping:
            self.publish(
                RUNTIME,
                ActorFailed(
                    actor=slot.name, generation=cell.generation, reason=reason, detail=detail
                ),
            )
        self._tell_supervisor(slot, cell.generation, reason, detail)

    def _tell_supervisor(
        self, slot: Slot, generation: int, reason: ExitReason, detail: str
    ) -> None:
        exited = ChildExited(child=slot.name, generation=generation, reason=reason, detail=detail)
        if slot.supervisor is not None:
            self.post_outside(slot.supervisor, exited)
        else:
            self.root_exit = exited
            self._root_exited()

    def stop_child(self, name: str) -> None:
        """Ask the living generation at ``name`` to end."""
        slot = self._slots[name]
        slot.state = "stopping"
        self.post_outside(slot, StopRequested())

    def kill_child(self, name: str, reason: ExitReason) -> None:
        """End the living generation at ``name`` now."""
        cell = self._slots[name].cell
        if cell is not None:
            self.cell_exited(cell, reason, "killed by its supervisor")

    def inject(self, name: str, kind: str) -> None:
        """Make the actor at ``name`` raise or hang, to see what happens.

        Raises:
            KeyError: there is no actor of that name.
            ValueError: ``kind`` is neither ``raise`` nor ``hang``.
        """
        if kind not in ("raise", "hang"):
            raise ValueError(f"expected raise or hang, was {kind}")
        slot = self._slots[name]
        if slot.spec is None:
            raise KeyError(name)
        self.post_outside(slot, InjectFault(kind=kind))

    # What others may know.

    def snapshots(self) -> tuple[ActorSnapshot, ...]:
        """Return what is known of every actor, supervisors before their children."""
        root = self._root
        return tuple(self._walk(root)) if root is not None else ()

    def _walk(self, slot: Slot) -> Iterator[ActorSnapshot]:
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
            thread=self._thread_name(slot),
        )
        for child in slot.children:
            yield from self._walk(child)

    def ports(self) -> tuple[tuple[str, Port], ...]:
        """Return every port with its name."""
        return tuple(
            (slot.name, slot.port) for slot in self._slots.values() if slot.port is not None
        )

    def resolve(self, name: str) -> Address:
        """Return the address called ``name``.

        Raises:
            KeyError: nobody has declared it.
        """
        address: Address = self._slots[name].address
        return address

    def is_ready(self) -> bool:
        """Return whether every actor is ready."""
        return self._root is not None and all(one.state == "ready" for one in self.snapshots())

    # What a runtime decides.

    @abstractmethod
    def _make_mailbox(self, capacity: int) -> Mailbox: ...

    @abstractmethod
    def _make_timer(self) -> Port: ...

    @abstractmethod
    def _wake(self, slot: Slot) -> None:
        """Something waits at a slot whose owner had run out of work."""

    @abstractmethod
    def _place(self, cell: Cell) -> None:
        """Give the cell something that runs it; called under the lock."""

    @abstractmethod
    def _detach(self, cell: Cell) -> None:
        """Stop running the cell; called under the lock, perhaps from another thread than its."""

    @abstractmethod
    def _forget_timers(self, slot: Slot) -> None: ...

    @abstractmethod
    def _root_exited(self) -> None: ...

    @abstractmethod
    def _thread_name(self, slot: Slot) -> str: ...

    @abstractmethod
    def hang(self, cell: Cell) -> None:
        """Behave as a handler that makes no progress until the cell is given up."""


class _Spawner(Port):
    """The runtime as supervisors see it."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime

    def open(self, outlet: object) -> None:
        """Need nothing."""

    def receive(self, envelope: Envelope) -> None:
        """Start, stop or kill a child."""
        command = envelope.body
        if isinstance(command, StartChild):
            self._runtime.start_child(command.child)
        elif isinstance(command, StopChild):
            self._runtime.stop_child(command.child)
        elif isinstance(command, KillChild):
            self._runtime.kill_child(command.child, command.reason)

    def close(self, timeout_s: float) -> None:
        """Need nothing."""


def thread_of(spec: ChildSpec | SupervisorSpec) -> str:
    """Return the name of the thread that a child wants to run on."""
    if isinstance(spec, SupervisorSpec):
        return SUPERVISION_THREAD
    return spec.thread or f"actor:{spec.name}"
