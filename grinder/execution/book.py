"""Every order of ours, live or lately ended: what is known, what is told, what is asked.

Requests and answers, the private stream, snapshots and trade lists come in in any order and more
than once; each fact is told once. Whatever must happen later (a lookup, a backfill, an answer
that never came) is in ``due``.
"""

from __future__ import annotations

from decimal import Decimal

import attrs

from grinder.execution.applied import Applied, Said
from grinder.execution.findings import Findings
from grinder.execution.identity import IdentityScheme
from grinder.execution.lifecycle import OrderEvent
from grinder.execution.mover import Mover
from grinder.execution.record import OrderRecord, cancel_rejected, rejected
from grinder.execution.table import OrderTable
from grinder.execution.tally import Tally
from grinder.execution.timers import Timers
from grinder.execution.words import (
    ENDS,
    event_of_report,
    found_event,
    record_of_report,
)
from grinder.kernel.message import Message
from grinder.messages.orders import (
    CancelOrder,
    OrdersSubmitted,
    OrdersSynced,
    Placement,
    PlaceOrders,
)
from grinder.messages.venue import (
    CancelAnswered,
    OrderQueried,
    OrderReported,
    Outcome,
    PlaceAnswered,
    QueryOrder,
    ReadTrades,
    TradesRead,
)
from grinder.model.order import OpenOrder
from grinder.model.units import NS_PER_S

LIVE_MAX = 400
"""Live orders accepted for placing; above, a placement is rejected here."""
ENDED_MAX = 1_000
"""Ended orders kept for late events."""
ANSWER_TIMEOUT_NS = 30 * NS_PER_S
"""A request unanswered for this long counts as unknown; the port's own limits are tighter."""
UNKNOWN_ORDER = -2011
"""Venue code: nothing there to cancel."""
DUPLICATE_ID = -4116
"""Venue code: an order of this id is already open, so the first attempt may have landed."""


def narrowed(batch: PlaceOrders, orders: list[Placement]) -> PlaceOrders:
    """Return the command for ``orders`` of ``batch`` alone."""
    if len(orders) == len(batch.orders):
        return batch
    return attrs.evolve(batch, orders=tuple(orders))


def _without_room(orders: list[Placement], live_count: int) -> list[Message]:
    return [rejected(order, 0, f"BOOK_FULL: live={live_count}") for order in orders]


