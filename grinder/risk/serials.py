"""Serials of permits: which of them a failure makes void."""

from __future__ import annotations

from grinder.kernel.signals import ActorFailed, ExitReason

GIVER = "risk"
"""Name of the actor that gives permits."""
SERIAL_SHIFT = 32
"""Permit serials of one generation stay below 2 to this power."""


def first_serial(generation: int) -> int:
    """Return the lowest serial that a generation of the giver uses."""
    return generation << SERIAL_SHIFT


def void_below(failed: ActorFailed) -> int:
    """Return the serial below which permits are void after a failure; 0 voids none.

    The dead can't revoke: whoever acts under their permits voids them. A failure with reason
    NORMAL only says who is not up yet, so the permits of the generation named may be to come.
    """
    if failed.actor != GIVER:
        return 0
    return first_serial(failed.generation + (failed.reason is not ExitReason.NORMAL))
