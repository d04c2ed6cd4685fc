"""The one way in which these tests wait: look again and again, for so long and no longer."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import TypeVar

LOOK_AGAIN_S = 0.05
PATIENCE_S = 120.0
"""For what has no deadline of its own: only a machine far too slow runs into it."""

T = TypeVar("T")


def until(
    condition: Callable[[], T | None],
    what: str | Callable[[], str],
    within_s: float = PATIENCE_S,
) -> T:
    """Return the first true answer of ``condition``.

    Args:
        condition: looked at now, and every 50 ms.
        what: names what is waited for, in the failure; called only then if it can be called.
        within_s: longest wait; given where the system has promised to be that quick.

    Raises:
        AssertionError: the condition has not become true in time.
    """
    never = threading.Event()
    deadline_s = time.monotonic() + within_s
    while True:
        answer = condition()
        if answer:
            return answer
        if time.monotonic() > deadline_s:
            text = what if isinstance(what, str) else what()
            raise AssertionError(f"expected within {within_s} s: {text}")
        never.wait(LOOK_AGAIN_S)
