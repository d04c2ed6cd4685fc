"""One small interface over both runtimes, and actors to put into them."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, ClassVar

import attrs

from grinder.kernel.actor import Actor
from grinder.kernel.address import Address
from grinder.kernel.clock import Clock
from grinder.kernel.message import Envelope, Lane, Message
from grinder.kernel.observer import ActorSnapshot, Observer
from grinder.kernel.port import Outlet, Port
from grinder.kernel.runtime import Runtime
from grinder.kernel.signals import (
    ActorFailed,
    ActorRestarted,
    ActorStarted,
    SupervisorGaveUp,
    TimerFired,
)
from grinder.kernel.spec import ChildSpec, Intensity, Strategy, SupervisorSpec
from grinder.kernel.stepped import SteppedRuntime
from grinder.kernel.threads import ThreadRuntime

MS = 1_000_000
SECOND = 1_000_000_000
FAST = Intensity(restarts_max=50, backoff_ns=MS, backoff_max_ns=4 * MS)
TIMEOUT_S = 60.0
"""Ends a hopeless wait; no test takes that long that passes."""
STALL_NS = 500 * MS
"""A limit that a handler which does nothing keeps on a busy machine, too."""


@attrs.frozen(kw_only=True)
class Note(Message):
    text: str = ""


@attrs.frozen(kw_only=True)
class UrgentNote(Message):
    lane: ClassVar[Lane] = Lane.URGENT
    text: str = ""


@attrs.frozen(kw_only=True)
class ControlNote(Message):
    lane: ClassVar[Lane] = Lane.CONTROL
    text: str = ""


@attrs.frozen(kw_only=True)
class Tick(Message):
    conflate_by: ClassVar[str | None] = "symbol"
    symbol: str
    price: int


@attrs.frozen(kw_only=True)
class Book(Message):
    conflate_by: ClassVar[str | None] = "symbol"
    symbol: str
    price: int


@attrs.frozen(kw_only=True)
class Command(Message):
    """Lets a test run code inside a handler."""

    run: Callable[[Any], object]


class Log:
    """What happened, in order; waits until something has."""

    def __init__(self) -> None:
        self.changed = threading.Condition()
        self.entries: list[Any] = []

    def note(self, entry: Any) -> None:
        with self.changed:
            self.entries.append(entry)
            self.changed.notify_all()


class Life(Observer):
    """Notes the kernel's own events."""

    hears: ClassVar[tuple[type[Message], ...]] = (
        ActorFailed,
        ActorStarted,
        ActorRestarted,
        SupervisorGaveUp,
    )

    def __init__(self, log: Log) -> None:
        self._log = log

    def observe(self, sender: str, at_ns: int, body: Message) -> None:
        self._log.note(body)


class Probe(Actor):
    """Notes everything it hears, and does what it is commanded."""

    def __init__(self, log: Log) -> None:
        self.log = log

    def heard(self, entry: Any) -> None:
        self.log.note((self.me.name, self.generation, entry))

    def on_note(self, note: Note | UrgentNote | ControlNote) -> None:
        self.heard(note.text)

    def on_tick(self, tick: Tick | Book) -> None:
        self.heard((type(tick).__name__, tick.symbol, tick.price))

    def on_timer_fired(self, timer: TimerFired) -> None:
        self.heard(f"timer {timer.key}")

    def on_actor_failed(self, failed: ActorFailed) -> None:
        self.heard(("failed", failed.actor, failed.reason.value))

    def on_command(self, command: Command) -> None:
        command.run(self)


class RecordingPort(Port):
    """Keeps every envelope it is given."""

    def __init__(self) -> None:
        self.envelopes: list[Envelope] = []

    def open(self, outlet: Outlet) -> None:
        self.outlet = outlet

    def receive(self, envelope: Envelope) -> None:
        self.envelopes.append(envelope)

    def close(self, timeout_s: float) -> None:
        pass


