"""How often one symbol may send entries: a number in any minute, and a pause between two batches.

What is approved counts at once, so that no batch can slip in behind another, and for good only when
it was sent: what the router refused, or a revoked permit has stopped, costs nothing.
"""

from __future__ import annotations

from collections import deque

from grinder.model.settings import RiskSettings
from grinder.model.units import NS_PER_MS, NS_PER_S

MINUTE_NS = 60 * NS_PER_S


class EntryRate:
    """Entries of one symbol, sent and approved. Cheap while neither limit is set."""

    __slots__ = (
        "_approved",
        "_cooldown_ns",
        "_count",
        "_last_ns",
        "_patience_ns",
        "_sent",
        "is_limited",
        "minute_max",
    )

    def __init__(self, settings: RiskSettings) -> None:
        self.minute_max = settings.entries_1m_max
        """0 without a limit."""
        self._cooldown_ns = settings.entry_cooldown_ms * NS_PER_MS
        self.is_limited = bool(self.minute_max or self._cooldown_ns)
        """False when there is nothing to ask."""
        # A permit that has ended lets nothing through any more.
        self._patience_ns = settings.permit_ms * NS_PER_MS
        self._sent: deque[tuple[int, int]] = deque()
        self._approved: deque[tuple[int, int]] = deque()
        self._last_ns: int | None = None
        self._count = 0
        # Entries in both queues.

    def used(self, now_ns: int) -> int:
        """Return how many entries count against the minute that ends now."""
        self._forget(now_ns)
        return self._count

    def cooldown_left_ns(self, now_ns: int) -> int:
        """Return how long no further entry may follow the last one; 0 when it may now."""
        if not self._cooldown_ns:
            return 0
        self._forget(now_ns)
        last_ns = self._approved[-1][0] if self._approved else self._last_ns
        return 0 if last_ns is None else max(0, last_ns + self._cooldown_ns - now_ns)

    def approve(self, entries: int, now_ns: int) -> None:
        """Note entries that were let through."""
        self._approved.append((now_ns, entries))
        self._count += entries

    def send(self, entries: int, now_ns: int) -> None:
        """Note entries that were handed to the venue."""
        if not entries:
            return
        self._forget(now_ns)
        self._last_ns = now_ns
        if self.minute_max:
            self._sent.append((now_ns, entries))
            self._count += entries
        while entries and self._approved:
            at_ns, waiting = self._approved.popleft()
            if waiting > entries:
                self._approved.appendleft((at_ns, waiting - entries))
            taken = min(entries, waiting)
            entries -= taken
            self._count -= taken

    def _forget(self, now_ns: int) -> None:
        # A minute reaches back to what is exactly as old.
        sent, approved = self._sent, self._approved
        while sent and sent[0][0] < now_ns - MINUTE_NS:
            self._count -= sent.popleft()[1]
        while approved and approved[0][0] < now_ns - self._patience_ns:
            self._count -= approved.popleft()[1]
