"""One side of the external book: what the feed displays, less what participants took of it.

Prices are keys: ticks for asks, minus ticks for bids, so that the smaller key is always better.
"""

from __future__ import annotations

FAR = 2**62
"""A key worse than every price."""

LEVELS_MAX = 4_000
"""Levels remembered per side; beyond it the worst half is forgotten."""


class ExternalSide:
    """Displayed levels of one side, known from depth, or only the touch known from quotes.

    Something taken comes back when the feed states another quantity for the price, or, without
    depth, when the touch leaves the price. Repeating the same quantity gives nothing back.
    """

    __slots__ = ("_shown", "_taken", "is_plain", "touch", "touch_lots")

    def __init__(self) -> None:
        self.touch = FAR
        """Key of the best displayed price; FAR when nothing is displayed."""
        self.touch_lots = 0
        self.is_plain = True
        """True while there is neither depth nor anything taken: the touch may be set directly."""
        self._shown: dict[int, int] | None = None
        self._taken: dict[int, int] = {}

    def state_touch(self, key: int, lots: int) -> None:
        """Hear a quote: the best price is ``key`` with ``lots``."""
        if self._shown is None:
            if key != self.touch or lots != self.touch_lots:
                self._taken.clear()
                self.is_plain = True
        else:
            if lots and self._shown.get(key) != lots:
                self._taken.pop(key, None)
                self._shown[key] = lots
                self._forget_far()
            for taken_key in [taken for taken in self._taken if taken < key]:
                del self._taken[taken_key]
        self.touch = key
        self.touch_lots = lots

    def state_level(self, key: int, lots: int) -> None:
        """Hear depth: ``lots`` are displayed at ``key``; 0 removes the level."""
        if self._shown is None:
            self._shown = {} if self.touch == FAR else {self.touch: self.touch_lots}
            self.is_plain = False
        if self._shown.get(key, 0) != lots:
            self._taken.pop(key, None)
        if lots:
            self._shown[key] = lots
            if key <= self.touch:
                self.touch, self.touch_lots = key, lots
            self._forget_far()
            return
        self._shown.pop(key, None)
        if key == self.touch:
            self.touch = min((shown for shown in self._shown if shown > key), default=FAR)
            self.touch_lots = self._shown.get(self.touch, 0)

    def displayed(self, key: int) -> int | None:
        """Return the lots still standing at ``key``; None when the feed never said."""
        if key < self.touch:
            return 0
        if self._shown is None:
            return self.available(key) if key == self.touch else None
        return self.available(key)

    def available(self, key: int) -> int:
        """Return the lots at ``key`` that can still be taken."""
        if self._shown is None:
            shown = self.touch_lots if key == self.touch else 0
        else:
            shown = self._shown.get(key, 0) if key >= self.touch else 0
        return max(0, shown - self._taken.get(key, 0))

    def keys_within(self, limit: int) -> list[int]:
        """Return the displayed keys from the best to ``limit``, best first."""
        if self.touch > limit:
            return []
        if self._shown is None:
            return [self.touch]
        return sorted(key for key in self._shown if self.touch <= key <= limit)

    def take(self, key: int, lots: int) -> None:
        """Remember that participants took ``lots`` at ``key``."""
        if lots:
            self._taken[key] = self._taken.get(key, 0) + lots
            self.is_plain = False

    def _forget_far(self) -> None:
        assert self._shown is not None
        if len(self._shown) > LEVELS_MAX:
            keep = sorted(key for key in self._shown if key >= self.touch)[: LEVELS_MAX // 2]
            self._shown = {key: self._shown[key] for key in keep}
            self._taken = {key: lots for key, lots in self._taken.items() if key in self._shown}
