"""Everything computed of one symbol, tick by tick."""

from __future__ import annotations

from grinder.features.bars import Bar, BarBuilder
from grinder.features.microstructure import imbalance_bps
from grinder.features.volatility import AverageTrueRange
from grinder.features.window import OldestInWindow
from grinder.messages.features import FeaturesComputed
from grinder.messages.market import BookTicked
from grinder.model.settings import FeatureSettings
from grinder.model.units import BPS, NS_PER_MS


class FeatureState:
    """The features of one symbol.

    Bars and the move go by the venue's time of each tick, so a replay computes the same. A tick
    older than the forming bar changes neither, but its prices are still the ones reported.

    Beside that it keeps, with every tick, what the next sample needs of all ticks before it.
    """

    __slots__ = (
        "_ask",
        "_ask_lots",
        "_atr",
        "_bars",
        "_bid",
        "_bid_lots",
        "_window",
        "closed",
        "due_ns",
        "floor_ns",
        "ofi_lots",
        "symbol",
    )

    def __init__(self, symbol: str, settings: FeatureSettings) -> None:
        self.symbol = symbol
        self._bars = BarBuilder(settings.bar_interval_ms * NS_PER_MS)
        self._atr = AverageTrueRange(settings.atr_period)
        self._window = OldestInWindow(settings.move_window_ms * NS_PER_MS)
        self._bid = self._bid_lots = self._ask = self._ask_lots = 0
        self.ofi_lots = 0
        """Order flow imbalance of the best prices since it was last taken."""
        self.closed: list[Bar] = []
        """Bars completed since they were last taken."""
        self.floor_ns = 0
        """Ticks from here up to ``due_ns``, it not included, call for no sample."""
        self.due_ns = 0

    @property
    def bars(self) -> int:
        """Completed bars."""
        return self._bars.completed

    @property
    def late(self) -> int:
        """Ticks that came after their bar was over."""
        return self._bars.late

    @property
    def is_warm(self) -> bool:
        """True once every feature has the bars that it needs."""
        return self._atr.is_warm

    def update(self, tick: BookTicked) -> FeaturesComputed:
        """Take one change of the best prices; return the features after it."""
        bid_ticks, ask_ticks = tick.bid_ticks, tick.ask_ticks
        event_ns = tick.event_ns
        mid2 = bid_ticks + ask_ticks
        bar = self._bars.add(event_ns, mid2)
        if bar is not None:
            self._atr.add(bar)
            self.closed.append(bar)
        bid_lots, ask_lots = tick.bid_lots, tick.ask_lots
        last = self._bid
        if bid_ticks >= last:
            flow = bid_lots if bid_ticks > last else bid_lots - self._bid_lots
        else:
            flow = -self._bid_lots
        last = self._ask
        if ask_ticks <= last:
            flow -= ask_lots if ask_ticks < last else ask_lots - self._ask_lots
        else:
            flow += self._ask_lots
        self.ofi_lots += flow
        self._bid = bid_ticks
        self._bid_lots = bid_lots
        self._ask = ask_ticks
        self._ask_lots = ask_lots
        oldest2 = self._window.add(event_ns, mid2)
        move2 = mid2 - oldest2
        return FeaturesComputed(
            symbol=self.symbol,
            bid_ticks=bid_ticks,
            ask_ticks=ask_ticks,
            spread_bps=2 * BPS * (ask_ticks - bid_ticks) / mid2 if mid2 > 0 else 0.0,
            imbalance_bps=imbalance_bps(bid_lots, ask_lots),
            natr_bps=self._atr.natr_bps,
            move_bps=BPS * (move2 if move2 >= 0 else -move2) / oldest2 if oldest2 > 0 else 0.0,
            bars=self._bars.completed,
            is_warm=self._atr.is_warm,
            event_ns=event_ns,
            tick_ns=tick.received_ns,
        )
