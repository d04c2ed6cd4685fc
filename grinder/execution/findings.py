"""What the venue shows when it is asked: one order, or all that are open."""

from __future__ import annotations

from grinder.execution.applied import Said
from grinder.execution.identity import IdentityScheme
from grinder.execution.lifecycle import OrderEvent, OrderState
from grinder.execution.mover import Mover
from grinder.execution.record import OrderRecord
from grinder.execution.table import OrderTable
from grinder.execution.tally import Tally
from grinder.execution.words import ENDS, found_event, record_of_open_order
from grinder.messages.orders import CancelOrder
from grinder.messages.venue import OrderQueried
from grinder.model.order import OpenOrder
from grinder.model.units import NS_PER_S

SNAPSHOT_LOOKUPS_MAX = 50
"""Questions caused by one snapshot; the next one asks the rest."""
SETTLE_NS = NS_PER_S
"""Reads may lag behind writes at the venue: news younger than this outweighs a snapshot."""


class Findings:
    """Compare records with what was found, adopt what is ours, ask after what is missing."""

    def __init__(
        self, identity: IdentityScheme, table: OrderTable, mover: Mover, tally: Tally
    ) -> None:
        self._identity = identity
        self._table = table
        self._mover = mover
        self._tally = tally

    def queried(self, answer: OrderQueried, now_ns: int, said: Said) -> None:
        """Apply the answer to a lookup."""
        record = self._table.find(answer.client_order_id)
        if record is None:
            if answer.order is not None:
                self._adopt(answer.order, now_ns, said)
            return
        asked_ns = self._mover.lookup_answered(record)
        if answer.order is not None:
            self._found(record, answer.order, now_ns, said)
        elif asked_ns < record.decided_ns:
            # Asked too early: the placement may still arrive there.
            self._mover.set_timer(record, record.decided_ns)
        else:
            self._mover.move(record, OrderEvent.NOT_FOUND, now_ns, said, reason="UNKNOWN_TO_VENUE")

    def snapshot(
        self,
        open_orders: tuple[OpenOrder, ...],
        symbols: tuple[str, ...],
        asked_ns: int,
        now_ns: int,
        said: Said,
    ) -> None:
        """Apply every open order of ``symbols``, as read from ``asked_ns`` on."""
        shown = set()
        for order in open_orders:
            shown.add(order.client_order_id)
            self._shown(order, asked_ns, now_ns, said)
        budget = SNAPSHOT_LOOKUPS_MAX
        for record in self._table.live():
            if budget == 0:
                return
            if (
                record.symbol in symbols
                and record.client_order_id not in shown
                and record.updated_ns + SETTLE_NS <= asked_ns
                and self._mover.look_up_missing(record, asked_ns, now_ns, said)
            ):
                budget -= 1

    def _shown(self, order: OpenOrder, asked_ns: int, now_ns: int, said: Said) -> None:
        record = self._table.find(order.client_order_id)
        if record is None:
            self._adopt(order, now_ns, said)
        elif record.state.is_live or record.state is OrderState.REJECTED:
            if record.updated_ns < asked_ns:
                self._found(record, order, now_ns, said)
        elif record.updated_ns + SETTLE_NS <= asked_ns:
            # Everybody has been told that it ended, so it must not rest.
            record.updated_ns = now_ns
            said.ask(
                CancelOrder(
                    symbol=record.symbol,
                    client_order_id=record.client_order_id,
                    reason="ENDED_BUT_OPEN",
                )
            )

    def _adopt(self, order: OpenOrder, now_ns: int, said: Said) -> None:
        name = order.client_order_id
        if order.status in ENDS or not self._identity.is_own_of(name, order.symbol):
            return
        record = record_of_open_order(order, self._identity.level_of(name), now_ns)
        if self._table.adopt(record):
            self._mover.move(record, OrderEvent.FOUND_OPEN, now_ns, said)

    def _found(self, record: OrderRecord, order: OpenOrder, now_ns: int, said: Said) -> None:
        self._table.learn_order_id(record, order.order_id)
        self._table.amend(record, order.price_ticks, order.qty_lots)
        self._tally.hear_filled(record, order.filled_lots, now_ns)
        self._mover.move(
            record,
            found_event(order.status),
            now_ns,
            said,
            status=str(order.status),
            reason=record.cancel_reason,
        )
