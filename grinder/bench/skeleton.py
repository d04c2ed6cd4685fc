"""The reference unit: six stages, frozen messages, one run loop, and nothing else.

Every quote crosses all six stages as a new message at each hop, one deque is the run loop, prices
are whole ticks, and a tiny venue fills what is crossed. There is no ledger, no risk book, no
supervision, no time and no order life: what is left is what messages cost, and therefore a ceiling.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from typing import Any

import attrs

from grinder.simulation.market import Quote

BUY, SELL = 1, -1


@attrs.frozen(kw_only=True)
class Grid:
    """The ladder that is quoted, in ticks."""

    levels: int = 10
    step: int = 10
    recentre: int = 50


@attrs.frozen(kw_only=True)
class Ticked:
    """Feed to feature."""

    seq: int
    at_ms: int
    symbol: str
    bid: int
    bid_lots: int
    ask: int
    ask_lots: int


@attrs.frozen(kw_only=True)
class Featured:
    """Feature to policy."""

    seq: int
    symbol: str
    bid: int
    ask: int
    mid2: int
    spread: int
    imbalance: int


@attrs.frozen(kw_only=True)
class Wish:
    """One order wanted, or the id of one that is not wanted any more."""

    cancels: int
    side: int
    price: int


@attrs.frozen(kw_only=True)
class Proposed:
    """Policy to risk."""

    seq: int
    symbol: str
    wishes: tuple[Wish, ...]
    mid2: int


@attrs.frozen(kw_only=True)
class Approved:
    """Risk to router."""

    seq: int
    symbol: str
    wishes: tuple[Wish, ...]
    epoch: int


@attrs.frozen(kw_only=True)
class Command:
    """One order to place or cancel; the name is its id."""

    name: int
    cancels: int
    side: int
    price: int


@attrs.frozen(kw_only=True)
class Routed:
    """Router to exchange."""

    seq: int
    symbol: str
    commands: tuple[Command, ...]
    bid: int


@attrs.frozen(kw_only=True)
class Filled:
    """Exchange to policy."""

    name: int
    side: int
    price: int


class Venue:
    """Resting orders by side and price; one order a price and side is enough for a grid."""

    def __init__(self) -> None:
        self.orders: dict[int, tuple[int, int]] = {}
        self.best_buy = 0
        self.best_sell = 1 << 60

    def quote(self, bid: int, ask: int) -> list[tuple[int, int, int]]:
        """Fill what the new touch crosses; return (name, side, price) of each."""
        if ask > self.best_buy and bid < self.best_sell:
            return []
        filled = [
            (name, side, price)
            for name, (side, price) in self.orders.items()
            if (price >= ask if side == BUY else price <= bid)
        ]
        for name, _, _ in filled:
            del self.orders[name]
        self._look()
        return filled

    def place(self, name: int, side: int, price: int) -> None:
        """Rest an order."""
        self.orders[name] = (side, price)
        if side == BUY:
            self.best_buy = max(self.best_buy, price)
        else:
            self.best_sell = min(self.best_sell, price)

    def cancel(self, name: int) -> bool:
        """Take an order off; return whether it rested."""
        if self.orders.pop(name, None) is None:
            return False
        self._look()
        return True

    def _look(self) -> None:
        self.best_buy = max(
            (price for side, price in self.orders.values() if side == BUY), default=0
        )
        self.best_sell = min(
            (price for side, price in self.orders.values() if side == SELL), default=1 << 60
        )


class Skeleton:
    """The six stages and their run loop."""

    def __init__(self, grid: Grid) -> None:
        self.grid = grid
        self.venue = Venue()
        self.placed = 0
        self.cancelled = 0
        self.fills = 0
        self._queue: deque[tuple[Callable[[Any], None], Any]] = deque()
        self._seq = 0
        self._names = 0
        self._anchor2 = 0
        self._resting: dict[int, tuple[int, int]] = {}
        # What the policy believes to rest, by name.
        self._wishes: list[Wish] = []

    def run(self, quotes: Iterable[Quote]) -> None:
        """Play ``quotes``; after each, deliver until nothing waits."""
        queue = self._queue
        feed = self.feed
        take = queue.popleft
        for quote in quotes:
            for name, side, price in self.venue.quote(quote.bid_ticks, quote.ask_ticks):
                self.fills += 1
                queue.append((self.filled, Filled(name=name, side=side, price=price)))
            queue.append((feed, quote))
            while queue:
                handler, message = take()
                handler(message)

    def feed(self, quote: Quote) -> None:
        """Give the quote a number; drop a crossed one."""
        if quote.bid_ticks >= quote.ask_ticks:
            return
        self._seq += 1
        ticked = Ticked(
            seq=self._seq,
            at_ms=quote.at_ms,
            symbol=quote.symbol,
            bid=quote.bid_ticks,
            bid_lots=quote.bid_lots,
            ask=quote.ask_ticks,
            ask_lots=quote.ask_lots,
        )
        self._queue.append((self.feature, ticked))

    def feature(self, tick: Ticked) -> None:
        """Compute spread and imbalance."""
        featured = Featured(
            seq=tick.seq,
            symbol=tick.symbol,
            bid=tick.bid,
            ask=tick.ask,
            mid2=tick.bid + tick.ask,
            spread=tick.ask - tick.bid,
            imbalance=10_000 * (tick.bid_lots - tick.ask_lots) // (tick.bid_lots + tick.ask_lots),
        )
        self._queue.append((self.policy, featured))

    def policy(self, features: Featured) -> None:
        """Say what is wanted: nothing, counter-orders, or a ladder around the new mid."""
        wishes = self._wishes
        if abs(features.mid2 - self._anchor2) >= 2 * self.grid.recentre:
            wishes = self._ladder(features.mid2)
        proposed = Proposed(
            seq=features.seq, symbol=features.symbol, wishes=tuple(wishes), mid2=features.mid2
        )
        self._wishes = []
        self._queue.append((self.risk, proposed))

    def _ladder(self, mid2: int) -> list[Wish]:
        self._anchor2 = mid2
        grid = self.grid
        wishes = [
            Wish(cancels=name, side=side, price=price)
            for name, (side, price) in self._resting.items()
        ]
        for level in range(1, grid.levels + 1):
            wishes.append(Wish(cancels=0, side=BUY, price=(mid2 - 2 * grid.step * level) // 2))
            wishes.append(Wish(cancels=0, side=SELL, price=-((-mid2 - 2 * grid.step * level) // 2)))
        return wishes

    def filled(self, fill: Filled) -> None:
        """Want the counter-order, one step away on the other side."""
        self._resting.pop(fill.name, None)
        price = fill.price + fill.side * self.grid.step
        self._wishes.append(Wish(cancels=0, side=-fill.side, price=price))

    def risk(self, proposed: Proposed) -> None:
        """Approve."""
        approved = Approved(
            seq=proposed.seq, symbol=proposed.symbol, wishes=proposed.wishes, epoch=1
        )
        self._queue.append((self.router, approved))

    def router(self, approved: Approved) -> None:
        """Name what is to be placed."""
        commands = []
        for wish in approved.wishes:
            self._names += 1
            commands.append(
                Command(name=self._names, cancels=wish.cancels, side=wish.side, price=wish.price)
            )
        routed = Routed(seq=approved.seq, symbol=approved.symbol, commands=tuple(commands), bid=0)
        self._queue.append((self.exchange, routed))

    def exchange(self, routed: Routed) -> None:
        """Carry out, at once."""
        for command in routed.commands:
            if command.cancels:
                self._resting.pop(command.cancels, None)
                self.cancelled += self.venue.cancel(command.cancels)
            else:
                self.placed += 1
                self._resting[command.name] = (command.side, command.price)
                self.venue.place(command.name, command.side, command.price)
