"""How often what has failed is tried again, and after which pauses: they grow, and they end."""

from __future__ import annotations

from typing import Final

import attrs

from grinder.model.units import NS_PER_S

RETRIES_MAX: Final = 60
"""Attempts in a row, about an hour, after which nothing is tried any more of its own accord."""
PAUSE_MAX_NS: Final = 60 * NS_PER_S
CALM_NS: Final = 600 * NS_PER_S
"""What fails after all has gone well for this long is counted anew."""


@attrs.frozen(kw_only=True)
class Retries:
    """What has failed in a row so far, and when to try next; times are ns since the epoch."""

    failures: int = 0
    due_ns: int = 0
    """When the next attempt is due, unless attempts are spent; 0 before the first failure."""

    @property
    def is_spent(self) -> bool:
        """Whether it has failed too often to be tried again."""
        return self.failures > RETRIES_MAX

    def failed(self, now_ns: int) -> Retries:
        """Return this with one failure more: after a second, then two, then four, and so on."""
        pause_ns = min(PAUSE_MAX_NS, NS_PER_S << min(self.failures, 10))
        return Retries(failures=self.failures + 1, due_ns=now_ns + pause_ns)

    def rested(self, now_ns: int) -> Retries:
        """Return this, or none at all after a calm; to be asked only while nothing fails."""
        return Retries() if now_ns - self.due_ns >= CALM_NS else self
