"""The order desk: what may be sent, and everything that the order book has to hear.

One level carries one order at a time, whoever asks: a policy that was restarted in the middle of a
placement can't double it.
"""

from __future__ import annotations

from collections.abc import Mapping

import attrs

from grinder.execution.applied import Applied
from grinder.execution.book import OrderBook, narrowed
from grinder.execution.dead_man import DeadMan
from grinder.execution.identity import IdentityScheme
from grinder.kernel.message import Message
from grinder.messages.orders import CancelOrder, OrderEnded, OrderRejected, Placement, PlaceOrders
from grinder.messages.venue import (
    CancelAnswered,
    OrderQueried,
    OrderReported,
    PlaceAnswered,
    TradesRead,
)
from grinder.model.instrument import Instrument
from grinder.model.legs import by_market, market_of
from grinder.model.order import OpenOrder
from grinder.model.permit import Permit

Answer = PlaceAnswered | CancelAnswered | OrderQueried | TradesRead | OrderReported


class OrderDesk:
    """Every order of ours and the rules for sending one. Pure: told the time."""

    def __init__(
        self,
        identity: IdentityScheme,
        instruments: Mapping[str, Instrument],
        dead_man_ms: int,
        since_ns: int = 0,
    ) -> None:
        self.book = OrderBook(identity)
        self._since_ns = since_ns
        self.dead_man = DeadMan(dead_man_ms)
        self.is_winding_down = False
        self.revoked_below = 0
        """Permits with a lower serial are void."""
        self._instruments = instruments
        self._levels: dict[str, dict[str, str]] = {symbol: {} for symbol in instruments}
        """By leg, then by level: the name of the order that it carries."""
        legs = by_market(instruments)
        self._markets = {name: one.market for name, one in instruments.items()}
        self._sharing = {
            name: tuple(self._levels[leg] for leg in legs[market])
            for name, market in self._markets.items()
        }
        """By leg: what the legs carry that share the venue's limit of open orders."""

    def place(self, batch: PlaceOrders, now_ns: int, *, is_closing: bool = False) -> Applied:
        """Send placements on, the market's dead-man countdown before them; reject the others.

        Orders that reduce need no permit. In a wind-down only its own, ``is_closing``, are sent:
        everything else would have to be cancelled at once.
        """
        symbol = batch.symbol
        levels = self._levels[symbol]
        room = self._instruments[symbol].orders_max
        for carried in self._sharing[symbol]:
            room -= len(carried)
        bar = self._bar(batch.permit, now_ns)
        is_free = is_closing or not self.is_winding_down
        refused: list[Message] = []
        sent: list[Placement] = []
        for order in batch.orders:
            if bar and not (is_free and order.reduce_only):
                why = bar
            elif order.level in levels:
                why = "LEVEL_TAKEN"
            elif len(sent) >= room:
                why = "MAX_OPEN_ORDERS"
            else:
                levels[order.level] = order.client_order_id
                sent.append(order)
                continue
            refused += self.book.drop(order, why).messages
        if not sent:
            return Applied(tuple(refused), ())
        if len(sent) < len(batch.orders):
            batch = narrowed(batch, sent)
        applied = self.book.submit(batch, now_ns)
        if applied.requests != (batch,):
            self._noted(applied)
        market = self._markets[symbol]
        armed = () if market in self.dead_man.armed else self.dead_man.arm(market)
        if not (refused or armed):
            return applied
        return Applied((*refused, *applied.messages), (*armed, *applied.requests))

    def _bar(self, permit: Permit | None, now_ns: int) -> str:
        """Return why nothing under ``permit`` may add risk; empty if it may."""
        if self.is_winding_down:
            return "WINDING_DOWN"
        if permit is None or permit.serial < self.revoked_below:
            return "PERMIT_VOID"
        return "PERMIT_EXPIRED" if permit.deadline_ns <= now_ns else ""

    def cancel(self, command: CancelOrder, now_ns: int) -> Applied:
        """Send a cancel on, at once or when the placement is answered."""
        return self._noted(self.book.cancel(command, now_ns))

    def cancel_all(self, reason: str, now_ns: int, *, spared: str = "") -> tuple[Applied, ...]:
        """Cancel whatever may rest, but for levels that begin with ``spared``."""
        return tuple(
            self.cancel(
                CancelOrder(
                    symbol=record.symbol, client_order_id=record.client_order_id, reason=reason
                ),
                now_ns,
            )
            for record in self.book.live()
            if not (spared and record.level.startswith(spared))
        )

    def hear(self, answer: Answer, now_ns: int) -> Applied:
        """Apply an answer of the port or a report of the private stream."""
        if isinstance(answer, PlaceAnswered):
            return self._noted(self.book.place_answered(answer, now_ns))
        if isinstance(answer, OrderReported):
            return self._noted(self.book.order_reported(answer, now_ns))
        if isinstance(answer, CancelAnswered):
            return self._noted(self.book.cancel_answered(answer, now_ns))
        if isinstance(answer, OrderQueried):
            return self._noted(self.book.order_queried(answer, now_ns))
        # A trade from before we began is part of the position that we began with.
        trades = tuple(one for one in answer.trades if one.ts_ns >= self._since_ns)
        return self._noted(self.book.trades_read(attrs.evolve(answer, trades=trades), now_ns))

    def snapshot(self, open_orders: tuple[OpenOrder, ...], asked_ns: int, now_ns: int) -> Applied:
        """Compare with every open order that the venue shows, and adopt ours."""
        applied = self._noted(
            self.book.snapshot(open_orders, tuple(self._instruments), asked_ns, now_ns)
        )
        for record in self.book.live():
            levels = self._levels.setdefault(record.symbol, {})
            levels.setdefault(record.level, record.client_order_id)
        return applied

    def due(self, now_ns: int) -> Applied:
        """Do what has become due."""
        return self._noted(self.book.due(now_ns))

    def watched(self) -> frozenset[str]:
        """Return the markets that have orders of ours resting: the venue counts down for them."""
        return frozenset(market_of(record.symbol) for record in self.book.live())

    def take_amended(self) -> tuple[str, ...]:
        """Return the symbols of which the venue has changed an order since this was last asked."""
        amended = tuple(sorted(self.book.amended))
        self.book.amended.clear()
        return amended

    def knows_accepted(self, client_order_id: str) -> bool:
        """Return whether an order's acceptance has been heard already."""
        record = self.book.find(client_order_id)
        return record is None or record.is_accepted_said

    def _noted(self, applied: Applied) -> Applied:
        """Free the levels of orders that are gone."""
        for message in applied.messages:
            if isinstance(message, OrderEnded | OrderRejected):
                levels = self._levels.get(message.symbol, {})
                if levels.get(message.level) == message.client_order_id:
                    del levels[message.level]
        return applied
