"""Leadership. A single instance leads itself through the same words as a pair."""

from __future__ import annotations

from typing import ClassVar

import attrs

from grinder.kernel.message import Lane, Message


@attrs.frozen(kw_only=True)
class AcquireLease(Message):
    """LeaderActor tells the lease port to take or extend the lease."""

    holder: str
    epoch: int
    """Epoch held so far; 0 when none is."""
    ttl_ns: int


@attrs.frozen(kw_only=True)
class ReleaseLease(Message):
    """LeaderActor tells the lease port to let go of the lease if it is ours."""

    lane: ClassVar[Lane] = Lane.CONTROL

    holder: str
    epoch: int


@attrs.frozen(kw_only=True)
class LeaseGranted(Message):
    """The lease is ours."""

    lane: ClassVar[Lane] = Lane.CONTROL

    epoch: int
    """Grows with each new holder: the fencing token."""
    valid_from_ns: int
    """When the request was made: the lease is judged from here, not from the answer."""
    ttl_ns: int


@attrs.frozen(kw_only=True)
class LeaseRefused(Message):
    """The lease is somebody else's, or its store can't be reached."""

    lane: ClassVar[Lane] = Lane.CONTROL

    holder: str
    reason: str


@attrs.frozen(kw_only=True)
class LeadershipGained(Message):
    """Leave to act until ``deadline_ns``, extended by the next one. Said by LeaderActor."""

    lane: ClassVar[Lane] = Lane.CONTROL

    epoch: int
    deadline_ns: int


@attrs.frozen(kw_only=True)
class LeadershipLost(Message):
    """No leave to act any more. Said by LeaderActor."""

    lane: ClassVar[Lane] = Lane.CONTROL

    epoch: int
    reason: str
