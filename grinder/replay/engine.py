"""The engine: one journal in, and out whether the actors would do it all again.

The journal is read once, forwards. A message waits until it is handed over; an actor is made anew
where its generation begins; every turn is compared as soon as it is read.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any, Final

import attrs

from grinder.errors import JournalError
from grinder.journal.reading import JournalReader
from grinder.journal.records import Record
from grinder.kernel.codec import Codec
from grinder.kernel.message import Message
from grinder.kernel.recorder import FENCED, Turn
from grinder.kernel.signals import Begin, StartChild
from grinder.replay.digest import Digest
from grinder.replay.runtime import ReplayRuntime

WAITING_MAX: Final = 1_000_000
"""Messages kept for their receivers; the oldest go, which nobody can have asked for any more."""

LATEST_MAX: Final = 64
"""More messages on one subject than this can't overtake each other between record and posting."""

Saying = tuple[str, Message]
"""Name of the receiver, and what it is told."""


@attrs.frozen(kw_only=True)
class Handed:
    """A message on its way to one receiver."""

    seq: int
    sender: str
    cause: int
    body: Message


@attrs.frozen(kw_only=True)
class Divergence:
    """The first turn that came out differently."""

    seq: int
    """Number of the message that was handed over."""
    actor: str
    generation: int
    at_ns: int
    handed: Handed
    recorded: tuple[Saying, ...]
    """What the journal says that the actor said."""
    replayed: tuple[Saying, ...]
    recorded_ending: str
    replayed_ending: str
    place: str
    """Where the record lies."""


@attrs.define(kw_only=True)
class Outcome:
    """What a replay has come to."""

    messages: int = 0
    """Deliveries replayed and found equal."""
    actors: set[str] = attrs.field(factory=set)
    generations: int = 0
    skipped: dict[str, int] = attrs.field(factory=dict)
    """Deliveries that could not be judged, by the reason why."""
    first_ns: int = 0
    last_ns: int = 0
    divergence: Divergence | None = None
    digest: str = ""


