from __future__ import annotations

from decimal import Decimal, localcontext
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from grinder.sizing.levels import (
    SizingInputs,
    SizingReason,
    Weights,
    level_weights,
    loss_budget,
    size_levels,
)

D = Decimal
R = SizingReason


def make(**changes: Any) -> SizingInputs:
    """Return the inputs of the golden table, with changes."""
    values: dict[str, Any] = {
        "equity": D(10_000),
        "budget": loss_budget(D(10_000), D("0.20")),
        "adverse_move": D("0.25"),
        "price": D(50_000),
    }
    return SizingInputs(**(values | changes))


@pytest.mark.parametrize(
    ("weights", "levels", "first", "quantities", "loss"),
    [
        (Weights.UNIFORM, 5, None, ["0.032"] * 5, "2000"),
        (Weights.UNIFORM, 5, 2, ["0.032", "0.032", "0", "0", "0"], "800"),
        (Weights.PYRAMID, 3, None, ["0.01772935", "0.05014619", "0.09212444"], "1999.99975"),
        (
            Weights.INVERSE_PYRAMID,
            3,
            None,
            ["0.09212444", "0.05014619", "0.01772935"],
            "1999.99975",
        ),
    ],
)
def test_with_every_level_at_the_centre_it_is_the_known_table(
    weights: Weights, levels: int, first: int | None, quantities: list[str], loss: str
) -> None:
    sized = size_levels(make(weights=weights, buy_prices=(D(50_000),) * levels, first_levels=first))

    assert sized.buys == tuple(map(D, quantities))
    assert sized.sells == ()
    assert sized.worst_loss == D(loss)
    assert sized.utilisation == D(loss) / 2_000
    assert sized.notional == D(loss) * 4
    assert sized.levels_down == sum(D(one) > 0 for one in quantities)
    assert sized.weights is weights


def test_each_level_is_valued_at_its_own_price() -> None:
    sized = size_levels(make(buy_prices=(D(40_000), D(10_000)), sell_prices=(D(80_000),)))

    assert sized.buys == (D("0.16"), D("0.16"))
    assert sized.sells == (D("0.1"),)
    assert sized.notional == 16_000
    assert sized.utilisation == 1


def test_what_is_held_counts_on_its_own_side_only() -> None:
    prices = (D(50_000),)
    sized = size_levels(make(buy_prices=prices, sell_prices=prices, position_qty=D("0.12")))

    assert sized.buys == (D("0.04"),)
    assert sized.sells == (D("0.16"),)
    assert sized.worst_loss == 2_000
    mirrored = size_levels(make(buy_prices=prices, sell_prices=prices, position_qty=D("-0.12")))
    assert (mirrored.buys, mirrored.sells) == (sized.sells, sized.buys)


def test_a_position_beyond_the_budget_leaves_its_side_empty_and_says_so() -> None:
    prices = (D(50_000),)
    sized = size_levels(make(buy_prices=prices, sell_prices=prices, position_qty=D("0.2")))

    assert not any(sized.buys)
    assert sized.levels_up == 1
    assert sized.utilisation == D("1.25")
    assert sized.reasons == (R.NO_ROOM,)


def test_sizes_shrink_first_then_levels_go_then_the_side_is_empty() -> None:
    prices = (D(50_000),) * 4
    asked: dict[str, Any] = {"buy_prices": prices, "lot": D("0.001"), "qty_min": D("0.001")}
    small = {"equity": D(100), "budget": D(50)}

    shrunk = size_levels(make(**asked, order_notional_max=D(1_000)))
    assert shrunk.buys == (D("0.02"),) * 4
    assert shrunk.reasons == (R.SIZE_CAPPED,)
    fewer = size_levels(make(**asked, **small, notional_min=D(100)))
    assert fewer.buys == (D("0.002"), D("0.002"), D(0), D(0))
    assert fewer.reasons == (R.LEVELS_CUT,)
    none = size_levels(make(**asked, **small, notional_min=D(201)))
    assert not any(none.buys)
    assert none.schedule == ()
    assert none.reasons == (R.NO_ROOM,)


def test_the_cap_on_the_position_counts_what_is_held() -> None:
    capped = make(
        buy_prices=(D(50_000),) * 2, position_qty=D("0.02"), position_notional_max=D(3_000)
    )

    sized = size_levels(capped)

    assert sized.buys == (D("0.02"), D("0.02"))
    assert sized.reasons == (R.SIZE_CAPPED,)


def test_one_schedule_for_both_sides_is_the_smaller_of_them() -> None:
    sized = size_levels(
        make(
            buy_prices=(D(50_000),) * 3,
            sell_prices=(D(50_000),) * 2,
            position_qty=D("0.04"),
        )
    )

    assert sized.buys == (D("0.04"),) * 3
    assert sized.sells == (D("0.08"),) * 2
    assert sized.schedule == (D("0.04"),) * 3
    assert (sized.levels_down, sized.levels_up) == (3, 2)


