"""From any message back to where it came from: the chain of causes, newest first."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import attrs

from grinder.journal.reading import JournalReader
from grinder.journal.records import Record
from grinder.kernel.codec import Codec
from grinder.kernel.message import Message


@attrs.frozen(kw_only=True)
class Link:
    """One message of a chain, and how it came to be said."""

    seq: int
    sender: str
    receivers: tuple[str, ...]
    said_ns: int
    """When its sender said it; for an actor, when it was handed what made it say so."""
    body: Message
    place: str = ""


def chain(records: Iterator[Record], seq: int, codec: Codec) -> Iterator[Link]:
    """Yield message ``seq`` and what caused it, and so on, back to what came from outside.

    ``records`` are read backwards, and no further than needed. A cause never lies after its effect.

    Raises:
        ValueError: a row that this version can't read.
    """
    wanted = seq
    passed_on: list[tuple[int, str, tuple[str, ...], int]] = []
    # Links whose body is that of their own cause, which has not been met yet.
    for record in records:
        if not wanted:
            return
        found = _found(record, wanted)
        if found is None:
            continue
        sender, receivers, said_ns, cause, row = found
        if row is None:
            passed_on.append((wanted, sender, receivers, said_ns))
        else:
            body = codec.from_row(row)
            for number, by, to, at_ns in passed_on:
                yield Link(seq=number, sender=by, receivers=to, said_ns=at_ns, body=body)
            passed_on.clear()
            yield Link(seq=wanted, sender=sender, receivers=receivers, said_ns=said_ns, body=body)
        wanted = cause


def _found(record: Record, wanted: int) -> tuple[str, tuple[str, ...], int, int, Any] | None:
    """Return sender, receivers, time, cause and row of message ``wanted``, if it is in here."""
    if record[0] == "o" and record[1] == wanted:
        _, _, sender, receiver, at_ns, cause, row = record
        return sender, (receiver,), at_ns, cause, row
    if record[0] == "t":
        for first, receivers, row in record[6]:
            if first <= wanted < first + len(receivers):
                return record[2], tuple(receivers), record[4], record[1], row
    return None


def chain_of(reader: JournalReader, seq: int, codec: Codec) -> tuple[Link, ...]:
    """Return the chain of message ``seq`` in one run, newest first; empty if it is not there.

    Raises:
        JournalError: damage.
        ValueError: a row that this version can't read.
    """
    return tuple(chain(reader.backwards(), seq, codec))
