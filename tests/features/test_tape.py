from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from features import batch
from features.market import INSTRUMENT, START_NS, trade
from grinder.features.bars import Bar
from grinder.features.bartrack import Returns, Roller, VolumeBars
from grinder.features.tape import VPIN_BUCKETS, Amihud, Kyle, Tape, Vpin
from grinder.model.units import NS_PER_S

TRADES = st.lists(st.tuples(st.integers(1, 40), st.booleans()), min_size=1, max_size=400)


@given(st.integers(1, 12), TRADES)
def test_vpin_splits_trades_over_buckets_of_equal_size(
    size: int, tape: list[tuple[int, bool]]
) -> None:
    vpin = Vpin()
    for amount, is_sold in tape:
        vpin.add(-amount if is_sold else amount, size)

    expected = batch.vpin(tape, size)
    assert vpin.value() == (None if expected is None else pytest.approx(expected))


def test_one_trade_larger_than_all_buckets_fills_them_all() -> None:
    vpin = Vpin()
    vpin.add(3, 10)
    vpin.add(-(10**15), 10)

    assert vpin.value() == 1.0


def test_a_bucket_keeps_the_size_it_began_with() -> None:
    vpin = Vpin()
    vpin.add(6, 10)
    vpin.add(-4, 1_000)
    for _ in range(VPIN_BUCKETS - 1):
        vpin.add(20, 20)

    assert vpin.value() == pytest.approx((2 + 20 * 49) / (10 + 20 * 49))


def test_without_a_size_there_are_no_buckets() -> None:
    vpin = Vpin()
    for _ in range(100):
        vpin.add(5, 0)
    assert vpin.value() is None


def bar(start: int, close2: int, high2: int = 0, low2: int = 0, open2: int = 0) -> Bar:
    return Bar(start, open2 or close2, high2 or close2, low2 or close2, close2, 1)


CLOSES = st.lists(st.integers(1, 10_000), max_size=40)


@given(st.integers(1, 6), CLOSES)
def test_returns_equal_a_batch(horizon: int, closes: list[int]) -> None:
    returns = Returns(horizon)
    bars = [bar(at, close) for at, close in enumerate(closes)]
    for one in bars:
        returns.add(one)

    expected = batch.returns(bars, horizon)
    total, net, signed, _ = returns.values()
    assert (net, signed) == expected[1:3]
    assert total == (None if expected[0] is None else pytest.approx(expected[0], abs=1))
    assert returns.is_warm is (len(closes) > horizon)


def test_a_fall_has_a_sign_and_a_low_score() -> None:
    returns = Returns(14)
    for minute in range(15):
        returns.add(bar(minute, 100_000 - 200 * minute))

    total, net, signed, score = returns.values()
    assert (net, signed) == (280, -280)
    assert total == 284
    assert score == 1


@given(st.lists(st.tuples(st.integers(1, 9), st.integers(1, 99)), max_size=60))
def test_longer_bars_have_floor_aligned_borders(steps: list[tuple[int, int]]) -> None:
    roller, start, bars, made = Roller(10), 0, list[Bar](), list[Bar]()
    for step, close2 in steps:
        start += 10 * step
        bars.append(bar(start, close2, high2=close2 + 3, low2=close2 - 1, open2=close2 + 1))
        rolled = roller.add(bars[-1])
        if rolled is not None:
            made.append(rolled)

    assert made == batch.rolled(bars, 50)


@given(TRADES, st.integers(1, 200))
def test_bars_of_equal_volume_end_with_the_trade_that_fills_them(
    tape: list[tuple[int, bool]], size: int
) -> None:
    clock, made = VolumeBars(3), list[Bar]()
    for at, (amount, _) in enumerate(tape):
        done = clock.add(at, amount, amount, size)
        if done is not None:
            made.append(done)

    expected, begun = list[Bar](), list[int]()
    for at, (amount, _) in enumerate(tape):
        begun.append(2 * amount)
        if sum(begun) >= 2 * size:
            start = at - len(begun) + 1
            expected.append(Bar(start, begun[0], max(begun), min(begun), begun[-1], len(begun)))
            begun = []
    assert made == expected
    assert clock.values() == (len(expected), batch.natr(expected, 3))


