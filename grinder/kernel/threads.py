"""The threaded runtime: wall time, pykka actors on real threads, a watchdog.

Every actor has its own mailbox; its spec names the thread that empties it. A thread is a loop over
the actors that have something waiting, one message a turn, so actors that share a thread take
turns. The clockwork thread fires timers and watches progress: a thread whose handler has run longer
than its limit is abandoned, the actor in it fenced off, and the others move to a fresh thread.
"""

from __future__ import annotations

import logging
import threading
from typing import ClassVar

from grinder.errors import InvariantError
from grinder.kernel.address import Address
from grinder.kernel.cell import Cell
from grinder.kernel.clock import Clock, SystemClock
from grinder.kernel.clockwork import WATCH_INTERVAL_NS, Clockwork
from grinder.kernel.loop import Loop
from grinder.kernel.mailbox import Item, SharedMailbox
from grinder.kernel.message import Message
from grinder.kernel.port import Outlet, Port
from grinder.kernel.runtime import TIMER, Runtime
from grinder.kernel.signals import ActorFailed, ExitReason, StopRequested
from grinder.kernel.slot import Slot, thread_of
from grinder.kernel.spec import ChildSpec, SupervisorSpec
from grinder.kernel.tree import RUNTIME

logger = logging.getLogger("grinder.kernel")

SUPERVISOR_STALL_NS = 10_000_000_000
JOIN_TIMEOUT_NS = 1_000_000_000
"""How long ``stop`` waits for threads that have nothing left to do."""
LOOK_MAX_NS = 2 * WATCH_INTERVAL_NS
"""What one look at the threads may count against a handler: one that comes later than that tells of
a process that stood still, not of a handler that does."""


class ThreadOutlet(Outlet):
    """What a port speaks with."""

    def __init__(self, runtime: ThreadRuntime, name: str) -> None:
        self._runtime = runtime
        self._name = name
        self._spoke = runtime.spoke
        self._clock_ns = runtime.clock.now_ns

    def tell(self, receiver: Address, message: Message, *, cause: int = 0) -> None:
        """Post ``message`` in the port's name."""
        self._runtime.emit(self._name, receiver, message, cause)
        # After, not before: the receiver may be a port that answers at once, on this thread.
        self._spoke.port = self._name

    def resolve(self, name: str) -> Address:
        """Return the address called ``name``."""
        return self._runtime.resolve(name)

    def now_ns(self) -> int:
        """Return the runtime's time."""
        self._spoke.port = self._name
        return self._clock_ns()


