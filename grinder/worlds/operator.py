"""The operator of a world: says what `grinder ctl` says, and takes it back."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from random import Random
from typing import TYPE_CHECKING, Final

from grinder.actors.commands import told
from grinder.actors.wiring import RISK
from grinder.kernel.message import Message
from grinder.messages.risk import BanSymbol, LiftBan, OverrideLifecycle, TripKillSwitch
from grinder.model.order import Side
from grinder.model.units import NS_PER_MS
from grinder.risk.bans import FOR_EVER_NS
from grinder.worlds.looks import orders_of
from grinder.worlds.plan import Fault

if TYPE_CHECKING:
    from grinder.worlds.world import FaultWorld

NAME: Final = "ada"
BAN: Final = "operator-ban"
UNDONE_BY: Final = {
    "operator-kill": "reset",
    "operator-pause": "resume",
    "operator-emergency": "resume",
}
"""What takes back the command that a kind of fault is named after."""

STUMBLES: Final = 0.3
"""Part of the moments at which an operator speaks when RiskSupervisor has just fallen."""


class Operator:
    """Somebody at the console of whatever process lives now."""

    def __init__(self, world: FaultWorld) -> None:
        self._world = world
        self._held: dict[str, str] = {}
        """What was said last of kill switch and override, by latch; empty to open it."""
        self._banned: dict[str, int] = {}
        """Until when each market that was named is banned, in ns; 0: it is not any more."""
        self._hearer: object = None
        """The process to which that was said."""

    def at_once(self) -> dict[str, Callable[[Fault], object]]:
        """Return what is said for each kind of fault."""
        return dict.fromkeys((BAN, *UNDONE_BY), self._speak)

    def unheeded(self) -> Iterator[str]:
        """Yield, once, what was said and heard and is not so."""
        world = self._world
        slot = world.process.runtime.resolve(RISK).slot
        has_heard = slot.runner is not None and not len(slot.mailbox)
        if world.process is not self._hearer or not has_heard:
            return
        kept = world.latches.facts.get(RISK, {})
        for latch, held in tuple(self._held.items()):
            is_so = kept.get(latch, "")
            has_tripped = latch == "kill_switch" and is_so not in ("", "MANUAL")
            if is_so != held and not has_tripped:
                del self._held[latch]
                yield f"{latch} is {is_so or 'open'}, {held or 'open'} was said"
        banned = banned_in(kept)
        for symbol, until_ns in tuple(self._banned.items()):
            # A ban with an end of its own is over then, or a little later.
            is_ended = 0 < until_ns <= world.now_ns
            if not is_ended and (symbol in banned) is not bool(until_ns):
                del self._banned[symbol]
                yield f"{symbol}: banned is {symbol in banned}"

    def relent(self, fault: Fault) -> None:
        """Take back what was said for ``fault``, whether or not it has been heard."""
        self._stumble(fault, "taken back")
        if fault.kind != BAN:
            self._say(UNDONE_BY[fault.kind])
            return
        ban = self._ban_of(fault)
        if not ban.duration_ns:
            self._tell(RISK, LiftBan(symbol=ban.symbol, operator=NAME))

    def let_go(self) -> None:
        """Take back whatever the keeper shows to hold still, after however many processes.

        A kill switch that has tripped by itself stays closed, and so do grids that are over.
        """
        kept = self._world.latches.facts.get(RISK, {})
        if kept.get("kill_switch") == "MANUAL":
            self._say("reset")
        if kept.get("override"):
            self._say("resume")
        for symbol in banned_in(kept):
            self._tell(RISK, LiftBan(symbol=symbol, operator=NAME))

    def reduce(self) -> None:
        """Let somebody take our exits: only a position measured small ends an emergency."""
        world = self._world
        venue = world.process.venue
        for symbol in world.instruments:
            for one in orders_of(world, symbol):
                if one.reduce_only:
                    lots, is_buy = one.qty_lots - one.filled_lots, one.side is Side.BUY
                    world.exchange.trade(one.symbol, one.price_ticks, lots, is_buy, venue.now_ms)
        venue.settle()

    def _speak(self, fault: Fault) -> None:
        """Say what a kind of fault is named after."""
        self._stumble(fault, "said")
        if fault.kind == BAN:
            self._tell(RISK, self._ban_of(fault))
        else:
            self._say(fault.kind.removeprefix("operator-"))

    def _stumble(self, fault: Fault, moment: str) -> None:
        """Let whoever is spoken to fall at that moment, now and then."""
        if Random(f"{moment} {fault.seed}").random() < STUMBLES:
            self._world.process.runtime.inject(RISK, "raise")

    def _ban_of(self, fault: Fault) -> BanSymbol:
        """Return a ban: it ends by itself, or else is lifted."""
        chance = Random(fault.seed)
        return BanSymbol(
            symbol=chance.choice(sorted(self._world.markets)),
            duration_ns=fault.ms * NS_PER_MS if chance.random() < 0.5 else 0,
            reason="exploit",
            operator=NAME,
        )

    def _say(self, action: str) -> None:
        for name, command in told(self._world.config, action, NAME, "test"):
            self._tell(name, command)

    def _tell(self, name: str, command: Message) -> None:
        self._note(command)
        runtime = self._world.process.runtime
        runtime.tell(runtime.address(name), command)

    def _note(self, command: Message) -> None:
        """Note what has to be so from now on."""
        if self._world.process is not self._hearer:
            self._hearer = self._world.process
            self._held.clear()
            self._banned.clear()
        if isinstance(command, LiftBan):
            self._banned[command.symbol] = 0
        elif isinstance(command, BanSymbol):
            end_ns = self._world.now_ns + command.duration_ns
            self._banned[command.symbol] = end_ns if command.duration_ns else FOR_EVER_NS
        elif isinstance(command, OverrideLifecycle):
            self._held["override"] = "" if command.override == "NONE" else command.override
        else:
            self._held["kill_switch"] = "MANUAL" if isinstance(command, TripKillSwitch) else ""


def banned_in(kept: Mapping[str, str]) -> list[str]:
    """Return the markets that are banned by what the keeper holds of risk."""
    return [symbol for symbol, *_ in json.loads(kept.get("bans", "[]"))]
