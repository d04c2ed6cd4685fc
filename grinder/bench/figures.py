"""What is said of repeated measurements: median, least and greatest."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

Spread = dict[str, float]
"""median, min and max of the rounds."""
Result = dict[str, object]
"""What one measurement found, ready for JSON."""


def spread(rounds: Sequence[float]) -> Spread:
    """Return median, least and greatest, with four digits that count."""
    return {
        "median": _short(median(rounds)),
        "min": _short(min(rounds)),
        "max": _short(max(rounds)),
    }


def ratios(ours: Sequence[float], theirs: Sequence[float]) -> Spread:
    """Return the spread of ``ours`` / ``theirs``, round by round."""
    return spread([one / other for one, other in zip(ours, theirs, strict=True)])


def percentile(samples: Sequence[float], share: float) -> float:
    """Return the sample below or at which ``share`` (0 to 1) of all lie: the nearest rank."""
    ordered = sorted(samples)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def target(name: str, value: float, bound: float, *, at_least: bool) -> Result:
    """Hold one value against the bound that the project has set itself."""
    return {
        "name": name,
        "value": value,
        "bound": bound,
        "must_be": "at least" if at_least else "at most",
        "is_met": value >= bound if at_least else value <= bound,
    }


def _short(value: float) -> float:
    return float(f"{value:.4g}")
