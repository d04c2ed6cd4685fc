"""Recorders: who is told of everything, in an order that can be replayed.

An observer sees what is said, once. A recorder is told of each delivery and of what came of it:
which generation handled what, when, and what it said to whom. It is told before anything of it is
posted, so the effects of a message never come before the message in the record, and what a record
holds is enough to make every generation of every actor do the same again.

An entry is plain numbers and texts in tuples, in the order in which a journal holds them, but for
the messages in it: whoever stores it spells those.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, Literal

from grinder.kernel.message import Message

DONE: Final = "done"
"""The handler returned."""
RAISED: Final = "raised"
"""It did not: it has said nothing, and its generation ended with it."""
FENCED: Final = "fenced"
"""Its generation had been given up before it returned: nothing that it said counts."""

Said = tuple[Literal["o"], int, str, str, int, int, Message]
"""What came from outside every actor (a port, the runtime, an operator): its number, its sender,
its receiver, when it was said, in ns since the epoch, its cause, and the message."""
Saying = tuple[int, Sequence[str], Message | None]
"""What an actor said: the number with which its first receiver hears it, each further one with the
next number; the names of all; the message, or None for the very one that was handed."""
Turn = tuple[Literal["t"], int, str, int, int, str, Sequence[Saying]]
"""Number of the message that was handed, name and generation of the actor, delivery time in ns
since the epoch, how it ended (done, raised, fenced), and what was said, in order."""
One = tuple[int, str, int, int, int, Sequence[str], Message | None]
"""A turn that was done and in which one thing was said: number of the message that was handed, name
and generation of the actor, delivery time in ns since the epoch, and then as in a saying."""
Quiet = tuple[int, str, int, int]
"""A turn that was done and in which nothing was said, as in most: number of the message that was
handed, name and generation of the actor, delivery time in ns since the epoch."""
Entry = Said | Quiet | One | Turn
"""They are told apart by how they begin, with a letter or with a number, and those with a number
by their length. Nobody changes one."""
Recorder = Callable[[Entry], object]
"""Takes note. Called on the speaker's thread: must not block, must not raise."""


def turn_of(entry: Entry) -> Turn | None:
    """Return any turn in its long form; None for what came from outside."""
    if entry[0] == "o":
        return None
    if entry[0] == "t":
        return entry
    if len(entry) == 7:
        seq, actor, generation, at_ns, first, names, body = entry
        return ("t", seq, actor, generation, at_ns, DONE, ((first, names, body),))
    seq, actor, generation, at_ns = entry
    return ("t", seq, actor, generation, at_ns, DONE, ())
