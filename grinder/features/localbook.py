"""The book as far as it is known: built from a snapshot and the changes after it."""

from __future__ import annotations

from bisect import bisect_left, insort

from grinder.features.orderflow import Levels, added
from grinder.messages.market import DepthChanged, DepthSynced

LEVELS_MAX = 1_000
"""Levels kept of a side; the farthest go first. The venue's snapshot has no more."""
SLACK = 200
"""Levels above the bound before the farthest are let go, all at once."""
FLOW_LEVELS = 5
"""Levels of a side whose flow is added up."""


class BookSide:
    """One side. Keys are prices times the sign, so that the best is the smallest."""

    __slots__ = ("_keys", "_lots", "sign", "top")

    def __init__(self, sign: int) -> None:
        self.sign = sign
        """-1 for bids, 1 for asks."""
        self._keys: list[int] = []
        self._lots: dict[int, int] = {}
        self.top: Levels = ()
        """The best levels whose flow is added up, by key, as of the last call of ``flow``."""

    def __len__(self) -> int:
        return len(self._keys)

    def replace(self, levels: Levels) -> None:
        """Begin anew with ``levels``."""
        sign = self.sign
        self._lots = {price * sign: lots for price, lots in levels if lots > 0}
        self._keys = sorted(self._lots)
        self.top = self.keyed(FLOW_LEVELS)

    def apply(self, levels: Levels) -> None:
        """Take changed levels; a quantity of 0 removes one."""
        keys, held, sign = self._keys, self._lots, self.sign
        for price, lots in levels:
            key = price * sign
            if lots > 0:
                if key not in held:
                    insort(keys, key)
                held[key] = lots
            elif held.pop(key, None) is not None:
                del keys[bisect_left(keys, key)]
        if len(keys) > LEVELS_MAX + SLACK:
            for key in keys[LEVELS_MAX:]:
                del held[key]
            del keys[LEVELS_MAX:]

    def flow(self) -> int:
        """Return what was added to the best levels since the last call, in lots."""
        before, after = self.top, self.keyed(FLOW_LEVELS)
        if after == before:
            return 0
        self.top = after
        return added(before, after)

    def keyed(self, count: int) -> Levels:
        """Return the best ``count`` levels as (price times the sign, lots), best first."""
        held = self._lots
        return tuple([(key, held[key]) for key in self._keys[:count]])

    def best(self, count: int) -> Levels:
        """Return the best ``count`` levels, best first."""
        sign = self.sign
        return tuple([(key * sign, lots) for key, lots in self.keyed(count)])


class LocalBook:
    """Both sides of one symbol, and the flow of their first five levels.

    Nothing is known before the first snapshot, nor after ``forget``.
    """

    __slots__ = ("asks", "bids", "flow_lots", "heard_ns", "is_synced")

    def __init__(self) -> None:
        self.bids = BookSide(-1)
        self.asks = BookSide(1)
        self.is_synced = False
        self.heard_ns = 0
        """Venue time of the last change."""
        self.flow_lots = 0
        """Multi-level order flow since it was last taken: bids added minus asks added."""

    def sync(self, synced: DepthSynced) -> None:
        """Begin anew from a snapshot; nothing flowed."""
        self.bids.replace(synced.bids)
        self.asks.replace(synced.asks)
        self.heard_ns = synced.event_ns
        self.is_synced = True

    def change(self, changed: DepthChanged) -> None:
        """Take changes that continue the book."""
        if not self.is_synced:
            return
        if changed.bids:
            self.bids.apply(changed.bids)
            self.flow_lots += self.bids.flow()
        if changed.asks:
            self.asks.apply(changed.asks)
            self.flow_lots -= self.asks.flow()
        self.heard_ns = max(self.heard_ns, changed.event_ns)

    def forget(self) -> None:
        """Know nothing until the next snapshot."""
        self.is_synced = False
        self.flow_lots = 0

    def take_flow(self) -> int:
        """Return the flow in lots since the last call."""
        flow = self.flow_lots
        self.flow_lots = 0
        return flow
