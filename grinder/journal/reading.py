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
from grinder.journal.records import (
    FORMATS,
    CutError,
    DamagedError,
    Record,
    parse,
    unframe,
)
from grinder.journal.segments import SegmentFile, segments_of
from grinder.kernel.codec import Codec
from grinder.kernel.rows import Nested, unfold
from grinder.messages.journal import RunDescribed

CHUNK: Final = 1024 * 1024


@attrs.frozen(kw_only=True)
class Head:
    """What a segment says of itself."""

    segment: int
    first: int
    """Number of its first record in the run."""
    columns: dict[str, list[str]]
    nested: Nested
    """What is folded in rows; nothing was before format 3."""
    described: list[Any]
    """The row of RunDescribed, unfolded."""


@attrs.frozen(kw_only=True)
class _Block:
    """One block as it was written."""

    segment: SegmentFile
    head: Head
    first: int
    """Number of its first record in the run."""
    payload: bytes


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
        self._count = 0
        """Number of the record after those that were yielded."""
        self.is_closed = False
        """True once the run was seen to have been closed in order."""

    @functools.cached_property
    def head(self) -> Head:
        """What the first segment that is left says.

        Raises:
            JournalError: it can't be read.
        """
        segment = self.segments[0]
        return _read_head(segment, _bytes_of(segment))

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

    def records(self, needle: bytes = b"") -> Iterator[Record]:
        """Yield every record but heads and ends, oldest first.

        With ``needle``, blocks that do not hold these bytes anywhere are checked and passed over:
        that costs a small part of reading them.

        Raises:
            JournalError: damage, with its place; what came before it was sound.
        """
        count = self.head.first
        before = 0
        for segment in self.segments:
            if before and segment.number != before + 1:
                raise JournalError(f"{self.directory}: segment {before + 1} is missing")
            before = segment.number
            for block in self._blocks(segment, count):
                if needle and needle not in block.payload:
                    continue
                for number, record in enumerate(_parsed(block), block.first):
                    self.place = f"{segment.path.name}, record {number}"
                    yield record
            count = self._count

    def backwards(self) -> Iterator[Record]:
        """Yield every record but heads and ends, newest first.

        Raises:
            JournalError: damage, with its place.
        """
        for segment in reversed(self.segments):
            for block in reversed(list(self._blocks(segment, None))):
                yield from reversed(_parsed(block))

    def _blocks(self, segment: SegmentFile, expected: int | None) -> Iterator[_Block]:
        """Yield each block that holds any records but a head or an end."""
        data = _bytes_of(segment)
        is_last = segment is self.segments[-1]
        offset = 0
        head = _read_head(segment, data)
        first = self._count = head.first
        if expected not in (None, first) or head.segment != segment.number:
            raise JournalError(
                f"{segment.path}: it begins with record {first} of segment {head.segment}, "
                f"expected record {expected} of segment {segment.number}"
            )
        self.is_closed = False
        while offset < len(data):
            try:
                payload, records, after = unframe(data, offset)
            except CutError:
                if is_last and not segment.is_packed:
                    self.cut_bytes = len(data) - offset
                    return
                raise JournalError(
                    f"{segment.path}: it ends in the middle of a block at byte {offset}, "
                    f"record {self._count}"
                ) from None
            except DamagedError as error:
                raise JournalError(
                    f"{segment.path}: the block at byte {offset}, record {self._count}, "
                    f"is damaged: {error}"
                ) from error
            block = _Block(segment=segment, head=head, first=self._count, payload=payload)
            if payload.startswith(b'[["e",'):
                is_complete = _parsed(block)[0][1] == self._count - first
                if not is_complete or after < len(data):
                    raise JournalError(f"{segment.path}: records are missing, or follow its end")
                self.is_closed = True
            elif offset:
                yield block
                self._count += records
            offset = after
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


def _read_head(segment: SegmentFile, data: bytes) -> Head:
    try:
        payload, _, _ = unframe(data, 0)
        record = parse(payload, {})[0]
    except CutError:
        raise JournalError(f"{segment.path}: it ends in the middle of its head") from None
    except DamagedError as error:
        raise JournalError(f"{segment.path}: the head does not check: {error}") from error
    if record[0] != "h":
        raise JournalError(f"{segment.path}: it does not begin with a head")
    head = record[1]
    if head.get("format") not in FORMATS:
        known = " or ".join(map(str, FORMATS))
        raise JournalError(f"{segment.path}: format {head.get('format')}, expected {known}")
    nested = head.get("nested", {})
    unfold(head["described"], nested, [])
    return Head(
        segment=head["segment"],
        first=head["first"],
        columns=head["columns"],
        nested=nested,
        described=head["described"],
    )


def _parsed(block: _Block) -> list[Record]:
    try:
        return parse(block.payload, block.head.nested)
    except DamagedError as error:
        raise JournalError(f"{block.segment.path}: record {block.first}: {error}") from error
