"""LeaderActor: keeps the lease and says whether this instance may act."""

from __future__ import annotations

from grinder.kernel.actor import Actor
from grinder.kernel.address import Address
from grinder.kernel.signals import TimerFired
from grinder.messages.control import (
    AcquireLease,
    LeadershipGained,
    LeadershipLost,
    LeaseGranted,
    LeaseRefused,
    ReleaseLease,
)
from grinder.model.settings import LeaderSettings
from grinder.model.units import NS_PER_MS


class LeaderActor(Actor):
    """Hold the lease, judge it by its own clock from the moment of asking.

    Hears LeaseGranted, LeaseRefused from its port. Says LeadershipGained (with each renewal),
    LeadershipLost.
    Restart: asks for the lease again; as the same holder it gets the same epoch.
    """

    def __init__(self, settings: LeaderSettings, holder: str, lease: Address) -> None:
        self._settings = settings
        self._holder = holder
        self._lease = lease
        self._epoch = 0
        self._deadline_ns = 0

    def on_start(self) -> None:
        """Ask at once."""
        self._ask()

    def on_stop(self) -> None:
        """Let the peer take over without waiting for the lease to run out."""
        if self._epoch:
            self.tell(self._lease, ReleaseLease(holder=self._holder, epoch=self._epoch))
            self._lose("stopping")
        self.exit()

    def _ask(self) -> None:
        self.tell(
            self._lease,
            AcquireLease(
                holder=self._holder,
                epoch=self._epoch,
                ttl_ns=self._settings.ttl_ms * NS_PER_MS,
            ),
        )
        self.set_timer("renew", self._settings.renew_ms * NS_PER_MS)

    def on_lease_granted(self, granted: LeaseGranted) -> None:
        """Act until the lease, less a margin, runs out."""
        deadline_ns = granted.valid_from_ns + granted.ttl_ns - self._settings.margin_ms * NS_PER_MS
        if deadline_ns <= self.now_ns:
            return
        self._epoch = granted.epoch
        self._deadline_ns = deadline_ns
        self.say(LeadershipGained(epoch=granted.epoch, deadline_ns=deadline_ns))
        self.set_timer("deadline", deadline_ns - self.now_ns)

    def on_lease_refused(self, refused: LeaseRefused) -> None:
        """Stop acting if another holder has it; a store out of reach is left to the deadline."""
        if self._epoch and refused.holder not in ("", self._holder):
            self._lose(refused.reason)

    def on_timer_fired(self, timer: TimerFired) -> None:
        """Renew, or notice that renewal has failed for too long."""
        if timer.key == "renew":
            self._ask()
        elif self._epoch and self.now_ns >= self._deadline_ns:
            self._lose("lease ran out")

    def _lose(self, reason: str) -> None:
        self.say(LeadershipLost(epoch=self._epoch, reason=reason))
        self._epoch = 0
        self.cancel_timer("deadline")
