from __future__ import annotations

import random
import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from features import batch
from features.market import START_NS, Rig, book_tick, liquidation, mark, stats
from grinder.features.bars import Bar
from grinder.features.benchmark import Beta, Moves
from grinder.features.contract import Funding, Liquidations, Stats
from grinder.features.registry import known
from grinder.model.order import Side
from grinder.model.units import NS_PER_S

HOUR_NS = 3_600 * NS_PER_S


@pytest.mark.parametrize(
    ("rate", "direction"),
    [("0.0003", 1), ("0.0001", 0), ("0", 0), ("-0.0001", 0), ("-0.00011", -1)],
)
def test_funding_has_a_dead_band(rate: str, direction: int) -> None:
    funding = Funding()
    funding.add(mark(START_NS, rate))

    assert funding.values() == pytest.approx((float(rate), float(rate) * 1_095, direction))


def test_the_last_rate_holds_for_five_minutes() -> None:
    rig = Rig()
    rig.hear(mark(START_NS, "0.0005"))
    said = []
    for second in (0, 300, 301):
        sample = rig.hear(book_tick(START_NS + second * NS_PER_S, 599_999, 600_001))
        assert sample is not None
        said.append(known(sample.values).get("funding_rate"))

    assert said == [0.0005, 0.0005, None]


@given(st.lists(st.tuples(st.integers(0, 900), st.integers(1, 99)), min_size=1, max_size=80))
def test_open_interest_is_compared_with_an_hour_ago(steps: list[tuple[int, int]]) -> None:
    room, now_ns, kept = Stats(), START_NS, list[tuple[int, float]]()
    for step, interest in steps:
        now_ns += step * NS_PER_S
        if not kept or now_ns - kept[-1][0] >= 10 * NS_PER_S:
            kept.append((now_ns, float(interest)))
        is_newest = now_ns > room.heard_ns
        room.add(stats(now_ns, 7, interest))
        if not is_newest:
            continue
    last = steps[-1][1]

    then = batch.then(kept, now_ns, HOUR_NS)
    assert room.values(now_ns) == (
        7.0,
        float(last),
        None if then is None else pytest.approx(last / then - 1),
    )


PRINTS = st.lists(
    st.tuples(st.integers(0, 700), st.sampled_from(list(Side)), st.integers(1, 99)), max_size=60
)


@given(PRINTS)
def test_liquidations_are_counted_over_a_minute_and_compared_with_the_hour(
    steps: list[tuple[int, Side, int]],
) -> None:
    room, now_ns, heard = Liquidations(1.0, 0.0), START_NS, list[tuple[int, Side, int]]()
    room.begin(now_ns)
    for step, side, lots in steps:
        now_ns += step * NS_PER_S
        room.add(liquidation(now_ns, side, lots, price=1))
        heard.append((now_ns, side, lots))

    def worth(span_s: int, side: Side) -> int:
        first = now_ns // NS_PER_S - span_s
        return sum(n for at, of, n in heard if of is side and at // NS_PER_S > first)

    longs, shorts = worth(60, Side.SELL), worth(60, Side.BUY)
    age_s = min(3_600, (now_ns - START_NS) // NS_PER_S + 1)
    mean = (worth(3_600, Side.SELL) + worth(3_600, Side.BUY)) * 60 / age_s
    both = longs + shorts
    assert room.values(now_ns) == (
        longs,
        shorts,
        (longs - shorts) / both if both else 0.0,
        float(both > 5 * mean),
    )


def test_a_surge_is_sudden_and_not_small() -> None:
    room = Liquidations(1.0, 500.0)
    for minute in range(60):
        room.add(liquidation(START_NS + minute * 60 * NS_PER_S, Side.SELL, 100, price=1))
    now_ns = START_NS + HOUR_NS
    assert room.values(now_ns)[3] == 0.0

    room.add(liquidation(now_ns, Side.SELL, 600, price=1))
    assert room.values(now_ns)[3] == 1.0
    assert room.values(now_ns + 61 * NS_PER_S)[:3] == (0.0, 0.0, 0.0)

    small = Liquidations(1.0, 500.0)
    small.begin(START_NS)
    small.add(liquidation(now_ns, Side.BUY, 499, price=1))
    assert small.values(now_ns)[3] == 0.0


@given(PRINTS)
def test_nothing_is_a_surge_in_the_first_five_minutes(steps: list[tuple[int, Side, int]]) -> None:
    room, second = Liquidations(1.0, 0.0), 0
    room.begin(START_NS)
    for step, side, lots in steps:
        second = min(299, second + step)
        now_ns = START_NS + second * NS_PER_S
        room.add(liquidation(now_ns, side, lots, price=1))
        assert room.values(now_ns)[3] == 0.0


def test_silence_of_liquidations_means_nothing_only_while_mark_prices_come() -> None:
    rig = Rig()
    first = rig.hear(book_tick(START_NS, 599_999, 600_001))
    rig.hear(mark(START_NS, "0"))
    second = rig.hear(book_tick(START_NS + NS_PER_S, 599_999, 600_001))

    assert first is not None
    assert second is not None
    assert "liq_surge" not in known(first.values)
    assert known(second.values)["liq_surge"] == 0.0


def bar(start: int, close2: int) -> Bar:
    return Bar(start, close2, close2, close2, close2, 1)


@given(st.integers(0, 2**32), st.integers(1, 140))
def test_beta_is_the_slope_over_the_common_bars(seed: int, count: int) -> None:
    chances = random.Random(seed)
    rows = [
        (chances.randint(900, 1_100), chances.randint(900, 1_100), chances.randint(0, 9))
        for _ in range(count)
    ]
    own, leading, beta = Moves(), Moves(), Beta()
    said: tuple[float | None, ...] = ()
    pairs = list[tuple[float, float]]()
    last: tuple[int, int, int] | None = None
    other: int | None = None
    for at, (close2, leading2, chance) in enumerate(rows):
        # Now and then the symbol has no bar: its next return is over two and has no counterpart.
        is_there = chance > 0
        if is_there:
            own.add(bar(at, close2))
        leading.add(bar(at, leading2))
        if is_there:
            if last is not None and last[0] == at - 1 and other is not None:
                pairs.append((leading2 / other - 1, close2 / last[1] - 1))
            last = (at, close2, leading2)
        other = leading2
        said = beta.values(own, leading, 0.01, 0.004)

    near = pairs[-60:]
    if len(near) < 30:
        assert said[:2] == pytest.approx((1.0, 0.006))
        assert said[2] is None
        return
    xs, ys = zip(*near, strict=True)
    slope = batch.slope(xs, ys)
    expected = 1.0 if slope is None else max(-2.0, min(2.0, slope))
    assert said[0] == pytest.approx(expected, rel=1e-6, abs=1e-6)
    assert said[1] == pytest.approx(0.01 - expected * 0.004)
    if len(set(xs)) > 1 and len(set(ys)) > 1:
        assert said[2] == pytest.approx(statistics.correlation(xs, ys) ** 2, abs=1e-6)


def test_without_a_return_of_the_leading_symbol_there_is_no_residual() -> None:
    assert Beta().values(Moves(), Moves(), 0.01, None) == (1.0, None, None)
