"""The threaded runtime: wall time, pykka actors on real threads, a watchdog.

Every actor has its own mailbox; its spec names the thread that empties it. A thread is a loop over
the addresses that have something waiting, one message a turn, so actors that share a thread take
turns. The clockwork thread fires timers and watches progress: a loop whose handler has run longer
than its limit is abandoned, the actor in it fenced off, and the others move to a fresh thread.
"""

from __future__ import annotations

import heapq
import itertools
import logging
import threading
from queue import SimpleQueue

from grinder.kernel.address import Address
from grinder.kernel.cell import Cell
from grinder.kernel.clock import Clock, SystemClock
from grinder.kernel.mailbox import Mailbox, SharedMailbox
from grinder.kernel.message import Envelope, Message
from grinder.kernel.port import Outlet, Port
from grinder.kernel.runtime import TIMER, Runtime, Slot, thread_of
from grinder.kernel.signals import (
    CancelTimer,
    ExitReason,
    SetTimer,
    StopRequested,
    TimerFired,
)
from grinder.kernel.spec import ChildSpec, SupervisorSpec

logger = logging.getLogger("grinder.kernel")

WATCH_INTERVAL_NS = 100_000_000
SUPERVISOR_STALL_NS = 10_000_000_000


class Loop:
    """One thread that empties the mailboxes of one or more cells."""

    def __init__(self, name: str, clock: Clock) -> None:
        self.name = name
        self.current: Cell | None = None
        """The cell whose handler is running."""
        self._clock = clock
        self._ready: SimpleQueue[Slot | None] = SimpleQueue()
        self._token = object()
        self._numbers = itertools.count(1)
        self._start_thread()

    def _start_thread(self) -> None:
        name = f"{self.name}-{next(self._numbers)}"
        token = self._token
        threading.Thread(target=self._run, args=(token,), name=name, daemon=True).start()

    def wake(self, slot: Slot) -> None:
        """Let the loop look at ``slot`` soon."""
        self._ready.put(slot)

    def stop(self) -> None:
        """End the thread once it has looked at what is waiting before this call."""
        self._ready.put(None)

    def abandon(self, *, goes_on: bool) -> None:
        """Leave the thread to its fate; a fresh one takes over if the loop goes on."""
        self._token = object()
        self.current = None
        if goes_on:
            self._start_thread()

    def _run(self, token: object) -> None:
        ready = self._ready
        clock = self._clock
        while True:
            slot = ready.get()
            if slot is None:
                return
            cell = slot.cell
            if cell is None or slot.loop is not self:
                continue
            now_ns = clock.now_ns()
            if not cell.is_started:
                self.current = cell
                cell.began_ns = now_ns
                cell.begin(now_ns)
            else:
                item = slot.mailbox.pop()
                if item is None:
                    continue
                self.current = cell
                cell.began_ns = now_ns
                cell.deliver(item, now_ns)
            if self._token is not token:
                return
            self.current = None
            ready.put(slot)


class ThreadOutlet(Outlet):
    """What a port speaks with."""

    def __init__(self, runtime: Runtime, name: str) -> None:
        self._runtime = runtime
        self._name = name

    def tell(self, receiver: Address, message: Message, *, cause: int = 0) -> None:
        """Post ``message`` in the port's name."""
        self._runtime.emit(self._name, receiver, message, cause)

    def resolve(self, name: str) -> Address:
        """Return the address called ``name``."""
        return self._runtime.resolve(name)

    def now_ns(self) -> int:
        """Return the runtime's time."""
        return self._runtime.now_ns()


class Clockwork(Port):
    """The timer of the threaded runtime, and its watchdog."""

    def __init__(self, runtime: ThreadRuntime) -> None:
        self._runtime = runtime
        self._wakeup = threading.Condition()
        self._heap: list[tuple[int, int, str, str, int, int]] = []
        self._live: dict[tuple[str, str], int] = {}
        self._numbers = itertools.count()
        self._is_closed = False

    def open(self, outlet: Outlet) -> None:
        """Start the thread."""
        self._outlet = outlet
        threading.Thread(target=self._run, name="clockwork", daemon=True).start()

    def receive(self, envelope: Envelope) -> None:
        """Set or cancel a timer of the sender."""
        command = envelope.body
        with self._wakeup:
            if isinstance(command, SetTimer):
                number = next(self._numbers)
                due_ns = envelope.at_ns + max(0, command.after_ns)
                self._live[(envelope.sender, command.key)] = number
                heapq.heappush(
                    self._heap,
                    (
                        due_ns,
                        number,
                        envelope.sender,
                        command.key,
                        command.generation,
                        envelope.seq,
                    ),
                )
                self._drop_dead()
                if self._heap[0][1] == number:
                    self._wakeup.notify()
            elif isinstance(command, CancelTimer):
                self._live.pop((envelope.sender, command.key), None)

    def _drop_dead(self) -> None:
        # Replaced timers stay in the heap until due; rebuild before they outnumber the living.
        if len(self._heap) > 64 + 4 * len(self._live):
            self._heap = [one for one in self._heap if self._live.get((one[2], one[3])) == one[1]]
            heapq.heapify(self._heap)

    def forget(self, sender: str) -> None:
        """Cancel every timer of ``sender``."""
        with self._wakeup:
            for key in [one for one in self._live if one[0] == sender]:
                del self._live[key]

    def close(self, timeout_s: float) -> None:
        """End the thread."""
        with self._wakeup:
            self._is_closed = True
            self._wakeup.notify()

    def _run(self) -> None:
        watch_ns = 0
        while True:
            with self._wakeup:
                now_ns = self._runtime.now_ns()
                due: list[tuple[int, int, str, str, int, int]] = []
                while self._heap and self._heap[0][0] <= now_ns:
                    timer = heapq.heappop(self._heap)
                    if self._live.get((timer[2], timer[3])) == timer[1]:
                        del self._live[(timer[2], timer[3])]
                        due.append(timer)
                if self._is_closed:
                    return
                if not due and now_ns < watch_ns:
                    next_ns = min(watch_ns, self._heap[0][0]) if self._heap else watch_ns
                    self._wakeup.wait((next_ns - now_ns) / 1e9)
            for _, _, sender, key, generation, seq in due:
                self._outlet.tell(
                    self._outlet.resolve(sender),
                    TimerFired(key=key, generation=generation),
                    cause=seq,
                )
            if now_ns >= watch_ns:
                self._runtime.watch(now_ns)
                watch_ns = now_ns + WATCH_INTERVAL_NS


