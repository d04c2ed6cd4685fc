"""Which trades have been counted, so that a fill heard twice moves money once."""

from __future__ import annotations

from heapq import heappop, heappush

REMEMBERED_MAX = 2_000
"""Twice the page of trades that the venue returns at most."""


class TradeLog:
    """Trade ids of one symbol already counted; bounded.

    Trade ids of a symbol rise. The lowest remembered id is forgotten first, and from then on that
    id and everything below it counts as known: forgetting never makes a fill count twice.
    """

    __slots__ = ("_floor", "_heap", "_remembered_max", "_seen", "last_id")

    def __init__(self, floor: int = 0, remembered_max: int = REMEMBERED_MAX) -> None:
        self._seen: set[int] = set()
        self._heap: list[int] = []
        self._floor = floor
        self._remembered_max = remembered_max
        self.last_id = floor
        """Highest id counted or known; 0 when there is none."""

    def add(self, trade_id: int) -> bool:
        """Count ``trade_id``; False when it was counted before."""
        if trade_id <= self._floor or trade_id in self._seen:
            return False
        self._seen.add(trade_id)
        heappush(self._heap, trade_id)
        self.last_id = max(self.last_id, trade_id)
        if len(self._heap) > self._remembered_max:
            self._floor = heappop(self._heap)
            self._seen.discard(self._floor)
        return True

    def knows(self, trade_id: int) -> bool:
        """Return whether ``trade_id`` has been counted."""
        return trade_id <= self._floor or trade_id in self._seen

    def __len__(self) -> int:
        return len(self._seen)
