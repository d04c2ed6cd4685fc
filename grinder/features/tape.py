"""What trades tell: volume, who is the aggressor, and how much a trade moves the price.

Trade by trade everything is a whole number: quantities in lots, worth in ticks x lots.
"""

from __future__ import annotations

from collections import deque
from decimal import Decimal

from grinder.features.bars import Bar
from grinder.features.bartrack import VolumeBars
from grinder.features.rolling import RollingFit, SecondSums
from grinder.messages.market import TradePrinted
from grinder.model.units import BPS, NS_PER_S

SPANS_S = (60, 300, 3_600)
MILLION = 1e6
RATIO_MIN_S = 300
"""Seconds of trades without which there is no mean volume of a minute."""
RATIO_MAX = 20.0
VPIN_BUCKETS = 50
"""n of Easley, Lopez de Prado and O'Hara (2012)."""
KYLE_WINDOW = 300
KYLE_MIN = 30
AMIHUD_BARS = 60
AMIHUD_MIN = 10
AMIHUD_NOTIONAL_MIN = 1_000
"""A bar in which less changed hands, in quote units, says nothing."""
WIDTH = 13
"""Features of trades in the registry."""


class Vpin:
    """Volume-synchronised probability of informed trading.

    The tape is cut into buckets of equal worth; a trade over a border is split. The sum of
    |bought - sold| over the last 50 buckets, over the sum of their sizes (Easley, Lopez de Prado,
    O'Hara 2012). The size of a bucket is the one in force when it begins.
    """

    __slots__ = ("_buckets", "_imbalances", "_left", "_signed", "_size", "_sizes")

    def __init__(self) -> None:
        self._buckets: deque[tuple[int, int]] = deque()
        self._imbalances = 0
        self._sizes = 0
        self._size = 0
        self._left = 0
        self._signed = 0

    def add(self, signed: int, size: int) -> None:
        """Take a trade's worth, above 0 when the aggressor bought; buckets begin with ``size``."""
        rest = signed if signed > 0 else -signed
        if rest < self._left:
            self._left -= rest
            self._signed += signed
            return
        if size <= 0:
            return
        sign = 1 if signed > 0 else -1
        if self._size:
            rest -= self._left
            self._close(abs(self._signed + sign * self._left), self._size)
        full, rest = divmod(rest, size)
        for _ in range(min(full, VPIN_BUCKETS)):
            self._close(size, size)
        # A border without a rest begins no bucket: the next trade does, with the size of then.
        self._size = size if rest else 0
        self._left = size - rest if rest else 0
        self._signed = sign * rest

    def _close(self, imbalance: int, size: int) -> None:
        self._buckets.append((imbalance, size))
        self._imbalances += imbalance
        self._sizes += size
        if len(self._buckets) > VPIN_BUCKETS:
            imbalance, size = self._buckets.popleft()
            self._imbalances -= imbalance
            self._sizes -= size

    def value(self) -> float | None:
        """Return it, in [0, 1]; None before 50 buckets."""
        return self._imbalances / self._sizes if len(self._buckets) == VPIN_BUCKETS else None


class Amihud:
    """Illiquidity: mean of |return of a bar| / its volume in quote units, times a million.

    Amihud (2002), on bars instead of days. The volume of a bar is that of the trades of its time.
    """

    __slots__ = ("_close2", "_interval_ns", "_ratios", "_volumes", "late")

    def __init__(self, interval_ns: int) -> None:
        self._interval_ns = interval_ns
        self._volumes: deque[list[int]] = deque()
        self._close2 = 0
        self._ratios: deque[float] = deque(maxlen=AMIHUD_BARS)
        self.late = 0
        """Trades left out because a later bar had begun."""

    def add(self, ts_ns: int, notional: int) -> None:
        """Take a trade, worth ticks x lots."""
        start_ns = ts_ns - ts_ns % self._interval_ns
        volumes = self._volumes
        if volumes and volumes[-1][0] >= start_ns:
            if volumes[-1][0] > start_ns:
                self.late += 1
            else:
                volumes[-1][1] += notional
            return
        volumes.append([start_ns, notional])
        if len(volumes) > AMIHUD_BARS:
            volumes.popleft()

    def close(self, bar: Bar, unit: float) -> None:
        """Take a completed bar; a tick x lot is worth ``unit`` quote units."""
        volumes = self._volumes
        while volumes and volumes[0][0] < bar.start_ns:
            volumes.popleft()
        quote = 0.0
        if volumes and volumes[0][0] == bar.start_ns:
            quote = volumes.popleft()[1] * unit
        if self._close2 > 0 and quote >= AMIHUD_NOTIONAL_MIN:
            self._ratios.append(MILLION * abs(bar.close2 / self._close2 - 1.0) / quote)
        self._close2 = bar.close2

    def value(self) -> float | None:
        """Return it, at least 0, in parts per million quote units; None before ten bars."""
        ratios = self._ratios
        return sum(ratios) / len(ratios) if len(ratios) >= AMIHUD_MIN else None


