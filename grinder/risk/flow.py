"""Whether the flow of one symbol is harmful enough to enter nothing.

HIGH and EXTREME close the gate at once. It opens when the score is LOW again and the cooldown has
passed since it was last HIGH: a score that comes down through MID leaves it closed.
"""

from __future__ import annotations

from grinder.model.grid import ToxicityLevel
from grinder.model.strategy import ToxicitySettings
from grinder.model.units import NS_PER_MS

_CLOSING = (ToxicityLevel.HIGH, ToxicityLevel.EXTREME)


class FlowGate:
    """The gate of one symbol; open until it hears something bad."""

    __slots__ = ("_cooldown_ns", "_is_enabled", "high_ns", "is_closed", "level")

    def __init__(self, settings: ToxicitySettings) -> None:
        self._is_enabled = settings.enabled
        self._cooldown_ns = settings.cooldown_ms * NS_PER_MS
        self.level = ToxicityLevel.LOW
        """Heard last."""
        self.high_ns = 0
        """When it was last HIGH or EXTREME."""
        self.is_closed = False
        """True while nothing new may be entered."""

    def hear(self, level: ToxicityLevel, now_ns: int) -> bool:
        """Take the level of now; return whether that has closed the gate."""
        self.level = level
        if not self._is_enabled:
            return False
        if level in _CLOSING:
            self.high_ns = now_ns
            was_closed, self.is_closed = self.is_closed, True
            return not was_closed
        if level is ToxicityLevel.LOW and now_ns - self.high_ns >= self._cooldown_ns:
            self.is_closed = False
        return False
