"""The fill model: queues, prints, cancellations, crossing, taking."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from grinder.model.order import OrderStatus, TimeInForce
from grinder.simulation.queueing import CancelShare, QueueRules

if TYPE_CHECKING:
    from simulation.conftest import Venue


def test_print_eats_the_queue_then_fills_in_part_then_whole(venue: Venue) -> None:
    order = venue.buy(1000, 10)

    venue.sold(1000, 7)
    assert venue.filled(order) == 0
    venue.sold(1000, 7)
    assert venue.filled(order) == 4
    assert venue.see(order).status is OrderStatus.PARTIALLY_FILLED
    venue.sold(1000, 7)
    assert venue.see(order).status is OrderStatus.FILLED


def test_print_on_the_other_side_does_nothing(venue: Venue) -> None:
    order = venue.buy(1000, 10)

    venue.bought(1000, 100)

    assert venue.filled(order) == 0


def test_print_through_the_price_fills_without_a_queue_up_to_its_lots(venue: Venue) -> None:
    near, far = venue.buy(1000, 10), venue.buy(999, 10)

    venue.sold(998, 15)

    assert (venue.filled(near), venue.filled(far)) == (10, 5)


def test_print_fills_better_prices_before_the_queue_at_its_own(venue: Venue) -> None:
    venue.depth(bids=((999, 3),))
    near, far = venue.buy(1000, 10), venue.buy(999, 10)

    venue.sold(999, 15)

    assert (venue.filled(near), venue.filled(far)) == (10, 2)


def test_print_through_the_price_leaves_no_queue_behind(venue: Venue) -> None:
    order = venue.buy(1000, 10)
    venue.sold(999, 4)

    venue.sold(1000, 3)

    assert venue.filled(order) == 7


def test_later_order_waits_for_what_joined_between(venue: Venue) -> None:
    first = venue.buy(1000, 10)
    venue.quote(1000, 16, 1002, 10)
    second = venue.buy(1000, 10, account="bob")

    venue.sold(1000, 10 + 10 + 6)
    assert (venue.filled(first), venue.filled(second, "bob")) == (10, 0)
    venue.sold(1000, 1)
    assert venue.filled(second, "bob") == 1


def test_cancellations_shorten_the_queue_in_proportion(venue: Venue) -> None:
    order = venue.buy(1000, 10)
    venue.quote(1000, 20, 1002, 10)

    venue.quote(1000, 10, 1002, 10)

    venue.sold(1000, 5)
    assert venue.filled(order) == 0
    venue.sold(1000, 1)
    assert venue.filled(order) == 1


def test_cancellations_behind_leave_the_queue_as_long_as_possible(
    make_venue: Callable[..., Venue],
) -> None:
    venue = make_venue(queue=QueueRules(cancel_share=CancelShare.BEHIND))
    venue.quote(1000, 10, 1002, 10)
    order = venue.buy(1000, 10)
    venue.quote(1000, 20, 1002, 10)
    venue.quote(1000, 10, 1002, 10)
    venue.sold(1000, 10)
    assert venue.filled(order) == 0

    venue.sold(1000, 1)

    assert venue.filled(order) == 1


def test_nobody_is_ahead_beyond_what_is_displayed(make_venue: Callable[..., Venue]) -> None:
    venue = make_venue(queue=QueueRules(cancel_share=CancelShare.BEHIND))
    venue.quote(1000, 10, 1002, 10)
    order = venue.buy(1000, 10)
    venue.quote(1000, 4, 1002, 10)

    venue.sold(1000, 5)

    assert venue.filled(order) == 1


def test_reduction_that_prints_explain_is_not_counted_twice(venue: Venue) -> None:
    order = venue.buy(1000, 10)
    venue.sold(1000, 4)
    venue.quote(1000, 6, 1002, 10)

    venue.sold(1000, 6)
    assert venue.filled(order) == 0
    venue.sold(1000, 1)
    assert venue.filled(order) == 1


def test_print_stays_an_explanation_while_only_the_other_side_changes(venue: Venue) -> None:
    order = venue.buy(1000, 10)
    venue.sold(1000, 4)
    venue.quote(1000, 10, 1003, 10)
    venue.quote(1000, 6, 1003, 10)

    venue.sold(1000, 6)

    assert venue.filled(order) == 0


def test_touch_that_leaves_a_price_leaves_nobody_ahead(venue: Venue) -> None:
    order = venue.buy(1000, 10)
    venue.quote(999, 50, 1002, 10)

    venue.sold(1000, 1)

    assert venue.filled(order) == 1


def test_depth_gives_the_queue_below_the_touch(venue: Venue) -> None:
    venue.depth(bids=((999, 8), (998, 30)))
    order = venue.buy(998, 10)
    venue.depth(bids=((998, 15),))

    venue.sold(998, 15)
    assert venue.filled(order) == 0
    venue.sold(998, 2)
    assert venue.filled(order) == 2


def test_unknown_price_is_first_in_line_unless_told_otherwise(
    venue: Venue, make_venue: Callable[..., Venue]
) -> None:
    careful = make_venue(queue=QueueRules(unknown_ahead_lots=5))
    careful.quote(1000, 10, 1002, 10)
    for spoken, filled in ((venue, 6), (careful, 1)):
        order = spoken.buy(990, 10)

        spoken.sold(990, 6)

        assert spoken.filled(order) == filled


def test_order_inside_the_spread_has_nobody_ahead(venue: Venue) -> None:
    order = venue.buy(1001, 10)

    venue.sold(1001, 3)

    assert venue.filled(order) == 3


def test_crossing_quote_fills_each_displayed_lot_once(venue: Venue) -> None:
    order = venue.buy(1000, 10)

    venue.quote(998, 10, 999, 4)
    assert venue.filled(order) == 4
    assert venue.see(order).filled_quote == venue.instrument.notional(1000, 4)
    venue.quote(997, 10, 999, 4)
    assert venue.filled(order) == 4
    venue.quote(997, 10, 999, 5)
    assert venue.filled(order) == 9


def test_touching_quote_crosses_too_and_the_best_price_fills_first(venue: Venue) -> None:
    low, high = venue.sell(1002, 10), venue.sell(1003, 10, account="bob")

    venue.quote(1003, 15, 1004, 1)

    assert (venue.filled(low), venue.filled(high, "bob")) == (10, 5)


def test_crossing_depth_fills_from_several_levels(venue: Venue) -> None:
    order = venue.buy(1000, 20)

    venue.depth(bids=((1000, 0),), asks=((999, 4), (1000, 5), (1001, 6)))

    assert venue.filled(order) == 9


def test_taker_walks_depth_and_participants_in_order_of_price(venue: Venue) -> None:
    venue.depth(asks=((1003, 4), (1005, 9)))
    maker = venue.sell(1004, 5, account="bob")

    taker = venue.buy(1005, 20)

    assert taker.status is OrderStatus.FILLED
    assert venue.filled(maker, "bob") == 5
    prices = [trade.price_ticks for trade in venue.exchange.trades("ann", "BTCUSDT")]
    assert prices == [1002, 1003, 1004, 1005]


def test_taker_meets_the_external_queue_before_the_participant_behind_it(venue: Venue) -> None:
    maker = venue.sell(1002, 5, account="bob")

    venue.buy(1002, 10)
    assert venue.filled(maker, "bob") == 0
    venue.buy(1002, 5)
    assert venue.filled(maker, "bob") == 5


def test_participant_who_takes_from_the_queue_shortens_it(venue: Venue) -> None:
    maker = venue.sell(1002, 5, account="bob")
    venue.buy(1002, 6)

    venue.bought(1002, 5)

    assert venue.filled(maker, "bob") == 1


def test_what_was_taken_comes_back_only_with_news(venue: Venue) -> None:
    assert venue.buy(1002, 10, time_in_force=TimeInForce.IOC).filled_lots == 10

    for bid in (1000, 999):
        venue.quote(bid, 10, 1002, 10)
        assert venue.buy(1002, 10, time_in_force=TimeInForce.IOC).filled_lots == 0
    venue.quote(999, 10, 1002, 6)
    assert venue.buy(1002, 10, time_in_force=TimeInForce.IOC).filled_lots == 6


def test_taken_depth_comes_back_when_the_level_is_stated_anew(venue: Venue) -> None:
    venue.depth(asks=((1003, 5),))
    assert venue.buy(None, 15).filled_lots == 15

    venue.depth(asks=((1003, 5),))
    assert venue.buy(None, 5).filled_lots == 0
    venue.depth(asks=((1003, 7),))
    assert venue.buy(None, 5).filled_lots == 5


def test_taken_depth_comes_back_when_the_touch_went_through_and_returned(venue: Venue) -> None:
    venue.depth(asks=((1003, 5),))
    venue.buy(None, 10)
    venue.quote(1000, 10, 1003, 5)

    venue.quote(1000, 10, 1002, 10)

    assert venue.buy(1002, 10).filled_lots == 10


def test_removed_touch_gives_way_to_the_next_level(venue: Venue) -> None:
    venue.depth(asks=((1003, 5), (1002, 0)))

    order = venue.buy(1002, 10, time_in_force=TimeInForce.GTX)

    assert order.status is OrderStatus.NEW
    assert venue.refusal(lambda: venue.buy(1003, 10, time_in_force=TimeInForce.GTX)).code == -5022


def test_without_depth_only_the_touch_can_be_taken(venue: Venue) -> None:
    order = venue.buy(None, 15)

    assert (order.status, order.filled_lots) == (OrderStatus.EXPIRED, 10)


def test_quote_hides_stale_depth_that_is_better_than_its_touch(venue: Venue) -> None:
    venue.depth(asks=((1003, 5),))
    venue.quote(1000, 10, 1003, 5)

    order = venue.buy(None, 20)

    assert order.filled_lots == 5


def test_empty_side_cannot_be_taken_nor_crossed(venue: Venue) -> None:
    venue.quote(1000, 10, 1002, 0)

    assert venue.buy(1010, 5, time_in_force=TimeInForce.GTX).status is OrderStatus.NEW
    assert venue.buy(None, 6).status is OrderStatus.EXPIRED


@pytest.mark.parametrize(("lots", "status"), [(16, "FILLED"), (17, "EXPIRED")])
def test_fok_fills_whole_or_not_at_all(venue: Venue, lots: int, status: str) -> None:
    venue.sell(1002, 6, account="bob")

    order = venue.buy(1002, lots, time_in_force=TimeInForce.FOK)

    assert order.status == status
    assert order.filled_lots == (16 if status == "FILLED" else 0)


def test_known_levels_are_bounded(venue: Venue) -> None:
    for far in range(20_000):
        venue.depth(asks=((1003 + far, 5),))

    external = venue.exchange._books["BTCUSDT"].asks.external
    assert len(external.keys_within(2**61)) <= 4_000
    assert external.keys_within(2**61)[:3] == [1002, 1003, 1004]