class World(ABC):
    """A runtime with a tree of probes."""

    runtime: Runtime
    thread: str

    def __init__(self) -> None:
        self.log = Log()
        self.life = Log()
        self.life.changed = self.log.changed
        self.runtime.observe(Life(self.life))

    def probe(self, name: str, **spec: Any) -> ChildSpec:
        """Return a child; ``factory`` may replace the plain probe, ``thread`` its placement."""
        spec = {"factory": lambda: Probe(self.log), "thread": self.thread, **spec}
        return ChildSpec(name=name, **spec)

    def start(
        self,
        *children: ChildSpec | SupervisorSpec,
        strategy: Strategy = Strategy.ONE_FOR_ONE,
        intensity: Intensity = FAST,
        wait: bool = True,
    ) -> None:
        self.declare_and_start(
            SupervisorSpec(name="root", strategy=strategy, intensity=intensity, children=children)
        )
        if wait:
            self.until(self.runtime.is_ready)

    @abstractmethod
    def declare_and_start(self, spec: SupervisorSpec) -> None: ...

    def at(self, name: str) -> Address:
        return self.runtime.resolve(name)

    def tell(self, name: str, message: Message) -> None:
        self.runtime.tell(self.at(name), message)

    def run(self, name: str, code: Callable[[Any], object]) -> None:
        self.tell(name, Command(run=code))

    @abstractmethod
    def until(self, holds: Callable[[], object]) -> None:
        """Let things happen until ``holds``; fail if it takes too long."""

    def heard(self, name: str | None = None) -> list[Any]:
        return [entry for who, _, entry in self.log.entries if name in (None, who)]

    def until_heard(self, *entries: Any) -> None:
        self.until(lambda: all(entry in self.heard() for entry in entries))

    def settle(self) -> None:
        """Let everything that waits be handled."""
        for one in self.runtime.snapshots():
            if one.state == "ready" and one.kind != "Supervisor":
                self.tell(one.name, Note(text=f"settled {one.name}"))
                self.until_heard(f"settled {one.name}")
                self.log.entries = [e for e in self.log.entries if e[2] != f"settled {one.name}"]

    def shot(self, name: str) -> ActorSnapshot:
        return next(one for one in self.runtime.snapshots() if one.name == name)

    def fail(self, name: str, kind: str = "raise") -> None:
        """Make ``name`` fail and wait until it is back."""
        generation = self.shot(name).generation
        self.runtime.inject(name, kind)
        self.until(
            lambda: self.shot(name).generation > generation and self.shot(name).state == "ready"
        )


class SteppedWorld(World):
    runtime: SteppedRuntime

    def __init__(self, seed: int | None = None) -> None:
        self.runtime = SteppedRuntime(seed=seed)
        self.thread = "thinking"
        super().__init__()

    def declare_and_start(self, spec: SupervisorSpec) -> None:
        self.runtime.declare(spec)
        self.runtime.start()

    def until(self, holds: Callable[[], object]) -> None:
        for _ in range(60_000):
            self.runtime.drain()
            if holds():
                return
            self.runtime.run_for(MS)
        raise AssertionError(f"never came true: {self.log.entries[-10:]} {self.life.entries[-10:]}")


class ThreadWorld(World):
    runtime: ThreadRuntime

    def __init__(self, thread: str = "thinking", clock: Clock | None = None) -> None:
        self.runtime = ThreadRuntime(clock)
        self.thread = thread
        super().__init__()

    def declare_and_start(self, spec: SupervisorSpec) -> None:
        self.runtime.declare(spec)
        self.runtime.start()

    def until(self, holds: Callable[[], object]) -> None:
        deadline_ns = self.runtime.now_ns() + int(TIMEOUT_S * 1e9)
        with self.log.changed:
            while not holds():
                # Not everything one waits for is noted in a log: look now and then regardless.
                self.log.changed.wait(0.005)
                assert self.runtime.now_ns() < deadline_ns, (
                    f"never came true: {self.log.entries[-10:]} {self.life.entries[-10:]}"
                )
