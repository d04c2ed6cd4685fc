"""Where order records live: bounded, by our name and by the venue's.

An order that goes out waits for nothing that is needed later: of a placement the table notes words
and time, and writes record and timer as soon as anything is looked for.
"""

from __future__ import annotations

from grinder.execution.record import OrderRecord
from grinder.execution.timers import Timers
from grinder.execution.words import record_of_place
from grinder.messages.orders import Placement

ADOPTED_MAX = 2_000
"""Live orders at most, with those adopted from the venue (which allows 200 a symbol)."""


class OrderTable:
    """Live and lately ended orders; a placement is due once it goes unanswered for too long."""

    def __init__(
        self, live_max: int, ended_max: int, timers: Timers, answer_timeout_ns: int
    ) -> None:
        self._live_max = live_max
        self._ended_max = ended_max
        self._timers = timers
        self._answer_timeout_ns = answer_timeout_ns
        self._fresh: dict[str, tuple[Placement, int]] = {}
        """The latest of the live orders, without a record yet: what was placed, and when."""
        self._live: dict[str, OrderRecord] = {}
        self._ended: dict[str, OrderRecord] = {}
        self._by_order_id: dict[tuple[str, int], OrderRecord] = {}
        self.unadopted = 0
        """Own orders of the venue's that found no room."""
        self.amended: set[str] = set()
        """Symbols of which an order was told of and is another size or price now."""

    @property
    def live_count(self) -> int:
        """Live orders."""
        return len(self._live) + len(self._fresh)

    def take(
        self, orders: tuple[Placement, ...], now_ns: int
    ) -> tuple[list[Placement], list[Placement]]:
        """Take in what is placed now; return that, and what finds no room.

        An order already known is in neither.
        """
        fresh, live, ended = self._fresh, self._live, self._ended
        room = self._live_max - len(live) - len(fresh)  # negative after adopting more than that
        taken: list[Placement] = []
        left: list[Placement] = []
        for order in orders:
            name = order.client_order_id
            if name in fresh or name in live or name in ended:
                continue
            if len(taken) < room:
                fresh[name] = order, now_ns
                taken.append(order)
            else:
                left.append(order)
        return taken, left

    def write(self) -> None:
        """Make record and timer of each placement that has none yet."""
        live, set_timer, timeout_ns = self._live, self._timers.set, self._answer_timeout_ns
        for name, (order, at_ns) in self._fresh.items():
            live[name] = record_of_place(order, at_ns)
            set_timer(name, at_ns + timeout_ns)
        self._fresh.clear()

    def adopt(self, record: OrderRecord) -> bool:
        """Take in what the venue already has; False (and counted) beyond the last bound."""
        self.write()
        if len(self._live) >= max(ADOPTED_MAX, self._live_max):
            self.unadopted += 1
            return False
        self._live[record.client_order_id] = record
        if record.order_id:
            self._by_order_id[record.symbol, record.order_id] = record
        return True

    def find(self, client_order_id: str) -> OrderRecord | None:
        """Return the record of our name."""
        if self._fresh:
            self.write()
        return self._live.get(client_order_id) or self._ended.get(client_order_id)

    def find_by_order_id(self, symbol: str, order_id: int) -> OrderRecord | None:
        """Return the record of the venue's name."""
        self.write()
        return self._by_order_id.get((symbol, order_id))

    def learn_order_id(self, record: OrderRecord, order_id: int) -> None:
        """Remember the venue's name of an order, once it is known."""
        if order_id and record.order_id != order_id:
            record.order_id = order_id
            self._by_order_id[record.symbol, order_id] = record

    def amend(self, record: OrderRecord, price_ticks: int, qty_lots: int) -> None:
        """Take over what the venue says an order is: it cuts exits down to the position."""
        if (record.price_ticks, record.qty_lots) != (price_ticks, qty_lots):
            record.price_ticks, record.qty_lots = price_ticks, qty_lots
            self.amended.add(record.symbol)

    def live(self) -> tuple[OrderRecord, ...]:
        """Return the live records, oldest first."""
        self.write()
        return tuple(self._live.values())

    def has_nameless(self, symbol: str) -> bool:
        """Return whether an order of ``symbol`` may exist whose venue name is not known yet."""
        self.write()
        return any(
            record.symbol == symbol and record.order_id == 0 for record in self._live.values()
        )

    def settle(self, record: OrderRecord) -> None:
        """Keep the record where its state says: among the live, or among the ended."""
        name = record.client_order_id
        if record.state.is_live:
            self._ended.pop(name, None)
            self._live[name] = record
            return
        self._live.pop(name, None)
        self._ended[name] = record
        if len(self._ended) > self._ended_max:
            oldest = self._ended.pop(next(iter(self._ended)))
            self._by_order_id.pop((oldest.symbol, oldest.order_id), None)

    def __len__(self) -> int:
        return self.live_count + len(self._ended)
