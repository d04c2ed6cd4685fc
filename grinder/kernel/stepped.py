"""The stepped runtime: one thread, virtual time, a defined order.

The same actors as under threads. Messages are delivered one by one, first come first served, or in
an order drawn from a seed; when nothing waits, time jumps to the next thing that is due. Two runs
of the same world are equal, message by message.
"""

from __future__ import annotations

import heapq
import itertools
import random
from collections import deque
from collections.abc import Callable
from typing import Any

from grinder.errors import InvariantError
from grinder.kernel.address import Address
from grinder.kernel.cell import Cell
from grinder.kernel.clock import ManualClock
from grinder.kernel.mailbox import Item, Mailbox
from grinder.kernel.message import Envelope, Message
from grinder.kernel.port import Outlet, Port
from grinder.kernel.runtime import Runtime
from grinder.kernel.signals import CancelTimer, ExitReason, SetTimer, StopRequested, TimerFired
from grinder.kernel.slot import Slot
from grinder.kernel.spec import ChildSpec

SUPERVISOR_STALL_NS = 10_000_000_000
DEFAULT_START_NS = 1_700_000_000_000_000_000
"""Start of virtual time when nothing else is said; any fixed instant would do."""


class BrokenPortError(BaseException):
    """A port has raised, which in a stepped world is a broken test.

    Not an Exception: it must come out of ``run_until``, not end whoever spoke to the port.
    """


class SteppedOutlet(Outlet):
    """What a port of the stepped runtime speaks with: it may also ask to be called later."""

    def __init__(self, runtime: SteppedRuntime, name: str) -> None:
        self._runtime = runtime
        self._name = name

    def tell(self, receiver: Address, message: Message, *, cause: int = 0) -> None:
        """Post ``message`` in the port's name, now."""
        self._runtime.emit(self._name, receiver, message, cause)

    def resolve(self, name: str) -> Address:
        """Return the address called ``name``."""
        return self._runtime.resolve(name)

    def now_ns(self) -> int:
        """Return the virtual time."""
        return self._runtime.now_ns()

    def call_at(self, at_ns: int, function: Callable[..., None], *arguments: Any) -> None:
        """Call ``function`` when virtual time has come to ``at_ns`` and nothing else waits."""
        self._runtime.call_at(at_ns, function, *arguments)


class SteppedTimer(Port):
    """Timers in virtual time.

    A timer that is set again and again, as one that watches for silence is, has one call pending:
    when that comes too early it is asked for anew.
    """

    def __init__(self, runtime: SteppedRuntime) -> None:
        self._runtime = runtime
        self._live: dict[tuple[str, str], tuple[int, int, int]] = {}
        # By sender and key: due time, generation, seq of the command.
        self._calls: dict[tuple[str, str], int] = {}
        # When the earliest call for it is due.

    def open(self, outlet: Outlet) -> None:
        """Take the outlet."""
        self._outlet = outlet

    def receive(self, envelope: Envelope) -> None:
        """Set or cancel a timer of the sender."""
        command = envelope.body
        if isinstance(command, SetTimer):
            self._outlet.resolve(envelope.sender)
            timer = (envelope.sender, command.key)
            due_ns = envelope.at_ns + max(0, command.after_ns)
            self._live[timer] = (due_ns, command.generation, envelope.seq)
            call_ns = self._calls.get(timer)
            if call_ns is None or due_ns < call_ns:
                self._call(timer, due_ns)
        elif isinstance(command, CancelTimer):
            self._live.pop((envelope.sender, command.key), None)

    def _call(self, timer: tuple[str, str], at_ns: int) -> None:
        self._calls[timer] = at_ns
        self._runtime.call_at(at_ns, self._fire, timer, at_ns)

    def _fire(self, timer: tuple[str, str], at_ns: int) -> None:
        if self._calls.get(timer) != at_ns:
            return
        del self._calls[timer]
        live = self._live.get(timer)
        if live is None:
            return
        due_ns, generation, seq = live
        if due_ns > at_ns:
            self._call(timer, due_ns)
            return
        del self._live[timer]
        sender, key = timer
        fired = TimerFired(key=key, generation=generation)
        self._outlet.tell(self._outlet.resolve(sender), fired, cause=seq)

    def forget(self, sender: str) -> None:
        """Cancel every timer of ``sender``."""
        for timer in [one for one in self._live if one[0] == sender]:
            del self._live[timer]

    def close(self, timeout_s: float) -> None:
        """Need nothing."""