class ThreadRuntime(Runtime):
    """Runs a tree on threads and wall time."""

    # On a thread that actors share, nothing one of them raises may end the thread.
    failures: ClassVar[type[BaseException]] = BaseException

    def __init__(self, clock: Clock | None = None) -> None:
        self._loops: dict[str, Loop] = {}
        self._root_done = threading.Event()
        self._former_hook = threading.excepthook
        self._is_open = False
        self._looked_ns = 0
        self.spoke = threading.local()
        # ``spoke.port`` is the port whose outlet this thread has used last.
        super().__init__(clock or SystemClock())

    def start(self) -> None:
        """Open the ports and start the root supervisor; returns at once."""
        if self._root is None:
            raise InvariantError("declare a tree first")
        self._is_open = True
        self._former_hook = threading.excepthook
        threading.excepthook = self._thread_failed
        for name, port in self.ports():
            port.open(ThreadOutlet(self, name))
        self.start_child(self._root.name)

    def stop(self, timeout_s: float = 30.0) -> bool:
        """Stop the tree right to left, then the ports; return whether the tree ended in time.

        The tree has ``timeout_s`` seconds, and all ports together as many again. What has not
        ended in time is killed. Must not be called by an actor.
        """
        ended = True
        root = self._root
        if root is not None and root.cell is not None:
            self._is_stopping = True
            self.post_personal(root, root.cell, StopRequested())
            ended = self._root_done.wait(timeout_s)
            self.kill_child(root.name, ExitReason.KILLED, "the runtime stopped")
        close_by_ns = self.now_ns() + int(timeout_s * 1e9)
        for name, port in reversed(self.ports()):
            if name != TIMER:
                port.close(max(0.0, (close_by_ns - self.now_ns()) / 1e9))
        self.timer_address.slot.port.close(timeout_s)
        with self._lock:
            loops = tuple(self._loops.values())
            self._loops.clear()
        for loop in loops:
            loop.stop()
        deadline_ns = self.now_ns() + JOIN_TIMEOUT_NS
        for loop in loops:
            loop.join(max(0.0, (deadline_ns - self.now_ns()) / 1e9))
        self._is_open = False
        if threading.excepthook == self._thread_failed:
            threading.excepthook = self._former_hook
        return ended

    def wait(self, timeout_s: float | None = None) -> bool:
        """Wait for the root supervisor to end; return whether it has."""
        return self._root_done.wait(timeout_s)

    def is_known(self, name: str) -> bool:
        """Return whether there is an address called ``name``."""
        return name in self._slots

    # Progress.

    def watch(self, now_ns: int) -> None:
        """Abandon every thread whose handler has run past its limit."""
        passed_ns = min(now_ns - self._looked_ns, LOOK_MAX_NS)
        self._looked_ns = now_ns
        for loop in tuple(self._loops.values()):
            worker = loop.worker
            cell = worker.current
            stuck_ns = worker.seen_busy(now_ns, passed_ns)
            if cell is None or stuck_ns <= _stall_limit_ns(cell.slot):
                continue
            detail = f"no progress for {stuck_ns // 1_000_000} ms"
            logger.error("%s: %s", cell.slot.name, detail)
            loop.abandon()
            # Told before the others go on: none of them may act as if nothing had happened.
            self.cell_exited(cell, ExitReason.STUCK, detail)
            if _is_shared(cell.slot):
                loop.go_on()

    def hang(self, cell: Cell) -> None:
        """Hold the thread until the watchdog has given the cell up."""
        cell.actor_stopped.wait()

    # Ports.

    def port_failed(self, name: str, error: BaseException) -> None:
        """Log what a port has raised and tell whoever must know that a part is missing."""
        logger.critical("the port %s failed", name, exc_info=error)
        self.publish(
            RUNTIME,
            ActorFailed(actor=name, generation=1, reason=ExitReason.ERROR, detail=repr(error)),
        )

    def _thread_failed(self, arguments: threading.ExceptHookArgs) -> None:
        # The hook runs on the thread that failed. It is the port's whose outlet it has used, or
        # after which it is called: `rest`, `rest-2`, `rest:keepalive`.
        thread, error = arguments.thread, arguments.exc_value
        if self._is_open and thread is not None and error is not None:
            port: str | None = getattr(self.spoke, "port", None) or self._port_called(thread.name)
            if port is not None:
                self.port_failed(port, error)
            else:
                logger.critical("the thread %s failed", thread.name, exc_info=error)
        self._former_hook(arguments)

    def _port_called(self, thread: str) -> str | None:
        names = sorted((name for name, _ in self.ports()), key=len, reverse=True)
        owners = (
            one for one in names if thread == one or thread.startswith((f"{one}-", f"{one}:"))
        )
        return next(owners, None)

    # What a runtime decides.

    def _furnish(self, slot: Slot) -> None:
        slot.mailbox = SharedMailbox(10_000)

    def _make_timer(self) -> Port:
        self._clockwork = Clockwork(self)
        return self._clockwork

    def _place(self, cell: Cell, first: Item) -> None:
        slot = cell.slot
        assert slot.spec is not None
        assert isinstance(slot.mailbox, SharedMailbox)
        name = thread_of(slot.spec)
        loop = self._loops.get(name)
        if loop is None:
            loop = self._loops[name] = Loop(name, self.clock)
        slot.runner = loop
        slot.mailbox.give_to(cell, loop.ready.put, first)

    def _displace(self, cell: Cell) -> None:
        slot = cell.slot
        loop = slot.runner
        assert isinstance(slot.mailbox, SharedMailbox)
        slot.mailbox.take_away()
        slot.runner = None
        if isinstance(loop, Loop) and not _is_shared(slot):
            self._loops.pop(loop.name, None)
            loop.stop()

    def _forget_timers(self, slot: Slot) -> None:
        self._clockwork.forget(slot.name)

    def _root_exited(self) -> None:
        self._root_done.set()

    def _thread_name(self, slot: Slot) -> str:
        return slot.runner.name if isinstance(slot.runner, Loop) else ""


def _is_shared(slot: Slot) -> bool:
    spec = slot.spec
    return isinstance(spec, SupervisorSpec) or (isinstance(spec, ChildSpec) and bool(spec.thread))


def _stall_limit_ns(slot: Slot) -> int:
    return slot.spec.stall_after_ns if isinstance(slot.spec, ChildSpec) else SUPERVISOR_STALL_NS
