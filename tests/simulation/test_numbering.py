"""Ids of orders, fills, conditional orders and income."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grinder.model.order import Side
from grinder.simulation.exchange import Exchange
from grinder.simulation.numbering import ids_before
from grinder.simulation.orders import NewOrder
from grinder.simulation.reports import OrderReport
from simulation.conftest import INSTRUMENT, Venue

START_MS = 1_790_000_000_000
NEVER_AGAIN_MS = 2_199_023_255_552


@given(st.integers(1, NEVER_AGAIN_MS - 2), st.integers(1, 10**9))
def test_ids_of_a_later_start_lie_above_those_of_an_earlier_one(start_ms: int, apart: int) -> None:
    later_ms = min(start_ms + apart, NEVER_AGAIN_MS - 1)
    earlier, later = ids_before(start_ms), ids_before(later_ms)

    assert later.order - earlier.order == (later_ms - start_ms) * 2**11
    assert later.trade - earlier.trade == later_ms - start_ms
    assert later.algo > earlier.algo
    assert later.order < 2**53


def test_ids_are_large_and_the_same_for_the_same_start() -> None:
    def begun() -> Venue:
        venue = Venue()
        venue.exchange = Exchange({"BTCUSDT": INSTRUMENT}, start_ms=START_MS)
        venue.exchange.open_account("ann", Decimal(1_000))
        venue.quote(1000, 10, 1002, 10)
        return venue

    one, other = begun(), begun()
    orders = [each.buy(None, 10) for each in (one, other)]

    assert orders[0].order_id == orders[1].order_id > 10**15
    (trade,) = one.exchange.trades("ann", "BTCUSDT")
    assert trade.trade_id == START_MS + 1
    (paid,) = one.exchange.income("ann")
    assert paid.income_id == START_MS + 1


def test_first_fill_of_a_public_trade_bears_its_id(venue: Venue) -> None:
    venue.quote(1000, 0, 1002, 10)
    for account in ("ann", "bob"):
        venue.buy(1000, 6, account)
    venue.exchange.drain()
    public = venue.exchange.next_trade_id("BTCUSDT")

    venue.exchange.trade("BTCUSDT", 1000, 20, True, venue.now_ms, trade_id=public)

    told = [each for each in venue.exchange.drain() if isinstance(each, OrderReport)]
    assert [(each.account, each.trade_id - public) for each in told] == [("ann", 0), ("bob", 1)]
    assert venue.exchange.next_trade_id("BTCUSDT") == public + 2


def test_better_priced_order_bears_the_id_before_one_at_the_price(venue: Venue) -> None:
    venue.quote(1000, 0, 1002, 10)
    venue.buy(1000, 6, "ann")
    venue.buy(1001, 6, "bob")
    venue.exchange.drain()
    public = venue.exchange.next_trade_id("BTCUSDT")

    venue.exchange.trade("BTCUSDT", 1000, 20, True, venue.now_ms, trade_id=public)

    told = [each for each in venue.exchange.drain() if isinstance(each, OrderReport)]
    assert [(each.account, each.trade_id - public) for each in told] == [("bob", 0), ("ann", 1)]


@pytest.mark.parametrize("side", list(Side))
def test_a_name_that_the_venue_makes_up_fits_its_own_pattern(venue: Venue, side: Side) -> None:
    venue.exchange = Exchange({"BTCUSDT": INSTRUMENT}, start_ms=NEVER_AGAIN_MS - 1)
    venue.exchange.open_account("ann", Decimal(1_000))
    new = NewOrder(symbol="BTCUSDT", side=side, price=Decimal(100), qty=Decimal("0.1"))

    order = venue.exchange.place("ann", new, venue.now_ms)

    assert len(order.client_order_id) <= 36
