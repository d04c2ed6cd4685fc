"""Isolated margin, brackets and liquidation."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grinder.model.order import PositionSide
from grinder.simulation.bracket_tables import ALTCOIN, BTCUSDT, OWN, QUARTERLY, brackets_of
from grinder.simulation.brackets import Bracket, maintenance_e8, notional_max
from grinder.simulation.reports import AccountReport, Execution, OrderReport

if TYPE_CHECKING:
    from simulation.conftest import Venue

LONG, SHORT = PositionSide.LONG, PositionSide.SHORT


TABLES = (*OWN.values(), QUARTERLY, ALTCOIN)


@given(st.sampled_from(TABLES), st.integers(0, 2 * 10**17), st.integers(0, 2 * 10**17))
def test_maintenance_margin_never_falls_with_the_value(
    brackets: tuple[Bracket, ...], one: int, other: int
) -> None:
    smaller, larger = sorted((one, other))

    assert maintenance_e8(brackets, smaller) <= maintenance_e8(brackets, larger)


@pytest.mark.parametrize("brackets", TABLES)
def test_brackets_meet_at_their_borders(brackets: tuple[Bracket, ...]) -> None:
    for below, above in pairwise(brackets):
        border = maintenance_e8(brackets, below.cap * 10**8)

        assert (below.cap, below.number + 1) == (above.floor, above.number)
        assert below.leverage_max > above.leverage_max
        assert 0 <= maintenance_e8(brackets, below.cap * 10**8 + 1) - border <= 1


@pytest.mark.parametrize(
    ("symbol", "last", "cum"),
    [
        ("BTCUSDT", 1_800_000_000, "421481450"),
        ("ETHUSDT", 1_200_000_000, "280506450"),
        ("BTCUSDC", 1_000_000_000, "288402550"),
        ("ETHUSDC", 800_000_000, "182804300"),
        ("1000PEPEUSDT", 100_000_000, "16682070"),
        ("BTCUSDT_250627", 120_000_000, "12461750"),
        ("SOLUSDT", 50_000_000, "10062545"),
    ],
)
def test_amounts_that_the_venue_published_follow_from_the_rates(
    symbol: str, last: int, cum: str
) -> None:
    top = brackets_of(symbol)[-1]

    assert (top.cap, top.leverage_max, top.cum) == (last, 1, Decimal(cum))


@pytest.mark.parametrize(("leverage", "most"), [(125, 50_000), (101, 50_000), (20, 100_000_000)])
def test_leverage_bounds_the_value_of_a_position(leverage: int, most: int) -> None:
    assert notional_max(BTCUSDT, leverage) == most


def test_leverage_is_bounded_by_the_symbol(make_venue: Callable[..., Venue]) -> None:
    altcoin = make_venue(symbol="SOLUSDT")

    altcoin.exchange.set_leverage("ann", "SOLUSDT", 75)
    none = altcoin.refusal(lambda: altcoin.exchange.set_leverage("ann", "SOLUSDT", 0))
    more = altcoin.refusal(lambda: altcoin.exchange.set_leverage("ann", "SOLUSDT", 76))

    assert (none.code, more.code) == (-4028, -4028)
    assert altcoin.exchange.leverage("ann", "SOLUSDT") == 75


def test_leverage_that_position_or_margin_do_not_allow_is_refused(
    make_venue: Callable[..., Venue],
) -> None:
    venue = make_venue(balance=6_000)
    venue.mark("100")
    venue.quote(1000, 100_000, 1001, 100_000)
    venue.buy(1000, 60_000)

    too_large = venue.refusal(lambda: venue.exchange.set_leverage("ann", "BTCUSDT", 125))
    too_dear = venue.refusal(lambda: venue.exchange.set_leverage("ann", "BTCUSDT", 9))

    assert (too_large.code, too_dear.code) == (-2027, -2028)
    assert venue.exchange.leverage("ann", "BTCUSDT") == 20
    venue.exchange.set_leverage("ann", "BTCUSDT", 10)


def test_position_larger_than_the_leverage_allows_is_refused(
    make_venue: Callable[..., Venue],
) -> None:
    venue = make_venue(balance=10**9)
    venue.exchange.set_leverage("ann", "BTCUSDT", 125)

    refusal = venue.refusal(lambda: venue.buy(1000, 50_002))

    assert refusal.code == -2027
    venue.buy(1000, 50_000)


def test_margin_type_changes_only_without_orders_and_positions(venue: Venue) -> None:
    def change(is_isolated: bool = True) -> int:
        return venue.refusal(
            lambda: venue.exchange.set_isolated("ann", "BTCUSDT", is_isolated)
        ).code

    order = venue.buy(990, 6)
    codes = [change(False), change()]
    venue.cancel(order)
    venue.buy(None, 6)
    codes.append(change())

    assert codes == [-4046, -4047, -4048]


def test_isolated_position_sets_its_margin_apart_and_gives_it_back(venue: Venue) -> None:
    venue.exchange.set_isolated("ann", "BTCUSDT", True)
    venue.exchange.set_leverage("ann", "BTCUSDT", 10)
    venue.mark("100")
    venue.buy(None, 10)

    state, balance = venue.exchange.position("ann", "BTCUSDT"), venue.exchange.balance("ann")
    assert (state.is_isolated, state.isolated_wallet) == (True, Decimal("1.002"))
    assert balance.cross_wallet == balance.wallet - Decimal("1.002")
    assert balance.available == balance.cross_wallet
    lower = venue.refusal(lambda: venue.exchange.set_leverage("ann", "BTCUSDT", 5))
    assert lower.code == -4161

    venue.sell(None, 5)
    assert venue.exchange.position("ann", "BTCUSDT").isolated_wallet == Decimal("0.501")
    venue.sell(None, 5)
    balance = venue.exchange.balance("ann")
    assert balance.cross_wallet == balance.wallet == balance.available


def test_isolated_funding_is_paid_from_what_is_set_apart(venue: Venue) -> None:
    venue.exchange.set_isolated("ann", "BTCUSDT", True)
    venue.mark("100", "0.01", 2_000)
    venue.buy(None, 10)
    before = venue.exchange.position("ann", "BTCUSDT").isolated_wallet
    venue.exchange.drain()

    venue.exchange.advance(2_000)

    (told,) = venue.exchange.drain()
    assert isinstance(told, AccountReport)
    assert told.positions[0].isolated_wallet == before - Decimal("0.10")


@pytest.fixture
def risky(make_venue: Callable[..., Venue]) -> Venue:
    venue = make_venue(balance=100, can_liquidate=True, multiplier_down=Decimal("0.01"))
    venue.quote(1000, 10_000, 1002, 10_000)
    venue.mark("100")
    return venue


def forced(venue: Venue) -> list[OrderReport]:
    return [
        event
        for event in venue.exchange.drain()
        if isinstance(event, OrderReport) and event.order.client_order_id.startswith("autoclose-")
    ]


def test_crossed_position_is_liquidated_when_the_account_has_no_margin(risky: Venue) -> None:
    risky.buy(None, 1_000)
    resting = risky.buy(900, 100)
    risky.exchange.drain()
    risky.mark("91")
    assert risky.held() == 1_000

    risky.quote(905, 300, 907, 10)
    risky.mark("90.4")

    told = forced(risky)
    assert [event.execution for event in told][:2] == [Execution.NEW, Execution.CALCULATED]
    assert told[-1].order.status == "FILLED"
    assert told[1].last_price == Decimal("90.5")
    assert (risky.held(), risky.see(resting).status) == (0, "CANCELED")
    ledger, wallet = risky.exchange.ledger("ann"), risky.exchange.balance("ann").wallet
    assert wallet == ledger.start + ledger.realised - ledger.commission + ledger.insurance
    assert wallet >= 0


def test_loss_beyond_the_margin_is_paid_by_the_venue(risky: Venue) -> None:
    risky.sell(None, 1_000)
    risky.quote(1300, 10, 1302, 10)

    risky.mark("130")

    balance, ledger = risky.exchange.balance("ann"), risky.exchange.ledger("ann")
    assert balance.wallet == 0
    assert risky.held() == 0
    assert ledger.insurance > 0
    assert "INSURANCE_CLEAR" in {row.type for row in risky.exchange.income("ann")}


def test_isolated_liquidation_leaves_the_rest_of_the_account_alone(risky: Venue) -> None:
    risky.exchange.set_isolated("ann", "BTCUSDT", True)
    risky.exchange.set_hedged("ann", True)
    risky.buy(None, 500, position_side=LONG)
    risky.sell(None, 100, position_side=SHORT)
    apart = risky.exchange.position("ann", "BTCUSDT", LONG).isolated_wallet
    before = risky.exchange.balance("ann").wallet

    risky.quote(940, 10, 942, 10)
    risky.mark("94")

    assert risky.exchange.position("ann", "BTCUSDT", LONG).qty_lots == 0
    assert risky.exchange.position("ann", "BTCUSDT", SHORT).qty_lots == -100
    assert risky.exchange.balance("ann").wallet == before - apart


def test_without_leave_to_liquidate_a_wallet_may_become_negative(venue: Venue) -> None:
    venue.mark("100")
    venue.buy(None, 10)

    venue.mark("0.1")

    assert venue.held() == 10
