"""Fewer faults, the same violation: what is left of a plan when nothing more can be left out."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from grinder.worlds.plan import Fault

Fails = Callable[[tuple[Fault, ...]], bool]


def shrink(faults: Sequence[Fault], fails: Fails, tries_max: int = 200) -> tuple[Fault, ...]:
    """Return a part of ``faults`` for which ``fails`` still holds, and no smaller one near it.

    Halves are left out first, then ever smaller pieces, as in delta debugging; at most
    ``tries_max`` worlds are played.
    """
    left = tuple(faults)
    size = max(1, len(left) // 2)
    tries = 0
    while left and tries < tries_max:
        is_smaller = False
        start = 0
        while start < len(left) and tries < tries_max:
            without = left[:start] + left[start + size :]
            tries += 1
            if fails(without):
                left = without
                is_smaller = True
            else:
                start += size
        if size == 1 and not is_smaller:
            break
        size = max(1, size // 2)
    return left
