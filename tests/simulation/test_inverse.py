"""Contracts whose money is the base coin: profit, margin, funding, and that nothing gets lost."""

from __future__ import annotations

from decimal import ROUND_CEILING, ROUND_HALF_EVEN, Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grinder.model.fees import FeeRates
from grinder.model.instrument import Instrument
from grinder.model.order import OrderType, PositionSide, Side
from grinder.simulation.exchange import Exchange
from grinder.simulation.orders import NewOrder
from grinder.simulation.refusals import Refusal, Rule
from grinder.simulation.scales import InverseScale, scale_of

SYMBOL = "BTCUSD_PERP"
INSTRUMENT = Instrument(
    symbol=SYMBOL,
    base_asset="BTC",
    quote_asset="USD",
    tick=Decimal("0.1"),
    lot=Decimal(1),
    contract_size=Decimal(100),
)
OTHER = Instrument(
    symbol="ETHUSD_PERP",
    base_asset="ETH",
    quote_asset="USD",
    tick=Decimal("0.01"),
    lot=Decimal(1),
    contract_size=Decimal(10),
)
START = Decimal(1)
FEES = FeeRates()
E8 = Decimal("1e-8")


class Coins:
    """An exchange of two inverse contracts with the account ``ann``."""

    def __init__(self, *, can_liquidate: bool = False) -> None:
        self.exchange = Exchange(
            {SYMBOL: INSTRUMENT, OTHER.symbol: OTHER}, can_liquidate=can_liquidate
        )
        self.exchange.open_account("ann", {"BTC": START, "ETH": Decimal(10)})

    def at(self, ticks: int) -> None:
        """State a quote at ``ticks`` and the tick above, and the mark price there."""
        self.exchange.quote(SYMBOL, ticks, 10**6, ticks + 1, 10**6, 0)
        self.exchange.mark(SYMBOL, INSTRUMENT.price(ticks), None, Decimal(0), 0, 0)

    def market(self, lots: int) -> None:
        """Buy ``lots`` contracts, or sell when negative."""
        side = Side.BUY if lots > 0 else Side.SELL
        new = NewOrder(symbol=SYMBOL, side=side, type=OrderType.MARKET, qty=Decimal(abs(lots)))
        self.exchange.place("ann", new, 0)


@pytest.fixture
def coins() -> Coins:
    return Coins()


def test_profit_is_contracts_times_size_times_the_difference_of_reciprocals(coins: Coins) -> None:
    coins.at(500_000)
    coins.market(-10)
    coins.at(400_000)
    coins.market(10)

    # 10 x 100 x (1 / 40000.1 - 1 / 50000), short: what fell in price gained coin.
    bought, sold = coins.exchange.trades("ann", SYMBOL)[::-1]
    assert (sold.price, bought.price) == (Decimal(50_000), Decimal("40000.1"))
    assert bought.realised_profit == Decimal("0.00499994")
    assert (bought.commission, bought.commission_asset) == (Decimal("0.00001250"), "BTC")


def test_a_position_is_valued_in_coin(coins: Coins) -> None:
    coins.at(500_000)
    coins.market(20)
    coins.at(625_000)

    state = coins.exchange.position("ann", SYMBOL)
    margins = coins.exchange.margins("ann", SYMBOL, PositionSide.BOTH)
    balance = coins.exchange.balance("ann", "BTC")
    assert state.entry_price == Decimal("50000.1")
    # 2000 x (1 / 50000.1 - 1 / 62500)
    assert state.unrealised == balance.unrealised == Decimal("0.00799992")
    assert margins.value == Decimal("0.032")
    assert margins.position == Decimal("0.0016")
    assert coins.exchange.balance("ann", "ETH").unrealised == 0


def test_the_average_of_an_order_is_the_harmonic_mean(coins: Coins) -> None:
    coins.exchange.depth(SYMBOL, (), ((400_000, 1), (500_000, 1)), 0)
    coins.market(2)

    order = coins.exchange.orders("ann", SYMBOL)[0]
    assert order.filled_quote == Decimal("0.0045")
    assert order.average_price == Decimal("44444.44444444")


def test_funding_is_paid_in_coin(coins: Coins) -> None:
    coins.at(500_000)
    coins.market(10)
    coins.exchange.mark(SYMBOL, Decimal(50_000), None, Decimal("0.0001"), 1_000, 0)
    coins.exchange.advance(1_000)

    # 10 x 100 / 50000 x 0.0001
    assert coins.exchange.ledger("ann", "BTC").funding == Decimal("-0.00000200")
    assert coins.exchange.ledger("ann", "ETH").funding == 0


def test_margin_is_of_the_coin_alone(coins: Coins) -> None:
    coins.at(500_000)
    new = NewOrder(symbol=SYMBOL, side=Side.BUY, price=Decimal(50_000), qty=Decimal(10_100))

    # 1,010,000 USD are 20.2 BTC; a twentieth of them is more than one.
    with pytest.raises(Refusal) as caught:
        coins.exchange.place("ann", new, 0)
    assert caught.value.rule is Rule.MARGIN
    assert coins.exchange.balance("ann", "ETH").available == 10


