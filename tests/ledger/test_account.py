from __future__ import annotations

from decimal import Decimal

import attrs
from hypothesis import given
from hypothesis import strategies as st

from execution import orders
from grinder.ledger.account import Ledger
from grinder.messages.account import FundingPaid
from grinder.messages.ledger import LedgerChanged
from grinder.messages.market import MarkPriced
from grinder.messages.orders import OrderFilled, OrdersSynced
from grinder.model.instrument import Instrument
from grinder.model.legs import HEDGE, legs_of

BTC = Instrument(symbol="BTCUSDT", base_asset="BTC", tick=Decimal("0.1"), lot=Decimal("0.001"))


def filled(
    signed_lots: int,
    ticks: int,
    trade_id: int,
    realized: str = "0",
    fee: str = "0.01",
    asset: str = "USDT",
) -> OrderFilled:
    return orders.filled(
        signed_lots,
        trade_id=trade_id,
        price_ticks=ticks,
        fee=Decimal(fee),
        fee_asset=asset,
        realized_pnl=Decimal(realized),
    )


def marked(price: str) -> MarkPriced:
    return MarkPriced(
        symbol="BTCUSDT",
        mark_price=Decimal(price),
        index_price=Decimal(price),
        funding_rate=Decimal(0),
        next_funding_ns=0,
        event_ns=1,
        connection=1,
    )


def make_ledger() -> Ledger:
    return Ledger({"BTCUSDT": BTC})


def test_a_round_trip_through_every_case() -> None:
    ledger = make_ledger()
    story = (
        (filled(10, 1_000, 1), 10, "100"),
        (filled(10, 1_100, 2), 20, "105"),
        (filled(-5, 1_200, 3, "0.075"), 15, "105"),
        (filled(-15, 1_000, 4, "-0.075"), 0, "0"),
        (filled(-4, 900, 5), -4, "90"),
        (filled(10, 800, 6, "0.04"), 6, "80"),
    )
    for fill, lots, average in story:
        said = ledger.filled(fill)

        assert said is not None
        assert (said.position_lots, said.average_price) == (lots, Decimal(average))

    assert ledger.of("BTCUSDT").said() == LedgerChanged(
        symbol="BTCUSDT",
        fills=6,
        position_lots=6,
        average_price=Decimal(80),
        realized_pnl=Decimal("0.04"),
        fees=Decimal("0.06"),
        funding=Decimal(0),
        unrealized_pnl=Decimal(0),
    )


def test_a_fill_heard_twice_is_booked_once() -> None:
    ledger = make_ledger()
    ledger.filled(filled(10, 1_000, 1))

    assert ledger.filled(filled(10, 1_000, 1)) is None
    assert ledger.of("BTCUSDT").fills == 1


def test_fees_in_another_asset_are_kept_apart() -> None:
    ledger = make_ledger()
    said = ledger.filled(filled(10, 1_000, 1, fee="0.5", asset="BNB"))

    assert said is not None
    assert said.fees == 0
    assert ledger.of("BTCUSDT").fees_in_other_assets == {"BNB": Decimal("0.5")}


def test_unrealised_profit_is_at_the_mark_with_the_sign_of_the_position() -> None:
    ledger = make_ledger()
    assert not ledger.marked(marked("90"))
    ledger.filled(filled(-10, 1_000, 1))

    (said,) = ledger.marked(marked("90"))

    assert said.unrealized_pnl == Decimal("0.1")


def test_the_mark_of_a_market_values_each_of_its_legs() -> None:
    ledger = Ledger(legs_of({"BTCUSDT": BTC}, HEDGE))
    long, short = attrs.evolve(filled(10, 1_000, 1), symbol="BTCUSDT:LONG"), filled(-4, 1_200, 2)
    ledger.filled(long)
    ledger.filled(attrs.evolve(short, symbol="BTCUSDT:SHORT"))
    said = ledger.marked(marked("110"))

    assert [(one.symbol, one.unrealized_pnl) for one in said] == [
        ("BTCUSDT:LONG", Decimal("0.1")),
        ("BTCUSDT:SHORT", Decimal("0.04")),
    ]
    assert ledger.symbols == ("BTCUSDT:LONG", "BTCUSDT:SHORT")


def test_funding_is_booked_once_and_its_sign_kept() -> None:
    ledger = make_ledger()
    payment = FundingPaid(symbol="BTCUSDT", transaction_id=1, amount=Decimal("-0.3"), event_ns=5)

    first = ledger.funded(payment)
    second = ledger.funded(payment)

    assert first is not None
    assert first.funding == Decimal("-0.3")
    assert second is None
    assert ledger.symbols == ("BTCUSDT",)


def test_a_sync_takes_the_venues_position_only_where_it_differs() -> None:
    ledger = make_ledger()
    sync = OrdersSynced(
        symbol="BTCUSDT",
        orders=(),
        position_lots=7,
        entry_price=Decimal("99.5"),
        is_stream_live=True,
    )

    said = ledger.synced(sync)

    assert said is not None
    assert (said.position_lots, said.average_price) == (7, Decimal("99.5"))
    assert ledger.synced(sync) is None


@given(
    st.lists(
        st.tuples(st.integers(-9, 9).filter(bool), st.integers(1, 2_000)), min_size=1, max_size=40
    )
)
def test_position_and_cash_always_explain_each_other(fills: list[tuple[int, int]]) -> None:
    ledger = make_ledger()
    cash, closed = Decimal(0), Decimal(0)
    symbol = ledger.of("BTCUSDT")
    for trade_id, (lots, ticks) in enumerate(fills):
        before, average = symbol.position_lots, symbol.average_price
        if before * lots < 0:
            part = min(abs(lots), abs(before))
            sign = 1 if before > 0 else -1
            closed += (BTC.price(ticks) - average) * BTC.qty(part) * sign
        ledger.filled(filled(lots, ticks, trade_id))
        cash -= BTC.price(ticks) * BTC.qty(lots)
    ledger.marked(marked("100"))

    equity = cash + Decimal(100) * BTC.qty(symbol.position_lots)
    assert symbol.position_lots == sum(lots for lots, _ in fills)
    assert abs(equity - closed - symbol.unrealized_pnl) < Decimal("1e-18")
