"""What a shallow book does to a ladder before it ends entries: it stands wider, and no deeper."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping

import attrs

from grinder.model.grid import GridPlan
from grinder.policy.throttle import LEVELS_LEAST, spaced

PENALTY = "L2_PENALTY"
BEGINS_AT = 4
"""The penalty begins at this part of the impact that ends entries: 50 of 200 basis points."""
_GRADES = 10


class BookPenalty:
    """A factor on the step: 1 on a deep book, growing with the impact of a reference order.

    The worse side counts, and the worst of the last samples: it rises at once and falls late, so
    that an impact that comes and goes does not move orders. Depth that is not known costs nothing.
    """

    __slots__ = ("_begin", "_most", "_recent", "_threshold")

    def __init__(self, threshold_bps: int, most_pct: int, samples: int) -> None:
        """Begin on a deep book.

        Args:
            threshold_bps: impact at which the factor is greatest; 0 turns the penalty off.
            most_pct: the greatest factor, in hundredths; 100 turns it off.
            samples: how long what was seen counts, at least 1.
        """
        self._threshold = threshold_bps
        self._begin = threshold_bps / BEGINS_AT
        self._most = most_pct / 100
        self._recent: deque[float] = deque([0.0], maxlen=max(1, samples))

    def follow(self, features: Mapping[str, float]) -> float:
        """Take a sample; return the factor, from 1, in tenths."""
        if not self._threshold or self._most <= 1:
            return 1.0
        self._recent.append(max(self._share("buy", features), self._share("sell", features)))
        excess = (self._most - 1) * max(self._recent)
        return 1 + int(excess * _GRADES + 1e-9) / _GRADES

    def _share(self, side: str, features: Mapping[str, float]) -> float:
        """Return how much of the greatest penalty one side calls for, in [0, 1]."""
        if features.get(f"impact_{side}_insufficient"):
            return 1.0
        beyond = features.get(f"impact_{side}_bps", 0.0) - self._begin
        return max(0.0, min(1.0, beyond / (self._threshold - self._begin)))


def penalised(plan: GridPlan, factor: float, reach_max_bps: float) -> GridPlan:
    """Return ``plan`` with its step times ``factor``, and no level more than before.

    Levels beyond ``reach_max_bps`` go, or beyond where the outermost one stood if that is further;
    a side keeps two of them, if it had them.
    """
    if factor <= 1 or not plan.is_active:
        return plan
    widest = max(plan.levels_up, plan.levels_down) * plan.spacing_bps
    wider = spaced(plan, plan.spacing_bps * factor)
    most = max(LEVELS_LEAST, int(max(reach_max_bps, widest) / wider.spacing_bps))
    return _cut(wider, most)


def _cut(plan: GridPlan, most: int) -> GridPlan:
    up, down = min(plan.levels_up, most), min(plan.levels_down, most)
    return attrs.evolve(
        plan,
        levels_up=up,
        levels_down=down,
        width_bps=plan.spacing_bps * (up + down) / 2,
        reason_codes=(*plan.reason_codes, PENALTY),
    )
