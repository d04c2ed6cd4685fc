"""What the whole system makes of market data: whole books, silence noticed, nonsense held back."""

from __future__ import annotations

from itertools import pairwise
from random import Random
from typing import Any

import pytest

from grinder.features.localbook import LocalBook
from grinder.messages.features import FeaturesComputed, FeaturesSampled
from grinder.messages.market import (
    BookTicked,
    DepthChanged,
    DepthSynced,
    FeedHealthChanged,
    FeedReported,
    LiquidationPrinted,
    MarketStatsChanged,
    StreamKind,
)
from grinder.messages.venue import ReadDepth
from grinder.model.order import Side
from grinder.simulation.generator import GeneratorConfig, Regime, generated
from grinder.simulation.market import MarketEvent, Quote, merged
from simulated.worlds import (
    BITCOIN,
    BTC,
    ETH,
    ETHER,
    MS,
    SECOND,
    START_TICKS,
    Body,
    Market,
    Stage,
    quick,
)

BOTH = (BITCOIN, ETHER)
LEVELS = 2_000


class Generated(Market):
    """Whole books, quotes and trades of two symbols."""

    def __init__(self, seed: int) -> None:
        super().__init__({})
        self._source = merged(
            *(
                generated(
                    GeneratorConfig(
                        instrument=one,
                        start_ticks=START_TICKS[one.symbol],
                        regimes=(Regime.RANGE,),
                    ),
                    Random(f"{seed}:{one.symbol}"),
                )
                for one in BOTH
            )
        )

    def __next__(self) -> MarketEvent:
        """Return the next event."""
        return next(self._source)


def staged(seed: int = 1, **sections: Any) -> Stage:
    settings = quick(BTC, ETH, **sections)
    return Stage(settings, instruments=BOTH, market=Generated(seed))


def book(stage: Stage, symbol: str) -> tuple[Any, ...]:
    """Return the book that FeatureActor has built."""
    held: LocalBook = stage.actor("feature")._samplers[symbol].book
    return held.bids.best(LEVELS), held.asks.best(LEVELS)


def played(stage: Stage, symbol: str) -> tuple[Any, ...]:
    """Return the book as the venue has it."""
    read = stage.world.venue.seen.depth(ReadDepth(symbol=symbol, token=0), stage.now_ms)
    return read.bids, read.asks


def said_at(stage: Stage, kind: type[Body]) -> list[tuple[Body, int]]:
    """Return what was said of one class, and when."""
    return [(one.body, one.at_ns) for one in stage.record.all if isinstance(one.body, kind)]


def broken(stage: Stage) -> int:
    return max(one.gaps for one in stage.said(FeedReported))


def flaws(stage: Stage, kind: StreamKind) -> dict[str, int]:
    """Return the counts told last of what was wrong with a stream."""
    found = [
        quality
        for one in stage.said(FeedReported)
        for quality in one.quality
        if quality.stream is kind
    ]
    return dict(found[-1].flaws)


def test_the_books_are_those_of_the_venue_from_the_first_snapshot_on() -> None:
    stage = staged().run(20)

    assert [one.symbol for one in stage.said(DepthSynced)] == [BTC, ETH]
    assert broken(stage) == 0
    for symbol in (BTC, ETH):
        assert book(stage, symbol) == played(stage, symbol)
        assert len(book(stage, symbol)[0]) == 40


def test_a_lost_change_is_noticed_and_the_book_made_whole_again() -> None:
    stage = staged().run(10)
    stage.world.venue.depth_lost = 1
    stage.until(lambda: broken(stage) == 1)
    stage.until(lambda: len(stage.said(DepthSynced)) == 3)
    healed = stage.said(DepthSynced)[2].symbol
    stage.run(5)

    assert broken(stage) == 1
    assert book(stage, healed) == played(stage, healed)
    assert_no_hole(stage, healed)


def assert_no_hole(stage: Stage, symbol: str) -> None:
    """Each change that is said continues the one before it, or follows a snapshot that it spans."""
    last_id = -1
    is_first = False
    for entry in stage.entries_of(DepthSynced, DepthChanged, sender="feed"):
        one = entry.body
        if isinstance(one, DepthSynced) and one.symbol == symbol:
            last_id, is_first = one.last_id, True
        elif isinstance(one, DepthChanged) and one.symbol == symbol:
            spans = is_first and one.first_id <= last_id <= one.last_id
            assert spans or one.previous_id == last_id
            last_id, is_first = one.last_id, False


