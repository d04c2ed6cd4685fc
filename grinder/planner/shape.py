"""What should rest: the ladder of the settings, or of the plan that is followed."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from grinder.messages.grid import Intent
from grinder.model.grid import GridMode, GridPlan, ResetAction
from grinder.model.grid_settings import GridSettings
from grinder.model.instrument import Instrument
from grinder.model.order import Side
from grinder.planner.bounds import FAR, Start, price_of
from grinder.planner.holdings import Holdings
from grinder.planner.ladder import NOWHERE, has_moved, unmoved
from grinder.planner.rungs import (
    Geometry,
    Tolerance,
    placeable,
    places_of,
    rungs_of,
    settle,
)

Rungs = tuple[Intent, ...]
_NONE = ResetAction.NONE
RESETS = (ResetAction.NONE, ResetAction.SOFT, ResetAction.HARD)
"""From the mildest to the gravest."""


class Shape:
    """The ladder of one symbol, as it was last centred and as the position leaves it."""

    def __init__(
        self,
        instrument: Instrument,
        settings: GridSettings,
        holdings: Holdings,
        start: Start,
    ) -> None:
        self._start = start
        self._instrument = instrument
        self._settings = settings
        self._holdings = holdings
        self.followed: GridPlan | None = None
        self.geometry: Geometry | None = None
        self.anchor_ticks2 = 0
        """Twice the price that the ladder is centred on, in ticks; 0 before the first one."""
        self.low2, self.high2 = NOWHERE
        """Between these, both included, twice a mid in ticks has not moved from the anchor."""
        self.why_off = ""
        """Why no entries are wanted at all; empty when some are."""
        self.realised = Decimal(0)
        """Net profit of the symbol so far, in quote units."""
        self.was_in_position = False
        self._reset = ResetAction.NONE
        """What another plan asks for and has not got yet."""
        self._spacing_bps: float = settings.spacing_bps
        self._middle2 = 0
        """Twice the middle of the plan that is followed, in ticks."""
        self._built_for: GridPlan | None = None
        self._limits: tuple[int, int] = (0, FAR)
        """Between which prices in ticks levels may stand."""
        self._buys: Rungs = ()
        """What a whole ladder of buys is, best first, since the anchor was last set."""
        self._sells: Rungs = ()
        self.ladder: dict[str, Intent] = {}
        self.wanted_at: int | None = None
        """The position for which ``ladder`` holds; None when it has to be made anew."""
        is_limited = settings.price_lower or settings.price_upper
        self.is_plain = settings.lines == 0 and not is_limited
        """True while only settings, mid and position say what rests."""

    @property
    def step(self) -> int:
        """Distance of neighbouring levels, in ticks."""
        return self.geometry.step if self.geometry is not None else 1

    # What is followed.

    def follow(self, plan: GridPlan | None) -> bool:
        """Take another plan, or None for the settings; return whether the ladder has to change."""
        before = self.followed
        if plan is before:
            return False
        self.followed = plan
        self.why_off = _why_off(plan)
        self._spacing_bps = (self._settings if plan is None else plan).spacing_bps
        self._middle2 = 0 if plan is None else ticks2_of(plan.middle, self._instrument)
        if plan is None or before is None:
            self._reset = max(self._reset, ResetAction.SOFT, key=RESETS.index)
            return True
        self._reset = max(self._reset, plan.reset_action, key=RESETS.index)
        return (
            self._reset is not _NONE
            or not _same_ladder(before, plan)
            or not self.low2 <= self._middle2 <= self.high2
        )

    @property
    def stands_still(self) -> bool:
        """True when a pause leaves on the book what rests."""
        plan = self.followed
        return (
            plan is not None and plan.mode is not GridMode.EMERGENCY and plan.reset_action is _NONE
        )

    # Where it stands.

    def begin(self, mid_ticks2: int) -> None:
        """Lay down what stays for good, once."""

    def begin_anew(self) -> None:
        """Forget where the ladder stood: the next mid is the first one."""
        self.geometry = None
        self._limits = (0, FAR)

    def facts(self) -> dict[str, str]:
        """Return what must outlive whoever looks after the grid."""
        return {"mid": str(self._start.mid or "")}

    def recall(self, facts: Mapping[str, str]) -> None:
        """Take what ``facts`` returned before."""
        if facts.get("mid"):
            self._start.mid = Decimal(facts["mid"])

    def is_calm(self, mid_ticks2: int, position_lots: int) -> bool:
        """Return whether a change of price alone leaves the ladder as it is."""
        if self.followed is not None or (position_lots and self._settings.freeze_in_position):
            return True
        return self.low2 <= mid_ticks2 <= self.high2

    def centre(self, mid_ticks2: int, position_lots: int) -> None:
        """Move the anchor if it may and must; else take numbers and sizes of another plan."""
        plan = self.followed
        middle2 = mid_ticks2 if plan is None else self._middle2
        if self.geometry is None:
            self._move(middle2, mid_ticks2)
            return
        in_position = position_lots != 0
        is_flat_again = self.was_in_position and not in_position
        self.was_in_position = in_position
        is_near = self.low2 <= middle2 <= self.high2
        if is_near and is_flat_again:
            # One step of distance is enough, the old anchor holds nothing back.
            is_near = not has_moved(middle2, self.anchor_ticks2, self._spacing_bps)
        is_frozen = in_position and self._settings.freeze_in_position
        if not is_frozen and (self._reset is not _NONE or not is_near):
            self._move(middle2, mid_ticks2)
        elif self._built_for is not plan:
            self._build(mid_ticks2)

    def _move(self, middle2: int, mid_ticks2: int) -> None:
        """Centre the ladder on ``middle2``."""
        if self._reset is ResetAction.HARD:
            self._holdings.condemn_entries()
        self.geometry = Geometry(
            anchor_ticks2=middle2,
            spacing_bps=self._spacing_bps,
            is_geometric=self._settings.spacing_kind == "geometric",
        )
        self._anchor(middle2)
        self._build(mid_ticks2)
        self._reset = _NONE

    def _anchor(self, middle2: int) -> None:
        self.anchor_ticks2 = middle2
        self.low2, self.high2 = unmoved(middle2, self._settings.recentre_bps)

    def _build(self, mid_ticks2: int) -> None:
        plan, geometry = self.followed, self.geometry
        assert geometry is not None
        self._built_for = plan
        self.wanted_at = None
        if not self.is_plain and self._limits == (0, FAR):
            self._limits = self._limits_at(mid_ticks2)
        if plan is None:
            self._buys, self._sells = (
                self._limited(self._by_settings(side, geometry, mid_ticks2)) for side in Side
            )
            return
        step = geometry.step
        tolerance = Tolerance(
            ticks=int(step * self._settings.price_epsilon),
            qty_pct=self._settings.qty_epsilon_pct,
            keeps_size=self._reset is _NONE,
        )
        self._buys, self._sells = (
            self._limited(
                settle(
                    placeable(
                        places_of(plan, geometry, side, self._instrument),
                        side,
                        self._instrument,
                        mid_ticks2,
                    ),
                    side,
                    self._holdings,
                    tolerance,
                )
            )
            for side in Side
        )

    def _by_settings(self, side: Side, geometry: Geometry, mid_ticks2: int) -> Rungs:
        lots = self._level_lots(mid_ticks2, 2 * self._settings.levels)
        if lots <= 0:
            return ()
        return rungs_of(side, geometry.prices(side, self._settings.levels), lots)

    def _level_lots(self, mid_ticks2: int, orders: int) -> int:
        notional = self._settings.level_notional
        if self._settings.reinvest and self.realised > 0:
            notional += self.realised / orders
        return self._instrument.lots_for_notional(notional, mid_ticks2 // 2)

    def _limits_at(self, mid_ticks2: int) -> tuple[int, int]:
        mid = self._start.fix(self._instrument.price(mid_ticks2) / 2)
        lower, upper = self._settings.price_lower, self._settings.price_upper
        return (
            self._instrument.ticks_up(price_of(lower, mid)) if lower else 0,
            self._instrument.ticks_down(price_of(upper, mid)) if upper else FAR,
        )

    def _limited(self, rungs: Rungs) -> Rungs:
        """Return those within the limits, of the sides that are traded."""
        low, high = self._limits
        barred = {"long": Side.SELL, "short": Side.BUY}.get(self._settings.direction)
        return tuple(
            one for one in rungs if low <= one.price_ticks <= high and one.side is not barred
        )

    # What the position leaves of it.

    def wanted(self, position_lots: int, exits: int) -> dict[str, Intent]:
        """Return the entries that should rest, by level.

        Args:
            position_lots: what is held; it has consumed the innermost levels.
            exits: how many exits rest; where they are more than the levels consumed, each may take
                the place of a level.
        """
        buys, sells = self._buys, self._sells
        if position_lots:
            of_side, opposite = (buys, sells) if position_lots > 0 else (sells, buys)
            consumed = _consumed(of_side, abs(position_lots))
            rest = of_side[consumed:]
            if self._settings.opposite != "keep":
                opposite = ()
            elif self._settings.slot_takeover:
                surplus = max(0, exits - consumed)
                opposite = opposite[: max(0, len(opposite) - surplus)]
            buys, sells = (rest, opposite) if position_lots > 0 else (opposite, rest)
        self.ladder = {one.level: one for one in buys + sells}
        self.wanted_at = position_lots
        return self.ladder

    def beyond(self, side: Side, ticks: int) -> int:
        """Return where the exit of an entry of ``side`` filled at ``ticks`` belongs, in ticks."""
        return ticks + side.sign * self.step

    def is_outside(self, _: int) -> bool:
        """Return whether the market is where nothing is placed."""
        return False


def _consumed(rungs: Rungs, lots: int) -> int:
    """Return how many of the innermost levels make up ``lots``."""
    number = 0
    while lots > 0 and number < len(rungs):
        lots -= rungs[number].qty_lots
        number += 1
    return number


def _why_off(plan: GridPlan | None) -> str:
    """Return why ``plan`` wants no entries at all; empty when it wants some."""
    if plan is None or (plan.is_active and plan.mode not in (GridMode.PAUSE, GridMode.EMERGENCY)):
        return ""
    return (plan.reason_codes or (plan.mode,))[0]


def _same_ladder(one: GridPlan, other: GridPlan) -> bool:
    return (
        one.mode is other.mode
        and one.spacing_bps == other.spacing_bps
        and (one.levels_up, one.levels_down) == (other.levels_up, other.levels_down)
        and one.size_schedule == other.size_schedule
    )


def ticks2_of(price: Decimal, instrument: Instrument) -> int:
    """Return twice ``price`` in ticks, to the nearest."""
    return int((price * 2 / instrument.tick).to_integral_value())
