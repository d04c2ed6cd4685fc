"""The keeper: the few facts that must outlive a generation of an actor.

A restarted actor trusts nothing of what the dead one had in memory. A latch is the exception: one
that a crash could open would not be a latch. Such a fact is told to the keeper when it comes to be,
and asked for at the start. It is kept in memory: it lives as long as the process, unless it is a
lasting one and somebody stands here who keeps those beyond it.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Protocol

from grinder.kernel.message import Envelope
from grinder.kernel.port import Outlet, Port
from grinder.kernel.signals import Recall, Recalled, Remember

FACTS_MAX = 1_000
"""Facts of one actor; more are refused by raising, which ends trust in the port."""


Facts = dict[str, dict[str, str]]
"""By actor, then by key."""


class FactStore(Protocol):
    """Where lasting facts outlive the process."""

    def read(self) -> Facts:
        """Return what an earlier process has written last."""

    def write(self, facts: Facts) -> None:
        """Keep exactly ``facts``; they are safe when this returns.

        Raises:
            OSError: they are not, and what was kept before is untouched.
        """

    def close(self) -> None:
        """Let go of everything. Idempotent."""


class Keeper(Port):
    """Keeps text facts by actor and key; ``lasting`` are those of an earlier process."""

    def __init__(self, lasting: Mapping[str, Mapping[str, str]] | None = None) -> None:
        self._facts: Facts = {actor: dict(facts) for actor, facts in (lasting or {}).items()}
        self._lasting = {(actor, key) for actor, facts in self._facts.items() for key in facts}
        self._lock = threading.Lock()

    def open(self, outlet: Outlet) -> None:
        """Take the outlet."""
        self._outlet = outlet

    def receive(self, envelope: Envelope) -> None:
        """Keep a fact of the sender, or tell it what is kept."""
        command = envelope.body
        is_lasting = False
        with self._lock:
            facts = self._facts.setdefault(envelope.sender, {})
            if isinstance(command, Remember):
                was = facts.pop(command.key, "")
                is_lasting = self._note_lasting(envelope.sender, command, was)
                if len(facts) >= FACTS_MAX:
                    raise OverflowError(f"{envelope.sender} wants more than {FACTS_MAX} facts kept")
                if command.value:
                    facts[command.key] = command.value
            answer = Recalled(facts=tuple(sorted(facts.items())))
        if is_lasting:
            self.lasting_changed()
        if isinstance(command, Recall):
            self._outlet.tell(self._outlet.resolve(envelope.sender), answer, cause=envelope.seq)

    def _note_lasting(self, actor: str, command: Remember, was: str) -> bool:
        """Note whether a fact lasts; return whether what lasts is another now."""
        fact = (actor, command.key)
        did_last = fact in self._lasting
        if command.is_lasting and command.value:
            self._lasting.add(fact)
        else:
            self._lasting.discard(fact)
        return (did_last or command.is_lasting) and was != command.value

    def lasting(self) -> Facts:
        """Return what has to outlive the process."""
        with self._lock:
            found: Facts = {}
            for actor, key in sorted(self._lasting):
                found.setdefault(actor, {})[key] = self._facts[actor][key]
            return found

    def lasting_changed(self) -> None:
        """Need nothing: nothing here outlives the process. Called on the speaker's thread."""

    def close(self, timeout_s: float) -> None:
        """Need nothing."""
