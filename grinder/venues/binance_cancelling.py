"""The cancels of the REST port, and the venue's dead-man switch among them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

from grinder.errors import TransientError, UnknownOutcomeError, VenueError
from grinder.kernel.message import Envelope
from grinder.messages.orders import CancelOrder
from grinder.messages.venue import CancelAnswered, CountdownAnswered, Outcome, SetCountdown
from grinder.model.instrument import Instrument
from grinder.model.legs import market_of
from grinder.model.settings import VenueSettings
from grinder.venues import binance_requests as requests
from grinder.venues.answers import cancel_refused, cancel_unknown, countdown_answer
from grinder.venues.binance_batches import CANCEL_BATCH, Asking, Said
from grinder.venues.binance_bodies import BodyDecoder, OrderAnswer
from grinder.venues.binance_errors import CLOCK_REFUSED, code_and_text
from grinder.venues.binance_placing import BROKEN, decided_after
from grinder.venues.budget import Purpose
from grinder.venues.line import VenueLine
from grinder.venues.workers import Job, WorkerPool
from grinder.venues.writes import Withdrawals, WriteTracker

Told = tuple[tuple[Envelope, CancelOrder], ...]
"""Cancels that go together, each with the envelope that it came in."""


class CancelDesk:
    """Cancel orders; those of a market that wait at the same time go in one request.

    Each cancel is answered once, by itself: done, refused, or unknown. None waits for others.
    """

    def __init__(
        self,
        line: VenueLine,
        instruments: Mapping[str, Instrument],
        settings: VenueSettings,
        *,
        tracker: WriteTracker,
        withdrawn: Withdrawals,
    ) -> None:
        self._line = line
        self._settings = settings
        self._tracker = tracker
        self._withdrawn = withdrawn
        self._asking = Asking(line=line, bodies=BodyDecoder(instruments))
        self.pool = WorkerPool(
            "rest-cancel",
            settings.cancel_threads,
            settings.queue_max,
            line.release,
            along_max=CANCEL_BATCH if settings.batches else 1,
        )
        """The threads; whoever owns the desk starts and ends them."""

    def accept(self, envelope: Envelope, cancel: CancelOrder) -> None:
        """Queue a cancel; its order is not sent any more if it still waits."""
        self._tracker.begin(envelope.seq)
        self._withdrawn.note(cancel.client_order_id)
        told: Told = ((envelope, cancel),)
        self.pool.submit(
            Job(
                run=self._cancel,
                refuse=self._refuse,
                parts=(told,),
                along=market_of(cancel.symbol),
            )
        )

    def accept_countdown(self, envelope: Envelope, command: SetCountdown) -> None:
        """Queue the dead-man switch, among the cancels: it is one that waits."""
        self.pool.submit(
            Job(
                run=partial(self._countdown, envelope),
                refuse=lambda part, why: self._line.tell(
                    envelope, countdown_answer(part, Outcome.REFUSED, 0, why)
                ),
                parts=(command,),
            )
        )

    def _refuse(self, told: Told, why: str) -> None:
        for envelope, cancel in told:
            self._answer(envelope, cancel_refused(cancel, 0, why))

    def _cancel(self, told: Told) -> None:
        mark = self._line.clock.mark()
        answers = [cancel_unknown(cancel, BROKEN) for _, cancel in told]
        try:
            answers = self._cancelled(told)
        finally:
            for (envelope, _), answer in zip(told, answers, strict=True):
                self._answer(envelope, answer)
        if any(answer.code == CLOCK_REFUSED for answer in answers):
            self._line.remeasure(told[0][0], since=mark)

    def _cancelled(self, told: Told) -> list[CancelAnswered]:
        """Send one request; return the answer to each cancel, in their order."""
        # Told twice, an order is named once: what became of it is the answer to both.
        named = {cancel.client_order_id: cancel for _, cancel in told}
        said = dict(zip(named, self._said(told[0][0], tuple(named.values())), strict=True))
        return [_answer_to(cancel, said[cancel.client_order_id]) for _, cancel in told]

    def _said(self, envelope: Envelope, cancels: Sequence[CancelOrder]) -> Sequence[Said]:
        why = self._line.obstacle(Purpose.CANCEL)
        if why:
            return [TransientError(why)] * len(cancels)
        try:
            self._line.prepare(envelope)
        except VenueError as error:
            return [error] * len(cancels)
        return self._asking.said(
            envelope,
            requests.cancellations(cancels),
            cancels,
            timeout_ms=self._settings.cancel_timeout_ms,
            recv_window_ms=self._settings.recv_window_ms,
        )

    def _answer(self, envelope: Envelope, answer: CancelAnswered) -> None:
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


def _answer_to(cancel: CancelOrder, said: Said) -> CancelAnswered:
    if isinstance(said, UnknownOutcomeError):
        return cancel_unknown(cancel, str(said))
    if not isinstance(said, OrderAnswer):
        return cancel_refused(cancel, *code_and_text(said))
    return CancelAnswered(
        symbol=cancel.symbol,
        client_order_id=cancel.client_order_id,
        outcome=Outcome.DONE,
        order_id=said.order_id,
        status=said.status,
        filled_lots=said.filled_lots,
    )
