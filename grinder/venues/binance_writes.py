"""The writing half of the REST port: placements, cancels and the venue's dead-man switch."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from functools import partial

from grinder.errors import UnknownOutcomeError, VenueError
from grinder.kernel.message import Envelope
from grinder.messages.orders import CancelOrder, PlaceOrders
from grinder.messages.venue import (
    CancelAnswered,
    CountdownAnswered,
    Outcome,
    Quiesce,
    Quiesced,
    SetCountdown,
)
from grinder.model.instrument import Instrument
from grinder.model.settings import VenueSettings
from grinder.venues import binance_requests as requests
from grinder.venues.answers import (
    cancel_refused,
    cancel_unknown,
    countdown_answer,
)
from grinder.venues.binance_batches import BATCH
from grinder.venues.binance_bodies import BodyDecoder
from grinder.venues.binance_errors import CLOCK_REFUSED, code_and_text
from grinder.venues.binance_placing import BROKEN, PlaceDesk, decided_after
from grinder.venues.budget import Purpose
from grinder.venues.line import VenueLine
from grinder.venues.workers import Job, WorkerPool
from grinder.venues.writes import Withdrawals, WriteTracker


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
        self._settings = settings
        self._bodies = BodyDecoder(instruments)
        self._withdrawn = Withdrawals(names_max=2 * BATCH * settings.queue_max)
        self._tracker = WriteTracker(
            now_ns=line.now_ns, quiesced=self._quiesced, name="rest-quiesce"
        )
        self._placing = PlaceDesk(
            line,
            instruments,
            settings,
            tracker=self._tracker,
            withdrawn=self._withdrawn,
            ahead=ahead,
        )
        self._cancels = WorkerPool(
            "rest-cancel", settings.cancel_threads, settings.queue_max, line.release
        )
        self._pools = (*self._placing.pools, self._cancels)

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
        """Queue placements; exits apart from entries."""
        self._placing.accept(envelope, batch)

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
        self._placing.drop_below(serial)

    def quiesce(self, envelope: Envelope) -> None:
        """Answer once every write accepted so far is settled for good."""
        self._tracker.quiesce(envelope)

    def _quiesced(self, envelope: Envelope) -> None:
        assert isinstance(envelope.body, Quiesce)
        self._line.tell(envelope, Quiesced(token=envelope.body.token))

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
            decided_ns = decided_after(settings, self._line.now_ns(), settings.recv_window_ms)
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
