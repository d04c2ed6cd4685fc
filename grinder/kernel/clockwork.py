"""The timer of the threaded runtime, and the pulse of its watchdog."""

from __future__ import annotations

import heapq
import itertools
import threading
from typing import TYPE_CHECKING

from grinder.errors import InvariantError
from grinder.kernel.message import Envelope
from grinder.kernel.port import Outlet, Port
from grinder.kernel.signals import CancelTimer, SetTimer, TimerFired

if TYPE_CHECKING:
    from grinder.kernel.threads import ThreadRuntime

WATCH_INTERVAL_NS = 100_000_000

Timer = tuple[int, int, str, str, int, int]
"""Due time, number, sender, key, generation, seq of the command."""


class Clockwork(Port):
    """One thread that tells actors when their time has come."""

    def __init__(self, runtime: ThreadRuntime) -> None:
        self._runtime = runtime
        self._wakeup = threading.Condition()
        self._heap: list[Timer] = []
        self._live: dict[tuple[str, str], int] = {}
        self._numbers = itertools.count()
        self._is_closed = False
        self._thread: threading.Thread | None = None

    def open(self, outlet: Outlet) -> None:
        """Start the thread."""
        self._outlet = outlet
        self._thread = threading.Thread(target=self._run, name="clockwork", daemon=True)
        self._thread.start()

    def receive(self, envelope: Envelope) -> None:
        """Set or cancel a timer of the sender."""
        command = envelope.body
        key = envelope.sender
        with self._wakeup:
            if isinstance(command, SetTimer):
                if not self._runtime.is_known(envelope.sender):
                    raise InvariantError(f"{envelope.sender} has no address to tell the time to")
                number = next(self._numbers)
                due_ns = envelope.at_ns + max(0, command.after_ns)
                self._live[(key, command.key)] = number
                timer = (due_ns, number, key, command.key, command.generation, envelope.seq)
                heapq.heappush(self._heap, timer)
                self._drop_dead()
                if self._heap[0][1] == number:
                    self._wakeup.notify()
            elif isinstance(command, CancelTimer):
                self._live.pop((key, command.key), None)

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
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(timeout_s)

    def _run(self) -> None:
        watch_ns = 0
        while True:
            with self._wakeup:
                due = self._take_due(watch_ns)
                if self._is_closed:
                    return
            try:
                for _, _, sender, key, generation, seq in due:
                    fired = TimerFired(key=key, generation=generation)
                    self._outlet.tell(self._outlet.resolve(sender), fired, cause=seq)
                now_ns = self._runtime.now_ns()
                if now_ns >= watch_ns:
                    watch_ns = now_ns + WATCH_INTERVAL_NS
                    self._runtime.watch(now_ns)
            # Without this thread no actor would ever hear of time again: it must go on.
            except Exception as error:  # noqa: BLE001
                self._runtime.port_failed("timer", error)

    def _take_due(self, watch_ns: int) -> list[Timer]:
        """Take what is due; if nothing is, wait for it or for the next look at the threads."""
        now_ns = self._runtime.now_ns()
        due: list[Timer] = []
        while self._heap and self._heap[0][0] <= now_ns:
            timer = heapq.heappop(self._heap)
            if self._live.get((timer[2], timer[3])) == timer[1]:
                del self._live[(timer[2], timer[3])]
                due.append(timer)
        if not due and now_ns < watch_ns and not self._is_closed:
            next_ns = min(watch_ns, self._heap[0][0]) if self._heap else watch_ns
            self._wakeup.wait((next_ns - now_ns) / 1e9)
        return due
