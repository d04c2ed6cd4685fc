"""What both runtimes have in common: the life of generations."""

from __future__ import annotations

import logging
import threading
from abc import abstractmethod
from typing import Any, ClassVar

from grinder.errors import InvariantError
from grinder.kernel.cell import PERSONAL, Cell
from grinder.kernel.clock import Clock
from grinder.kernel.mailbox import Item
from grinder.kernel.message import Envelope, Message
from grinder.kernel.port import Outlet, Port
from grinder.kernel.recorded import RecordedCell
from grinder.kernel.signals import (
    ActorFailed,
    Begin,
    ChildExited,
    ChildReady,
    ExitReason,
    InjectFault,
    KillChild,
    StartChild,
    StopChild,
    StopRequested,
)
from grinder.kernel.slot import Slot
from grinder.kernel.spec import ChildSpec
from grinder.kernel.tree import RUNTIME, Tree

logger = logging.getLogger("grinder.kernel")

TIMER = "timer"


class Runtime(Tree):
    """Runs a tree of actors. Subclasses say when, and on which thread."""

    failures: ClassVar[type[BaseException]] = Exception
    """What a handler may raise to end only its own generation."""

    def __init__(self, clock: Clock) -> None:
        super().__init__(clock)
        self._lock = threading.RLock()
        # Held while it is decided who lives; never while somebody else's code runs.
        self._is_stopping = False
        self.root_exit: ChildExited | None = None
        """How the root supervisor ended; None while it lives."""
        self.add_port(RUNTIME, _Spawner(self))
        self.timer_address = self.add_port(TIMER, self._make_timer())

    # Birth.

    def start_child(self, name: str) -> None:
        """Start the next generation at ``name``; a living one ends first."""
        slot = self._slots[name]
        if slot.factory is None:
            raise InvariantError(f"nothing is declared at {name}")
        self.kill_child(name, ExitReason.KILLED)
        with self._lock:
            if slot.supervisor is not None and slot.supervisor.cell is None:
                return
            slot.generation += 1
            slot.state = "starting"
            generation = slot.generation
        try:
            actor = slot.factory()
            made = Cell if self.recorder is None else RecordedCell
            made.start(self, slot, actor, generation)
        except Exception as error:  # a factory that raises is a failed start
            logger.exception("%s could not be made", name)
            cell = slot.cell
            if cell is not None:
                # Made, but it got no thread.
                self.cell_exited(cell, ExitReason.ERROR, repr(error))
                return
            slot.state = "down"
            self._report(slot, generation, ExitReason.ERROR, repr(error))

    def attach(self, cell: Cell) -> None:
        """Make ``cell`` the living generation of its slot and let it begin."""
        slot = cell.slot
        with self._lock:
            slot.cell = cell
            self._place(cell, self._number(slot, RUNTIME, 0, Begin()))
            is_orphan = slot.supervisor is not None and slot.supervisor.cell is None
        if is_orphan:
            # The supervisor has ended, on another thread, since it asked for this child.
            self.cell_exited(cell, ExitReason.KILLED, "its supervisor ended")
        elif self.routes.hears(slot.address, ActorFailed):
            self._call_roll(slot)

    def _call_roll(self, slot: Slot) -> None:
        # A newborn that must know who is down can't have heard of it before it was born.
        for other in tuple(self._slots.values()):
            if other is not slot and isinstance(other.spec, ChildSpec) and other.state != "ready":
                self.post(
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
        with self._lock:
            if cell.is_fenced:
                return
            if slot.state == "starting":
                slot.state = "ready"
        if slot.supervisor is not None:
            self.post(slot.supervisor, ChildReady(child=slot.name, generation=cell.generation))

    # Death.

    def cell_exited(self, cell: Cell, reason: ExitReason, detail: str) -> None:
        """Fence ``cell`` off and tell whom it concerns, once."""
        slot = cell.slot
        unread: tuple[Item, ...] = ()
        with self._lock:
            if cell.is_fenced:
                return
            cell.is_fenced = True
            if slot.cell is cell:
                slot.cell = None
                slot.state = "down"
                self._displace(cell)
                unread = slot.mailbox.remove_personal(PERSONAL)
        cell.bury(unread)
        self._forget_timers(slot)
        for child in slot.children:
            self.kill_child(child.name, ExitReason.KILLED, f"{slot.name} ended")
        self._report(slot, cell.generation, reason, detail)

    def _report(self, slot: Slot, generation: int, reason: ExitReason, detail: str) -> None:
        if isinstance(slot.spec, ChildSpec) and not self._is_stopping:
            self.publish(
                RUNTIME,
                ActorFailed(actor=slot.name, generation=generation, reason=reason, detail=detail),
            )
        exited = ChildExited(child=slot.name, generation=generation, reason=reason, detail=detail)
        if slot.supervisor is not None:
            self.post(slot.supervisor, exited)
        else:
            self.root_exit = exited
            self._root_exited()

    def _overflow(self, slot: Slot, body: Message) -> None:
        """End a generation that can't keep up; the next one is spared the lane that was full."""
        slot.dropped += 1 + slot.mailbox.clear(body.lane)
        cell = slot.cell
        if cell is not None:
            self.cell_exited(cell, ExitReason.OVERFLOW, f"no room for {body.__class__.__name__}")

    # Orders to one generation.

    def post_personal(self, slot: Slot, cell: Cell | None, message: Message) -> bool:
        """Post what concerns only ``cell``; return False if it is not the living generation."""
        with self._lock:
            if cell is None or slot.cell is not cell:
                return False
            if slot.put(self._number(slot, RUNTIME, 0, message)):
                return True
        self._overflow(slot, message)
        return False

    def stop_child(self, name: str) -> None:
        """Ask the living generation at ``name`` to end."""
        slot = self._slots[name]
        with self._lock:
            if slot.cell is None:
                return
            slot.state = "stopping"
        self.post_personal(slot, slot.cell, StopRequested())

    def kill_child(
        self, name: str, reason: ExitReason, detail: str = "killed by its supervisor"
    ) -> None:
        """End the living generation at ``name`` now."""
        cell = self._slots[name].cell
        if cell is not None:
            self.cell_exited(cell, reason, detail)

    def inject(self, name: str, kind: str) -> None:
        """Make the actor at ``name`` raise or hang, to see what happens; nothing if it is down.

        Raises:
            KeyError: there is no actor of that name.
            ValueError: ``kind`` is neither ``raise`` nor ``hang``.
        """
        if kind not in ("raise", "hang"):
            raise ValueError(f"expected raise or hang, was {kind}")
        slot = self._slots[name]
        if slot.spec is None:
            raise KeyError(name)
        self.post_personal(slot, slot.cell, InjectFault(kind=kind))

    # What a runtime decides.

    @abstractmethod
    def start(self) -> None:
        """Open the ports and start the root supervisor."""

    @abstractmethod
    def stop(self, timeout_s: float = 30.0) -> bool:
        """Stop the tree right to left, then the ports; return whether the tree ended in time."""

    @abstractmethod
    def _make_timer(self) -> Port: ...

    @abstractmethod
    def _place(self, cell: Cell, first: Item) -> None:
        """Give the cell something that runs it, ``first`` before what waits; under the lock."""

    @abstractmethod
    def _displace(self, cell: Cell) -> None:
        """Stop running the cell; under the lock, perhaps on another thread than its own."""

    @abstractmethod
    def _forget_timers(self, slot: Slot) -> None: ...

    @abstractmethod
    def _root_exited(self) -> None: ...

    @abstractmethod
    def hang(self, cell: Cell) -> None:
        """Behave as a handler that makes no progress until the cell is given up."""


class _Spawner(Port):
    """The runtime as supervisors see it."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime

    def open(self, outlet: Outlet) -> None:
        """Need nothing."""

    def receive(self, envelope: Envelope) -> None:
        """Start, stop or kill a child."""
        command: Any = envelope.body
        if isinstance(command, StartChild):
            self._runtime.start_child(command.child)
        elif isinstance(command, StopChild):
            self._runtime.stop_child(command.child)
        elif isinstance(command, KillChild):
            self._runtime.kill_child(command.child, command.reason)

    def close(self, timeout_s: float) -> None:
        """Need nothing."""
