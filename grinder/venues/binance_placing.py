"""The placements of the REST port: the last looks, the request, and one answer for each order."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial

from grinder.errors import TransientError, UnknownOutcomeError, VenueError
from grinder.kernel.message import Envelope
from grinder.messages.orders import Placement, PlaceOrders
from grinder.messages.venue import Outcome, PlaceAnswered
from grinder.model.instrument import Instrument
from grinder.model.permit import Permit
from grinder.model.settings import VenueSettings
from grinder.model.units import NS_PER_MS
from grinder.venues import binance_requests as requests
from grinder.venues.answers import place_refused, place_unknown
from grinder.venues.binance_batches import BATCH, Asking, Group, Said, grouped
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


class PlaceDesk:
    """Place entries, five to a request where there are so many, and exits one by one.

    Each order is answered once, by itself: done, refused, or unknown until a time.
    """

    def __init__(
        self,
        line: VenueLine,
        instruments: Mapping[str, Instrument],
        settings: VenueSettings,
        *,
        tracker: WriteTracker,
        withdrawn: Withdrawals,
        ahead: Callable[[], bool] | None,
    ) -> None:
        self._line = line
        self._instruments = instruments
        self._settings = settings
        self._tracker = tracker
        self._withdrawn = withdrawn
        self._ahead = ahead
        # Writes the journal up to here, if this run has one; False if that took too long.
        self._asking = Asking(line=line, bodies=BodyDecoder(instruments))
        self._serial = 0
        queue_max, release = settings.queue_max, line.release
        self._entries = WorkerPool("rest-place", settings.place_threads, queue_max, release)
        self._exits = WorkerPool("rest-exit", EXIT_THREADS, queue_max, release)
        self.pools = (self._entries, self._exits)
        """The threads; whoever owns the desk starts and ends them."""

    def accept(self, envelope: Envelope, batch: PlaceOrders) -> None:
        """Queue the requests that the orders make; exits apart from entries."""
        self._tracker.begin(envelope.seq, len(batch.orders))
        is_exit = batch.orders[0].reduce_only
        pool = self._exits if is_exit else self._entries
        pool.submit(
            Job(
                run=partial(self._place, envelope, batch),
                refuse=partial(self._refuse, envelope, batch),
                parts=grouped(batch.orders, is_batched=not is_exit and self._may_batch(batch)),
            )
        )
        hand_over()

    def drop_below(self, serial: int) -> None:
        """Refuse placements not sent yet whose permit is below ``serial``; it never falls."""
        self._serial = max(self._serial, serial)

    def _may_batch(self, batch: PlaceOrders) -> bool:
        # An order by itself weighs nothing: near the limit the rest of the weight is for cancels.
        is_wanted = self._settings.batches and len(batch.orders) >= BATCH
        return is_wanted and self._line.has_weight()

    def _refuse(self, envelope: Envelope, batch: PlaceOrders, orders: Group, why: str) -> None:
        for order in orders:
            self._answer(envelope, place_refused(order, 0, why, tick_ns=batch.tick_ns))

    def _place(self, envelope: Envelope, batch: PlaceOrders, orders: Group) -> None:
        mark = self._line.clock.mark()
        answers: Sequence[PlaceAnswered] = ()
        try:
            answers = self._placed(envelope, batch, orders)
        finally:
            for answer in answers or self._broken(batch, orders):
                self._answer(envelope, answer)
        if any(answer.code == CLOCK_REFUSED for answer in answers):
            self._line.remeasure(envelope, since=mark)

    def _placed(
        self, envelope: Envelope, batch: PlaceOrders, orders: Group
    ) -> Sequence[PlaceAnswered]:
        """Send one request for ``orders``; return the answer to each, in their order."""
        is_exit, tick_ns = orders[0].reduce_only, batch.tick_ns
        obstacle = self._obstacle(envelope, is_exit=is_exit)
        # From here to the request nothing may wait: what is checked now has to be true then.
        now_ns = self._line.now_ns()
        window_ms = self._window_ms(batch.permit, now_ns, is_exit=is_exit)
        if obstacle is None and window_ms <= 0:
            obstacle = 0, "permit void"
        if obstacle is not None:
            return [place_refused(order, *obstacle, tick_ns=tick_ns) for order in orders]
        bars = list(map(self._bar, orders))
        sent = [order for order, bar in zip(orders, bars, strict=True) if not bar]
        said = iter(self._said(envelope, sent, window_ms) if sent else ())
        decided_ns = decided_after(self._settings, now_ns, window_ms)
        return [
            place_refused(order, 0, bar, tick_ns=tick_ns)
            if bar
            else _answer_to(order, next(said), tick_ns, now_ns, decided_ns)
            for order, bar in zip(orders, bars, strict=True)
        ]

    def _obstacle(self, envelope: Envelope, *, is_exit: bool) -> tuple[int, str] | None:
        """Return why nothing may be sent now, as code and text; None if it may."""
        why = self._line.obstacle(Purpose.EXIT if is_exit else Purpose.ENTRY)
        if why:
            return 0, why
        try:
            self._line.prepare(envelope)
        except VenueError as error:
            return code_and_text(error)
        if self._ahead is not None and not is_exit and not self._ahead():
            return 0, "the journal is behind"
        return None

    def _bar(self, order: Placement) -> str:
        """Return why this order is left out of its request; empty if it is not."""
        if order.symbol not in self._instruments:
            return f"symbol {order.symbol} is not traded here"
        if order.client_order_id in self._withdrawn:
            return "cancelled before it was sent"
        return ""

    def _said(
        self, envelope: Envelope, orders: Sequence[Placement], window_ms: int
    ) -> Sequence[Said]:
        """Send ``orders`` in one request; return what the venue says of each."""
        return self._asking.said(
            envelope,
            requests.placements(orders, self._instruments),
            orders,
            timeout_ms=self._settings.place_timeout_ms,
            recv_window_ms=window_ms,
        )

    def _window_ms(self, permit: Permit | None, now_ns: int, *, is_exit: bool) -> int:
        # The venue itself enforces the permit's deadline: it takes nothing after the window.
        if permit is None:
            return self._settings.recv_window_ms if is_exit else 0
        if permit.serial < self._serial:
            return 0
        left_ms = (permit.deadline_ns - now_ns) // NS_PER_MS
        return min(self._settings.recv_window_ms, left_ms)

    def _broken(self, batch: PlaceOrders, orders: Group) -> Sequence[PlaceAnswered]:
        now_ns, settings = self._line.now_ns(), self._settings
        decided_ns = decided_after(settings, now_ns, settings.recv_window_ms)
        error = UnknownOutcomeError(BROKEN)
        return [_answer_to(order, error, batch.tick_ns, now_ns, decided_ns) for order in orders]

    def _answer(self, envelope: Envelope, answer: PlaceAnswered) -> None:
        self._line.tell(envelope, answer)
        self._tracker.settle(envelope.seq, decided_ns=answer.decided_ns)


def decided_after(settings: VenueSettings, sent_ns: int, window_ms: int) -> int:
    """Return from when on the venue can't take a request any more, epoch ns."""
    return sent_ns + (window_ms + settings.unknown_margin_ms) * NS_PER_MS


def _answer_to(
    order: Placement, said: Said, tick_ns: int, sent_ns: int, decided_ns: int
) -> PlaceAnswered:
    """Return the answer to an order of a request that was to leave at ``sent_ns``."""
    if isinstance(said, OrderAnswer):
        return _done(order, said, tick_ns, sent_ns)
    if isinstance(said, UnknownOutcomeError):
        return place_unknown(
            order, str(said), tick_ns=tick_ns, sent_ns=sent_ns, decided_ns=decided_ns
        )
    has_left = not isinstance(said, TransientError) or isinstance(said, BusyError)
    return place_refused(
        order, *code_and_text(said), tick_ns=tick_ns, sent_ns=sent_ns if has_left else 0
    )


def _done(order: Placement, done: OrderAnswer, tick_ns: int, sent_ns: int) -> PlaceAnswered:
    return PlaceAnswered(
        symbol=order.symbol,
        client_order_id=order.client_order_id,
        outcome=Outcome.DONE,
        order_id=done.order_id,
        status=done.status,
        filled_lots=done.filled_lots,
        sent_ns=sent_ns,
        tick_ns=tick_ns,
    )