@pytest.mark.parametrize("lots", [3_000, -3_000])
def test_a_position_is_liquidated_where_it_was_told(lots: int) -> None:
    coins = Coins(can_liquidate=True)
    coins.at(500_000)
    coins.market(lots)
    told = coins.exchange.liquidation_price("ann", SYMBOL, PositionSide.BOTH)
    assert (told < 50_000) is (lots > 0)
    step = 1 if lots > 0 else -1

    near = int(told / INSTRUMENT.tick) + 20 * step
    coins.exchange.mark(SYMBOL, INSTRUMENT.price(near), None, Decimal(0), 0, 0)
    assert coins.exchange.position("ann", SYMBOL).qty_lots == lots
    coins.exchange.mark(SYMBOL, INSTRUMENT.price(near - 40 * step), None, Decimal(0), 0, 0)

    assert coins.exchange.position("ann", SYMBOL).qty_lots == 0
    assert coins.exchange.balance("ann", "BTC").wallet >= 0


def test_a_short_of_its_own_coin_can_not_be_liquidated(coins: Coins) -> None:
    coins.at(500_000)
    coins.exchange.set_leverage("ann", SYMBOL, 1)
    coins.market(-400)

    # 0.8 BTC owed against more than one: no price makes it more.
    assert coins.exchange.liquidation_price("ann", SYMBOL, PositionSide.BOTH) == 0


@given(ticks=st.integers(1, 10**7), lots=st.integers(-(10**6), 10**6).filter(bool))
def test_prices_come_back_from_costs(ticks: int, lots: int) -> None:
    scale = scale_of(INSTRUMENT)
    assert isinstance(scale, InverseScale)
    cost = scale.weight(ticks) * lots

    assert scale.entry_price(cost, lots) == INSTRUMENT.price(ticks)
    assert scale.weight(ticks) < 0 < scale.worth(ticks)
    assert scale.weight(ticks) < scale.weight(ticks + 1)


class Model:
    """The same account in fractions: nothing is rounded but profit and commission, to 1e-8."""

    def __init__(self) -> None:
        self.lots = 0
        self.cost = Fraction(0)
        self.wallet = START

    def fill(self, lots: int, price: Decimal) -> None:
        worth = Fraction(100) / Fraction(price)
        self.wallet -= rounded(abs(lots) * worth * Fraction(FEES.taker), ROUND_CEILING)
        held = self.lots
        self.lots += lots
        if held * lots >= 0:
            self.cost += lots * worth
            return
        closed = min(abs(held), abs(lots)) * (1 if held > 0 else -1)
        share = self.cost * closed / held
        profit = rounded(share - closed * worth, ROUND_HALF_EVEN)
        self.wallet += profit
        if abs(lots) < abs(held):
            # What rounding leaves stays in the cost of what is still held.
            self.cost -= closed * worth + Fraction(profit)
        else:
            self.cost = self.lots * worth


def rounded(value: Fraction, rounding: str) -> Decimal:
    scaled = value * 10**8
    whole = scaled.numerator // scaled.denominator
    rest = scaled - whole
    up = rest > 0 if rounding == ROUND_CEILING else rest > Fraction(1, 2)
    if rounding == ROUND_HALF_EVEN and rest == Fraction(1, 2):
        up = whole % 2 == 1
    return (whole + up) * E8


@given(
    fills=st.lists(
        st.tuples(st.integers(100_000, 900_000), st.integers(-20, 20).filter(bool)), max_size=30
    )
)
def test_the_wallet_is_that_of_a_model_in_fractions(fills: list[tuple[int, int]]) -> None:
    coins, model = Coins(), Model()
    for ticks, lots in fills:
        coins.at(ticks)
        coins.market(lots)
        model.fill(lots, INSTRUMENT.price(ticks + (lots > 0)))

        ledger = coins.exchange.ledger("ann", "BTC")
        wallet = coins.exchange.balance("ann", "BTC").wallet
        assert wallet == model.wallet == START + ledger.realised - ledger.commission
        assert coins.exchange.position("ann", SYMBOL).qty_lots == model.lots
    assert coins.exchange.balance("ann", "ETH").wallet == 10


@given(
    fills=st.lists(
        st.tuples(st.integers(300_000, 900_000), st.integers(1, 20), st.booleans()), max_size=30
    )
)
def test_two_participants_lose_nothing_but_commission(fills: list[tuple[int, int, bool]]) -> None:
    exchange = Exchange({SYMBOL: INSTRUMENT})
    names = ("ann", "bob")
    for name in names:
        exchange.open_account(name, {"BTC": Decimal(100)})
    last = 0
    for ticks, lots, ann_buys in [*fills]:
        buyer, seller = names if ann_buys else names[::-1]
        meet(exchange, buyer, seller, ticks, lots)
        last = ticks
    held = exchange.position("ann", SYMBOL).qty_lots
    if held:
        buyer, seller = ("bob", "ann") if held > 0 else ("ann", "bob")
        meet(exchange, buyer, seller, last, abs(held))

    flats = 1 + len(fills)
    ledgers = [exchange.ledger(name, "BTC") for name in names]
    assert {exchange.position(name, SYMBOL).qty_lots for name in names} == {0}
    # Each profit is rounded once: what one gains the other loses but for half of 1e-8 each time.
    assert abs(sum((each.realised for each in ledgers), Decimal(0))) <= flats * E8
    for name, ledger in zip(names, ledgers, strict=True):
        wallet = exchange.balance(name, "BTC").wallet
        assert wallet == ledger.start + ledger.realised - ledger.commission


def meet(exchange: Exchange, buyer: str, seller: str, ticks: int, lots: int) -> None:
    """Let one sell to the other at a price."""
    for name, side in ((seller, Side.SELL), (buyer, Side.BUY)):
        new = NewOrder(symbol=SYMBOL, side=side, price=INSTRUMENT.price(ticks), qty=Decimal(lots))
        exchange.place(name, new, 0)
