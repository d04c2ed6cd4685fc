"""Commission by account, and the break-even price that comes of it."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

from grinder.errors import InvariantError
from grinder.model.fees import FEE_TIERS, FeeRates
from grinder.simulation.reports import Execution, OrderReport

if TYPE_CHECKING:
    from simulation.conftest import Venue


def paid(venue: Venue, account: str) -> list[Decimal]:
    return [
        event.commission
        for event in venue.exchange.drain()
        if isinstance(event, OrderReport)
        and (event.account, event.execution) == (account, Execution.TRADE)
    ]


def test_higher_levels_never_pay_more() -> None:
    assert len(FEE_TIERS) == 10
    for lower, higher in pairwise(FEE_TIERS):
        assert higher.maker < lower.maker < lower.taker
        assert higher.taker < lower.taker


@pytest.mark.parametrize(
    ("tier", "maker", "taker"),
    [(0, "0.0002", "0.0005"), (3, "0.00012", "0.00032"), (9, "0", "0.00017")],
)
def test_each_side_of_a_fill_pays_the_rate_of_its_account(
    venue: Venue, tier: int, maker: str, taker: str
) -> None:
    venue.exchange.open_account("cyd", Decimal(1_000), fee_tier=tier)
    venue.sell(1001, 10, "ann")

    venue.buy(1001, 10, "cyd")
    taken = paid(venue, "cyd")
    venue.sell(1001, 10, "cyd")
    venue.buy(1001, 10, "ann")

    assert taken == [Decimal(taker) * Decimal("10.01")]
    assert paid(venue, "cyd") == [Decimal(maker) * Decimal("10.01")]
    total = (Decimal(maker) + Decimal(taker)) * Decimal("10.01")
    assert venue.exchange.ledger("cyd").commission == total


def test_own_rates_win_over_the_level_and_count_from_the_next_fill(venue: Venue) -> None:
    venue.buy(None, 10)
    before = paid(venue, "ann")
    venue.exchange.set_fees("ann", 5, FeeRates(maker=Decimal("-0.0001"), taker=Decimal("0.001")))
    venue.sell(None, 10)

    assert (before, paid(venue, "ann")) == ([Decimal("0.00501")], [Decimal("0.01")])
    assert venue.exchange.fees("ann")[1] == 5
    with pytest.raises(InvariantError):
        venue.exchange.set_fees("ann", 10)


def test_break_even_price_is_the_recorded_one(make_venue: Callable[..., Venue]) -> None:
    venue = make_venue(lot=Decimal("0.001"), price_ticks_max=2_000_000)
    venue.quote(917_398, 10, 917_399, 10)

    venue.buy(None, 2)

    state = venue.exchange.position("ann", "BTCUSDT")
    assert (state.entry_price, state.break_even) == (Decimal("91739.9"), Decimal("91785.76995"))


def test_break_even_price_of_a_short_lies_below_its_entry(venue: Venue) -> None:
    venue.sell(None, 10)

    state = venue.exchange.position("ann", "BTCUSDT")
    assert (state.entry_price, state.break_even) == (Decimal(100), Decimal("99.95"))


def test_closing_takes_its_share_of_the_opening_commission(venue: Venue) -> None:
    venue.buy(None, 10)
    whole = venue.exchange.position("ann", "BTCUSDT").break_even
    venue.sell(None, 5)
    half = venue.exchange.position("ann", "BTCUSDT").break_even
    venue.sell(None, 5)
    flat = venue.exchange.position("ann", "BTCUSDT").break_even

    assert (whole, half, flat) == (Decimal("100.2501"), Decimal("100.2501"), Decimal(0))


def test_a_position_that_turns_has_paid_only_for_what_it_opened(venue: Venue) -> None:
    venue.buy(None, 6)
    venue.sell(None, 12)

    state = venue.exchange.position("ann", "BTCUSDT")
    assert (state.qty, state.break_even) == (Decimal("-0.04"), Decimal("99.95"))