class OrderBook:
    """The only picture of our own orders.

    Every method that hears something takes ``now_ns`` and returns Applied: messages to publish,
    and requests for the port, both in order.
    """

    def __init__(
        self, identity: IdentityScheme, live_max: int = LIVE_MAX, ended_max: int = ENDED_MAX
    ) -> None:
        self._identity = identity
        self._timers = Timers()
        self._table = OrderTable(live_max, ended_max, self._timers, ANSWER_TIMEOUT_NS)
        self.amended = self._table.amended
        """Symbols of which the venue has changed an order; whoever tells of it clears them."""
        self._tally = Tally(self._table)
        self._mover = Mover(self._table, self._timers, ANSWER_TIMEOUT_NS)
        self._findings = Findings(identity, self._table, self._mover, self._tally)

    # what we want

    def submit(self, batch: PlaceOrders, now_ns: int) -> Applied:
        """Take orders in and hand their placement on, as one command and one message.

        An id already known is left alone (the command was heard twice). A full book rejects with
        OrderRejected code 0, and that order is not sent.
        """
        taken, left = self._table.take(batch.orders, now_ns)
        messages = _without_room(left, self._table.live_count) if left else []
        if not taken:
            return Applied(tuple(messages), ())
        sent = batch if len(taken) == len(batch.orders) else narrowed(batch, taken)
        messages.append(OrdersSubmitted(symbol=sent.symbol, orders=sent.orders))
        return Applied(tuple(messages), (sent,))

    def drop(self, place: Placement, reason: str) -> Applied:
        """Reject a placement that may not be sent at all (a void permit, say)."""
        if self._table.find(place.client_order_id) is not None:
            return Applied((), ())
        return Applied((rejected(place, 0, reason),), ())

    def cancel(self, command: CancelOrder, now_ns: int) -> Applied:
        """Hand a cancel on, or keep it until the placement is answered.

        Nothing goes out for an order that has ended or whose cancel is under way. A cancel of an
        order never heard of goes out as it is.
        """
        record = self._table.find(command.client_order_id)
        if record is None:
            return Applied((), (command,))
        if not record.state.is_live:
            return Applied((), ())
        said = Said()
        self._mover.want_cancel(record, command.reason, now_ns, said)
        return said.applied()

    # what the port answers

    def place_answered(self, answer: PlaceAnswered, now_ns: int) -> Applied:
        """Apply the answer to a placement."""
        said = Said()
        record = self._table.find(answer.client_order_id)
        if record is None:
            # A placement of ours before a restart: its stream events or a lookup bring it in.
            if answer.outcome is Outcome.DONE and self._identity.is_own(answer.client_order_id):
                said.ask(QueryOrder(symbol=answer.symbol, client_order_id=answer.client_order_id))
            return said.applied()
        record.updated_ns = now_ns
        if answer.outcome is Outcome.UNKNOWN or answer.code == DUPLICATE_ID:
            record.decided_ns = answer.decided_ns
            self._mover.move(record, OrderEvent.PLACE_UNKNOWN, now_ns, said)
        elif answer.outcome is Outcome.REFUSED:
            self._mover.move(
                record, OrderEvent.PLACE_REFUSED, now_ns, said, code=answer.code, reason=answer.text
            )
        else:
            self._table.learn_order_id(record, answer.order_id)
            self._tally.hear_filled(record, answer.filled_lots, now_ns)
            self._mover.move(record, OrderEvent.PLACE_DONE, now_ns, said)
            if answer.status is not None and answer.status in ENDS:
                self._mover.move(
                    record, found_event(answer.status), now_ns, said, status=answer.status
                )
        return said.applied()

    def cancel_answered(self, answer: CancelAnswered, now_ns: int) -> Applied:
        """Apply the answer to a cancel. Nothing to cancel (-2011) leads to a lookup."""
        said = Said()
        record = self._table.find(answer.client_order_id)
        if record is None:
            if answer.outcome is Outcome.REFUSED and answer.code != UNKNOWN_ORDER:
                said.say(
                    cancel_rejected(answer.symbol, answer.client_order_id, answer.code, answer.text)
                )
            return said.applied()
        record.updated_ns = now_ns
        if answer.outcome is Outcome.UNKNOWN:
            self._mover.move(record, OrderEvent.CANCEL_UNKNOWN, now_ns, said)
        elif answer.outcome is Outcome.REFUSED:
            is_gone = answer.code == UNKNOWN_ORDER
            event = OrderEvent.CANCEL_GONE if is_gone else OrderEvent.CANCEL_REFUSED
            self._mover.move(record, event, now_ns, said, code=answer.code, reason=answer.text)
        else:
            self._table.learn_order_id(record, answer.order_id)
            self._tally.hear_filled(record, answer.filled_lots, now_ns)
            if answer.status is not None and answer.status.is_terminal:
                event, status = found_event(answer.status), str(answer.status)
            else:
                event, status = OrderEvent.CANCEL_DONE, "CANCELED"
            self._mover.move(
                record, event, now_ns, said, status=status, reason=record.cancel_reason
            )
        return said.applied()

    def order_queried(self, answer: OrderQueried, now_ns: int) -> Applied:
        """Apply what the venue knows of an order; an own one not known yet is adopted."""
        said = Said()
        self._findings.queried(answer, now_ns, said)
        return said.applied()

    # what the stream and the snapshots say

    def order_reported(self, report: OrderReported, now_ns: int) -> Applied:
        """Apply one report of the private stream; the caller has checked its connection."""
        said = Said()
        record = self._table.find(report.client_order_id)
        if record is None:
            if not self._identity.is_own_of(report.client_order_id, report.symbol):
                self._tally.count_foreign(report, said)
                return said.applied()
            record = record_of_report(
                report, self._identity.level_of(report.client_order_id), now_ns
            )
            if not self._table.adopt(record):
                self._tally.count_foreign(report, said)
                return said.applied()
        record.updated_ns = now_ns
        self._table.learn_order_id(record, report.order_id)
        event = event_of_report(report)
        if event is OrderEvent.AMENDED:
            self._table.amend(record, report.price_ticks, report.qty_lots)
        self._tally.count_report(record, report, now_ns, said)
        status, reason = str(report.status), report.expiry_reason
        if event in (OrderEvent.CANCELED, OrderEvent.FILL):
            reason = record.cancel_reason
        self._mover.move(record, event, now_ns, said, status=status, reason=reason)
        return said.applied()

    def trades_read(self, answer: TradesRead, now_ns: int) -> Applied:
        """Count the trades of a list that have not been counted yet."""
        said = Said()
        for trade in answer.trades:
            record = self._tally.count_trade(trade, now_ns, said)
            if record is not None:
                record.updated_ns = now_ns
                is_whole = record.filled_lots >= record.qty_lots
                event = OrderEvent.FILL if is_whole else OrderEvent.TRADE
                self._mover.move(record, event, now_ns, said, reason=record.cancel_reason)
        self._tally.answered(answer.symbol, now_ns)
        return said.applied()

    def snapshot(
        self,
        open_orders: tuple[OpenOrder, ...],
        symbols: tuple[str, ...],
        asked_ns: int,
        now_ns: int,
    ) -> Applied:
        """Compare with every open order of ``symbols`` as the venue shows it.

        Own orders not known are adopted; live ones that it does not show are looked up, unless
        anything was heard of them after the question was asked.
        """
        said = Said()
        self._findings.snapshot(open_orders, symbols, asked_ns, now_ns, said)
        return said.applied()

    # what is due

    def due(self, now_ns: int) -> Applied:
        """Return what has become due: lookups, backfills, answers that never came."""
        said = Said()
        self._mover.due(now_ns, said)
        for request in self._tally.due(now_ns):
            said.ask(request)
        return said.applied()

    def next_due_ns(self) -> int | None:
        """Return when ``due`` has something to do at the earliest; None when nothing waits."""
        self._table.write()
        times = (self._timers.next_ns(), self._tally.next_due_ns())
        return min(filter(None, times), default=None)

    # what can be asked

    def needs_backfill(self, symbol: str) -> bool:
        """Return whether the venue stated fills of ``symbol`` whose trades are not counted."""
        return self._tally.needs_backfill(symbol)

    def resume_trades(self, symbol: str, since_ns: int) -> ReadTrades:
        """Return the question that fills the gap after the stream was away.

        From the last trade counted on; from ``since_ns`` on when there is none.
        """
        return self._tally.resume(symbol, since_ns)

    def find(self, client_order_id: str) -> OrderRecord | None:
        """Return what is known of an order, live or lately ended. Read only."""
        return self._table.find(client_order_id)

    def live(self, symbol: str | None = None) -> tuple[OrderRecord, ...]:
        """Return the live orders, in the order of their arrival. Read only."""
        records = self._table.live()
        return records if symbol is None else tuple(r for r in records if r.symbol == symbol)

    def synced(
        self, symbol: str, position_lots: int, entry_price: Decimal, *, is_stream_live: bool
    ) -> OrdersSynced:
        """Return the whole picture of one symbol's live orders."""
        return OrdersSynced(
            symbol=symbol,
            orders=tuple(record.as_open_order() for record in self.live(symbol)),
            position_lots=position_lots,
            entry_price=entry_price,
            is_stream_live=is_stream_live,
        )

    @property
    def live_count(self) -> int:
        """Live orders."""
        return self._table.live_count

    @property
    def unadopted(self) -> int:
        """Own orders of the venue's that found no room here; more than 0 is an incident."""
        return self._table.unadopted
