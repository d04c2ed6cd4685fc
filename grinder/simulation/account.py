"""Accounts: wallet, and per symbol a desk with its positions and its orders."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from grinder.model.fees import FeeRates
from grinder.model.instrument import Instrument
from grinder.model.order import OrderType, Side
from grinder.simulation.book import Book
from grinder.simulation.brackets import leverage_max
from grinder.simulation.money import from_e8
from grinder.simulation.orders import LiveOrder, PositionSide
from grinder.simulation.positions import Leg, Position
from grinder.simulation.reports import AccountTrade, Income, IncomeType, MarginMove

if TYPE_CHECKING:
    from grinder.simulation.algo import LiveAlgo

__all__ = ["Account", "Desk", "Position"]

CLOSED_ORDERS_MAX = 2_000
"""Closed orders remembered per account and symbol; the oldest is forgotten first."""
TRADES_MAX = 10_000
"""Fills remembered per account."""
INCOME_MAX = 10_000
"""Changes of the wallet remembered per account."""
MARGIN_MOVES_MAX = 1_000
"""Margin moved into and out of isolated positions, remembered per account."""
LEVERAGE = 20
"""The venue's leverage for a symbol that was never set up."""


class Desk:
    """What one account has on one symbol: positions, open orders, closed orders."""

    __slots__ = (
        "_both",
        "_closed_ids",
        "_hedge_legs",
        "account",
        "book",
        "closed",
        "countdown_ms",
        "instrument",
        "is_isolated",
        "legs",
        "leverage",
        "open",
        "open_ids",
    )

    def __init__(self, account: Account, book: Book) -> None:
        self.account = account
        self.book = book
        self.instrument: Instrument = book.instrument
        self.leverage = min(LEVERAGE, leverage_max(book.brackets))
        self.is_isolated = False
        self.legs = {side: Leg(self, side) for side in PositionSide}
        self._both = self.legs[PositionSide.BOTH]
        self._hedge_legs = (self.legs[PositionSide.LONG], self.legs[PositionSide.SHORT])
        self.open: dict[int, LiveOrder] = {}
        self.open_ids: dict[str, LiveOrder] = {}
        self.closed: dict[int, LiveOrder] = {}
        self._closed_ids: dict[str, LiveOrder] = {}
        self.countdown_ms = 0
        """When the dead-man switch fires; 0 while it is off."""

    @property
    def position(self) -> Position:
        """The one-way position."""
        return self._both.position

    @property
    def exposure(self) -> dict[Side, int]:
        """What is open beside the one-way position, in ticks x lots, without reduce-only orders."""
        return self._both.exposure

    @property
    def reducing(self) -> dict[Side, int]:
        """Lots of the open orders that may only reduce the one-way position."""
        return self._both.reducing

    def add(self, order: LiveOrder) -> None:
        """Open ``order``."""
        self.open[order.order_id] = order
        self.open_ids[order.client_order_id] = order
        self.count(order, order.remaining)

    def count(self, order: LiveOrder, lots: int) -> None:
        """Add ``lots`` (negative: remove) of an open order to what the account has open."""
        leg = order.leg
        if not order.reduce_only:
            leg.exposure[order.side] += order.ticks * lots
        elif order.type is not OrderType.MARKET:
            # A market order never rests: the resting ones make room for it when it fills.
            leg.reducing[order.side] += lots

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
        """Return the lots that orders of ``side`` can take from the one-way position."""
        return self._both.reducible(side)

    @property
    def active_legs(self) -> tuple[Leg, ...]:
        """The positions that the account's mode knows."""
        return self._hedge_legs if self.account.is_hedged else (self._both,)

    @property
    def has_position(self) -> bool:
        """Whether any position is not flat."""
        return any(leg.position.lots for leg in self.active_legs)

    def unrealised_e8(self) -> int:
        """Return the profit not yet realised, at the mark price (0 without one)."""
        return sum(leg.unrealised_e8() for leg in self.active_legs)

    def margin_e8(self) -> int:
        """Return the initial margin of positions and orders."""
        return sum(leg.margin_e8() for leg in self.active_legs)

    def position_margin_e8(self) -> int:
        """Return the part of the margin that the positions alone need."""
        return sum(leg.position_margin_e8() for leg in self.active_legs)

    def isolated_e8(self) -> int:
        """Return what of the wallet is set apart for the positions; 0 under crossed margin."""
        return sum(leg.isolated_e8 for leg in self.active_legs)