@given(
    st.lists(
        st.tuples(st.integers(0, 4), st.integers(1, 3_000), st.integers(1, 500)),
        min_size=1,
        max_size=120,
    )
)
def test_illiquidity_is_the_mean_over_bars_with_volume(
    steps: list[tuple[int, int, int]],
) -> None:
    interval_ns = 10
    amihud, at = Amihud(interval_ns), 0
    bars, trades = list[Bar](), []
    for step, lots, close2 in steps:
        trades.append(trade(at + 3, 1_000_000, lots))
        amihud.add(at + 3, 1_000_000 * lots)
        bars.append(bar(at, close2))
        amihud.close(bars[-1], batch.UNIT)
        at += interval_ns * (1 + step)

    expected = batch.amihud(bars, trades, interval_ns)
    assert amihud.value() == (None if expected is None else pytest.approx(expected))


def test_trades_of_a_bar_that_is_over_count_for_none() -> None:
    amihud = Amihud(10)
    amihud.add(15, 5_000)
    amihud.add(9, 1_000_000)
    assert amihud.late == 1


@given(st.lists(st.tuples(st.integers(-999, 999), st.integers(-50, 50)), max_size=80))
def test_impact_is_the_slope_of_a_regression(steps: list[tuple[int, int]]) -> None:
    kyle, mid2, signed = Kyle(), 1_000_000, 0
    said = kyle.value(mid2, signed, 1.0)
    flows, moves = list[float](), list[float]()
    for flow, move in steps:
        flows.append(flow / 1e6)
        moves.append(10_000 * ((mid2 + move) / mid2 - 1))
        mid2 += move
        signed += flow
        said = kyle.value(mid2, signed, 1.0)

    expected = batch.slope(flows, moves) if len(flows) >= 30 else None
    assert said == (None if expected is None else pytest.approx(expected, rel=1e-6, abs=1e-6))


@given(st.lists(st.tuples(st.integers(0, 90), st.integers(1, 99), st.booleans()), max_size=80))
def test_windows_of_the_tape_are_seconds_of_the_venue(
    steps: list[tuple[int, int, bool]],
) -> None:
    tape = Tape(INSTRUMENT.tick, INSTRUMENT.lot, 60 * NS_PER_S, 14)
    now_ns, trades = START_NS, []
    for step, lots, is_sold in steps:
        now_ns += step * NS_PER_S
        trades.append(trade(now_ns, 600_000, lots, is_sold=is_sold))
        tape.add(trades[-1])

    values = tape.values(now_ns, 1_200_000, None)
    if not trades:
        assert values == (None,) * len(values)
        return
    minute = batch.window(trades, now_ns, 60)
    heard_s = now_ns // NS_PER_S - trades[0].event_ns // NS_PER_S + 1
    assert values[0] == pytest.approx(batch.signed_lots(trades) * batch.LOT)
    assert values[10] == (len(minute) if heard_s >= 60 else None)
    assert values[7] == (pytest.approx(batch.worth(minute)) if heard_s >= 60 else None)


def test_a_trade_that_comes_late_counts_as_now() -> None:
    tape = Tape(INSTRUMENT.tick, INSTRUMENT.lot, 60 * NS_PER_S, 14)
    tape.add(trade(START_NS, 600_000, 1))
    tape.add(trade(START_NS + 100 * NS_PER_S, 600_000, 2))
    tape.add(trade(START_NS + 10 * NS_PER_S, 600_000, 4))

    values = tape.values(START_NS + 100 * NS_PER_S, 1_200_000, None)
    assert values[10] == 2
