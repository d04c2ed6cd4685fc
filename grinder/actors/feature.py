"""FeatureActor: checked market events in, features out."""

from __future__ import annotations

from collections.abc import Mapping

from grinder.features.sampler import Sampler
from grinder.features.vector import FeatureState
from grinder.kernel.actor import Actor
from grinder.messages.market import (
    BookTicked,
    DepthChanged,
    DepthSynced,
    FeedHealthChanged,
    LiquidationPrinted,
    MarketStatsChanged,
    MarkPriced,
    StreamKind,
    TradePrinted,
)
from grinder.model.instrument import Instrument
from grinder.model.settings import FeatureSettings
from grinder.model.strategy import ToxicitySettings
from grinder.model.units import NS_PER_MS, NS_PER_S

LATE_NS = 10 * NS_PER_S
"""A tick is late when it is so much older than the interval of the last sample."""
LATE_RUN = 100
"""So many late ticks in a row: the venue's clock went back, and sampling begins anew there."""


class FeatureActor(Actor):
    """Turn what is heard of each symbol's market into features.

    Hears BookTicked, TradePrinted, DepthSynced, DepthChanged, MarkPriced, LiquidationPrinted,
    MarketStatsChanged, FeedHealthChanged. Says FeaturesComputed with each change of the best
    prices, and FeaturesSampled with the first one in each sample interval of the venue's time.
    Restart: features begin anew and say themselves that they are not warm.
    """

    def __init__(
        self,
        settings: FeatureSettings,
        toxicity: ToxicitySettings,
        instruments: Mapping[str, Instrument],
    ) -> None:
        self._settings = settings
        self._toxicity = toxicity
        self._instruments = instruments
        self._step_ns = settings.sample_ms * NS_PER_MS
        self._states = {symbol: FeatureState(symbol, settings) for symbol in instruments}
        self._samplers = {symbol: self._sampler(symbol) for symbol in instruments}
        self._late = dict.fromkeys(instruments, 0)
        self._follow()

    def _sampler(self, symbol: str) -> Sampler:
        return Sampler(self._instruments[symbol], self._settings, self._toxicity)

    def _follow(self) -> None:
        leading = self._samplers.get(self._settings.benchmark)
        for sampler in self._samplers.values():
            sampler.follow(leading)

    def on_book_ticked(self, tick: BookTicked) -> None:
        """Compute and say; sample when it is time."""
        state = self._states[tick.symbol]
        self.say(state.update(tick))
        if not state.floor_ns <= tick.event_ns < state.due_ns:
            self._sample(tick, state)

    def _sample(self, tick: BookTicked, state: FeatureState) -> None:
        symbol, now_ns = tick.symbol, tick.event_ns
        if tick.bid_ticks <= 0:
            return
        if now_ns < state.floor_ns:
            self._late[symbol] += 1
            if self._late[symbol] < LATE_RUN:
                return
            stale = self._samplers[symbol].stale
            self._samplers[symbol] = self._sampler(symbol)
            self._samplers[symbol].stale = stale
            self._follow()
        self._late[symbol] = 0
        start_ns = now_ns - now_ns % self._step_ns
        state.due_ns = start_ns + self._step_ns
        state.floor_ns = start_ns - LATE_NS
        self.say(self._samplers[symbol].sample(tick, state))

    def on_trade_printed(self, trade: TradePrinted) -> None:
        """Take a trade."""
        self._samplers[trade.symbol].tape.add(trade)

    def on_depth_synced(self, synced: DepthSynced) -> None:
        """Begin the book anew."""
        self._samplers[synced.symbol].book.sync(synced)

    def on_depth_changed(self, changed: DepthChanged) -> None:
        """Go on with the book."""
        self._samplers[changed.symbol].book.change(changed)

    def on_mark_priced(self, mark: MarkPriced) -> None:
        """Take the coming funding."""
        self._samplers[mark.symbol].funding.add(mark)

    def on_liquidation_printed(self, printed: LiquidationPrinted) -> None:
        """Take a position closed by force."""
        self._samplers[printed.symbol].liquidations.add(printed)

    def on_market_stats_changed(self, stats: MarketStatsChanged) -> None:
        """Take day's volume and open interest; buckets of trades follow the volume."""
        sampler = self._samplers[stats.symbol]
        sampler.stats.add(stats)
        sampler.size_buckets()

    def on_feed_health_changed(self, health: FeedHealthChanged) -> None:
        """Know from now on, or no longer, what a stream feeds."""
        sampler = self._samplers[health.symbol]
        if health.is_stale:
            sampler.stale.add(health.stream)
        else:
            sampler.stale.discard(health.stream)
        if health.stream is StreamKind.BOOK_TICKER:
            sampler.is_flow_broken = True
