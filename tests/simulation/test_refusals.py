"""Every refusal, one row each; a refusal changes nothing."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import TYPE_CHECKING

import attrs
import pytest

from grinder.model.order import Side, TimeInForce
from grinder.simulation.orders import NewOrder
from grinder.simulation.refusals import Rule

if TYPE_CHECKING:
    from simulation.conftest import Venue

GOOD = NewOrder(symbol="BTCUSDT", side=Side.BUY, price=Decimal("100.0"), qty=Decimal("1.00"))
MARKET = NewOrder(symbol="BTCUSDT", side=Side.BUY, type="MARKET", qty=Decimal("1.00"))
GTC_TILL = 1_000 + 600_000


def good(**changes: object) -> NewOrder:
    return attrs.evolve(GOOD, **changes)  # type: ignore[arg-type]


PLACEMENTS = [
    (good(symbol="NOSUCH"), -1121, "Invalid symbol."),
    (good(type="STOP_MARKET"), -4120, "Order type not supported for this endpoint."),
    (good(type="TRAILING_STOP_MARKET"), -4120, "Order type not supported"),
    (good(type="LIMIT_MAKER"), -1116, "Invalid orderType."),
    (good(price=None), -1102, "Mandatory parameter 'price' was not sent"),
    (good(price=Decimal("NaN")), -1102, "Mandatory parameter 'price'"),
    (good(qty=Decimal("Infinity")), -1102, "Mandatory parameter 'quantity'"),
    (attrs.evolve(MARKET, price=Decimal(100)), -1106, "Parameter 'price' sent when not"),
    (attrs.evolve(MARKET, time_in_force=TimeInForce.IOC), -1106, "Parameter 'timeInForce'"),
    (good(good_till_ms=GTC_TILL), -1106, "Parameter 'goodTillDate' sent when not required."),
    (good(time_in_force=TimeInForce.GTD), -1102, "Mandatory parameter 'goodTillDate'"),
    (good(time_in_force=TimeInForce.GTD, good_till_ms=GTC_TILL), -5040, "The goodTillDate"),
    (good(time_in_force=TimeInForce.GTD, good_till_ms=GTC_TILL + 999), -5040, "The goodTillDate"),
    (good(client_order_id=""), -4015, "Client order id is not valid."),
    (good(client_order_id="x" * 37), -4015, "Client order id is not valid."),
    (good(client_order_id="a b"), -4015, "Client order id is not valid."),
    (good(price=Decimal("100.001")), -1111, "Precision is over the maximum"),
    (good(qty=Decimal("1.001")), -1111, "Precision is over the maximum"),
    (good(qty=Decimal("0.001")), -1111, "Precision is over the maximum"),
    (good(price=Decimal("0.001")), -1111, "Precision is over the maximum"),
    (good(price=Decimal("100.05")), -4014, "Price not increased by tick size."),
    (good(price=Decimal("0.9")), -4013, "Price less than min price."),
    (good(price=Decimal(0)), -4013, "Price less than min price."),
    (good(price=Decimal("100000.1")), -4002, "Price greater than max price."),
    (good(qty=Decimal(0)), -4003, "Quantity less than or equal to zero."),
    (good(qty=Decimal(-1)), -4003, "Quantity less than or equal to zero."),
    (good(qty=Decimal("0.01")), -4004, "Quantity less than min quantity."),
    (good(qty=Decimal("1000.01")), -4005, "Quantity greater than max quantity."),
    (attrs.evolve(MARKET, qty=Decimal("10.01")), -4005, "Quantity greater than max quantity."),
    (good(price=Decimal("110.1")), -4016, "Limit price can't be higher than 110.00."),
    (good(side=Side.SELL, price=Decimal("89.9")), -4024, "Limit price can't be lower than 90.00."),
    (good(qty=Decimal("0.04")), -4164, "Order's notional must be no smaller than 5 (unless"),
    (attrs.evolve(MARKET, qty=Decimal("0.04")), -4164, "Order's notional must be no smaller"),
    (good(reduce_only=True), -2022, "ReduceOnly Order is rejected."),
    (good(time_in_force=TimeInForce.GTX, price=Decimal("100.2")), -5022, "Due to the order"),
]


@pytest.mark.parametrize(("new", "code", "text"), PLACEMENTS)
def test_placement_is_refused_with_the_venues_code(
    venue: Venue, new: NewOrder, code: int, text: str
) -> None:
    venue.mark("100")

    refusal = venue.refusal(lambda: venue.exchange.place("ann", new, venue.now_ms))

    assert (refusal.code, refusal.http_status) == (code, 400)
    assert refusal.msg.startswith(text)
    assert venue.exchange.orders("ann", "BTCUSDT") == ()


def test_good_orders_pass_the_same_door(venue: Venue) -> None:
    venue.mark("100")

    for new in (GOOD, MARKET, good(time_in_force=TimeInForce.GTD, good_till_ms=GTC_TILL + 1_000)):
        venue.exchange.place("ann", new, venue.now_ms)

    assert len(venue.exchange.orders("ann", "BTCUSDT")) == 3


def test_quantity_off_the_step_is_not_a_matter_of_precision(
    make_venue: Callable[..., Venue],
) -> None:
    venue = make_venue(lot=Decimal("0.05"))

    refusal = venue.refusal(lambda: venue.exchange.place("ann", good(qty=Decimal("1.01")), 0))

    assert refusal.code == -4023


def test_post_only_refusal_leaves_no_trace_and_no_order_id(venue: Venue) -> None:
    first = venue.buy(1000, 10)
    post_only = venue.new(Side.BUY, 1002, 10, time_in_force=TimeInForce.GTX, client_order_id="x")
    venue.refusal(lambda: venue.exchange.place("ann", post_only, 1_000))

    with pytest.raises(Exception, match="-2013"):
        venue.exchange.order("ann", "BTCUSDT", client_order_id="x", now_ms=1_000)
    assert venue.buy(999, 10).order_id == first.order_id + 1


def test_post_only_does_not_take_from_another_participant(venue: Venue) -> None:
    venue.sell(1001, 10, account="bob")

    refusal = venue.refusal(lambda: venue.buy(1001, 10, time_in_force=TimeInForce.GTX))

    assert refusal.code == -5022


def test_client_id_is_unique_among_open_orders_only(venue: Venue) -> None:
    order = venue.buy(900, 10, client_order_id="mine")
    assert venue.refusal(lambda: venue.buy(900, 10, client_order_id="mine")).code == -4116

    venue.cancel(order)

    assert venue.buy(900, 10, client_order_id="mine").order_id != order.order_id


def test_open_orders_are_limited_per_account(venue: Venue) -> None:
    for _ in range(5):
        venue.buy(900, 10)

    assert venue.refusal(lambda: venue.buy(900, 10)).code == -2025
    venue.buy(900, 10, account="bob")
    venue.buy(None, 5)


def test_margin_is_checked_with_leverage(make_venue: Callable[..., Venue]) -> None:
    venue = make_venue(balance=100)
    venue.quote(1000, 10_000, 1002, 10_000)

    assert venue.refusal(lambda: venue.buy(1000, 2_001)).code == -2019
    venue.buy(1000, 2_000)
    assert venue.exchange.balance("ann").available == 0
    assert venue.refusal(lambda: venue.buy(1000, 5)).code == -2019


def test_only_the_larger_side_of_a_grid_needs_margin(make_venue: Callable[..., Venue]) -> None:
    venue = make_venue(balance=100)
    venue.buy(1000, 2_000)

    venue.sell(1000 + 1, 1_900)

    assert venue.exchange.balance("ann").available == 0


def test_account_under_water_may_still_close(make_venue: Callable[..., Venue]) -> None:
    venue = make_venue(balance=100)
    venue.quote(1000, 10_000, 1001, 10_000)
    venue.buy(1001, 1_900)
    venue.mark("90.5")

    assert venue.refusal(lambda: venue.buy(950, 10)).code == -2019
    venue.sell(None, 1_000)
    venue.sell(None, 900)
    assert venue.held() == 0


def test_market_order_far_from_the_mark_price_is_refused(venue: Venue) -> None:
    venue.mark("50")
    assert venue.refusal(lambda: venue.buy(None, 10)).code == -4131

    venue.mark("150")
    assert venue.refusal(lambda: venue.sell(None, 10)).code == -4131


def test_closed_contract_only_lets_reduce(make_venue: Callable[..., Venue]) -> None:
    venue = make_venue(status="PRE_SETTLE")

    assert venue.refusal(lambda: venue.buy(1000, 10)).code == -4140
    assert venue.refusal(lambda: venue.buy(1000, 10, reduce_only=True)).code == -2022


def test_cancel_refuses_what_is_not_open(venue: Venue) -> None:
    order = venue.buy(900, 10)
    venue.cancel(order)

    assert venue.refusal(lambda: venue.cancel(order)).code == -2011
    no_key = venue.refusal(lambda: venue.exchange.cancel("ann", "BTCUSDT", now_ms=0))
    assert no_key.code == -1102


def test_one_account_cannot_reach_the_orders_of_another(venue: Venue) -> None:
    order = venue.buy(900, 10)

    assert venue.refusal(lambda: venue.cancel(order, account="bob")).code == -2011
    assert venue.refusal(lambda: venue.see(order, account="bob")).code == -2013
    assert venue.refusal(lambda: venue.buy(900, 10, account="eve")).http_status == 401


def test_query_forgets_unfilled_orders_after_three_days(venue: Venue) -> None:
    order = venue.buy(900, 10)
    venue.cancel(order)
    venue.now_ms += 3 * 24 * 3600 * 1000
    assert venue.see(order).order_id == order.order_id

    venue.now_ms += 1

    assert venue.refusal(lambda: venue.see(order)).code == -2013


def test_amendments_are_refused_and_leave_the_order(make_venue: Callable[..., Venue]) -> None:
    venue = make_venue(balance=1_000)
    venue.mark("100")
    order = venue.buy(950, 10)

    for refused, code in (
        (lambda: venue.amend(order, 950, 10), -5027),
        (lambda: venue.amend(order, 950, 2), -5029),
        (lambda: venue.amend(order, 950, 1), -4004),
        (lambda: venue.amend(order, 1101, 10), -4016),
        (lambda: venue.amend(order, 960, 10, side=Side.SELL), -1117),
        (lambda: venue.amend(order, 960, 10, reduce_only=True), -5047),
        (lambda: venue.amend(order, 960, 10, account="bob"), -2013),
        (lambda: venue.amend(order, 960, 100_000), -2019),
    ):
        assert venue.refusal(refused).code == code
    assert venue.see(order) == order


def test_amendments_of_one_order_are_limited(venue: Venue) -> None:
    order = venue.buy(950, 10)
    for turn in range(10_000):
        venue.amend(order, 950 + (turn + 1) % 2, 10)
        venue.exchange.drain()

    assert venue.refusal(lambda: venue.amend(order, 940, 10)).code == -5026


def test_leverage_and_countdown_have_a_range(venue: Venue) -> None:
    assert venue.refusal(lambda: venue.exchange.set_leverage("ann", "BTCUSDT", 126)).code == -4028
    refused = venue.refusal(lambda: venue.exchange.set_countdown("ann", "BTCUSDT", -1, 0))
    assert refused.code == -1102


def test_every_rule_has_a_negative_code_and_a_text() -> None:
    for rule in Rule:
        code, text, status = rule.value

        assert code < 0
        assert text
        assert status in {400, 401}