class ThreadRuntime(Runtime):
    """Runs a tree on threads and wall time."""

    def __init__(self, clock: Clock | None = None) -> None:
        self._loops: dict[str, Loop] = {}
        self._root_done = threading.Event()
        super().__init__(clock or SystemClock())

    def start(self) -> None:
        """Open the ports and start the root supervisor; returns at once."""
        if self._root is None:
            raise RuntimeError("declare a tree first")
        for name, port in self.ports():
            port.open(ThreadOutlet(self, name))
        self.start_child(self._root.name)

    def stop(self, timeout_s: float = 30.0) -> bool:
        """Stop the tree right to left, then the ports; return whether the tree ended in time."""
        ended = self._root_done.is_set()
        if self._root is not None and not ended:
            self._is_stopping = True
            self.post_outside(self._root, StopRequested())
            ended = self._root_done.wait(timeout_s)
        for name, port in reversed(self.ports()):
            if name != TIMER:
                port.close(timeout_s)
        self.timer_address.slot.port.close(timeout_s)
        for loop in list(self._loops.values()):
            loop.stop()
        return ended

    def wait(self, timeout_s: float | None = None) -> bool:
        """Wait for the root supervisor to end; return whether it has."""
        return self._root_done.wait(timeout_s)

    def watch(self, now_ns: int) -> None:
        """Abandon every thread whose handler has run past its limit."""
        for loop in list(self._loops.values()):
            cell = loop.current
            if cell is None:
                continue
            spec = cell.slot.spec
            limit_ns = spec.stall_after_ns if isinstance(spec, ChildSpec) else SUPERVISOR_STALL_NS
            stuck_ns = now_ns - cell.began_ns
            if stuck_ns > limit_ns and loop.current is cell:
                logger.error("%s has been stuck for %d ms", cell.slot.name, stuck_ns // 1_000_000)
                with self._lock:
                    loop.abandon(goes_on=_is_shared(cell.slot.spec))
                self.cell_exited(
                    cell, ExitReason.STUCK, f"no progress for {stuck_ns // 1_000_000} ms"
                )

    def hang(self, cell: Cell) -> None:
        """Hold the thread until the watchdog has given the cell up."""
        never = threading.Event()
        while not cell.is_fenced:
            never.wait(0.02)

    def _make_mailbox(self, capacity: int) -> Mailbox:
        return SharedMailbox(capacity)

    def _make_timer(self) -> Port:
        self._clockwork = Clockwork(self)
        return self._clockwork

    def _wake(self, slot: Slot) -> None:
        loop = slot.loop
        if loop is not None:
            loop.wake(slot)  # type: ignore[attr-defined]  # set to a Loop by _place

    def _place(self, cell: Cell) -> None:
        slot = cell.slot
        spec = slot.spec
        assert spec is not None
        name = thread_of(spec)
        loop = self._loops.get(name)
        if loop is None:
            loop = self._loops[name] = Loop(name, self.clock)
        slot.loop = loop
        loop.wake(slot)

    def _detach(self, cell: Cell) -> None:
        slot = cell.slot
        if not _is_shared(slot.spec) and slot.cell is None:
            loop = self._loops.pop(thread_of(slot.spec), None) if slot.spec is not None else None
            if loop is not None:
                loop.stop()
            slot.loop = None

    def _forget_timers(self, slot: Slot) -> None:
        self._clockwork.forget(slot.name)

    def _root_exited(self) -> None:
        self._root_done.set()

    def _thread_name(self, slot: Slot) -> str:
        return slot.loop.name if isinstance(slot.loop, Loop) else ""


def _is_shared(spec: ChildSpec | SupervisorSpec | None) -> bool:
    return isinstance(spec, SupervisorSpec) or (isinstance(spec, ChildSpec) and bool(spec.thread))
