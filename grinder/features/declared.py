"""What a feature declares of itself."""

from __future__ import annotations

import attrs

from grinder.messages.market import StreamKind

NONE = "unknown"
"""Cold start: no value."""
ZERO = "zero"
"""Cold start: what has not happened counts as nothing."""


@attrs.frozen(kw_only=True)
class Feature:
    """One number that is computed of a symbol."""

    name: str
    meaning: str
    """Formula, in words or signs."""
    unit: str
    least: float | None
    """Smallest possible value; None: there is none."""
    greatest: float | None
    window: str = "now"
    """What it looks back on."""
    warm_up: str = "none"
    """What has to come before it is known."""
    cold: str = NONE
    """What is said before: unknown, zero, or a value that stands in."""
    source: str = ""
    """Where the definition comes from; empty: practitioners' usage or our own."""


@attrs.frozen(kw_only=True)
class Group:
    """Features that have the same inputs and go stale together."""

    name: str
    inputs: tuple[StreamKind, ...]
    stale_after: str
    """When all of them become unknown."""
    features: tuple[Feature, ...]
