"""What a supervisor is told about its children."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum

import attrs

from grinder.kernel.actor import Actor

SHARED_THREAD = "thinking"
"""The thread that thinking actors share when nothing else is said."""
SUPERVISION_THREAD = "supervision"
"""The thread of every supervisor: it must not wait for what it watches."""


class Restart(StrEnum):
    """When a child that ended is started again."""

    PERMANENT = "permanent"
    """Always."""
    TRANSIENT = "transient"
    """Only if it ended abnormally."""
    TEMPORARY = "temporary"
    """Never."""


class Strategy(StrEnum):
    """Who is restarted with a child that failed."""

    ONE_FOR_ONE = "one_for_one"
    REST_FOR_ONE = "rest_for_one"
    """The child and those declared after it."""
    ONE_FOR_ALL = "one_for_all"


@attrs.frozen(kw_only=True)
class Intensity:
    """More than ``restarts_max`` restarts within ``period_ns`` and the supervisor gives up."""

    restarts_max: int = 3
    period_ns: int = 5_000_000_000
    backoff_ns: int = 50_000_000
    """First pause before a restart; doubles with each failure in a row."""
    backoff_max_ns: int = 5_000_000_000


@attrs.frozen(kw_only=True)
class ChildSpec:
    """One child. ``factory`` makes a fresh actor for each generation and must not block."""

    name: str
    factory: Callable[[], Actor]
    restart: Restart = Restart.PERMANENT
    thread: str = SHARED_THREAD
    """Name of the thread that empties its mailbox; children with one name share it. Empty: its
    own."""
    mailbox_max: int = 10_000
    stall_after_ns: int = 2_000_000_000
    """A handler that runs longer is stuck and its thread is abandoned."""
    start_timeout_ns: int = 15_000_000_000
    shutdown_ns: int = 5_000_000_000


@attrs.frozen(kw_only=True)
class SupervisorSpec:
    """A supervisor and its children in starting order."""

    name: str
    strategy: Strategy = Strategy.ONE_FOR_ONE
    intensity: Intensity = attrs.field(factory=Intensity)
    children: tuple[ChildSpec | SupervisorSpec, ...]
    start_timeout_ns: int = 60_000_000_000
    shutdown_ns: int = 30_000_000_000
