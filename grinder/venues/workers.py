"""A few threads that empty one bounded queue of blocking jobs."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from queue import Empty, SimpleQueue

import attrs

REPLACED_MAX = 100
"""A job that raises is a bug of ours: it ends its thread, which is replaced this often."""


@attrs.frozen(kw_only=True)
class Job:
    """Something to do, and what to say if it will not be done."""

    run: Callable[[], None]
    refuse: Callable[[str], None]
    """Called with the reason, instead of ``run``."""


class WorkerPool:
    """Run jobs on ``threads`` threads, first come first served."""

    def __init__(
        self, name: str, threads: int, queue_max: int, on_exit: Callable[[], None]
    ) -> None:
        self._name = name
        self._queue_max = queue_max
        self._on_exit = on_exit
        # Taking from a SimpleQueue costs one wake-up; a Condition costs several hand-overs.
        self._jobs: SimpleQueue[Job | None] = SimpleQueue()
        self._lock = threading.Lock()
        self._closed = False
        self._replaced = 0
        self._threads = [self._thread(number) for number in range(threads)]

    def start(self) -> None:
        """Start the threads. Called once."""
        for thread in self._threads:
            thread.start()

    def submit(self, job: Job) -> None:
        """Queue ``job``; refuse it at once when the queue is full or the pool is closed."""
        with self._lock:
            if not self._closed and self._jobs.qsize() < self._queue_max:
                self._jobs.put(job)
                return
            why = "port closed" if self._closed else "queue full"
        job.refuse(why)

    def stop(self) -> None:
        """Take no more jobs and refuse those that wait. Idempotent."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
        for job in self._left():
            job.refuse("port closed")
        for _ in self._threads:
            self._jobs.put(None)

    def _left(self) -> Iterator[Job]:
        with suppress(Empty):
            while True:
                job = self._jobs.get_nowait()
                if job is not None:
                    yield job

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
            while (job := self._jobs.get()) is not None:
                job.run()
            is_asked_to_end = True
        finally:
            self._on_exit()
            if not is_asked_to_end:
                self._replace()

    def _replace(self) -> None:
        with self._lock:
            if self._closed or self._replaced >= REPLACED_MAX:
                return
            self._replaced += 1
            self._threads.remove(threading.current_thread())
            thread = self._thread(len(self._threads) + self._replaced)
            self._threads.append(thread)
        thread.start()
