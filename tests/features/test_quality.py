"""What is not to be believed although it came in order."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grinder.features.quality import PriceGuard, QualityCounts, TradeGuard
from grinder.messages.market import Flaw, StreamKind, TradePrinted
from grinder.model.units import NS_PER_MS, NS_PER_S

NOW = 1_700_000_000 * NS_PER_S


def guarded(confirmations: int = 3, outlier: int = 500, jump: int = 500) -> PriceGuard:
    return PriceGuard(outlier, jump, confirmations, QualityCounts(StreamKind.BOOK_TICKER))


def played(guard: PriceGuard, *prices: int) -> list[bool]:
    return [guard.passes(price) for price in prices]


def flaws(guard: PriceGuard) -> tuple[int, int]:
    found = guard._counts.flaws
    return found[Flaw.PRICE], found[Flaw.BAD_TICK]


@pytest.mark.parametrize(
    ("silence_ms", "gaps"),
    [
        (-10, (0, 0, 0)),
        (0, (0, 0, 0)),
        (499, (0, 0, 0)),
        (500, (1, 0, 0)),
        (1_999, (1, 0, 0)),
        (2_000, (0, 1, 0)),
        (4_999, (0, 1, 0)),
        (5_000, (0, 0, 1)),
        (60_000, (0, 0, 1)),
    ],
)
def test_a_silence_counts_once_by_its_length(silence_ms: int, gaps: tuple[int, ...]) -> None:
    counts = QualityCounts(StreamKind.DEPTH)
    counts.note_gap(NOW, NOW + silence_ms * NS_PER_MS)
    counts.note_gap(0, NOW)

    assert counts.report().gaps == gaps


def test_a_price_may_move_by_the_limit_and_no_further() -> None:
    guard = guarded()

    assert played(guard, 100_000, 105_000, 99_750, 104_738) == [True, True, True, False]


def test_a_shift_of_the_level_is_held_until_confirmed_and_counted_once() -> None:
    guard = guarded()

    assert played(guard, 100_000, 110_000, 110_010, 109_990, 110_000) == [
        True,
        False,
        False,
        True,
        True,
    ]
    assert flaws(guard) == (1, 0)


def test_a_bad_tick_is_dropped_and_its_way_back_is_no_jump() -> None:
    guard = guarded()

    assert played(guard, 100_000, 150_000, 100_010, 100_020) == [True, False, True, True]
    assert flaws(guard) == (1, 1)


def test_two_bad_ticks_at_different_places_do_not_confirm_each_other() -> None:
    guard = guarded()

    assert played(guard, 100_000, 150_000, 50_000, 150_000, 99_990) == [
        True,
        False,
        False,
        False,
        True,
    ]
    assert flaws(guard) == (3, 3)


def test_confirmations_have_to_come_in_a_row() -> None:
    guard = guarded()
    hits = played(guard, 100_000, 150_000, 150_000, 100_000, 150_000, 150_000, 150_000)

    assert hits == [True, False, False, True, False, False, True]
    assert flaws(guard) == (2, 2)


def test_what_is_only_an_outlier_is_counted_and_let_through() -> None:
    guard = guarded(jump=1_000)

    assert played(guard, 100_000, 106_000, 106_100) == [True, True, True]
    assert flaws(guard) == (1, 0)


def test_one_confirmation_holds_nothing_back() -> None:
    guard = guarded(confirmations=1)

    assert played(guard, 100_000, 200_000, 100_000) == [True, True, True]
    assert flaws(guard) == (2, 0)


def trade(**fields: int) -> TradePrinted:
    values = {"price_ticks": 100, "qty_lots": 1, "event_ns": NOW, **fields}
    return TradePrinted(
        symbol="BTCUSDT",
        price_ticks=values["price_ticks"],
        qty_lots=values["qty_lots"],
        buyer_is_maker=True,
        trade_id=1,
        event_ns=values["event_ns"],
        connection=1,
    )


@pytest.mark.parametrize(
    ("fields", "flaw"),
    [
        ({"price_ticks": 0}, Flaw.INVALID_PRICE),
        ({"price_ticks": -1, "qty_lots": 0}, Flaw.INVALID_PRICE),
        ({"qty_lots": 0}, Flaw.INVALID_QUANTITY),
        ({"event_ns": NOW + 1_001 * NS_PER_MS}, Flaw.FUTURE_TIMESTAMP),
        ({"event_ns": NOW - 60_001 * NS_PER_MS}, Flaw.STALE_TIMESTAMP),
    ],
)
def test_a_trade_that_cannot_be_is_dropped_and_named(fields: dict[str, int], flaw: Flaw) -> None:
    counts = QualityCounts(StreamKind.AGG_TRADE)

    assert not TradeGuard(500, counts).passes(trade(**fields), NOW, NOW)
    assert counts.flaws[flaw] == 1
    assert sum(counts.flaws.values()) == 1


@pytest.mark.parametrize("at_ms", [1_000, -60_000])
def test_a_trade_at_the_edge_of_time_is_taken(at_ms: int) -> None:
    counts = QualityCounts(StreamKind.AGG_TRADE)

    assert TradeGuard(500, counts).passes(trade(event_ns=NOW + at_ms * NS_PER_MS), NOW, NOW)


def test_a_jump_of_the_trades_is_counted_once_and_let_through() -> None:
    counts = QualityCounts(StreamKind.AGG_TRADE)
    guard = TradeGuard(500, counts)

    assert all(guard.passes(trade(price_ticks=ticks), NOW, NOW) for ticks in (100, 110, 110, 112))
    assert counts.flaws[Flaw.PRICE] == 1


@given(
    moves=st.lists(st.integers(-600, 600), min_size=1, max_size=60),
    limit=st.integers(1, 1_000),
)
def test_the_quick_way_believes_what_the_rule_believes(moves: list[int], limit: int) -> None:
    guard, price, known = guarded(confirmations=1, outlier=limit, jump=limit), 1_000_000, 0
    jumps = 0
    for move in moves:
        price += price * move // 10_000
        jumps += known > 0 and abs(price - known) * 10_000 > limit * known
        known = price
        assert guard.passes(price)
        assert flaws(guard)[0] == jumps
