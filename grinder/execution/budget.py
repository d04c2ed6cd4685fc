"""Our own share of the venue's order limits. Only placements are counted; cancels never wait."""

from __future__ import annotations

from grinder.model.units import NS_PER_S

SHORT_NS = 10 * NS_PER_S
LONG_NS = 60 * NS_PER_S


class Window:
    """At most ``limit`` takings in any ``span_ns``: a ring of the last times."""

    __slots__ = ("_at", "_heard", "_heard_until_ns", "_times", "limit", "span_ns")

    def __init__(self, limit: int, span_ns: int) -> None:
        if limit < 1 or span_ns < 1:
            raise ValueError(f"expected a limit and a span above 0, was {limit} and {span_ns}")
        self.limit = limit
        self.span_ns = span_ns
        self._times: list[int | None] = [None] * limit
        self._at = 0
        self._heard = 0
        self._heard_until_ns = 0

    def free_at_ns(self, now_ns: int) -> int:
        """Return when one more may be taken; ``now_ns`` or earlier means now."""
        others = self._heard if now_ns < self._heard_until_ns else 0
        if others >= self.limit:
            return self._heard_until_ns
        oldest = self._times[(self._at + others) % self.limit]
        return now_ns if oldest is None else oldest + self.span_ns

    def has_room(self, count: int, now_ns: int) -> bool:
        """Return whether so many (at least one) may be taken now."""
        others = self._heard if now_ns < self._heard_until_ns else 0
        if others + count > self.limit:
            return False
        # In the order of their times; the last of those that would give way tells.
        last = self._times[(self._at + others + count - 1) % self.limit]
        return last is None or last + self.span_ns <= now_ns

    def take(self, count: int, now_ns: int) -> None:
        """Count so many, at most the limit."""
        end = self._at + count
        whole = min(end, self.limit)
        self._times[self._at : whole] = [now_ns] * (whole - self._at)
        self._times[: end - whole] = [now_ns] * (end - whole)
        self._at = end % self.limit

    def used(self, now_ns: int) -> int:
        """Return how many were taken within the span."""
        return sum(1 for at in self._times if at is not None and at > now_ns - self.span_ns)

    def hear(self, count: int, now_ns: int) -> None:
        """Take note of the venue's own count; what we did not place ourselves is others'."""
        self._heard = max(0, count - self.used(now_ns))
        self._heard_until_ns = now_ns + self.span_ns


class OrderBudget:
    """Both windows, 10 seconds and one minute."""

    __slots__ = ("_windows",)

    def __init__(self, orders_10s_max: int, orders_1m_max: int) -> None:
        self._windows = (Window(orders_10s_max, SHORT_NS), Window(orders_1m_max, LONG_NS))

    def take(self, count: int, now_ns: int) -> int:
        """Count placements, as many of ``count`` as every window has room for; return how many."""
        short, long = self._windows
        granted = count
        while granted and not (short.has_room(granted, now_ns) and long.has_room(granted, now_ns)):
            granted -= 1
        short.take(granted, now_ns)
        long.take(granted, now_ns)
        return granted

    def free_at_ns(self, now_ns: int) -> int:
        """Return when the next placement may go: be quiet until then."""
        return max(window.free_at_ns(now_ns) for window in self._windows)

    def used(self, now_ns: int) -> tuple[int, int]:
        """Return our placements of the last 10 seconds and of the last minute."""
        short, long = self._windows
        return short.used(now_ns), long.used(now_ns)

    def hear(self, orders_10s: int, orders_1m: int, now_ns: int) -> None:
        """Take note of the venue's counts, which include other processes of the account."""
        short, long = self._windows
        short.hear(orders_10s, now_ns)
        long.hear(orders_1m, now_ns)
