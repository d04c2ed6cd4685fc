"""How well entries do lately: whether they rest at all, and what the market does after a fill.

Two signs of a ladder that stands wrongly. Post-only entries that the venue refuses were priced on a
market that had left; fills after which the market runs on were taken by somebody who knew better.
Either of them over a whole window is a decay of quality. The first one builds the ladder anew where
the market is now; another one soon after pauses.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from decimal import Decimal
from statistics import fmean

import attrs

from grinder.model.grid import GridMode, GridPlan, ResetAction
from grinder.model.order import Side
from grinder.model.strategy import RegimeSettings
from grinder.model.units import BPS
from grinder.policy.throttle import halted

RESET = "RESET_EXEC_QUALITY"
PAUSE = "PAUSE_EXEC_QUALITY"
WAITING_MAX = 200
"""Fills whose outcome is awaited."""
SOON_SAMPLES = 300
"""A decay within so many samples after the one before pauses."""


@attrs.frozen(kw_only=True)
class Outcome:
    """What became of an entry at one moment."""

    side: Side
    price: Decimal | None = None
    """Of a fill, in quote per base; None for one that the venue took on to the book, or refused."""
    is_refused: bool = False


class ExecQuality:
    """The outcomes of one symbol's entries. What is held of them is bounded."""

    __slots__ = ("_age", "_hold", "_markouts", "_pause_left", "_rested", "_settings", "_waiting")

    def __init__(self, settings: RegimeSettings) -> None:
        self._settings = settings
        self._hold = max(1, settings.hold_samples)
        size = max(1, settings.quality_orders)
        self._rested: deque[bool] = deque(maxlen=size)
        """Of the last entries, whether the venue took them."""
        self._markouts: deque[float] = deque(maxlen=max(1, size // 2))
        """What the last fills were worth some samples later, in basis points."""
        self._waiting: deque[tuple[int, Side, Decimal]] = deque(maxlen=WAITING_MAX)
        self._age = SOON_SAMPLES
        """Samples since the last decay."""
        self._pause_left = 0

    def follow(self, outcomes: Iterable[Outcome], mid: Decimal) -> str:
        """Take what happened since the last sample; return RESET, PAUSE, or nothing.

        PAUSE stays for ``regime.quality_pause_samples``.
        """
        if not self._settings.quality_orders:
            return ""
        self._age += 1
        for one in outcomes:
            if one.price is None:
                self._rested.append(not one.is_refused)
            else:
                self._waiting.append((self._age, one.side, one.price))
        self._ripen(mid)
        self._pause_left = max(0, self._pause_left - 1)
        if self._pause_left:
            return PAUSE
        return self._decay() if self._is_bad() else ""

    def _ripen(self, mid: Decimal) -> None:
        while self._waiting and self._age - self._waiting[0][0] >= self._hold:
            _, side, price = self._waiting.popleft()
            self._markouts.append(float(side.sign * (mid - price) / price * BPS))

    def _is_bad(self) -> bool:
        settings, rested, markouts = self._settings, self._rested, self._markouts
        if len(rested) == rested.maxlen:
            refused = len(rested) - sum(rested)
            if refused >= settings.quality_refused_max * len(rested):
                return True
        limit = settings.quality_markout_bps
        return 0 < limit <= -fmean(markouts) if len(markouts) == markouts.maxlen else False

    def _decay(self) -> str:
        is_again = self._age < SOON_SAMPLES
        self._rested.clear()
        self._markouts.clear()
        self._waiting.clear()
        self._age = 0
        if not is_again:
            return RESET
        self._pause_left = self._settings.quality_pause_samples
        return PAUSE if self._pause_left else RESET


def rested(plan: GridPlan, verdict: str) -> GridPlan:
    """Return ``plan`` without entries while the quality of executions pauses it."""
    if verdict != PAUSE or not plan.is_active or plan.mode is GridMode.EMERGENCY:
        return plan
    return halted(plan, GridMode.PAUSE, ResetAction.SOFT, PAUSE)
