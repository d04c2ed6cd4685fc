"""The supervisor: an actor that starts, watches and restarts other actors.

It is as pure as any other: it asks the runtime for starts and stops by message and hears what
became of them. Children start left to right, each waiting for the one before it to be ready, and
stop right to left, each within its time.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import ClassVar

import attrs

from grinder.errors import InvariantError
from grinder.kernel.actor import Actor
from grinder.kernel.address import Address
from grinder.kernel.restarts import affected, backoff_ns, is_restarted, within_intensity
from grinder.kernel.signals import (
    ActorRestarted,
    ActorStarted,
    ChildExited,
    ChildReady,
    ExitReason,
    KillChild,
    StartChild,
    StopChild,
    SupervisorGaveUp,
    TimerFired,
)
from grinder.kernel.spec import ChildSpec, Restart, SupervisorSpec


class _State(StrEnum):
    DOWN = "down"
    STARTING = "starting"
    READY = "ready"
    STOPPING = "stopping"


@attrs.define(kw_only=True)
class _Child:
    """What a supervisor remembers of one child."""

    name: str
    spec: ChildSpec | SupervisorSpec
    state: _State = _State.DOWN
    is_wanted: bool = True
    generation: int
    failures: int = 0
    failed_ns: int = 0
    not_before_ns: int = 0


class Supervisor(Actor):
    """Keeps its children running as its spec says.

    Hears ChildReady, ChildExited, TimerFired. Says ActorStarted, ActorRestarted, SupervisorGaveUp;
    tells the runtime StartChild, StopChild, KillChild.
    Restart: the runtime has ended every child of the former generation; all start afresh.
    """

    ready_on_start: ClassVar[bool] = False

    def __init__(
        self, spec: SupervisorSpec, runtime: Address, generations: Mapping[str, int]
    ) -> None:
        # How many of each child there have been before: news of those is not for this one.
        self._spec = spec
        self._runtime = runtime
        self._order = tuple(child.name for child in spec.children)
        self._children = {
            child.name: _Child(name=child.name, spec=child, generation=generations[child.name])
            for child in spec.children
        }
        self._history: tuple[int, ...] = ()
        self._is_stopping = False
        self._gave_up = ""

    def on_start(self) -> None:
        """Start the first child."""
        self._advance()

    def on_stop(self) -> None:
        """Stop the children right to left, then end."""
        self._is_stopping = True
        self._stop_next()

    def on_child_ready(self, ready: ChildReady) -> None:
        """Start the next one."""
        child = self._children[ready.child]
        if child.state is not _State.STARTING or ready.generation != child.generation:
            return
        child.state = _State.READY
        self.cancel_timer(f"start:{child.name}")
        if isinstance(child.spec, ChildSpec):
            self._announce(child)
        self._advance()

    def _announce(self, child: _Child) -> None:
        if child.generation == 1:
            self.say(ActorStarted(actor=child.name, generation=1))
        else:
            restarts = child.generation - 1
            self.say(
                ActorRestarted(actor=child.name, generation=child.generation, restarts=restarts)
            )

    def on_child_exited(self, exited: ChildExited) -> None:
        """Decide what an end means."""
        child = self._children[exited.child]
        if child.state is _State.DOWN or exited.generation != child.generation:
            return
        was = child.state
        child.state = _State.DOWN
        self.cancel_timer(f"start:{child.name}")
        self.cancel_timer(f"stop:{child.name}")
        if self._is_stopping:
            self._stop_next()
        elif was is _State.STOPPING:
            self._advance()
        elif is_restarted(_restart_of(child.spec), exited.reason):
            self._restart(child, exited.reason)
        else:
            child.is_wanted = False
            self._advance()

    def _restart(self, child: _Child, reason: ExitReason) -> None:
        intensity = self._spec.intensity
        goes_on, self._history = within_intensity(self._history, self.now_ns, intensity)
        if not goes_on:
            self._give_up(child, reason)
            return
        if self.now_ns - child.failed_ns >= intensity.period_ns:
            child.failures = 0
        child.failures += 1
        child.failed_ns = self.now_ns
        child.not_before_ns = self.now_ns + backoff_ns(child.name, child.failures, intensity)
        group = affected(self._spec.strategy, self._order, child.name)
        for name in reversed(group):
            sibling = self._children[name]
            sibling.not_before_ns = child.not_before_ns
            if name != child.name and _restart_of(sibling.spec) is Restart.TEMPORARY:
                sibling.is_wanted = False
            if sibling.state in (_State.STARTING, _State.READY):
                self._stop(sibling)
        self._advance()

    def _give_up(self, child: _Child, reason: ExitReason) -> None:
        self._gave_up = f"{child.name} ended ({reason}) more often than the intensity allows"
        self.say(
            SupervisorGaveUp(
                supervisor=self._spec.name,
                child=child.name,
                restarts=len(self._history),
                period_ns=self._spec.intensity.period_ns,
            )
        )
        self._is_stopping = True
        self._stop_next()

    def on_timer_fired(self, timer: TimerFired) -> None:
        """Kill what did not start or stop in time; start what waited out its pause."""
        kind, _, name = timer.key.partition(":")
        if kind == "start" and self._children[name].state is _State.STARTING:
            self.tell(self._runtime, KillChild(child=name, reason=ExitReason.START_TIMEOUT))
        elif kind == "stop" and self._children[name].state is _State.STOPPING:
            self.tell(self._runtime, KillChild(child=name))
        elif kind == "advance":
            self._advance()
        elif kind == "fail":
            raise InvariantError(self._gave_up)

    def _advance(self) -> None:
        """Start the next child whose turn it is."""
        if self._is_stopping:
            return
        states = {child.state for child in self._children.values()}
        if _State.STOPPING in states or _State.STARTING in states:
            return
        waiting_ns: list[int] = []
        for name in self._order:
            child = self._children[name]
            if child.state is not _State.DOWN or not child.is_wanted:
                continue
            if child.not_before_ns > self.now_ns:
                waiting_ns.append(child.not_before_ns)
                if not self._is_ready:
                    break
                continue
            child.state = _State.STARTING
            child.generation += 1
            self.tell(self._runtime, StartChild(child=name))
            self.set_timer(f"start:{name}", child.spec.start_timeout_ns)
            return
        if waiting_ns:
            self.set_timer("advance:", min(waiting_ns) - self.now_ns)
        elif not self._is_ready:
            self.declare_ready()

    def _stop(self, child: _Child) -> None:
        child.state = _State.STOPPING
        self.tell(self._runtime, StopChild(child=child.name))
        self.set_timer(f"stop:{child.name}", child.spec.shutdown_ns)

    def _stop_next(self) -> None:
        for name in reversed(self._order):
            child = self._children[name]
            if child.state is _State.STOPPING:
                return
            if child.state in (_State.STARTING, _State.READY):
                self._stop(child)
                return
        if self._gave_up:
            # Ends by raising, in a handler of its own: what it said on giving up must go out first.
            self.set_timer("fail:", 0)
        else:
            self.exit()


def _restart_of(spec: ChildSpec | SupervisorSpec) -> Restart:
    return spec.restart if isinstance(spec, ChildSpec) else Restart.PERMANENT
