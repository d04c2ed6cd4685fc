"""Market events for the tests of features: made up by a seed, or recorded."""

from __future__ import annotations

import gzip
import random
from collections.abc import Iterable, Iterator
from decimal import Decimal
from pathlib import Path

from grinder.features.sampler import Sampler
from grinder.features.vector import FeatureState
from grinder.kernel.message import Message
from grinder.messages.features import FeaturesSampled
from grinder.messages.market import (
    BookTicked,
    DepthChanged,
    DepthSynced,
    LiquidationPrinted,
    MarketStatsChanged,
    MarkPriced,
    TradePrinted,
)
from grinder.model.instrument import Instrument
from grinder.model.order import Side
from grinder.model.settings import FeatureSettings
from grinder.model.strategy import ToxicitySettings
from grinder.model.units import NS_PER_MS, NS_PER_S
from grinder.simulation import normal
from grinder.simulation.market import DepthDiff, Mark, Quote, Trade

BTC = "BTCUSDT"
REAL = Path(__file__).parents[2] / "fixtures" / "real-btcusdt" / "market.jsonl.gz"
INSTRUMENT = Instrument(
    symbol=BTC, base_asset="BTC", tick=Decimal("0.1"), lot=Decimal("0.001"), notional_min=Decimal(5)
)
START_NS = 1_700_000_040 * NS_PER_S
"""On the border of a minute."""


def book_tick(at_ns: int, bid: int, ask: int, bids: int = 5, asks: int = 5) -> BookTicked:
    return BookTicked(
        symbol=BTC,
        bid_ticks=bid,
        bid_lots=bids,
        ask_ticks=ask,
        ask_lots=asks,
        update_id=at_ns,
        event_ns=at_ns,
        received_ns=at_ns,
        connection=1,
    )


def trade(at_ns: int, price: int, lots: int, *, is_sold: bool = False) -> TradePrinted:
    return TradePrinted(
        symbol=BTC,
        price_ticks=price,
        qty_lots=lots,
        buyer_is_maker=is_sold,
        trade_id=at_ns,
        event_ns=at_ns,
        connection=1,
    )


Levels = tuple[tuple[int, int], ...]


def changed(at_ns: int, bids: Levels = (), asks: Levels = ()) -> DepthChanged:
    return DepthChanged(
        symbol=BTC,
        first_id=at_ns,
        last_id=at_ns,
        previous_id=0,
        bids=bids,
        asks=asks,
        event_ns=at_ns,
        connection=1,
    )


def synced(at_ns: int, bids: Levels, asks: Levels) -> DepthSynced:
    return DepthSynced(symbol=BTC, last_id=at_ns, bids=bids, asks=asks, event_ns=at_ns)


def mark(at_ns: int, rate: str) -> MarkPriced:
    return MarkPriced(
        symbol=BTC,
        mark_price=Decimal(60_000),
        index_price=Decimal(60_000),
        funding_rate=Decimal(rate),
        next_funding_ns=at_ns + NS_PER_S,
        event_ns=at_ns,
        connection=1,
    )


def liquidation(at_ns: int, side: Side, lots: int, price: int = 600_000) -> LiquidationPrinted:
    return LiquidationPrinted(
        symbol=BTC, side=side, price_ticks=price, qty_lots=lots, event_ns=at_ns, connection=1
    )


def stats(at_ns: int, volume: int, interest: int) -> MarketStatsChanged:
    return MarketStatsChanged(
        symbol=BTC,
        volume_24h=Decimal(volume),
        trades_24h=1,
        open_interest=Decimal(interest),
        event_ns=at_ns,
    )


