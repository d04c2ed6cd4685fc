"""What goes wrong in a world, and when: a list drawn from its seed, which can be made shorter.

Everything random about a fault is in the list or in the seed of the fault itself, so a world that
is played with part of its list has the same faults at the same times as before.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from random import Random
from typing import Final

import attrs

from grinder.errors import ConfigError

ACTORS: Final = (
    "leader", "risk", "exchange", "router", "account_sync", "reconcile", "ledger", "journal",
    "feature", "feed",
)  # fmt: skip
"""Beside these there is a policy for each leg."""


@attrs.frozen(kw_only=True)
class Kind:
    """One kind of fault."""

    text: str
    ms: tuple[int, int] = (0, 0)
    """How long it lasts, least and most, in ms of virtual time; 0 for what happens at once."""
    has_target: bool = False
    """Whether it hits one actor."""
    share: tuple[float, float] = (1.0, 1.0)
    """Which part of what passes meanwhile it hits, least and most."""
    weight: int = 2


KINDS: Final[Mapping[str, Kind]] = {
    # our own parts
    "crash": Kind(text="an actor raises at its next message", has_target=True, weight=6),
    "hang": Kind(text="an actor hangs until it is given up", has_target=True),
    "slow": Kind(text="an actor reads nothing for a while", ms=(50, 1_500), has_target=True),
    "kill": Kind(text="the process dies and another one begins", ms=(200, 4_000), weight=1),
    "pause": Kind(text="the process gets no time at all", ms=(500, 8_000), weight=1),
    # requests
    "request-lost": Kind(text="a write never arrives", ms=(500, 5_000), share=(0.3, 1.0)),
    "reply-lost": Kind(text="a write is done, its reply lost", ms=(500, 5_000), share=(0.3, 1.0)),
    "reply-late": Kind(text="replies take seconds", ms=(500, 6_000), share=(0.3, 1.0)),
    "overloaded": Kind(text="503: a write did nothing", ms=(500, 5_000), share=(0.5, 1.0)),
    "unknown-503": Kind(text="503: a write may have been done", ms=(500, 4_000), share=(0.3, 1.0)),
    "throttled": Kind(text="429 with Retry-After", ms=(1_000, 8_000)),
    "banned": Kind(text="418 for a while", ms=(2_000, 15_000), weight=1),
    "clock-refused": Kind(text="-1021 to every write", ms=(300, 3_000)),
    "too-many-orders": Kind(text="-1015 to placements", ms=(500, 4_000), share=(0.5, 1.0)),
    "reads-fail": Kind(text="reads come to nothing", ms=(1_000, 10_000), share=(0.5, 1.0)),
    # private stream
    "event-lost": Kind(text="user events are lost", ms=(300, 3_000), share=(0.3, 1.0)),
    "event-twice": Kind(text="user events come twice", ms=(500, 5_000), share=(0.3, 1.0)),
    "event-late": Kind(text="user events come late", ms=(500, 5_000), share=(0.3, 1.0)),
    "event-first": Kind(text="user events come before their replies", ms=(500, 5_000)),
    "user-closed": Kind(text="the private stream closes"),
    "user-silent": Kind(text="the private stream dies without a word", ms=(1_000, 9_000)),
    "key-lost": Kind(text="the listen key is gone", weight=1),
    # market streams
    "tick-lost": Kind(text="market data are lost", ms=(200, 4_000), share=(0.3, 1.0)),
    "tick-twice": Kind(text="market data come twice", ms=(500, 4_000), share=(0.3, 1.0)),
    "tick-late": Kind(text="market data come late and out of order", ms=(500, 4_000)),
    "tick-crossed": Kind(text="quotes are crossed", ms=(100, 1_500), share=(0.2, 1.0)),
    "tick-corrupt": Kind(text="frames can't be decoded", ms=(200, 3_000), share=(0.3, 1.0)),
    "market-closed": Kind(text="the market streams close"),
    "market-silent": Kind(text="the market streams die without a word", ms=(1_000, 9_000)),
    # market, and other people
    "price-jump": Kind(text="the price jumps"),
    "small-fills": Kind(text="our orders are filled in small parts", ms=(500, 4_000)),
    "by-hand": Kind(text="somebody trades on the account by hand", weight=1),
    "cancel-by-hand": Kind(text="somebody cancels an order of ours", weight=1),
    # an operator, who takes it back after a while
    "operator-ban": Kind(text="an operator bans a symbol", ms=(1_000, 60_000), weight=1),
    "operator-pause": Kind(text="an operator pauses the system", ms=(500, 8_000), weight=1),
    "operator-emergency": Kind(text="an operator says emergency", ms=(500, 8_000), weight=1),
    "operator-kill": Kind(text="an operator trips the kill switch", ms=(500, 8_000), weight=1),
    # around us
    "lease-silent": Kind(text="the lease store does not answer", ms=(500, 8_000)),
    "lease-refused": Kind(text="the lease store refuses", ms=(500, 5_000)),
    "disk-full": Kind(text="the journal's disk is full", ms=(500, 6_000)),
    "disk-slow": Kind(text="the journal's disk takes nothing for a while", ms=(500, 6_000)),
}


@attrs.frozen(kw_only=True)
class Fault:
    """One thing that goes wrong."""

    at_ms: int
    """Virtual time since the start of the world."""
    kind: str
    ms: int = 0
    target: str = ""
    share: float = 1.0
    seed: int = 0

    def __str__(self) -> str:
        lasts = f" for {self.ms} ms" if self.ms else ""
        target = f" {self.target}" if self.target else ""
        share = f", {self.share:.0%}" if self.share < 1 else ""
        return f"{self.at_ms} ms: {self.kind}{target}{lasts}{share}"


def kinds_of(text: str) -> tuple[str, ...]:
    """Return the kinds that ``text`` names: ``all``, ``none``, or names with commas between.

    Raises:
        ConfigError: a name that no kind has.
    """
    if text == "all":
        return tuple(KINDS)
    names = tuple(part.strip() for part in text.split(",") if part.strip() not in ("", "none"))
    unknown = [name for name in names if name not in KINDS]
    if unknown:
        raise ConfigError((f"--faults: no such kind: {', '.join(unknown)}; see --list-faults",))
    return names


def draw(
    seed: int, kinds: Sequence[str], until_ms: int, symbols: Sequence[str], mean_gap_ms: int
) -> tuple[Fault, ...]:
    """Return the faults of a world until ``until_ms``, oldest first."""
    if not kinds:
        return ()
    chance = Random(f"faults {seed}")
    targets = (*ACTORS, *(f"policy.{symbol}" for symbol in symbols))
    weights = [KINDS[name].weight for name in kinds]
    faults: list[Fault] = []
    at_ms = 0
    while True:
        at_ms += 1 + round(chance.expovariate(1 / mean_gap_ms))
        if at_ms >= until_ms:
            return tuple(faults)
        name = chance.choices(kinds, weights)[0]
        kind = KINDS[name]
        faults.append(
            Fault(
                at_ms=at_ms,
                kind=name,
                ms=min(chance.randint(*kind.ms), max(0, until_ms - at_ms)),
                target=chance.choice(targets) if kind.has_target else "",
                share=round(chance.uniform(*kind.share), 2),
                seed=chance.getrandbits(32),
            )
        )
