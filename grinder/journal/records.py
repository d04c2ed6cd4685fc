"""Blocks of a journal: how one is framed, and what stands in it.

A segment is a sequence of blocks, and nothing else. A block is sixteen bytes, little-endian, and a
payload::

    u32 length of the payload | u32 the same, every bit turned over
    u32 records in it         | u32 zlib.crc32 of it, begun with the number of records

The length stands there twice so that a damaged one is told from a block that was cut off. The
payload is a JSON array of records, and a record is an array that begins with a letter (or, the
most frequent one, with a number):

``["h", {...}]``
    Head, alone in the first block of each segment: ``format``, the number of the ``segment``, the
    number ``first`` of its first record in the journal, the ``columns`` of every message class,
    what is ``nested`` in them, and ``described``, the row of RunDescribed.
``["o", seq, sender, receiver, at_ns, cause, row]``
    A message from outside every actor: from a port, the runtime, or an operator.
``["t", seq, actor, generation, at_ns, ending, [[seq, [receiver, ...], row], ...]]``
    A turn: the actor was handed message ``seq`` at ``at_ns`` and said these, in this order. One
    that several heard is numbered upwards from its ``seq``. A row of ``null`` is the very message
    that was handed. ``seq`` names a message of an earlier record, whose row is there.
``[seq, actor, generation, at_ns]``
    A turn that was done and in which nothing was said. ``parse`` returns it as one of the others.
``[seq, actor, generation, at_ns, seq, [receiver, ...], row]``
    A turn that was done and in which one thing was said, likewise. Format 1 did not have it.
``["g", first_seq, last_seq, records]``
    A gap: so many records were lost, whose messages have numbers between these.
``["e", records]``
    End, alone in the last block of a segment that was closed in order: how many it holds.

Rows are those of ``grinder.kernel.rows``. By ``nested``, value objects in them are folded into
lists of values, and one that stands again in its block is a number there; ``parse`` returns
documents by the names of fields, as formats 1 and 2 had them.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

import orjson

from grinder.kernel.recorder import DONE
from grinder.kernel.rows import Nested, unfold

FORMAT: Final = 3
"""Raised when blocks or records change their shape; messages have versions of their own."""
FORMATS: Final = (1, 2, 3)
"""Those that can be read."""
FRAME: Final = struct.Struct("<IIII")
PAYLOAD_MAX: Final = 64 * 1024 * 1024
"""Bytes of a payload; more is a damaged length."""
BLOCK_RECORDS: Final = 256
"""Records of a block: what a torn block can cost."""
QUIET_VALUES: Final = 4
ONE_VALUES: Final = 7
_MASK: Final = 0xFFFFFFFF

Record = Sequence[Any]
"""A list where it was read; a tuple, with messages where rows will stand, where it is written: a
recorder's entries are records."""
Pack = Callable[[Sequence[Record]], bytes]
"""Writes records as JSON."""


def frame(records: Sequence[Record], pack: Pack) -> bytes:
    """Return a block of ``records``.

    Raises:
        ValueError: a value that JSON does not carry.
    """
    payload = pack(records)
    length = len(payload)
    count = len(records)
    return FRAME.pack(length, length ^ _MASK, count, zlib.crc32(payload, count)) + payload


class DamagedError(Exception):
    """A block does not check: these bytes are not what was written."""


class CutError(Exception):
    """The bytes end in the middle of a block."""


def unframe(data: bytes, offset: int) -> tuple[bytes, int, int]:
    """Return the payload of the block at ``offset``, its records, and where the next one begins.

    Raises:
        CutError: the bytes end before the block does.
        DamagedError: length or checksum do not check.
    """
    start = offset + FRAME.size
    if start > len(data):
        raise CutError
    length, turned, count, crc = FRAME.unpack_from(data, offset)
    if length ^ _MASK != turned or length > PAYLOAD_MAX:
        raise DamagedError("its length does not check")
    end = start + length
    if end > len(data):
        raise CutError
    payload = data[start:end]
    if zlib.crc32(payload, count) != crc:
        raise DamagedError("its checksum does not match")
    return payload, count, end


def parse(payload: bytes, nested: Nested) -> list[Record]:
    """Return the records of a block, with everything in its place that is folded by ``nested``.

    Raises:
        DamagedError: it holds no records, although its checksum matches.
    """
    try:
        records = orjson.loads(payload)
    except orjson.JSONDecodeError as error:
        raise DamagedError(f"it is no JSON: {error}") from error
    if not isinstance(records, list) or not records:
        raise DamagedError("it holds no records")
    found = [_record(value) for value in records]
    if nested:
        met: list[Any] = []
        try:
            for row in _rows(found):
                if row[0] in nested:
                    unfold(row, nested, met)
        except (LookupError, TypeError, ValueError) as error:
            raise DamagedError(f"it holds a row that can't be unfolded: {error}") from error
    return found


def _rows(records: Sequence[Record]) -> Iterator[Any]:
    """Yield the rows of messages in the order in which they were written."""
    for record in records:
        if record[0] == "t":
            for _, _, row in record[6]:
                if row is not None:
                    yield row
        elif record[0] == "o":
            yield record[6]


def _record(value: Any) -> Record:
    if isinstance(value, list) and len(value) > 1:
        if value[0] in ("h", "o", "t", "g", "e"):
            return value
        if len(value) in (QUIET_VALUES, ONE_VALUES) and isinstance(value[0], int):
            said = [value[QUIET_VALUES:]] if len(value) == ONE_VALUES else []
            return ["t", *value[:QUIET_VALUES], DONE, said]
    raise DamagedError("it holds something that is no record")
