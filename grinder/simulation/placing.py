"""Accepting orders: what requests and the venue itself have in common."""

from __future__ import annotations

from collections.abc import Mapping

from grinder.model.fees import FeeRates
from grinder.model.instrument import Instrument
from grinder.model.order import OrderStatus, OrderType
from grinder.simulation.account import Desk
from grinder.simulation.clearing import Clearing
from grinder.simulation.deadlines import Deadline, Deadlines, Due
from grinder.simulation.entry import check_new
from grinder.simulation.matching import execute
from grinder.simulation.orders import LiveOrder, NewOrder
from grinder.simulation.queueing import QueueRules
from grinder.simulation.reads import Reads


class Placing(Reads):
    """The part of the exchange that checks, numbers and matches an order."""

    def __init__(
        self, instruments: Mapping[str, Instrument], fees: FeeRates, queue: QueueRules
    ) -> None:
        super().__init__(instruments, queue)
        self._deadlines = Deadlines()
        self._clearing = Clearing(self._deadlines)
        self._fees = fees
        self._order_id = 0

    def advance(self, now_ms: int) -> None:
        """Do what is due by ``now_ms``: funding, good-till dates, countdowns, in order of time."""
        while self._deadlines.next_ms <= now_ms:
            self._fire(self._deadlines.pop(), now_ms)

    def check(self, account: str, new: NewOrder, now_ms: int) -> None:
        """Judge an order as placing it would, margin included, and place nothing.

        Raises:
            Refusal: the first rule that it breaks.
        """
        self._catch_up(now_ms)
        check_new(self._desk(account, new.symbol), new, now_ms)

    def _catch_up(self, now_ms: int) -> None:
        if self._deadlines.next_ms <= now_ms:
            self.advance(now_ms)

    def _next_order_id(self) -> int:
        self._order_id += 1
        return self._order_id

    def _accept(self, desk: Desk, new: NewOrder, now_ms: int) -> LiveOrder:
        checked = check_new(desk, new, now_ms)
        order_id = self._next_order_id()
        order = LiveOrder(
            desk=desk,
            order_id=order_id,
            client_order_id=new.client_order_id or f"venue-{order_id}",
            side=new.side,
            sign=new.side.sign,
            type=OrderType(new.type),
            time_in_force=new.time_in_force,
            ticks=checked.ticks,
            lots=checked.lots,
            reduce_only=checked.reduce_only,
            self_trade_prevention=new.self_trade_prevention,
            position_side=new.position_side,
            price_match=new.price_match,
            good_till_ms=checked.good_till_ms,
            created_ms=now_ms,
            updated_ms=now_ms,
        )
        self._clearing.open(order, now_ms)
        execute(self._clearing, desk.book, order, now_ms)
        return order

    def _cancel_desk(self, desk: Desk, now_ms: int) -> int:
        orders = tuple(desk.open.values())
        for order in orders:
            self._clearing.end(order, OrderStatus.CANCELED, now_ms)
        return len(orders)

    def _fire(self, deadline: Deadline, now_ms: int) -> None:
        due_ms, due, order_id, name, symbol = deadline
        if due is Due.FUNDING:
            book = self._books[symbol]
            book.funded_ms = due_ms
            book.next_funding_ms = 0
            for account in self._accounts.values():
                desk = account.desks.get(symbol)
                if desk is not None:
                    self._clearing.fund(account, desk, now_ms)
            return
        desk = self._accounts[name].desks[symbol]
        if due is Due.COUNTDOWN:
            desk.countdown_ms = 0
            self._cancel_desk(desk, now_ms)
        else:
            self._clearing.end(desk.open[order_id], OrderStatus.EXPIRED, now_ms)
