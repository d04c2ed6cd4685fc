"""The textbook's definitions, computed from everything that was heard, without any economy."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise

from features.market import INSTRUMENT
from grinder.features.bars import Bar
from grinder.kernel.message import Message
from grinder.messages.market import BookTicked, DepthChanged, DepthSynced, TradePrinted
from grinder.model.units import NS_PER_S

TICK = float(INSTRUMENT.tick)
LOT = float(INSTRUMENT.lot)
UNIT = TICK * LOT
Levels = list[tuple[int, int]]


def zscore(values: Sequence[float], window: int = 300, minimum: int = 30) -> float | None:
    """Z-score of the last value among the last ``window``."""
    last = values[-window:]
    if len(last) < minimum:
        return None
    deviation = statistics.pstdev(last)
    if deviation < 1e-10:
        return 0.0
    return max(-5.0, min(5.0, (last[-1] - statistics.fmean(last)) / (deviation + 1e-8)))


def bars_of(ticks: Sequence[BookTicked], interval_ns: int) -> list[Bar]:
    """Completed bars of the mids, late ticks left out."""
    buckets: dict[int, list[int]] = {}
    for tick in ticks:
        start = tick.event_ns // interval_ns * interval_ns
        if not buckets or start >= max(buckets):
            buckets.setdefault(start, []).append(tick.bid_ticks + tick.ask_ticks)
    return [
        Bar(start, mids[0], max(mids), min(mids), mids[-1], len(mids))
        for start, mids in sorted(buckets.items())[:-1]
    ]


def rolled(bars: Sequence[Bar], interval_ns: int) -> list[Bar]:
    """Bars of a longer interval that are complete."""
    groups: dict[int, list[Bar]] = {}
    for bar in bars:
        groups.setdefault(bar.start_ns // interval_ns * interval_ns, []).append(bar)
    return [
        Bar(
            start,
            group[0].open2,
            max(bar.high2 for bar in group),
            min(bar.low2 for bar in group),
            group[-1].close2,
            sum(bar.ticks for bar in group),
        )
        for start, group in sorted(groups.items())[:-1]
    ]


def natr(bars: Sequence[Bar], period: int) -> int | None:
    """Mean true range over the last close, in basis points."""
    if len(bars) <= period:
        return None
    ranges = [
        max(b.high2 - b.low2, abs(b.high2 - a.close2), abs(b.low2 - a.close2))
        for a, b in pairwise(bars)
    ]
    return round(Fraction(10_000 * sum(ranges[-period:]), period * bars[-1].close2))


def returns(bars: Sequence[Bar], horizon: int) -> tuple[float | None, ...]:
    """Sum of absolute returns, net return without and with its sign, range score."""
    if len(bars) <= horizon:
        return (None,) * 4
    closes = [Fraction(bar.close2) for bar in bars[-horizon - 1 :]]
    total = round(10_000 * sum(abs(b / a - 1) for a, b in pairwise(closes)))
    signed = round(10_000 * (closes[-1] / closes[0] - 1))
    return total, abs(signed), signed, total // (abs(signed) + 1)


def flow(ticks: Sequence[BookTicked]) -> list[int]:
    """Order flow imbalance of each change against the one before, by Cont's indicators."""
    return [
        (b.bid_ticks >= a.bid_ticks) * b.bid_lots
        - (b.bid_ticks <= a.bid_ticks) * a.bid_lots
        - (b.ask_ticks <= a.ask_ticks) * b.ask_lots
        + (b.ask_ticks >= a.ask_ticks) * a.ask_lots
        for a, b in pairwise(ticks)
    ]


