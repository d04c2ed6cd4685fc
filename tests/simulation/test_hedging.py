"""Hedge mode, reduce-only against a shrinking position, and prices taken from the book."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from grinder.model.order import OrderStatus, PositionSide, Side, TimeInForce
from grinder.simulation.orders import ExpireReason, Order, PriceMatch, SelfTradePrevention
from grinder.simulation.reports import AccountReport, Execution, OrderReport

if TYPE_CHECKING:
    from simulation.conftest import Venue

LONG, SHORT = PositionSide.LONG, PositionSide.SHORT


@pytest.fixture
def hedged(venue: Venue) -> Venue:
    venue.exchange.set_hedged("ann", True)
    return venue


def lots(venue: Venue, side: PositionSide) -> int:
    return venue.exchange.position("ann", venue.symbol, side).qty_lots


@pytest.mark.parametrize(
    ("mode", "maker", "taker"),
    [
        (SelfTradePrevention.EXPIRE_MAKER, OrderStatus.EXPIRED_IN_MATCH, OrderStatus.NEW),
        (SelfTradePrevention.EXPIRE_TAKER, OrderStatus.NEW, OrderStatus.EXPIRED_IN_MATCH),
        (
            SelfTradePrevention.EXPIRE_BOTH,
            OrderStatus.EXPIRED_IN_MATCH,
            OrderStatus.EXPIRED_IN_MATCH,
        ),
    ],
)
def test_the_takers_mode_decides_who_expires_in_a_self_trade(
    venue: Venue, mode: SelfTradePrevention, maker: OrderStatus, taker: OrderStatus
) -> None:
    resting = venue.buy(1001, 5, self_trade_prevention=SelfTradePrevention.EXPIRE_BOTH)

    crossing = venue.sell(1001, 5, self_trade_prevention=mode)

    found = [venue.see(resting), venue.see(crossing)]
    assert [order.status for order in found] == [maker, taker]
    for order in found:
        expired = order.status is OrderStatus.EXPIRED_IN_MATCH
        assert order.expire_reason is (ExpireReason.SELF_TRADE if expired else ExpireReason.NONE)


@pytest.mark.parametrize(
    ("match", "buy", "sell"),
    [
        (PriceMatch.OPPONENT, 1002, 1000),
        (PriceMatch.OPPONENT_5, 1006, 996),
        (PriceMatch.QUEUE, 1000, 1002),
        (PriceMatch.QUEUE_5, 996, 1006),
        (PriceMatch.QUEUE_10, 991, 1011),
        (PriceMatch.QUEUE_20, 988, 1014),
    ],
)
def test_a_matched_price_is_that_of_the_level_or_of_the_last_one_known(
    venue: Venue, match: PriceMatch, buy: int, sell: int
) -> None:
    venue.depth(
        tuple((1000 - at, 10) for at in range(13)), tuple((1002 + at, 10) for at in range(13))
    )

    placed = [
        venue.exchange.place("ann", venue.new(side, None, 6, type="LIMIT", price_match=match), 1)
        for side in (Side.BUY, Side.SELL)
    ]

    assert [order.price_ticks for order in placed] == [buy, sell]
    assert [order.price_match for order in placed] == [match, match]


def test_a_matched_price_excludes_a_price_a_market_order_and_an_empty_book(venue: Venue) -> None:
    match = PriceMatch.QUEUE

    both = venue.refusal(lambda: venue.buy(1000, 3, price_match=match))
    market = venue.refusal(lambda: venue.buy(None, 3, price_match=match))
    venue.quote(1000, 0, 1002, 10)
    empty = venue.refusal(lambda: venue.buy(None, 3, type="LIMIT", price_match=match))

    assert [both.code, market.code, empty.code] == [-1106, -5038, -5041]


def test_an_amendment_may_take_its_price_from_the_book(venue: Venue) -> None:
    order = venue.buy(990, 6)

    amended = venue.exchange.amend(
        "ann",
        venue.symbol,
        order_id=order.order_id,
        side=Side.BUY,
        qty=order.qty,
        price_match=PriceMatch.QUEUE,
        now_ms=venue.now_ms,
    )
    both = venue.refusal(lambda: venue.amend(order, 980, 6, price_match=PriceMatch.QUEUE))

    assert (amended.price_ticks, amended.price_match) == (1000, PriceMatch.QUEUE)
    assert both.code == -1106


def test_a_reduce_only_market_order_is_cut_and_resting_ones_make_room(venue: Venue) -> None:
    venue.buy(None, 8)
    first, second = (venue.sell(1010 + at, 4, reduce_only=True) for at in (0, 1))
    venue.exchange.drain()

    closing = venue.sell(None, 5, reduce_only=True)

    assert (closing.status, closing.filled_lots, venue.held()) == (OrderStatus.FILLED, 5, 3)
    assert venue.see(second).expire_reason is ExpireReason.REDUCE_ONLY
    assert venue.see(second).status is OrderStatus.EXPIRED
    assert venue.see(first).qty_lots == 3
    whole = venue.sell(None, 500, reduce_only=True)
    assert (whole.qty_lots, whole.status, venue.held()) == (3, OrderStatus.FILLED, 0)
    assert venue.see(first).status is OrderStatus.EXPIRED


def test_mode_changes_only_without_orders_and_positions(venue: Venue) -> None:
    def change(is_hedged: bool = True) -> int:
        return venue.refusal(lambda: venue.exchange.set_hedged("ann", is_hedged)).code

    order = venue.buy(990, 6)
    codes = [change(False), change()]
    venue.cancel(order)
    venue.buy(None, 6)
    codes.append(change())

    assert codes == [-4059, -4067, -4068]
    assert not venue.exchange.is_hedged("ann")


def test_position_side_must_fit_the_mode(venue: Venue) -> None:
    one_way = venue.refusal(lambda: venue.buy(990, 5, position_side=LONG))
    venue.exchange.set_hedged("ann", True)
    both = venue.refusal(lambda: venue.buy(990, 5))
    flagged = venue.refusal(lambda: venue.sell(1010, 5, position_side=LONG, reduce_only=True))
    nothing = venue.refusal(lambda: venue.sell(1010, 5, position_side=LONG))

    assert [one_way.code, both.code, flagged.code] == [-4061, -4061, -1106]
    assert nothing.code == -2022


def test_long_and_short_stand_beside_each_other_and_close_by_themselves(hedged: Venue) -> None:
    hedged.buy(None, 6, position_side=LONG)
    hedged.sell(None, 6, position_side=SHORT)
    assert (lots(hedged, LONG), lots(hedged, SHORT), hedged.held()) == (6, -6, 0)

    closing: Order = hedged.sell(1010, 6, position_side=LONG)
    surplus = hedged.refusal(lambda: hedged.sell(1011, 2, position_side=LONG))
    hedged.quote(1000, 10, 1002, 20)
    hedged.exchange.drain()
    hedged.buy(None, 9, position_side=SHORT)
    told = [event for event in hedged.exchange.drain() if isinstance(event, AccountReport)]
    hedged.bought(1011, 6)

    assert closing.reduce_only
    assert surplus.code == -4118
    assert [row.side for report in told for row in report.positions] == [SHORT]
    assert (lots(hedged, LONG), lots(hedged, SHORT)) == (0, 0)
    assert [row.position_side for row in hedged.exchange.trades("ann", hedged.symbol)] == [
        LONG,
        SHORT,
        SHORT,
        LONG,
    ]


def test_hedge_legs_of_one_account_do_not_trade_with_each_other(hedged: Venue) -> None:
    resting = hedged.buy(1001, 5, position_side=LONG)

    hedged.sell(1001, 5, position_side=SHORT, time_in_force=TimeInForce.IOC)

    assert hedged.see(resting).status is OrderStatus.EXPIRED_IN_MATCH
    assert lots(hedged, LONG) == 0


def test_funding_is_charged_on_each_leg(hedged: Venue) -> None:
    hedged.mark("100", "0.01", 2_000)
    hedged.buy(None, 6, position_side=LONG)
    hedged.sell(None, 6, position_side=SHORT)
    hedged.exchange.drain()

    hedged.exchange.advance(2_000)

    rows = [str(row.amount.normalize()) for row in hedged.exchange.income("ann")[-2:]]
    assert rows == ["-0.06", "0.06"]


def test_triggering_and_matching_report_hedge_orders_as_new_then_trade(hedged: Venue) -> None:
    hedged.exchange.drain()

    hedged.buy(None, 6, position_side=LONG)

    told = [event for event in hedged.exchange.drain() if isinstance(event, OrderReport)]
    assert [event.execution for event in told] == [Execution.NEW, Execution.TRADE]
    assert {event.order.position_side for event in told} == {LONG}
