"""What the venue's limits leave us: budgets read from headers, and silences it asked for."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from enum import Enum

from grinder.messages.venue import BudgetReported
from grinder.model.units import NS_PER_S

REPORT_EVERY_NS = NS_PER_S
MINUTE_MS = 60_000
TEN_SECONDS_MS = 10_000


class Purpose(Enum):
    """What a request is for; it decides what may hold it back."""

    ENTRY = "entry"
    EXIT = "exit"
    CANCEL = "cancel"
    READ = "read"


class Budget:
    """Used request weight and order counts of the running windows. Safe from any thread.

    Answers overtake each other, so within a window the highest count is the newest. Order counts
    come only with answers to order calls; a window that has turned counts from nothing.
    """

    def __init__(self, *, weight_limit_1m: int, weight_reserve: int) -> None:
        self._weight_read_max = max(0, weight_limit_1m - weight_reserve)
        self._large_change = max(1, weight_limit_1m // 10)
        self._lock = threading.Lock()
        self._weight = _Window(MINUTE_MS)
        self._orders_10s = _Window(TEN_SECONDS_MS)
        self._orders_1m = _Window(MINUTE_MS)
        self._reported_ns = 0
        self._reported_weight = 0

    def note(self, headers: Mapping[str, str], now_ms: int) -> None:
        """Take the counts from the headers of an answer that came at venue time ``now_ms``."""
        with self._lock:
            self._weight.note(headers.get("X-MBX-USED-WEIGHT-1M"), now_ms)
            self._orders_10s.note(headers.get("X-MBX-ORDER-COUNT-10S"), now_ms)
            self._orders_1m.note(headers.get("X-MBX-ORDER-COUNT-1M"), now_ms)

    def allows_reads(self, now_ms: int) -> bool:
        """Tell whether reading leaves the reserved weight to cancels."""
        with self._lock:
            return self._weight.count(now_ms) < self._weight_read_max

    def report(self, now_ns: int, now_ms: int) -> BudgetReported | None:
        """Return a report if one is due at ``now_ns`` (local) and ``now_ms`` (venue)."""
        with self._lock:
            weight = self._weight.count(now_ms)
            is_large = abs(weight - self._reported_weight) >= self._large_change
            if now_ns - self._reported_ns < REPORT_EVERY_NS and not is_large:
                return None
            self._reported_ns = now_ns
            self._reported_weight = weight
            return BudgetReported(
                scope="account",
                used_weight_1m=weight,
                orders_10s=self._orders_10s.count(now_ms),
                orders_1m=self._orders_1m.count(now_ms),
            )


class _Window:
    __slots__ = ("_count", "_length_ms", "_number")

    def __init__(self, length_ms: int) -> None:
        self._length_ms = length_ms
        self._number = 0
        self._count = 0

    def note(self, text: str | None, now_ms: int) -> None:
        if text is None or not text.isdecimal():
            return
        self._count = max(self.count(now_ms), int(text))
        self._number = now_ms // self._length_ms

    def count(self, now_ms: int) -> int:
        return self._count if now_ms // self._length_ms == self._number else 0


class Silence:
    """Until when the venue wants to hear nothing from us. Safe from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._throttled_until_ns = 0
        self._banned_until_ns = 0

    def note(self, until_ns: int, *, is_ban: bool) -> bool:
        """Keep the end of a silence; return True if it is news, a second later or more."""
        with self._lock:
            known_ns = self._banned_until_ns if is_ban else self._throttled_until_ns
            if is_ban:
                self._banned_until_ns = max(known_ns, until_ns)
            else:
                self._throttled_until_ns = max(known_ns, until_ns)
            return until_ns - known_ns >= NS_PER_S

    def forbids(self, purpose: Purpose, now_ns: int) -> bool:
        """Tell whether a request must not be sent at ``now_ns``.

        A ban stops everything. Below it, cancels and exits go on: they are what one wants most
        when something is wrong, and they cost next to nothing.
        """
        with self._lock:
            if now_ns < self._banned_until_ns:
                return True
            is_free = purpose in (Purpose.CANCEL, Purpose.EXIT)
            return now_ns < self._throttled_until_ns and not is_free
