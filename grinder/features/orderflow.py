"""Order flow imbalance: what was added to the bid and taken from the ask, and the reverse.

Cont, Kukanov, Stoikov (2014) for the best prices; Xu, Gould, Howison (2018) for more levels. The
increments are whole lots, added up change by change; the window moves sample by sample.
"""

from __future__ import annotations

from collections import deque

from grinder.features.rolling import RollingZ
from grinder.model.units import NS_PER_S

WINDOW_NS = 10 * NS_PER_S

Levels = tuple[tuple[int, int], ...]
"""(price ticks or key, quantity lots), best first."""


class FlowWindow:
    """The sum of increments over the last ten seconds, and its z-score."""

    __slots__ = ("_rows", "_sum", "_z")

    def __init__(self) -> None:
        self._rows: deque[tuple[int, int]] = deque()
        self._sum = 0
        self._z = RollingZ()

    def add(self, now_ns: int, increment: int) -> tuple[int, float | None]:
        """Take what came since the last sample, as of now; return the sum and its z-score.

        The window holds the increments of samples later than ten seconds ago.
        """
        rows = self._rows
        rows.append((now_ns, increment))
        self._sum += increment
        first_ns = now_ns - WINDOW_NS
        while rows[0][0] <= first_ns:
            self._sum -= rows.popleft()[1]
        return self._sum, self._z.add(self._sum)


def added(before: Levels, after: Levels) -> int:
    """Return what was added to one side in lots, less what was taken from it, level by level.

    Levels are (key, lots), and a smaller key is the better price. A level that is missing counts
    as an empty one behind all others.
    """
    flow = 0
    for (old_key, old_lots), (key, lots) in zip(before, after, strict=False):
        if key <= old_key:
            flow += lots
        if key >= old_key:
            flow -= old_lots
    shared = min(len(before), len(after))
    return flow + sum(lots for _, lots in after[shared:]) - sum(q for _, q in before[shared:])
