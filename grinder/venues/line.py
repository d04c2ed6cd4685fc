"""The line to the venue: what every request goes through, whatever it is for."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from typing import Any

from grinder.errors import ThrottledError, VenueError
from grinder.kernel.message import Envelope, Message
from grinder.kernel.port import Outlet
from grinder.messages.venue import VenueDenied, VenueThrottled
from grinder.model.units import NS_PER_MS
from grinder.venues.binance_errors import BannedError, code_and_text, is_denial
from grinder.venues.budget import Budget, Purpose, Silence
from grinder.venues.http import Request, VenueHttp


class VenueLine:
    """Send requests on behalf of envelopes, and tell their senders what concerns everything.

    That is: VenueThrottled, VenueDenied, BudgetReported, ClockMeasured. The answer itself is the
    caller's. Without a budget nothing is said of one. Safe from any thread once opened.
    """

    def __init__(self, http: VenueHttp, budget: Budget | None) -> None:
        self._http = http
        self.clock = http.clock
        """The venue's clock."""
        if budget is not None:
            http.on_headers = self.note_headers
        self._budget = budget
        self._silence = Silence()
        self._outlet: Outlet | None = None

    def open(self, outlet: Outlet) -> None:
        """Take the outlet to speak with."""
        self._outlet = outlet

    @property
    def outlet(self) -> Outlet:
        """The outlet; the port must have been opened."""
        assert self._outlet is not None, "expected an open port"
        return self._outlet

    def now_ns(self) -> int:
        """Return the runtime's time; the port must have been opened."""
        assert self._outlet is not None, "expected an open port"
        return self._outlet.now_ns()

    def tell(self, envelope: Envelope, message: Message) -> None:
        """Tell ``message`` to the sender of ``envelope``, caused by it."""
        outlet = self.outlet
        outlet.tell(outlet.resolve(envelope.sender), message, cause=envelope.seq)

    def obstacle(self, purpose: Purpose) -> str:
        """Return why nothing may be sent for ``purpose`` now; empty if it may."""
        if self._silence.forbids(purpose, self.now_ns()):
            return "the venue asked for silence"
        if purpose is Purpose.READ and not self.has_weight():
            return "the remaining request weight is kept for cancels"
        return ""

    def has_weight(self) -> bool:
        """Tell whether there is request weight beyond what is kept for cancels."""
        return self._budget is None or self._budget.allows_reads(self._venue_ms())

    def call(
        self, envelope: Envelope, request: Request, *, timeout_ms: int, recv_window_ms: int
    ) -> Any:
        """Send ``request`` and return the JSON value of the answer.

        Raises:
            VenueError: see ``VenueHttp.call``; the sender has been told of silence and denial.
        """
        try:
            return self._http.call(request, timeout_ms=timeout_ms, recv_window_ms=recv_window_ms)
        except VenueError as error:
            self.heed(envelope, error)
            raise
        finally:
            self._report_budget(envelope)

    def heed(self, envelope: Envelope, error: VenueError) -> None:
        """Keep the silence that ``error`` asks for; tell the sender of it, and of a denial."""
        if isinstance(error, ThrottledError):
            self._keep_silence(envelope, error)
        elif is_denial(error):
            code, text = code_and_text(error)
            self.tell(envelope, VenueDenied(code=code, text=text))

    def prepare(self, envelope: Envelope) -> None:
        """Measure the venue's clock if that has never been done.

        Raises:
            VenueError: it could not be measured.
        """
        if not self.clock.is_measured:
            self._measure(envelope, since=self.clock.mark())

    def remeasure_if_due(self, envelope: Envelope) -> None:
        """Measure the venue's clock again if the last time is minutes ago."""
        if self.clock.is_due:
            self.remeasure(envelope, since=self.clock.mark())

    def remeasure(self, envelope: Envelope, *, since: int) -> None:
        """Measure the venue's clock again unless that was done after ``since``.

        A failure leaves the old measurement; the next refusal of a timestamp comes back here.
        """
        with contextlib.suppress(VenueError):
            self._measure(envelope, since=since)

    def note_headers(self, headers: Mapping[str, str]) -> None:
        """Take the budgets from the headers of an answer."""
        if self._budget is not None:
            self._budget.note(headers, self._venue_ms())

    def release(self) -> None:
        """Close what the calling thread holds open."""
        self._http.release()

    def _report_budget(self, envelope: Envelope) -> None:
        if self._budget is None:
            return
        report = self._budget.report(self.now_ns(), self._venue_ms())
        if report is not None:
            self.tell(envelope, report)

    def _measure(self, envelope: Envelope, *, since: int) -> None:
        try:
            self.tell(envelope, self._http.measure_clock(since=since))
        except VenueError as error:
            self.heed(envelope, error)
            raise

    def _keep_silence(self, envelope: Envelope, error: ThrottledError) -> None:
        is_ban = isinstance(error, BannedError)
        until_ns = self.now_ns() + error.retry_after_ms * NS_PER_MS
        if self._silence.note(until_ns, is_ban=is_ban):
            status = 418 if is_ban else 429
            self.tell(envelope, VenueThrottled(until_ns=until_ns, status=status, text=str(error)))

    def _venue_ms(self) -> int:
        clock = self.clock
        return clock.venue_ms() if clock.is_measured else self.now_ns() // NS_PER_MS
