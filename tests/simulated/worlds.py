"""The whole system beside a venue that a test plays by hand, and a record of all that was said."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from decimal import Decimal
from random import Random
from typing import Any, TypeVar

import attrs

from grinder.actors.world import ACCOUNT, FUNDING_RATE, World
from grinder.execution.identity import decode
from grinder.kernel.actor import Actor
from grinder.kernel.message import Message
from grinder.kernel.observer import Observer
from grinder.kernel.signals import ActorFailed, ActorRestarted, ActorStarted
from grinder.messages import (
    account,
    books,
    control,
    features,
    grid,
    journal,
    ledger,
    market,
    orders,
    risk,
    venue,
)
from grinder.model.instrument import Instrument, side_of
from grinder.model.legs import leg_name, legs_of, market_of
from grinder.model.order import OrderType, Side, TimeInForce
from grinder.model.settings import Config, RunSettings
from grinder.simulation.market import MarketEvent, Quote, Trade
from grinder.simulation.orders import NewOrder, Order
from grinder.venues.simulated import Latency

MS = 1_000_000
SECOND = 1_000 * MS
BTC, ETH = "BTCUSDT", "ETHUSDT"

BITCOIN = Instrument(
    symbol=BTC,
    base_asset="BTC",
    tick=Decimal("0.10"),
    lot=Decimal("0.001"),
    notional_min=Decimal(100),
    multiplier_up=Decimal("1.05"),
    multiplier_down=Decimal("0.95"),
)
ETHER = Instrument(
    symbol=ETH,
    base_asset="ETH",
    tick=Decimal("0.01"),
    lot=Decimal("0.001"),
    notional_min=Decimal(20),
    multiplier_up=Decimal("1.05"),
    multiplier_down=Decimal("0.95"),
)
START_TICKS = {BTC: 600_000, ETH: 300_000}
"""Best bid when nothing else is said: 60,000 and 3,000 USDT."""

MODULES = (account, books, control, features, grid, journal, ledger, market, orders, risk, venue)
CLASSES: tuple[type[Message], ...] = (
    *(
        one
        for module in MODULES
        for one in vars(module).values()
        if isinstance(one, type) and issubclass(one, Message) and one is not Message
    ),
    ActorFailed,
    ActorRestarted,
    ActorStarted,
)

Body = TypeVar("Body", bound=Message)


@attrs.frozen
class Said:
    """One message, as it was said."""

    sender: str
    at_ns: int
    body: Message


class Record(Observer):
    """Everything that was said, in order."""

    hears = CLASSES

    def __init__(self) -> None:
        self.all: list[Said] = []

    def observe(self, sender: str, at_ns: int, body: Message) -> None:
        """Write it down."""
        self.all.append(Said(sender, at_ns, body))


class Market(Iterator[MarketEvent]):
    """Quotes at a steady pace, at the prices where the test has put them."""

    def __init__(self, bids: dict[str, int], every_ms: int = 100, top_lots: int = 50_000) -> None:
        self.quotes = {symbol: (bid, bid + 1) for symbol, bid in bids.items()}
        self.top_lots = top_lots
        self.is_standing = False
        self._every_ms = every_ms
        self._at_ms = 0
        self._queue: deque[MarketEvent] = deque()

    def put(self, symbol: str, bid_ticks: int, ask_ticks: int = 0) -> None:
        """Let the next quotes be these; the spread is one tick if no ask is given."""
        self.quotes[symbol] = (bid_ticks, ask_ticks or bid_ticks + 1)

    def stand(self) -> None:
        """Let the quotes be, so that everything comes to rest."""
        self.is_standing = True

    def move(self) -> None:
        """Change the quotes before each round; here they stand still."""

    def __next__(self) -> MarketEvent:
        """Return the next event; a round holds one quote and one print for each symbol."""
        if not self._queue:
            self._at_ms += self._every_ms
            if not self.is_standing:
                self.move()
            for symbol, (bid, ask) in self.quotes.items():
                quote = Quote(
                    at_ms=self._at_ms,
                    symbol=symbol,
                    bid_ticks=bid,
                    bid_lots=self.top_lots,
                    ask_ticks=ask,
                    ask_lots=self.top_lots,
                )
                self._queue.append(quote)
                self._queue.append(self.print_of(symbol, (bid + ask) // 2))
        return self._queue.popleft()

    def print_of(self, symbol: str, ticks: int) -> Trade:
        """Return a print that keeps the trade stream alive without reaching any level."""
        return Trade(
            at_ms=self._at_ms, symbol=symbol, price_ticks=ticks, lots=1, buyer_is_maker=True
        )


class Walk(Market):
    """Prices that go their own way, drawn from a seed."""

    def __init__(
        self,
        bids: dict[str, int],
        seed: int,
        *,
        step_bps: float = 1.5,
        every_ms: int = 100,
        top_lots: int = 3,
    ) -> None:
        super().__init__(bids, every_ms, top_lots)
        self._random = Random(seed)
        self._step_bps = step_bps

    def move(self) -> None:
        """Take one step of a random walk."""
        for symbol, (bid, _) in self.quotes.items():
            step = round(bid * self._random.gauss(0, self._step_bps) / 10_000)
            self.put(symbol, bid + step, bid + step + self._random.randint(1, 3))


def config(*symbols: str, **sections: Any) -> Config:
    """Return a tree of settings; ``policy={"levels": 3}`` evolves one section."""
    tree = Config(run=RunSettings(symbols=symbols or (BTC,)))
    changed = {
        name: attrs.evolve(getattr(tree, name), **fields) for name, fields in sections.items()
    }
    return attrs.evolve(tree, **changed)


QUICK: dict[str, dict[str, Any]] = {
    "risk": {"cooldown_ms": 2_000},
    "sync": {"interval_ms": 3_000, "missing_after_ms": 3_000},
    "policy": {"levels": 3},
}
"""Settings that make the same things happen sooner."""


def quick(*symbols: str, **sections: dict[str, Any]) -> Config:
    """Return a configuration with few levels and short pauses."""
    merged = {
        name: {**QUICK.get(name, {}), **sections.get(name, {})} for name in {*QUICK, *sections}
    }
    return config(*symbols, **merged)


class Stage:
    """A world, its market, its record, and the exchange as the witness."""

    def __init__(
        self,
        settings: Config | None = None,
        *,
        instruments: tuple[Instrument, ...] = (BITCOIN,),
        market: Market | None = None,
        seed: int | None = None,
        latency: Latency | None = None,
        funding_rate: Decimal = FUNDING_RATE,
        prepare: Callable[[World], None] | None = None,
    ) -> None:
        self.settings = settings or quick(*(one.symbol for one in instruments))
        markets = {one.symbol: one for one in instruments}
        self.instruments = legs_of(markets, self.settings.venue.position_mode)
        self.market = market or Market({name: START_TICKS[name] for name in markets})
        self.world = World(
            self.settings,
            self.instruments,
            self.market,
            seed=seed,
            latency=latency,
            funding_rate=funding_rate,
        )
        self.record = Record()
        self.world.runtime.observe(self.record)
        self.exchange = self.world.exchange
        self.runtime = self.world.runtime
        if prepare is not None:
            prepare(self.world)
        self.world.start()

    # Time.

    def run(self, seconds: float) -> Stage:
        """Let virtual time pass."""
        self.world.run_for(round(seconds * SECOND))
        return self

    def until(self, is_so: Callable[[], object], within_s: float = 30, step_ms: int = 50) -> None:
        """Let time pass until something is so; fail when it never is."""
        for _ in range(round(within_s * 1_000 / step_ms)):
            if is_so():
                return
            self.world.run_for(step_ms * MS)
        assert is_so(), f"not so within {within_s} s of virtual time"

    @property
    def now_ms(self) -> int:
        """The venue's time."""
        return self.world.venue.now_ms

    # What was said.

    def said(self, *classes: type[Body], sender: str = "") -> list[Body]:
        """Return every message of some classes, in order."""
        return [one.body for one in self.entries_of(*classes, sender=sender)]  # type: ignore[misc]

    def entries_of(self, *classes: type[Message], sender: str = "") -> list[Said]:
        """Return the same with sender and time."""
        return [
            one
            for one in self.record.all
            if isinstance(one.body, classes) and sender in ("", one.sender)
        ]

    @property
    def state(self) -> str:
        """The lifecycle state said last."""
        said = self.said(risk.RiskStateChanged)
        return said[-1].to_state if said else ""

    def tell(self, name: str, message: Message) -> None:
        """Say something to an actor from outside."""
        self.runtime.tell(self.runtime.address(name), message)

    def actor(self, name: str) -> Any:
        """Return the living actor at ``name``: its picture, to be held against the venue's."""
        actor: Actor = self.runtime.resolve(name).slot.cell.actor
        return actor

    # What the venue sees.

    def orders(self, symbol: str | None = None) -> tuple[Order, ...]:
        """Return every open order of the account, or of one leg."""
        if symbol is None:
            return self.exchange.open_orders(ACCOUNT)
        shown = self.exchange.open_orders(ACCOUNT, market_of(symbol))
        return tuple(one for one in shown if one.position_side is side_of(symbol))

    def entries(self, symbol: str | None = None) -> dict[str, Order]:
        """Return the open orders that may add risk, by level."""
        return self._by_level(symbol, reduce_only=False)

    def exits(self, symbol: str | None = None) -> dict[str, Order]:
        """Return the open reduce-only orders, by level."""
        return self._by_level(symbol, reduce_only=True)

    def _by_level(self, symbol: str | None, *, reduce_only: bool) -> dict[str, Order]:
        found = {}
        for order in self.orders(symbol):
            if order.reduce_only is reduce_only:
                key = level_of(order) if symbol else f"{leg_of(order)} {level_of(order)}"
                assert key not in found, f"two orders rest at {key}"
                found[key] = order
        return found

    def held(self, symbol: str = BTC) -> int:
        """Return the position in lots."""
        return self.exchange.position(ACCOUNT, market_of(symbol), side_of(symbol)).qty_lots

    def doubles(self) -> list[str]:
        """Return levels at which more than one order of ours rests."""
        seen: set[tuple[str, str]] = set()
        found = []
        for order in self.orders():
            key = (leg_of(order), level_of(order))
            if key in seen:
                found.append(f"{key}")
            seen.add(key)
        return found

    # What the market does.

    def sold(self, ticks: int, lots: int, symbol: str = BTC) -> None:
        """Let somebody sell into the bids at a price."""
        self.exchange.trade(symbol, ticks, lots, True, self.now_ms)
        self.world.venue.settle()

    def bought(self, ticks: int, lots: int, symbol: str = BTC) -> None:
        """Let somebody buy from the asks at a price."""
        self.exchange.trade(symbol, ticks, lots, False, self.now_ms)
        self.world.venue.settle()

    def by_hand(
        self,
        side: Side,
        lots: int,
        *,
        ticks: int = 0,
        name: str = "by-hand",
        symbol: str = BTC,
        tell: bool = True,
    ) -> Order:
        """Place an order on the account past the system; at the market unless priced."""
        instrument = self.instruments[symbol]
        order = self.exchange.place(
            ACCOUNT,
            NewOrder(
                symbol=instrument.market,
                position_side=instrument.position_side,
                side=side,
                type=OrderType.LIMIT if ticks else OrderType.MARKET,
                price=instrument.price(ticks) if ticks else None,
                qty=instrument.qty(lots),
                time_in_force=TimeInForce.GTC,
                client_order_id=name,
            ),
            self.now_ms,
        )
        if tell:
            self.world.venue.settle()
        else:
            self.exchange.drain()
        return order


def leg_of(order: Order) -> str:
    """Return the name of the leg that an order is of."""
    return leg_name(order.symbol, order.position_side)


def level_of(order: Order) -> str:
    """Return the grid level in an order's name; the whole name when it is not one of ours."""
    identity = decode(order.client_order_id)
    return identity.level if identity is not None else order.client_order_id


def ladder(levels: int) -> set[str]:
    """Return the names of a whole ladder."""
    return {f"{side}{number}" for side in "bs" for number in range(1, levels + 1)}
