"""pause: nobody quotes, because somebody says so, the flow is harmful, or nothing is seen."""

from __future__ import annotations

from typing import ClassVar

from grinder.model.grid import GridPlan, MarketRegime, ResetAction
from grinder.model.settings import Config
from grinder.policy.base import MarketView
from grinder.policy.plans import paused


class PausePolicy:
    """Want no entries while the flow is harmful or the book is not known."""

    name: ClassVar[str] = "pause"
    priority: ClassVar[int] = 10
    reasons: ClassVar[tuple[str, ...]] = ("PAUSE_MANUAL", "PAUSE_TOX_HIGH", "PAUSE_DATA_STALE")

    def __init__(self, settings: Config) -> None:
        pass

    def should_activate(self, view: MarketView) -> bool:
        """Return whether there is a reason besides being told to."""
        return bool(_why(view))

    def evaluate(self, view: MarketView) -> GridPlan:
        """Return a pause; ``PAUSE_MANUAL`` when only ``policy.name`` asks for it."""
        reason = _why(view) or "PAUSE_MANUAL"
        is_told = reason != "PAUSE_TOX_HIGH"
        return paused(view, reason, reset=ResetAction.HARD if is_told else ResetAction.NONE)


def _why(view: MarketView) -> str:
    if view.regime is MarketRegime.PAUSED:
        return "PAUSE_MANUAL"
    if view.toxicity.is_harmful:
        return "PAUSE_TOX_HIGH"
    # The spread is known with every change of the best prices: without it nothing is.
    return "" if view.known("spread_bps") is not None else "PAUSE_DATA_STALE"
