"""What one leg was allowed to add and has not handed to the venue yet.

All legs share the total cap, the two of a market its cap as well, and several may propose within
the same moment: what the first is given has to count before the next one is judged, long before it
is known to have been sent.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

from grinder.messages.grid import Intent
from grinder.messages.orders import Placement
from grinder.model.units import NS_PER_S

LATE_NS = NS_PER_S
"""How long after the end of its permit something that was sent in time may still be told."""


class Underway:
    """Lots of approved entries, batch by batch, each until its permit can't be used any more."""

    __slots__ = ("_batches",)

    def __init__(self) -> None:
        self._batches: deque[tuple[int, int]] = deque()
        # (until when in ns, lots)

    def let(self, approved: Iterable[Intent], until_ns: int) -> None:
        """Count what was approved under a permit that ends at ``until_ns``."""
        lots = sum(one.qty_lots for one in approved if one.adds_risk)
        if lots:
            self._batches.append((until_ns + LATE_NS, lots))

    def send(self, orders: Iterable[Placement]) -> None:
        """Count no longer what has been handed to the venue: from now on it is pending."""
        if not self._batches:
            return
        sent = sum(one.qty_lots for one in orders if not one.reduce_only)
        while sent and self._batches:
            until_ns, lots = self._batches.popleft()
            if lots > sent:
                self._batches.appendleft((until_ns, lots - sent))
            sent = max(0, sent - lots)

    def lots(self, now_ns: int) -> int:
        """Return what may still be sent."""
        while self._batches and self._batches[0][0] <= now_ns:
            self._batches.popleft()
        return sum(lots for _, lots in self._batches)
