"""Our own share of the venue's order limits. Only placements are counted; cancels never wait."""

from __future__ import annotations

from grinder.model.units import NS_PER_S

SHORT_NS = 10 * NS_PER_S
LONG_NS = 60 * NS_PER_S


class Window:
    """At most ``limit`` placements in any ``span_ns``, and what others have taken of them."""

    __slots__ = ("heard", "heard_until_ns", "limit", "span_ns")

    def __init__(self, limit: int, span_ns: int) -> None:
        if limit < 1 or span_ns < 1:
            raise ValueError(f"expected a limit and a span above 0, was {limit} and {span_ns}")
        self.limit = limit
        self.span_ns = span_ns
        self.heard = 0
        """Placements of others, which count until ``heard_until_ns``."""
        self.heard_until_ns = 0


class OrderBudget:
    """Both windows, 10 seconds and one minute, over one ring of our last times."""

    __slots__ = ("_at", "_times", "_windows")

    def __init__(self, orders_10s_max: int, orders_1m_max: int) -> None:
        self._windows = (Window(orders_10s_max, SHORT_NS), Window(orders_1m_max, LONG_NS))
        self._times: list[int | None] = [None] * max(orders_10s_max, orders_1m_max)
        self._at = 0
        """Where the next time goes; the newest is before it."""

    def take(self, count: int, now_ns: int) -> int:
        """Count placements, as many of ``count`` as every window has room for; return how many."""
        granted = count
        while granted and not self._has_room(granted, now_ns):
            granted -= 1
        times, at = self._times, self._at
        end = at + granted
        whole = min(end, len(times))
        times[at:whole] = [now_ns] * (whole - at)
        times[: end - whole] = [now_ns] * (end - whole)
        self._at = end % len(times)
        return granted

    def _has_room(self, count: int, now_ns: int) -> bool:
        """Return whether so many (at least one) may be taken now."""
        for window in self._windows:
            others = window.heard if now_ns < window.heard_until_ns else 0
            spare = window.limit - others - count
            if spare < 0:
                return False
            # Of ours before them, the newest ``spare`` may still count; the next one tells.
            last = self._times[self._at - 1 - spare]
            if last is not None and last + window.span_ns > now_ns:
                return False
        return True

    def free_at_ns(self, now_ns: int) -> int:
        """Return when the next placement may go: be quiet until then."""
        return max([self._free_at_ns(window, now_ns) for window in self._windows])

    def _free_at_ns(self, window: Window, now_ns: int) -> int:
        others = window.heard if now_ns < window.heard_until_ns else 0
        if others >= window.limit:
            return window.heard_until_ns
        last = self._times[self._at - window.limit + others]
        return now_ns if last is None else last + window.span_ns

    def used(self, now_ns: int) -> tuple[int, int]:
        """Return our placements of the last 10 seconds and of the last minute."""
        short, long = self._windows
        return self._used(short, now_ns), self._used(long, now_ns)

    def _used(self, window: Window, now_ns: int) -> int:
        since_ns = now_ns - window.span_ns
        newest = [self._times[self._at - back] for back in range(1, window.limit + 1)]
        return len([at for at in newest if at is not None and at > since_ns])

    def hear(self, orders_10s: int, orders_1m: int, now_ns: int) -> None:
        """Take note of the venue's own counts; what we did not place ourselves is others'."""
        counts = (orders_10s, orders_1m)
        for window, count, own in zip(self._windows, counts, self.used(now_ns), strict=True):
            window.heard = max(0, count - own)
            window.heard_until_ns = now_ns + window.span_ns