def window(trades: Sequence[TradePrinted], now_ns: int, span_s: int) -> list[TradePrinted]:
    """Trades of the current second and those of the span before it."""
    first = now_ns // NS_PER_S - span_s
    return [one for one in trades if one.event_ns // NS_PER_S > first]


def signed_lots(trades: Sequence[TradePrinted]) -> int:
    return sum(-one.qty_lots if one.buyer_is_maker else one.qty_lots for one in trades)


def worth(trades: Sequence[TradePrinted]) -> float:
    return sum(one.price_ticks * one.qty_lots for one in trades) * UNIT


def vpin(trades: Sequence[tuple[int, bool]], size: int, buckets: int = 50) -> float | None:
    """VPIN of (worth, whether sold), unit by unit of the tape."""
    bought, sold, filled = 0, 0, list[int]()
    for amount, is_sold in trades:
        left = amount
        while left:
            part = min(left, size - bought - sold)
            left -= part
            bought, sold = (bought, sold + part) if is_sold else (bought + part, sold)
            if bought + sold == size:
                filled.append(abs(bought - sold))
                bought = sold = 0
    return sum(filled[-buckets:]) / (buckets * size) if len(filled) >= buckets else None


def amihud(bars: Sequence[Bar], trades: Sequence[TradePrinted], interval_ns: int) -> float | None:
    """Mean of |return| / volume x a million over the last sixty bars that count."""
    ratios = []
    for before, bar in pairwise(bars):
        of_bar = [
            one for one in trades if one.event_ns // interval_ns * interval_ns == bar.start_ns
        ]
        if worth(of_bar) >= 1_000:
            ratios.append(1e6 * abs(bar.close2 / before.close2 - 1) / worth(of_bar))
    return statistics.fmean(ratios[-60:]) if len(ratios) >= 10 else None


def slope(x: Sequence[float], y: Sequence[float]) -> float | None:
    """Slope of the least squares of y on x; None when all x are the same."""
    if len(set(x)) < 2:
        return None
    return statistics.linear_regression(x, y).slope


def then(rows: Sequence[tuple[int, float]], now_ns: int, span_ns: int) -> float | None:
    """Last value at or before ``span_ns`` ago."""
    old = [value for at_ns, value in rows if at_ns <= now_ns - span_ns]
    return old[-1] if old else None


def book_of(events: Sequence[Message]) -> tuple[Levels, Levels]:
    """Both sides, best first, after a snapshot and changes."""
    bids, asks = dict[int, int](), dict[int, int]()
    for event in events:
        if isinstance(event, DepthSynced):
            bids, asks = {}, {}
        if isinstance(event, (DepthSynced, DepthChanged)):
            bids.update(event.bids)
            asks.update(event.asks)
    return (
        sorted(((price, lots) for price, lots in bids.items() if lots), reverse=True),
        sorted((price, lots) for price, lots in asks.items() if lots),
    )


def depth(bids: Levels, asks: Levels, levels: int) -> dict[str, float]:
    """What is told of a book's levels, but for flow and impact."""
    bids, asks = bids[:levels], asks[:levels]
    mid = (bids[0][0] + asks[0][0]) / 2

    def lots(side: Levels) -> int:
        return sum(amount for _, amount in side)

    def mean(side: Levels) -> float:
        return sum(price * amount for price, amount in side) / lots(side)

    def ratio(count: int) -> float:
        bid, ask = lots(bids[:count]), lots(asks[:count])
        return (bid - ask) / (bid + ask)

    def wall(side: Levels) -> int:
        sizes = [Fraction(amount) for _, amount in side]
        return round(1_000 * max(sizes) / statistics.median(sizes)) if len(sizes) > 2 else 1_000

    def distance(side: Levels) -> float:
        near = side[:10]
        limit = 3 * statistics.fmean(amount for _, amount in near)
        away = [10_000 * abs(price / mid - 1) for price, amount in near if amount > limit]
        return min([one for one in away if one <= 50], default=999.0)

    bid5, ask5 = bids[:5], asks[:5]
    qb, qa = lots(bid5), lots(ask5)
    vamp = (mean(bid5) * qa + mean(ask5) * qb) / (qa + qb)
    return {
        "vamp_dev_bps": 10_000 * (vamp / mid - 1),
        "depth_bid_qty": lots(bids) * LOT,
        "depth_ask_qty": lots(asks) * LOT,
        "depth_imbalance_bps": round(
            Fraction(10_000 * (lots(bids) - lots(asks)), lots(bids) + lots(asks))
        ),
        "depth_imb_5": ratio(5),
        "depth_imb_10": ratio(10),
        "depth_slope_bid": bids[0][1] / lots(bids[:10]),
        "depth_slope_ask": asks[0][1] / lots(asks[:10]),
        "depth_top5_usd": sum(price * amount for price, amount in bid5 + ask5) * UNIT,
        "wall_bid_x1000": wall(bids),
        "wall_ask_x1000": wall(asks),
        "wall_bid_dist_bps": distance(bids),
        "wall_ask_dist_bps": distance(asks),
    }


def impact(levels: Levels, lots: int) -> tuple[int, bool]:
    """Price of taking ``lots``, and whether they are not there."""
    units = [price for price, amount in levels for _ in range(min(amount, lots))][:lots]
    if len(units) < lots:
        return 500, True
    vwap = Fraction(sum(units), lots)
    best = levels[0][0]
    return round(10_000 * abs(vwap - best) / best), False


def log_slope(rows: Sequence[tuple[int, float]], now_ns: int) -> float | None:
    """Slope of the log mid on minutes over the last five of them."""
    near = [(at_ns, mid) for at_ns, mid in rows if at_ns >= now_ns - 300 * NS_PER_S]
    if len(near) < 30:
        return None
    minutes = [(at_ns - near[0][0]) / NS_PER_S / 60 for at_ns, _ in near]
    return slope(minutes, [math.log(mid / near[0][1]) for _, mid in near])
