from __future__ import annotations

import hashlib
from decimal import Decimal
from fractions import Fraction
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from grinder.ledger.trips import TripFill, bps, fee_share, traded
from grinder.messages.ledger import RoundTrip
from grinder.model.trip import OpenTrip, TripState

FLAT = TripState(symbol="BTCUSDT")


def fill(qty: str, price: str, fee: str = "0", at_ms: int = 1) -> TripFill:
    signed = Decimal(qty)
    return TripFill(
        sign=1 if signed > 0 else -1,
        price=Decimal(price),
        qty=abs(signed),
        fee=Decimal(fee),
        event_ns=at_ms * 1_000_000,
    )


def play(*fills: TripFill, state: TripState = FLAT) -> tuple[TripState, list[RoundTrip]]:
    done = []
    for one in fills:
        state, trip = traded(state, one, "paper")
        if trip is not None:
            done.append(trip)
    return state, done


def test_the_record_of_a_round_trip_has_twenty_one_fields() -> None:
    state, (trip,) = play(
        fill("0.003", "60000", "0.036", at_ms=1_000),
        fill("0.001", "60400", "0.012", at_ms=1_500),
        fill("-0.002", "60500", "0.0242", at_ms=2_000),
        fill("-0.002", "60700", "0.02428", at_ms=9_999),
    )

    text = "BTCUSDT|long|1000|9999|60100|60600|0.004"
    assert state == FLAT
    assert trip == RoundTrip(
        row_id=hashlib.sha1(text.encode()).hexdigest(),
        symbol="BTCUSDT",
        direction="long",
        entry_ts=1_000,
        entry_price=Decimal(60100),
        entry_qty=Decimal("0.004"),
        entry_fee=Decimal("0.048"),
        entry_fill_count=2,
        exit_ts=9_999,
        exit_price=Decimal(60600),
        exit_qty=Decimal("0.004"),
        exit_fee=Decimal("0.04848"),
        exit_fill_count=2,
        realized_pnl=Decimal(2),
        net_pnl=Decimal("1.90352"),
        pnl_bps=79,
        holding_time_ms=8_999,
        notional=Decimal("240.4"),
        outcome="win",
        source="paper",
        dataset_version="v1",
    )


@pytest.mark.parametrize(
    ("entry", "leave", "direction", "realized", "outcome"),
    [
        (fill("2", "100"), fill("-2", "101"), "long", "2", "win"),
        (fill("2", "100"), fill("-2", "99"), "long", "-2", "loss"),
        (fill("-2", "100"), fill("2", "99"), "short", "2", "win"),
        (fill("-2", "100"), fill("2", "101"), "short", "-2", "loss"),
        (fill("2", "100"), fill("-2", "100"), "long", "0", "breakeven"),
        (fill("2", "100", "0.3"), fill("-2", "100.1", "-0.1"), "long", "0.2", "breakeven"),
    ],
)
def test_the_sign_of_what_was_earned(
    entry: TripFill, leave: TripFill, direction: str, realized: str, outcome: str
) -> None:
    _, (trip,) = play(entry, leave)

    assert (trip.direction, trip.realized_pnl, trip.outcome) == (
        direction,
        Decimal(realized),
        outcome,
    )


def test_a_partial_close_completes_nothing() -> None:
    state, done = play(fill("3", "100"), fill("-1", "110"), fill("-1", "110"))

    assert done == []
    assert state.qty == 1


def test_what_an_exit_has_too_much_opens_the_other_side() -> None:
    state, (trip,) = play(fill("2", "100", "0.2"), fill("-5", "110", "0.1", at_ms=7))

    assert trip.exit_qty == trip.entry_qty == 2
    assert trip.exit_fee == Decimal("0.04")
    assert state.open == OpenTrip(
        direction="short",
        entry_ns=7_000_000,
        entry_qty=Decimal(3),
        entry_cost=Decimal(330),
        entry_fee=Decimal("0.06"),
        entry_fills=1,
    )


