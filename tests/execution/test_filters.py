from __future__ import annotations

from decimal import Decimal

import attrs
import pytest

from grinder.execution.denials import DenialCode, render
from grinder.execution.filters import check, off_grid
from grinder.messages.grid import Denial, Intent, IntentAction
from grinder.model.instrument import Instrument
from grinder.model.order import Side

INSTRUMENT = Instrument(
    symbol="BTCUSDT",
    base_asset="BTC",
    tick=Decimal("0.1"),
    lot=Decimal("0.001"),
    price_ticks_min=10,
    price_ticks_max=1_000_000,
    qty_lots_min=2,
    qty_lots_max=1_000,
    notional_min=Decimal(5),
    multiplier_up=Decimal("1.1"),
    multiplier_down=Decimal("0.9"),
    orders_max=3,
)
BUY = Intent(
    action=IntentAction.PLACE,
    level="b1",
    side=Side.BUY,
    price_ticks=10_000,
    qty_lots=10,
    reason="GRID_FILL",
)
SELL = attrs.evolve(BUY, side=Side.SELL, level="s1", price_ticks=10_010)


def run(intent: Intent, instrument: Instrument = INSTRUMENT, open_orders: int = 0) -> Denial | None:
    return check(
        intent,
        instrument,
        bid_ticks=10_004,
        ask_ticks=10_005,
        mark_price=Decimal(1000),
        open_orders=open_orders,
    )


@pytest.mark.parametrize("intent", [BUY, SELL, attrs.evolve(BUY, price_ticks=10_004)])
def test_what_fits_passes(intent: Intent) -> None:
    assert run(intent) is None


@pytest.mark.parametrize(
    ("intent", "code"),
    [
        (attrs.evolve(BUY, price_ticks=10_005), DenialCode.WOULD_CROSS_SPREAD),
        (attrs.evolve(SELL, price_ticks=10_004), DenialCode.WOULD_CROSS_SPREAD),
        (attrs.evolve(BUY, qty_lots=1), DenialCode.FILTER_VIOLATION_MIN_QTY),
        (attrs.evolve(BUY, qty_lots=0), DenialCode.FILTER_VIOLATION_MIN_QTY),
        (attrs.evolve(BUY, qty_lots=1_001), DenialCode.FILTER_VIOLATION_MAX_QTY),
        (attrs.evolve(BUY, qty_lots=4), DenialCode.FILTER_VIOLATION_MIN_NOTIONAL),
        (
            attrs.evolve(BUY, price_ticks=9, reduce_only=True),
            DenialCode.FILTER_VIOLATION_PRICE_RANGE,
        ),
        (attrs.evolve(SELL, price_ticks=1_000_001), DenialCode.FILTER_VIOLATION_PRICE_RANGE),
    ],
)
def test_each_filter_refuses_by_its_name(intent: Intent, code: DenialCode) -> None:
    found = run(intent)

    assert found is not None
    assert found.code == code


def test_the_price_band_follows_the_mark_price() -> None:
    def at_mark(intent: Intent, mark: int) -> Denial | None:
        return check(
            intent,
            INSTRUMENT,
            bid_ticks=0,
            ask_ticks=0,
            mark_price=Decimal(mark),
            open_orders=0,
        )

    assert at_mark(BUY, 909) is not None
    assert at_mark(BUY, 910) is None
    assert at_mark(SELL, 1113) is not None
    assert at_mark(SELL, 1112) is None


def test_reduce_only_is_exempt_from_the_smallest_notional_and_a_halted_symbol() -> None:
    small = attrs.evolve(BUY, qty_lots=4, reduce_only=True)
    halted = attrs.evolve(INSTRUMENT, status="SETTLING")

    assert run(small) is None
    assert run(small, halted) is None
    denied = run(BUY, halted)
    assert denied is not None
    assert denied.code == DenialCode.SYMBOL_NOT_TRADING


def test_open_orders_are_bounded() -> None:
    denied = run(BUY, open_orders=3)

    assert denied is not None
    assert denied.detail == "MAX_OPEN_ORDERS: open=3 max=3"


@pytest.mark.parametrize(
    ("price", "qty", "code"),
    [
        ("100.1", "0.002", None),
        ("100.15", "0.0025", DenialCode.FILTER_VIOLATION_TICK_SIZE),
        ("100.1", "0.0025", DenialCode.FILTER_VIOLATION_STEP_SIZE),
    ],
)
def test_decimals_off_the_grid_are_named(price: str, qty: str, code: DenialCode | None) -> None:
    assert off_grid(INSTRUMENT, Decimal(price), Decimal(qty)) == code


def test_a_denial_is_written_as_code_and_values() -> None:
    assert render(DenialCode.FEED_STALE) == "FEED_STALE"
    assert render(DenialCode.FEED_STALE, age_ms=3) == "FEED_STALE: age_ms=3"
