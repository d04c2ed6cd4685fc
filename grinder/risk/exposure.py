"""What we hold and what we may come to hold if everything that rests were to fill.

Fed by order events in any order and more than once: what is known of an order is its quantity and
the largest cumulative fill, an order that ended stays ended, and a position stated by the venue
replaces whatever fills had made of it. Reduce-only orders add no risk and are left out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal

from grinder.errors import InvariantError
from grinder.execution.holding import Holding
from grinder.kernel.message import Message
from grinder.messages.account import PositionChanged
from grinder.messages.orders import (
    OrderAccepted,
    OrderEnded,
    OrderFilled,
    OrderRejected,
    OrdersSubmitted,
    OrdersSynced,
    Placement,
)
from grinder.model.instrument import Instrument
from grinder.model.order import OpenOrder, Side
from grinder.risk.surplus import Entry

WORKING_MAX = 4_000
"""Above what the order book can hold live; more means that ends are not heard."""
ENDED_MAX = 2_000
"""Ended ids remembered, so that a late acceptance does not bring an order back."""


class _Working:
    __slots__ = ("filled_lots", "price_ticks", "qty_lots", "side", "symbol")

    def __init__(self, symbol: str, side: Side, price_ticks: int, qty_lots: int) -> None:
        self.symbol = symbol
        self.side = side
        self.price_ticks = price_ticks
        self.qty_lots = qty_lots
        self.filled_lots = 0

    @property
    def remaining_lots(self) -> int:
        return max(0, self.qty_lots - self.filled_lots)


class SymbolExposure:
    """Position and pending lots of one symbol."""

    __slots__ = ("buy_lots", "holding", "sell_lots")

    def __init__(self) -> None:
        self.holding = Holding()
        self.buy_lots = 0
        """Lots of own working buys that may still fill."""
        self.sell_lots = 0

    @property
    def position_lots(self) -> int:
        """Lots held, signed."""
        return self.holding.lots

    def worst_lots(self, extra_buy_lots: int = 0, extra_sell_lots: int = 0) -> int:
        """Return the largest absolute position that pending orders can lead to.

        What is held may be gone by then: exits fill, too.
        """
        buys, sells = self.buy_lots + extra_buy_lots, self.sell_lots + extra_sell_lots
        held = self.holding.lots
        return max(buys, sells, held + buys, sells - held)


class Exposure:
    """Every symbol's exposure. Amounts are lots inside and Decimal at the edge."""

    def __init__(self, working_max: int = WORKING_MAX, ended_max: int = ENDED_MAX) -> None:
        self._working_max = working_max
        self._ended_max = ended_max
        self._symbols: dict[str, SymbolExposure] = {}
        self._working: dict[str, _Working] = {}
        self._ended: dict[str, bool] = {}
        self.has_changed = False
        """Set with all that is heard; for whoever looks at the whole of it to take back."""

    def apply(self, message: Message) -> bool:
        """Take an order or position event; False for a message that says nothing of either.

        Raises:
            InvariantError: more working orders than can be.
        """
        self.has_changed = True
        if isinstance(message, OrdersSubmitted):
            self._submit(message.orders)
        elif isinstance(message, OrderAccepted):
            if not self._ended.get(message.client_order_id, True):
                del self._ended[message.client_order_id]
            if not message.reduce_only:
                self._work(message, message.price_ticks, message.qty_lots, 0)
        elif isinstance(message, OrderFilled):
            self._fill(message)
        elif isinstance(message, OrderEnded):
            self._end(message.client_order_id, is_final=True)
        elif isinstance(message, OrderRejected):
            # An order thought rejected can turn out to rest; then it is accepted after all.
            self._end(message.client_order_id, is_final=False)
        elif isinstance(message, OrdersSynced):
            self._sync(message)
        elif isinstance(message, PositionChanged):
            self.of(message.symbol).holding.hear(message)
        else:
            return False
        return True

    def of(self, symbol: str) -> SymbolExposure:
        """Return the exposure of one symbol. Read only."""
        exposure = self._symbols.get(symbol)
        if exposure is None:
            exposure = self._symbols[symbol] = SymbolExposure()
        return exposure

    def entries(self) -> Iterator[Entry]:
        """Yield everything that may still add risk, from the moment it was sent."""
        for name, order in self._working.items():
            if order.remaining_lots:
                yield Entry(
                    name=name,
                    leg=order.symbol,
                    side=order.side,
                    price_ticks=order.price_ticks,
                    lots=order.remaining_lots,
                )

    def worst_case_notional(
        self,
        instrument: Instrument,
        price_ticks2: int,
        extra_buy_lots: int = 0,
        extra_sell_lots: int = 0,
    ) -> Decimal:
        """Return the worth in quote units of the worst position that may come, exact.

        Args:
            instrument: which symbol, and its units.
            price_ticks2: twice the price to value at, in ticks (bid plus ask).
            extra_buy_lots: proposed buys not sent yet.
            extra_sell_lots: proposed sells not sent yet.
        """
        lots = self.of(instrument.symbol).worst_lots(extra_buy_lots, extra_sell_lots)
        return instrument.notional(price_ticks2, lots) / 2

    def has_others(self, symbol: str, twin: str = "") -> bool:
        """Return whether any but these two holds, or may come to hold, something."""
        for name, exposure in self._symbols.items():
            if name not in (symbol, twin) and exposure.worst_lots():
                return True
        return False

    def worst_case_of_others(
        self, symbol: str, prices: Mapping[str, tuple[Instrument, int]], twin: str = ""
    ) -> Decimal:
        """Return the sum of the worst cases of every other symbol, of both legs of a market each.

        Args:
            symbol: the one to leave out; empty leaves none out.
            twin: another one to leave out.
            prices: instrument and twice its price in ticks, by symbol.

        Raises:
            KeyError: a symbol that holds or may come to hold something has no price.
        """
        total = Decimal(0)
        for name, exposure in self._symbols.items():
            if name not in (symbol, twin) and exposure.worst_lots():
                instrument, price_ticks2 = prices[name]
                total += self.worst_case_notional(instrument, price_ticks2)
        return total

    def position_notional(self, prices: Mapping[str, tuple[Instrument, int]]) -> Decimal:
        """Return the worth of all positions held, in quote units.

        Raises:
            KeyError: a symbol held has no price.
        """
        total = Decimal(0)
        for name, exposure in self._symbols.items():
            if exposure.position_lots:
                instrument, price_ticks2 = prices[name]
                total += instrument.notional(price_ticks2, abs(exposure.position_lots)) / 2
        return total

    def _submit(self, orders: tuple[Placement, ...]) -> None:
        working, ended = self._working, self._ended
        for order in orders:
            name = order.client_order_id
            if order.reduce_only or name in working or name in ended:
                continue
            if len(working) >= self._working_max:
                raise self._too_many(name)
            side, lots = order.side, order.qty_lots
            working[name] = _Working(order.symbol, side, order.price_ticks, lots)
            symbol = self.of(order.symbol)
            if side is Side.BUY:
                symbol.buy_lots += lots
            else:
                symbol.sell_lots += lots

    def _too_many(self, name: str) -> InvariantError:
        return InvariantError(
            f"expected at most {self._working_max} working orders, {name} is one more"
        )

    def _work(
        self,
        news: OrderAccepted | OrderFilled | OpenOrder,
        price_ticks: int,
        qty_lots: int,
        filled_lots: int,
    ) -> None:
        name = news.client_order_id
        if name in self._ended:
            return
        order = self._working.get(name)
        if order is None:
            if len(self._working) >= self._working_max:
                raise self._too_many(name)
            order = _Working(news.symbol, news.side, price_ticks, qty_lots)
            self._working[name] = order
        else:
            self._pend(order, -1)
            order.qty_lots = qty_lots
        order.filled_lots = max(order.filled_lots, filled_lots)
        self._pend(order, +1)

    def _fill(self, fill: OrderFilled) -> None:
        name = fill.client_order_id
        if name and not fill.reduce_only:
            qty_lots = fill.filled_lots + fill.remaining_lots
            self._work(fill, fill.price_ticks, qty_lots, fill.filled_lots)
            if fill.remaining_lots == 0:
                self._end(name, is_final=True)
        self.of(fill.symbol).holding.fill(fill)

    def _end(self, name: str, *, is_final: bool) -> None:
        order = self._working.pop(name, None)
        if order is not None:
            self._pend(order, -1)
        self._ended[name] = is_final or self._ended.get(name, False)
        if len(self._ended) > self._ended_max:
            del self._ended[next(iter(self._ended))]

    def _sync(self, sync: OrdersSynced) -> None:
        for name in [n for n, o in self._working.items() if o.symbol == sync.symbol]:
            self._pend(self._working.pop(name), -1)
        for order in sync.orders:
            if not order.reduce_only:
                self._ended.pop(order.client_order_id, None)
                self._work(order, order.price_ticks, order.qty_lots, order.filled_lots)
        self.of(sync.symbol).holding.state(sync.position_lots)

    def _pend(self, order: _Working, sign: int) -> None:
        symbol = self.of(order.symbol)
        if order.side is Side.BUY:
            symbol.buy_lots += sign * order.remaining_lots
        else:
            symbol.sell_lots += sign * order.remaining_lots
