"""Hedge mode, isolated margin, conditional orders and liquidation keep the exchange honest."""

from __future__ import annotations

import random
from decimal import Decimal

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from grinder.model.fees import FeeRates
from grinder.model.instrument import Instrument
from grinder.model.order import PositionSide, Side, TimeInForce
from grinder.simulation.algo import AlgoStatus, AlgoType, NewAlgo, WorkingType
from grinder.simulation.exchange import Exchange
from grinder.simulation.orders import NewOrder, PriceMatch
from grinder.simulation.positions import Leg
from grinder.simulation.refusals import Refusal
from grinder.simulation.reports import (
    AccountReason,
    AccountReport,
    AlgoReport,
    Execution,
    OrderReport,
)

pytestmark = pytest.mark.unmeasured

SYMBOL = "ABCUSDT"
INSTRUMENT = Instrument(
    symbol=SYMBOL, base_asset="ABC", tick=Decimal("0.01"), lot=Decimal("0.1"), orders_max=12
)
ACCOUNTS = ("isolated", "hedged", "plain")
START = Decimal("0.60")
FILLS = (Execution.TRADE, Execution.CALCULATED)

TICKS = st.integers(90, 110)
LOTS = st.integers(1, 12)
NAMES = st.sampled_from(ACCOUNTS)
SIDES = st.sampled_from(Side)


