from __future__ import annotations

import pytest

from grinder.features.vector import FeatureState
from grinder.messages.features import FeaturesComputed
from grinder.messages.market import BookTicked
from grinder.model.settings import FeatureSettings
from grinder.model.units import NS_PER_S

MINUTE = 60 * NS_PER_S


def tick(
    ts_ns: int, bid: int = 9_999, ask: int = 10_001, bids: int = 3, asks: int = 1
) -> BookTicked:
    return BookTicked(
        symbol="BTCUSDT",
        bid_ticks=bid,
        bid_lots=bids,
        ask_ticks=ask,
        ask_lots=asks,
        update_id=1,
        event_ns=ts_ns,
        received_ns=ts_ns + 7,
        connection=1,
    )


def make_state(atr_period: int = 14) -> FeatureState:
    return FeatureState("BTCUSDT", FeatureSettings(atr_period=atr_period))


def test_one_tick_gives_every_feature() -> None:
    assert make_state().update(tick(5)) == FeaturesComputed(
        symbol="BTCUSDT",
        bid_ticks=9_999,
        ask_ticks=10_001,
        spread_bps=2.0,
        imbalance_bps=5_000,
        natr_bps=0,
        move_bps=0.0,
        bars=0,
        is_warm=False,
        event_ns=5,
        tick_ns=12,
    )


def test_the_spread_is_a_share_of_the_mid() -> None:
    assert make_state().update(tick(5, 99, 101)).spread_bps == 200.0
    assert make_state().update(tick(5, 0, 0)).spread_bps == 0.0


def test_the_move_is_against_the_oldest_mid_of_five_seconds() -> None:
    state = make_state()
    state.update(tick(0, 9_999, 10_001))
    state.update(tick(1 * NS_PER_S, 9_899, 9_901))

    assert state.update(tick(5 * NS_PER_S, 10_099, 10_101)).move_bps == pytest.approx(100.0)
    assert state.update(tick(6 * NS_PER_S, 9_899, 9_901)).move_bps == 0.0
    assert state.update(tick(9 * NS_PER_S, 9_799, 9_801)).move_bps == pytest.approx(
        3_000_000 / 10_100
    )


def test_it_is_warm_after_period_plus_one_bars() -> None:
    state = make_state(atr_period=3)
    warm = [state.update(tick(minute * MINUTE)).is_warm for minute in range(6)]

    assert warm == [False] * 4 + [True] * 2
    assert (state.bars, state.is_warm) == (5, True)


def test_volatility_of_a_market_that_swings_a_percent_a_bar() -> None:
    state = make_state()
    for minute in range(16):
        state.update(tick(minute * MINUTE, 9_999, 10_001))
        features = state.update(tick(minute * MINUTE + 1, 10_099, 10_101))
        features = state.update(tick(minute * MINUTE + 2, 9_999, 10_001))

    assert features.natr_bps == 100


def test_a_late_tick_is_reported_but_moves_no_bar() -> None:
    state = make_state(atr_period=1)
    state.update(tick(10 * MINUTE))
    features = state.update(tick(9 * MINUTE, 1, 3))

    assert state.late == 1
    assert features.bid_ticks == 1


def test_an_empty_book_divides_by_nothing() -> None:
    features = make_state().update(tick(1, 0, 0, 0, 0))

    assert (features.spread_bps, features.imbalance_bps, features.move_bps) == (0.0, 0, 0.0)
