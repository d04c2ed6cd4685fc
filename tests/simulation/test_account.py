"""Exactness of positions and of the money arithmetic."""

from __future__ import annotations

from decimal import ROUND_CEILING, ROUND_HALF_EVEN, Decimal, localcontext

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from grinder.model.instrument import Instrument
from grinder.simulation.account import Position
from grinder.simulation.money import ceiling, from_e8, half_even, to_e8
from grinder.simulation.scales import Scale

INSTRUMENT = Instrument(
    symbol="BTCUSDT", base_asset="BTC", tick=Decimal("0.10"), lot=Decimal("0.001")
)
FINE = attrs.evolve(INSTRUMENT, tick=Decimal("0.0000001"), lot=Decimal("0.001"))

FILLS = st.lists(
    st.tuples(st.integers(-1_000, 1_000).filter(bool), st.integers(1, 2_000_000)),
    min_size=1,
    max_size=40,
)


@given(st.integers(-(10**30), 10**30), st.integers(1, 10**12))
def test_named_roundings_agree_with_decimal(numerator: int, denominator: int) -> None:
    with localcontext(prec=80):
        exact = Decimal(numerator) / Decimal(denominator)

        assert half_even(numerator, denominator) == exact.to_integral_value(ROUND_HALF_EVEN)
        assert ceiling(numerator, denominator) == exact.to_integral_value(ROUND_CEILING)


@pytest.mark.parametrize(
    ("numerator", "rounded"), [(5, 2), (7, 4), (-5, -2), (-7, -4), (6, 3), (0, 0)]
)
def test_ties_go_to_even(numerator: int, rounded: int) -> None:
    assert half_even(numerator, 2) == rounded


def test_amounts_keep_eight_decimals() -> None:
    assert to_e8(Decimal("1.000000015")) == 100_000_002
    assert from_e8(-100_000_002) == Decimal("-1.00000002")


@pytest.mark.parametrize(("instrument", "unit", "per"), [(INSTRUMENT, 10_000, 1), (FINE, 1, 100)])
def test_atoms_are_whole_whatever_the_tick(instrument: Instrument, unit: int, per: int) -> None:
    scale = Scale.of(instrument)

    assert (scale.unit_atoms, scale.e8_atoms) == (unit, per)
    assert scale.atoms_at(to_e8(instrument.tick * 10**7), 7) == unit * 7 * 10**7


@given(FILLS)
def test_realised_profit_is_the_cash_flow_plus_the_remaining_cost(
    fills: list[tuple[int, int]],
) -> None:
    scale, position = Scale.of(INSTRUMENT), Position()
    paid = 0
    for lots, ticks in fills:
        position.apply(lots, ticks, scale)
        paid += lots * ticks * scale.unit_atoms

        assert position.realised_e8 == position.cost - paid
        assert (position.cost > 0) == (position.lots > 0)
        assert (position.cost < 0) == (position.lots < 0)


@given(FILLS)
def test_finer_instruments_lose_less_than_a_unit_per_closed_position(
    fills: list[tuple[int, int]],
) -> None:
    scale, position = Scale.of(FINE), Position()
    paid = flats = 0
    for lots, ticks in fills:
        before = position.lots
        position.apply(lots, ticks, scale)
        flats += before * position.lots <= 0 and before != 0
        paid += lots * ticks * scale.unit_atoms

        assert abs(position.realised_e8 * scale.e8_atoms - position.cost + paid) <= (
            flats * scale.e8_atoms
        )


def test_flip_realises_the_closed_part_and_opens_the_rest_at_the_fill_price() -> None:
    scale, position = Scale.of(INSTRUMENT), Position()
    position.apply(3, 1_000, scale)
    position.apply(3, 1_001, scale)

    realised = position.apply(-10, 1_010, scale)

    assert realised == (6 * 1_010 - 3 * 1_000 - 3 * 1_001) * scale.unit_atoms
    assert (position.lots, position.cost) == (-4, -4 * 1_010 * scale.unit_atoms)


def test_partial_close_takes_its_share_of_the_average() -> None:
    scale, position = Scale.of(INSTRUMENT), Position()
    position.apply(1, 1_000, scale)
    position.apply(2, 1_001, scale)

    assert [position.apply(-1, 1_002, scale) for _ in range(3)] == [13_333, 13_334, 13_333]
    assert (position.lots, position.cost) == (0, 0)
