"""One world from its first moment to its verdict.

First a time in which things go wrong, as planned; then one in which nothing does and the market
stands still, in which everything must come to rest: the ladder back, the books equal.
"""

from __future__ import annotations

import logging
import tempfile
from collections import deque
from collections.abc import Callable
from contextlib import ExitStack
from operator import itemgetter
from pathlib import Path
from typing import Final

import attrs

from grinder.errors import GrinderError
from grinder.journal.reading import JournalReader
from grinder.messages.codec import CODEC
from grinder.model.legs import names_of
from grinder.model.settings import Config
from grinder.replay.command import runtime_of
from grinder.replay.engine import Engine
from grinder.worlds.invariants import SAID, Watch
from grinder.worlds.looks import EACH_MINUTE, LOOKED, Looks
from grinder.worlds.plan import Fault, draw
from grinder.worlds.rest import SETTLED, at_rest
from grinder.worlds.settings import options_of, settings_of
from grinder.worlds.world import FaultWorld, Process

SECOND_MS: Final = 1_000
CALM_MS: Final = 150_000
"""Virtual time within which a world must converge once nothing goes wrong any more."""
MEAN_GAP_MS: Final = 6_000
"""Mean virtual time between two faults."""
QUOTING: Final = ("static", "adaptive", "range")
"""Policies that quote in any market that is one."""
WARM_UP_MS: Final = 5_000
"""Nothing goes wrong before this: the system quotes for the first time."""

Change = Callable[[Process], None]
_Event = tuple[int, Callable[[Fault], None], Fault]


@attrs.frozen(kw_only=True)
class WorldSpec:
    """What a world is made of; equal ones have equal verdicts."""

    seed: int
    minutes: float = 10
    kinds: tuple[str, ...] = ()
    symbols: tuple[str, ...] = ("BTCUSDT", "ETHUSDT")
    trap: int = 0
    """Delivery in whose place something happens, counted from the start; 0 for none."""
    is_fatal: bool = False
    """Whether the process goes with it, and not only the actor."""
    is_replayed: bool = True
    funding_ms: int = 40_000
    """Virtual time from its start to the funding that is settled in it."""
    given: tuple[Fault, ...] = ()
    """What goes wrong in it whatever the seed."""
    canary: str = ""
    """Name of the bug that is planted in it."""
    policy: str = "static"
    """Who decides, or one of the words that stand for options of the grid; auto lets policies take
    turns."""

    def faults(self) -> tuple[Fault, ...]:
        """Return what goes wrong in it."""
        until_ms = round(self.minutes * 60_000)
        legs = names_of(self.symbols, config_of(self).venue.position_mode)
        drawn = draw(self.seed, self.kinds, until_ms - WARM_UP_MS, legs, MEAN_GAP_MS)
        later = [attrs.evolve(one, at_ms=one.at_ms + WARM_UP_MS) for one in drawn]
        return tuple(sorted((*self.given, *later), key=lambda one: one.at_ms))


@attrs.frozen(kw_only=True)
class Verdict:
    """What became of a world."""

    seed: int
    trap: int
    is_fatal: bool
    violations: tuple[str, ...]
    faults: int
    done: dict[str, int]
    """How often each kind of fault has hit something."""
    judged: dict[str, int]
    deliveries: int
    """Messages handled in all processes."""
    orders: int
    fills: int
    kills: int
    converged_ms: int
    """Virtual time that it took to come to rest; -1 if it never did."""
    replayed: int
    """Messages replayed and found identical; 0 where that was not asked for."""
    options: tuple[str, ...] = ()
    """Options that were drawn for it, by name."""


def config_of(spec: WorldSpec) -> Config:
    """Return the settings of a world."""
    return settings_of(spec.seed, spec.policy, spec.symbols)


