"""Two assets in place of a position: what is locked, paid, received, and that nothing gets lost."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from grinder.model.fees import FeeRates
from grinder.model.instrument import Instrument
from grinder.model.order import OrderStatus, OrderType, Side, TimeInForce
from grinder.simulation.orders import NewOrder, Order, SelfTradePrevention
from grinder.simulation.refusals import Refusal, Rule
from grinder.simulation.reports import AccountReport, Execution, OrderReport, OwnTrade
from grinder.simulation.spot import SpotExchange

SYMBOL = "BTCUSDT"
INSTRUMENT = Instrument(
    symbol=SYMBOL,
    base_asset="BTC",
    tick=Decimal("0.01"),
    lot=Decimal("0.00001"),
    is_banded=True,
    multiplier_up=Decimal(5),
    multiplier_down=Decimal("0.2"),
)
FINE = Instrument(
    symbol="ETHBTC",
    base_asset="ETH",
    quote_asset="BTC",
    tick=Decimal("0.00001"),
    lot=Decimal("0.0001"),
)
"""Its price x quantity may be finer than 1e-8."""
FUNDS = {"USDT": Decimal(1_000), "BTC": Decimal("0.5"), "ETH": Decimal(2)}
RATE = Decimal("0.001")


class Spot:
    """A spot exchange with the accounts ``ann`` and ``bob``; bid 100.00, ask 100.02."""

    def __init__(self) -> None:
        self.exchange = SpotExchange(
            {SYMBOL: INSTRUMENT, FINE.symbol: FINE}, fees=FeeRates(maker=RATE, taker=RATE)
        )
        for name in ("ann", "bob"):
            self.exchange.open_account(name, FUNDS)
        self.exchange.quote(SYMBOL, 10_000, 10**6, 10_002, 10**6, 0)

    def place(self, side: Side, price: str | None, qty: str, **fields: Any) -> Order:
        new = NewOrder(
            symbol=SYMBOL,
            side=side,
            type=OrderType.LIMIT if price else OrderType.MARKET,
            price=Decimal(price) if price else None,
            qty=Decimal(qty),
            **fields,
        )
        return self.exchange.place("ann", new, 0)

    def funds(self, asset: str) -> tuple[Decimal, Decimal]:
        """Return what ann has free and locked."""
        balance = self.exchange.balance("ann", asset)
        assert balance.available == balance.wallet - balance.locked
        return balance.available, balance.locked

    def refused(self, rule: Rule, side: Side, price: str | None, qty: str, **fields: Any) -> None:
        with pytest.raises(Refusal) as caught:
            self.place(side, price, qty, **fields)
        assert caught.value.rule is rule


@pytest.fixture
def spot() -> Spot:
    return Spot()


def test_a_buy_locks_quote_and_a_sell_locks_base(spot: Spot) -> None:
    spot.place(Side.BUY, "90", "2")
    spot.place(Side.SELL, "110", "0.2")

    assert spot.funds("USDT") == (Decimal(820), Decimal(180))
    assert spot.funds("BTC") == (Decimal("0.3"), Decimal("0.2"))
    spot.exchange.cancel_all("ann", SYMBOL, 0)
    assert spot.funds("USDT")[1] == spot.funds("BTC")[1] == 0


def test_commission_is_taken_from_what_is_received(spot: Spot) -> None:
    spot.place(Side.BUY, None, "0.1")
    spot.place(Side.SELL, None, "0.1")

    bought, sold = spot.exchange.trades("ann", SYMBOL)
    assert (bought.commission, bought.commission_asset) == (Decimal("0.0001"), "BTC")
    assert (sold.commission, sold.commission_asset) == (Decimal("0.01"), "USDT")
    assert spot.funds("USDT")[0] == 1000 - Decimal("10.002") + Decimal("9.99")
    assert spot.funds("BTC")[0] == Decimal("0.4999")


def test_a_better_price_gives_the_difference_back(spot: Spot) -> None:
    order = spot.place(Side.BUY, "105", "1")

    assert order.status is OrderStatus.FILLED
    assert spot.funds("USDT") == (1000 - Decimal("100.02"), Decimal(0))


@pytest.mark.parametrize(
    ("side", "price", "qty"),
    [
        (Side.BUY, "99", "10.2"),
        (Side.SELL, "110", "0.50001"),
        (Side.BUY, None, "9.99801"),
        (Side.SELL, None, "0.50001"),
    ],
)
def test_nobody_spends_more_than_is_free(
    spot: Spot, side: Side, price: str | None, qty: str
) -> None:
    spot.refused(Rule.MARGIN, side, price, qty)


def test_a_market_order_may_spend_all(spot: Spot) -> None:
    spot.place(Side.BUY, None, "9.998")

    assert Decimal(0) <= spot.funds("USDT")[0] < Decimal("0.01")


def test_a_market_order_is_charged_for_the_depth_that_it_walks(spot: Spot) -> None:
    spot.exchange.depth(SYMBOL, (), ((10_002, 100_000), (20_000, 10**6)), 0)

    # One at 100.02, the rest at 200: the touch alone would look cheap enough.
    spot.refused(Rule.MARGIN, Side.BUY, None, "6")
    assert spot.place(Side.BUY, None, "5").filled_qty == 5


@pytest.mark.parametrize(("side", "qty"), [(Side.BUY, "0.49990"), (Side.SELL, "0.50000")])
def test_a_sum_of_quote_becomes_a_quantity(spot: Spot, side: Side, qty: str) -> None:
    assert spot.exchange.qty_for("ann", SYMBOL, side, Decimal(50)) == Decimal(qty)


def test_prices_are_bounded_on_both_sides(spot: Spot) -> None:
    spot.exchange.mark(SYMBOL, Decimal(100), None, Decimal(0), 0, 0)

    spot.refused(Rule.PRICE_FLOOR, Side.BUY, "19.99", "1")
    spot.refused(Rule.PRICE_CAP, Side.SELL, "500.01", "0.1")


def test_a_smaller_quantity_keeps_its_place(spot: Spot) -> None:
    order = spot.place(Side.BUY, "100", "1")
    spot.exchange.trade(SYMBOL, 10_000, 400_000, True, 0)
    shrunk = spot.exchange.shrink(
        "ann", SYMBOL, order_id=order.order_id, qty=Decimal("0.5"), now_ms=0
    )
    # The million lots ahead have become six hundred thousand; nobody came before.
    spot.exchange.trade(SYMBOL, 10_000, 620_000, True, 0)

    assert shrunk.qty == Decimal("0.5")
    filled = spot.exchange.order("ann", SYMBOL, order_id=order.order_id, now_ms=0)
    assert filled.filled_qty == Decimal("0.2")
    for qty in ("0.5", "0.6", "0.2"):
        with pytest.raises(Refusal) as caught:
            spot.exchange.shrink("ann", SYMBOL, order_id=order.order_id, qty=Decimal(qty), now_ms=0)
        assert caught.value.rule is Rule.AMEND_INCREASE
    assert spot.funds("USDT")[1] == 30


NAMES = ("ann", "bob")
SYMBOLS = {SYMBOL: INSTRUMENT, FINE.symbol: FINE}
TICKS = {SYMBOL: 10_000, FINE.symbol: 4_337}


class SpotMachine(RuleBasedStateMachine):
    """Two accounts on two symbols that share an asset, among each other and with a market."""

    def __init__(self) -> None:
        super().__init__()
        self.exchange = Spot().exchange
        self.market = dict.fromkeys(FUNDS, Decimal(0))
        """What the market outside has given, less what it took."""
        self.told: dict[tuple[str, str], tuple[Decimal, Decimal]] = {}

    def hear(self) -> None:
        events = self.exchange.drain()
        twins = {(event.symbol, event.trade_id) for event in events if isinstance(event, OwnTrade)}
        for event in events:
            if isinstance(event, AccountReport):
                for each in event.balances:
                    self.told[event.account, each.asset] = (each.wallet, each.cross_wallet)
            elif (
                isinstance(event, OrderReport)
                and event.execution is Execution.TRADE
                and (event.order.symbol, event.trade_id) not in twins
            ):
                self.traded_outside(event)

    def traded_outside(self, report: OrderReport) -> None:
        instrument = SYMBOLS[report.order.symbol]
        value = (report.last_price * report.last_qty).quantize(Decimal("1e-8"), "ROUND_FLOOR")
        sign = report.order.side.sign
        self.market[instrument.base_asset] += sign * report.last_qty
        self.market[instrument.quote_asset] -= sign * value

    @rule(
        name=st.sampled_from(NAMES),
        symbol=st.sampled_from(tuple(SYMBOLS)),
        side=st.sampled_from(Side),
        off=st.integers(-5, 5),
        lots=st.integers(1, 40_000),
        life=st.sampled_from((None, *TimeInForce)),
        prevention=st.sampled_from(SelfTradePrevention),
    )
    def place(
        self,
        name: str,
        symbol: str,
        side: Side,
        off: int,
        lots: int,
        life: TimeInForce | None,
        prevention: SelfTradePrevention,
    ) -> None:
        instrument = SYMBOLS[symbol]
        new = NewOrder(
            symbol=symbol,
            side=side,
            type=OrderType.LIMIT if life else OrderType.MARKET,
            price=instrument.price(TICKS[symbol] + off) if life else None,
            qty=instrument.qty(lots),
            time_in_force=life or TimeInForce.GTC,
            good_till_ms=10**9 if life is TimeInForce.GTD else None,
            self_trade_prevention=prevention,
        )
        try:
            self.exchange.place(name, new, 0)
        except Refusal:
            assert self.exchange.drain() == []
        self.hear()

    @rule(name=st.sampled_from(NAMES), data=st.data(), lots=st.integers(1, 40_000))
    def shrink_or_cancel(self, name: str, data: st.DataObject, lots: int) -> None:
        orders = self.exchange.open_orders(name)
        if not orders:
            return
        order = data.draw(st.sampled_from(orders))
        try:
            self.exchange.shrink(
                name,
                order.symbol,
                order_id=order.order_id,
                qty=SYMBOLS[order.symbol].qty(lots),
                now_ms=0,
            )
        except Refusal:
            self.exchange.cancel(name, order.symbol, order_id=order.order_id, now_ms=0)
        self.hear()

    @rule(
        symbol=st.sampled_from(tuple(SYMBOLS)), off=st.integers(-5, 4), lots=st.integers(0, 9_999)
    )
    def quote(self, symbol: str, off: int, lots: int) -> None:
        ticks = TICKS[symbol] + off
        self.exchange.quote(symbol, ticks, lots, ticks + 1, 10_000 - lots, 0)
        self.hear()

    @rule(symbol=st.sampled_from(tuple(SYMBOLS)), off=st.integers(-5, 5), sells=st.booleans())
    def trade(self, symbol: str, off: int, sells: bool) -> None:
        self.exchange.trade(symbol, TICKS[symbol] + off, 7_777, sells, 0)
        self.hear()

    @invariant()
    def nothing_is_created_or_lost(self) -> None:
        for asset, start in FUNDS.items():
            ledgers = [self.exchange.ledger(name, asset) for name in NAMES]
            fees = sum((each.commission for each in ledgers), Decimal(0))
            held = sum((self.exchange.balance(name, asset).wallet for name in NAMES), Decimal(0))
            assert held + fees == len(NAMES) * start + self.market[asset]
            for name, ledger in zip(NAMES, ledgers, strict=True):
                wallet = self.exchange.balance(name, asset).wallet
                assert wallet == start + ledger.realised - ledger.commission

    @invariant()
    def what_is_locked_is_what_open_orders_may_pay(self) -> None:
        for name in NAMES:
            wanted = dict.fromkeys(FUNDS, Decimal(0))
            quote = dict.fromkeys(SYMBOLS, Decimal(0))
            for order in self.exchange.open_orders(name):
                left = order.qty - order.filled_qty
                if order.side is Side.SELL:
                    wanted[SYMBOLS[order.symbol].base_asset] += left
                else:
                    quote[order.symbol] += left * order.price
            for symbol, value in quote.items():
                whole = value.quantize(Decimal("1e-8"), "ROUND_CEILING")
                wanted[SYMBOLS[symbol].quote_asset] += whole
            for asset, locked in wanted.items():
                balance = self.exchange.balance(name, asset)
                assert balance.locked == locked
                assert balance.wallet >= locked
                told = self.told.get((name, asset))
                assert told is None or told == (balance.wallet, balance.wallet - locked)


TestSpot = pytest.mark.timeout(120)(SpotMachine.TestCase)
TestSpot.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
