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
        self._told_ns: dict[str, int] = {}

    @property
    def renew_ns(self) -> int:
        """Pause between renewals."""
        return self.countdown_ms * NS_PER_MS // RENEWALS

    def before_placing(self, symbol: str, now_ns: int) -> tuple[SetCountdown, ...]:
        """Arm a symbol that is not armed yet."""
        if self.countdown_ms == 0 or symbol in self._told_ns:
            return ()
        return (self._arm(symbol, now_ns),)

    def renew(self, resting: frozenset[str], now_ns: int) -> tuple[SetCountdown, ...]:
        """Return what to tell the venue now, given the symbols that have orders resting."""
        if self.countdown_ms == 0:
            return ()
        commands = [self._arm(symbol, now_ns) for symbol in sorted(resting)]
        for symbol in sorted(self._told_ns.keys() - resting):
            del self._told_ns[symbol]
            commands.append(SetCountdown(symbol=symbol, countdown_ms=0))
        return tuple(commands)

    def _arm(self, symbol: str, now_ns: int) -> SetCountdown:
        self._told_ns[symbol] = now_ns
        return SetCountdown(symbol=symbol, countdown_ms=self.countdown_ms)

    def answered(self, answer: CountdownAnswered) -> bool:
        """Take the venue's answer; return whether the countdown should be told again soon."""
        if answer.outcome is Outcome.DONE:
            self.failures = 0
            return False
        self.failures += 1
        return True
