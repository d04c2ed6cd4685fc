"""The order desk: what may be sent, and everything that the order book has to hear.

One level carries one order at a time, whoever asks: a policy that was restarted in the middle of a
placement can't double it.
"""

from __future__ import annotations

from collections.abc import Mapping

from grinder.execution.applied import Applied
from grinder.execution.book import OrderBook
from grinder.execution.dead_man import DeadMan
from grinder.execution.identity import IdentityScheme
from grinder.messages.orders import CancelOrder, OrderEnded, OrderRejected, PlaceOrder
from grinder.messages.venue import (
    CancelAnswered,
    OrderQueried,
    OrderReported,
    PlaceAnswered,
    TradesRead,
)
from grinder.model.instrument import Instrument
from grinder.model.order import OpenOrder

Answer = PlaceAnswered | CancelAnswered | OrderQueried | TradesRead | OrderReported


class OrderDesk:
    """Every order of ours and the rules for sending one. Pure: told the time."""

    def __init__(
        self, identity: IdentityScheme, instruments: Mapping[str, Instrument], dead_man_ms: int
    ) -> None:
        self.book = OrderBook(identity)
        self.dead_man = DeadMan(dead_man_ms)
        self.is_winding_down = False
        self.revoked_below = 0
        """Permits with a lower serial are void."""
        self._instruments = instruments
        self._levels: dict[tuple[str, str], str] = {}
        self._resting = dict.fromkeys(instruments, 0)
        """How many levels of each symbol carry an order."""

    def place(self, place: PlaceOrder, now_ns: int) -> Applied:
        """Send a placement on, the symbol's dead-man countdown before it; or reject it."""
        refusal = self._refusal(place, now_ns)
        if refusal:
            return self.book.drop(place, refusal)
        self._levels[(place.symbol, place.level)] = place.client_order_id
        self._resting[place.symbol] += 1
        armed = self.dead_man.before_placing(place.symbol, now_ns)
        applied = self._noted(self.book.submit(place, now_ns))
        return Applied(applied.messages, (*armed, *applied.requests))

    def _refusal(self, place: PlaceOrder, now_ns: int) -> str:
        permit = place.permit
        if not place.reduce_only:
            if self.is_winding_down:
                return "WINDING_DOWN"
            if permit is None or permit.serial < self.revoked_below:
                return "PERMIT_VOID"
            if permit.deadline_ns <= now_ns:
                return "PERMIT_EXPIRED"
        if (place.symbol, place.level) in self._levels:
            return "LEVEL_TAKEN"
        if self._resting[place.symbol] >= self._instruments[place.symbol].orders_max:
            return "MAX_OPEN_ORDERS"
        return ""

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
        return self._noted(self.book.trades_read(answer, now_ns))

    def snapshot(self, open_orders: tuple[OpenOrder, ...], asked_ns: int, now_ns: int) -> Applied:
        """Compare with every open order that the venue shows, and adopt ours."""
        applied = self._noted(
            self.book.snapshot(open_orders, tuple(self._instruments), asked_ns, now_ns)
        )
        for record in self.book.live():
            key = (record.symbol, record.level)
            if key not in self._levels:
                self._levels[key] = record.client_order_id
                self._resting[record.symbol] = self._resting.get(record.symbol, 0) + 1
        return applied

    def due(self, now_ns: int) -> Applied:
        """Do what has become due."""
        return self._noted(self.book.due(now_ns))

    def knows_accepted(self, client_order_id: str) -> bool:
        """Return whether an order's acceptance has been heard already."""
        record = self.book.find(client_order_id)
        return record is None or record.is_accepted_said

    def _noted(self, applied: Applied) -> Applied:
        """Free the levels of orders that are gone."""
        for message in applied.messages:
            if isinstance(message, OrderEnded | OrderRejected):
                key = (message.symbol, message.level)
                if self._levels.get(key) == message.client_order_id:
                    del self._levels[key]
                    self._resting[message.symbol] -= 1
        return applied
