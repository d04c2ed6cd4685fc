from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from features import batch
from features.market import START_NS, Rig, book_tick, changed, synced
from grinder.features.depth import imbalance, impact, total, vamp2, wall_distance_bps, wall_x1000
from grinder.features.localbook import FLOW_LEVELS, LEVELS_MAX, SLACK, BookSide, LocalBook
from grinder.features.orderflow import FlowWindow, added
from grinder.features.registry import known
from grinder.features.volatility import round_half_even
from grinder.model.units import BPS, NS_PER_S

Rows = str
TICK = Decimal("0.05")
LOT = Decimal("0.001")

BOOKS: dict[str, tuple[Rows, Rows]] = {
    "normal": (
        "70810.90x0.120 70810.50x0.250 70810.00x0.600 70809.50x0.900 70809.00x1.200",
        "70811.10x0.110 70811.50x0.230 70812.00x0.550 70812.50x0.850 70813.00x1.100",
    ),
    "ultra thin": (
        "70829.50x0.001 70808.25x0.002 70800x0.010 70790x0.015 70780x0.020",
        "70830.00x0.001 70851.25x0.002 70860x0.010 70870x0.015 70880x0.020",
    ),
    "bid wall": (
        "70810.90x0.120 70810.50x2.500 70810.00x0.140 70809.50x0.160 70809.00x0.180",
        "70811.10x0.110 70811.50x0.130 70812.00x0.150 70812.50x0.170 70813.00x0.190",
    ),
    "thin": (
        "70790x0.010 70780x0.012 70770x0.015 70760x0.020 70750x0.030",
        "70830x0.009 70840x0.011 70850x0.014 70860x0.019 70870x0.028",
    ),
}


def levels(rows: Rows) -> tuple[tuple[int, int], ...]:
    pairs = (row.split("x") for row in rows.split())
    return tuple((int(Decimal(price) / TICK), int(Decimal(qty) / LOT)) for price, qty in pairs)


@pytest.mark.parametrize(
    ("name", "lots", "depths", "balance", "buy_sell", "is_short", "walls"),
    [
        ("normal", 3, (3_070, 2_840), 389, (0, 0), False, (2_000, 2_000)),
        ("ultra thin", 3, (48, 48), 0, (2, 2), False, (2_000, 2_000)),
        ("ultra thin", 100, (48, 48), 0, (500, 500), True, (2_000, 2_000)),
        ("bid wall", 3, (3_100, 750), 6_104, (0, 0), False, (15_625, 1_267)),
        ("thin", 100, (87, 81), 357, (500, 500), True, (2_000, 2_000)),
    ],
)
def test_golden_books_at_a_reference_quantity(
    name: str,
    lots: int,
    depths: tuple[int, int],
    balance: int,
    buy_sell: tuple[int, int],
    is_short: bool,
    walls: tuple[int, int],
) -> None:
    bids, asks = map(levels, BOOKS[name])

    assert (total(bids), total(asks)) == depths
    assert round_half_even(BPS * (total(bids) - total(asks)), sum(depths)) == balance
    assert (impact(asks, lots), impact(bids, lots)) == (
        (buy_sell[0], is_short),
        (buy_sell[1], is_short),
    )
    assert (wall_x1000(bids), wall_x1000(asks)) == walls


@pytest.mark.parametrize(
    ("name", "notional", "is_short"),
    [("normal", 200, False), ("ultra thin", 200, False), ("ultra thin", 7_083, True)],
)
def test_the_same_books_at_a_reference_worth(name: str, notional: int, is_short: bool) -> None:
    bids, asks = map(levels, BOOKS[name])
    mid = (bids[0][0] + asks[0][0]) / 2 * float(TICK * LOT)
    lots = max(1, round(notional / mid))

    assert impact(asks, lots).is_insufficient is is_short
    assert impact(bids, lots).is_insufficient is is_short


def test_an_impact_of_exactly_the_sentinel_is_none_of_exhaustion() -> None:
    assert impact(((10_000, 1), (11_000, 1)), 2) == (500, False)
    assert impact(((10_000, 1),), 2) == (500, True)
    assert impact((), 1) == (500, True)


SIDE = st.lists(st.tuples(st.integers(1, 400), st.integers(1, 99)), min_size=1, max_size=30)


@given(SIDE, st.integers(1, 500))
def test_impact_and_wall_equal_a_batch(rows: list[tuple[int, int]], lots: int) -> None:
    asks = sorted((1_000 + price, amount) for price, amount in dict(rows).items())

    assert impact(tuple(asks), lots) == batch.impact(asks, lots)
    bids = [(999, 5)]
    expected = batch.depth(bids, asks, 100)
    assert wall_x1000(tuple(asks)) == expected["wall_ask_x1000"]
    mid2 = 999 + asks[0][0]
    assert wall_distance_bps(tuple(asks), mid2) == pytest.approx(expected["wall_ask_dist_bps"])
    assert imbalance(tuple(bids), tuple(asks[:5])) == pytest.approx(expected["depth_imb_5"])
    vamp = vamp2(tuple(bids), tuple(asks[:5]))
    assert vamp is not None
    assert BPS * (vamp / mid2 - 1) == pytest.approx(expected["vamp_dev_bps"], abs=1e-6)


