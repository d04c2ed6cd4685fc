"""The port of the books: takes rows, and keeps them on a thread of its own.

Nobody who trades waits for the database. Rows wait in a bounded queue; one that finds no room is
refused, and so is every row after it: what is kept has no holes. LedgerActor is told, asks for what
was kept, and reads the rest from the venue again. A database that fails is tried again after
growing pauses, a bounded number of times in a row.
"""

from __future__ import annotations

import threading
from collections import deque

from grinder.books.store import Row, Store
from grinder.errors import BooksError
from grinder.kernel.address import Address
from grinder.kernel.message import Envelope
from grinder.kernel.turns import SteppedTurningPort, TurningPort
from grinder.messages.books import (
    BookBase,
    BookFill,
    BookFunding,
    BooksReported,
    RestoreBooks,
)
from grinder.messages.ledger import DayChanged
from grinder.model.retries import Retries
from grinder.model.units import NS_PER_MS, NS_PER_S

BATCH = 200
"""Rows of one transaction."""
STEP_NS = 50 * NS_PER_MS
"""Pause between two turns in virtual time."""

Job = Row | tuple[RestoreBooks, Address, int]


class BooksPort(TurningPort):
    """Keep rows in ``store``, at most ``pending_max`` of them waiting.

    Hears RestoreBooks, BookBase, BookFill, BookFunding and DayChanged from LedgerActor, and tells
    it BooksRestored and BooksReported.
    """

    def __init__(self, store: Store, pending_max: int) -> None:
        super().__init__("port.books", pause_ns=NS_PER_S, step_ns=STEP_NS)
        self._store = store
        self._pending_max = pending_max
        self._jobs: deque[Job] = deque()
        self._lock = threading.Lock()
        # Held while the queue is changed; never while the store is asked for anything.
        self._is_torn = False
        self._written = self._lost = self._conflicts = 0
        self._failed = ""
        self._retries = Retries()
        self._owner: Address | None = None
        self._told: BooksReported | None = None
        self._reported_ns = 0

    def receive(self, envelope: Envelope) -> None:
        """Put a row, or a question, into the queue; refuse and count a row without room."""
        body = envelope.body
        if isinstance(body, RestoreBooks):
            owner = self._outlet.resolve(envelope.sender)
            with self._lock:
                self._owner = owner
                # Earlier questions need no answer any more; earlier rows have to be written first.
                self._jobs = deque(one for one in self._jobs if not isinstance(one, tuple))
                self._jobs.append((body, owner, envelope.seq))
                self._is_torn = False
        elif isinstance(body, BookBase | BookFill | BookFunding | DayChanged):
            with self._lock:
                self._is_torn = self._is_torn or len(self._jobs) >= self._pending_max
                if self._is_torn:
                    self._lost += 1
                else:
                    self._jobs.append(body)
        self._wake.set()

    # The thread.

    def _finish(self) -> None:
        self._store.close()

    def _turn(self) -> None:
        now_ns = self._outlet.now_ns()
        if now_ns >= self._retries.due_ns or (self._is_closed and not self._failed):
            while self._step():
                self._retries = Retries()
        self._report(now_ns)

    def _step(self) -> bool:
        """Do the next thing in the queue; return whether it was done and more may wait."""
        with self._lock:
            batch = self._next_batch()
        if not batch or self._retries.is_spent:
            return False
        first = batch[0]
        try:
            if isinstance(first, tuple):
                request, owner, seq = first
                answer = self._store.restore(request, self._outlet.now_ns())
                self._outlet.tell(owner, answer, cause=seq)
            else:
                rows = [one for one in batch if not isinstance(one, tuple)]
                self._conflicts += self._store.write(rows)
                self._written += len(rows)
        except BooksError as error:
            self._failed = str(error)
            self._retries = self._retries.failed(self._outlet.now_ns())
            return False
        self._failed = ""
        self._drop(batch)
        return True

    def _next_batch(self) -> list[Job]:
        """Return rows up to the next question, or a question; they stay in the queue."""
        batch: list[Job] = []
        for job in self._jobs:
            if isinstance(job, tuple):
                return batch or [job]
            batch.append(job)
            if len(batch) == BATCH:
                break
        return batch

    def _drop(self, batch: list[Job]) -> None:
        with self._lock:
            for done in batch:
                # A question may have been withdrawn meanwhile; rows never are.
                if self._jobs and self._jobs[0] is done:
                    self._jobs.popleft()

    def _report(self, now_ns: int) -> None:
        owner = self._owner
        if owner is None:
            return
        with self._lock:
            report = BooksReported(
                is_written=not self._failed,
                is_torn=self._is_torn,
                pending=len(self._jobs),
                written=self._written,
                lost=self._lost,
                conflicts=self._conflicts,
                detail=self._failed,
            )
        told = self._told
        has_turned = told is None or (told.is_written, told.is_torn) != (
            report.is_written,
            report.is_torn,
        )
        if has_turned or (report != told and now_ns - self._reported_ns >= NS_PER_S):
            self._told, self._reported_ns = report, now_ns
            self._outlet.tell(owner, report)


class SteppedBooksPort(SteppedTurningPort, BooksPort):
    """The same in virtual time, without a thread."""

    def abandon(self) -> None:
        """Die with the process: what waits is never written."""
        self._is_closed = True
        self._jobs.clear()
