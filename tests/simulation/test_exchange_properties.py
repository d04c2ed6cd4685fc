"""Any sequence of requests and market data keeps the exchange honest."""

from __future__ import annotations

import random
from decimal import Decimal

import attrs
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from grinder.model.fees import FeeRates
from grinder.model.instrument import Instrument
from grinder.model.order import OrderStatus, Side, TimeInForce
from grinder.simulation.exchange import Exchange
from grinder.simulation.orders import ExpireReason, NewOrder, Order, SelfTradePrevention
from grinder.simulation.refusals import Refusal
from grinder.simulation.reports import AccountReason, AccountReport, Execution, OrderReport

pytestmark = pytest.mark.unmeasured

SYMBOL = "ABCUSDT"
INSTRUMENT = Instrument(
    symbol=SYMBOL,
    base_asset="ABC",
    tick=Decimal("0.01"),
    lot=Decimal("0.1"),
    orders_max=12,
)
ACCOUNTS = ("ann", "bob", "cyd")
START = Decimal("0.60")

TICKS = st.integers(96, 104)
LOTS = st.integers(1, 12)
NAMES = st.sampled_from(ACCOUNTS)
SIDES = st.sampled_from(Side)


class Mirror:
    """What a participant could know from reports alone."""

    def __init__(self) -> None:
        self.live: dict[int, tuple[Order, int]] = {}
        """Order and the place at which it entered the line."""
        self.ended: set[int] = set()
        self.wallets = dict.fromkeys(ACCOUNTS, START)
        self.sums = dict.fromkeys(ACCOUNTS, START)
        self.lots = dict.fromkeys(ACCOUNTS, 0)
        self.trade_ids: set[tuple[str, int]] = set()
        self._place = 0

    def hear(self, event: object) -> None:
        if isinstance(event, AccountReport):
            change = event.balances[0]
            self.wallets[event.account] = change.wallet
            if event.reason is AccountReason.FUNDING_FEE:
                self.sums[event.account] += change.change
        elif isinstance(event, OrderReport):
            self._hear_order(event)

    def _hear_order(self, report: OrderReport) -> None:
        order = report.order
        assert order.order_id not in self.ended, "a closed order changed"
        assert (report.execution is Execution.NEW) == (order.order_id not in self.live)
        if report.execution is Execution.TRADE:
            self._hear_trade(report)
        if order.status.is_terminal:
            del self.live[order.order_id]
            self.ended.add(order.order_id)
            return
        was_cut = order.expire_reason is ExpireReason.REDUCE_ONLY
        keeps_place = report.execution is Execution.TRADE or was_cut
        if not keeps_place:
            self._place += 1
        place = self.live[order.order_id][1] if keeps_place else self._place
        self.live[order.order_id] = (order, place)

    def _hear_trade(self, report: OrderReport) -> None:
        order = report.order
        before = self.live[order.order_id][0]
        last_lots = INSTRUMENT.lots_exact(report.last_qty)
        assert order.filled_lots == before.filled_lots + last_lots <= order.qty_lots
        assert (report.account, report.trade_id) not in self.trade_ids
        self.trade_ids.add((report.account, report.trade_id))
        self.sums[report.account] += report.realised_profit - report.commission
        self.lots[report.account] += order.side.sign * last_lots
        if order.price:
            assert (report.last_price - order.price) * order.side.sign <= 0
        if report.is_maker:
            self._check_priority(order)

    def _check_priority(self, order: Order) -> None:
        place = self.live[order.order_id][1]
        for other, other_place in self.live.values():
            if other.order_id == order.order_id or other.side is not order.side:
                continue
            # Whoever rests on this side is a maker: better price first, then the earlier.
            better = (other.price_ticks - order.price_ticks) * order.side.sign
            assert better <= 0, "a worse price was filled first"
            assert better < 0 or other_place > place, "a later order was filled first"


