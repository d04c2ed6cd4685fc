"""SelectionActor: samples of every symbol in, who may have entries out."""

from __future__ import annotations

from collections.abc import Mapping

from grinder.features.registry import known
from grinder.kernel.actor import Actor
from grinder.kernel.signals import TimerFired
from grinder.messages.features import FeaturesSampled
from grinder.messages.risk import SymbolBanned
from grinder.model.instrument import Instrument
from grinder.model.strategy import SelectionSettings
from grinder.model.units import NS_PER_MS
from grinder.policy.selection import Selection, bans_of

LOOKS = 6
"""Looks at the gates between two rankings."""


class SelectionActor(Actor):
    """Rank symbols on what is known of each of them.

    Hears FeaturesSampled and SymbolBanned of every symbol. Says SymbolSelected, SelectionRanked.
    Restart: ranks anew from the samples that come; nobody is told anything before that, and who
    ranks high enough then is selected without having to wait again.
    """

    def __init__(self, settings: SelectionSettings, instruments: Mapping[str, Instrument]) -> None:
        self._settings = settings
        self._instruments = instruments
        self._selection = Selection(settings, tuple(instruments), bans_of(settings))

    def on_start(self) -> None:
        """Begin to look."""
        self._selection.must_dwell = self.generation == 1
        for symbol, instrument in self._instruments.items():
            self._selection.candidates[symbol].is_trading = instrument.status == "TRADING"
        self._wait()

    def _wait(self) -> None:
        settings = self._settings
        pause_ms = max(1, min(settings.rerank_ms // LOOKS, settings.dwell_ms or settings.rerank_ms))
        self.set_timer("look", pause_ms * NS_PER_MS)

    def on_features_sampled(self, sample: FeaturesSampled) -> None:
        """Take what is known of a symbol."""
        self._selection.hear(sample.symbol, known(sample.values), sample.toxicity, self.now_ns)

    def on_symbol_banned(self, ban: SymbolBanned) -> None:
        """Let nobody in whom an operator has banned."""
        banned = self._selection.banned
        (banned.add if ban.is_banned else banned.discard)(ban.symbol)

    def on_timer_fired(self, _: TimerFired) -> None:
        """Say who came in and who went out."""
        news, ranking = self._selection.look(self.now_ns)
        for one in news:
            self.say(one)
        if ranking is not None:
            self.say(ranking)
        self._wait()
