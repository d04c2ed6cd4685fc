"""What the venue does by itself: countdowns, good-till dates, funding."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from grinder.model.order import OrderStatus, Side, TimeInForce

if TYPE_CHECKING:
    from simulation.conftest import Venue


def test_countdown_cancels_unless_it_is_renewed_or_stopped(venue: Venue) -> None:
    order = venue.buy(900, 10)
    others = venue.buy(900, 10, account="bob")
    venue.exchange.set_countdown("ann", "BTCUSDT", 1_000, 1_000)
    venue.exchange.set_countdown("ann", "BTCUSDT", 1_000, 1_500)
    venue.exchange.advance(2_499)
    assert venue.exchange.next_deadline_ms() == 2_500
    assert venue.see(order).status is OrderStatus.NEW

    venue.exchange.advance(2_500)
    assert venue.see(order).status is OrderStatus.CANCELED
    assert venue.see(others, "bob").status is OrderStatus.NEW
    assert venue.exchange.next_deadline_ms() is None

    order = venue.buy(900, 10)
    venue.exchange.set_countdown("ann", "BTCUSDT", 1_000, 3_000)
    venue.exchange.set_countdown("ann", "BTCUSDT", 0, 3_500)
    venue.exchange.advance(10_000)
    assert venue.see(order).status is OrderStatus.NEW


def test_every_call_first_does_what_is_due(venue: Venue) -> None:
    order = venue.buy(1001, 10)
    venue.exchange.set_countdown("ann", "BTCUSDT", 100, venue.now_ms)
    venue.now_ms += 100

    venue.sold(1001, 10)

    assert (venue.see(order).status, venue.held()) == (OrderStatus.CANCELED, 0)


def test_good_till_date_expires_at_a_whole_second(venue: Venue) -> None:
    order = venue.buy(900, 10, time_in_force=TimeInForce.GTD, good_till_ms=700_999)
    closed = venue.buy(900, 10, time_in_force=TimeInForce.GTD, good_till_ms=650_000)
    venue.cancel(closed)

    assert venue.exchange.next_deadline_ms() == 700_000
    venue.exchange.advance(700_000)
    assert venue.see(order).status is OrderStatus.EXPIRED
    assert venue.see(closed).status is OrderStatus.CANCELED


@pytest.mark.parametrize(
    ("side", "rate", "amount"),
    [
        (Side.BUY, "0.0001", "-0.001"),
        (Side.SELL, "0.0001", "0.001"),
        (Side.BUY, "-0.0001", "0.001"),
        (Side.SELL, "-0.0001", "-0.001"),
        (Side.BUY, "0.00000000050", "0.00000000"),
        (Side.BUY, "0.00000000150", "-0.00000002"),
    ],
)
def test_funding_is_paid_by_longs_when_positive(
    venue: Venue, side: Side, rate: str, amount: str
) -> None:
    place = venue.buy if side is Side.BUY else venue.sell
    place(None, 10)
    venue.mark("100", rate, 5_000)
    wallet = venue.exchange.balance("ann").wallet
    venue.exchange.drain()

    venue.now_ms = 5_000
    venue.mark("200", "0.9", 5_000)

    assert venue.exchange.balance("ann").wallet - wallet == Decimal(amount)
    assert venue.exchange.ledger("ann").funding == Decimal(amount)
    assert venue.exchange.next_deadline_ms() is None
    assert venue.kinds() == ["ann account FUNDING_FEE"]
    assert venue.exchange.income("ann")[-1].amount == Decimal(amount)


def test_funding_time_may_move_or_go_but_is_never_charged_twice(venue: Venue) -> None:
    venue.buy(None, 10)
    venue.mark("100", "0.0001", 5_000)
    venue.exchange.advance(5_000)
    venue.mark("100", "0.0001", 5_000)
    assert venue.exchange.next_deadline_ms() is None

    venue.mark("100", "0.0001", 10_000)
    venue.mark("100", "0.0001", 9_000)
    assert venue.exchange.next_deadline_ms() == 9_000
    venue.mark("100", "0.0001", 0)
    venue.exchange.advance(20_000)
    assert venue.exchange.ledger("ann").funding == Decimal("-0.001")
