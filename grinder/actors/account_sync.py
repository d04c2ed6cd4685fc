"""AccountSyncActor: authoritative snapshots of the account, at regular intervals."""

from __future__ import annotations

from grinder.kernel.actor import Actor
from grinder.kernel.address import Address
from grinder.kernel.signals import TimerFired
from grinder.messages.account import AccountSynced, AccountSyncFailed
from grinder.messages.venue import (
    AccountRead,
    BudgetReported,
    ClockMeasured,
    ReadAccount,
    ReadFailed,
    VenueDenied,
    VenueThrottled,
)
from grinder.model.settings import SyncSettings
from grinder.model.units import NS_PER_MS

PATIENCE = 3
"""A read unanswered for this many intervals counts as failed."""


class AccountSyncActor(Actor):
    """Ask the venue what the account holds and say so.

    Hears AccountRead, ReadFailed from its port. Says AccountSynced, AccountSyncFailed. A snapshot
    that is older than one already said is not said.
    Restart: asks at once.
    """

    def __init__(self, settings: SyncSettings, venue: Address) -> None:
        self._settings = settings
        self._venue = venue
        self._token = 0
        self._asked_ns = 0
        self._is_waiting = False
        self._failures = 0
        self._last_asked_ns = 0

    def on_start(self) -> None:
        """Ask at once."""
        self._token = self.generation << 32
        self._ask()

    def _ask(self) -> None:
        interval_ns = self._settings.interval_ms * NS_PER_MS
        if self._is_waiting and self.now_ns - self._asked_ns > PATIENCE * interval_ns:
            self._fail("no answer")
        if not self._is_waiting:
            self._token += 1
            self._is_waiting = True
            self._asked_ns = self.now_ns
            self.tell(self._venue, ReadAccount(token=self._token))
        self.set_timer("sync", interval_ns)

    def on_timer_fired(self, _: TimerFired) -> None:
        """Ask again."""
        self._ask()

    def on_account_read(self, read: AccountRead) -> None:
        """Say what the venue shows."""
        if read.token != self._token:
            return
        self._is_waiting = False
        if read.asked_ns < self._last_asked_ns:
            self._fail("snapshot older than the last one")
            return
        self._failures = 0
        self._last_asked_ns = read.asked_ns
        self.say(
            AccountSynced(
                wallet=read.wallet,
                unrealized_pnl=read.unrealized_pnl,
                positions=tuple(one for one in read.positions if one.qty_lots),
                open_orders=read.open_orders,
                asked_ns=read.asked_ns,
                answered_ns=self.now_ns,
            )
        )

    def on_read_failed(self, failed: ReadFailed) -> None:
        """Count the failure; the next interval tries again."""
        if failed.token == self._token:
            self._fail(f"{failed.code} {failed.text}")

    def on_venue_news(
        self, news: VenueThrottled | VenueDenied | BudgetReported | ClockMeasured
    ) -> None:
        """Pass on what the port learned by the way."""
        self.say(news)

    def _fail(self, reason: str) -> None:
        self._is_waiting = False
        self._failures += 1
        self.say(
            AccountSyncFailed(
                reason=reason,
                failures_in_row=self._failures,
                is_unknown=self._failures >= self._settings.failures_max,
            )
        )
