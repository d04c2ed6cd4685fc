"""The book of one symbol: participants' resting orders beside the external book."""

from __future__ import annotations

from bisect import bisect_left, insort
from decimal import Decimal
from typing import TYPE_CHECKING

from grinder.model.instrument import Instrument
from grinder.model.order import Side
from grinder.simulation.bracket_tables import brackets_of
from grinder.simulation.external import FAR, ExternalSide
from grinder.simulation.money import Scale, to_e8
from grinder.simulation.orders import LiveOrder
from grinder.simulation.queueing import Level, QueueRules

if TYPE_CHECKING:
    from grinder.simulation.algo import LiveAlgo


class HalfBook:
    """One side. Keys are ticks x ``direction``: the smaller key is the better price."""

    __slots__ = ("_rules", "best", "direction", "external", "keys", "levels", "wake", "watch")

    def __init__(self, direction: int, rules: QueueRules) -> None:
        self.direction = direction
        self._rules = rules
        self.external = ExternalSide()
        self.keys: list[int] = []
        """Keys with participants' orders, best first."""
        self.levels: dict[int, Level] = {}
        self.best = FAR
        """Best key with a participant's order; FAR when there is none."""
        self.watch = FAR
        """Nearest key at which a conditional order may trigger; FAR when none waits."""
        self.wake = FAR
        """The better of ``best`` and ``watch``: a quote that does not reach it changes nothing."""

    def rest(self, order: LiveOrder) -> None:
        """Put ``order`` at the end of the line at its price."""
        key = order.ticks * self.direction
        displayed = self.external.displayed(key)
        level = self.levels.get(key)
        if level is None:
            level = self.levels[key] = Level(self._rules, displayed or 0)
            insort(self.keys, key)
            self.best = self.keys[0]
            self.wake = min(self.best, self.watch)
        if displayed is None:
            displayed = max(level.displayed, self._rules.unknown_ahead_lots)
        level.join(order, displayed)

    def remove(self, order: LiveOrder) -> None:
        """Take a resting ``order`` out; an order that does not rest is left alone."""
        if not order.is_resting:
            return
        key = order.ticks * self.direction
        level = self.levels[key]
        del level.orders[order.order_id]
        order.is_resting = False
        if not level.orders:
            del self.levels[key]
            del self.keys[bisect_left(self.keys, key)]
            self.best = self.keys[0] if self.keys else FAR
            self.wake = min(self.best, self.watch)

    def set_watch(self, key: int) -> None:
        """Wake at ``key``, too; FAR for not at all."""
        self.watch = key
        self.wake = min(self.best, key)

    def restate_touch(self, key: int, lots: int) -> None:
        """Hear a quote at participants' prices: nothing external stands better than ``key``."""
        for own in self.keys:
            if own > key:
                return
            self.levels[own].restate(lots if own == key else 0)

    def restate_level(self, key: int, lots: int) -> None:
        """Hear depth at ``key``."""
        self.external.state_level(key, lots)
        level = self.levels.get(key)
        if level is not None:
            level.restate(lots)


class Book:
    """Both sides of one symbol, its mark price and its funding."""

    __slots__ = (
        "asks",
        "bids",
        "brackets",
        "funded_ms",
        "funding_rate",
        "index_price",
        "instrument",
        "last_ticks",
        "mark_e8",
        "mark_price",
        "next_funding_ms",
        "scale",
        "trade_id",
        "watches",
    )

    def __init__(self, instrument: Instrument, rules: QueueRules) -> None:
        self.instrument = instrument
        self.scale = Scale.of(instrument)
        self.bids = HalfBook(-1, rules)
        self.asks = HalfBook(1, rules)
        self.mark_price: Decimal | None = None
        self.mark_e8 = 0
        self.index_price: Decimal | None = None
        self.funding_rate = Decimal(0)
        self.next_funding_ms = 0
        """Epoch ms; 0 while no funding is due."""
        self.funded_ms = 0
        """The last funding time that was charged."""
        self.trade_id = 0
        self.brackets = brackets_of(instrument.symbol)
        self.last_ticks = 0
        """Price of the last trade; 0 before the first."""
        self.watches: dict[int, LiveAlgo] = {}
        """Conditional orders that wait, by id."""

    def half(self, side: Side) -> HalfBook:
        """Return the side on which orders of ``side`` rest."""
        return self.bids if side is Side.BUY else self.asks

    def opposite(self, side: Side) -> HalfBook:
        """Return the side from which an order of ``side`` takes."""
        return self.asks if side is Side.BUY else self.bids

    def next_trade_id(self) -> int:
        """Return a new trade id, rising by one per symbol."""
        self.trade_id += 1
        return self.trade_id

    def set_mark(self, mark_price: Decimal, index_price: Decimal | None) -> None:
        """Remember mark and index price."""
        self.mark_price = mark_price
        self.mark_e8 = to_e8(mark_price)
        self.index_price = index_price

    def contract_price(self) -> Decimal | None:
        """Return the price of the last trade, or what a quote made of it; None before both."""
        return self.instrument.price(self.last_ticks) if self.last_ticks else None

    def heed_quote(self) -> None:
        """Let the quote move the last price that it excludes: up to the bid, down to the ask."""
        bid, ask = -self.bids.external.touch, self.asks.external.touch
        if bid != -FAR:
            self.last_ticks = max(self.last_ticks, bid)
        if ask != FAR:
            self.last_ticks = min(self.last_ticks, ask) if self.last_ticks else ask

    def would_take(self, side: Side, ticks: int) -> bool:
        """Say whether a limit order would meet a participant or the displayed external book."""
        opposite = self.opposite(side)
        limit = ticks * opposite.direction
        return opposite.best <= limit or opposite.external.touch <= limit
