"""Life of orders: events, time in force, amendments, self-trades, reduce-only, reads, bounds."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from grinder.errors import InvariantError
from grinder.model.fees import FeeRates
from grinder.model.instrument import Instrument
from grinder.model.order import OrderStatus, Side, TimeInForce
from grinder.simulation.account import CLOSED_ORDERS_MAX, INCOME_MAX, TRADES_MAX
from grinder.simulation.exchange import Exchange
from grinder.simulation.orders import ExpireReason, NewOrder, SelfTradePrevention
from grinder.simulation.reports import AccountReport, Execution, OrderReport, OwnTrade

if TYPE_CHECKING:
    from simulation.conftest import Venue


def test_events_of_a_fill_come_in_the_recorded_order(venue: Venue) -> None:
    venue.sell(1001, 10, account="bob")
    venue.buy(1001, 10)

    assert venue.kinds() == [
        "bob NEW",
        "ann NEW",
        "bob account ORDER",
        "bob TRADE",
        "ann account ORDER",
        "ann TRADE",
        "tape",
    ]


def test_fill_report_carries_money_and_position(venue: Venue) -> None:
    venue.buy(1002, 10)
    venue.quote(1010, 10, 1011, 10)
    venue.exchange.drain()
    venue.sell(1010, 10)

    _, account, order = venue.exchange.drain()
    assert isinstance(account, AccountReport)
    assert isinstance(order, OrderReport)
    # 0.10 bought at 100.2 and sold at 101.0; 5 bp of 10.02 and of 10.10.
    assert order.realised_profit == Decimal("0.08")
    assert order.commission == Decimal("0.00505")
    assert account.balances[0].wallet == Decimal("100000") + Decimal("0.08") - Decimal("0.01006")
    assert account.positions[0].qty == 0
    assert account.positions[0].realised == Decimal("0.08")
    assert (order.trade_id, order.is_maker) == (2, False)
    assert order.order.average_price == Decimal("101.0")


def test_commission_is_rounded_up_and_a_rebate_towards_zero() -> None:
    fees = FeeRates(maker=Decimal("-0.000033333"), taker=Decimal("0.000333333"))
    instrument = Instrument(
        symbol="BTCUSDT", base_asset="BTC", tick=Decimal("0.1"), lot=Decimal("0.01")
    )
    exchange = Exchange({"BTCUSDT": instrument}, fees=fees)
    for account, side in (("ann", Side.BUY), ("bob", Side.SELL)):
        exchange.open_account(account, Decimal(100))
        order = NewOrder(symbol="BTCUSDT", side=side, price=Decimal("100.1"), qty=Decimal("0.10"))
        exchange.place(account, order, 0)

    # 10.01 x 0.000033333 = 0.00033366333 and 10.01 x 0.000333333 = 0.00333666333
    assert exchange.ledger("ann").commission == Decimal("-0.00033366")
    assert exchange.ledger("bob").commission == Decimal("0.00333667")


def test_both_sides_of_a_trade_share_one_trade_id(venue: Venue) -> None:
    venue.sell(1001, 10, account="bob")
    venue.buy(1001, 10)

    reports = venue.exchange.drain()

    ids = {event.trade_id for event in reports if isinstance(event, OrderReport | OwnTrade)}
    assert ids - {0} == {1}
    assert [e.is_maker for e in reports if isinstance(e, OrderReport) and e.trade_id] == [
        True,
        False,
    ]


def test_open_notional_of_reports_leaves_out_reduce_only(venue: Venue) -> None:
    venue.buy(1002, 10)
    venue.buy(900, 10)
    venue.sell(1100, 10, reduce_only=True)

    last = venue.exchange.drain()[-1]
    assert isinstance(last, OrderReport)
    assert (last.bid_notional, last.ask_notional) == (Decimal(9), Decimal(0))


@pytest.mark.parametrize(
    ("ticks", "time_in_force", "reason"),
    [
        (None, TimeInForce.GTC, ExpireReason.MARKET_NOT_FILLED),
        (1002, TimeInForce.IOC, ExpireReason.REST_NOT_FILLED),
    ],
)
def test_rest_of_a_taking_order_expires(
    venue: Venue, ticks: int | None, time_in_force: TimeInForce, reason: ExpireReason
) -> None:
    order = venue.buy(ticks, 15, time_in_force=time_in_force)

    assert (order.status, order.filled_lots) == (OrderStatus.EXPIRED, 10)
    assert order.expire_reason is reason
    assert venue.kinds() == ["ann NEW", "ann account ORDER", "ann TRADE", "ann EXPIRED"]


def test_rest_of_a_limit_order_rests_at_its_price(venue: Venue) -> None:
    order = venue.buy(1002, 15)

    assert order.status is OrderStatus.PARTIALLY_FILLED
    assert venue.exchange.open_orders("ann", "BTCUSDT") == (order,)
    venue.sell(1002, 5, account="bob")
    assert venue.see(order).status is OrderStatus.FILLED


@pytest.mark.parametrize(
    ("mode", "maker_status", "taker_status", "taker_lots"),
    [
        (SelfTradePrevention.EXPIRE_MAKER, "EXPIRED_IN_MATCH", "FILLED", 10),
        (SelfTradePrevention.EXPIRE_TAKER, "NEW", "EXPIRED_IN_MATCH", 0),
        (SelfTradePrevention.EXPIRE_BOTH, "EXPIRED_IN_MATCH", "EXPIRED_IN_MATCH", 0),
    ],
)
def test_takers_mode_prevents_self_trades(
    venue: Venue,
    mode: SelfTradePrevention,
    maker_status: str,
    taker_status: str,
    taker_lots: int,
) -> None:
    maker = venue.sell(1001, 10)

    taker = venue.buy(1002, 10, self_trade_prevention=mode)

    assert venue.see(maker).status == maker_status
    assert (taker.status, taker.filled_lots) == (taker_status, taker_lots)


def test_fok_that_would_expire_against_itself_does_not_fill_in_part(venue: Venue) -> None:
    venue.sell(1001, 10, account="bob")
    venue.sell(1001, 10)

    order = venue.buy(
        1002,
        20,
        time_in_force=TimeInForce.FOK,
        self_trade_prevention=SelfTradePrevention.EXPIRE_TAKER,
    )

    assert (order.status, order.filled_lots) == (OrderStatus.EXPIRED, 0)


def test_fok_does_not_count_what_stands_behind_its_own_order(venue: Venue) -> None:
    venue.quote(1000, 10, 1003, 10)
    venue.sell(1001, 6, account="bob")
    venue.sell(1002, 6)

    order = venue.buy(
        1003,
        12,
        time_in_force=TimeInForce.FOK,
        self_trade_prevention=SelfTradePrevention.EXPIRE_TAKER,
    )

    assert (order.status, order.filled_lots) == (OrderStatus.EXPIRED, 0)


def test_fok_does_not_count_reduce_only_orders_that_its_own_fills_would_cut(venue: Venue) -> None:
    venue.buy(1002, 6, account="bob")
    venue.quote(1000, 10, 1009, 10)
    venue.sell(1001, 6, account="bob")
    venue.sell(1002, 6, account="bob", reduce_only=True)

    order = venue.buy(1002, 12, time_in_force=TimeInForce.FOK)

    assert (order.status, order.filled_lots) == (OrderStatus.EXPIRED, 0)


def test_amendment_loses_the_place_in_the_queue(venue: Venue) -> None:
    first, second = venue.buy(1001, 10), venue.buy(1001, 10, account="bob")

    amended = venue.amend(first, 1001, 9)
    venue.sold(1001, 12)

    assert (amended.order_id, amended.qty_lots) == (first.order_id, 9)
    assert (venue.filled(first), venue.filled(second, "bob")) == (2, 10)


def test_amendment_into_the_market_takes(venue: Venue) -> None:
    order = venue.buy(990, 10)
    venue.exchange.drain()

    assert venue.amend(order, 1002, 10).status is OrderStatus.FILLED
    assert venue.kinds() == ["ann AMENDMENT", "ann account ORDER", "ann TRADE"]


def test_amendment_cancels_post_only_that_would_take_and_quantity_already_filled(
    venue: Venue,
) -> None:
    post_only = venue.buy(1000, 10, time_in_force=TimeInForce.GTX)
    assert venue.amend(post_only, 1002, 10).status is OrderStatus.CANCELED

    order = venue.buy(1001, 10)
    venue.sold(1001, 6)
    assert venue.amend(order, 1000, 6).status is OrderStatus.CANCELED
    assert venue.filled(order) == 6


def test_reduce_only_is_allowed_up_to_the_position(venue: Venue) -> None:
    venue.buy(1002, 10)
    assert venue.refusal(lambda: venue.buy(990, 10, reduce_only=True)).code == -2022

    venue.sell(1100, 6, reduce_only=True)
    assert venue.refusal(lambda: venue.sell(1100, 5, reduce_only=True)).code == -4118
    small = venue.sell(1100, 4, reduce_only=True)
    assert venue.refusal(lambda: venue.amend(small, 1100, 6, reduce_only=True)).code == -4118
    assert venue.amend(small, 1100, 3, reduce_only=True).qty_lots == 3


def test_surplus_reduce_only_is_cut_then_expired_newest_first(venue: Venue) -> None:
    venue.buy(1002, 10)
    old = venue.sell(1100, 6, reduce_only=True)
    new = venue.sell(1050, 4, reduce_only=True)

    venue.sell(1000, 6)

    assert venue.see(old).qty_lots == 4
    assert venue.see(new).status is OrderStatus.EXPIRED
    assert venue.see(new).expire_reason is ExpireReason.REDUCE_ONLY
    assert (old.order_id, Execution.AMENDMENT) in [row[1:] for row in venue.executions()]


def test_flip_expires_every_reduce_only_order(venue: Venue) -> None:
    venue.buy(1002, 5)
    order = venue.sell(1100, 5, reduce_only=True)

    venue.sell(1000, 8)

    assert venue.held() == -3
    assert venue.see(order).status is OrderStatus.EXPIRED
    assert venue.exchange.position("ann", "BTCUSDT").entry_price == Decimal(100)


def test_reduce_only_needs_neither_notional_nor_margin(venue: Venue) -> None:
    venue.buy(1002, 10)
    before = venue.exchange.balance("ann").available

    venue.sell(1100, 2, reduce_only=True)

    assert venue.exchange.balance("ann").available == before


def test_unrealised_profit_and_margin_follow_the_mark_price(venue: Venue) -> None:
    venue.mark("100")
    venue.sell(1000, 10)
    venue.mark("90")

    balance = venue.exchange.balance("ann")

    assert balance.unrealised == Decimal(1)
    assert balance.position_margin == Decimal("0.45")
    assert balance.available == balance.wallet + 1 - Decimal("0.45")
    assert venue.exchange.position("ann", "BTCUSDT").entry_price == Decimal(100)


def test_reads_page_forward_from_a_start_and_backward_without(venue: Venue) -> None:
    for step in range(4):
        venue.now_ms = 1_000 + step
        venue.quote(1000, 10, 1002, 20 + step)
        venue.buy(None, 5)
    exchange = venue.exchange

    assert [t.trade_id for t in exchange.trades("ann", "BTCUSDT", limit=2)] == [3, 4]
    assert [t.trade_id for t in exchange.trades("ann", "BTCUSDT", from_id=2, limit=2)] == [2, 3]
    assert [t.trade_id for t in exchange.trades("ann", "BTCUSDT", start_ms=1_003)] == [4]
    assert [o.order_id for o in exchange.orders("ann", "BTCUSDT", limit=3)] == [2, 3, 4]
    first = exchange.orders("ann", "BTCUSDT", from_order_id=1, limit=1)
    assert [o.order_id for o in first] == [1]
    assert [row.income_id for row in exchange.income("ann", limit=1)] == [4]
    assert [p.symbol for p in exchange.positions("ann")] == ["BTCUSDT"]
    assert exchange.positions("bob") == ()


def test_account_opens_once(venue: Venue) -> None:
    with pytest.raises(InvariantError):
        venue.exchange.open_account("ann", Decimal(1))


def test_tables_stay_bounded_after_many_orders(venue: Venue) -> None:
    exchange = venue.exchange
    for turn in range(20_000):
        if turn % 2:
            venue.quote(1000, 50 + turn % 7, 1001, 60 + turn % 7)
            (venue.buy if turn % 4 == 1 else venue.sell)(None, 6)
        else:
            till = 10**9 + turn * 1_000
            order = venue.buy(900, 10, time_in_force=TimeInForce.GTD, good_till_ms=till)
            exchange.set_countdown("ann", "BTCUSDT", 60_000 + turn, venue.now_ms)
            venue.cancel(order)
        exchange.drain()

    desk = exchange._desk("ann", "BTCUSDT")
    assert len(desk.closed) == len(desk._closed_ids) == CLOSED_ORDERS_MAX
    assert not desk.open
    assert not desk.open_ids
    assert len(exchange.trades("ann", "BTCUSDT", limit=10**6)) <= TRADES_MAX
    assert len(exchange.income("ann", limit=10**6)) <= INCOME_MAX
    assert len(exchange._deadlines) == 1
    book = exchange._books["BTCUSDT"]
    assert not book.bids.levels
    assert not book.bids.keys
    assert len(book.asks.external._taken) <= 1
    assert exchange.ledger("ann").orders == 20_000
