"""The exits of one symbol: every lot that is held has one, and keeps it.

What no exit covers yet is covered at once; what is covered is left alone. An exit moves for two
reasons only: it is older than its settings allow, or everything has to go and the market has left
it behind. Then the new one is placed first and the old one cancelled when the new one rests; where
the venue refuses more exits than are held (-2022, -4118), or others remain, the old one goes first.
"""

from __future__ import annotations

from collections import Counter, deque
from decimal import Decimal

import attrs

from grinder.messages.grid import Intent, IntentAction
from grinder.model.grid_settings import GridSettings
from grinder.model.instrument import Instrument
from grinder.model.order import Side
from grinder.model.units import NS_PER_MS, NS_PER_S
from grinder.planner.holdings import Holding, Holdings

SLOTS = tuple("x" + digit for digit in "0123456789abcdefghijklmnopqrstuvwxyz")
"""Levels for exits; a position of more parts has its smallest exits made into one."""
MERGED = 8
"""Exits made into one at a time."""
PARTS_MAX = 200
"""Fills whose own exit is still to be placed."""
PART_PATIENCE_NS = 60 * NS_PER_S
"""What could not be given an exit for so long gets one by the average."""
SURPLUS_CODES = frozenset({-2022, -4118})
"""The venue's words for exits of more than is held."""


@attrs.frozen(kw_only=True)
class Scene:
    """What exits are planned on."""

    position_lots: int
    entry_price: Decimal
    bid_ticks: int
    ask_ticks: int
    now_ns: int
    step: int
    """Distance of the ladder's levels, in ticks."""
    closing: str = ""
    """Why everything has to go, at the touch; empty while it has not."""
    places: tuple[tuple[int, int], ...] = ()
    """Price in ticks and lots of every exit of the position; empty: by the fills."""

    @property
    def side(self) -> Side:
        """On which exits stand."""
        return Side.SELL if self.position_lots > 0 else Side.BUY

    @property
    def touch_ticks(self) -> int:
        """The nearest price at which an exit does not take."""
        return self.bid_ticks + 1 if self.side is Side.SELL else self.ask_ticks - 1


