"""FeatureActor by its handlers: when it samples, and whom it believes."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from features.market import (
    BTC,
    INSTRUMENT,
    START_NS,
    book_tick,
    changed,
    mark,
    stats,
    synced,
    trade,
)
from grinder.actors.feature import LATE_RUN, FeatureActor
from grinder.features.registry import known
from grinder.kernel.message import Message
from grinder.messages.features import FeaturesComputed, FeaturesSampled
from grinder.messages.market import BookTicked, FeedHealthChanged, StreamKind
from grinder.model.settings import FeatureSettings
from grinder.model.strategy import ToxicitySettings
from grinder.model.units import NS_PER_MS, NS_PER_S

ETH = "ETHUSDT"


class Told(FeatureActor):
    """The actor, and what it says."""

    def __init__(self, **settings: Any) -> None:
        other = attrs.evolve(INSTRUMENT, symbol=ETH, base_asset="ETH")
        super().__init__(
            attrs.evolve(FeatureSettings(), **settings),
            ToxicitySettings(),
            {BTC: INSTRUMENT, ETH: other},
        )
        self.said: list[Message] = []

    def say(self, message: Message) -> None:
        self.said.append(message)

    def samples(self, symbol: str = BTC) -> list[FeaturesSampled]:
        return [
            one for one in self.said if isinstance(one, FeaturesSampled) and one.symbol == symbol
        ]

    def tick(self, at_ns: int, mid: int = 600_000, symbol: str = BTC) -> None:
        event: BookTicked = attrs.evolve(book_tick(at_ns, mid - 1, mid + 1), symbol=symbol)
        self.on_book_ticked(event)

    def known(self, symbol: str = BTC) -> dict[str, float]:
        return known(self.samples(symbol)[-1].values)

    def health(self, stream: StreamKind, *, is_stale: bool) -> None:
        self.on_feed_health_changed(
            FeedHealthChanged(symbol=BTC, stream=stream, is_stale=is_stale, age_ns=0)
        )


def test_the_first_tick_of_each_interval_is_sampled_after_it_is_computed() -> None:
    actor = Told(sample_ms=500)
    for ms in (100, 200, 499, 500, 999, 1_700, 1_701):
        actor.tick(START_NS + ms * NS_PER_MS)

    at = [(one.event_ns - START_NS) // NS_PER_MS for one in actor.samples()]
    assert at == [100, 500, 1_700]
    assert isinstance(actor.said[0], FeaturesComputed)
    assert isinstance(actor.said[1], FeaturesSampled)
    assert len(actor.said) == 7 + 3


def test_late_ticks_are_not_sampled_and_leave_the_bar_alone() -> None:
    actor = Told(bar_interval_ms=1_000)
    actor.tick(START_NS + 60 * NS_PER_S)
    for _ in range(LATE_RUN - 1):
        actor.tick(START_NS, 1_000)
    actor.tick(START_NS + 61 * NS_PER_S)

    assert len(actor.samples()) == 2
    assert actor.known()["range_1m_bps"] == 0.0
    assert actor.known()["late_ticks"] == LATE_RUN - 1


def test_when_the_clock_of_the_venue_stays_back_sampling_begins_anew_there() -> None:
    actor = Told()
    actor.on_trade_printed(trade(START_NS + 3_600 * NS_PER_S, 600_000, 5))
    actor.tick(START_NS + 3_600 * NS_PER_S)
    assert "cvd" in actor.known()

    for number in range(LATE_RUN):
        actor.tick(START_NS + number)
    actor.tick(START_NS + NS_PER_S)

    assert [one.event_ns for one in actor.samples()[1:]] == [
        START_NS + LATE_RUN - 1,
        START_NS + NS_PER_S,
    ]
    assert "cvd" not in actor.known()


@pytest.mark.parametrize(
    ("stream", "name"),
    [
        (StreamKind.AGG_TRADE, "cvd"),
        (StreamKind.DEPTH, "depth_bid_qty"),
        (StreamKind.MARK_PRICE, "liq_surge"),
        (StreamKind.MARKET_STATS, "open_interest"),
    ],
)
def test_what_a_stale_stream_feeds_is_unknown_until_it_is_back(
    stream: StreamKind, name: str
) -> None:
    actor = Told()
    actor.on_trade_printed(trade(START_NS, 600_000, 5))
    actor.on_depth_synced(synced(START_NS, ((599_999, 5),), ((600_001, 5),)))
    actor.on_depth_changed(changed(START_NS, ((599_998, 5),)))
    actor.on_mark_priced(mark(START_NS, "0.0002"))
    actor.on_market_stats_changed(stats(START_NS, 9_000, 8_000))
    seen = []
    for second, is_stale in enumerate((False, True, False)):
        actor.health(stream, is_stale=is_stale)
        actor.tick(START_NS + second * NS_PER_S)
        seen.append(name in actor.known())

    assert seen == [True, False, True]
    assert actor.known()["funding_rate"] == 0.0002


def test_the_flow_does_not_count_across_a_silence_of_the_book() -> None:
    actor = Told()
    actor.tick(START_NS)
    actor.on_book_ticked(book_tick(START_NS + 1, 599_999, 600_001, bids=7))
    actor.tick(START_NS + NS_PER_S)
    assert actor.known()["ofi"] == 0.0
    actor.on_book_ticked(book_tick(START_NS + NS_PER_S + 1, 599_999, 600_001, bids=8))
    actor.on_book_ticked(book_tick(START_NS + 2 * NS_PER_S, 599_999, 600_001, bids=8))
    assert actor.known()["ofi"] == pytest.approx(0.003)

    actor.health(StreamKind.BOOK_TICKER, is_stale=True)
    actor.health(StreamKind.BOOK_TICKER, is_stale=False)
    actor.on_book_ticked(book_tick(START_NS + 3 * NS_PER_S, 610_000, 610_001, bids=99))
    assert actor.known()["ofi"] == pytest.approx(0.003)


def test_another_symbol_is_compared_with_the_benchmark() -> None:
    actor = Told(bar_interval_ms=1_000)
    for second in range(400):
        move = 60 * (second % 7)
        actor.tick(START_NS + second * NS_PER_S, 600_000 + move)
        actor.tick(START_NS + second * NS_PER_S, 600_000 + 2 * move, ETH)

    leading, other = actor.known(), actor.known(ETH)
    assert (leading["beta_btc"], leading["residual_ret"]) == (1.0, 0.0)
    assert other["beta_btc"] == pytest.approx(2.0, rel=1e-2)
    assert other["r2_btc"] == pytest.approx(1.0, abs=1e-3)
    assert other["residual_ret"] == pytest.approx(
        other["ret_5m"] - other["beta_btc"] * leading["ret_5m"]
    )


def test_without_the_benchmark_there_is_no_comparison() -> None:
    actor = Told(benchmark="XRPUSDT")
    actor.tick(START_NS)
    assert not {"beta_btc", "residual_ret", "r2_btc"} & set(actor.known())


def test_buckets_of_trades_follow_the_volume_of_the_day() -> None:
    actor = Told(vpin_buckets_day=100)
    actor.on_market_stats_changed(stats(START_NS, 1_000_000, 1))
    for number in range(51):
        actor.on_trade_printed(trade(START_NS + number, 1_000_000, 100))
    actor.tick(START_NS + NS_PER_S)

    # A trade is worth 10,000, as is a bucket.
    assert actor.known()["vpin"] == 1.0


def test_a_book_without_a_bid_is_not_sampled() -> None:
    actor = Told()
    actor.on_book_ticked(book_tick(START_NS, 0, 2))
    assert not actor.samples()
