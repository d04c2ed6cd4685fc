"""JournalActor: says whether what is done is being recorded."""

from __future__ import annotations

from grinder.kernel.actor import Actor
from grinder.kernel.address import Address
from grinder.kernel.signals import ActorRestarted, ActorStarted, TimerFired
from grinder.messages.control import LeadershipGained
from grinder.messages.journal import DescribeEpoch, JournalHealthChanged, JournalReported
from grinder.model.settings import JournalSettings
from grinder.model.units import NS_PER_MS, NS_PER_S

CHECK_NS = NS_PER_S
SILENCE_MAX_NS = 3 * NS_PER_S
"""The port reports every second; a disk that holds its thread keeps it silent."""


class JournalActor(Actor):
    """Judge what the journal's port reports, and its silence.

    Hears JournalReported from its port, LeadershipGained, ActorStarted and ActorRestarted. Says
    JournalHealthChanged.
    Restart: nothing counts as recorded until the port reports again.
    """

    def __init__(self, settings: JournalSettings, journal: Address) -> None:
        self._settings = settings
        self._journal = journal
        self._epoch = 0
        self._heard_ns = 0
        self._is_healthy: bool | None = None
        self._detail = ""

    def on_start(self) -> None:
        """Ask for reports."""
        self._heard_ns = self.now_ns
        self.tell(self._journal, DescribeEpoch(epoch=self._epoch))
        self.set_timer("check", CHECK_NS)

    def on_leadership_gained(self, gained: LeadershipGained) -> None:
        """Let the next segment name the epoch."""
        if gained.epoch != self._epoch:
            self._epoch = gained.epoch
            self.tell(self._journal, DescribeEpoch(epoch=gained.epoch))

    def on_journal_reported(self, report: JournalReported) -> None:
        """Judge a report."""
        self._heard_ns = self.now_ns
        lag_max_ns = self._settings.lag_max_ms * NS_PER_MS
        if not report.is_written:
            self._turn(is_healthy=False, detail=report.detail or f"{report.lost} records lost")
        elif report.lag_ns > lag_max_ns:
            detail = f"{report.pending} records wait, since {report.lag_ns // NS_PER_MS} ms"
            self._turn(is_healthy=False, detail=detail)
        else:
            self._turn(is_healthy=True, detail="")

    def on_timer_fired(self, _: TimerFired) -> None:
        """Judge silence."""
        self.set_timer("check", CHECK_NS)
        silent_ns = self.now_ns - self._heard_ns
        if silent_ns > SILENCE_MAX_NS:
            self._turn(is_healthy=False, detail=f"no word for {silent_ns // NS_PER_MS} ms")

    def on_newborn(self, _: ActorStarted | ActorRestarted) -> None:
        """Tell again: whoever is new has not heard it."""
        if self._is_healthy is not None:
            self.say(JournalHealthChanged(is_healthy=self._is_healthy, detail=self._detail))

    def _turn(self, *, is_healthy: bool, detail: str) -> None:
        if is_healthy != self._is_healthy:
            self._is_healthy = is_healthy
            self._detail = detail
            self.say(JournalHealthChanged(is_healthy=is_healthy, detail=detail))
