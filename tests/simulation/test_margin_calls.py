"""Margin calls: when the venue warns, about what, and how often."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from grinder.simulation.reports import MarginCallReport, OrderReport

if TYPE_CHECKING:
    from simulation.conftest import Venue


@pytest.fixture
def held(make_venue: Callable[..., Venue]) -> Venue:
    """An account with 10 in its wallet and a book deep enough to buy 1 BTC at 100.2."""
    venue = make_venue(balance=10, can_liquidate=True, multiplier_down=Decimal("0.01"))
    venue.quote(1000, 10_000, 1002, 10_000)
    venue.mark("100")
    return venue


def calls(venue: Venue) -> list[MarginCallReport]:
    return [each for each in venue.exchange.drain() if isinstance(each, MarginCallReport)]


def marked(venue: Venue, *prices: str) -> list[int]:
    """Return how many margin calls each of the marks brought."""
    found = []
    for price in prices:
        venue.mark(price)
        found.append(len(calls(venue)))
    return found


def test_crossed_positions_are_called_at_four_fifths_of_their_margin(held: Venue) -> None:
    held.buy(None, 100)
    held.mark("91")
    before = calls(held)

    held.mark("90.7")

    (call,) = calls(held)
    (position,) = call.positions
    equity = held.exchange.balance("ann").wallet + position.state.unrealised
    assert before == []
    assert Decimal("0.8") <= position.state.maintenance / equity < 1
    assert call.cross_wallet == held.exchange.balance("ann").cross_wallet
    assert (position.mark_price, position.state.qty) == (Decimal("90.7"), Decimal(1))


def test_call_is_not_repeated_until_the_margin_was_enough_again(held: Venue) -> None:
    held.buy(None, 100)

    assert marked(held, "91", "90.7", "90.71", "90.75", "90.7", "91", "90.7") == [
        0,
        1,
        0,
        0,
        0,
        0,
        1,
    ]


def test_isolated_position_is_called_by_its_own_margin(held: Venue) -> None:
    held.exchange.set_isolated("ann", "BTCUSDT", True)
    held.buy(None, 100)
    held.exchange.drain()

    held.mark("95.65")

    (call,) = calls(held)
    (position,) = call.positions
    state = position.state
    assert call.cross_wallet is None
    assert state.is_isolated
    assert Decimal("0.8") <= state.maintenance / (state.isolated_wallet + state.unrealised) < 1


def test_a_jump_into_liquidation_is_called_first(held: Venue) -> None:
    held.buy(None, 100)
    held.exchange.drain()

    held.mark("80")

    told = held.exchange.drain()
    assert isinstance(told[0], MarginCallReport)
    assert any(isinstance(each, OrderReport) for each in told[1:])
    assert marked(held, "80", "79") == [0, 0]


def test_venue_that_does_not_liquidate_does_not_call(make_venue: Callable[..., Venue]) -> None:
    venue = make_venue(balance=10)
    venue.quote(1000, 10_000, 1002, 10_000)
    venue.buy(None, 100)

    venue.mark("90.7")

    assert calls(venue) == []