def test_a_fee_that_can_not_be_divided_is_split_without_a_rest() -> None:
    share = fee_share(Decimal("0.1"), Decimal(1), Decimal(3))

    assert share == Decimal("0.03333333")
    assert fee_share(Decimal("-0.1"), Decimal(1), Decimal(3)) == Decimal("-0.03333333")
    assert fee_share(Decimal("0.1234567891"), Decimal(1), Decimal(3)) == Decimal("0.0411522630")


def test_a_position_of_unknown_origin_ends_in_no_round_trip() -> None:
    begin = TripState(symbol="BTCUSDT", untracked_qty=Decimal(2))

    state, done = play(fill("1", "100"), fill("-1", "100"), fill("-3", "100"), state=begin)

    assert done == []
    assert state.untracked_qty == 0
    assert state.qty == -1


@pytest.mark.parametrize(
    ("net", "notional", "wanted"),
    [
        ("0.5", "10000", 0),
        ("1.5", "10000", 2),
        ("-1.5", "10000", -2),
        ("2.5", "10000", 2),
        ("1", "0", 0),
        ("-3", "10", -3000),
    ],
)
def test_basis_points_are_rounded_half_to_even(net: str, notional: str, wanted: int) -> None:
    assert bps(Decimal(net), Decimal(notional)) == wanted


LOTS = st.integers(-9, 9).filter(bool)


@given(st.lists(st.tuples(LOTS, st.integers(1, 2_000), st.integers(-50, 99)), max_size=40))
def test_nothing_is_lost_between_fills_and_round_trips(rows: list[tuple[int, int, int]]) -> None:
    fills = [
        fill(f"{lots}E-3", f"{ticks}E-1", f"{fee}E-8", at_ms=at_ms + 1)
        for at_ms, (lots, ticks, fee) in enumerate(rows)
    ]

    state, done = play(*fills)

    left = state.open
    state.check()
    assert state.qty == sum((one.qty * one.sign for one in fills), Decimal(0))
    fees = sum((one.entry_fee + one.exit_fee for one in done), Decimal(0))
    fees += left.entry_fee + left.exit_fee if left is not None else 0
    assert fees == sum((one.fee for one in fills), Decimal(0))
    cash = sum((-one.price * one.qty * one.sign for one in fills), Decimal(0))
    still = (left.exit_cost - left.entry_cost) * left.sign if left is not None else Decimal(0)
    assert sum((one.realized_pnl for one in done), Decimal(0)) + still == cash
    for one in done:
        assert one.exit_qty == one.entry_qty
        assert one.net_pnl == one.realized_pnl - one.entry_fee - one.exit_fee
        assert one.pnl_bps == round(Fraction(one.net_pnl) * 10_000 / Fraction(one.notional))
        assert one.holding_time_ms == one.exit_ts - one.entry_ts >= 0
        mean = Fraction(one.notional) / Fraction(one.entry_qty)
        assert abs(Fraction(one.entry_price) - mean) < Fraction(1, 10**20)


@pytest.mark.parametrize(
    "spoiled",
    [
        {"direction": "up"},
        {"entry_fills": 0},
        {"entry_ns": 0},
        {"exit_qty": Decimal(2), "exit_fills": 1},
        {"exit_qty": Decimal(1)},
        {"exit_fills": 1},
    ],
)
def test_a_kept_trip_that_contradicts_itself_is_refused(spoiled: dict[str, Any]) -> None:
    whole, _ = play(fill("2", "100"))
    whole.check()
    assert whole.open is not None

    with pytest.raises(ValueError, match=r"trip|long|fill|out of"):
        attrs.evolve(whole, open=attrs.evolve(whole.open, **spoiled)).check()


def test_a_position_is_tracked_or_not() -> None:
    state, _ = play(fill("1", "100"))
    both = TripState(symbol="BTCUSDT", untracked_qty=Decimal(1), open=state.open)

    with pytest.raises(ValueError, match="either"):
        both.check()
