"""Who is restarted, when, and when it is enough: pure functions of what happened."""

from __future__ import annotations

import zlib

from grinder.kernel.signals import ExitReason
from grinder.kernel.spec import Intensity, Restart, Strategy


def is_restarted(restart: Restart, reason: ExitReason) -> bool:
    """Return whether a child of this type is started again after ending for ``reason``."""
    if restart is Restart.PERMANENT:
        return True
    return restart is Restart.TRANSIENT and reason is not ExitReason.NORMAL


def affected(strategy: Strategy, order: tuple[str, ...], failed: str) -> tuple[str, ...]:
    """Return the children to restart with ``failed``, in starting order, itself included."""
    if strategy is Strategy.ONE_FOR_ALL:
        return order
    if strategy is Strategy.REST_FOR_ONE:
        return order[order.index(failed) :]
    return (failed,)


def within_intensity(
    history: tuple[int, ...], now_ns: int, intensity: Intensity
) -> tuple[bool, tuple[int, ...]]:
    """Add a restart at ``now_ns`` and say whether it is still within the intensity.

    Args:
        history: times of earlier restarts in ns, ascending.
        now_ns: time of this one.
        intensity: the limit.

    Returns:
        Whether to go on, and the history to keep, at most ``restarts_max + 1`` long.
    """
    recent = tuple(at_ns for at_ns in history if now_ns - at_ns < intensity.period_ns)
    recent = (*recent, now_ns)
    return len(recent) <= intensity.restarts_max, recent[-(intensity.restarts_max + 1) :]


def backoff_ns(child: str, failures: int, intensity: Intensity) -> int:
    """Return the pause before restart number ``failures`` in a row (1 is the first).

    The jitter, up to a quarter, is a function of child and count: actors that fail together do not
    return together, and a replay sees the same pauses.
    """
    pause = intensity.backoff_ns << min(failures - 1, 40)
    pause = min(pause, intensity.backoff_max_ns)
    jitter = zlib.crc32(f"{child}:{failures}".encode()) % 1000
    return pause - pause * jitter // 4000
