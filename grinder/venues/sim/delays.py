"""How late requests arrive and replies leave: by rule, from distributions, by seed."""

from __future__ import annotations

import asyncio
import math
from collections import deque
from collections.abc import Callable
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

import attrs

if TYPE_CHECKING:
    from random import Random

RULES_MAX = 100
SHOWN_MAX = 100
DELAY_MAX_MS = 600_000
CHANCES_MAX = 1000
"""Endpoints whose draws a rule keeps apart; those above share one sequence."""

Draw = Callable[[str], "Random"]
"""Returns the chance of a name: equal names draw alike."""


class Distribution(StrEnum):
    """How delays are spread."""

    CONSTANT = "constant"
    UNIFORM = "uniform"
    """From ``ms`` to ``ms_max``, all alike."""
    EXPONENTIAL = "exponential"
    """Median ``ms``, at most ``ms_max``."""
    LOGNORMAL = "lognormal"
    """Median ``ms``, at most ``ms_max``; ``sigma`` is the deviation of the logarithm."""


class Way(StrEnum):
    """Which half of a request waits."""

    IN = "in"
    """Before the venue looks at it."""
    OUT = "out"
    """Its reply, after it was carried out."""


@attrs.frozen(kw_only=True)
class Delay:
    """A distribution of delays in milliseconds."""

    distribution: Distribution = Distribution.CONSTANT
    ms: int
    """The delay, the least, or the median."""
    ms_max: int
    """The greatest; without meaning for a constant."""
    sigma: float = 0.5

    def __attrs_post_init__(self) -> None:
        """Check the numbers.

        Raises:
            ValueError: one is out of range, or the greatest is below the other.
        """
        if not 0 <= self.ms <= self.ms_max <= DELAY_MAX_MS:
            raise ValueError(f"expected delays of 0 <= ms <= ms_max <= {DELAY_MAX_MS}")
        if not 0 < self.sigma <= 10:
            raise ValueError(f"expected a sigma above 0 and at most 10, was {self.sigma}")

    def drawn_s(self, chance: Random) -> float:
        """Return one delay in seconds."""
        return min(self._drawn_ms(chance), self.ms_max) / 1000

    def _drawn_ms(self, chance: Random) -> float:
        match self.distribution:
            case Distribution.UNIFORM:
                return chance.uniform(self.ms, self.ms_max)
            case Distribution.EXPONENTIAL:
                # The median of an exponential distribution is its mean times ln 2.
                return chance.expovariate(1) * self.ms / math.log(2)
            case Distribution.LOGNORMAL:
                return self.ms * math.exp(chance.gauss(0, self.sigma))
        return self.ms


class Chances:
    """The chance of each name, so that none disturbs the draws of another."""

    def __init__(self, draw: Draw) -> None:
        self._draw = draw
        self._by_name: dict[str, Random] = {}

    def of(self, name: str) -> Random:
        """Return the chance of ``name``; what is drawn from it continues its sequence."""
        if name not in self._by_name and len(self._by_name) >= CHANCES_MAX:
            name = ""
        found = self._by_name.get(name)
        if found is None:
            found = self._by_name[name] = self._draw(name)
        return found


@attrs.frozen(kw_only=True)
class DelayRule:
    """Which requests are late, and how much."""

    way: Way
    method: str = ""
    """Empty: any; ``WS`` is the WebSocket API."""
    path: str = "*"
    """Shell pattern of paths, or of the names of the WebSocket API."""
    delay: Delay
    chances: Chances = attrs.field(eq=False)

    @property
    def place(self) -> tuple[Way, str, str]:
        """What it is of; a rule replaces another of the same place."""
        return self.way, self.method, self.path

    def takes(self, way: Way, method: str, path: str) -> bool:
        """Tell whether it is a rule for this request."""
        return way is self.way and self.method in ("", method) and fnmatchcase(path, self.path)


class Delays:
    """The rules in force; the newest that takes a request decides."""

    def __init__(self) -> None:
        self._rules: list[DelayRule] = []
        self.newest: deque[tuple[Way, str, str, float]] = deque(maxlen=SHOWN_MAX)
        """The last delays drawn: way, method, path, milliseconds."""

    def plan(self, rule: DelayRule) -> None:
        """Add a rule in place of that of the same place; a constant of 0 only ends that.

        Raises:
            ValueError: there are too many rules.
        """
        rules = [each for each in self._rules if each.place != rule.place]
        if rule.delay.ms or rule.delay.distribution is not Distribution.CONSTANT:
            if len(rules) >= RULES_MAX:
                raise ValueError(f"expected at most {RULES_MAX} delays")
            rules.insert(0, rule)
        self._rules = rules

    def clear(self) -> None:
        """Forget the rules, and what they drew."""
        self._rules = []
        self.newest.clear()

    def drawn_s(self, way: Way, method: str, path: str) -> float:
        """Return how many seconds this request or its reply is late."""
        for rule in self._rules:
            if rule.takes(way, method, path):
                drawn_s = rule.delay.drawn_s(rule.chances.of(f"{method} {path}"))
                self.newest.append((way, method, path, round(drawn_s * 1000, 3)))
                return drawn_s
        return 0.0

    async def wait(self, way: Way, method: str, path: str) -> None:
        """Wait that long."""
        wait_s = self.drawn_s(way, method, path)
        if wait_s:
            await asyncio.sleep(wait_s)
