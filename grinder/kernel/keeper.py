"""The keeper: the few facts that must outlive a generation of an actor.

A restarted actor trusts nothing of what the dead one had in memory. A latch is the exception: one
that a crash could open would not be a latch. Such a fact is told to the keeper when it comes to be,
and asked for at the start. It is kept in memory: it lives as long as the process.
"""

from __future__ import annotations

import threading

from grinder.kernel.message import Envelope
from grinder.kernel.port import Outlet, Port
from grinder.kernel.signals import Recall, Recalled, Remember

FACTS_MAX = 1_000
"""Facts of one actor; more are refused by raising, which ends trust in the port."""


class Keeper(Port):
    """Keeps text facts by actor and key."""

    def __init__(self) -> None:
        self._facts: dict[str, dict[str, str]] = {}
        self._lock = threading.Lock()

    def open(self, outlet: Outlet) -> None:
        """Take the outlet."""
        self._outlet = outlet

    def receive(self, envelope: Envelope) -> None:
        """Keep a fact of the sender, or tell it what is kept."""
        command = envelope.body
        with self._lock:
            facts = self._facts.setdefault(envelope.sender, {})
            if isinstance(command, Remember):
                facts.pop(command.key, None)
                if len(facts) >= FACTS_MAX:
                    raise OverflowError(f"{envelope.sender} wants more than {FACTS_MAX} facts kept")
                if command.value:
                    facts[command.key] = command.value
                return
            answer = Recalled(facts=tuple(sorted(facts.items())))
        if isinstance(command, Recall):
            self._outlet.tell(self._outlet.resolve(envelope.sender), answer, cause=envelope.seq)

    def close(self, timeout_s: float) -> None:
        """Need nothing."""
