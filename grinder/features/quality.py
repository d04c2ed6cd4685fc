"""What market data that arrived in order may still be: late, silent, or not to be believed.

Everything here is kept for one stream of one symbol, so that symbols do not look like jumps of each
other; counts are of a stream, over all its symbols. Whole numbers only: this runs with every frame.
"""

from __future__ import annotations

from grinder.messages.market import Flaw, StreamKind, StreamQuality, TradePrinted
from grinder.model.settings import FeedSettings
from grinder.model.units import NS_PER_MS, NS_PER_S

GAP_NS = 500 * NS_PER_MS
"""The shortest silence that counts."""
GAP_LONG_NS = 2_000 * NS_PER_MS
GAP_LONGEST_NS = 5_000 * NS_PER_MS
FUTURE_NS = NS_PER_S
"""A trade that is said to have happened later than this from now on is not believed."""
OLD_NS = 60 * NS_PER_S
"""Nor one that is said to have happened longer ago than this."""
BPS = 10_000

_NOWHERE = (1, 0)
"""Bounds that nothing lies within."""

TRADE_FLAWS = (
    Flaw.INVALID_PRICE,
    Flaw.INVALID_QUANTITY,
    Flaw.FUTURE_TIMESTAMP,
    Flaw.STALE_TIMESTAMP,
)
FLAWS_OF: dict[StreamKind, tuple[Flaw, ...]] = {
    StreamKind.BOOK_TICKER: (Flaw.PRICE, Flaw.BAD_TICK),
    StreamKind.AGG_TRADE: (Flaw.PRICE, *TRADE_FLAWS),
    StreamKind.DEPTH: (),
}
"""What can be found in each kind that is watched; the others come at a pace of their own."""


class QualityCounts:
    """What was found in one kind of data."""

    __slots__ = ("_gaps", "flaws", "stream")

    def __init__(self, stream: StreamKind) -> None:
        self.stream = stream
        self._gaps = [0, 0, 0]
        self.flaws: dict[Flaw, int] = dict.fromkeys(FLAWS_OF[stream], 0)

    def note_gap(self, heard_ns: int, now_ns: int) -> None:
        """Count the silence of one symbol since ``heard_ns``; 0: it has not been heard before.

        Less than ``GAP_NS`` is none, and neither is what would be negative.
        """
        gap_ns = now_ns - heard_ns if heard_ns else 0
        if gap_ns >= GAP_LONGEST_NS:
            self._gaps[2] += 1
        elif gap_ns >= GAP_LONG_NS:
            self._gaps[1] += 1
        elif gap_ns >= GAP_NS:
            self._gaps[0] += 1

    def report(self) -> StreamQuality:
        """Return the counts so far."""
        short, long, longest = self._gaps
        return StreamQuality(
            stream=self.stream,
            gaps=(short, long, longest),
            flaws=tuple((flaw.value, count) for flaw, count in self.flaws.items()),
        )


