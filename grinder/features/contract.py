"""What is peculiar to perpetual contracts: funding, open interest, forced closing."""

from __future__ import annotations

from grinder.features.rolling import Lag, SecondSums
from grinder.messages.market import LiquidationPrinted, MarketStatsChanged, MarkPriced
from grinder.model.order import Side
from grinder.model.units import NS_PER_S

FUNDINGS_A_YEAR = 3 * 365
DIRECTION_MIN = 0.0001
"""A funding rate within it has no direction."""
HOUR_NS = 3_600 * NS_PER_S
READING_NS = 10 * NS_PER_S
"""Least time between two readings of the open interest that are kept."""
SURGE_FACTOR = 5
"""A minute that has more than so many times the mean minute of the last hour is a surge. Until the
hour is full the mean is that of the time so far, so nothing is one in the first five minutes."""


class Funding:
    """The coming funding, as last heard."""

    __slots__ = ("_rate", "heard_ns")

    def __init__(self) -> None:
        self._rate = 0.0
        self.heard_ns = 0

    def add(self, mark: MarkPriced) -> None:
        """Take a mark price."""
        self._rate = float(mark.funding_rate)
        self.heard_ns = mark.event_ns

    def values(self) -> tuple[float | None, ...]:
        """Return the rate, the same for a year, and who receives: 1 when shorts do."""
        rate = self._rate
        direction = 0 if abs(rate) <= DIRECTION_MIN else 1 if rate > 0 else -1
        return rate, rate * FUNDINGS_A_YEAR, direction


class Stats:
    """Day's volume and open interest, as last read."""

    __slots__ = ("_hour", "_interest", "_kept_ns", "_volume", "heard_ns")

    def __init__(self) -> None:
        self._hour = Lag(HOUR_NS)
        self._volume = 0.0
        self._interest = 0.0
        self._kept_ns = 0
        self.heard_ns = 0

    @property
    def volume(self) -> float:
        """Quote units in the last 24 hours; 0 while unknown."""
        return self._volume

    def add(self, stats: MarketStatsChanged) -> None:
        """Take a reading."""
        self._volume = float(stats.volume_24h)
        self._interest = float(stats.open_interest)
        if stats.event_ns <= self.heard_ns:
            return
        self.heard_ns = stats.event_ns
        if stats.event_ns - self._kept_ns >= READING_NS:
            self._kept_ns = stats.event_ns
            self._hour.add((stats.event_ns, self._interest))

    def values(self, now_ns: int) -> tuple[float | None, ...]:
        """Return volume, open interest, and its change against an hour ago as a fraction."""
        then = self._hour.at(now_ns)
        return self._volume, self._interest, self._interest / then - 1.0 if then else None


class Liquidations:
    """What the venue closed by force, in quote units."""

    __slots__ = ("_began", "_notional_min", "_sums", "_unit")

    def __init__(self, unit: float, notional_min: float) -> None:
        self._unit = unit
        self._notional_min = notional_min
        self._sums = SecondSums((60, 3_600), 2)
        self._began = -1

    def begin(self, now_ns: int) -> None:
        """Note that from now on silence means that nobody was liquidated."""
        if self._began < 0:
            self._began = now_ns // NS_PER_S

    def add(self, printed: LiquidationPrinted) -> None:
        """Take one order."""
        self.begin(printed.event_ns)
        self._sums.roll(printed.event_ns // NS_PER_S)
        self._sums.open[0 if printed.side is Side.SELL else 1] += (
            printed.price_ticks * printed.qty_lots
        )

    def values(self, now_ns: int) -> tuple[float | None, ...]:
        """Return longs and shorts closed in a minute, their imbalance, and whether it surges.

        The imbalance is (longs - shorts) / (longs + shorts), 0 of nothing.
        """
        self.begin(now_ns)
        second = now_ns // NS_PER_S
        sums = self._sums
        sums.roll(second)
        longs, shorts = sums.sums(0)
        both = longs + shorts
        age_s = min(3_600, second - self._began + 1)
        mean = sum(sums.sums(1)) * 60 / age_s
        unit = self._unit
        is_surge = both > SURGE_FACTOR * mean and both * unit >= self._notional_min
        return (
            longs * unit,
            shorts * unit,
            (longs - shorts) / both if both else 0.0,
            float(is_surge),
        )
