"""Messages of a journal one by one, as somebody who looks for something wants them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, Final

import attrs
import orjson

from grinder.journal.reading import JournalReader
from grinder.model.units import NS_PER_S

TIME_MAX: Final = 2**63


def iso(at_ns: int) -> str:
    """Return a time in ns since the epoch as ISO 8601 in UTC, to the microsecond."""
    return datetime.fromtimestamp(at_ns / NS_PER_S, UTC).isoformat(timespec="microseconds")


@attrs.frozen(kw_only=True)
class Told:
    """One message of the journal."""

    seq: int
    at_ns: int
    """When it was said; for an actor, when it was handed what made it say so."""
    sender: str
    receivers: tuple[str, ...]
    cause: int
    kind: str
    """Class of the message."""
    version: int
    values: list[Any]
    """By the columns of its class; empty in what an actor only passed on."""


@attrs.frozen(kw_only=True)
class Wanted:
    """What is looked for. Everything empty wants everything."""

    actor: str = ""
    """Name of the sender or of a receiver."""
    symbol: str = ""
    kind: str = ""
    from_ns: int = 0
    to_ns: int = TIME_MAX

    def needle(self) -> bytes:
        """Return bytes without which nothing that is wanted can be in a block."""
        for text in (self.kind, self.symbol, self.actor):
            if text:
                return orjson.dumps(text)
        return b""


def told(reader: JournalReader, wanted: Wanted) -> Iterator[Told]:
    """Yield the messages that are wanted, in the order of the journal.

    A message that an actor passed on as it was handed is told with the values that it came with.

    Raises:
        JournalError: damage.
    """
    columns = reader.head.columns
    handed = _Handed()
    # What is passed on may have come in a block that nothing else is wanted of.
    needle = b"" if not wanted.kind and (wanted.symbol or wanted.actor) else wanted.needle()
    for record in reader.records(needle):
        if record[0] == "o":
            _, seq, sender, receiver, at_ns, cause, row = record
            handed.keep(seq, 1, row)
            sayings = [(seq, (receiver,), row)]
        elif record[0] == "t":
            _, cause, sender, _, at_ns, _, said = record
            row_handed = handed.take(cause)
            sayings = []
            for seq, receivers, own in said:
                row = own or row_handed
                if row is not None:
                    handed.keep(seq, len(receivers), row)
                    sayings.append((seq, tuple(receivers), row))
        else:
            continue
        if not wanted.from_ns <= at_ns <= wanted.to_ns:
            continue
        for seq, receivers, row in sayings:
            if _is_wanted(wanted, sender, receivers, row, columns):
                yield Told(
                    seq=seq,
                    at_ns=at_ns,
                    sender=sender,
                    receivers=receivers,
                    cause=cause,
                    kind=row[0],
                    version=row[1],
                    values=row[2],
                )


class _Handed:
    """Rows on their way, for those who pass them on; the oldest go."""

    kept_max: Final = 100_000

    def __init__(self) -> None:
        self._rows: dict[int, Any] = {}

    def keep(self, seq: int, receivers: int, row: Any) -> None:
        for number in range(seq, seq + receivers):
            self._rows[number] = row
        while len(self._rows) > self.kept_max:
            del self._rows[next(iter(self._rows))]

    def take(self, seq: int) -> Any:
        return self._rows.pop(seq, None)


def _is_wanted(
    wanted: Wanted,
    sender: str,
    receivers: tuple[str, ...],
    row: Any,
    columns: dict[str, list[str]],
) -> bool:
    if wanted.kind and row[0] != wanted.kind:
        return False
    if wanted.actor and wanted.actor != sender and wanted.actor not in receivers:
        return False
    if not wanted.symbol:
        return True
    names = columns[row[0]]
    return "symbol" in names and row[2][names.index("symbol")] == wanted.symbol


def document(one: Told, columns: dict[str, list[str]]) -> dict[str, Any]:
    """Return a message as a JSON document."""
    return {
        "seq": one.seq,
        "at_ns": one.at_ns,
        "sender": one.sender,
        "receivers": list(one.receivers),
        "cause": one.cause,
        "type": one.kind,
        "version": one.version,
        "values": dict(zip(columns[one.kind], one.values, strict=True)),
    }


@attrs.define(kw_only=True)
class Counts:
    """What a run consists of."""

    turns: int = 0
    """Deliveries."""
    messages: int = 0
    """Said, each counted once however many heard it."""
    raised: int = 0
    lost: int = 0
    """Records in gaps."""
    first_ns: int = 0
    last_ns: int = 0
    kinds: Counter[str] = attrs.field(factory=Counter)
    actors: Counter[str] = attrs.field(factory=Counter)
    """Deliveries by actor."""


def count(reader: JournalReader) -> Counts:
    """Read and check the whole run and count what is in it.

    Raises:
        JournalError: damage.
    """
    counts = Counts()
    for record in reader.records():
        if record[0] == "g":
            counts.lost += record[3]
            continue
        at_ns = record[4]
        counts.first_ns = counts.first_ns or at_ns
        counts.last_ns = max(counts.last_ns, at_ns)
        if record[0] == "o":
            counts.messages += 1
            counts.kinds[record[6][0]] += 1
            continue
        counts.turns += 1
        counts.raised += record[5] == "raised"
        counts.actors[record[2]] += 1
        for _, _, row in record[6]:
            counts.messages += 1
            counts.kinds["(passed on)" if row is None else row[0]] += 1
    return counts
