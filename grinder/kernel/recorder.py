"""Recorders: who is told of everything, in an order that can be replayed.

An observer sees what is said, once. A recorder is told of each delivery and of what came of it:
which generation handled what, when, and what it said to whom. It is told before anything of it is
posted, so the effects of a message never come before the message in the record, and what a record
holds is enough to make every generation of every actor do the same again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final

from grinder.kernel.mailbox import Item

if TYPE_CHECKING:
    from grinder.kernel.slot import Slot


DONE: Final = "done"
"""The handler returned."""
RAISED: Final = "raised"
"""It did not: it has said nothing, and its generation ended with it."""
FENCED: Final = "fenced"
"""Its generation had been given up before it returned: nothing that it said counts."""

Said = tuple[Item, str, int]
"""What came from outside every actor (a port, the runtime, an operator): the item, the name of its
receiver, and when it was said, in ns since the epoch."""
Sendings = Sequence[tuple["Slot", Item]]
"""What was said in one turn, in order, once for each who hears it. Nobody changes it."""
Turn = tuple[str, int, int, Item, Sendings, str]
"""Name and generation of the actor, delivery time in ns since the epoch, what it was handed, what
it said, and how that ended (done, raised, fenced)."""
Quiet = tuple[int, str, int, int]
"""A turn that was done and in which nothing was said, as in most: number of the message that was
handed, name and generation of the actor, delivery time in ns since the epoch."""
Entry = Said | Quiet | Turn
"""They are told apart by their lengths: 3, 4 and 6."""
Recorder = Callable[[Entry], object]
"""Takes note. Called on the speaker's thread: must not block, must not raise."""