class Exits:
    """Plan of the exits. Cancels and placements are never wanted in one turn."""

    def __init__(self, instrument: Instrument, settings: GridSettings, holdings: Holdings) -> None:
        self._instrument = instrument
        self._settings = settings
        self._holdings = holdings
        self._ttl_ns = settings.exit_ttl_ms * NS_PER_MS
        self._is_per_level = settings.exits == "per-level"
        self._parts: deque[tuple[int, int, int]] = deque(maxlen=PARTS_MAX)
        """Where an exit belongs in ticks, for how many lots, and since when, oldest first."""
        self._places: dict[str, tuple[int, int]] = {}
        """Price and lots of the exit that was last wanted in each slot."""
        self._replaced: tuple[str, str] | None = None
        """(name of an exit, level of the one that is to take its place)."""
        self._goes_first = False
        """True once the venue has refused a second exit for the same lots."""
        self._moved_ns = 0

    def note_part(self, ticks: int, lots: int, now_ns: int) -> None:
        """Remember that an exit of so many lots belongs at ``ticks``."""
        if self._is_per_level:
            self._parts.append((ticks, lots, now_ns))

    def forget_parts(self) -> None:
        """Forget where exits belong: what they were for is gone."""
        self._parts.clear()
        self._places.clear()

    def note_refusal(self, slot: str, code: int, now_ns: int) -> None:
        """Want the refused exit again at its place; let the old one go first if that is why."""
        place = self._places.pop(slot, None)
        if place is not None:
            self.note_part(*place, now_ns)
        if code in SURPLUS_CODES and self._replaced is not None:
            self._goes_first = True
        self._replaced = None

    def has_due(self, now_ns: int) -> bool:
        """Return whether an exit has become too old."""
        return self._ttl_ns > 0 and any(self._is_old(one, now_ns) for one in self._holdings.exits())

    def plan(self, scene: Scene) -> list[Intent]:
        """Return what to do now: cover what no exit covers, else move what has to move."""
        holdings, parts = self._holdings, self._parts
        while parts and scene.now_ns - parts[0][2] > PART_PATIENCE_NS:
            parts.popleft()
        if not scene.position_lots or scene.entry_price <= 0:
            parts.clear()
            return []
        uncovered = abs(scene.position_lots) - holdings.exit_lots(scene.side)
        if uncovered > 0:
            return self._cover(uncovered, scene)
        if self._ttl_ns or scene.closing or self._replaced is not None:
            return self._move(-uncovered, scene)
        return []

    # Cover.

    def _cover(self, uncovered: int, scene: Scene) -> list[Intent]:
        holdings = self._holdings
        free = [one for one in SLOTS if not holdings.is_taken(one)]
        if any(one.is_cancelling(scene.now_ns) for one in holdings.exits()):
            return []
        if not free:
            smallest = _mergeable(holdings.exits())
            if sum(one.remaining_lots for one in smallest[:2]) > self._instrument.qty_lots_max:
                return []
            return [one.cancelled("TP_MERGE") for one in smallest[:MERGED]]
        places = []
        for slot, (price, lots) in zip(free, self._parts_of(uncovered, scene), strict=False):
            holdings.propose(slot, scene.now_ns, lots)
            self._places[slot] = (price, lots)
            places.append(_place(slot, scene, price, lots, scene.closing or "TP_CLOSE"))
        return places

    def _parts_of(self, uncovered: int, scene: Scene) -> list[tuple[int, int]]:
        """Return price and lots of each exit that is missing; what is of no known fill is one."""
        found: list[tuple[int, int]] = []
        if scene.places and not scene.closing:
            found = self._missing_of(uncovered, scene)
            uncovered -= sum(lots for _, lots in found)
        while self._parts and uncovered > 0 and not scene.closing:
            ticks, lots, _ = self._parts.pop()
            lots = min(lots, uncovered)
            uncovered -= lots
            price = self._passive(self._instrument.price(ticks), scene)
            if found and found[-1][0] == price:
                lots += found.pop()[1]
            found.append((price, lots))
        if uncovered > 0:
            found.append((self._average_price(scene), uncovered))
        most = self._instrument.qty_lots_max
        return [
            (price, min(most, lots - taken))
            for price, lots in found
            for taken in range(0, lots, most)
        ]

    def _missing_of(self, uncovered: int, scene: Scene) -> list[tuple[int, int]]:
        """Return which exits are missing at their places, the outermost first."""
        found = []
        for ticks, wanted in missing_places(scene.places, self._holdings.exits()):
            lots = min(wanted, uncovered)
            uncovered -= lots
            if lots:
                found.append((self._passive(self._instrument.price(ticks), scene), lots))
        return found

    def _average_price(self, scene: Scene) -> int:
        """One step beyond the average entry, but never where it would take."""
        if scene.closing:
            return scene.touch_ticks
        distance = scene.entry_price * self._settings.exit_spacing_bps / 10_000
        return self._passive(scene.entry_price + scene.side.opposite.sign * distance, scene)

    def _passive(self, price: Decimal, scene: Scene) -> int:
        if scene.side is Side.SELL:
            return max(self._instrument.ticks_up(price), scene.touch_ticks)
        return min(self._instrument.ticks_down(price), scene.touch_ticks)

    # Move.

    def _move(self, surplus: int, scene: Scene) -> list[Intent]:
        now_ns = scene.now_ns
        exits = [one for one in self._holdings.exits() if one.side is scene.side]
        resting = [one for one in exits if not one.is_cancelling(now_ns)]
        if self._replaced is not None:
            return self._finish(self._replaced, resting, scene)
        pause_ns = self._settings.exit_retry_ms * NS_PER_MS
        if len(resting) < len(exits) or now_ns - self._moved_ns < pause_ns:
            return []
        due = [one for one in resting if self._must_move(one, scene)]
        if not due:
            return []
        self._moved_ns = now_ns
        free = next((one for one in SLOTS if not self._holdings.is_taken(one)), "")
        reason = "TP_SHIFT" if scene.closing else "TP_RENEW"
        if surplus > 0 or len(resting) > 1 or self._goes_first or not free:
            # One stays while others go, unless it is the only one and the venue wants it so.
            most = max(1, min(MERGED, len(resting) - 1))
            for one in due[:most]:
                self.note_part(one.price_ticks, one.remaining_lots, now_ns)
            return [one.cancelled(reason) for one in due[:most]]
        old = due[0]
        is_own = self._is_per_level and not scene.closing
        ticks = old.price_ticks if is_own else self._average_price(scene)
        self._replaced = (old.client_order_id, free)
        self._holdings.propose(free, now_ns, old.remaining_lots)
        return [_place(free, scene, ticks, old.remaining_lots, reason)]

    def _finish(
        self, replaced: tuple[str, str], resting: list[Holding], scene: Scene
    ) -> list[Intent]:
        """Cancel what has been replaced as soon as its replacement rests."""
        name, slot = replaced
        old = next((one for one in resting if one.client_order_id == name), None)
        new = next((one for one in resting if one.level == slot), None)
        if old is None or not self._holdings.is_taken(slot):
            self._replaced = None
        elif new is not None and new.accepted_ns:
            self._replaced = None
            return [old.cancelled("TP_SHIFT" if scene.closing else "TP_RENEW")]
        return []

    def _must_move(self, one: Holding, scene: Scene) -> bool:
        if scene.closing:
            off = (one.price_ticks - scene.touch_ticks) * scene.side.opposite.sign
            return off > scene.step * self._settings.price_epsilon
        return self._is_old(one, scene.now_ns)

    def _is_old(self, one: Holding, now_ns: int) -> bool:
        return bool(one.accepted_ns) and 0 < self._ttl_ns <= now_ns - one.accepted_ns


def missing_places(
    places: tuple[tuple[int, int], ...], exits: list[Holding]
) -> list[tuple[int, int]]:
    """Return price and lots of what is missing at ``places``, which begin with the outermost.

    What rests elsewhere stands for the innermost: the market had passed their places.
    """
    resting = Counter[int]()
    for one in exits:
        resting[one.price_ticks] += one.remaining_lots
    missing = []
    for ticks, lots in places:
        here = min(lots, resting[ticks])
        resting[ticks] -= here
        missing.append((ticks, lots - here))
    astray = resting.total()
    while missing and astray >= missing[-1][1]:
        astray -= missing.pop()[1]
    return missing


def _mergeable(exits: list[Holding]) -> list[Holding]:
    """Return exits as they should be made into one: those that share a price first, then small."""
    prices = Counter(one.price_ticks for one in exits)
    return sorted(exits, key=lambda one: (prices[one.price_ticks] < 2, one.remaining_lots))


def _place(slot: str, scene: Scene, ticks: int, lots: int, reason: str) -> Intent:
    return Intent(
        action=IntentAction.PLACE,
        level=slot,
        side=scene.side,
        price_ticks=ticks,
        qty_lots=lots,
        reduce_only=True,
        reason=reason,
    )
