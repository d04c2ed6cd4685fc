"""The writing half of the REST port: placements, cancels and the venue's dead-man switch."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from functools import partial

from grinder.errors import TransientError, UnknownOutcomeError, VenueError
from grinder.kernel.message import Envelope
from grinder.messages.orders import CancelOrder, Placement, PlaceOrders
from grinder.messages.venue import (
    CancelAnswered,
    CountdownAnswered,
    Outcome,
    PlaceAnswered,
    Quiesce,
    Quiesced,
    SetCountdown,
)
from grinder.model.instrument import Instrument
from grinder.model.permit import Permit
from grinder.model.settings import VenueSettings
from grinder.model.units import NS_PER_MS
from grinder.venues import binance_requests as requests
from grinder.venues.answers import (
    cancel_refused,
    cancel_unknown,
    countdown_answer,
    place_refused,
    place_unknown,
)
from grinder.venues.binance_bodies import BodyDecoder, OrderAnswer
from grinder.venues.binance_errors import CLOCK_REFUSED, BusyError, code_and_text
from grinder.venues.budget import Purpose
from grinder.venues.line import VenueLine
from grinder.venues.workers import Job, WorkerPool, hand_over
from grinder.venues.writes import Withdrawals, WriteTracker

EXIT_THREADS = 2
"""Exits have threads of their own: neither an entry nor a cancel that hangs holds one up."""

BROKEN = "the port failed before it could tell"
"""Answered as unknown if our own code raises half-way: the request may have left."""


class WriteDesk:
    """Answer every write exactly once: done, refused, or unknown until a time."""

    def __init__(
        self,
        line: VenueLine,
        instruments: Mapping[str, Instrument],
        settings: VenueSettings,
        ahead: Callable[[], bool] | None = None,
    ) -> None:
        self._line = line
        self._ahead = ahead
        # Writes the journal up to here, if this run has one; False if that took too long.
        self._instruments = instruments
        self._settings = settings
        self._bodies = BodyDecoder(instruments)
        self._serial = 0
        self._withdrawn = Withdrawals(names_max=2 * settings.queue_max)
        queue_max, release = settings.queue_max, line.release
        self._entries = WorkerPool("rest-place", settings.place_threads, queue_max, release)
        self._exits = WorkerPool("rest-exit", EXIT_THREADS, queue_max, release)
        self._cancels = WorkerPool("rest-cancel", settings.cancel_threads, queue_max, release)
        self._pools = (self._entries, self._exits, self._cancels)
        self._tracker = WriteTracker(
            now_ns=line.now_ns, quiesced=self._quiesced, name="rest-quiesce"
        )

    def start(self) -> None:
        """Start the threads."""
        self._tracker.start()
        for pool in self._pools:
            pool.start()

    def close(self, deadline: float) -> None:
        """Refuse what waits, let what is under way end until ``deadline``, monotonic seconds."""
        for pool in self._pools:
            pool.stop()
        for pool in self._pools:
            pool.join(deadline)
        self._tracker.close(max(0.0, deadline - time.monotonic()))

    def accept_places(self, envelope: Envelope, batch: PlaceOrders) -> None:
        """Queue placements, each for itself; exits apart from entries."""
        self._tracker.begin(envelope.seq, len(batch.orders))
        pool = self._exits if batch.orders[0].reduce_only else self._entries
        pool.submit(
            Job(
                run=partial(self._place, envelope, batch),
                refuse=lambda order, why: self._answer_place(
                    envelope, place_refused(order, 0, why, tick_ns=batch.tick_ns)
                ),
                parts=batch.orders,
            )
        )
        hand_over()

    def accept_cancel(self, envelope: Envelope, cancel: CancelOrder) -> None:
        """Queue a cancel; its order is not sent any more if it still waits."""
        self._tracker.begin(envelope.seq)
        self._withdrawn.note(cancel.client_order_id)
        self._cancels.submit(
            Job(
                run=partial(self._cancel, envelope),
                refuse=lambda part, why: self._answer_cancel(
                    envelope, cancel_refused(part, 0, why)
                ),
                parts=(cancel,),
            )
        )

    def accept_countdown(self, envelope: Envelope, command: SetCountdown) -> None:
        """Queue the dead-man switch, among the cancels: it is one that waits."""
        self._cancels.submit(
            Job(
                run=partial(self._countdown, envelope),
                refuse=lambda part, why: self._line.tell(
                    envelope, countdown_answer(part, Outcome.REFUSED, 0, why)
                ),
                parts=(command,),
            )
        )

    def drop_below(self, serial: int) -> None:
        """Refuse placements not sent yet whose permit is below ``serial``; it never falls."""
        self._serial = max(self._serial, serial)

    def quiesce(self, envelope: Envelope) -> None:
        """Answer once every write accepted so far is settled for good."""
        self._tracker.quiesce(envelope)

    def _quiesced(self, envelope: Envelope) -> None:
        assert isinstance(envelope.body, Quiesce)
        self._line.tell(envelope, Quiesced(token=envelope.body.token))

    def _place(self, envelope: Envelope, batch: PlaceOrders, order: Placement) -> None:
        mark = self._line.clock.mark()
        answer: PlaceAnswered | None = None
        try:
            answer = self._placed(envelope, batch, order)
        finally:
            if answer is None:
                now_ns, window_ms = self._line.now_ns(), self._settings.recv_window_ms
                answer = self._unknown(batch, order, BROKEN, now_ns, window_ms)
            self._answer_place(envelope, answer)
        if answer.code == CLOCK_REFUSED:
            self._line.remeasure(envelope, since=mark)

    def _placed(self, envelope: Envelope, batch: PlaceOrders, order: Placement) -> PlaceAnswered:
        refused = partial(place_refused, order, tick_ns=batch.tick_ns)
        instrument = self._instruments.get(order.symbol)
        if instrument is None:
            return refused(0, f"symbol {order.symbol} is not traded here")
        why = self._line.obstacle(Purpose.EXIT if order.reduce_only else Purpose.ENTRY)
        if why:
            return refused(0, why)
        try:
            self._line.prepare(envelope)
        except VenueError as error:
            return refused(*code_and_text(error))
        if self._ahead is not None and not order.reduce_only and not self._ahead():
            return refused(0, "the journal is behind")
        # From here to the request nothing may wait: what is checked now has to be true then.
        now_ns = self._line.now_ns()
        window_ms = self._window_ms(batch.permit, now_ns, is_exit=order.reduce_only)
        if window_ms <= 0:
            return refused(0, "permit void")
        if order.client_order_id in self._withdrawn:
            return refused(0, "cancelled before it was sent")
        try:
            body = self._line.call(
                envelope,
                requests.placement(order, instrument),
                timeout_ms=self._settings.place_timeout_ms,
                recv_window_ms=window_ms,
            )
            done = self._bodies.order_answer(body)
        except (UnknownOutcomeError, ValueError) as error:
            return self._unknown(batch, order, str(error), now_ns, window_ms)
        except VenueError as error:
            has_left = not isinstance(error, TransientError) or isinstance(error, BusyError)
            return refused(*code_and_text(error), sent_ns=now_ns if has_left else 0)
        return _done(batch, order, done, now_ns)

    def _window_ms(self, permit: Permit | None, now_ns: int, *, is_exit: bool) -> int:
        # The venue itself enforces the permit's deadline: it takes nothing after the window.
        if permit is None:
            return self._settings.recv_window_ms if is_exit else 0
        if permit.serial < self._serial:
            return 0
        left_ms = (permit.deadline_ns - now_ns) // NS_PER_MS
        return min(self._settings.recv_window_ms, left_ms)

    def _unknown(
        self, batch: PlaceOrders, order: Placement, text: str, sent_ns: int, window_ms: int
    ) -> PlaceAnswered:
        decided_ns = _decided_ns(self._settings, sent_ns, window_ms)
        return place_unknown(
            order, text, tick_ns=batch.tick_ns, sent_ns=sent_ns, decided_ns=decided_ns
        )

    def _answer_place(self, envelope: Envelope, answer: PlaceAnswered) -> None:
        self._line.tell(envelope, answer)
        self._tracker.settle(envelope.seq, decided_ns=answer.decided_ns)

    def _cancel(self, envelope: Envelope, cancel: CancelOrder) -> None:
        mark = self._line.clock.mark()
        answer = cancel_unknown(cancel, BROKEN)
        try:
            answer = self._cancelled(envelope, cancel)
        finally:
            self._answer_cancel(envelope, answer)
        if answer.code == CLOCK_REFUSED:
            self._line.remeasure(envelope, since=mark)

    def _cancelled(self, envelope: Envelope, cancel: CancelOrder) -> CancelAnswered:
        why = self._line.obstacle(Purpose.CANCEL)
        if why:
            return cancel_refused(cancel, 0, why)
        try:
            self._line.prepare(envelope)
            body = self._line.call(
                envelope,
                requests.cancellation(cancel),
                timeout_ms=self._settings.cancel_timeout_ms,
                recv_window_ms=self._settings.recv_window_ms,
            )
            done = self._bodies.order_answer(body)
        except (UnknownOutcomeError, ValueError) as error:
            return cancel_unknown(cancel, str(error))
        except VenueError as error:
            return cancel_refused(cancel, *code_and_text(error))
        return CancelAnswered(
            symbol=cancel.symbol,
            client_order_id=cancel.client_order_id,
            outcome=Outcome.DONE,
            order_id=done.order_id,
            status=done.status,
            filled_lots=done.filled_lots,
        )

    def _answer_cancel(self, envelope: Envelope, answer: CancelAnswered) -> None:
        self._line.tell(envelope, answer)
        decided_ns, settings = 0, self._settings
        if answer.outcome is Outcome.UNKNOWN:
            decided_ns = _decided_ns(settings, self._line.now_ns(), settings.recv_window_ms)
        self._tracker.settle(envelope.seq, decided_ns=decided_ns)

    def _countdown(self, envelope: Envelope, command: SetCountdown) -> None:
        mark = self._line.clock.mark()
        answer = countdown_answer(command, Outcome.UNKNOWN, 0, BROKEN)
        try:
            answer = self._counted_down(envelope, command)
        finally:
            self._line.tell(envelope, answer)
        if answer.code == CLOCK_REFUSED:
            self._line.remeasure(envelope, since=mark)

    def _counted_down(self, envelope: Envelope, command: SetCountdown) -> CountdownAnswered:
        why = self._line.obstacle(Purpose.CANCEL)
        if why:
            return countdown_answer(command, Outcome.REFUSED, 0, why)
        try:
            self._line.prepare(envelope)
            self._line.call(
                envelope,
                requests.countdown(command),
                timeout_ms=self._settings.cancel_timeout_ms,
                recv_window_ms=self._settings.recv_window_ms,
            )
        except UnknownOutcomeError as error:
            return countdown_answer(command, Outcome.UNKNOWN, 0, str(error))
        except VenueError as error:
            return countdown_answer(command, Outcome.REFUSED, *code_and_text(error))
        return countdown_answer(command, Outcome.DONE, 0, "")


def _done(batch: PlaceOrders, order: Placement, done: OrderAnswer, sent_ns: int) -> PlaceAnswered:
    return PlaceAnswered(
        symbol=order.symbol,
        client_order_id=order.client_order_id,
        outcome=Outcome.DONE,
        order_id=done.order_id,
        status=done.status,
        filled_lots=done.filled_lots,
        sent_ns=sent_ns,
        tick_ns=batch.tick_ns,
    )


def _decided_ns(settings: VenueSettings, sent_ns: int, window_ms: int) -> int:
    return sent_ns + (window_ms + settings.unknown_margin_ms) * NS_PER_MS
