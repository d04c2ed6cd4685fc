"""The kernel's own messages: timers, and the life of actors."""

from __future__ import annotations

from enum import StrEnum
from typing import ClassVar

import attrs

from grinder.kernel.message import Lane, Message


class ExitReason(StrEnum):
    """Why a generation of an actor ended."""

    NORMAL = "normal"
    """It was asked to stop, or ended itself."""
    ERROR = "error"
    """A handler raised."""
    STUCK = "stuck"
    """A handler made no progress within its limit; its thread was abandoned."""
    OVERFLOW = "overflow"
    """Its mailbox was full."""
    KILLED = "killed"
    """It did not stop in time, or its supervisor died."""
    START_TIMEOUT = "start_timeout"
    """It did not declare itself ready in time."""


@attrs.frozen(kw_only=True)
class SetTimer(Message):
    """Ask the timer for one ``TimerFired``; a second one with the same key replaces the first."""

    key: str
    after_ns: int
    generation: int


@attrs.frozen(kw_only=True)
class CancelTimer(Message):
    """Withdraw a timer; nothing happens if it has fired or never existed."""

    key: str
    generation: int


@attrs.frozen(kw_only=True)
class TimerFired(Message):
    """The time asked for has passed. Said by the timer to whoever asked."""

    lane: ClassVar[Lane] = Lane.URGENT

    key: str
    generation: int


@attrs.frozen(kw_only=True)
class StartChild(Message):
    """A supervisor wants the next generation of a child to run."""

    lane: ClassVar[Lane] = Lane.CONTROL

    child: str


@attrs.frozen(kw_only=True)
class StopChild(Message):
    """A supervisor asks a child to end in its own way."""

    lane: ClassVar[Lane] = Lane.CONTROL

    child: str


@attrs.frozen(kw_only=True)
class KillChild(Message):
    """A supervisor wants a child gone now; its thread is abandoned if it is busy."""

    lane: ClassVar[Lane] = Lane.CONTROL

    child: str
    reason: ExitReason = ExitReason.KILLED


@attrs.frozen(kw_only=True)
class StopRequested(Message):
    """Told to an actor that should end."""

    lane: ClassVar[Lane] = Lane.CONTROL


@attrs.frozen(kw_only=True)
class ChildReady(Message):
    """A child has started and done what it must before its neighbours may start."""

    lane: ClassVar[Lane] = Lane.CONTROL

    child: str
    generation: int


@attrs.frozen(kw_only=True)
class ChildExited(Message):
    """A generation of a child has ended. Told to its supervisor."""

    lane: ClassVar[Lane] = Lane.CONTROL

    child: str
    generation: int
    reason: ExitReason
    detail: str = ""


@attrs.frozen(kw_only=True)
class ActorFailed(Message):
    """An actor is down and was not asked to be. Said by the runtime the moment it is known."""

    lane: ClassVar[Lane] = Lane.CONTROL

    actor: str
    generation: int
    reason: ExitReason
    detail: str = ""


@attrs.frozen(kw_only=True)
class ActorStarted(Message):
    """A generation of an actor is ready. The first one is generation 1."""

    lane: ClassVar[Lane] = Lane.CONTROL

    actor: str
    generation: int


@attrs.frozen(kw_only=True)
class ActorRestarted(Message):
    """An actor that had failed, or was stopped with a failed neighbour, is ready again."""

    lane: ClassVar[Lane] = Lane.CONTROL

    actor: str
    generation: int
    restarts: int
    """Restarts of this actor since the system started."""


@attrs.frozen(kw_only=True)
class SupervisorGaveUp(Message):
    """More restarts than the intensity allows: the supervisor ends and its parent decides."""

    lane: ClassVar[Lane] = Lane.CONTROL

    supervisor: str
    child: str
    restarts: int
    period_ns: int


@attrs.frozen(kw_only=True)
class Remember(Message):
    """Ask the keeper to keep a fact of the speaker's; the next generation can ask for it."""

    version: ClassVar[int] = 2
    lane: ClassVar[Lane] = Lane.CONTROL

    key: str
    value: str
    """Empty to forget it."""
    is_lasting: bool = False
    """True when the next process has to know it, too, where facts are kept beyond one."""


@attrs.frozen(kw_only=True)
class Recall(Message):
    """Ask the keeper for everything that earlier generations of the speaker asked it to keep."""

    lane: ClassVar[Lane] = Lane.CONTROL


@attrs.frozen(kw_only=True)
class Recalled(Message):
    """Answer to Recall."""

    lane: ClassVar[Lane] = Lane.CONTROL

    facts: tuple[tuple[str, str], ...]
    """(key, value) by key."""


@attrs.frozen(kw_only=True)
class Begin(Message):
    """Start: the first thing a generation is told, before all that waits."""

    lane: ClassVar[Lane] = Lane.CONTROL


@attrs.frozen(kw_only=True)
class InjectFault(Message):
    """Make the receiving actor raise, or hang until it is abandoned. For tests and drills."""

    lane: ClassVar[Lane] = Lane.CONTROL

    kind: str
    """raise or hang."""