@pytest.mark.parametrize(
    "changes",
    [
        {"equity": D(0)},
        {"equity": D("NaN")},
        {"budget": D(0)},
        {"budget": D(10_001)},
        {"adverse_move": D(0)},
        {"adverse_move": D("1.01")},
        {"price": D(0)},
        {"buy_prices": ()},
        {"buy_prices": (D(1), D(0))},
        {"sell_prices": (D("Infinity"),)},
        {"first_levels": 0},
        {"lot": D(0)},
        {"qty_min": D(-1)},
        {"notional_min": D(-1)},
        {"order_notional_max": D(0)},
        {"position_notional_max": D(-1)},
        {"position_qty": D("NaN")},
    ],
)
def test_what_can_not_be_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="expected"):
        make(**({"buy_prices": (D(1),)} | changes))


@pytest.mark.parametrize(("equity", "fraction"), [("0", "0.2"), ("1", "0"), ("1", "1.1")])
def test_a_budget_is_a_share_of_something(equity: str, fraction: str) -> None:
    with pytest.raises(ValueError, match="expected"):
        loss_budget(D(equity), D(fraction))


def test_weights_are_exact_and_mirror_each_other() -> None:
    rising = level_weights(Weights.PYRAMID, 4)

    assert rising[3] == 8
    assert abs(rising[1] ** 2 - 8) < D("1e-25")
    with localcontext() as context:
        context.prec = 5
        assert level_weights(Weights.INVERSE_PYRAMID, 4) == rising[::-1]
        level_weights.cache_clear()
        assert level_weights(Weights.PYRAMID, 4) == rising


POSITIVE = st.decimals(D("0.01"), D(1_000_000), places=4)
PRICES = st.lists(st.decimals(D("0.001"), D(200_000), places=3), max_size=12).map(tuple)
CAPS = st.none() | POSITIVE
INPUTS = st.builds(
    lambda equity, share, **rest: SizingInputs(
        equity=equity, budget=loss_budget(equity, share), **rest
    ),
    POSITIVE,
    st.decimals(D("0.001"), D(1), places=3),
    adverse_move=st.decimals(D("0.001"), D(1), places=3),
    price=st.decimals(D("0.001"), D(200_000), places=3),
    buy_prices=PRICES,
    sell_prices=PRICES.filter(bool),
    weights=st.sampled_from(Weights),
    first_levels=st.none() | st.integers(1, 12),
    position_qty=st.just(D(0)) | st.decimals(-10, 10, places=3),
    lot=st.sampled_from((D("0.00000001"), D("0.001"), D(1))),
    qty_min=st.sampled_from((D(0), D("0.001"), D(5))),
    notional_min=st.sampled_from((D(0), D(5), D(100))),
    order_notional_max=CAPS,
    position_notional_max=CAPS,
)


@given(INPUTS)
def test_no_ladder_loses_more_than_its_budget_nor_breaks_a_bound(inputs: SizingInputs) -> None:
    sized = size_levels(inputs)

    held = inputs.position_qty * inputs.price
    for prices, quantities, own in (
        (inputs.buy_prices, sized.buys, max(held, D(0))),
        (inputs.sell_prices, sized.sells, max(-held, D(0))),
    ):
        side = sum((q * p for q, p in zip(quantities, prices, strict=True)), start=own)
        if any(quantities):
            assert side * inputs.adverse_move <= inputs.budget
            if inputs.position_notional_max is not None:
                assert side <= inputs.position_notional_max
        assert side * inputs.adverse_move <= sized.worst_loss
        placed = [(q, p) for q, p in zip(quantities, prices, strict=True) if q]
        assert all(quantities[: len(placed)])
        for qty, price in placed:
            assert qty % inputs.lot == 0
            assert qty >= inputs.qty_min
            assert qty * price >= inputs.notional_min
            assert inputs.order_notional_max is None or qty * price <= inputs.order_notional_max
    if abs(held) * inputs.adverse_move <= inputs.budget:
        assert sized.utilisation <= 1


@given(INPUTS)
def test_equal_inputs_are_sized_equally_and_a_larger_budget_leaves_out_no_more(
    inputs: SizingInputs,
) -> None:
    sized = size_levels(inputs)
    richer = size_levels(attrs.evolve(inputs, equity=inputs.equity * 2, budget=inputs.budget * 2))

    assert size_levels(inputs) == sized
    assert richer.levels_down >= sized.levels_down
    assert richer.levels_up >= sized.levels_up


@given(INPUTS)
def test_the_schedule_fits_both_sides(inputs: SizingInputs) -> None:
    sized = size_levels(inputs)

    schedule = sized.schedule
    assert len(schedule) == max(sized.levels_down, sized.levels_up)
    for level, qty in enumerate(schedule):
        assert level >= sized.levels_down or qty <= sized.buys[level]
        assert level >= sized.levels_up or qty <= sized.sells[level]
        assert qty > 0
