"""The journal's port: takes what the kernel tells a recorder, and writes it on a thread of its own.

Nobody who speaks ever waits for the disk: an entry is put into a bounded queue and that is all.
Whoever is about to send something that takes risk asks ``ahead`` first, on a thread that may wait:
it returns True once everything said before is in the hands of the operating system.

A disk that takes nothing is tried again after growing pauses, a bounded number of times. What was
lost meanwhile is written as a gap, so nobody who reads the journal mistakes it for whole.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from typing import ClassVar

import attrs

from grinder.journal.records import BLOCK_RECORDS
from grinder.journal.segments import SegmentWriter
from grinder.kernel.address import Address
from grinder.kernel.message import Envelope
from grinder.kernel.port import Outlet, RecordingPort
from grinder.kernel.recorder import Entry, turn_of
from grinder.kernel.turns import SteppedTurningPort, TurningPort
from grinder.messages.journal import DescribeEpoch, JournalReported
from grinder.model.retries import Retries
from grinder.model.settings import JournalSettings
from grinder.model.units import NS_PER_MS, NS_PER_S

REPORT_NS = NS_PER_S
TIDY_NS = NS_PER_S
"""Pause between two looks at what is too old or too much."""
STEP_MS = 50
"""In virtual time no disk is waited for: less often costs less. Who takes risk asks ``ahead``."""


@attrs.define
class _Loss:
    """Entries that were not written, since the last gap."""

    first_seq: int = 0
    last_seq: int = 0
    records: int = 0

    def add(self, entry: Entry) -> None:
        seqs = seqs_of(entry)
        low, high = min(seqs), max(seqs)
        self.first_seq = low if not self.records else min(self.first_seq, low)
        self.last_seq = max(self.last_seq, high)
        self.records += 1


def seqs_of(entry: Entry) -> tuple[int, ...]:
    """Return the numbers of the messages that an entry tells of."""
    if entry[0] == "o":
        return (entry[1],)
    turn = turn_of(entry)
    assert turn is not None
    return (turn[1], *(first + len(names) - 1 for first, names, _ in turn[6]))


class JournalPort(TurningPort, RecordingPort):
    """Write what the runtime's recorder is told; ``note`` is that recorder.

    Hears DescribeEpoch from JournalActor, and tells it JournalReported.
    """

    has_wall_time: ClassVar[bool] = True
    """Whether seconds pass here as they do for the disk."""

    def __init__(self, writer: SegmentWriter, settings: JournalSettings) -> None:
        super().__init__(
            "port.journal",
            pause_ns=settings.flush_ms * NS_PER_MS,
            step_ns=max(settings.flush_ms, STEP_MS) * NS_PER_MS,
        )
        self._writer = writer
        self._settings = settings
        self._ahead_s = settings.ahead_ms / 1_000
        self._is_synced_always = settings.fsync == "always"
        self._entries: list[Entry] = []
        self._lock = threading.Lock()
        # Held while entries are taken out and written: whoever holds it is the only writer.
        self._taken = 0
        """Entries taken out so far: tells who has encoded some whether they are still there."""
        self._losing = threading.Lock()
        self._loss = _Loss()
        self._lost = self._told_lost = 0
        self._room = settings.pending_max
        """Entries that may wait; none while entries are lost."""
        self._failed = ""
        self._retries = Retries()
        self._synced_ns = self._reported_ns = self._drained_ns = self._tidied_ns = 0
        self._owner: Address | None = None

    def note(self, entry: Entry) -> None:
        """Queue an entry; drop and count it when the queue is full."""
        entries = self._entries
        if len(entries) < self._room:
            entries.append(entry)
        else:
            self._lose(entry)

    def _lose(self, entry: Entry) -> None:
        with self._losing:
            # From the first loss until the gap is written everything is lost: a gap has one place.
            self._room = 0
            self._loss.add(entry)
            self._lost += 1
            self._reported_ns = 0

    def open(self, outlet: Outlet) -> None:
        """Start to write; the writer has begun its first segment."""
        self._synced_ns = self._drained_ns = outlet.now_ns()
        super().open(outlet)

    def receive(self, envelope: Envelope) -> None:
        """Note the epoch that the next segment has to name, and whom to report to."""
        command = envelope.body
        if isinstance(command, DescribeEpoch):
            self._owner = self._outlet.resolve(envelope.sender)
            described = self._writer.described
            self._writer.described = attrs.evolve(described, epoch=command.epoch)
            self._reported_ns = 0

    def ahead(self) -> bool:
        """Write everything said so far; return False if that can't be done in good time.

        Called by whoever is about to send something that takes risk, on a thread that may wait.
        """
        if not self._lock.acquire(timeout=self._ahead_s):
            return False
        try:
            # Counted when nobody else writes: what was taken out before is written by now.
            left = len(self._entries)
            while left > 0 and not self._failed:
                left -= self._put(self._entries[:BLOCK_RECORDS])
            return self._room > 0 and not self._failed
        finally:
            self._lock.release()

    # The thread.

    def _has_more(self) -> bool:
        return bool(self._entries) and not self._failed

    def _finish(self) -> None:
        with self._lock:
            if not self._failed:
                self._try(self._writer.finish)
            self._writer.abandon()
        # The last segment is packed by the next run: who stops waits for nothing that can wait.

    def _turn(self) -> None:
        now_ns = self._outlet.now_ns()
        if self._failed:
            self._retry(now_ns)
        else:
            self._retries = self._retries.rested(now_ns)
        while self._entries:
            self._drain()
        if self._writer.is_due(now_ns):
            with self._lock:
                self._rotate(now_ns)
        if not self._room:
            with self._lock:
                self._close_gap()
        every_ns = self._settings.fsync_ms * NS_PER_MS
        if (
            self.has_wall_time
            and self._settings.fsync == "interval"
            and now_ns - self._synced_ns >= every_ns
        ):
            self._synced_ns = now_ns
            self._try(self._writer.sync)
        self._drained_ns = now_ns
        if now_ns - self._tidied_ns >= TIDY_NS:
            self._tidied_ns = now_ns
            self._try(self._tidy)
        if now_ns - self._reported_ns >= REPORT_NS:
            self._report(now_ns)

    def _drain(self) -> None:
        """Write one block; it is encoded before anybody who asks ``ahead`` has to wait for it."""
        taken = self._taken
        batch = self._entries[:BLOCK_RECORDS]
        if not batch:
            # Somebody has asked since they were seen here; a block without records is damage.
            return
        block = b""
        if not self._failed:
            with contextlib.suppress(ValueError):
                block = self._writer.framed(batch)
        with self._lock:
            # Else whoever asked meanwhile has written them himself.
            if self._taken == taken:
                self._put(batch, block)

    def _put(self, batch: list[Entry], block: bytes = b"") -> int:
        """Write the oldest entries, and return how many; ``block`` if that has been encoded.

        Under the lock. Between two blocks somebody else may have his turn.
        """
        del self._entries[: len(batch)]
        self._taken += len(batch)
        if not self._failed:
            # Whoever is about to send an order waits for this: no call too many.
            try:
                self._writer.put(batch, block)
                if self._is_synced_always:
                    self._writer.sync()
                return len(batch)
            except (OSError, ValueError) as error:
                self._fail(error)
        for entry in batch:
            self._lose(entry)
        return len(batch)

    def _rotate(self, now_ns: int) -> None:
        """Begin another segment on the journal's own thread; under the lock."""
        if not self._failed:
            self._try(self._writer.rotate, now_ns)

    def _close_gap(self) -> None:
        """Write down what was lost and take entries again; under the lock."""
        if self._failed:
            return
        with self._losing:
            loss = self._loss
            self._try(self._writer.put, [["g", loss.first_seq, loss.last_seq, loss.records]])
            if not self._failed:
                self._loss = _Loss()
                self._room = self._settings.pending_max

    def _next_segment(self) -> None:
        self._writer.open(self._outlet.now_ns())

    def _tidy(self) -> None:
        self._writer.tidy(self._outlet.now_ns())

    def _retry(self, now_ns: int) -> None:
        """Begin another segment when the pause is over, a bounded number of times."""
        if now_ns < self._retries.due_ns or self._retries.is_spent:
            return
        with self._lock:
            self._failed = ""
            self._writer.abandon()
            self._try(self._next_segment)

    def _try(self, function: Callable[..., None], *arguments: object) -> None:
        """Call ``function``; remember that the disk failed, and when to try again."""
        try:
            function(*arguments)
        except (OSError, ValueError) as error:
            self._fail(error)

    def _fail(self, error: Exception) -> None:
        self._failed = f"{type(error).__name__}: {error}"
        self._retries = self._retries.failed(self._outlet.now_ns())
        self._reported_ns = 0

    def _report(self, now_ns: int) -> None:
        owner = self._owner
        if owner is None:
            return
        self._reported_ns = now_ns
        pending = len(self._entries)
        has_lost = self._lost != self._told_lost
        self._told_lost = self._lost
        self._outlet.tell(
            owner,
            JournalReported(
                is_written=self._room > 0 and not (self._failed or has_lost),
                pending=pending,
                lag_ns=now_ns - self._drained_ns if pending else 0,
                records=self._writer.records,
                bytes=self._writer.bytes,
                lost=self._lost,
                detail=self._failed,
            ),
        )


class SteppedJournalPort(SteppedTurningPort, JournalPort):
    """The same in virtual time, without a thread: the same run gives the same bytes."""

    has_wall_time = False