@given(
    st.sampled_from([-1, 1]),
    st.lists(st.tuples(st.integers(1, 60), st.integers(0, 5)), max_size=200),
)
def test_a_side_is_what_was_last_said_of_each_price(
    sign: int, changes: list[tuple[int, int]]
) -> None:
    side, last = BookSide(sign), dict[int, int]()
    for price, lots in changes:
        side.apply(((price, lots),))
        last[price] = lots
    held = sorted(((p, q) for p, q in last.items() if q), key=lambda row: sign * row[0])

    assert side.best(100) == tuple(held)
    assert len(side) == len(held)


def test_a_side_is_bounded_and_loses_its_farthest() -> None:
    side = BookSide(-1)
    count = LEVELS_MAX + SLACK
    side.replace(tuple((price, 1) for price in range(1, count + 1)))
    assert len(side) == count

    side.apply(((count + 1, 1),))
    assert len(side) == LEVELS_MAX
    assert side.best(LEVELS_MAX)[-1] == (count + 2 - LEVELS_MAX, 1)


def ladder(prices: dict[int, int]) -> list[tuple[int, int]]:
    return sorted(prices.items(), reverse=True)[:FLOW_LEVELS]


@given(
    st.lists(st.lists(st.tuples(st.integers(1, 20), st.integers(0, 9)), max_size=6), max_size=20)
)
def test_multi_level_flow_is_the_sum_of_the_flow_of_each_level(
    updates: list[list[tuple[int, int]]],
) -> None:
    book = LocalBook()
    start = dict.fromkeys(range(3, 20, 2), 3)
    book.sync(synced(1, tuple(start.items()), ((50, 1),)))
    expected = 0
    for update in updates:
        before = ladder(start)
        start.update(update)
        start = {price: lots for price, lots in start.items() if lots}
        after = ladder(start)
        for level in range(FLOW_LEVELS):
            # A level that is missing is an empty one at a price of nothing.
            old = before[level] if level < len(before) else (0, 0)
            new = after[level] if level < len(after) else (0, 0)
            expected += (new[0] >= old[0]) * new[1] - (new[0] <= old[0]) * old[1]
        book.change(changed(2, tuple(update)))

    assert book.take_flow() == expected
    assert book.take_flow() == 0


def test_the_flow_of_asks_counts_the_other_way() -> None:
    book = LocalBook()
    book.sync(synced(1, ((9, 5),), ((11, 5),)))
    book.change(changed(2, asks=((11, 2),)))
    assert book.take_flow() == 3
    book.change(changed(3, asks=((10, 4),)))
    # The better ask is new at the first level, and the old one is what is new at the second.
    assert book.take_flow() == -(4 + 2)


def test_flow_of_equal_sides_is_nothing() -> None:
    assert added(((1, 5), (2, 3)), ((1, 5), (2, 3))) == 0
    assert added((), ((1, 5),)) == 5
    assert added(((1, 5),), ()) == -5


@given(st.lists(st.tuples(st.integers(1, 40), st.integers(-9, 9)), min_size=1, max_size=80))
def test_the_window_of_flow_is_ten_seconds_of_samples(steps: list[tuple[int, int]]) -> None:
    window, rows, now_ns = FlowWindow(), list[tuple[int, int]](), 0
    sums = []
    for step, increment in steps:
        now_ns += step * NS_PER_S // 4
        rows.append((now_ns, increment))
        told, score = window.add(now_ns, increment)
        sums.append(sum(value for at, value in rows if at > now_ns - 10 * NS_PER_S))
        assert told == sums[-1]
        expected = batch.zscore(sums)
        assert score == (None if expected is None else pytest.approx(expected, abs=1e-6))


def test_what_is_not_synced_is_not_changed() -> None:
    book = LocalBook()
    book.change(changed(1, ((9, 5),)))
    assert not book.is_synced
    assert len(book.bids) == 0

    book.sync(synced(2, ((9, 5),), ((11, 5),)))
    book.change(changed(3, ((8, 1),)))
    book.forget()
    assert (book.is_synced, book.take_flow()) == (False, 0)


def test_the_depth_takes_effect_at_its_own_time_and_expires() -> None:
    rig = Rig()
    before = rig.hear(book_tick(START_NS, 599_999, 600_001))
    rig.hear(synced(START_NS + 1, ((599_999, 5),), ((600_001, 7),)))
    fresh = rig.hear(book_tick(START_NS + 3 * NS_PER_S, 599_999, 600_001))
    old = rig.hear(book_tick(START_NS + 4 * NS_PER_S, 599_999, 600_001))
    rig.hear(changed(START_NS + 5 * NS_PER_S, ((599_999, 6),)))
    again = rig.hear(book_tick(START_NS + 5 * NS_PER_S, 599_999, 600_001))

    said = [known(one.values).get("depth_bid_qty") for one in (before, fresh, old, again) if one]
    assert said == [None, 0.005, None, 0.006]


def test_nothing_is_said_of_a_crossed_book() -> None:
    rig = Rig()
    rig.hear(synced(START_NS, ((600_002, 5),), ((600_001, 7),)))
    sample = rig.hear(book_tick(START_NS + 1, 599_999, 600_001))
    assert sample is not None
    assert "depth_bid_qty" not in known(sample.values)
