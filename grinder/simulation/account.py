"""Accounts: wallet, and per symbol a desk with its position and its orders."""

from __future__ import annotations

from collections import deque
from decimal import ROUND_HALF_EVEN, Decimal

from grinder.model.instrument import Instrument
from grinder.model.order import Side
from grinder.simulation.book import Book
from grinder.simulation.money import Scale, ceiling, from_e8, half_even
from grinder.simulation.orders import AVERAGE_PRICE_STEP, LiveOrder
from grinder.simulation.reports import AccountTrade, Income, IncomeType, PositionState

CLOSED_ORDERS_MAX = 2_000
"""Closed orders remembered per account and symbol; the oldest is forgotten first."""
TRADES_MAX = 10_000
"""Fills remembered per account."""
INCOME_MAX = 10_000
"""Changes of the wallet remembered per account."""
LEVERAGE = 20
"""The venue's leverage for a symbol that was never set up."""


class Position:
    """Signed lots and what they cost, in atoms, with the sign of the lots."""

    __slots__ = ("cost", "lots", "realised_e8", "updated_ms")

    def __init__(self) -> None:
        self.lots = 0
        self.cost = 0
        self.realised_e8 = 0
        self.updated_ms = 0

    def apply(self, signed_lots: int, ticks: int, scale: Scale) -> int:
        """Book a fill and return the profit it realises, in 1e-8, ROUND_HALF_EVEN.

        What rounding leaves stays in the cost of what is still held, so the profits of a position
        add up to the exact sum once it is flat.
        """
        held = self.lots
        self.lots = held + signed_lots
        value = signed_lots * ticks * scale.unit_atoms
        if held * signed_lots >= 0:
            self.cost += value
            return 0
        size = abs(held)
        closed = min(size, abs(signed_lots))
        proceeds = (closed if held > 0 else -closed) * ticks * scale.unit_atoms
        realised_e8 = half_even(proceeds * size - self.cost * closed, size * scale.e8_atoms)
        self.realised_e8 += realised_e8
        if closed < size:
            self.cost -= proceeds - realised_e8 * scale.e8_atoms
        else:
            self.cost = value + proceeds
        return realised_e8


class Desk:
    """What one account has on one symbol: position, open orders, closed orders."""

    __slots__ = (
        "_closed_ids",
        "account",
        "book",
        "closed",
        "countdown_ms",
        "exposure",
        "instrument",
        "leverage",
        "open",
        "open_ids",
        "position",
        "reducing",
    )

    def __init__(self, account: Account, book: Book) -> None:
        self.account = account
        self.book = book
        self.instrument: Instrument = book.instrument
        self.position = Position()
        self.leverage = LEVERAGE
        self.open: dict[int, LiveOrder] = {}
        self.open_ids: dict[str, LiveOrder] = {}
        self.closed: dict[int, LiveOrder] = {}
        self._closed_ids: dict[str, LiveOrder] = {}
        self.exposure = {Side.BUY: 0, Side.SELL: 0}
        """Sum of ticks x remaining lots of open orders that are not reduce-only."""
        self.reducing = {Side.BUY: 0, Side.SELL: 0}
        """Remaining lots of open reduce-only orders."""
        self.countdown_ms = 0
        """When the dead-man switch fires; 0 while it is off."""

    def add(self, order: LiveOrder) -> None:
        """Open ``order``."""
        self.open[order.order_id] = order
        self.open_ids[order.client_order_id] = order
        self.count(order, order.remaining)

    def count(self, order: LiveOrder, lots: int) -> None:
        """Add ``lots`` (negative: remove) of an open order to what the account has open."""
        if order.reduce_only:
            self.reducing[order.side] += lots
        else:
            self.exposure[order.side] += order.ticks * lots

    def close(self, order: LiveOrder) -> None:
        """Move a closed ``order``, already uncounted, to the bounded table."""
        del self.open[order.order_id]
        del self.open_ids[order.client_order_id]
        self.closed[order.order_id] = order
        self._closed_ids[order.client_order_id] = order
        if len(self.closed) > CLOSED_ORDERS_MAX:
            oldest = self.closed.pop(next(iter(self.closed)))
            if self._closed_ids.get(oldest.client_order_id) is oldest:
                del self._closed_ids[oldest.client_order_id]

    def find_open(self, order_id: int | None, client_order_id: str | None) -> LiveOrder | None:
        """Return an open order; the order id wins over the client's."""
        if order_id is not None:
            return self.open.get(order_id)
        return self.open_ids.get(client_order_id or "")

    def find(self, order_id: int | None, client_order_id: str | None) -> LiveOrder | None:
        """Return an order, open or closed; of several with one client id the newest."""
        found = self.find_open(order_id, client_order_id)
        if found is not None:
            return found
        if order_id is not None:
            return self.closed.get(order_id)
        return self._closed_ids.get(client_order_id or "")

    def reducible(self, side: Side) -> int:
        """Return the lots that orders of ``side`` can take from the position."""
        return max(0, -self.position.lots * side.sign)

    def value_e8(self) -> int:
        """Return the position's signed value at the mark price (at cost without one)."""
        book, position = self.book, self.position
        if book.mark_price is None:
            return book.scale.e8(position.cost)
        return book.scale.e8(book.scale.atoms_at(book.mark_e8, position.lots))

    def unrealised_e8(self) -> int:
        """Return the profit not yet realised, at the mark price (0 without one)."""
        book, position = self.book, self.position
        if book.mark_price is None or not position.lots:
            return 0
        return book.scale.e8(book.scale.atoms_at(book.mark_e8, position.lots) - position.cost)

    def open_value_e8(self, side: Side) -> int:
        """Return the value of the open orders of ``side`` that are not reduce-only."""
        return self.book.scale.e8(self.exposure[side] * self.book.scale.unit_atoms)

    def margin_e8(self, buy_units: int = 0, sell_units: int = 0) -> int:
        """Return the initial margin of the desk, with that much more open, ROUND_CEILING.

        The larger of position plus buys and position less sells, over the leverage: only one side
        of a grid can make the position grow.
        """
        scale, value = self.book.scale, self.value_e8()
        buys = scale.e8((self.exposure[Side.BUY] + buy_units) * scale.unit_atoms)
        sells = scale.e8((self.exposure[Side.SELL] + sell_units) * scale.unit_atoms)
        return ceiling(max(abs(value), value + buys, sells - value), self.leverage)

    def position_margin_e8(self) -> int:
        """Return the part of the margin that the position alone needs, ROUND_CEILING."""
        return ceiling(abs(self.value_e8()), self.leverage)

    def entry_price(self) -> Decimal:
        """Return the average entry price, eight decimals, ROUND_HALF_EVEN; 0 when flat."""
        lots = self.position.lots
        if not lots:
            return Decimal(0)
        scale = self.book.scale
        units = Decimal(self.position.cost) / (scale.unit_atoms * lots)
        return (units * self.instrument.tick).quantize(AVERAGE_PRICE_STEP, ROUND_HALF_EVEN)

    def position_state(self) -> PositionState:
        """Return the position as the venue shows it."""
        position = self.position
        return PositionState(
            symbol=self.instrument.symbol,
            qty=self.instrument.lot * position.lots,
            qty_lots=position.lots,
            entry_price=self.entry_price(),
            realised=from_e8(position.realised_e8),
            unrealised=from_e8(self.unrealised_e8()),
            updated_ms=position.updated_ms,
        )


