"""Every feature of one symbol, put together once in each sample interval of the venue's time."""

from __future__ import annotations

from decimal import Decimal

from grinder.features.bartrack import BarTrack
from grinder.features.benchmark import Beta, Moves
from grinder.features.contract import Funding, Liquidations, Stats
from grinder.features.depth import WIDTH as DEPTH_WIDTH
from grinder.features.depth import DepthFeatures
from grinder.features.localbook import LocalBook
from grinder.features.microstructure import imbalance_bps
from grinder.features.orderflow import FlowWindow
from grinder.features.pricehistory import PriceHistory
from grinder.features.rolling import RollingZ
from grinder.features.tape import WIDTH as TAPE_WIDTH
from grinder.features.tape import Tape
from grinder.features.toxicity import Composite, Measures
from grinder.features.vector import FeatureState
from grinder.messages.features import FeaturesSampled
from grinder.messages.market import BookTicked, StreamKind
from grinder.model.instrument import Instrument
from grinder.model.settings import FeatureSettings
from grinder.model.strategy import ToxicitySettings
from grinder.model.units import BPS, NS_PER_MS, NS_PER_S

MICROPRICE_MAX_BPS = 100.0
DEPTH_AGE_NS = 3 * NS_PER_S
FUNDING_AGE_NS = 300 * NS_PER_S
STATS_AGE_NS = 600 * NS_PER_S
LEADING_AGE_NS = 5 * NS_PER_S
BUCKET_LEAST = Decimal(10_000)
"""Least worth of a bucket of trades in quote units, unless it is set."""
SPREADS_MAX = 36_000

Values = tuple[float | None, ...]


