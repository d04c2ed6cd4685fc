"""Whether the flow of one symbol is harmful enough to enter nothing.

The level is that of the features, which hold HIGH through the cooldown and until the score is below
that of MID: the gate closes and opens with it.
"""

from __future__ import annotations

from grinder.features.registry import INDEX
from grinder.messages.features import FeaturesSampled
from grinder.model.grid import ToxicityLevel

_SCORE = INDEX["toxicity_score"]


class FlowGate:
    """The gate of one symbol; open until it hears something bad."""

    __slots__ = ("is_closed", "level", "score")

    def __init__(self) -> None:
        self.level = ToxicityLevel.LOW
        """Heard last."""
        self.score: float | None = None
        """Of the same sample; None while cold."""
        self.is_closed = False
        """True while nothing new may be entered."""

    def hear(self, sample: FeaturesSampled) -> bool:
        """Take the level of now; return whether that has closed the gate."""
        was_closed = self.is_closed
        self.level, self.score = sample.toxicity, sample.values[_SCORE]
        self.is_closed = sample.toxicity.is_harmful
        return self.is_closed and not was_closed
