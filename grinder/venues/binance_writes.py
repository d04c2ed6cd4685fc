"""The writing half of the REST port: placements, cancels and the venue's dead-man switch."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

from grinder.kernel.message import Envelope
from grinder.messages.orders import CancelOrder, PlaceOrders
from grinder.messages.venue import Quiesce, Quiesced, SetCountdown
from grinder.model.instrument import Instrument
from grinder.model.settings import VenueSettings
from grinder.venues.binance_batches import BATCH
from grinder.venues.binance_cancelling import CancelDesk
from grinder.venues.binance_placing import PlaceDesk
from grinder.venues.line import VenueLine
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
        withdrawn = Withdrawals(names_max=2 * BATCH * settings.queue_max)
        self._tracker = WriteTracker(
            now_ns=line.now_ns, quiesced=self._quiesced, name="rest-quiesce"
        )
        self._placing = PlaceDesk(
            line,
            instruments,
            settings,
            tracker=self._tracker,
            withdrawn=withdrawn,
            ahead=ahead,
        )
        self._cancelling = CancelDesk(
            line, instruments, settings, tracker=self._tracker, withdrawn=withdrawn
        )
        self._pools = (*self._placing.pools, self._cancelling.pool)

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
        self._cancelling.accept(envelope, cancel)

    def accept_countdown(self, envelope: Envelope, command: SetCountdown) -> None:
        """Queue the dead-man switch, among the cancels."""
        self._cancelling.accept_countdown(envelope, command)

    def drop_below(self, serial: int) -> None:
        """Refuse placements not sent yet whose permit is below ``serial``; it never falls."""
        self._placing.drop_below(serial)

    def quiesce(self, envelope: Envelope) -> None:
        """Answer once every write accepted so far is settled for good."""
        self._tracker.quiesce(envelope)

    def _quiesced(self, envelope: Envelope) -> None:
        assert isinstance(envelope.body, Quiesce)
        self._line.tell(envelope, Quiesced(token=envelope.body.token))
