from __future__ import annotations

from decimal import Decimal

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from execution import orders
from grinder.errors import InvariantError
from grinder.kernel.message import Message
from grinder.messages.account import PositionChanged
from grinder.messages.orders import (
    CancelRejected,
    OrderAccepted,
    OrderEnded,
    OrderFilled,
    OrderRejected,
    OrdersSubmitted,
    OrdersSynced,
    Placement,
)
from grinder.model.instrument import Instrument
from grinder.model.order import OpenOrder, Side
from grinder.risk.exposure import Exposure

BTC = Instrument(symbol="BTCUSDT", base_asset="BTC", tick=Decimal("0.1"), lot=Decimal("0.001"))


def submitted(
    name: str = "a", side: Side = Side.BUY, qty: int = 10, *, exits: bool = False
) -> OrdersSubmitted:
    order = Placement(
        symbol="BTCUSDT",
        client_order_id=name,
        side=side,
        price_ticks=100,
        qty_lots=qty,
        reduce_only=exits,
        level="b1",
        reason="GRID_FILL",
    )
    return OrdersSubmitted(symbol="BTCUSDT", orders=(order,))


def accepted(name: str = "a", side: Side = Side.BUY, qty: int = 10) -> OrderAccepted:
    return OrderAccepted(
        symbol="BTCUSDT",
        client_order_id=name,
        order_id=1,
        side=side,
        price_ticks=100,
        qty_lots=qty,
        reduce_only=False,
        level="b1",
    )


def filled(
    lots: int, total: int, trade_id: int, name: str = "a", qty: int = 10, event_ns: int = 10
) -> OrderFilled:
    return orders.filled(
        lots,
        client_order_id=name,
        trade_id=trade_id,
        filled_lots=total,
        remaining_lots=qty - total,
        event_ns=event_ns,
    )


def ended(name: str = "a") -> OrderEnded:
    return orders.ended(name)


def rejected(name: str = "a") -> OrderRejected:
    return OrderRejected(
        symbol="BTCUSDT",
        client_order_id=name,
        side=Side.BUY,
        level="b1",
        reduce_only=False,
        code=-1,
        reason="",
    )


def position(lots: int, event_ns: int = 10) -> PositionChanged:
    return PositionChanged(
        symbol="BTCUSDT",
        qty_lots=lots,
        entry_price=Decimal(0),
        unrealized_pnl=Decimal(0),
        event_ns=event_ns,
    )


def after(*messages: Message) -> tuple[int, int, int]:
    exposure = Exposure()
    for message in messages:
        assert exposure.apply(message)
    symbol = exposure.of("BTCUSDT")
    return symbol.position_lots, symbol.buy_lots, symbol.sell_lots


def test_pending_counts_from_the_moment_it_is_submitted() -> None:
    assert after(submitted("a"), submitted("b", Side.SELL, 4)) == (0, 10, 4)


def test_reduce_only_does_not_count() -> None:
    assert after(submitted(exits=True)) == (0, 0, 0)


def test_a_rejected_order_no_longer_counts_until_it_shows_up_after_all() -> None:
    assert after(submitted(), rejected()) == (0, 0, 0)
    assert after(submitted(), rejected(), submitted()) == (0, 0, 0)
    assert after(submitted(), rejected(), accepted()) == (0, 10, 0)


def test_an_end_before_the_acceptance_stays_an_end() -> None:
    assert after(submitted(), ended(), accepted()) == (0, 0, 0)


def test_a_fill_before_the_acceptance_counts_its_rest() -> None:
    assert after(filled(4, 4, 1), submitted(), accepted()) == (4, 6, 0)


def test_a_position_stated_with_the_fill_counts_it_once_in_either_order() -> None:
    assert after(submitted(), position(4), filled(4, 4, 1)) == (4, 6, 0)
    assert after(submitted(), filled(4, 4, 1), position(4)) == (4, 6, 0)
    assert after(position(4, 20), position(1, 10)) == (4, 0, 0)


STORY: tuple[Message, ...] = (
    submitted(),
    accepted(),
    filled(3, 3, 1, event_ns=11),
    filled(2, 5, 2, event_ns=12),
    ended(),
    submitted("b", Side.SELL, 7),
    accepted("b", Side.SELL, 7),
)


@given(st.permutations(STORY + STORY))
def test_any_order_and_repetition_ends_the_same(story: list[Message]) -> None:
    assert after(*story) == (5, 0, 7)


def test_a_sync_replaces_what_was_believed() -> None:
    order = OpenOrder(
        symbol="BTCUSDT",
        client_order_id="z",
        order_id=1,
        side=Side.SELL,
        price_ticks=1,
        qty_lots=9,
        filled_lots=2,
    )
    sync = OrdersSynced(
        symbol="BTCUSDT",
        orders=(order, attrs.evolve(order, client_order_id="y", reduce_only=True)),
        position_lots=-3,
        entry_price=Decimal(1),
        is_stream_live=True,
    )

    assert after(submitted("a"), submitted("b", Side.SELL), sync, sync) == (-3, 0, 7)


def test_the_worst_case_is_the_worse_side_with_what_is_proposed() -> None:
    exposure = Exposure()
    for message in (position(5), submitted("a", Side.BUY, 10), submitted("b", Side.SELL, 30)):
        exposure.apply(message)

    # Exits may sell the 5 that are held before anything else fills.
    assert exposure.worst_case_notional(BTC, 2_001) == Decimal("0.0001") * 30 * 2_001 / 2
    assert exposure.worst_case_notional(BTC, 2_000, extra_buy_lots=20) == Decimal("3.5")
    assert exposure.worst_case_of_others("", {"BTCUSDT": (BTC, 2_000)}) == Decimal("3.0")
    assert exposure.worst_case_of_others("BTCUSDT", {}) == 0
    assert exposure.position_notional({"BTCUSDT": (BTC, 2_000)}) == Decimal("0.5")


def test_an_unpriced_symbol_is_not_taken_for_nothing() -> None:
    exposure = Exposure()
    exposure.apply(submitted())

    with pytest.raises(KeyError):
        exposure.worst_case_of_others("ETHUSDT", {})


def test_other_messages_say_nothing() -> None:
    message = CancelRejected(symbol="BTCUSDT", client_order_id="a", code=1, reason="")

    assert not Exposure().apply(message)


def test_the_tables_are_bounded() -> None:
    exposure = Exposure(working_max=2, ended_max=2)
    for name in "abcdef":
        exposure.apply(submitted(name))
        exposure.apply(ended(name))
    exposure.apply(submitted("x"))
    exposure.apply(submitted("y"))

    with pytest.raises(InvariantError):
        exposure.apply(submitted("z"))
