"""What completed bars tell: returns, range, bars of a longer frame, bars of equal volume."""

from __future__ import annotations

from collections import deque

from grinder.features.bars import Bar
from grinder.features.rolling import RollingZ
from grinder.features.volatility import AverageTrueRange, round_half_even
from grinder.model.units import BPS

FRAME = 5
"""Bars in a bar of the longer frame."""
SCALE = 10**18
"""Returns are added up as whole parts of this, so that no rounding is left behind."""


class Returns:
    """Close-to-close returns of the last ``horizon`` bars, which need one bar more.

    All in basis points, half to even; None while there are fewer bars.
    """

    __slots__ = ("_closes2", "_moves", "_sum", "horizon")

    def __init__(self, horizon: int) -> None:
        if horizon < 1:
            raise ValueError(f"expected a horizon of at least 1, was {horizon}")
        self.horizon = horizon
        self._closes2: deque[int] = deque()
        self._moves: deque[int] = deque()
        self._sum = 0

    @property
    def is_warm(self) -> bool:
        """True once there are ``horizon`` returns."""
        return len(self._moves) == self.horizon

    def add(self, bar: Bar) -> None:
        """Take a completed bar."""
        closes2 = self._closes2
        if closes2:
            last2 = closes2[-1]
            move = abs(bar.close2 - last2) * SCALE // last2 if last2 > 0 else 0
            self._moves.append(move)
            self._sum += move
            if len(self._moves) > self.horizon:
                self._sum -= self._moves.popleft()
        closes2.append(bar.close2)
        if len(closes2) > self.horizon + 1:
            closes2.popleft()

    def values(self) -> tuple[float | None, ...]:
        """Return the sum of absolute returns, the net return's size, it with its sign, the score.

        The score is floor(sum / (net + 1)): high in a market that goes nowhere, low in a trend.
        """
        if not self.is_warm:
            return None, None, None, None
        total = round_half_even(BPS * self._sum, SCALE)
        first2 = self._closes2[0]
        signed = round_half_even(BPS * (self._closes2[-1] - first2), first2) if first2 > 0 else 0
        net = abs(signed)
        return total, net, signed, total // (net + 1)


class Roller:
    """Roll bars up to ``count`` of them, on borders that are a multiple of the longer interval."""

    __slots__ = ("_forming", "interval_ns")

    def __init__(self, interval_ns: int, count: int = FRAME) -> None:
        self.interval_ns = interval_ns * count
        self._forming: Bar | None = None

    def add(self, bar: Bar) -> Bar | None:
        """Take a completed bar; return the longer one that it shows to be complete."""
        start_ns = bar.start_ns - bar.start_ns % self.interval_ns
        forming = self._forming
        if forming is not None and forming.start_ns == start_ns:
            self._forming = Bar(
                start_ns,
                forming.open2,
                max(forming.high2, bar.high2),
                min(forming.low2, bar.low2),
                bar.close2,
                forming.ticks + bar.ticks,
            )
            return None
        self._forming = bar._replace(start_ns=start_ns)
        return forming


class BarTrack:
    """Everything that is known from one symbol's bars."""

    __slots__ = ("_atr", "_bar", "_long_atr", "_natr_z", "_returns", "_roller", "natr_z")

    def __init__(self, interval_ns: int, atr_period: int, horizon: int) -> None:
        self._atr = AverageTrueRange(atr_period)
        self._returns = Returns(horizon)
        self._roller = Roller(interval_ns)
        self._long_atr = AverageTrueRange(atr_period)
        self._natr_z = RollingZ()
        self.natr_z: float | None = None
        self._bar: Bar | None = None

    @property
    def is_warm(self) -> bool:
        """True once the features of the regime have the bars that they need."""
        return self._atr.is_warm and self._returns.is_warm

    def add(self, bar: Bar) -> None:
        """Take a completed bar."""
        self._bar = bar
        self._atr.add(bar)
        self._returns.add(bar)
        long_bar = self._roller.add(bar)
        if long_bar is not None:
            self._long_atr.add(long_bar)
        if self._atr.is_warm:
            self.natr_z = self._natr_z.add(self._atr.natr_bps)

    def values(self) -> tuple[float | None, ...]:
        """Return what the registry lists of bars, without the counts."""
        bar = self._bar
        return (
            self._atr.natr_bps if self._atr.is_warm else None,
            *self._returns.values(),
            self._long_atr.natr_bps if self._long_atr.is_warm else None,
            self.natr_z,
            BPS * (bar.high2 - bar.low2) / bar.close2 if bar is not None and bar.close2 else None,
        )


class VolumeBars:
    """Bars of equal traded worth instead of equal time, made of trades.

    The trade that fills a bar belongs to it whole and ends it.
    """

    __slots__ = ("_atr", "_high2", "_left", "_low2", "_open2", "_start_ns", "_trades", "completed")

    def __init__(self, period: int) -> None:
        self._atr = AverageTrueRange(period)
        self.completed = 0
        self._trades = 0
        self._left = 0
        self._start_ns = self._open2 = self._high2 = self._low2 = 0

    def add(self, ts_ns: int, price_ticks: int, notional: int, size: int) -> Bar | None:
        """Take a trade worth ``notional``; return the bar of ``size`` that it completes.

        Both are in ticks x lots. A bar keeps the size that it began with.
        """
        price2 = 2 * price_ticks
        if not self._trades:
            self._start_ns = ts_ns
            self._open2 = self._high2 = self._low2 = price2
            self._left = size
        elif price2 > self._high2:
            self._high2 = price2
        elif price2 < self._low2:
            self._low2 = price2
        self._trades += 1
        self._left -= notional
        if self._left > 0:
            return None
        bar = Bar(self._start_ns, self._open2, self._high2, self._low2, price2, self._trades)
        self._trades = 0
        self.completed += 1
        self._atr.add(bar)
        return bar

    def values(self) -> tuple[float | None, ...]:
        """Return how many are complete, and their normalised true range in basis points."""
        return self.completed, self._atr.natr_bps if self._atr.is_warm else None
