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

    def fail(_: object) -> None:
        raise KeyError("ours")

    pool.start()
    pool.submit(Job(run=fail, refuse=print, parts=(0,)))
    pool.submit(Job(run=lambda _: done.set(), refuse=print, parts=(0,)))
    assert done.wait(TIMEOUT_S)
    pool.stop()
    pool.join(time.monotonic() + TIMEOUT_S)

    assert failures.get(timeout=TIMEOUT_S) == "'ours'"
    assert len(set(exits)) == 2


def test_what_waits_when_the_pool_stops_is_refused() -> None:
    pool = WorkerPool("test", 1, 2, lambda: None)
    refused: list[tuple[int, str]] = []

    def refuse(part: int, why: str) -> None:
        refused.append((part, why))

    pool.submit(Job(run=print, refuse=refuse, parts=(1,)))
    pool.submit(Job(run=print, refuse=refuse, parts=(2, 3)))
    pool.stop()
    pool.submit(Job(run=print, refuse=refuse, parts=(4,)))

    closed = "port closed"
    assert refused == [(3, "queue full"), (1, closed), (2, closed), (4, closed)]


def test_threads_share_the_parts_of_a_job_in_their_order() -> None:
    pool = WorkerPool("test", 3, 10, lambda: None)
    together = threading.Barrier(3)
    begun: queue.Queue[int] = queue.Queue()
    done: queue.Queue[int] = queue.Queue()

    def run(part: int) -> None:
        begun.put(part)
        together.wait(TIMEOUT_S)
        done.put(part)

    pool.submit(Job(run=run, refuse=print, parts=(1, 2, 3, 4, 5, 6)))
    pool.start()
    found = sorted(done.get(timeout=TIMEOUT_S) for _ in range(6))
    pool.stop()
    pool.join(time.monotonic() + TIMEOUT_S)

    assert found == [1, 2, 3, 4, 5, 6]
    order = [begun.get() for _ in range(6)]
    # Each barrier lets three through, so the first three parts were under way at once.
    assert set(order[:3]) == {1, 2, 3}


def test_parts_that_wait_with_the_same_word_are_run_as_one_and_the_others_keep_their_places() -> (
    None
):
    pool = WorkerPool("test", 1, 10, lambda: None, along_max=3)
    done: queue.Queue[object] = queue.Queue()
    for word, part in (("x", 1), ("", 2), ("y", 3), ("x", 4), ("x", 5), ("x", 6), ("y", 7)):
        parts = ((part,),) if word else (part,)
        pool.submit(Job(run=done.put, refuse=print, parts=parts, along=word))
    pool.start()
    found = [done.get(timeout=TIMEOUT_S) for _ in range(4)]
    pool.stop()
    pool.join(time.monotonic() + TIMEOUT_S)

    assert found == [(1, 4, 5), 2, (3, 7), (6,)]
