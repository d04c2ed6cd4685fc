"""Features of the levels of a book.

Everything is counted in ticks and lots; bids and asks are (price, lots), best first.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import NamedTuple

from grinder.features.localbook import LocalBook
from grinder.features.orderflow import FlowWindow, Levels
from grinder.features.volatility import round_half_even
from grinder.model.units import BPS

IMPACT_SENTINEL_BPS = 500
"""Said when the levels do not hold the reference quantity; a flag says so besides."""
VAMP_LEVELS = 5
SLOPE_LEVELS = 10
WALL_LEVELS = 10
WALL_FACTOR = 3
"""A wall is larger than so many times the mean of the first ten levels, ..."""
WALL_NEAR_BPS = 50
"""... and no farther from the mid."""
WALL_NONE_BPS = 999.0
"""Said of the distance of a wall where there is none."""
WALL_SNAPSHOTS = 10
SMALL_NOTIONAL = 1_000
"""Quote units of the small reference order."""
WIDTH = 21
"""Features of the depth in the registry."""


class Impact(NamedTuple):
    """What it costs to trade at once."""

    bps: int
    """Mean price against the best one; 500 when the levels do not hold the quantity."""
    is_insufficient: bool


def impact(levels: Levels, lots: int) -> Impact:
    """Return the price of taking ``lots`` (above 0) from ``levels``, half to even."""
    left, cost = lots, 0
    for price, held in levels:
        taken = held if held < left else left
        cost += price * taken
        left -= taken
        if not left:
            best = levels[0][0] * lots
            return Impact(round_half_even(BPS * abs(cost - best), best), False)
    return Impact(IMPACT_SENTINEL_BPS, True)


def total(levels: Levels) -> int:
    """Return the lots of ``levels``."""
    return sum([lots for _, lots in levels])


def imbalance(bids: Levels, asks: Levels) -> float:
    """Return (bid lots - ask lots) / (bid lots + ask lots), in [-1, 1]; 0 of nothing."""
    bid, ask = total(bids), total(asks)
    return (bid - ask) / (bid + ask) if bid + ask else 0.0


def slope(levels: Levels) -> float | None:
    """Return the share of the best level in the first ten, in (0, 1]; None of nothing."""
    near = total(levels[:SLOPE_LEVELS])
    return levels[0][1] / near if near else None


def wall_x1000(levels: Levels) -> int:
    """Return 1,000 x largest level / median level, half to even; 1,000 below three levels."""
    sizes = sorted([lots for _, lots in levels])
    count = len(sizes)
    if count < 3:
        return 1_000
    half = count // 2
    median2 = 2 * sizes[half] if count % 2 else sizes[half - 1] + sizes[half]
    return round_half_even(2_000 * sizes[-1], median2) if median2 > 0 else 1_000


def wall_distance_bps(levels: Levels, mid2: int) -> float:
    """Return how far the nearest wall is from the mid; 999 when there is none."""
    near = levels[:WALL_LEVELS]
    count = len(near)
    limit = WALL_FACTOR * total(near)
    for price, lots in near:
        if lots * count > limit:
            away = BPS * abs(2 * price - mid2) / mid2
            return away if away <= WALL_NEAR_BPS else WALL_NONE_BPS
    return WALL_NONE_BPS


def vamp2(bids: Levels, asks: Levels) -> float | None:
    """Return twice the volume-adjusted mid of some levels; None when a side is empty.

    Each side's volume-weighted price, weighted by the other side's quantity.
    """
    bid, ask = total(bids), total(asks)
    if not bid or not ask:
        return None
    bid_worth = sum([price * lots for price, lots in bids])
    ask_worth = sum([price * lots for price, lots in asks])
    return 2.0 * (bid_worth / bid * ask + ask_worth / ask * bid) / (bid + ask)


class DepthFeatures:
    """What the registry lists of one symbol's depth, sample by sample."""

    __slots__ = ("_flow", "_levels", "_lot", "_notional", "_unit", "_walls")

    def __init__(self, tick: float, lot: float, levels: int, notional: float) -> None:
        self._lot = lot
        self._unit = tick * lot
        self._levels = levels
        self._notional = notional
        self._flow = FlowWindow()
        self._walls: deque[bool] = deque(maxlen=WALL_SNAPSHOTS)

    def values(self, now_ns: int, book: LocalBook) -> tuple[float | None, ...]:
        """Return them for the levels of ``book``; None when a side is empty or they cross."""
        bids, asks = book.bids.best(self._levels), book.asks.best(self._levels)
        flow_z = self._flow.add(now_ns, book.take_flow())[1]
        if not bids or not asks or bids[0][0] >= asks[0][0]:
            return (None,) * WIDTH
        mid2 = bids[0][0] + asks[0][0]
        near_bids, near_asks = bids[:VAMP_LEVELS], asks[:VAMP_LEVELS]
        vamp = vamp2(near_bids, near_asks)
        bid_lots, ask_lots = total(bids), total(asks)
        worth = sum([price * lots for price, lots in (*near_bids, *near_asks)])
        return (
            BPS * (vamp / mid2 - 1.0) if vamp is not None else None,
            flow_z,
            bid_lots * self._lot,
            ask_lots * self._lot,
            round_half_even(BPS * (bid_lots - ask_lots), bid_lots + ask_lots),
            imbalance(near_bids, near_asks),
            imbalance(bids[:10], asks[:10]),
            slope(bids),
            slope(asks),
            worth * self._unit,
            *self._impacts(bids, asks, mid2),
            *self._wall_values(bids, asks, mid2),
        )

    def _impacts(self, bids: Levels, asks: Levels, mid2: int) -> Sequence[float]:
        lots = self._lots(self._notional, mid2)
        small = self._lots(SMALL_NOTIONAL, mid2)
        buy, sell = impact(asks, lots), impact(bids, lots)
        small_buy, small_sell = impact(asks, small), impact(bids, small)
        best = BPS * 2 * (asks[0][0] - bids[0][0]) / mid2
        return (
            buy.bps,
            sell.bps,
            float(buy.is_insufficient),
            float(sell.is_insufficient),
            max(small_buy.bps, small_sell.bps),
            best + small_buy.bps + small_sell.bps,
        )

    def _lots(self, notional: float, mid2: int) -> int:
        """Return the lots worth ``notional`` quote units at the mid, at least one."""
        return max(1, round(2.0 * notional / (mid2 * self._unit)))

    def _wall_values(self, bids: Levels, asks: Levels, mid2: int) -> Sequence[float]:
        bid_bps, ask_bps = wall_distance_bps(bids, mid2), wall_distance_bps(asks, mid2)
        walls = self._walls
        walls.append(min(bid_bps, ask_bps) < WALL_NONE_BPS)
        return (
            wall_x1000(bids),
            wall_x1000(asks),
            bid_bps,
            ask_bps,
            sum(walls) / WALL_SNAPSHOTS,
        )
