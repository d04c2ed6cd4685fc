from __future__ import annotations

import queue
import threading
import time

import pytest

from grinder.venues.workers import Job, WorkerPool
from venues.fakes import TIMEOUT_S


@pytest.fixture
def failures(monkeypatch: pytest.MonkeyPatch) -> queue.Queue[str]:
    seen: queue.Queue[str] = queue.Queue()
    monkeypatch.setattr(threading, "excepthook", lambda each: seen.put(str(each.exc_value)))
    return seen


def test_a_job_that_raises_costs_its_thread_but_not_the_pool(failures: queue.Queue[str]) -> None:
    exits: list[str] = []
    pool = WorkerPool("test", 1, 10, lambda: exits.append(threading.current_thread().name))
    done = threading.Event()

    def fail() -> None:
        raise KeyError("ours")

    pool.start()
    pool.submit(Job(run=fail, refuse=print))
    pool.submit(Job(run=done.set, refuse=print))
    assert done.wait(TIMEOUT_S)
    pool.stop()
    pool.join(time.monotonic() + TIMEOUT_S)

    assert failures.get(timeout=TIMEOUT_S) == "'ours'"
    assert len(set(exits)) == 2


def test_what_waits_when_the_pool_stops_is_refused() -> None:
    pool = WorkerPool("test", 1, 2, lambda: None)
    refused: list[str] = []
    for _ in range(3):
        pool.submit(Job(run=lambda: None, refuse=refused.append))
    pool.stop()
    pool.submit(Job(run=lambda: None, refuse=refused.append))

    assert refused == ["queue full", "port closed", "port closed", "port closed"]
