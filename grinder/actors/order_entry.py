"""What ExchangeActor does with orders: commands in, their life out."""

from __future__ import annotations

from collections.abc import Mapping

from grinder.actors.private_stream import PrivateStream
from grinder.execution.applied import Applied
from grinder.execution.book import ANSWER_TIMEOUT_NS
from grinder.execution.desk import OrderDesk
from grinder.execution.identity import IdentityScheme
from grinder.kernel.address import Address
from grinder.kernel.signals import ActorFailed
from grinder.messages.orders import CancelOrder, PlaceOrders
from grinder.messages.risk import PermitsRevoked
from grinder.messages.venue import (
    CancelAnswered,
    CountdownAnswered,
    DropPlacements,
    OrderQueried,
    OrderReported,
    Outcome,
    PlaceAnswered,
)
from grinder.model.instrument import Instrument
from grinder.model.settings import VenueSettings
from grinder.model.units import NS_PER_S
from grinder.risk.serials import void_below


class OrderEntry(PrivateStream):
    """The half of an actor that carries orders to the venue and knows what became of them.

    Hears PlaceOrders, CancelOrder, PermitsRevoked, ActorFailed, and what its ports say of orders. A
    subclass sets ``_is_synced``, hears of every change by ``orders_changed``, and hands its timers
    to ``entry_timer`` first.
    """

    def __init__(
        self,
        *,
        instruments: Mapping[str, Instrument],
        identity: IdentityScheme,
        settings: VenueSettings,
        started_ns: int,
        venue: Address,
        user: Address,
    ) -> None:
        super().__init__(user, settings.listen_key_keepalive_ms)
        self._venue = venue
        self._desk = OrderDesk(identity, instruments, settings.dead_man_ms, started_ns)
        self._is_synced = False
        """True once the venue has said what rests."""
        self._due_ns = 0

    def start_entry(self) -> None:
        """Begin to keep the dead-man switch alive."""
        if self._desk.dead_man.countdown_ms:
            self.set_timer("dead_man", self._desk.dead_man.renew_ns)

    def orders_changed(self) -> None:
        """Do what is due when something was said of an order, or the venue has changed one."""
        raise NotImplementedError

    def on_place_orders(self, batch: PlaceOrders) -> None:
        """Hand placements to the port, or reject them."""
        if not self._is_synced:
            for order in batch.orders:
                self._apply(self._desk.book.drop(order, "NOT_SYNCED"))
            return
        applied = self._desk.place(batch, self.now_ns)
        self._hand_on(applied)
        if applied.requests:
            # Nothing is due of it before it has gone unanswered for so long.
            due_ns = self.now_ns + ANSWER_TIMEOUT_NS
            if not 0 < self._due_ns <= due_ns:
                self._wake_at(due_ns)
        elif applied.messages:
            self.orders_changed()

    def on_cancel_order(self, command: CancelOrder) -> None:
        """Hand a cancel to the port, at once or when the placement is answered."""
        self._apply(self._desk.cancel(command, self.now_ns))

    def on_permits_revoked(self, revoked: PermitsRevoked) -> None:
        """Void what is still on its way."""
        self._void_below(revoked.serial)

    def on_actor_failed(self, failed: ActorFailed) -> None:
        """Void the permits of whoever can't revoke them any more."""
        self._void_below(void_below(failed))

    def _void_below(self, serial: int) -> None:
        if serial > self._desk.revoked_below:
            self._desk.revoked_below = serial
            self.tell(self._venue, DropPlacements(serial=serial))

    def on_order_answer(self, answer: PlaceAnswered | CancelAnswered | OrderQueried) -> None:
        """Apply the answer to a placement, a cancel or a lookup."""
        is_done = isinstance(answer, PlaceAnswered) and answer.outcome is Outcome.DONE
        if is_done and not self._desk.knows_accepted(answer.client_order_id):
            self._line.accepted(answer.client_order_id, self.now_ns)
        self._apply(self._desk.hear(answer, self.now_ns))

    def on_order_reported(self, report: OrderReported) -> None:
        """Apply one report of the private stream."""
        if report.connection == self._line.connection:
            self._line.heard(report.client_order_id)
            self._apply(self._desk.hear(report, self.now_ns))

    def on_countdown_answered(self, answer: CountdownAnswered) -> None:
        """Tell the countdown again soon if the venue did not take it."""
        if self._desk.dead_man.answered(answer) and answer.countdown_ms:
            self.set_timer("dead_man", NS_PER_S)

    def entry_timer(self, key: str) -> bool:
        """Do what a timer of order entry asks for; return whether it was one."""
        if key == "dead_man":
            for command in self._desk.dead_man.renew(self._desk.watched()):
                self.tell(self._venue, command)
            self.set_timer("dead_man", self._desk.dead_man.renew_ns)
        elif key == "due":
            self._due_ns = 0
            self._apply(self._desk.due(self.now_ns))
        else:
            return False
        return True

    def _apply(self, applied: Applied) -> None:
        """Hand on what the desk asks, publish what it says, and be woken when something is due."""
        self._hand_on(applied)
        if applied.messages or self._desk.book.amended:
            self.orders_changed()
        self._watch_due()

    def _hand_on(self, applied: Applied) -> None:
        # The port first: an order should not wait until everybody has been told of it.
        for request in applied.requests:
            self.tell(self._venue, request)
        for message in applied.messages:
            self.say(message)

    def _watch_due(self) -> None:
        due_ns = self._desk.book.next_due_ns()
        if due_ns is not None and not 0 < self._due_ns <= due_ns:
            self._wake_at(due_ns)

    def _wake_at(self, due_ns: int) -> None:
        self._due_ns = due_ns
        self.set_timer("due", due_ns - self.now_ns)
