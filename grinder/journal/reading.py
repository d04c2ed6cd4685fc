"""Reading a journal: record by record, one segment in memory at a time, and nothing taken on trust.

The last segment of a run may end in the middle of a block, because the process or the machine did:
the journal then ends at the last whole block, and ``cut_bytes`` says what follows it. Anything else
that does not check is damage and is told with its place.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import attrs
import zstandard

from grinder.errors import JournalError
from grinder.journal.records import FORMAT, CutError, DamagedError, Record, unframe
from grinder.journal.segments import SegmentFile, segments_of
from grinder.kernel.codec import Codec
from grinder.messages.journal import RunDescribed

CHUNK: Final = 1024 * 1024


@attrs.frozen(kw_only=True)
class Head:
    """What a segment says of itself."""

    segment: int
    first: int
    """Number of its first record in the run."""
    columns: dict[str, list[str]]
    described: list[Any]
    """The row of RunDescribed."""


class JournalReader:
    """The records of one run. What it has learned meanwhile stands in its attributes."""

    def __init__(self, directory: Path, run: int | None = None) -> None:
        """Look at what is there; without ``run``, the newest one.

        Raises:
            JournalError: there is no journal, or no such run.
        """
        try:
            found = segments_of(directory)
        except OSError as error:
            raise JournalError(f"{directory}: {error.strerror}") from error
        if not found:
            raise JournalError(f"{directory}: there is no journal")
        self.directory = directory
        self.runs = tuple(sorted({one.run for one in found}))
        self.run = self.runs[-1] if run is None else run
        self.segments = tuple(one for one in found if one.run == self.run)
        if not self.segments:
            known = ", ".join(map(str, self.runs))
            raise JournalError(f"{directory}: there is no run {run}, only {known}")
        self.place = ""
        """Where the record that was yielded last lies."""
        self.cut_bytes = 0
        """Bytes after the last whole block of the run."""
        self.is_closed = False
        """True once the run was seen to have been closed in order."""

    @functools.cached_property
    def head(self) -> Head:
        """What the first segment that is left says.

        Raises:
            JournalError: it can't be read.
        """
        segment = self.segments[0]
        data = _bytes_of(segment)
        try:
            records, _ = unframe(data, 0)
        except CutError:
            raise JournalError(f"{segment.path}: it ends in the middle of its head") from None
        except DamagedError as error:
            raise JournalError(f"{segment.path}: the head does not check: {error}") from error
        return _head_of(segment, records[0])

    def described(self, codec: Codec) -> RunDescribed:
        """Return what the actors of the run were made from.

        Raises:
            JournalError: another version of Grinder wrote it, whose words this one does not know.
        """
        try:
            described = codec.from_row(self.head.described)
        except ValueError as error:
            raise JournalError(f"{self.directory}: the run can't be understood: {error}") from error
        assert isinstance(described, RunDescribed)
        return described

    def records(self) -> Iterator[Record]:
        """Yield every record but heads and ends, oldest first.

        Raises:
            JournalError: damage, with its place; what came before it was sound.
        """
        count = self.head.first
        before = 0
        for segment in self.segments:
            if before and segment.number != before + 1:
                raise JournalError(f"{self.directory}: segment {before + 1} is missing")
            before = segment.number
            for records in self._blocks(segment, count):
                for number, record in enumerate(records):
                    self.place = f"{segment.path.name}, record {count + number}"
                    yield record
                count += len(records)

    def backwards(self) -> Iterator[Record]:
        """Yield every record but heads and ends, newest first.

        Raises:
            JournalError: damage, with its place.
        """
        for segment in reversed(self.segments):
            data = _bytes_of(segment)
            records, _ = unframe(data, 0)
            blocks = list(self._blocks(segment, _head_of(segment, records[0]).first))
            for block in reversed(blocks):
                yield from reversed(block)

    def _blocks(self, segment: SegmentFile, count: int) -> Iterator[list[Record]]:
        data = _bytes_of(segment)
        is_last = segment is self.segments[-1]
        offset = 0
        first = count
        is_begun = self.is_closed = False
        while offset < len(data):
            try:
                records, after = unframe(data, offset)
            except CutError:
                if is_last and not segment.is_packed:
                    self.cut_bytes = len(data) - offset
                    return
                raise JournalError(
                    f"{segment.path}: it ends in the middle of a block at byte {offset}, "
                    f"record {count}"
                ) from None
            except DamagedError as error:
                raise JournalError(
                    f"{segment.path}: the block at byte {offset}, record {count}, "
                    f"is damaged: {error}"
                ) from error
            offset = after
            kind = records[0][0]
            if not is_begun:
                is_begun = True
                head = _head_of(segment, records[0])
                if head.first != first or head.segment != segment.number:
                    raise JournalError(
                        f"{segment.path}: it begins with record {head.first} of segment "
                        f"{head.segment}, expected record {first} of segment {segment.number}"
                    )
            elif kind == "e":
                if records[0][1] != count - first or offset < len(data):
                    raise JournalError(f"{segment.path}: records are missing, or follow its end")
                self.is_closed = True
            else:
                yield records
                count += len(records)
        if segment.is_packed and not self.is_closed:
            raise JournalError(f"{segment.path}: its end is missing")


def _bytes_of(segment: SegmentFile) -> bytes:
    try:
        if not segment.is_packed:
            return segment.path.read_bytes()
        with segment.path.open("rb") as packed:
            reader = zstandard.ZstdDecompressor().stream_reader(packed)
            return b"".join(iter(lambda: reader.read(CHUNK), b""))
    except zstandard.ZstdError as error:
        raise JournalError(f"{segment.path}: it can't be unpacked: {error}") from error
    except OSError as error:
        raise JournalError(f"{segment.path}: {error.strerror}") from error


def _head_of(segment: SegmentFile, record: Record) -> Head:
    if record[0] != "h":
        raise JournalError(f"{segment.path}: it does not begin with a head")
    head = record[1]
    if head.get("format") != FORMAT:
        raise JournalError(f"{segment.path}: format {head.get('format')}, expected {FORMAT}")
    return Head(
        segment=head["segment"],
        first=head["first"],
        columns=head["columns"],
        described=head["described"],
    )
