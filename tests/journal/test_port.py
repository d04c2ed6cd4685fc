"""The journal of a running system: bytes, gaps, and what a disk that fails does to trading."""

from __future__ import annotations

import errno
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import attrs
import pytest

from grinder.journal.port import SteppedJournalPort
from grinder.journal.reading import JournalReader
from grinder.journal.records import Record
from grinder.journal.segments import SegmentWriter, segments_of
from grinder.messages.journal import JournalHealthChanged, JournalReported
from grinder.messages.orders import CancelOrder, PlaceOrders
from grinder.messages.risk import RiskStateChanged
from grinder.model import retries
from grinder.model.settings import JournalSettings
from simulated.recorded import RecordWorld
from simulated.worlds import BTC, START_TICKS, Stage, Walk, quick

CALM_S = 60
"""How long a disk works before its failures are counted anew, in the test of that."""


def stage_of(directory: Path, **settings: Any) -> Stage:
    journal = attrs.evolve(JournalSettings(directory=str(directory), flush_ms=50), **settings)
    tree = attrs.evolve(quick(BTC), journal=journal)
    return Stage(tree, market=Walk({BTC: START_TICKS[BTC]}, 7))


def fail_disk(monkeypatch: pytest.MonkeyPatch, is_failing: list[bool]) -> None:
    """Let the disk be full whenever ``is_failing`` holds anything."""
    whole = SegmentWriter._append

    def append(self: SegmentWriter, block: bytes) -> None:
        if is_failing:
            raise OSError(errno.ENOSPC, "No space left on device")
        whole(self, block)

    monkeypatch.setattr(SegmentWriter, "_append", append)


def test_the_same_run_gives_the_same_bytes(record_world: RecordWorld) -> None:
    # The directory is part of the configuration, so it is the same for both.
    first = record_world("journal", seconds=5)
    bytes_of_first = {one.path.name: one.path.read_bytes() for one in segments_of(first)}
    for one in segments_of(first):
        one.path.unlink()
    again = record_world("journal", seconds=5)

    assert {one.path.name: one.path.read_bytes() for one in segments_of(again)} == bytes_of_first


def test_segments_rotate_are_packed_and_read_as_one(record_world: RecordWorld) -> None:
    directory = record_world(seconds=30, segment_s=5, compress=True)
    reader = JournalReader(directory)
    turns = [record for record in reader.records() if record[0] == "t"]

    assert len(reader.segments) > 4
    assert all(one.is_packed for one in reader.segments[:-1])
    assert reader.is_closed
    assert len(turns) > 1_000


def test_old_segments_go_when_there_is_too_much(record_world: RecordWorld) -> None:
    directory = record_world(seconds=120, segment_s=2, keep_mb=1)
    numbers = [one.number for one in segments_of(directory)]

    assert numbers[0] > 1
    assert sum(one.path.stat().st_size for one in segments_of(directory)) < 2 * 1024 * 1024
    assert sum(1 for _ in JournalReader(directory).records()) > 0


def test_a_run_begins_above_the_runs_before_it(record_world: RecordWorld) -> None:
    directory = record_world(seconds=2)
    record_world(seconds=2)

    assert JournalReader(directory).runs == (1, 2)


def test_a_run_packs_what_the_one_before_it_left(record_world: RecordWorld) -> None:
    directory = record_world(seconds=2, compress=True)
    (directory / "0001-000009.grj.tmp").write_bytes(b"half")
    assert not segments_of(directory)[0].is_packed

    record_world(seconds=2, compress=True)

    assert segments_of(directory)[0].is_packed
    assert not list(directory.glob("*.tmp"))
    assert JournalReader(directory, 1).runs == (1, 2)
    assert sum(1 for _ in JournalReader(directory, 1).records()) > 100


def test_a_full_disk_ends_risk_and_not_cancels_and_the_gap_is_marked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    is_failing: list[bool] = []
    fail_disk(monkeypatch, is_failing)
    stage = stage_of(tmp_path / "journal")
    stage.until(lambda: stage.state == "ACTIVE" and stage.entries())

    is_failing.append(True)
    stage.until(lambda: stage.state == "DEGRADED")
    stage.until(lambda: not stage.entries())
    placed = len(stage.said(PlaceOrders, sender="router"))
    stage.run(3)
    assert stage.state == "DEGRADED"
    later = stage.said(PlaceOrders, sender="router")[placed:]
    assert [order for one in later for order in one.orders if not order.reduce_only] == []
    assert stage.said(CancelOrder, sender="router")
    reasons = [one.reason for one in stage.said(RiskStateChanged)]
    assert "JOURNAL_LOST" in reasons

    is_failing.clear()
    stage.until(lambda: stage.state == "ACTIVE" and stage.entries(), within_s=120)
    stage.world.runtime.stop()
    gaps = [one for one in JournalReader(tmp_path / "journal").records() if one[0] == "g"]
    lost = stage.said(JournalReported)[-1].lost
    assert sum(gap[3] for gap in gaps) == lost > 0
    assert all(0 < gap[1] <= gap[2] for gap in gaps)