class MarginMachine(RuleBasedStateMachine):
    """Drives one symbol with an isolated, a hedged and a plain account."""

    def __init__(self) -> None:
        super().__init__()
        self.exchange = Exchange(
            {SYMBOL: INSTRUMENT},
            fees=FeeRates(maker=Decimal("0.00017"), taker=Decimal("0.00051")),
            can_liquidate=True,
        )
        for name in ACCOUNTS:
            self.exchange.open_account(name, START)
        self.exchange.set_hedged("isolated", True)
        self.exchange.set_hedged("hedged", True)
        self.exchange.set_isolated("isolated", SYMBOL, True)
        self.now_ms = 0
        self.sums = dict.fromkeys(ACCOUNTS, START)
        self.lots: dict[tuple[str, PositionSide], int] = {}
        self.waiting: set[int] = set()
        self.ended: set[int] = set()

    def listen(self) -> None:
        for event in self.exchange.drain():
            if isinstance(event, AccountReport) and event.reason is not AccountReason.ORDER:
                self.sums[event.account] += event.balances[0].change
            elif isinstance(event, AlgoReport):
                self.hear_algo(event)
            elif isinstance(event, OrderReport) and event.execution in FILLS:
                self.sums[event.account] += event.realised_profit - event.commission
                key = (event.account, event.order.position_side)
                signed = event.order.side.sign * INSTRUMENT.lots_exact(event.last_qty)
                self.lots[key] = self.lots.get(key, 0) + signed

    def hear_algo(self, report: AlgoReport) -> None:
        algo = report.algo
        assert algo.algo_id not in self.ended
        if algo.status is AlgoStatus.NEW:
            self.waiting.add(algo.algo_id)
        else:
            self.waiting.discard(algo.algo_id)
        if algo.status not in (AlgoStatus.NEW, AlgoStatus.TRIGGERING, AlgoStatus.TRIGGERED):
            self.ended.add(algo.algo_id)

    def leg_of(self, account: str, is_long: bool) -> PositionSide:
        if account == "plain":
            return PositionSide.BOTH
        return PositionSide.LONG if is_long else PositionSide.SHORT

    @rule(
        account=NAMES,
        side=SIDES,
        is_long=st.booleans(),
        ticks=st.none() | TICKS,
        lots=LOTS,
        tif=st.sampled_from((TimeInForce.GTC, TimeInForce.GTX, TimeInForce.IOC)),
        match=st.sampled_from(PriceMatch),
    )
    def place(
        self,
        account: str,
        side: Side,
        is_long: bool,
        ticks: int | None,
        lots: int,
        tif: TimeInForce,
        match: PriceMatch,
    ) -> None:
        is_market = ticks is None and match is PriceMatch.NONE
        new = NewOrder(
            symbol=SYMBOL,
            side=side,
            type="MARKET" if is_market else "LIMIT",
            price=None if ticks is None else INSTRUMENT.price(ticks),
            qty=INSTRUMENT.qty(lots),
            time_in_force=TimeInForce.GTC if is_market else tif,
            position_side=self.leg_of(account, is_long),
            price_match=match if ticks is None else PriceMatch.NONE,
        )
        before = self.exchange.ledger(account)
        try:
            self.exchange.place(account, new, self.now_ms)
        except Refusal:
            assert self.exchange.events == []
            assert self.exchange.ledger(account) == before
        self.listen()

    @rule(
        account=NAMES,
        side=SIDES,
        is_long=st.booleans(),
        kind=st.sampled_from(AlgoType),
        ticks=TICKS,
        lots=st.none() | LOTS,
        working=st.sampled_from(WorkingType),
    )
    def place_algo(
        self,
        account: str,
        side: Side,
        is_long: bool,
        kind: AlgoType,
        ticks: int,
        lots: int | None,
        working: WorkingType,
    ) -> None:
        is_trailing = kind is AlgoType.TRAILING_STOP_MARKET
        new = NewAlgo(
            symbol=SYMBOL,
            side=side,
            type=kind,
            qty=None if lots is None else INSTRUMENT.qty(lots),
            close_position=lots is None,
            trigger_price=None if is_trailing else INSTRUMENT.price(ticks),
            callback_rate=Decimal(2) if is_trailing else None,
            price=INSTRUMENT.price(ticks) if kind.is_limit else None,
            position_side=self.leg_of(account, is_long),
            working_type=working,
        )
        try:
            self.exchange.place_algo(account, new, self.now_ms)
        except Refusal:
            assert self.exchange.events == []
        self.listen()

    @rule(account=NAMES, pick=st.randoms(use_true_random=False))
    def cancel_something(self, account: str, pick: random.Random) -> None:
        algos = self.exchange.open_algos(account)
        orders = self.exchange.open_orders(account)
        if algos and pick.random() < 0.5:
            self.exchange.cancel_algo(
                account, algo_id=pick.choice(algos).algo_id, now_ms=self.now_ms
            )
        elif orders:
            self.exchange.cancel(
                account, SYMBOL, order_id=pick.choice(orders).order_id, now_ms=self.now_ms
            )
        self.listen()

    @rule(bid=TICKS, spread=st.integers(1, 4), bid_lots=st.integers(0, 20), ask_lots=LOTS)
    def quote(self, bid: int, spread: int, bid_lots: int, ask_lots: int) -> None:
        self.exchange.quote(SYMBOL, bid, bid_lots, bid + spread, ask_lots, self.now_ms)
        self.listen()

    @rule(ticks=TICKS, lots=st.integers(1, 30), buyer_is_maker=st.booleans())
    def trade(self, ticks: int, lots: int, buyer_is_maker: bool) -> None:
        self.exchange.trade(SYMBOL, ticks, lots, buyer_is_maker, self.now_ms)
        self.listen()

    @rule(
        price=st.decimals("0.6", "1.6", places=6),
        rate=st.decimals("-0.01", "0.01", places=8),
        ahead_ms=st.integers(0, 3_000),
    )
    def mark(self, price: Decimal, rate: Decimal, ahead_ms: int) -> None:
        next_ms = self.now_ms + ahead_ms if ahead_ms else 0
        self.exchange.mark(SYMBOL, price, None, rate, next_ms, self.now_ms)
        self.listen()

    @rule(step_ms=st.sampled_from((1, 1_000)))
    def advance(self, step_ms: int) -> None:
        self.now_ms += step_ms
        self.exchange.advance(self.now_ms)
        self.listen()

    @invariant()
    def money_is_conserved_to_the_last_digit(self) -> None:
        for name in ACCOUNTS:
            ledger, balance = self.exchange.ledger(name), self.exchange.balance(name)
            gained = ledger.realised - ledger.commission + ledger.funding + ledger.insurance
            assert balance.wallet == START + gained == self.sums[name]
            apart = sum(row.isolated_wallet for row in self.exchange.legs(name, SYMBOL))
            assert balance.cross_wallet == balance.wallet - apart
            trades = self.exchange.trades(name, SYMBOL, limit=10**6)
            cash = sum((-t.side.sign * t.price * t.qty for t in trades), Decimal(0))
            cost = sum(leg.position.cost for leg in self.legs(name))
            assert ledger.realised == cash + Decimal(cost).scaleb(-8)

    @invariant()
    def legs_are_on_their_side_and_what_reports_say(self) -> None:
        for name in ACCOUNTS:
            for leg in self.exchange._desk(name, SYMBOL).legs.values():
                lots = leg.position.lots
                assert lots == self.lots.get((name, leg.side), 0)
                assert leg.side is not PositionSide.LONG or lots >= 0
                assert leg.side is not PositionSide.SHORT or lots <= 0
                assert lots or leg.isolated_e8 == 0
                assert name == "isolated" or leg.isolated_e8 == 0

    @invariant()
    def counted_exposure_is_that_of_the_open_orders(self) -> None:
        for name in ACCOUNTS:
            desk = self.exchange._desk(name, SYMBOL)
            for leg in desk.legs.values():
                for side in Side:
                    mine = [o for o in desk.open.values() if o.side is side and o.leg is leg]
                    reducing = sum(o.remaining for o in mine if o.reduce_only)
                    opening = sum(o.remaining * o.ticks for o in mine if not o.reduce_only)
                    assert leg.reducing[side] == reducing <= leg.reducible(side)
                    assert leg.exposure[side] == opening

    @invariant()
    def conditional_orders_wait_once_and_wake_the_book(self) -> None:
        book = self.exchange._books[SYMBOL]
        waiting = {each.algo_id for name in ACCOUNTS for each in self.exchange.open_algos(name)}
        assert waiting == book.watches.keys() == self.waiting
        for half, at in ((book.bids, 0), (book.asks, 1)):
            nearest = min((each.watch_keys()[at] for each in book.watches.values()), default=2**62)
            assert half.watch == nearest
            assert half.wake == min(half.best, nearest)

    def legs(self, name: str) -> tuple[Leg, ...]:
        return tuple(self.exchange._desk(name, SYMBOL).legs.values())


TestMargin = pytest.mark.timeout(120)(MarginMachine.TestCase)
TestMargin.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