class Rig:
    """One symbol's features without an actor around them."""

    def __init__(
        self, settings: FeatureSettings | None = None, toxicity: ToxicitySettings | None = None
    ) -> None:
        settings = settings or FeatureSettings()
        self.step_ns = settings.sample_ms * NS_PER_MS
        self.state = FeatureState(BTC, settings)
        self.sampler = Sampler(INSTRUMENT, settings, toxicity or ToxicitySettings())
        self.sampler.follow(self.sampler)
        self.sampler.stale.clear()
        self.samples: list[FeaturesSampled] = []

    def hear(self, event: Message) -> FeaturesSampled | None:
        """Take one event as FeatureActor would; return the sample that it led to."""
        sampler = self.sampler
        if isinstance(event, BookTicked):
            self.state.update(event)
            if event.event_ns < self.state.due_ns:
                return None
            self.state.due_ns = (event.event_ns // self.step_ns + 1) * self.step_ns
            self.samples.append(sampler.sample(event, self.state))
            return self.samples[-1]
        if isinstance(event, TradePrinted):
            sampler.tape.add(event)
        elif isinstance(event, DepthChanged):
            sampler.book.change(event)
        elif isinstance(event, DepthSynced):
            sampler.book.sync(event)
        elif isinstance(event, MarkPriced):
            sampler.funding.add(event)
        elif isinstance(event, LiquidationPrinted):
            sampler.liquidations.add(event)
        elif isinstance(event, MarketStatsChanged):
            sampler.stats.add(event)
            sampler.size_buckets()
        return None

    def play(self, events: Iterable[Message]) -> list[FeaturesSampled]:
        """Take every event; return the samples."""
        for event in events:
            self.hear(event)
        return self.samples


def recorded(begin_ns: int = START_NS) -> Iterator[Message]:
    """Yield the recorded market of a scenario, its first depth as a snapshot."""

    def lines() -> Iterator[bytes]:
        with gzip.open(REAL) as file:
            yield from file

    is_synced = False
    for event in normal.events_of("real", lines, normal.head_of("real", lines)):
        at_ns = begin_ns + event.at_ms * NS_PER_MS
        if isinstance(event, Quote):
            yield book_tick(at_ns, event.bid_ticks, event.ask_ticks, event.bid_lots, event.ask_lots)
        elif isinstance(event, Trade):
            yield trade(at_ns, event.price_ticks, event.lots, is_sold=event.buyer_is_maker)
        elif isinstance(event, DepthDiff):
            make = changed if is_synced else synced
            is_synced = True
            yield make(at_ns, event.bids, event.asks)
        elif isinstance(event, Mark):
            yield mark(at_ns, str(event.funding_rate))


def made_up(seed: int, seconds: int, *, each_s: int = 4) -> Iterator[Message]:
    """Yield a market of every stream that walks at random, ``each_s`` ticks a second."""
    chance = random.Random(seed)
    mid = 600_000
    at_ns = START_NS
    bids = {mid - 1 - n: chance.randint(1, 50) for n in range(30)}
    asks = {mid + 1 + n: chance.randint(1, 50) for n in range(30)}
    yield synced(at_ns, tuple(bids.items()), tuple(asks.items()))
    yield stats(at_ns, 5_000_000, 1_000_000)
    for step in range(seconds * each_s):
        at_ns += chance.randint(1, 2 * NS_PER_S // each_s)
        mid += chance.randint(-60, 60)
        bid, ask = mid - chance.randint(1, 9), mid + chance.randint(1, 9)
        yield book_tick(at_ns, bid, ask, chance.randint(1, 90), chance.randint(1, 90))
        if chance.random() < 0.6:
            yield trade(at_ns, mid, chance.randint(1, 90), is_sold=chance.random() < 0.5)
        if chance.random() < 0.5:
            side = tuple((mid - 30 + n, chance.randint(0, 50)) for n in range(0, 30, 7))
            other = tuple((mid + 1 + n, chance.randint(0, 50)) for n in range(0, 30, 7))
            gone = tuple((price, 0) for price in bids if price >= mid)
            lost = tuple((price, 0) for price in asks if price <= mid)
            yield changed(at_ns, gone + side, lost + other)
            bids = {price: n for price, n in (bids | dict(side)).items() if price < mid and n}
            asks = {price: n for price, n in (asks | dict(other)).items() if price > mid and n}
        if step % 20 == 0:
            yield mark(at_ns, str(Decimal(chance.randint(-30, 30)) / 100_000))
            yield stats(at_ns, 5_000_000 + step, chance.randint(900_000, 1_100_000))
        if chance.random() < 0.02:
            yield liquidation(at_ns, chance.choice(list(Side)), chance.randint(1, 200), mid)