class Sampler:
    """Everything about one symbol that is not computed with every tick.

    Rooms for the streams are fed as their events come. ``sample`` reads them all; what a stream
    that is stale or too old feeds is unknown then.
    """

    def __init__(
        self,
        instrument: Instrument,
        settings: FeatureSettings,
        toxicity: ToxicitySettings,
    ) -> None:
        self._instrument = instrument
        self._settings = settings
        self._leading: Sampler | None = None
        self._tick = float(instrument.tick)
        self._lot = float(instrument.lot)
        self._unit = float(instrument.tick * instrument.lot)
        interval_ns = settings.bar_interval_ms * NS_PER_MS
        self._spread_z = RollingZ()
        self._flow = FlowWindow()
        self._bars = BarTrack(interval_ns, settings.atr_period, settings.range_horizon)
        self.moves = Moves()
        self.history = PriceHistory()
        self.tape = Tape(instrument.tick, instrument.lot, interval_ns, settings.atr_period)
        self.tape.bar_size = self._worth(settings.bar_volume)
        self.book = LocalBook()
        self._depth = DepthFeatures(
            self._tick, self._lot, settings.depth_levels, float(settings.reference_notional)
        )
        self.stats = Stats()
        self.funding = Funding()
        self.liquidations = Liquidations(self._unit, float(settings.surge_min_notional))
        self._beta = Beta()
        spreads = 3_600_000 // settings.sample_ms
        self._composite = Composite(toxicity, max(30, min(SPREADS_MAX, spreads)))
        self.stale: set[StreamKind] = set()
        """Streams that are known to be silent."""
        self.sampled_ns = 0
        self.is_flow_broken = True
        """True when the order flow since the last sample is not that of one unbroken stream."""
        self.size_buckets()

    def follow(self, leading: Sampler | None) -> None:
        """Compare with ``leading``, which may be this one itself."""
        self._leading = leading

    def size_buckets(self) -> None:
        """Choose the worth of the next buckets of trades."""
        settings = self._settings
        size = settings.vpin_bucket_notional
        if not size:
            day = self.stats.volume
            size = max(Decimal(day) / settings.vpin_buckets_day, BUCKET_LEAST)
        self.tape.bucket_size = max(1, self._worth(size))

    def _worth(self, notional: Decimal) -> int:
        """Return quote units as ticks x lots."""
        return int(notional / (self._instrument.tick * self._instrument.lot))

    def sample(self, tick: BookTicked, state: FeatureState) -> FeaturesSampled:
        """Return every feature after ``tick``, whose prices are above 0."""
        now_ns = tick.event_ns
        mid2 = tick.bid_ticks + tick.ask_ticks
        self._close_bars(state)
        best = self._best(tick, state)
        history = self.history.values(now_ns, mid2)
        tape = self._tape(now_ns, mid2)
        liquidated = self._liquidated(now_ns)
        self.sampled_ns = now_ns
        values = (
            *best,
            state.bars,
            *self._bars.values(),
            *history,
            *tape,
            *self._levels(now_ns),
            *self._statistics(now_ns),
            *self._funded(now_ns),
            *liquidated,
            *self._benchmark(now_ns),
            *self._toxic(tick, best[8], tape, liquidated[3]),
        )
        return FeaturesSampled(
            symbol=tick.symbol,
            values=tuple([None if value is None else float(value) for value in values]),
            toxicity=self._composite.level,
            is_warm=self._bars.is_warm,
            event_ns=now_ns,
        )

    def _close_bars(self, state: FeatureState) -> None:
        for bar in state.closed:
            self._bars.add(bar)
            self.moves.add(bar)
            self.tape.amihud.close(bar, self._unit)
        state.closed.clear()

    def _best(self, tick: BookTicked, state: FeatureState) -> Values:
        bid, bid_lots, ask, ask_lots = tick.bid_ticks, tick.bid_lots, tick.ask_ticks, tick.ask_lots
        mid2 = bid + ask
        both = bid_lots + ask_lots
        spread = 2 * BPS * (ask - bid) / mid2
        micro = 0.0
        if both:
            micro = BPS * (2.0 * (ask * bid_lots + bid * ask_lots) / both / mid2 - 1.0)
            micro = max(-MICROPRICE_MAX_BPS, min(MICROPRICE_MAX_BPS, micro))
        increment = 0 if self.is_flow_broken else state.ofi_lots
        self.is_flow_broken = False
        state.ofi_lots = 0
        ofi, ofi_z = self._flow.add(tick.event_ns, increment)
        return (
            mid2 * self._tick / 2.0,
            spread,
            self._spread_z.add(spread),
            imbalance_bps(bid_lots, ask_lots),
            min(bid_lots, ask_lots) * self._lot,
            min(bid * bid_lots, ask * ask_lots) * self._unit,
            micro,
            ofi * self._lot,
            ofi_z,
            state.late,
        )

    def _tape(self, now_ns: int, mid2: int) -> Values:
        if StreamKind.AGG_TRADE in self.stale:
            return (None,) * TAPE_WIDTH
        return self.tape.values(now_ns, mid2, self.history.returns[1])

    def _levels(self, now_ns: int) -> Values:
        book = self.book
        is_known = (
            book.is_synced
            and now_ns - book.heard_ns <= DEPTH_AGE_NS
            and StreamKind.DEPTH not in self.stale
        )
        return self._depth.values(now_ns, book) if is_known else (None,) * DEPTH_WIDTH

    def _liquidated(self, now_ns: int) -> Values:
        """Return what was closed by force: silence means nothing as long as mark prices come."""
        if not self.funding.heard_ns or StreamKind.MARK_PRICE in self.stale:
            return (None,) * 4
        return self.liquidations.values(now_ns)

    def _statistics(self, now_ns: int) -> Values:
        heard_ns = self.stats.heard_ns
        is_known = heard_ns and now_ns - heard_ns <= STATS_AGE_NS
        if not is_known or StreamKind.MARKET_STATS in self.stale:
            return None, None, None
        return self.stats.values(now_ns)

    def _funded(self, now_ns: int) -> Values:
        """Return what is known of the funding: the last rate holds for a while."""
        heard_ns = self.funding.heard_ns
        is_known = heard_ns and now_ns - heard_ns <= FUNDING_AGE_NS
        return self.funding.values() if is_known else (None, None, None)

    def _benchmark(self, now_ns: int) -> Values:
        leading = self._leading
        if leading is None:
            return None, None, None
        if leading is self:
            return 1.0, 0.0, 1.0
        is_fresh = abs(now_ns - leading.sampled_ns) <= LEADING_AGE_NS
        return self._beta.values(
            self.moves,
            leading.moves,
            self.history.returns[1],
            leading.history.returns[1] if is_fresh else None,
        )

    def _toxic(
        self, tick: BookTicked, ofi_z: float | None, tape: Values, surge: float | None
    ) -> Values:
        mid2 = tick.bid_ticks + tick.ask_ticks
        _, cvd_1m, _, _, vpin, kyle, amihud, volume_1m, _, ratio, *_ = tape
        return self._composite.values(
            tick.event_ns,
            Measures(
                vpin=vpin,
                kyle=kyle,
                amihud=amihud,
                spread_bps=2 * BPS * (tick.ask_ticks - tick.bid_ticks) / mid2,
                ofi_z=ofi_z,
                surge=surge,
                ret_1m=self.history.returns[0],
                cvd_1m=None if cvd_1m is None else cvd_1m * mid2 * self._tick / 2.0,
                volume_1m=volume_1m,
                volume_ratio=ratio,
            ),
        )