class ExchangeMachine(RuleBasedStateMachine):
    """Drives one symbol with three accounts."""

    def __init__(self) -> None:
        super().__init__()
        self.exchange = Exchange(
            {SYMBOL: INSTRUMENT}, fees=FeeRates(maker=Decimal("0.00017"), taker=Decimal("0.00051"))
        )
        for name in ACCOUNTS:
            self.exchange.open_account(name, START)
        self.mirror = Mirror()
        self.now_ms = 0

    def listen(self) -> None:
        for event in self.exchange.drain():
            self.mirror.hear(event)

    def attempt(self, new: NewOrder, account: str) -> None:
        before = self.exchange.ledger(account)
        try:
            order = self.exchange.place(account, new, self.now_ms)
        except Refusal:
            assert self.exchange.events == []
            assert self.exchange.ledger(account) == before
            return
        if new.time_in_force is TimeInForce.FOK:
            assert order.filled_lots in (0, order.qty_lots)
        if new.time_in_force is TimeInForce.GTX:
            assert order.filled_lots == 0
        if new.time_in_force in (TimeInForce.IOC, TimeInForce.FOK) or new.price is None:
            assert order.status.is_terminal
        self.listen()

    @rule(
        account=NAMES,
        side=SIDES,
        ticks=TICKS,
        lots=LOTS,
        tif=st.sampled_from(
            (TimeInForce.GTC, TimeInForce.GTC, TimeInForce.GTX, TimeInForce.IOC, TimeInForce.FOK)
        ),
        reduce_only=st.booleans(),
        mode=st.sampled_from(SelfTradePrevention),
    )
    def place_limit(
        self,
        account: str,
        side: Side,
        ticks: int,
        lots: int,
        tif: TimeInForce,
        reduce_only: bool,
        mode: SelfTradePrevention,
    ) -> None:
        new = NewOrder(
            symbol=SYMBOL,
            side=side,
            price=INSTRUMENT.price(ticks),
            qty=INSTRUMENT.qty(lots),
            time_in_force=tif,
            reduce_only=reduce_only,
            self_trade_prevention=mode,
        )
        self.attempt(new, account)

    @rule(account=NAMES, side=SIDES, lots=LOTS, reduce_only=st.booleans())
    def place_market(self, account: str, side: Side, lots: int, reduce_only: bool) -> None:
        qty = INSTRUMENT.qty(lots)
        new = NewOrder(symbol=SYMBOL, side=side, type="MARKET", qty=qty, reduce_only=reduce_only)
        self.attempt(new, account)

    @rule(
        account=NAMES,
        side=SIDES,
        ticks=TICKS,
        lots=LOTS,
        good_till_ms=st.integers(1_000_000, 1_100_000),
    )
    def place_until(
        self, account: str, side: Side, ticks: int, lots: int, good_till_ms: int
    ) -> None:
        new = NewOrder(
            symbol=SYMBOL,
            side=side,
            price=INSTRUMENT.price(ticks),
            qty=INSTRUMENT.qty(lots),
            time_in_force=TimeInForce.GTD,
            good_till_ms=self.now_ms + good_till_ms,
        )
        self.attempt(new, account)

    @precondition(lambda self: self.mirror.live)
    @rule(pick=st.randoms(use_true_random=False), ticks=TICKS, lots=LOTS)
    def amend(self, pick: random.Random, ticks: int, lots: int) -> None:
        order_id = pick.choice(sorted(self.mirror.live))
        order, _ = self.mirror.live[order_id]
        account = self.owner(order_id)
        try:
            self.exchange.amend(
                account,
                SYMBOL,
                order_id=order_id,
                side=order.side,
                price=INSTRUMENT.price(ticks),
                qty=INSTRUMENT.qty(lots),
                now_ms=self.now_ms,
            )
        except Refusal:
            seen = self.exchange.order(account, SYMBOL, order_id=order_id, now_ms=self.now_ms)
            assert seen == order
        self.listen()

    @precondition(lambda self: self.mirror.live)
    @rule(pick=st.randoms(use_true_random=False))
    def cancel(self, pick: random.Random) -> None:
        order_id = pick.choice(sorted(self.mirror.live))
        canceled = self.exchange.cancel(
            self.owner(order_id), SYMBOL, order_id=order_id, now_ms=self.now_ms
        )
        assert canceled.status is OrderStatus.CANCELED
        self.listen()

    @rule(account=NAMES)
    def cancel_all(self, account: str) -> None:
        self.exchange.cancel_all(account, SYMBOL, self.now_ms)
        self.listen()
        assert self.exchange.open_orders(account) == ()

    @rule(bid=TICKS, spread=st.integers(1, 4), bid_lots=st.integers(0, 20), ask_lots=LOTS)
    def quote(self, bid: int, spread: int, bid_lots: int, ask_lots: int) -> None:
        self.exchange.quote(SYMBOL, bid, bid_lots, bid + spread, ask_lots, self.now_ms)
        self.listen()

    @rule(
        bids=st.lists(st.tuples(TICKS, st.integers(0, 9)), max_size=3),
        asks=st.lists(st.tuples(TICKS, st.integers(0, 9)), max_size=3),
    )
    def depth(self, bids: list[tuple[int, int]], asks: list[tuple[int, int]]) -> None:
        self.exchange.depth(SYMBOL, tuple(bids), tuple(asks), self.now_ms)
        self.listen()

    @rule(ticks=TICKS, lots=st.integers(1, 30), buyer_is_maker=st.booleans())
    def trade(self, ticks: int, lots: int, buyer_is_maker: bool) -> None:
        self.exchange.trade(SYMBOL, ticks, lots, buyer_is_maker, self.now_ms)
        events = self.exchange.events
        filled = sum(
            INSTRUMENT.lots_exact(event.last_qty)
            for event in events
            if isinstance(event, OrderReport)
        )
        assert filled <= lots
        self.listen()

    @rule(
        price=st.decimals("0.5", "2", places=6),
        rate=st.decimals("-0.01", "0.01", places=8),
        ahead_ms=st.integers(0, 3_000),
    )
    def mark(self, price: Decimal, rate: Decimal, ahead_ms: int) -> None:
        next_ms = self.now_ms + ahead_ms if ahead_ms else 0
        self.exchange.mark(SYMBOL, price, None, rate, next_ms, self.now_ms)
        self.listen()

    @rule(account=NAMES, countdown_ms=st.integers(0, 5_000))
    def countdown(self, account: str, countdown_ms: int) -> None:
        self.exchange.set_countdown(account, SYMBOL, countdown_ms, self.now_ms)
        self.listen()

    @rule(step_ms=st.sampled_from((1, 1_000, 100_000, 1_000_000)))
    def advance(self, step_ms: int) -> None:
        self.now_ms += step_ms
        self.exchange.advance(self.now_ms)
        due_ms = self.exchange.next_deadline_ms()
        assert due_ms is None or due_ms > self.now_ms
        self.listen()

    def owner(self, order_id: int) -> str:
        return next(
            name
            for name in ACCOUNTS
            if order_id in {order.order_id for order in self.exchange.open_orders(name, SYMBOL)}
        )

    @invariant()
    def money_is_conserved_to_the_last_digit(self) -> None:
        for name in ACCOUNTS:
            ledger = self.exchange.ledger(name)
            wallet = self.exchange.balance(name).wallet
            assert wallet == START + ledger.realised - ledger.commission + ledger.funding
            assert wallet == self.mirror.wallets[name] == self.mirror.sums[name]
            trades = self.exchange.trades(name, SYMBOL, limit=10**6)
            cash = sum((-t.side.sign * t.price * t.qty for t in trades), Decimal(0))
            position = self.exchange._desk(name, SYMBOL).position
            assert ledger.realised == cash + Decimal(position.cost).scaleb(-8)
            assert position.lots == self.mirror.lots[name]

    @invariant()
    def an_order_is_in_one_state(self) -> None:
        open_ids = set()
        for name in ACCOUNTS:
            desk = self.exchange._desk(name, SYMBOL)
            assert not desk.open.keys() & desk.closed.keys()
            assert {order.order_id for order in desk.open_ids.values()} == desk.open.keys()
            for order in self.exchange.open_orders(name, SYMBOL):
                assert not order.status.is_terminal
                assert order == self.mirror.live[order.order_id][0]
                open_ids.add(order.order_id)
            assert all(order.status.is_terminal for order in desk.closed.values())
        assert open_ids == self.mirror.live.keys()

    @invariant()
    def the_book_holds_exactly_the_open_orders(self) -> None:
        book = self.exchange._books[SYMBOL]
        resting: set[int] = set()
        for half in (book.bids, book.asks):
            assert half.keys == sorted(half.levels)
            assert half.best == (half.keys[0] if half.keys else 2**62)
            for level in half.levels.values():
                ahead = [order.ahead for order in level.orders.values()]
                assert ahead == sorted(ahead)
                assert level.orders
                resting |= level.orders.keys()
        assert resting == self.mirror.live.keys()
        assert book.bids.best + book.asks.best > 0, "participants' orders cross"

    @invariant()
    def counted_exposure_is_that_of_the_open_orders(self) -> None:
        for name in ACCOUNTS:
            desk = self.exchange._desk(name, SYMBOL)
            for side in Side:
                mine = [order for order in desk.open.values() if order.side is side]
                reducing = sum(o.remaining for o in mine if o.reduce_only)
                assert desk.reducing[side] == reducing <= desk.reducible(side)
                assert desk.exposure[side] == sum(
                    o.remaining * o.ticks for o in mine if not o.reduce_only
                )

    @invariant()
    def deadlines_are_no_more_than_what_waits(self) -> None:
        until = sum(bool(order.good_till_ms) for order, _ in self.mirror.live.values())
        assert len(self.exchange._deadlines) <= until + len(ACCOUNTS) + 1


TestExchange = pytest.mark.timeout(120)(ExchangeMachine.TestCase)
TestExchange.settings = settings(max_examples=60, stateful_step_count=50, deadline=None)


def test_same_calls_give_the_same_events() -> None:
    assert _run(7) == _run(7)
    assert _run(7) != _run(8)


def _run(seed: int) -> list[object]:
    chance = random.Random(seed)
    exchange = Exchange({SYMBOL: attrs.evolve(INSTRUMENT)})
    exchange.open_account("ann", START)
    events: list[object] = []
    for now_ms in range(300):
        bid = chance.randint(98, 101)
        exchange.quote(SYMBOL, bid, chance.randint(1, 9), bid + 1, chance.randint(1, 9), now_ms)
        new = NewOrder(
            symbol=SYMBOL,
            side=chance.choice(tuple(Side)),
            price=INSTRUMENT.price(chance.randint(97, 103)),
            qty=INSTRUMENT.qty(chance.randint(1, 5)),
        )
        try:
            exchange.place("ann", new, now_ms)
        except Refusal as refusal:
            events.append(refusal.code)
        events.extend(exchange.drain())
    return events
