"""The private stream: which connection counts, when to replace it, how to notice that it is deaf.

A private stream may be silent for hours and be well. But every placement that the venue accepted is
echoed on it; an echo that does not come shows a dead stream sooner than anything else.
"""

from __future__ import annotations

from grinder.model.units import NS_PER_S

ECHO_NS = 5 * NS_PER_S
"""How long an accepted placement may go without its echo."""
ECHOES_MAX = 200
PAUSE_NS = NS_PER_S
PAUSE_MAX_NS = 30 * NS_PER_S


class PrivateLine:
    """State of the private stream."""

    def __init__(self, first_connection: int) -> None:
        self.connection = first_connection
        self.is_live = False
        """True from the moment it is open until it is known to be lost."""
        self._failures = 0
        self._echoes: dict[str, int] = {}

    def next_connection(self) -> int:
        """Begin a new connection; what the former ones say no longer counts."""
        self.connection += 1
        self._echoes.clear()
        return self.connection

    def opened(self, connection: int) -> bool:
        """Take news of an open stream; return whether it is the one that counts."""
        if connection != self.connection:
            return False
        self.is_live = True
        return True

    def lost(self) -> int:
        """Take note that the stream is gone; return the pause in ns before the next attempt."""
        self.is_live = False
        pause_ns = min(PAUSE_NS << min(self._failures, 10), PAUSE_MAX_NS)
        self._failures += 1
        return pause_ns

    def accepted(self, client_order_id: str, now_ns: int) -> None:
        """Expect the echo of a placement that the venue accepted and the stream has not told of."""
        if self.is_live and len(self._echoes) < ECHOES_MAX:
            self._echoes.setdefault(client_order_id, now_ns + ECHO_NS)

    def heard(self, client_order_id: str) -> None:
        """Take an echo."""
        self._failures = 0
        self._echoes.pop(client_order_id, None)

    def is_deaf(self, now_ns: int) -> bool:
        """Return whether an echo is overdue."""
        return any(due_ns <= now_ns for due_ns in self._echoes.values())
