"""The venue's dead-man switch: which countdowns to set, and when.

The countdown of a symbol runs while own orders of it rest, and is told again three times before it
would run out. It is stopped once nothing rests, so that it never fires on a successor's orders.
"""

from __future__ import annotations

from grinder.messages.venue import CountdownAnswered, Outcome, SetCountdown
from grinder.model.units import NS_PER_MS

RENEWALS = 3


class DeadMan:
    """The countdowns of one account."""

    def __init__(self, countdown_ms: int) -> None:
        self.countdown_ms = countdown_ms
        """0 when the switch is not used."""
        self.failures = 0
        """Countdowns in a row that the venue did not take."""
        self.armed: set[str] = set()
        """Markets whose countdown runs."""

    @property
    def renew_ns(self) -> int:
        """Pause between renewals."""
        return self.countdown_ms * NS_PER_MS // RENEWALS

    def arm(self, symbol: str) -> tuple[SetCountdown, ...]:
        """Return what lets the countdown of a symbol run, before an order of it is placed."""
        if self.countdown_ms == 0:
            return ()
        self.armed.add(symbol)
        return (SetCountdown(symbol=symbol, countdown_ms=self.countdown_ms),)

    def renew(self, resting: frozenset[str]) -> tuple[SetCountdown, ...]:
        """Return what to tell the venue now, given the symbols that have orders resting."""
        if self.countdown_ms == 0:
            return ()
        idle = sorted(self.armed - resting)
        self.armed = set(resting)
        return (
            *(
                SetCountdown(symbol=each, countdown_ms=self.countdown_ms)
                for each in sorted(resting)
            ),
            *(SetCountdown(symbol=each, countdown_ms=0) for each in idle),
        )

    def answered(self, answer: CountdownAnswered) -> bool:
        """Take the venue's answer; return whether the countdown should be told again soon."""
        if answer.outcome is Outcome.DONE:
            self.failures = 0
            return False
        self.failures += 1
        return True
