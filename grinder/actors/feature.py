"""FeatureActor: checked market events in, features out."""

from __future__ import annotations

from grinder.features.vector import FeatureState
from grinder.kernel.actor import Actor
from grinder.messages.market import BookTicked
from grinder.model.settings import FeatureSettings


class FeatureActor(Actor):
    """Turn each symbol's book into features.

    Hears BookTicked. Says FeaturesComputed.
    Restart: features begin anew and say themselves that they are not warm.
    """

    def __init__(self, settings: FeatureSettings, symbols: tuple[str, ...]) -> None:
        self._states = {symbol: FeatureState(symbol, settings) for symbol in symbols}

    def on_book_ticked(self, tick: BookTicked) -> None:
        """Compute and say."""
        self.say(self._states[tick.symbol].update(tick))