class PriceGuard:
    """Believe the best prices of one symbol while they move, and a jump once it is confirmed.

    Prices are sums of bid and ask in ticks. The last one believed is the reference. A price further
    from it than the limit is held back, and so are those near it, until there are enough of them in
    a row; a price near the reference shows that what was held back was a bad tick.
    """

    __slots__ = (
        "_confirmations",
        "_counts",
        "_held2",
        "_high2",
        "_jump_bps",
        "_low2",
        "_outlier_bps",
        "_quarter_bps",
        "_seen",
        "mid2",
    )

    def __init__(
        self, outlier_bps: int, jump_bps: int, confirmations: int, counts: QualityCounts
    ) -> None:
        self._outlier_bps = outlier_bps
        self._jump_bps = jump_bps
        self._quarter_bps = min(outlier_bps, jump_bps) // 4
        self._confirmations = confirmations
        self._counts = counts
        self._held2 = 0
        self._seen = 0
        self.mid2 = 0
        """The last price that was believed; 0 before the first."""
        self._low2, self._high2 = _NOWHERE
        # No two prices within these are a jump apart: the usual one costs two comparisons.

    def passes(self, mid2: int) -> bool:
        """Return whether a price is to be believed now."""
        if self._low2 <= mid2 <= self._high2:
            self.mid2 = mid2
            return True
        return self._judged(mid2)

    def _judged(self, mid2: int) -> bool:
        known2, flaws = self.mid2, self._counts.flaws
        is_near = not _is_jump(known2, mid2, self._jump_bps)
        if self._held2 and not is_near and not _is_jump(self._held2, mid2, self._jump_bps):
            self._seen += 1
            self._held2 = mid2
            if self._seen < self._confirmations:
                return False
            return self._believe(mid2)
        flaws[Flaw.BAD_TICK] += self._seen
        self._seen = 0
        # The way back from a bad tick is no jump; one to a third place is.
        flaws[Flaw.PRICE] += _is_jump(known2, mid2, self._outlier_bps)
        if is_near or self._confirmations <= 1:
            return self._believe(mid2)
        self._held2 = mid2
        self._seen = 1
        self._low2, self._high2 = _NOWHERE
        return False

    def _believe(self, mid2: int) -> bool:
        self.mid2 = mid2
        self._held2 = self._seen = 0
        reach2 = mid2 * self._quarter_bps // BPS
        self._low2, self._high2 = mid2 - reach2, mid2 + reach2
        return True


class TradeGuard:
    """Let the trades of one symbol through that can have happened."""

    __slots__ = ("_counts", "_outlier_bps", "_price")

    def __init__(self, outlier_bps: int, counts: QualityCounts) -> None:
        self._outlier_bps = outlier_bps
        self._counts = counts
        self._price = 0

    def passes(self, trade: TradePrinted, earliest_ns: int, latest_ns: int) -> bool:
        """Return whether a trade is to be believed; a jump of the price is only counted.

        Args:
            trade: the next one of the symbol.
            earliest_ns: what time it may be at the venue, at the earliest.
            latest_ns: the same, at the latest.
        """
        price, flaws = trade.price_ticks, self._counts.flaws
        if price <= 0:
            flaws[Flaw.INVALID_PRICE] += 1
        elif trade.qty_lots <= 0:
            flaws[Flaw.INVALID_QUANTITY] += 1
        elif trade.event_ns > latest_ns + FUTURE_NS:
            flaws[Flaw.FUTURE_TIMESTAMP] += 1
        elif trade.event_ns < earliest_ns - OLD_NS:
            flaws[Flaw.STALE_TIMESTAMP] += 1
        else:
            flaws[Flaw.PRICE] += _is_jump(self._price, price, self._outlier_bps)
            self._price = price
            return True
        return False


class Quality:
    """What is watched, and what was found, over all streams and symbols."""

    def __init__(self, settings: FeedSettings, symbols: tuple[str, ...]) -> None:
        self.book = QualityCounts(StreamKind.BOOK_TICKER)
        self.trade = QualityCounts(StreamKind.AGG_TRADE)
        self.depth = QualityCounts(StreamKind.DEPTH)
        self._counts = {each.stream: each for each in (self.book, self.trade, self.depth)}
        self.books = {
            symbol: PriceGuard(
                settings.outlier_bps, settings.held_jump_bps, settings.jump_confirmations, self.book
            )
            for symbol in symbols
        }
        """Guard of the best prices, by symbol."""
        self.trades = {symbol: TradeGuard(settings.outlier_bps, self.trade) for symbol in symbols}
        """Guard of the trades, by symbol."""

    def reports(self, kinds: tuple[StreamKind, ...]) -> tuple[StreamQuality, ...]:
        """Return the counts of those of ``kinds`` that are watched."""
        return tuple(self._counts[kind].report() for kind in kinds if kind in self._counts)


def _is_jump(known: int, price: int, limit_bps: int) -> bool:
    return known > 0 and abs(price - known) * BPS > limit_bps * known
