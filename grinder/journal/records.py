"""Blocks of a journal: how one is framed, and what stands in it.

A segment is a sequence of blocks, and nothing else. A block is sixteen bytes, little-endian, and a
payload::

    u32 length of the payload | u32 the same, every bit turned over
    u32 records in it         | u32 zlib.crc32 of it, begun with the number of records

The length stands there twice so that a damaged one is told from a block that was cut off. The
payload is a JSON array of records, and a record is an array that begins with a letter:

``["h", {...}]``
    Head, alone in the first block of each segment: ``format``, the number of the ``segment``, the
    number ``first`` of its first record in the journal, the ``columns`` of every message class,
    and ``described``, the row of RunDescribed.
``["o", seq, sender, receiver, at_ns, cause, row]``
    A message from outside every actor: from a port, the runtime, or an operator.
``["t", seq, actor, generation, at_ns, ending, [[seq, [receiver, ...], row], ...]]``
    A turn: the actor was handed message ``seq`` at ``at_ns`` and said these, in this order. One
    that several heard is numbered upwards from its ``seq``. A row of ``null`` is the very message
    that was handed. ``seq`` names a message of an earlier record, whose row is there.
``["g", first_seq, last_seq, records]``
    A gap: so many records were lost, whose messages have numbers between these.
``["e", records]``
    End, alone in the last block of a segment that was closed in order: how many it holds.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Iterable
from typing import Any, Final

import orjson

from grinder.kernel.codec import Row
from grinder.kernel.message import Message
from grinder.kernel.recorder import Said, Turn

FORMAT: Final = 1
"""Raised when blocks or records change their shape; messages have versions of their own."""
FRAME: Final = struct.Struct("<IIII")
PAYLOAD_MAX: Final = 64 * 1024 * 1024
"""Bytes of a payload; more is a damaged length."""
BLOCK_RECORDS: Final = 64
"""Records of a block: what a torn block can cost."""
_MASK: Final = 0xFFFFFFFF

Record = list[Any]
ToRow = Callable[[Message], Row]


def frame(records: list[Record]) -> bytes:
    """Return a block of ``records``.

    Raises:
        TypeError: a value that JSON does not carry.
    """
    payload = orjson.dumps(records)
    length = len(payload)
    count = len(records)
    return FRAME.pack(length, length ^ _MASK, count, zlib.crc32(payload, count)) + payload


def spell(entries: Iterable[Said | Turn], to_row: ToRow) -> list[Record]:
    """Return ``entries`` of a recorder as records.

    Raises:
        ValueError: a message that can't be written.
    """
    records: list[Record] = []
    for entry in entries:
        if len(entry) == 3:
            (seq, sender, cause, body), receiver, at_ns = entry
            records.append(["o", seq, sender, receiver, at_ns, cause, to_row(body)])
            continue
        name, generation, at_ns, (seq, _, _, handled), sendings, ending = entry
        if not sendings:
            records.append(["t", seq, name, generation, at_ns, ending, ()])
            continue
        said: list[Any] = []
        last: Message | None = None
        following = 0
        for slot, item in sendings:
            body = item[3]
            # Numbers that another thread took in between begin another group.
            if body is last and item[0] == following:
                said[-1][1].append(slot.name)
            else:
                row = None if body is handled else to_row(body)
                said.append([item[0], [slot.name], row])
                last = body
            following = item[0] + 1
        records.append(["t", seq, name, generation, at_ns, ending, said])
    return records


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


def parse(payload: bytes) -> list[Record]:
    """Return the records of a block.

    Raises:
        DamagedError: it holds no records, although its checksum matches.
    """
    try:
        records = orjson.loads(payload)
    except orjson.JSONDecodeError as error:
        raise DamagedError(f"it is no JSON: {error}") from error
    if not isinstance(records, list) or not records or not all(_is_record(one) for one in records):
        raise DamagedError("it holds something that is no record")
    return records


def _is_record(value: Any) -> bool:
    return isinstance(value, list) and len(value) > 1 and value[0] in ("h", "o", "t", "g", "e")