class Engine:
    """Replays the records of one run through the actors of ``runtime``."""

    def __init__(self, runtime: ReplayRuntime, codec: Codec, *, only: str = "") -> None:
        self.runtime = runtime
        self.outcome = Outcome()
        self._codec = codec
        self._only = only
        self._actors = runtime.actors()
        if only and only not in self._actors:
            raise JournalError(f"there is no actor called {only}; known: {sorted(self._actors)}")
        self._waiting: dict[int, Handed] = {}
        self._latest: dict[tuple[str, type[Message], Any], deque[int]] = {}
        # Numbers of the newest messages to a receiver on one subject. Its mailbox holds one of
        # them, but a record comes before the posting: the one before may still be handed over.
        self._doubtful: dict[str, str] = {}
        # Actors whose state is not known, and why.
        self._digest = Digest()

    def replay(
        self, reader: JournalReader, *, until: int = 0, progress: Callable[[], None] | None = None
    ) -> Outcome:
        """Return the outcome of the whole run, or up to the turn with message ``until``.

        Raises:
            JournalError: damage.
            JournalError: or the journal holds words that this version does not know.
        """
        for record in reader.records():
            if record[0] == "t":
                if not self._turn(record, reader.place):
                    break
                if until and record[1] >= until:
                    break
            elif record[0] == "o":
                self._said(record)
            else:
                self._gap(record)
            if progress is not None:
                progress()
        self.outcome.digest = self._digest.text()
        return self.outcome

    def _message(self, row: Any, place: str) -> Message:
        try:
            return self._codec.from_row(row)
        except ValueError as error:
            raise JournalError(f"{place}: a message can't be understood: {error}") from error

    # What waits.

    def _said(self, record: Record) -> None:
        _, seq, sender, receiver, at_ns, cause, row = record
        body = self._message(row, f"message {seq}")
        self.outcome.first_ns = self.outcome.first_ns or at_ns
        self._digest.add(sender, body)
        self._wait(receiver, Handed(seq=seq, sender=sender, cause=cause, body=body))

    def _wait(self, receiver: str, handed: Handed) -> None:
        if receiver not in self._actors:
            return
        waiting = self._waiting
        body = handed.body
        if body.conflate_by is not None:
            subject = (receiver, body.__class__, getattr(body, body.conflate_by))
            latest = self._latest.setdefault(subject, deque())
            latest.append(handed.seq)
            if len(latest) > LATEST_MAX:
                waiting.pop(latest.popleft(), None)
        waiting[handed.seq] = handed
        if len(waiting) > WAITING_MAX:
            del waiting[next(iter(waiting))]

    def _gap(self, record: Record) -> None:
        _, first_seq, last_seq, records = record
        why = f"{records} records between messages {first_seq} and {last_seq} were lost"
        self._doubtful = dict.fromkeys(self._actors, why)

    # What was done.

    def _turn(self, record: Record, place: str) -> bool:
        """Replay one turn; return False if it came out differently."""
        is_same = self._replayed(record, place)
        for _, _, row in record[6]:
            if row is not None and row[0] == StartChild.__name__:
                # From here on a supervisor that begins counts this generation of its child.
                child = self._message(row, place)
                assert isinstance(child, StartChild)
                self._actors[child.child].generation += 1
        return is_same

    def _replayed(self, record: Record, place: str) -> bool:
        _, seq, actor, generation, at_ns, ending, said = record
        handed = self._waiting.pop(seq, None)
        recorded = self._sayings(actor, handed, seq, said, place)
        self.outcome.last_ns = at_ns
        if self._only and actor != self._only:
            return True
        why = self._doubt(actor, generation, handed)
        if why:
            self.outcome.skipped[why] = self.outcome.skipped.get(why, 0) + 1
            return True
        assert handed is not None
        item = (handed.seq, handed.sender, handed.cause, handed.body)
        turn = self.runtime.hand(actor, item, at_ns)
        replayed = tuple(
            (name, handed.body if body is None else body)
            for _, names, body in turn[6]
            for name in names
        )
        if ending == FENCED or self._is_same(recorded, ending, replayed, turn):
            self.outcome.messages += 1
            self.outcome.actors.add(actor)
            return True
        self.outcome.divergence = Divergence(
            seq=seq,
            actor=actor,
            generation=generation,
            at_ns=at_ns,
            handed=handed,
            recorded=recorded,
            replayed=replayed,
            recorded_ending=ending,
            replayed_ending=turn[5],
            place=place,
        )
        return False

    def _doubt(self, actor: str, generation: int, handed: Handed | None) -> str:
        """Return why a turn can't be judged; a generation that begins is beyond doubt."""
        if actor not in self._actors:
            return "this version has no such actor"
        if handed is None:
            self._doubtful[actor] = "a message that it was handed is not in the journal"
        elif handed.body.__class__ is Begin:
            self._doubtful.pop(actor, None)
            self.runtime.begin(actor, generation)
            self.outcome.generations += 1
        elif actor not in self.runtime.cells and actor not in self._doubtful:
            self._doubtful[actor] = "its beginning is not in the journal"
        return self._doubtful.get(actor, "")

    def _sayings(
        self, actor: str, handed: Handed | None, cause: int, said: list[Any], place: str
    ) -> tuple[Saying, ...]:
        """Return what was said, and let it wait for its receivers."""
        sayings: list[Saying] = []
        for first_seq, receivers, row in said:
            if row is not None:
                body = self._message(row, place)
            elif handed is not None:
                body = handed.body
            else:
                continue
            self._digest.add(actor, body)
            for seq, receiver in enumerate(receivers, first_seq):
                sayings.append((receiver, body))
                self._wait(receiver, Handed(seq=seq, sender=actor, cause=cause, body=body))
        return tuple(sayings)

    def _is_same(
        self, recorded: tuple[Saying, ...], ending: str, replayed: tuple[Saying, ...], turn: Turn
    ) -> bool:
        if ending != turn[5] or len(recorded) != len(replayed):
            return False
        for (to, was), (to_now, now) in zip(recorded, replayed, strict=True):
            if to != to_now or was.__class__ is not now.__class__:
                return False
            if was != now or self._bytes(was) != self._bytes(now):
                return False
        return True

    def _bytes(self, message: Message) -> bytes:
        return self._codec.pack(message)