class Account:
    """One participant with one quote asset."""

    __slots__ = (
        "algos",
        "algos_done",
        "commission_e8",
        "desks",
        "fee_tier",
        "fees",
        "fills",
        "funding_e8",
        "income",
        "income_id",
        "insurance_e8",
        "is_called",
        "is_hedged",
        "margin_moves",
        "name",
        "orders",
        "realised_e8",
        "start_e8",
        "trades",
        "wallet_e8",
    )

    def __init__(self, name: str, start_e8: int, fees: FeeRates, fee_tier: int) -> None:
        self.name = name
        self.fees = fees
        self.fee_tier = fee_tier
        """The VIP level that the venue shows."""
        self.start_e8 = start_e8
        self.wallet_e8 = start_e8
        self.realised_e8 = 0
        self.commission_e8 = 0
        self.funding_e8 = 0
        self.insurance_e8 = 0
        """What the venue paid for losses that were larger than the margin."""
        self.is_hedged = False
        self.is_called = False
        """Whether the owner has been warned of too little margin, until it is enough again."""
        self.fills = 0
        self.orders = 0
        self.desks: dict[str, Desk] = {}
        self.algos: dict[int, LiveAlgo] = {}
        """Conditional orders that wait, by id."""
        self.algos_done: deque[LiveAlgo] = deque(maxlen=CLOSED_ORDERS_MAX)
        """Conditional orders that triggered or ended, oldest first."""
        self.trades: deque[AccountTrade] = deque(maxlen=TRADES_MAX)
        self.income: deque[Income] = deque(maxlen=INCOME_MAX)
        self.margin_moves: deque[MarginMove] = deque(maxlen=MARGIN_MOVES_MAX)
        self.income_id = 0
        """Of the newest change of the wallet."""

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
        self._note_change(IncomeType.FUNDING_FEE, desk, amount_e8, now_ms)

    def book_insurance(self, desk: Desk, amount_e8: int, now_ms: int) -> None:
        """Move the wallet by what the venue pays after a liquidation."""
        self.wallet_e8 += amount_e8
        self.insurance_e8 += amount_e8
        self._note_change(IncomeType.INSURANCE_CLEAR, desk, amount_e8, now_ms)

    def unrealised_e8(self) -> int:
        """Return the profit not yet realised over all symbols."""
        return sum(desk.unrealised_e8() for desk in self.desks.values())

    def isolated_e8(self) -> int:
        """Return what of the wallet is set apart for isolated positions."""
        return sum(desk.isolated_e8() for desk in self.desks.values())

    def cross_equity_e8(self) -> int:
        """Return the wallet and the unrealised profit that crossed positions share."""
        crossed = sum(each.unrealised_e8() for each in self.desks.values() if not each.is_isolated)
        return self.wallet_e8 - self.isolated_e8() + crossed

    def cross_maintenance_e8(self) -> int:
        """Return the margin that keeps all crossed positions alive."""
        return sum(
            leg.maintenance_e8()
            for desk in self.desks.values()
            if not desk.is_isolated
            for leg in desk.active_legs
        )

    def free_e8(self) -> int:
        """Return what can still be bound by new orders; negative when too much is bound.

        An isolated position has paid for itself already; its orders have not.
        """
        bound = 0
        for desk in self.desks.values():
            bound += desk.margin_e8()
            if desk.is_isolated:
                bound -= desk.position_margin_e8()
        return self.cross_equity_e8() - bound

    def _note_change(self, kind: IncomeType, desk: Desk, amount_e8: int, now_ms: int) -> None:
        self.income_id += 1
        self.income.append(
            Income(
                income_id=self.income_id,
                symbol=desk.instrument.symbol,
                type=kind,
                amount=from_e8(amount_e8),
                asset=desk.instrument.quote_asset,
                trade_id=0,
                ts_ms=now_ms,
            )
        )

    def _note(self, kind: IncomeType, trade: AccountTrade, amount_e8: int) -> None:
        self.income_id += 1
        self.income.append(
            Income(
                income_id=self.income_id,
                symbol=trade.symbol,
                type=kind,
                amount=from_e8(amount_e8),
                asset=trade.commission_asset,
                trade_id=trade.trade_id,
                ts_ms=trade.ts_ms,
            )
        )
