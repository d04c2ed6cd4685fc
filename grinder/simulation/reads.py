"""What the simulated venue answers when it is asked; nothing here changes anything."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from itertools import islice
from typing import TypeVar

from grinder.model.fees import FeeRates
from grinder.model.instrument import Instrument
from grinder.model.order import PositionSide
from grinder.simulation.account import Account, Desk
from grinder.simulation.book import Book
from grinder.simulation.brackets import Bracket
from grinder.simulation.memory import is_forgotten, oldest_ms
from grinder.simulation.orders import LiveOrder, Order
from grinder.simulation.queueing import QueueRules
from grinder.simulation.refusals import Refusal, Rule
from grinder.simulation.reports import (
    AccountTrade,
    Income,
    IncomeType,
    PositionState,
)

READ_LIMIT = 500
"""Rows of a read that names no limit."""

Row = TypeVar("Row")


class Reads:
    """The reading half of the exchange.

    Every method raises Refusal -2015 for an unknown account and -1121 for an unknown symbol.
    """

    def __init__(self, instruments: Mapping[str, Instrument], rules: QueueRules) -> None:
        self._books = {
            symbol: Book(instrument, rules) for symbol, instrument in instruments.items()
        }
        self._accounts: dict[str, Account] = {}

    def order(
        self,
        account: str,
        symbol: str,
        *,
        order_id: int | None = None,
        client_order_id: str | None = None,
        now_ms: int,
    ) -> Order:
        """Return one order, open or closed; the order id wins over the client's.

        Raises:
            Refusal: -2013 when unknown, or ended and forgotten (``memory``).
        """
        if order_id is None and client_order_id is None:
            raise Refusal(Rule.NO_ORDER_KEY)
        found = self._desk(account, symbol).find(order_id, client_order_id)
        if found is None or _is_forgotten(found, now_ms):
            raise Refusal(Rule.UNKNOWN_ON_QUERY)
        return found.snapshot()

    def open_orders(self, account: str, symbol: str | None = None) -> tuple[Order, ...]:
        """Return the open orders of one symbol, or of all, by order id."""
        live: list[LiveOrder] = []
        for desk in self._desks(account, symbol):
            live.extend(desk.open.values())
        return tuple(order.snapshot() for order in sorted(live, key=_order_id))

    def orders(
        self,
        account: str,
        symbol: str,
        *,
        from_order_id: int | None = None,
        start_ms: int | None = None,
        end_ms: int | None = None,
        limit: int = READ_LIMIT,
        now_ms: int | None = None,
    ) -> tuple[Order, ...]:
        """Return orders of any status by order id: the first from an id or time, else the last.

        Told ``now_ms``, it leaves out what is forgotten (``memory``).
        """
        desk = self._desk(account, symbol)
        is_ranged = not (from_order_id is None and start_ms is None and end_ms is None)
        oldest = oldest_ms(now_ms, is_ranged=is_ranged)
        rows = [
            order
            for order in (*desk.closed.values(), *desk.open.values())
            if (from_order_id is None or order.order_id >= from_order_id)
            and _is_within(order.created_ms, start_ms, end_ms)
            and order.created_ms >= oldest
            and not (now_ms is not None and _is_forgotten(order, now_ms))
        ]
        rows.sort(key=_order_id)
        has_start = from_order_id is not None or start_ms is not None
        return tuple(order.snapshot() for order in _page(rows, limit, has_start))

    def trades(
        self,
        account: str,
        symbol: str,
        *,
        order_id: int | None = None,
        from_id: int | None = None,
        start_ms: int | None = None,
        end_ms: int | None = None,
        limit: int = READ_LIMIT,
        now_ms: int | None = None,
    ) -> tuple[AccountTrade, ...]:
        """Return fills in order: the first from a trade id or time, else the last ``limit``.

        Told ``now_ms``, it leaves out what is forgotten (``memory``).
        """
        self._book(symbol)
        is_ranged = not (order_id is None and from_id is None and start_ms is None)
        oldest = oldest_ms(now_ms, is_ranged=is_ranged or end_ms is not None)
        rows = [
            trade
            for trade in self._account(account).trades
            if trade.symbol == symbol
            and (order_id is None or trade.order_id == order_id)
            and (from_id is None or trade.trade_id >= from_id)
            and _is_within(trade.ts_ms, start_ms, end_ms)
            and trade.ts_ms >= oldest
        ]
        return tuple(_page(rows, limit, from_id is not None or start_ms is not None))

    def income(
        self,
        account: str,
        *,
        symbol: str | None = None,
        income_type: IncomeType | None = None,
        start_ms: int | None = None,
        end_ms: int | None = None,
        limit: int = READ_LIMIT,
        now_ms: int | None = None,
    ) -> tuple[Income, ...]:
        """Return changes of the wallet in order: the first from a time, else the last ``limit``.

        Told ``now_ms``, it leaves out what is forgotten (``memory``).
        """
        is_ranged = not (start_ms is None and end_ms is None)
        oldest = oldest_ms(now_ms, is_ranged=is_ranged)
        rows = [
            row
            for row in self._account(account).income
            if (symbol is None or row.symbol == symbol)
            and (income_type is None or row.type is income_type)
            and _is_within(row.ts_ms, start_ms, end_ms)
            and row.ts_ms >= oldest
        ]
        return tuple(_page(rows, limit, start_ms is not None))

    def position(
        self, account: str, symbol: str, side: PositionSide = PositionSide.BOTH
    ) -> PositionState:
        """Return one position of a symbol, flat or not."""
        return self._desk(account, symbol).legs[side].state()

    def legs(self, account: str, symbol: str) -> tuple[PositionState, ...]:
        """Return the positions of a symbol that the account's mode knows, flat or not."""
        return tuple(leg.state() for leg in self._desk(account, symbol).active_legs)

    def liquidation_price(self, account: str, symbol: str, side: PositionSide) -> Decimal:
        """Return the mark price at which a position is liquidated if nothing else moves; or 0."""
        return self._desk(account, symbol).legs[side].liquidation_price()

    def is_hedged(self, account: str) -> bool:
        """Return whether the account is in hedge mode."""
        return self._account(account).is_hedged

    def brackets(self, symbol: str) -> tuple[Bracket, ...]:
        """Return the notional tiers of the symbol, smallest first."""
        return self._book(symbol).brackets

    def positions(self, account: str) -> tuple[PositionState, ...]:
        """Return the positions of symbols with a position or an open order, by symbol."""
        return tuple(
            leg.state()
            for _, desk in sorted(self._account(account).desks.items())
            for leg in desk.active_legs
            if leg.position.lots or desk.open
        )

    def fees(self, account: str) -> tuple[FeeRates, int]:
        """Return the commission rates of the account and its VIP level."""
        found = self._account(account)
        return found.fees, found.fee_tier

    def leverage(self, account: str, symbol: str) -> int:
        """Return the leverage that is set for the symbol."""
        return self._desk(account, symbol).leverage

    def _account(self, account: str) -> Account:
        found = self._accounts.get(account)
        if found is None:
            raise Refusal(Rule.ACCOUNT)
        return found

    def _book(self, symbol: str) -> Book:
        found = self._books.get(symbol)
        if found is None:
            raise Refusal(Rule.SYMBOL)
        return found

    def _desk(self, account: str, symbol: str) -> Desk:
        return self._account(account).desk(self._book(symbol))

    def _desks(self, account: str, symbol: str | None) -> tuple[Desk, ...]:
        if symbol is not None:
            return (self._desk(account, symbol),)
        return tuple(self._account(account).desks.values())


def _order_id(order: LiveOrder) -> int:
    return order.order_id


def _is_within(ts_ms: int, start_ms: int | None, end_ms: int | None) -> bool:
    return (start_ms is None or ts_ms >= start_ms) and (end_ms is None or ts_ms <= end_ms)


def _is_forgotten(order: LiveOrder, now_ms: int) -> bool:
    return order.status.is_terminal and is_forgotten(
        order.created_ms, now_ms, is_filled=order.filled > 0
    )


def _page(rows: list[Row], limit: int, has_start: bool) -> list[Row]:
    return list(islice(rows, limit)) if has_start else rows[max(0, len(rows) - limit) :]
