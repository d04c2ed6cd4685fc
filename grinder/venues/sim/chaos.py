"""Stream faults on demand: frames lost, repeated, late, out of order or broken, by seed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from enum import StrEnum
from fnmatch import fnmatchcase

import attrs

from grinder.venues.sim.delays import Chances, Delay

RULES_MAX = 100
LATE_MAX = 20_000
"""Frames that may wait for their time; what comes above that is lost."""
TIE_S = 1e-5

Deliver = Callable[[bytes], None]


class StreamFault(StrEnum):
    """One way in which a frame goes wrong."""

    DROP = "drop"
    """The frame is lost; in a chain of depth updates this is a gap."""
    GAP = "gap"
    """The same for depth diffs only, whatever else the pattern matches."""
    DUPLICATE = "duplicate"
    DELAY = "delay"
    """It comes later; frames of one stream keep their order."""
    REORDER = "reorder"
    """It comes after the next frame of its stream."""
    CORRUPT = "corrupt"
    """It ends in the middle, so that it is no JSON any more."""
    RESET = "reset"
    """The connections that hear the stream break instead."""


@attrs.define(kw_only=True)
class Rule:
    """What goes wrong with which streams, and how often."""

    fault: StreamFault
    pattern: str
    """Shell pattern of stream names; user data are ``user:<event>``."""
    rate: float
    """Chance for each frame, 0 to 1."""
    left: int | None
    """How many more frames; None for ever."""
    delay: Delay
    chances: Chances

    def takes(self, name: str) -> bool:
        """Tell whether this frame goes wrong, and count it."""
        if self.left == 0 or not fnmatchcase(name, self.pattern):
            return False
        if self.fault is StreamFault.GAP and not _is_diff(name):
            return False
        if self.rate < 1 and self.chances.of(name).random() >= self.rate:
            return False
        if self.left is not None:
            self.left -= 1
        return True

    def harm(self, name: str) -> Harm:
        """Return what happens to a frame that was taken, alike for all who hear it."""
        chance = self.chances.of(name)
        is_late, is_cut = self.fault is StreamFault.DELAY, self.fault is StreamFault.CORRUPT
        return Harm(
            fault=self.fault,
            wait_s=self.delay.drawn_s(chance) if is_late else 0.0,
            left=chance.random() if is_cut else 1.0,
        )


@attrs.frozen(kw_only=True)
class Harm:
    """What happens to one frame."""

    fault: StreamFault
    wait_s: float = 0.0
    left: float = 1.0
    """Share of it that is sent."""


def _is_diff(name: str) -> bool:
    suffix = name.partition("@depth")[2]
    return "@depth" in name and not suffix[:1].isdigit()


class Chaos:
    """The rules in force. Equal seeds, rules and frames of a stream give equal faults."""

    def __init__(self) -> None:
        self._rules: list[Rule] = []
        self._held: dict[tuple[str, int], bytes] = {}
        self._due_s: dict[tuple[str, int], float] = {}
        self._late: set[asyncio.TimerHandle] = set()
        self.counts = dict.fromkeys(StreamFault, 0)
        """Frames that went wrong since the start, by fault."""

    @property
    def is_active(self) -> bool:
        """Whether any rule may still take a frame, or a frame waits for its time."""
        return bool(self._rules or self._held or self._due_s)

    def plan(
        self,
        fault: StreamFault,
        *,
        pattern: str,
        rate: float,
        times: int | None,
        delay: Delay,
        chances: Chances,
    ) -> None:
        """Add a rule.

        Raises:
            ValueError: a number is out of range, or there are too many rules.
        """
        if not 0 < rate <= 1:
            raise ValueError(f"expected a rate in (0, 1], was {rate}")
        if times is not None and times < 1:
            raise ValueError(f"expected 1 time or more, was {times}")
        self._rules = [rule for rule in self._rules if rule.left != 0]
        if len(self._rules) >= RULES_MAX:
            raise ValueError(f"expected at most {RULES_MAX} rules")
        rule = Rule(
            fault=fault,
            pattern=pattern,
            rate=rate,
            left=times,
            delay=delay,
            chances=chances,
        )
        self._rules.append(rule)

    def clear(self) -> None:
        """Forget the rules and what waits."""
        self._rules.clear()
        self._held.clear()
        self._due_s.clear()
        for handle in self._late:
            handle.cancel()
        self._late.clear()

    def chosen(self, name: str) -> Harm | None:
        """Return what happens to this frame, by the first rule that takes it."""
        found = next((rule for rule in self._rules if rule.takes(name)), None)
        if found is None:
            return None
        self.counts[found.fault] += 1
        return found.harm(name)

    def pass_on(
        self, harm: Harm | None, key: tuple[str, int], frame: bytes, deliver: Deliver
    ) -> None:
        """Deliver a frame of one stream to one client, harmed.

        Args:
            harm: what goes wrong; None when nothing does.
            key: stream and client.
            frame: the bytes as they should be.
            deliver: sends bytes to the client.
        """
        fault = harm.fault if harm else None
        if fault in (StreamFault.DROP, StreamFault.GAP):
            return
        if fault is StreamFault.REORDER and key not in self._held and len(self._held) < LATE_MAX:
            self._held[key] = frame
            return
        if harm is not None and fault is StreamFault.CORRUPT:
            frame = frame[: 1 + int(harm.left * (len(frame) - 2))]
        self._at_its_time(key, harm.wait_s if harm else 0.0, frame, deliver)
        if fault is StreamFault.DUPLICATE:
            self._at_its_time(key, 0, frame, deliver)
        held = self._held.pop(key, None)
        if held is not None:
            self._at_its_time(key, 0, held, deliver)

    def _at_its_time(
        self, key: tuple[str, int], wait_s: float, frame: bytes, deliver: Deliver
    ) -> None:
        if not wait_s and key not in self._due_s:
            deliver(frame)
            return
        if len(self._late) >= LATE_MAX:
            return
        loop = asyncio.get_running_loop()
        # Timers that are due at the same time come in no order, so each waits a little longer.
        due_s = max(loop.time() + wait_s, self._due_s.get(key, 0.0) + TIE_S)
        self._due_s[key] = due_s

        def arrive() -> None:
            self._late.discard(handle)
            if self._due_s.get(key) == due_s:
                del self._due_s[key]
            deliver(frame)

        handle = loop.call_at(due_s, arrive)
        self._late.add(handle)
