"""A small simulated venue, spoken to in ticks and lots."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import attrs
import pytest

from grinder.model.instrument import Instrument
from grinder.model.order import Side
from grinder.simulation.exchange import Exchange
from grinder.simulation.orders import NewOrder, Order
from grinder.simulation.queueing import QueueRules
from grinder.simulation.refusals import Refusal
from grinder.simulation.reports import AccountReport, Execution, OrderReport, OwnTrade

INSTRUMENT = Instrument(
    symbol="BTCUSDT",
    base_asset="BTC",
    tick=Decimal("0.10"),
    lot=Decimal("0.01"),
    price_ticks_min=10,
    price_ticks_max=1_000_000,
    qty_lots_min=2,
    qty_lots_max=100_000,
    market_qty_lots_max=1_000,
    notional_min=Decimal(5),
    multiplier_up=Decimal("1.1"),
    multiplier_down=Decimal("0.9"),
    orders_max=5,
)


class Venue:
    """The exchange with the accounts ``ann`` and ``bob`` and one symbol, BTCUSDT unless told."""

    def __init__(
        self,
        queue: QueueRules | None = None,
        balance: int = 100_000,
        can_liquidate: bool = False,
        **changes: Any,
    ) -> None:
        self.instrument = attrs.evolve(INSTRUMENT, **changes)
        self.symbol = self.instrument.symbol
        self.exchange = Exchange(
            {self.symbol: self.instrument},
            queue=queue or QueueRules(),
            can_liquidate=can_liquidate,
        )
        for account in ("ann", "bob"):
            self.exchange.open_account(account, Decimal(balance))
        self.now_ms = 1_000

    def new(self, side: Side, ticks: int | None, lots: int, **fields: Any) -> NewOrder:
        return NewOrder(
            symbol=self.symbol,
            side=side,
            type=fields.pop("type", "MARKET" if ticks is None else "LIMIT"),
            price=None if ticks is None else self.instrument.price(ticks),
            qty=self.instrument.qty(lots),
            **fields,
        )

    def buy(self, ticks: int | None, lots: int, account: str = "ann", **fields: Any) -> Order:
        order = self.new(Side.BUY, ticks, lots, **fields)
        return self.exchange.place(account, order, self.now_ms)

    def sell(self, ticks: int | None, lots: int, account: str = "ann", **fields: Any) -> Order:
        order = self.new(Side.SELL, ticks, lots, **fields)
        return self.exchange.place(account, order, self.now_ms)

    def amend(
        self, order: Order, ticks: int, lots: int, account: str = "ann", **fields: Any
    ) -> Order:
        return self.exchange.amend(
            account,
            self.symbol,
            order_id=order.order_id,
            side=fields.pop("side", order.side),
            price=self.instrument.price(ticks),
            qty=self.instrument.qty(lots),
            now_ms=self.now_ms,
            **fields,
        )

    def cancel(self, order: Order, account: str = "ann") -> Order:
        return self.exchange.cancel(
            account, self.symbol, order_id=order.order_id, now_ms=self.now_ms
        )

    def quote(self, bid: int, bid_lots: int, ask: int, ask_lots: int) -> None:
        self.exchange.quote(self.symbol, bid, bid_lots, ask, ask_lots, self.now_ms)

    def depth(
        self, bids: tuple[tuple[int, int], ...] = (), asks: tuple[tuple[int, int], ...] = ()
    ) -> None:
        self.exchange.depth(self.symbol, bids, asks, self.now_ms)

    def sold(self, ticks: int, lots: int) -> None:
        """An external seller takes from the bids."""
        self.exchange.trade(self.symbol, ticks, lots, True, self.now_ms)

    def bought(self, ticks: int, lots: int) -> None:
        """An external buyer takes from the asks."""
        self.exchange.trade(self.symbol, ticks, lots, False, self.now_ms)

    def mark(self, price: str, rate: str = "0", next_ms: int = 0) -> None:
        self.exchange.mark(self.symbol, Decimal(price), None, Decimal(rate), next_ms, self.now_ms)

    def see(self, order: Order, account: str = "ann") -> Order:
        return self.exchange.order(
            account, self.symbol, order_id=order.order_id, now_ms=self.now_ms
        )

    def filled(self, order: Order, account: str = "ann") -> int:
        return self.see(order, account).filled_lots

    def held(self, account: str = "ann") -> int:
        return self.exchange.position(account, self.symbol).qty_lots

    def executions(self) -> list[tuple[str, int, Execution]]:
        """Drain and return the order reports as (account, order id, execution)."""
        return [
            (event.account, event.order.order_id, event.execution)
            for event in self.exchange.drain()
            if isinstance(event, OrderReport)
        ]

    def kinds(self) -> list[str]:
        """Drain and return a word for every event."""
        words = []
        for event in self.exchange.drain():
            if isinstance(event, OrderReport):
                words.append(f"{event.account} {event.execution}")
            elif isinstance(event, AccountReport):
                words.append(f"{event.account} account {event.reason}")
            else:
                assert isinstance(event, OwnTrade)
                words.append("tape")
        return words

    def refusal(self, action: Callable[[], object]) -> Refusal:
        """Return the refusal of ``action``, having checked that it left no event."""
        self.exchange.drain()
        with pytest.raises(Refusal) as caught:
            action()

        assert self.exchange.drain() == []
        return caught.value


@pytest.fixture
def venue() -> Venue:
    """A venue with bid 1000 x 10 and ask 1002 x 10, no depth."""
    venue = Venue()
    venue.quote(1000, 10, 1002, 10)
    return venue


@pytest.fixture
def make_venue() -> Callable[..., Venue]:
    """Make a venue with other rules, balances or filters."""
    return Venue
