"""What can be measured, by letter and name."""

from __future__ import annotations

from collections.abc import Callable

import attrs

from grinder.bench.adaptive import adaptive
from grinder.bench.codec_cost import codec
from grinder.bench.core import core
from grinder.bench.figures import Result
from grinder.bench.journal import journal
from grinder.bench.memory import memory
from grinder.bench.orders import orders
from grinder.bench.reaction import reaction
from grinder.bench.replay import busy, replay
from grinder.bench.retention import retention
from grinder.bench.streams import streams


@attrs.frozen
class Measurement:
    """One entry."""

    letter: str
    name: str
    title: str
    run: Callable[..., Result]
    """Called with ``is_short``."""


MEASUREMENTS = (
    Measurement("a", "replay", "events through every actor, stepped", replay),
    Measurement("b", "busy", "the same with dense orders, and ten times as long", busy),
    Measurement("c", "reaction", "tick to order bodies, threaded", reaction),
    Measurement("d", "codec", "cost of a message", codec),
    Measurement("e", "memory", "growth while ticks come in", memory),
    Measurement("f", "core", "order operations through the venue's core alone", core),
    Measurement("g", "orders", "signed orders to the venue over loopback", orders),
    Measurement("h", "streams", "quotes of ten symbols to ten clients of the venue", streams),
    Measurement("i", "retention", "growth of the venue while orders come and go", retention),
    Measurement("j", "journal", "what recording a run costs, and replaying it", journal),
    Measurement("k", "adaptive", "as a, with the adaptive policy, and more symbols", adaptive),
)


def find(word: str) -> Measurement:
    """Return the measurement with this letter or name.

    Raises:
        ValueError: there is none.
    """
    for one in MEASUREMENTS:
        if word in (one.letter, one.name):
            return one
    known = ", ".join(f"{one.letter} ({one.name})" for one in MEASUREMENTS)
    raise ValueError(f"no measurement is called {word!r}; there are {known}")