def test_failures_are_counted_anew_after_a_calm(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retries, "RETRIES_MAX", 3)
    monkeypatch.setattr(retries, "CALM_NS", CALM_S * 1_000_000_000)
    is_failing: list[bool] = []
    fail_disk(monkeypatch, is_failing)
    stage = stage_of(tmp_path / "journal")
    stage.until(lambda: stage.state == "ACTIVE")

    for _ in range(3):
        is_failing.append(True)
        stage.until(lambda: stage.state == "DEGRADED")
        stage.run(2)
        is_failing.clear()
        stage.until(lambda: stage.state == "ACTIVE", within_s=30)
        stage.run(CALM_S + 1)

    is_failing.append(True)
    stage.run(120)
    is_failing.clear()
    stage.run(120)
    assert stage.state == "DEGRADED"


def test_nothing_that_takes_risk_leaves_before_its_record(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = stage_of(tmp_path / "journal", flush_ms=1_000)
    port = stage.runtime.resolve("port.journal").slot.port
    assert isinstance(port, SteppedJournalPort)
    left: list[int] = []
    ahead = port.ahead

    def watched() -> bool:
        is_ahead = ahead()
        left.append(len(port._entries))
        return is_ahead

    monkeypatch.setattr(stage.runtime.resolve("port.venue").slot.port, "_ahead", watched)
    stage.until(lambda: len(left) > 5)

    assert left == [0] * len(left)


class AskedLock:
    """A lock that tells when somebody else asks for it."""

    def __init__(self) -> None:
        self.is_asked = threading.Event()
        self._lock = threading.Lock()

    def acquire(self, timeout: float = -1) -> bool:
        if self._lock.acquire(blocking=False):
            return True
        self.is_asked.set()
        return self._lock.acquire(timeout=timeout)

    def release(self) -> None:
        self._lock.release()

    def __enter__(self) -> None:
        self.acquire()

    def __exit__(self, *_: object) -> None:
        self.release()


def test_who_asks_while_a_block_is_written_waits_for_what_came_after_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = stage_of(tmp_path / "journal", ahead_ms=60_000)
    port = stage.runtime.resolve("port.journal").slot.port
    assert isinstance(port, SteppedJournalPort)
    lock = AskedLock()
    monkeypatch.setattr(port, "_lock", lock)
    gone_on, begun = threading.Event(), threading.Event()
    whole = SegmentWriter._append

    def append(self: SegmentWriter, block: bytes) -> None:
        begun.set()
        gone_on.wait()
        whole(self, block)

    monkeypatch.setattr(SegmentWriter, "_append", append)
    port.note((1, "risk", 1, 1))
    writes = threading.Thread(target=port._drain)
    writes.start()
    begun.wait()
    port.note((2, "risk", 1, 2))
    asks = threading.Thread(target=port.ahead)
    asks.start()
    lock.is_asked.wait()
    gone_on.set()
    asks.join()
    writes.join()

    assert not port._entries


def test_who_asks_while_a_block_is_encoded_writes_it_himself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    directory = tmp_path / "journal"
    stage = stage_of(directory)
    port = stage.runtime.resolve("port.journal").slot.port
    assert isinstance(port, SteppedJournalPort)
    whole = SegmentWriter.framed
    asked: list[bool] = []

    def framed(self: SegmentWriter, records: Sequence[Record]) -> bytes:
        block = whole(self, records)
        if not asked:
            port.note((8, "risk", 1, 8))
            asked.append(port.ahead())
        return block

    monkeypatch.setattr(SegmentWriter, "framed", framed)
    port.note((7, "risk", 1, 7))
    port._drain()

    assert asked == [True]
    found = [record[1] for record in JournalReader(directory).records() if record[0] == "t"]
    assert (found.count(7), found.count(8)) == (1, 1)


def test_entries_that_are_gone_before_they_are_encoded_leave_no_empty_block(
    tmp_path: Path,
) -> None:
    directory = tmp_path / "journal"
    stage = stage_of(directory)
    port = stage.runtime.resolve("port.journal").slot.port
    assert isinstance(port, SteppedJournalPort)
    port.note((7, "risk", 1, 7))
    assert port.ahead()
    before = port._writer.bytes
    port._drain()

    assert port._writer.bytes == before
    assert [record[1] for record in JournalReader(directory).records()][-1] == 7


def test_a_queue_that_is_full_loses_and_says_so(tmp_path: Path) -> None:
    stage = stage_of(tmp_path / "journal", flush_ms=1_000, pending_max=50)
    stage.until(lambda: stage.said(JournalReported) and stage.said(JournalReported)[-1].lost)

    assert not stage.said(JournalHealthChanged)[-1].is_healthy


def test_a_port_that_falls_silent_counts_as_failed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = stage_of(tmp_path / "journal")
    stage.until(lambda: stage.state == "ACTIVE")

    monkeypatch.setattr(SteppedJournalPort, "_turn", lambda self: None)
    stage.until(lambda: stage.state == "DEGRADED", within_s=6)

    assert "no word" in stage.said(JournalHealthChanged)[-1].detail