class Account:
    """One participant: one-way mode, cross margin, one quote asset."""

    __slots__ = (
        "_income_id",
        "commission_e8",
        "desks",
        "fills",
        "funding_e8",
        "income",
        "name",
        "orders",
        "realised_e8",
        "start_e8",
        "trades",
        "wallet_e8",
    )

    def __init__(self, name: str, start_e8: int) -> None:
        self.name = name
        self.start_e8 = start_e8
        self.wallet_e8 = start_e8
        self.realised_e8 = 0
        self.commission_e8 = 0
        self.funding_e8 = 0
        self.fills = 0
        self.orders = 0
        self.desks: dict[str, Desk] = {}
        self.trades: deque[AccountTrade] = deque(maxlen=TRADES_MAX)
        self.income: deque[Income] = deque(maxlen=INCOME_MAX)
        self._income_id = 0

    def desk(self, book: Book) -> Desk:
        """Return the desk of ``book``'s symbol, made on first use."""
        symbol = book.instrument.symbol
        found = self.desks.get(symbol)
        if found is None:
            found = self.desks[symbol] = Desk(self, book)
        return found

    def book_trade(self, trade: AccountTrade, realised_e8: int, commission_e8: int) -> None:
        """Move the wallet by a fill's profit and commission."""
        self.wallet_e8 += realised_e8 - commission_e8
        self.realised_e8 += realised_e8
        self.commission_e8 += commission_e8
        self.fills += 1
        self.trades.append(trade)
        if realised_e8:
            self._note(IncomeType.REALIZED_PNL, trade, realised_e8)
        if commission_e8:
            self._note(IncomeType.COMMISSION, trade, -commission_e8)

    def book_funding(self, desk: Desk, amount_e8: int, now_ms: int) -> None:
        """Move the wallet by a funding payment; negative was paid."""
        self.wallet_e8 += amount_e8
        self.funding_e8 += amount_e8
        self._income_id += 1
        self.income.append(
            Income(
                income_id=self._income_id,
                symbol=desk.instrument.symbol,
                type=IncomeType.FUNDING_FEE,
                amount=from_e8(amount_e8),
                asset=desk.instrument.quote_asset,
                trade_id=0,
                ts_ms=now_ms,
            )
        )

    def unrealised_e8(self) -> int:
        """Return the profit not yet realised over all symbols."""
        return sum(desk.unrealised_e8() for desk in self.desks.values())

    def margin_e8(self) -> int:
        """Return the initial margin in use over all symbols."""
        return sum(desk.margin_e8() for desk in self.desks.values())

    def _note(self, kind: IncomeType, trade: AccountTrade, amount_e8: int) -> None:
        self._income_id += 1
        self.income.append(
            Income(
                income_id=self._income_id,
                symbol=trade.symbol,
                type=kind,
                amount=from_e8(amount_e8),
                asset=trade.commission_asset,
                trade_id=trade.trade_id,
                ts_ms=trade.ts_ms,
            )
        )
