"""The kill switch: a latch that closes by itself and opens only for a named operator."""

from __future__ import annotations

import attrs

REASONS = ("DRAWDOWN_LIMIT", "MANUAL", "ERROR")


@attrs.frozen(kw_only=True)
class KillSwitch:
    """Open (``reason`` is empty) or tripped."""

    reason: str = ""
    detail: str = ""
    tripped_ns: int = 0
    is_tripped: bool = attrs.field(init=False)
    """True while everything that adds risk is stopped."""

    @is_tripped.default
    def _is_tripped(self) -> bool:
        return self.reason != ""


OPEN = KillSwitch()


def trip(switch: KillSwitch, reason: str, detail: str, now_ns: int) -> KillSwitch:
    """Return the switch tripped; the first reason is kept.

    A reason outside the known ones still trips, as ERROR with the word in its detail: a wrong word
    must not leave the switch open.
    """
    if switch.is_tripped:
        return switch
    if reason not in REASONS:
        detail = f"{reason}: {detail}"
        reason = "ERROR"
    return KillSwitch(reason=reason, detail=detail, tripped_ns=now_ns)


def reset(switch: KillSwitch, operator: str) -> KillSwitch:
    """Return the switch open if ``operator`` names somebody, else unchanged."""
    return OPEN if operator.strip() else switch
