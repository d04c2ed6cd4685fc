"""Everything that can be done to an exchange, done under audit."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from decimal import Decimal
from functools import partial

from grinder.model.fees import FeeRates
from grinder.model.instrument import Instrument
from grinder.model.order import PositionSide, Side, TimeInForce
from grinder.simulation.algo import AlgoType, NewAlgo, WorkingType
from grinder.simulation.book import Book
from grinder.simulation.exchange import Exchange
from grinder.simulation.orders import NewOrder, PriceMatch, SelfTradePrevention
from grinder.simulation.refusals import Refusal
from grinder.simulation.reports import Event
from simulation.aftermath import available, check_liquidated, check_taken, fills, reach
from simulation.auditor import Auditor

COARSE = Instrument(
    symbol="ABCUSDT", base_asset="ABC", tick=Decimal("0.01"), lot=Decimal("0.1"), orders_max=12
)
FINE = Instrument(
    symbol="FGHUSDT",
    base_asset="FGH",
    tick=Decimal("0.0000007"),
    lot=Decimal("0.303"),
    orders_max=12,
)
INSTRUMENTS = {each.symbol: each for each in (COARSE, FINE)}
ACCOUNTS = ("crossed", "isolated", "hedged", "hedged-isolated")
START = Decimal("0.60")
RATES = (
    FeeRates(maker=Decimal("0.00017"), taker=Decimal("0.00051")),
    FeeRates(maker=Decimal("-0.0001"), taker=Decimal("0.000333333")),
    FeeRates(maker=Decimal(0), taker=Decimal(0)),
)
ORIGIN = {"ABCUSDT": 0, "FGHUSDT": 500_000}
"""Ticks that lie below the prices of a symbol, which then move between 90 and 110 above it."""


class Driver:
    """Drives two symbols with an account of each margin type and position mode.

    What every method leaves behind must pass ``agreement.check``.
    """

    def __init__(self) -> None:
        self.exchange = Exchange(INSTRUMENTS, can_liquidate=True, start_ms=1_000_000)
        self.audit = Auditor(INSTRUMENTS.values(), ACCOUNTS, START)
        for name in ACCOUNTS:
            self.exchange.open_account(name, START, fees=RATES[0])
            self.audit.rates[name] = RATES[0]
            if name.startswith("hedged"):
                self.exchange.set_hedged(name, True)
            if name.endswith("isolated"):
                for symbol in INSTRUMENTS:
                    self.exchange.set_isolated(name, symbol, True)
        self.now_ms = 1_000_000
        self.funding: dict[str, tuple[Decimal, int]] = {}
        """Rate and time of the funding that comes, by symbol."""
        self.countdowns: dict[tuple[str, str], int] = {}
        for symbol in INSTRUMENTS:
            self.quote(symbol, 99, 8, 1, 8)
            self.depth(symbol, [(98, 9), (97, 9)], [(101, 9), (102, 9)])
            self.mark(symbol, 0, Decimal("0.0001"), 2_000)

    def book(self, symbol: str) -> Book:
        return self.exchange._books[symbol]

    def listen(self) -> list[Event]:
        events = self.exchange.drain()
        self.audit.hear(events)
        return events

    def attempt(self, call: Callable[[], object]) -> list[Event]:
        """Ask for something; a refusal must have changed nothing."""
        before = [self.exchange.ledger(name) for name in ACCOUNTS]
        orders = self.exchange.open_orders
        were_open = [orders(name) for name in ACCOUNTS]
        try:
            call()
        except Refusal:
            assert self.exchange.events == []
            assert [self.exchange.ledger(name) for name in ACCOUNTS] == before
            assert [orders(name) for name in ACCOUNTS] == were_open
        return self.listen()

    def leg_of(self, name: str, is_long: bool) -> PositionSide:
        if not name.startswith("hedged"):
            return PositionSide.BOTH
        return PositionSide.LONG if is_long else PositionSide.SHORT

    def place(
        self,
        name: str,
        symbol: str,
        side: Side,
        is_long: bool,
        ticks: int | None,
        lots: int,
        tif: TimeInForce,
        match: PriceMatch,
        mode: SelfTradePrevention,
        reduce_only: bool,
        batch: int,
    ) -> None:
        instrument, half = INSTRUMENTS[symbol], self.book(symbol).opposite(side)
        is_market = ticks is None and match is PriceMatch.NONE
        for number in range(batch):
            new = NewOrder(
                symbol=symbol,
                side=side,
                type="MARKET" if is_market else "LIMIT",
                price=(
                    None if ticks is None else instrument.price(ORIGIN[symbol] + ticks + number)
                ),
                qty=instrument.qty(lots),
                time_in_force=TimeInForce.GTC if is_market else tif,
                good_till_ms=(
                    self.now_ms + 700_000 if tif is TimeInForce.GTD and not is_market else None
                ),
                reduce_only=reduce_only,
                position_side=self.leg_of(name, is_long),
                price_match=match if ticks is None else PriceMatch.NONE,
                self_trade_prevention=mode,
            )
            before = available(half)
            events = self.attempt(partial(self.exchange.place, name, new, self.now_ms))
            check_taken(instrument, half, before, events)

    def amend(self, pick: random.Random, ticks: int, lots: int, match: PriceMatch) -> None:
        if not self.audit.live:
            return
        order, _, name = self.audit.live[pick.choice(sorted(self.audit.live))]
        instrument = INSTRUMENTS[order.symbol]
        price = instrument.price(ORIGIN[order.symbol] + ticks)
        self.attempt(
            lambda: self.exchange.amend(
                name,
                order.symbol,
                order_id=order.order_id,
                side=order.side,
                price=price if match is PriceMatch.NONE else None,
                price_match=match,
                qty=instrument.qty(lots),
                now_ms=self.now_ms,
            )
        )

    def cancel(self, pick: random.Random, is_whole: bool) -> None:
        if not self.audit.live:
            return
        order, _, name = self.audit.live[pick.choice(sorted(self.audit.live))]
        if is_whole:
            self.exchange.cancel_all(name, order.symbol, self.now_ms)
        else:
            self.exchange.cancel(name, order.symbol, order_id=order.order_id, now_ms=self.now_ms)
        self.listen()
        assert order.order_id not in self.audit.live

    def place_algo(
        self,
        name: str,
        symbol: str,
        side: Side,
        is_long: bool,
        kind: AlgoType,
        ticks: int,
        lots: int | None,
        working: WorkingType,
        protect: bool,
    ) -> None:
        instrument = INSTRUMENTS[symbol]
        is_trailing = kind is AlgoType.TRAILING_STOP_MARKET
        price = instrument.price(ORIGIN[symbol] + ticks)
        new = NewAlgo(
            symbol=symbol,
            side=side,
            type=kind,
            qty=None if lots is None else instrument.qty(lots),
            close_position=lots is None,
            trigger_price=None if is_trailing else price,
            callback_rate=Decimal(2) if is_trailing else None,
            price=price if kind.is_limit else None,
            position_side=self.leg_of(name, is_long),
            working_type=working,
            price_protect=protect,
        )
        self.attempt(lambda: self.exchange.place_algo(name, new, self.now_ms))

    def cancel_algo(self, pick: random.Random) -> None:
        for name in ACCOUNTS:
            algos = self.exchange.open_algos(name)
            if algos and pick.random() < 0.3:
                wanted = pick.choice(algos).algo_id
                self.exchange.cancel_algo(name, algo_id=wanted, now_ms=self.now_ms)
        self.listen()

    def set_leverage(self, name: str, symbol: str, leverage: int) -> None:
        self.attempt(lambda: self.exchange.set_leverage(name, symbol, leverage))

    def set_fees(self, name: str, fees: FeeRates) -> None:
        self.exchange.set_fees(name, 0, fees)
        self.audit.rates[name] = fees

    def countdown(self, name: str, symbol: str, countdown_ms: int) -> None:
        self.exchange.set_countdown(name, symbol, countdown_ms, self.now_ms)
        self.countdowns[name, symbol] = self.now_ms + countdown_ms if countdown_ms else 0
        self.listen()

    def quote(self, symbol: str, bid: int, spread: int, bid_lots: int, ask_lots: int) -> None:
        bid += ORIGIN[symbol]
        self.exchange.quote(symbol, bid, bid_lots, bid + spread, ask_lots, self.now_ms)
        self.listen()

    def depth(self, symbol: str, bids: list[tuple[int, int]], asks: list[tuple[int, int]]) -> None:
        origin = ORIGIN[symbol]
        below = [(origin + at, lots) for at, lots in bids]
        above = [(origin + at, lots) for at, lots in asks]
        self.exchange.depth(symbol, below, above, self.now_ms)
        self.listen()

    def trade(self, symbol: str, ticks: int, lots: int, buyer_is_maker: bool) -> None:
        ticks += ORIGIN[symbol]
        half = self.book(symbol).bids if buyer_is_maker else self.book(symbol).asks
        key = ticks * half.direction
        bound = reach(half, key, lots)
        number = self.exchange.next_trade_id(symbol)
        self.exchange.trade(symbol, ticks, lots, buyer_is_maker, self.now_ms, trade_id=number)
        filled = sum(INSTRUMENTS[symbol].lots_exact(each.last_qty) for each in fills(self.listen()))
        assert filled <= bound, "queue jump"

    def mark(self, symbol: str, drift: int, rate: Decimal, ahead_ms: int) -> None:
        instrument = INSTRUMENTS[symbol]
        step = 1 if symbol == "ABCUSDT" else 5_000
        price = instrument.price(ORIGIN[symbol] + 100 + drift * step)
        next_ms = self.now_ms + ahead_ms if ahead_ms else 0
        # Events that a mark brings show it already: liquidation, margin calls, triggers.
        self.audit.marks[symbol] = price
        self.funding[symbol] = (rate, next_ms)
        self.exchange.mark(symbol, price, None, rate, next_ms, self.now_ms)
        accounts = tuple(self.exchange._accounts.values())
        check_liquidated(accounts, symbol, self.listen())

    def advance(self, step_ms: int) -> None:
        self.now_ms += step_ms
        due: Counter[tuple[str, str, Decimal]] = Counter()
        for symbol, (rate, at_ms) in self.funding.items():
            if 0 < at_ms <= self.now_ms:
                due += self.audit.payments(symbol, rate)
                self.funding[symbol] = (rate, 0)
        self.exchange.advance(self.now_ms)
        self.listen()
        assert _without_symbols(self.audit.funded) == _without_symbols(due), "the wrong funding"
        for (name, symbol), at_ms in self.countdowns.items():
            if 0 < at_ms <= self.now_ms:
                self.countdowns[name, symbol] = 0
                self.audit.counts["countdown"] += 1
                assert self.exchange.open_orders(name, symbol) == ()
        assert all(
            order.good_till_ms == 0 or order.good_till_ms > self.now_ms
            for order, _, _ in self.audit.live.values()
        )


def _without_symbols(
    payments: Counter[tuple[str, str, Decimal]],
) -> Counter[tuple[str, Decimal]]:
    """Drop the symbols, for the funding of a crossed position does not tell its own."""
    found: Counter[tuple[str, Decimal]] = Counter()
    for (name, _, amount), count in payments.items():
        found[name, amount] += count
    return found
