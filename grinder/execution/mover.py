"""Move one order through its life, tell each turn of it once, and ask what must be asked."""

from __future__ import annotations

from grinder.execution.applied import Said
from grinder.execution.lifecycle import TERMINAL, OrderEvent, OrderState, next_state
from grinder.execution.record import (
    OrderRecord,
    accepted,
    cancel_rejected,
    ended,
    outcome_unknown,
    rejected,
)
from grinder.execution.table import OrderTable
from grinder.execution.timers import Timers
from grinder.messages.orders import CancelOrder
from grinder.messages.venue import QueryOrder
from grinder.model.units import NS_PER_S

LOOKUP_RETRY_NS = 2 * NS_PER_S
"""Pause before an unanswered lookup is asked again; doubles."""
LOOKUP_RETRY_NS_MAX = 30 * NS_PER_S
LOOKUPS_MAX = 8
"""Lookups in a row without an answer; after them only the next snapshot asks again."""


def say_accepted(record: OrderRecord, said: Said) -> None:
    """Tell that the order rests, once, and never after its end."""
    if not record.is_accepted_said and not record.is_ended_said:
        record.is_accepted_said = True
        said.say(accepted(record))


class Mover:
    """Transitions of records, with their timers."""

    def __init__(self, table: OrderTable, timers: Timers, answer_timeout_ns: int) -> None:
        self._table = table
        self._timers = timers
        self._answer_timeout_ns = answer_timeout_ns

    def move(
        self,
        record: OrderRecord,
        event: OrderEvent,
        now_ns: int,
        said: Said,
        *,
        status: str = "",
        reason: str = "",
        code: int = 0,
    ) -> None:
        """Apply ``event``; the texts go into the message that tells of it."""
        before = record.state
        step = next_state(before, event, has_fills=record.heard_lots > 0 or record.filled_lots > 0)
        if step.is_contradiction:
            self.look_up(record, now_ns, said)
        if step.state is before:
            return
        record.state = step.state
        record.updated_ns = now_ns
        self._timers.drop(record.client_order_id)
        is_over = step.state in TERMINAL
        if is_over or before in TERMINAL:
            self._table.settle(record)
        if is_over:
            self._came_to_an_end(record, said, status=status, reason=reason, code=code)
        else:
            self._went_on(record, before, event, now_ns, said, code=code, reason=reason)

    def want_cancel(self, record: OrderRecord, reason: str, now_ns: int, said: Said) -> None:
        """Cancel a live order now, or as soon as it is known to rest."""
        record.cancel_reason = reason
        if record.state.is_resting:
            self._send_cancel(record, now_ns, said)
        elif record.state is not OrderState.PENDING_CANCEL:
            record.is_cancel_wanted = True

    def look_up(self, record: OrderRecord, now_ns: int, said: Said) -> None:
        """Ask the venue for the order, unless that question is under way."""
        asked_ns = record.lookup_asked_ns
        if asked_ns >= 0 and now_ns - asked_ns < LOOKUP_RETRY_NS:
            return
        record.lookup_asked_ns = now_ns
        record.lookups += 1
        said.ask(QueryOrder(symbol=record.symbol, client_order_id=record.client_order_id))
        pause_ns = min(LOOKUP_RETRY_NS << min(record.lookups - 1, 8), LOOKUP_RETRY_NS_MAX)
        if record.state.is_live:
            self.set_timer(record, now_ns + pause_ns)

    def look_up_missing(self, record: OrderRecord, asked_ns: int, now_ns: int, said: Said) -> bool:
        """Ask for a live order that a snapshot did not show; False when it is too early."""
        if record.state is OrderState.PENDING_NEW:
            return False
        if record.state is OrderState.UNKNOWN and asked_ns < record.decided_ns:
            return False
        record.lookups = 0
        self.look_up(record, now_ns, said)
        return True

    def lookup_answered(self, record: OrderRecord) -> int:
        """Take note that the venue answered; return when it had been asked, -1 if it was not."""
        asked_ns, record.lookup_asked_ns = record.lookup_asked_ns, -1
        if record.state is not OrderState.PENDING_NEW:
            self._timers.drop(record.client_order_id)
        if record.state is OrderState.PENDING_CANCEL:
            self.set_timer(record, max(asked_ns, record.updated_ns) + self._answer_timeout_ns)
        return asked_ns

    def set_timer(self, record: OrderRecord, at_ns: int) -> None:
        """Have ``due`` come back to a live record."""
        if record.state.is_live:
            self._timers.set(record.client_order_id, at_ns)

    def due(self, now_ns: int, said: Said) -> None:
        """Do what has become due."""
        self._table.write()
        for name in self._timers.take_due(now_ns):
            record = self._table.find(name)
            if record is None or not record.state.is_live:
                continue
            if record.state is OrderState.PENDING_NEW:
                self.move(record, OrderEvent.PLACE_UNKNOWN, now_ns, said)
            elif record.state is OrderState.PENDING_CANCEL:
                self.move(record, OrderEvent.CANCEL_UNKNOWN, now_ns, said)
            elif record.lookups < LOOKUPS_MAX:
                # A question unanswered for its whole pause is void: ask anew.
                record.lookup_asked_ns = -1
                self.look_up(record, now_ns, said)

    def _went_on(
        self,
        record: OrderRecord,
        before: OrderState,
        event: OrderEvent,
        now_ns: int,
        said: Said,
        *,
        code: int,
        reason: str,
    ) -> None:
        if record.state is OrderState.UNKNOWN:
            said.say(outcome_unknown(record, "place"))
            if record.decided_ns <= now_ns:
                self.look_up(record, now_ns, said)
            else:
                self.set_timer(record, record.decided_ns)
        elif record.state is OrderState.CANCEL_UNKNOWN:
            # A cancel that found nothing is an ordinary race with a fill; a silent one is not.
            if event is OrderEvent.CANCEL_UNKNOWN:
                said.say(outcome_unknown(record, "cancel"))
            record.lookups = 0
            self.look_up(record, now_ns, said)
        elif record.state.is_resting:
            record.lookups = 0
            say_accepted(record, said)
            if before in (OrderState.PENDING_CANCEL, OrderState.CANCEL_UNKNOWN):
                said.say(
                    cancel_rejected(
                        record.symbol, record.client_order_id, code, reason or "STILL_OPEN"
                    )
                )
            if record.is_cancel_wanted:
                self._send_cancel(record, now_ns, said)

    def _came_to_an_end(
        self, record: OrderRecord, said: Said, *, status: str, reason: str, code: int
    ) -> None:
        record.is_cancel_wanted = False
        if record.state is OrderState.REJECTED:
            if not record.is_rejected_said:
                record.is_rejected_said = True
                said.say(rejected(record, code, reason))
        elif not record.is_ended_said:
            record.is_ended_said = True
            is_worded = status in ("FILLED", "CANCELED", "EXPIRED", "EXPIRED_IN_MATCH")
            said.say(ended(record, status if is_worded else str(record.state), reason))

    def _send_cancel(self, record: OrderRecord, now_ns: int, said: Said) -> None:
        record.is_cancel_wanted = False
        self.move(record, OrderEvent.CANCEL_SENT, now_ns, said)
        self.set_timer(record, now_ns + self._answer_timeout_ns)
        said.ask(
            CancelOrder(
                symbol=record.symbol,
                client_order_id=record.client_order_id,
                reason=record.cancel_reason,
            )
        )