def play(
    spec: WorldSpec, faults: tuple[Fault, ...] | None = None, change: Change | None = None
) -> Verdict:
    """Return the verdict on the world of ``spec``, with another list of faults if one is given."""
    planned = spec.faults() if faults is None else faults
    with ExitStack() as stack:
        # Actors that fall do so because they were told to: it is the verdict that counts.
        stack.callback(logging.disable, logging.root.manager.disable)
        logging.disable(logging.CRITICAL)
        directory = None
        if spec.is_replayed:
            directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="grinder-")))
        watch = Watch()
        world = FaultWorld(
            config_of(spec),
            spec.seed,
            observer=watch,
            journal=directory,
            order_seed=spec.seed if spec.seed % 2 else None,
            funding_ms=spec.funding_ms,
            change=change,
        )
        world.process.runtime.trap = spec.trap
        world.process.runtime.is_fatal = spec.is_fatal
        _endure(world, Looks(world, watch), planned, round(spec.minutes * 60_000))
        converged_ms = _come_to_rest(world, watch)
        deliveries = world.process.runtime.deliveries or sum(
            one.handled for one in world.process.runtime.snapshots()
        )
        world.close()
        replayed = _replay(watch, directory) if directory is not None else 0
        _judge_judges(watch, spec)
        ledger = world.exchange.ledger("sim")
        return Verdict(
            seed=spec.seed,
            trap=spec.trap,
            is_fatal=spec.is_fatal,
            violations=tuple(watch.violations),
            faults=len(planned),
            done=world.done,
            judged=dict(watch.judged),
            deliveries=deliveries,
            orders=ledger.orders,
            fills=ledger.fills,
            kills=world.kills,
            converged_ms=converged_ms,
            replayed=replayed,
            options=tuple(options_of(spec.seed, spec.policy)),
        )


def _endure(world: FaultWorld, looks: Looks, planned: tuple[Fault, ...], until_ms: int) -> None:
    waiting = deque(_agenda(world, planned))
    next_look_ms = SECOND_MS
    while world.now_ms < until_ms:
        next_ms = min(next_look_ms, until_ms)
        if waiting:
            next_ms = min(next_ms, waiting[0][0])
        world.run_to(max(next_ms, world.now_ms))
        while waiting and waiting[0][0] <= world.now_ms:
            _, happens, fault = waiting.popleft()
            happens(fault)
        if world.now_ms >= next_look_ms:
            looks.look()
            next_look_ms = (world.now_ms // SECOND_MS + 1) * SECOND_MS


def _agenda(world: FaultWorld, planned: tuple[Fault, ...]) -> list[_Event]:
    """Return what happens, and when: each fault, and that an operator takes back what he said."""
    agenda: list[_Event] = [(one.at_ms, world.strike, one) for one in planned]
    operator = world.operator
    said = [one for one in planned if one.kind in operator.at_once()]
    agenda += [(one.at_ms + one.ms, operator.relent, one) for one in said]
    return sorted(agenda, key=itemgetter(0))


def _come_to_rest(world: FaultWorld, watch: Watch) -> int:
    """Wait until all is as it has to be; return how long that took."""
    world.market.is_standing = True
    began_ms = world.now_ms
    problems: list[str] = ["nothing was looked at"]
    while problems and world.now_ms < began_ms + CALM_MS:
        world.operator.let_go()
        if watch.state == "EMERGENCY" and not watch.is_killed:
            world.operator.reduce()
        world.run_to(world.now_ms + SECOND_MS)
        problems = list(at_rest(world, watch))
    watch.judged.update(SETTLED)
    for problem in problems:
        watch.violate("rest", problem)
    return -1 if problems else world.now_ms - began_ms


def _replay(watch: Watch, directory: Path) -> int:
    """Replay the journal of every process of the world; return how many messages were identical."""
    messages = 0
    watch.judged["replay"] += 1
    try:
        for run in JournalReader(directory).runs:
            reader = JournalReader(directory, run)
            engine = Engine(runtime_of(reader), CODEC)
            outcome = engine.replay(reader)
            engine.runtime.end()
            messages += outcome.messages
            divergence = outcome.divergence
            if divergence is not None:
                watch.violate(
                    "replay", f"{divergence.actor} at message {divergence.seq}, run {run}"
                )
    except GrinderError as error:
        watch.violate("replay", str(error))
    return messages


def _judge_judges(watch: Watch, spec: WorldSpec) -> None:
    """Fail a world in which an invariant was never judged."""
    expected = {*LOOKED, *SETTLED}
    # Not every policy finds a market of its kind in every world.
    if spec.minutes >= 1 and spec.policy in QUOTING:
        expected |= {*SAID, *EACH_MINUTE}
    for name in sorted(expected):
        if not watch.judged[name]:
            watch.violate("unjudged", f"{name} was never judged")
    if watch.unfinished:
        watch.violate("unjudged", f"{watch.unfinished} messages, in whose judgement we failed")
