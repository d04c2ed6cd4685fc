"""The integer bounds of the filters say what the filters say."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from grinder.execution.filters import Bounds, check
from grinder.messages.grid import Intent, IntentAction
from grinder.model.instrument import Instrument
from grinder.model.order import Side


@st.composite
def instruments(draw: st.DrawFn) -> Instrument:
    return Instrument(
        symbol="AAAUSDT",
        status=draw(st.sampled_from(("TRADING", "SETTLING"))),
        base_asset="AAA",
        tick=Decimal(draw(st.sampled_from(("0.1", "0.01", "0.00005", "1")))),
        lot=Decimal(draw(st.sampled_from(("0.001", "1", "0.5")))),
        price_ticks_min=draw(st.integers(1, 50)),
        price_ticks_max=draw(st.integers(60, 400)),
        qty_lots_min=draw(st.integers(1, 5)),
        qty_lots_max=draw(st.integers(6, 100)),
        notional_min=Decimal(draw(st.integers(0, 3_000))) / 100,
        multiplier_up=Decimal("1.05"),
        multiplier_down=Decimal("0.95"),
        orders_max=10,
    )


@given(
    instrument=instruments(),
    side=st.sampled_from(Side),
    ticks=st.integers(1, 450),
    lots=st.integers(1, 110),
    reduce_only=st.booleans(),
    open_orders=st.integers(0, 12),
    mark_ticks2=st.none() | st.integers(2, 900),
)
def test_the_bounds_let_through_exactly_what_the_check_finds_nothing_in(
    instrument: Instrument,
    side: Side,
    ticks: int,
    lots: int,
    reduce_only: bool,
    open_orders: int,
    mark_ticks2: int | None,
) -> None:
    mark_price = None if mark_ticks2 is None else instrument.price(mark_ticks2) / 2
    intent = Intent(
        action=IntentAction.PLACE,
        level="b1",
        side=side,
        price_ticks=ticks,
        qty_lots=lots,
        reduce_only=reduce_only,
        reason="GRID_FILL",
    )
    found = check(
        intent,
        instrument,
        bid_ticks=0,
        ask_ticks=0,
        mark_price=mark_price,
        open_orders=open_orders,
    )

    assert Bounds(instrument, mark_price).fits((intent,), open_orders) == (found is None)


@given(lots=st.lists(st.integers(1, 4), min_size=1, max_size=6), open_orders=st.integers(0, 12))
def test_each_of_several_counts_as_open_for_the_next(lots: list[int], open_orders: int) -> None:
    instrument = Instrument(
        symbol="BTCUSDT",
        base_asset="BTC",
        tick=Decimal(1),
        lot=Decimal(1),
        qty_lots_max=3,
        orders_max=10,
    )
    intents = [
        Intent(
            action=IntentAction.PLACE,
            level=f"b{number}",
            side=Side.BUY,
            price_ticks=100,
            qty_lots=one,
            reason="GRID_FILL",
        )
        for number, one in enumerate(lots)
    ]
    found = [
        check(
            intent,
            instrument,
            bid_ticks=0,
            ask_ticks=0,
            mark_price=None,
            open_orders=open_orders + number,
        )
        for number, intent in enumerate(intents)
    ]

    assert Bounds(instrument, None).fits(intents, open_orders) == (not any(found))
