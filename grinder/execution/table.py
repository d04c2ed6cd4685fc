"""Where order records live: bounded, by our name and by the venue's."""

from __future__ import annotations

from grinder.execution.record import OrderRecord

ADOPTED_MAX = 2_000
"""Live orders at most, with those adopted from the venue (which allows 200 a symbol)."""


class OrderTable:
    """Live and lately ended orders."""

    def __init__(self, live_max: int, ended_max: int) -> None:
        self._live_max = live_max
        self._ended_max = ended_max
        self._live: dict[str, OrderRecord] = {}
        self._ended: dict[str, OrderRecord] = {}
        self._by_order_id: dict[tuple[str, int], OrderRecord] = {}
        self.unadopted = 0
        """Own orders of the venue's that found no room."""
        self.amended: set[str] = set()
        """Symbols of which an order was told of and is another size or price now."""

    @property
    def room(self) -> int:
        """How many more orders may be placed; negative after adopting more than that."""
        return self._live_max - len(self._live)

    @property
    def live_count(self) -> int:
        """Live orders."""
        return len(self._live)

    def add(self, record: OrderRecord) -> None:
        """Take a new live record in."""
        self._live[record.client_order_id] = record
        if record.order_id:
            self._by_order_id[record.symbol, record.order_id] = record

    def adopt(self, record: OrderRecord) -> bool:
        """Take in what the venue already has; False (and counted) beyond the last bound."""
        if len(self._live) >= max(ADOPTED_MAX, self._live_max):
            self.unadopted += 1
            return False
        self.add(record)
        return True

    def find(self, client_order_id: str) -> OrderRecord | None:
        """Return the record of our name."""
        return self._live.get(client_order_id) or self._ended.get(client_order_id)

    def find_by_order_id(self, symbol: str, order_id: int) -> OrderRecord | None:
        """Return the record of the venue's name."""
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
        return tuple(self._live.values())

    def has_nameless(self, symbol: str) -> bool:
        """Return whether an order of ``symbol`` may exist whose venue name is not known yet."""
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
        return len(self._live) + len(self._ended)