class Kyle:
    """Price impact: least squares of the mid's change on signed volume, sample by sample.

    In basis points for a million quote units bought (Kyle 1985; rolling regression).
    """

    __slots__ = ("_fit", "_mid2", "_signed")

    def __init__(self) -> None:
        self._fit = RollingFit(KYLE_WINDOW)
        self._mid2 = 0
        self._signed = 0

    def value(self, mid2: int, signed: int, unit: float) -> float | None:
        """Take the mid and the running sum of signed worth; return the slope."""
        if self._mid2 > 0:
            flow = (signed - self._signed) * unit / MILLION
            self._fit.add(flow, BPS * (mid2 / self._mid2 - 1.0))
        self._mid2 = mid2
        self._signed = signed
        return self._fit.slope() if len(self._fit) >= KYLE_MIN else None


class Tape:
    """Everything that is known from one symbol's trades."""

    __slots__ = (
        "_first_second",
        "_kyle",
        "_lot",
        "_sums",
        "_unit",
        "amihud",
        "bar_size",
        "bucket_size",
        "cvd_lots",
        "signed",
        "volume_bars",
        "vpin",
    )

    def __init__(self, tick: Decimal, lot: Decimal, interval_ns: int, atr_period: int) -> None:
        self._lot = float(lot)
        self._unit = float(tick * lot)
        self._sums = SecondSums(SPANS_S, 3)
        self._first_second = -1
        self._kyle = Kyle()
        self.amihud = Amihud(interval_ns)
        self.vpin = Vpin()
        self.volume_bars = VolumeBars(atr_period)
        self.bucket_size = 0
        """Worth of a bucket in ticks x lots; 0 while nobody knows."""
        self.bar_size = 0
        """Worth of a bar of equal volume; 0: none are made."""
        self.cvd_lots = 0
        self.signed = 0
        """Bought minus sold since the start, in ticks x lots."""

    def add(self, trade: TradePrinted) -> None:
        """Take a trade."""
        ts_ns, price, lots = trade.event_ns, trade.price_ticks, trade.qty_lots
        notional = price * lots
        is_sold = trade.buyer_is_maker
        second = ts_ns // NS_PER_S
        sums = self._sums
        if second > sums.second:
            if self._first_second < 0:
                self._first_second = second
            sums.roll(second)
        current = sums.open
        current[0] += notional
        current[1] += -lots if is_sold else lots
        current[2] += 1
        self.cvd_lots += -lots if is_sold else lots
        signed = -notional if is_sold else notional
        self.signed += signed
        self.vpin.add(signed, self.bucket_size)
        self.amihud.add(ts_ns, notional)
        if self.bar_size:
            self.volume_bars.add(ts_ns, price, notional, self.bar_size)

    def values(self, now_ns: int, mid2: int, ret_5m: float | None) -> tuple[float | None, ...]:
        """Return what the registry lists of the tape, at the venue's time ``now_ns``."""
        second = now_ns // NS_PER_S
        sums, unit = self._sums, self._unit
        kyle = self._kyle.value(mid2, self.signed, unit)
        if self._first_second < 0:
            return (None,) * WIDTH
        sums.roll(second)
        heard_s = max(second, sums.second) - self._first_second + 1
        minute, five, hour = sums.sums(0), sums.sums(1), sums.sums(2)
        is_minute = heard_s >= 60
        change_5m = five[1] * self._lot if heard_s >= 300 else None
        ratio = None
        if heard_s >= RATIO_MIN_S and hour[0]:
            mean = hour[0] * 60 / min(heard_s, 3_600)
            ratio = min(RATIO_MAX, minute[0] / mean)
        return (
            self.cvd_lots * self._lot,
            minute[1] * self._lot if is_minute else None,
            change_5m,
            None if change_5m is None or ret_5m is None else float(change_5m * ret_5m < 0),
            self.vpin.value(),
            kyle,
            self.amihud.value(),
            minute[0] * unit if is_minute else None,
            hour[0] * unit if heard_s >= 3_600 else None,
            ratio,
            minute[2] if is_minute else None,
            *self.volume_bars.values(),
        )