class SteppedRuntime(Runtime):
    """Runs a tree step by step in virtual time.

    Without a seed, messages are delivered in the order in which they were sent, but for the lanes
    of each mailbox. With a seed, a receiver is drawn among those that have something waiting; what
    one sender tells one receiver in one lane still arrives in order.
    """

    instant_max = 10_000_000
    """Deliveries without time passing; more, and the actors are telling each other for ever."""

    def __init__(self, start_ns: int = DEFAULT_START_NS, seed: int | None = None) -> None:
        self._virtual = ManualClock(start_ns)
        self._ready: deque[Slot] = deque()
        # One entry for each waiting message, in the order of sending.
        self._due: list[tuple[int, int, Callable[..., None], tuple[Any, ...]]] = []
        self._numbers = itertools.count()
        self._random = None if seed is None else random.Random(seed)
        super().__init__(self._virtual)

    def start(self) -> None:
        """Open the ports and start the root supervisor; nothing runs before ``run_until``."""
        if self._root is None:
            raise InvariantError("declare a tree first")
        for name, port in self.ports():
            port.open(SteppedOutlet(self, name))
        self.start_child(self._root.name)

    def call_at(self, at_ns: int, function: Callable[..., None], *arguments: Any) -> None:
        """Call ``function`` once virtual time is ``at_ns``; ties run in order of asking."""
        heapq.heappush(self._due, (at_ns, next(self._numbers), function, arguments))

    def run_until(self, at_ns: int) -> None:
        """Deliver and let time pass until ``at_ns``."""
        due = self._due
        clock = self._virtual
        while True:
            self.drain()
            if not due or due[0][0] > at_ns:
                break
            when_ns, _, function, arguments = heapq.heappop(due)
            clock.advance_to(when_ns)
            function(*arguments)
        clock.advance_to(at_ns)

    def run_for(self, duration_ns: int) -> None:
        """Deliver and let ``duration_ns`` pass."""
        self.run_until(self.now_ns() + duration_ns)

    def skip(self, duration_ns: int) -> None:
        """Let ``duration_ns`` pass at once: what was due in it happens late, at its end."""
        self._virtual.advance_to(self.now_ns() + duration_ns)

    def drain(self) -> None:
        """Deliver what waits, and what that leads to, at the present time.

        Raises:
            InvariantError: there was no end to it within ``instant_max`` deliveries.
        """
        ready = self._ready
        next_slot = ready.popleft
        now_ns = self._virtual.now_ns()
        chance = self._random
        for _ in range(self.instant_max):
            if not ready:
                return
            if chance is not None:
                ready.rotate(-chance.randrange(len(ready)))
            slot = next_slot()
            runner: Any = slot.runner
            if runner is None:
                continue
            item = slot.mailbox.pop()
            if item is not None:
                runner.deliver(item, now_ns)
        raise InvariantError(f"{self.instant_max} deliveries and no time has passed")

    def step(self) -> bool:
        """Deliver one message that waits now; return False if none did."""
        ready = self._ready
        while ready:
            if self._random is not None:
                ready.rotate(-self._random.randrange(len(ready)))
            slot = ready.popleft()
            runner: Any = slot.runner
            item = slot.mailbox.pop() if runner is not None else None
            if item is not None:
                runner.deliver(item, self.now_ns())
                return True
        return False

    def stop(self, timeout_s: float = 30.0) -> bool:
        """Stop the tree right to left within ``timeout_s`` of virtual time, then the ports.

        What has not ended in time is killed.
        """
        ended = True
        root = self._root
        if root is not None and root.cell is not None:
            self._is_stopping = True
            self.post_personal(root, root.cell, StopRequested())
            deadline_ns = self.now_ns() + int(timeout_s * 1e9)
            self.drain()
            while self.root_exit is None and self._due and self._due[0][0] <= deadline_ns:
                self.run_until(self._due[0][0])
            ended = self.root_exit is not None
            self.kill_child(root.name, ExitReason.KILLED, "the runtime stopped")
        for _, port in reversed(self.ports()):
            port.close(timeout_s)
        return ended

    def hang(self, cell: Cell) -> None:
        """Take the cell out of service until its limit has passed in virtual time."""
        spec = cell.slot.spec
        limit_ns = spec.stall_after_ns if isinstance(spec, ChildSpec) else SUPERVISOR_STALL_NS
        cell.slot.runner = None
        detail = f"no progress for {limit_ns // 1_000_000} ms"
        at_ns = self.now_ns() + limit_ns
        self.call_at(at_ns, self.cell_exited, cell, ExitReason.STUCK, detail)

    def port_failed(self, name: str, error: BaseException) -> None:
        """Let it end the run."""
        raise BrokenPortError(f"{name}: {error!r}") from error

    def _furnish(self, slot: Slot) -> None:
        slot.mailbox = Mailbox(10_000, self._ready, slot)

    def _make_timer(self) -> Port:
        self._timer = SteppedTimer(self)
        return self._timer

    def _place(self, cell: Cell, first: Item) -> None:
        slot = cell.slot
        slot.runner = cell
        # Entries of what waited while nobody was there are gone, or will find nothing.
        self._ready.extend([slot] * len(slot.mailbox))
        slot.mailbox.put_first(first)

    def _displace(self, cell: Cell) -> None:
        cell.slot.runner = None

    def _forget_timers(self, slot: Slot) -> None:
        self._timer.forget(slot.name)

    def _root_exited(self) -> None:
        """Need nothing: ``root_exit`` says it."""

    def _thread_name(self, slot: Slot) -> str:
        return "stepped"
