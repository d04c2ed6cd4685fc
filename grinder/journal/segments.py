"""Segments of a journal on disk: written, rotated, compressed and thrown away.

A directory holds runs, and a run holds segments: ``0002-000005.grj`` is the fifth segment of the
second run. A segment that was closed in order may be compressed and is then called ``.grj.zst``.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

import attrs
import zstandard

from grinder.journal.records import FORMAT, Record, frame
from grinder.kernel.codec import Codec
from grinder.messages.journal import RunDescribed
from grinder.model.settings import JournalSettings
from grinder.model.units import NS_PER_S

PLAIN: Final = ".grj"
PACKED: Final = ".grj.zst"
END_BYTES_MAX: Final = 40
"""The block that closes a segment is never longer."""
MIB: Final = 1024 * 1024


@attrs.frozen(kw_only=True, order=True)
class SegmentFile:
    """One segment as it lies there."""

    run: int
    number: int
    path: Path = attrs.field(order=False)

    @property
    def is_packed(self) -> bool:
        """True when it is compressed."""
        return self.path.name.endswith(PACKED)


def segments_of(directory: Path, run: int | None = None) -> tuple[SegmentFile, ...]:
    """Return the segments of one run, or of all, oldest first; other files are nobody's business.

    A segment that is there twice was being compressed when the machine stopped: the plain one
    counts.

    Raises:
        OSError: the directory can't be read.
    """
    found: dict[tuple[int, int], SegmentFile] = {}
    for path in sorted(directory.iterdir(), key=lambda one: one.name, reverse=True):
        stem = path.name.removesuffix(".zst").removesuffix(PLAIN)
        if path.name not in (stem + PLAIN, stem + PACKED):
            continue
        first, _, second = stem.partition("-")
        if first.isdecimal() and second.isdecimal():
            key = (int(first), int(second))
            found[key] = SegmentFile(run=key[0], number=key[1], path=path)
    return tuple(sorted(one for one in found.values() if run in (None, one.run)))


def has_end(path: Path) -> bool:
    """Return whether a segment was closed in order."""
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - END_BYTES_MAX))
        return b'[["e",' in file.read()


def segment_path(directory: Path, run: int, number: int) -> Path:
    """Return where a segment lies while it is written."""
    return directory / f"{run:04}-{number:06}{PLAIN}"


class SegmentWriter:
    """Appends records to the newest segment of a new run. One thread at a time may call it.

    Every method raises OSError when the disk does not do what it is asked; what was written before
    stays as it is, and half a block is cut off again.
    """

    def __init__(
        self, directory: Path, described: RunDescribed, codec: Codec, settings: JournalSettings
    ) -> None:
        self._directory = directory
        self._codec = codec
        self._settings = settings
        self.described = described
        """What the head of the next segment will say."""
        self._file = -1
        self._size = 0
        self._held = 0
        self._begun_ns = 0
        self._number = 0
        self._closed: list[Path] = []
        self.records = 0
        self.bytes = 0
        directory.mkdir(parents=True, exist_ok=True)
        earlier = segments_of(directory)
        self.run = max((one.run for one in earlier), default=0) + 1
        for half in directory.glob("*.tmp"):
            half.unlink()
        # The end of a run is packed by the next one; one that was killed has none, and stays.
        self._closed += [one.path for one in earlier if not one.is_packed and has_end(one.path)]

    def open(self, now_ns: int) -> None:
        """Begin the next segment; one whose head can't be written is not left behind."""
        path = segment_path(self._directory, self.run, self._number + 1)
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o600)
        self._size = self._held = 0
        self._begun_ns = now_ns
        head: Record = [
            "h",
            {
                "format": FORMAT,
                "segment": self._number + 1,
                "first": self.records,
                "columns": self._codec.columns(),
                "nested": self._codec.nested(),
                "described": self.described,
            },
        ]
        try:
            self._append(frame([head], self._codec.pack))
        except OSError:
            self.abandon()
            path.unlink()
            raise
        self._number += 1

    def framed(self, records: Sequence[Record]) -> bytes:
        """Return the block of ``records``; any thread may ask at any time.

        Raises:
            ValueError: a message that can't be written.
        """
        return frame(records, self._codec.pack)

    def put(self, records: Sequence[Record], block: bytes = b"") -> None:
        """Append a block of records, or of what a recorder was told; ``block`` if it was framed.

        Raises:
            ValueError: a message that can't be written; nothing of ``records`` is.
        """
        self._append(block or frame(records, self._codec.pack))
        self._held += len(records)
        self.records += len(records)

    def _append(self, block: bytes) -> None:
        size = len(block)
        try:
            written = os.write(self._file, block)
            while written < size:
                written += os.write(self._file, memoryview(block)[written:])
        except OSError:
            os.ftruncate(self._file, self._size)
            raise
        self._size += size
        self.bytes += size

    def is_due(self, now_ns: int) -> bool:
        """Return whether it is time for another segment."""
        is_old = now_ns - self._begun_ns >= self._settings.segment_s * NS_PER_S
        return self._size >= self._settings.segment_mb * MIB or (is_old and self._held > 0)

    def rotate(self, now_ns: int) -> None:
        """Close the segment in order and begin another one."""
        self.finish()
        self.open(now_ns)

    def finish(self) -> None:
        """Close the segment in order."""
        if self._file >= 0:
            self._append(frame([["e", self._held]], self._codec.pack))
            self.sync()
            self.abandon()
            self._closed.append(segment_path(self._directory, self.run, self._number))

    def abandon(self) -> None:
        """Close the segment as it is."""
        if self._file >= 0:
            file, self._file = self._file, -1
            os.close(file)

    def sync(self) -> None:
        """Wait until the disk itself has what was written."""
        if self._file >= 0:
            os.fsync(self._file)

    def tidy(self, now_ns: int) -> None:
        """Compress what was closed since, and throw away what is too old or too much."""
        while self._closed:
            path = self._closed[0]
            if self._settings.compress:
                pack(path)
            del self._closed[0]
        current = segment_path(self._directory, self.run, self._number)
        for path in _too_much(segments_of(self._directory), current, self._settings, now_ns):
            path.unlink(missing_ok=True)


def pack(path: Path) -> Path:
    """Compress a closed segment and remove the plain one; a stop in between loses nothing."""
    packed = path.with_name(path.name + ".zst")
    half = path.with_name(path.name + ".tmp")
    compressor = zstandard.ZstdCompressor(level=3, write_checksum=True)
    with path.open("rb") as plain, half.open("wb") as out:
        compressor.copy_stream(plain, out, size=path.stat().st_size)
        out.flush()
        os.fsync(out.fileno())
    half.replace(packed)
    path.unlink()
    return packed


def _too_much(
    segments: Iterable[SegmentFile], current: Path, settings: JournalSettings, now_ns: int
) -> list[Path]:
    """Return the oldest closed segments beyond the bounds of age and size, never the current."""
    oldest_ns = now_ns - settings.keep_days * 86_400 * NS_PER_S
    left = settings.keep_mb * MIB
    doomed: list[Path] = []
    for segment in sorted(segments, reverse=True):
        status = segment.path.stat()
        left -= status.st_size
        if segment.path != current and (left < 0 or status.st_mtime_ns < oldest_ns):
            doomed.append(segment.path)
    return doomed
