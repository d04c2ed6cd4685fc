"""A few threads that empty one bounded queue of blocking jobs."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from itertools import repeat
from queue import SimpleQueue
from typing import Any

import attrs

REPLACED_MAX = 100
"""A job that raises is a bug of ours: it ends its thread, which is replaced this often."""


HAND_OVER_S = 10e-6


def hand_over() -> None:
    """Let the thread that was just woken go first.

    The threads share one interpreter, and whoever runs keeps it for as long as there is something
    to do, up to the switch interval. A moment's pause gives it away: an order leaves before the
    bookkeeping about it.
    """
    time.sleep(HAND_OVER_S)


@attrs.frozen(kw_only=True)
class Job:
    """Something to do for each of its parts, and what to say of a part that will not be done."""

    run: Callable[[Any], None]
    refuse: Callable[[Any, str], None]
    """Called with the part and the reason, instead of ``run``."""
    parts: tuple[Any, ...]
    along: str = ""
    """Parts of jobs with the same word here may be run as one, where they wait at the same time.
    Each of them is a tuple, and so is what ``run`` is called with."""


class WorkerPool:
    """Run the parts of jobs on ``threads`` threads, first come first served.

    A job is handed over as one, whatever its parts are: it wakes one thread, and each thread that
    takes a part wakes another while there are more. It takes along what waits to go with that part,
    up to ``along_max`` together, and never waits for any.
    """

    def __init__(
        self,
        name: str,
        threads: int,
        queue_max: int,
        on_exit: Callable[[], None],
        along_max: int = 1,
    ) -> None:
        self._name = name
        self._queue_max = queue_max
        self._on_exit = on_exit
        self._along_max = along_max
        self._waiting: deque[tuple[Job, Any]] = deque()
        # Taking from a SimpleQueue costs one wake-up; a Condition costs several hand-overs.
        self._calls: SimpleQueue[bool] = SimpleQueue()
        # True calls a thread to take a part, False to end. While parts wait, a call is under way.
        self._lock = threading.Lock()
        self._closed = False
        self._replaced = 0
        self._threads = [self._thread(number) for number in range(threads)]

    def start(self) -> None:
        """Start the threads. Called once."""
        for thread in self._threads:
            thread.start()

    def submit(self, job: Job) -> None:
        """Queue ``job``; refuse parts at once that find the queue full or the pool closed."""
        with self._lock:
            room = 0 if self._closed else max(0, self._queue_max - len(self._waiting))
            why = "port closed" if self._closed else "queue full"
            self._waiting.extend(zip(repeat(job), job.parts[:room], strict=False))
            if room:
                self._calls.put(True)
        for part in job.parts[room:]:
            job.refuse(part, why)

    def stop(self) -> None:
        """Take no more jobs and refuse those that wait. Idempotent."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
            left = tuple(self._waiting)
            self._waiting.clear()
        for job, part in left:
            job.refuse(part, "port closed")
        for _ in self._threads:
            self._calls.put(False)

    def join(self, deadline: float) -> None:
        """Wait for jobs under way until ``deadline`` of the monotonic clock, in seconds.

        A thread that is still blocked then is left behind; it ends with its request.
        """
        for thread in tuple(self._threads):
            if thread.is_alive():
                thread.join(max(0.0, deadline - time.monotonic()))

    def _thread(self, number: int) -> threading.Thread:
        return threading.Thread(target=self._run, name=f"{self._name}-{number}", daemon=True)

    def _run(self) -> None:
        is_asked_to_end = False
        try:
            while self._calls.get():
                with self._lock:
                    job, part = self._waiting.popleft() if self._waiting else (None, ())
                    if job is not None and job.along and self._waiting:
                        part = self._joined(job.along, part)
                    if self._waiting:
                        self._calls.put(True)
                if job is not None:
                    job.run(part)
            is_asked_to_end = True
        finally:
            self._on_exit()
            if not is_asked_to_end:
                self._replace()

    def _joined(self, word: str, part: tuple[Any, ...]) -> tuple[Any, ...]:
        """Return ``part`` with what waits to go along; the rest keeps its order. Locked."""
        waiting = self._waiting
        for _ in range(len(waiting)):
            job, more = waiting.popleft()
            if job.along == word and len(part) < self._along_max:
                part += more
            else:
                waiting.append((job, more))
        return part

    def _replace(self) -> None:
        with self._lock:
            if self._closed or self._replaced >= REPLACED_MAX:
                return
            self._replaced += 1
            self._threads.remove(threading.current_thread())
            thread = self._thread(len(self._threads) + self._replaced)
            self._threads.append(thread)
        thread.start()
