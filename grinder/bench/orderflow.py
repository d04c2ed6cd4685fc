"""A flow of order operations through the matching core, as four busy participants would send it.

Three contracts with generated markets: books of forty levels a side, quotes, diffs and trades.
Each operation follows one event of its contract's market. Orders rest within some ticks of the
touch, are amended and cancelled, or take at once, towards a flat position. What the exchange has to
tell is drained after every event and operation, as the venue does. The same seed gives the same
flow.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from decimal import Decimal
from itertools import chain, islice
from random import Random

import attrs

from grinder.model.instrument import Instrument
from grinder.model.order import OrderType, Side, TimeInForce
from grinder.simulation.exchange import Exchange
from grinder.simulation.generator import GeneratorConfig, generated
from grinder.simulation.market import DepthDiff, MarketEvent, Quote, Trade
from grinder.simulation.orders import NewOrder, Order
from grinder.simulation.reports import OrderReport
from grinder.venues.sim import catalog

SYMBOLS = ("ETHUSDT", "SOLUSDT", "XRPUSDT")
ACCOUNTS = ("one", "two", "three", "four")
BALANCE = Decimal(10_000_000)
NOTIONAL = Decimal(500)
RESTING_MIN = 10
RESTING_MAX = 50
"""Orders that an account keeps resting on a contract."""
REACH_TICKS = 12
"""How far from the touch orders rest."""
TAKES = 0.12
AMENDS = 0.30
SEED = 7
START_MS = 1_700_000_000_000

Source = Iterator[MarketEvent]


@attrs.define
class Market:
    """One contract: its source of events, its touch, and the participants' orders on it."""

    instrument: Instrument
    source: Source
    bid: int = 0
    ask: int = 0
    lots: int = 0
    """Quantity of each order."""
    resting: dict[str, dict[int, Order]] = attrs.field(factory=dict)
    """Open orders by account and id, oldest first."""
    net: Counter[str] = attrs.field(factory=Counter)
    """Lots held, by account; negative is short."""


class OrderFlow:
    """Drives one exchange; ``counts`` tells what was done."""

    def __init__(self, seed: int = SEED) -> None:
        instruments = catalog.instruments(catalog.exchange_info(), SYMBOLS)
        self.exchange = Exchange(instruments, can_liquidate=True)
        self.counts: Counter[str] = Counter()
        self._random = Random(seed)
        self._now_ms = START_MS
        self._number = 0
        self._markets = [_market(each, seed) for each in instruments.values()]
        for name in ACCOUNTS:
            self.exchange.open_account(name, BALANCE)
        for market in self._markets:
            while not market.ask:
                self._hear(market)

    def prepare(self, operations: int) -> None:
        """Draw the market's events for so many operations beforehand."""
        for market in self._markets:
            drawn = list(islice(market.source, operations // len(self._markets) + 1))
            market.source = chain(drawn, market.source)

    def run(self, operations: int) -> None:
        """Carry out so many operations; none of them breaks a rule of the venue."""
        for _ in range(operations):
            market = self._markets[self._number % len(SYMBOLS)]
            account = ACCOUNTS[self._number // len(SYMBOLS) % len(ACCOUNTS)]
            self._number += 1
            self._now_ms += 1
            self._hear(market)
            self._drain()
            self._operate(market, account, market.resting[account])
            self._drain()

    def _operate(self, market: Market, account: str, mine: dict[int, Order]) -> None:
        draw = self._random.random()
        if draw < TAKES:
            self._take(market, account)
        elif len(mine) < RESTING_MIN or (draw < 0.6 and len(mine) < RESTING_MAX):
            self._rest(market, account)
        elif draw > 1 - AMENDS:
            self._amend(market, account, next(iter(mine.values())))
        else:
            self.counts["cancelled"] += 1
            oldest = next(iter(mine))
            self.exchange.cancel(
                account, market.instrument.symbol, order_id=oldest, now_ms=self._now_ms
            )

    def _take(self, market: Market, account: str) -> None:
        self.counts["taken"] += 1
        side = Side.SELL if market.net[account] > 0 else Side.BUY
        lots = min(max(market.lots, abs(market.net[account])), 20 * market.lots)
        self._place(market, account, side, lots, price=None)

    def _rest(self, market: Market, account: str) -> None:
        self.counts["rested"] += 1
        side, ticks = self._near(market, Side.BUY if self._random.random() < 0.5 else Side.SELL)
        self._place(market, account, side, market.lots, price=ticks)

    def _amend(self, market: Market, account: str, order: Order) -> None:
        self.counts["amended"] += 1
        side, ticks = self._near(market, order.side)
        if ticks == order.price_ticks:
            ticks -= side.sign
        instrument = market.instrument
        self.exchange.amend(
            account,
            instrument.symbol,
            order_id=order.order_id,
            side=side,
            price=instrument.price(ticks),
            qty=order.qty,
            now_ms=self._now_ms,
        )

    def _near(self, market: Market, side: Side) -> tuple[Side, int]:
        touch = market.bid if side is Side.BUY else market.ask
        return side, touch - side.sign * self._random.randrange(REACH_TICKS)

    def _place(
        self, market: Market, account: str, side: Side, lots: int, *, price: int | None
    ) -> None:
        instrument = market.instrument
        is_market = price is None
        self.exchange.place(
            account,
            NewOrder(
                symbol=instrument.symbol,
                side=side,
                type=OrderType.MARKET if is_market else OrderType.LIMIT,
                price=None if price is None else instrument.price(price),
                qty=instrument.qty(lots),
                time_in_force=TimeInForce.GTC,
                client_order_id=f"flow-{self._number}",
            ),
            self._now_ms,
        )

    def _hear(self, market: Market) -> None:
        event = next(market.source)
        exchange, now_ms = self.exchange, self._now_ms
        if isinstance(event, Quote):
            market.bid, market.ask = event.bid_ticks, event.ask_ticks
            exchange.quote(
                event.symbol,
                event.bid_ticks,
                event.bid_lots,
                event.ask_ticks,
                event.ask_lots,
                now_ms,
            )
        elif isinstance(event, DepthDiff):
            exchange.depth(event.symbol, event.bids, event.asks, now_ms)
        elif isinstance(event, Trade):
            exchange.trade(
                event.symbol, event.price_ticks, event.lots, event.buyer_is_maker, now_ms
            )

    def _drain(self) -> None:
        for event in self.exchange.drain():
            if not isinstance(event, OrderReport):
                continue
            order = event.order
            market = self._markets[SYMBOLS.index(order.symbol)]
            if event.last_qty:
                self.counts["fills"] += 1
                lots = market.instrument.lots_exact(event.last_qty)
                market.net[event.account] += order.side.sign * lots
            mine = market.resting[event.account]
            if order.status.is_terminal:
                mine.pop(order.order_id, None)
            elif order.type is OrderType.LIMIT:
                mine[order.order_id] = order


def _market(instrument: Instrument, seed: int) -> Market:
    start_ticks = catalog.start_ticks(instrument)
    config = GeneratorConfig(instrument=instrument, start_ticks=start_ticks)
    return Market(
        instrument=instrument,
        source=generated(config, Random(f"{seed}:{instrument.symbol}")),
        lots=instrument.lots_for_notional(NOTIONAL, start_ticks),
        resting={name: {} for name in ACCOUNTS},
    )