def test_a_chain_that_breaks_again_and_again_is_asked_for_after_growing_pauses() -> None:
    stage = staged(feed={"reconnect_delay_ms": 1_000, "reconnect_delay_max_ms": 4_000}).run(5)
    asked_before = len(stage.said(ReadDepth))
    for _ in range(40):
        stage.world.venue.depth_lost = 1
        stage.run(1)
    asked = [(one.symbol, at_ns // MS) for one, at_ns in said_at(stage, ReadDepth)]
    pauses = [
        later - sooner
        for symbol in (BTC, ETH)
        for sooner, later in pairwise([at_ms for who, at_ms in asked if who == symbol])
    ]
    stage.run(15)

    assert asked_before == 2
    assert len(asked) < 30
    assert max(pauses) >= 4_000
    assert min(pauses) >= 1_000
    for symbol in (BTC, ETH):
        assert book(stage, symbol) == played(stage, symbol)
        assert_no_hole(stage, symbol)


def test_another_connection_begins_the_books_anew() -> None:
    stage = staged().run(10)
    stage.world.venue.is_silent = True
    stage.run(8)
    stale = [one for one in stage.said(FeedHealthChanged) if one.stream is StreamKind.DEPTH]
    stage.world.venue.is_silent = False
    stage.run(12)

    assert [one.is_stale for one in stale] == [False, False, True, True]
    assert sorted(one.symbol for one in stage.said(DepthSynced)) == [BTC, BTC, ETH, ETH]
    for symbol in (BTC, ETH):
        assert book(stage, symbol) == played(stage, symbol)


def test_without_depth_in_the_market_or_in_the_settings_nothing_is_asked_and_nothing_known() -> (
    None
):
    plain = Stage(quick(BTC, ETH), instruments=BOTH).run(10)
    off = staged(feed={"depth": False}).run(10)

    for stage in (plain, off):
        assert stage.said(ReadDepth) == []
        assert stage.said(DepthSynced) == []
        assert stage.said(DepthChanged, sender="feed") == []


def test_a_silent_feed_is_reported_stale_without_another_tick() -> None:
    stage = staged().run(10)
    stage.world.venue.is_silent = True
    ticks = len(stage.said(BookTicked, sender="feed"))
    samples = len(stage.said(FeaturesSampled))
    silent_ns = stage.runtime.now_ns()
    stage.run(6)
    books = [
        (one.symbol, at_ns - silent_ns)
        for one, at_ns in said_at(stage, FeedHealthChanged)
        if one.is_stale and one.stream is StreamKind.BOOK_TICKER and at_ns > silent_ns
    ]

    assert len(stage.said(BookTicked, sender="feed")) == ticks
    assert len(stage.said(FeaturesSampled)) == samples > 0
    assert {symbol for symbol, _ in books} == {BTC, ETH}
    assert all(after_ns <= 5 * SECOND for _, after_ns in books)


def test_two_symbols_stamped_alike_are_both_delivered() -> None:
    stage = Stage(quick(BTC, ETH), instruments=BOTH).run(10)
    heard = {
        symbol: [one.event_ns for one in stage.said(FeaturesComputed) if one.symbol == symbol]
        for symbol in (BTC, ETH)
    }

    assert heard[BTC] == heard[ETH]
    assert len(heard[BTC]) == 100


@pytest.mark.parametrize(("times", "shown"), [(1, 0), (2, 0), (3, 1)])
def test_best_prices_that_leap_are_held_back_until_confirmed(times: int, shown: int) -> None:
    stage = Stage(quick(BTC)).run(5)
    bid = START_TICKS[BTC] * 2
    leap = Quote(at_ms=0, symbol=BTC, bid_ticks=bid, bid_lots=1, ask_ticks=bid + 1, ask_lots=1)
    for _ in range(times):
        stage.world.venue.misquote(leap)
        stage.run(0.001)
    stage.run(5)
    seen = [one for one in stage.said(FeaturesComputed) if one.bid_ticks == bid]

    assert len(seen) == shown
    found = flaws(stage, StreamKind.BOOK_TICKER)
    assert found["bad_tick"] == (0 if shown else times)
    assert found["price"] == 1 + shown


def test_the_days_figures_are_read_at_the_start_and_then_at_their_pace() -> None:
    stage = staged(feed={"stats_ms": 60_000, "stats_stale_after_ms": 120_000}).run(130)
    said = [one for one in stage.said(MarketStatsChanged) if one.symbol == BTC]
    health = [
        one.is_stale
        for one in stage.said(FeedHealthChanged)
        if one.stream is StreamKind.MARKET_STATS and one.symbol == BTC
    ]

    assert len(said) == 3
    assert said[0].trades_24h == 0
    assert 0 < said[1].volume_24h < said[2].volume_24h
    assert said[2].trades_24h > said[1].trades_24h > 100
    assert health == [False]


def test_liquidations_count_as_heard_while_their_stream_stands_and_each_is_told_once() -> None:
    stage = Stage(quick(BTC)).run(1)
    for at_s in (0, 1):
        stage.world.venue.liquidate(BTC, Side.SELL, 599_000 + at_s, 40)
        stage.run(1)
    heard = stage.said(LiquidationPrinted, sender="port.market")[0]
    stage.tell("feed", heard)
    stage.run(60)
    told = stage.said(LiquidationPrinted, sender="feed")
    health = [one for one in stage.said(FeedHealthChanged) if one.stream is StreamKind.LIQUIDATION]

    assert [(one.side, one.price_ticks) for one in told] == [
        (Side.SELL, 599_000),
        (Side.SELL, 599_001),
    ]
    assert [one.is_stale for one in health] == [False]
