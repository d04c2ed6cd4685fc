"""The grid: what should rest, against what does.

While flat, ``levels`` post-only orders wait on each side of an anchor, or what a plan says. While a
position is open the ladder stays where it is: the innermost levels that the position consumed stay
empty, the rest of that side waits on, the other side holds only reduce-only exits. An exit is
placed at the average entry price plus one step, or one step beyond each fill, and stays there. When
an exit fills, the innermost empty level returns, between ladder and mid.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from grinder.messages.grid import Intent, LadderPlanned
from grinder.model.grid import GridMode, GridPlan
from grinder.model.grid_settings import GridSettings
from grinder.model.instrument import Instrument
from grinder.model.order import Side
from grinder.model.safety import CloseSettings
from grinder.model.units import NS_PER_MS
from grinder.planner.bounds import Bounds, Start
from grinder.planner.closing import Closing
from grinder.planner.exits import Exits, Scene
from grinder.planner.holdings import Holding, Holdings
from grinder.planner.initial import LEVEL, InitialPosition, initial_of
from grinder.planner.lineshape import LineShape
from grinder.planner.shape import Shape

_BUY = Side.BUY


class GridPlanner:
    """Plan of one symbol. Pure: every method is told the time."""

    def __init__(
        self,
        instrument: Instrument,
        settings: GridSettings,
        close: CloseSettings | None = None,
    ) -> None:
        self.instrument = instrument
        self.settings = settings
        self.holdings = Holdings()
        start = Start()
        self.bounds = Bounds(settings, instrument, start) if Bounds.are_set(settings) else None
        self.shape = Shape(instrument, settings, self.holdings, start)
        self.initial: InitialPosition | None = None
        if settings.lines:
            self.shape = LineShape(instrument, settings, self.holdings, start, self.bounds)
            self.initial = initial_of(self.shape, instrument, settings, self.holdings)
        self.exits = Exits(instrument, settings, self.holdings)
        self.closing = Closing(instrument, close or CloseSettings(), self.holdings)
        self.must_close = ""
        """Why the position has to go, whatever grid and plan say; empty while they decide."""
        self.position_lots = 0
        self.entry_price = Decimal(0)
        self.is_synced = False
        """True once the venue has said what rests."""
        self.may_enter = False
        """True while the lifecycle, the feed and leadership let risk be added."""
        self.must_clear = False
        """True when resting entries have to go."""
        self.is_dirty = True
        """True when something but the price calls for a new plan."""
        self.paused_until_ns: dict[str, int] = {}
        """Levels that were refused, by the venue or by our own, until when they rest."""
        self.waits_for_price = False
        """True when a wanted level would cross and has been left out."""
        self._is_usual = self.bounds is None and not settings.lines
        """True while nothing but the anchor is looked at with each price."""
        self._is_tidy = False
        """True when no entry that rests was out of place, and none has come since."""
        self._counts_orders = settings.slot_takeover or self.initial is not None
        """True where what should rest depends on orders, too, not only on what is held."""
        self.closing_for = ""
        """Why the position has to go, as the last plan saw it."""

    @property
    def anchor_ticks2(self) -> int:
        """Twice the price that the ladder is centred on, in ticks; 0 before the first one."""
        return self.shape.anchor_ticks2

    @property
    def step(self) -> int:
        """Distance of neighbouring levels, in ticks."""
        return self.shape.step

    def follow(self, plan: GridPlan | None, now_ns: int) -> bool:
        """Take another plan, or None for the settings; return whether what is wanted changes."""
        if not self.shape.follow(plan):
            return False
        self._is_usual = plan is None and self.bounds is None and not self.settings.lines
        self._is_tidy = False
        self.is_dirty = True
        self._forget_pauses(now_ns)
        return True

    def is_quiet(self, mid_ticks2: int) -> bool:
        """Return whether a change of price alone leaves the plan as it is: the fast path."""
        if self.is_dirty or self.waits_for_price:
            return False
        if self._is_usual:
            if self.position_lots and self.settings.freeze_in_position:
                return not self.must_close
            return not self.may_enter or self.shape.low2 <= mid_ticks2 <= self.shape.high2
        is_begun = self.initial is None or not self.initial.is_due
        if not is_begun or (self.bounds is not None and not self.bounds.is_calm(mid_ticks2)):
            return False
        if self.position_lots and self.why_closing():
            return False
        return not self.may_enter or self.shape.is_calm(mid_ticks2, self.position_lots)

    def why_closing(self) -> str:
        """Return why the position has to go; empty while it may stay."""
        if self.must_close:
            return self.must_close
        if self.bounds is not None and self.bounds.stopped:
            return self.bounds.stopped
        plan = self.shape.followed
        return self.shape.why_off if plan is not None and plan.mode is GridMode.EMERGENCY else ""

    def plan(self, bid_ticks: int, ask_ticks: int, now_ns: int) -> tuple[Intent, ...]:
        """Return what to do now, cancels first, then exits, then entries."""
        self.is_dirty = False
        self.waits_for_price = False
        shape, bounds, held = self.shape, self.bounds, self.position_lots
        mid_ticks2 = bid_ticks + ask_ticks
        if bounds is not None and self.is_synced:
            shape.begin(mid_ticks2)
            bounds.look(mid_ticks2, held, self.entry_price)
        closing = self.closing_for = self.must_close if self._is_usual else self.why_closing()
        if not self.is_synced:
            return ()
        if self.paused_until_ns:
            self._forget_pauses(now_ns)
        cancels: list[Intent] = []
        entries: list[Intent] = []
        exits: list[Intent] = []
        off = "CANCEL_ONLY" if self.must_clear else closing or shape.why_off
        if off:
            self._is_tidy = False
            if self.must_clear or closing or not shape.stands_still:
                cancels = _cancel_entries(self.holdings, off, now_ns)
        elif self.may_enter:
            shape.centre(mid_ticks2, held)
            is_waiting = not self._is_usual and must_wait(self, mid_ticks2)
            if self.initial is not None and not (is_waiting or LEVEL in self.paused_until_ns):
                cancels, entries = self.initial.plan(held, (bid_ticks, ask_ticks), now_ns)
            is_known = shape.wanted_at == held and not self._counts_orders
            wanted = shape.ladder if is_known else self._wanted()
            if self.holdings.has_grown or not self._is_tidy:
                cancels += self._cancel_misplaced(wanted, now_ns)
            if not is_waiting:
                entries += self._missing(wanted, bid_ticks, ask_ticks, now_ns)
        if held and "x" not in self.paused_until_ns:
            exits = self._exits(bid_ticks, ask_ticks, now_ns, closing)
        return (*cancels, *exits, *entries)

    def _wanted(self) -> dict[str, Intent]:
        """Return the entries that should rest, by level; made anew when something has changed."""
        shape, held, initial = self.shape, self.position_lots, self.initial
        position = held if initial is None else initial.consumed(held)
        if shape.wanted_at == position and not self.settings.slot_takeover:
            return shape.ladder
        before = shape.ladder
        exits = sum(
            1 for one in self.holdings.by_id.values() if one.reduce_only and one.accepted_ns
        )
        if shape.wanted(position, exits) != before:
            self._is_tidy = False
        return shape.ladder

    def _cancel_misplaced(self, wanted: dict[str, Intent], now_ns: int) -> list[Intent]:
        holdings = self.holdings
        holdings.has_grown = False
        self._is_tidy = True
        cancels = []
        for holding in holdings.by_id.values():
            if holding.reduce_only or (holding.level == LEVEL and self.initial is not None):
                continue
            if holding.is_cancelling(now_ns):
                self._is_tidy = False
                continue
            is_double = holdings.by_level.get(holding.level) != holding.client_order_id
            place = None if is_double else wanted.get(holding.level)
            reason = _why_misplaced(self, holding, place)
            if reason:
                cancels.append(holding.cancelled(reason))
        if cancels:
            self._is_tidy = False
        return cancels

    def _missing(
        self, wanted: dict[str, Intent], bid_ticks: int, ask_ticks: int, now_ns: int
    ) -> list[Intent]:
        places = []
        taken, proposed = self.holdings.by_level, self.holdings.proposed
        paused = self.paused_until_ns
        for level, intent in wanted.items():
            if level in taken or level in proposed or level in paused:
                continue
            ticks = intent.price_ticks
            if ticks >= ask_ticks if intent.side is _BUY else ticks <= bid_ticks:
                self.waits_for_price = True
                continue
            proposed[level] = (now_ns, intent.qty_lots)
            places.append(intent)
        return places

    def _exits(self, bid_ticks: int, ask_ticks: int, now_ns: int, closing: str) -> list[Intent]:
        """Cover what no exit covers yet; nothing of the covered part is touched without need."""
        scene = _scene(self, bid_ticks, ask_ticks, now_ns, closing)
        taken = self.closing.plan(scene) if closing else None
        if taken is None:
            return self.exits.plan(scene)
        self.exits.forget_parts()
        return taken

    def hold(self, lots: int, entry_price: Decimal, now_ns: int) -> None:
        """Take what is held now; what has been added has its own exit, one step beyond its price.

        The price of what was added follows from the two averages: news of the position come before
        those of the fill. What was held before anything was heard leaves at its average.
        """
        side = Side.BUY if lots > 0 else Side.SELL
        if lots * self.position_lots <= 0:
            self.exits.forget_parts()
        added, price = _added(self.position_lots, self.entry_price, lots, entry_price)
        if added and self.is_synced and self.shape.geometry is not None:
            ticks = int((price / self.instrument.tick).to_integral_value())
            self.exits.note_part(self.shape.beyond(side, ticks), added, now_ns)
        self.position_lots, self.entry_price = lots, entry_price

    def note_profit(self, net: Decimal) -> bool:
        """Take what the symbol has realised, net; return whether that calls for a look."""
        self.shape.realised = net
        if self.bounds is None or net == self.bounds.realised:
            return False
        self.bounds.realised = net
        self.is_dirty = True
        return True

    def refuse(
        self, level: str, reduce_only: bool, now_ns: int, code: int = 0, doubled: int = 0
    ) -> int:
        """Note that the venue refused a placement; return the pause in ns before the next try."""
        pause_ns = self.settings.refused_level_pause_ms * NS_PER_MS << doubled
        self.is_dirty = True
        return self.deny(level, reduce_only, pause_ns, now_ns, code)

    def deny(self, level: str, reduce_only: bool, pause_ns: int, now_ns: int, code: int = 0) -> int:
        """Let a level rest that was refused; return for how long in ns.

        An exit rests for its own time, whatever an entry would have to wait.
        """
        self.holdings.withdraw(level)
        if reduce_only:
            self.exits.note_refusal(level, code, now_ns)
            level, pause_ns = "x", self.settings.exit_retry_ms * NS_PER_MS
        self.paused_until_ns[level] = now_ns + pause_ns
        return pause_ns

    def forget_denials(self) -> None:
        """Let every level for entries return at once: what stood against them is over."""
        paused = self.paused_until_ns
        self.paused_until_ns = {"x": paused["x"]} if "x" in paused else {}

    def _forget_pauses(self, now_ns: int) -> None:
        paused = self.paused_until_ns
        self.paused_until_ns = {name: until for name, until in paused.items() if until > now_ns}


def must_wait(planner: GridPlanner, mid_ticks2: int) -> bool:
    """Return whether nothing may be placed at this price."""
    is_early = planner.bounds is not None and not planner.bounds.is_started
    return is_early or planner.shape.is_outside(mid_ticks2)


def _scene(
    planner: GridPlanner, bid_ticks: int, ask_ticks: int, now_ns: int, closing: str
) -> Scene:
    initial = planner.initial
    return Scene(
        position_lots=planner.position_lots,
        entry_price=planner.entry_price,
        bid_ticks=bid_ticks,
        ask_ticks=ask_ticks,
        now_ns=now_ns,
        step=planner.shape.step,
        closing=closing,
        places=initial.exit_places(planner.position_lots) if initial is not None else (),
    )


def _why_misplaced(planner: GridPlanner, holding: Holding, place: Intent | None) -> str:
    if holding.is_condemned:
        return "GRID_RESET"
    if place is None:
        is_exit_side = (holding.side is Side.BUY) is (planner.position_lots < 0)
        has_claim = planner.settings.slot_takeover and planner.position_lots and is_exit_side
        return "TP_SLOT_TAKEOVER" if has_claim else "GRID_TRIM"
    if place.side is not holding.side or place.price_ticks != holding.price_ticks:
        return "GRID_SHIFT"
    # The ladder of the settings never resizes: the next recentre brings the new size.
    is_sized = planner._is_usual or place.qty_lots == holding.qty_lots
    return "" if is_sized else "GRID_RESIZE"


def _added(held: int, entry: Decimal, lots: int, new_entry: Decimal) -> tuple[int, Decimal]:
    """Return how many lots a position has grown by, and their price; 0 when it has not."""
    before = abs(held) if held * lots > 0 else 0
    added = abs(lots) - before
    if added <= 0 or new_entry <= 0:
        return 0, Decimal(0)
    return added, (abs(lots) * new_entry - before * entry) / added


def facts(planner: GridPlanner) -> dict[str, str]:
    """Return what must outlive whoever keeps the planner; empty for a grid without limits."""
    shape, bounds = planner.shape, planner.bounds
    if bounds is None and shape.is_plain:
        return {}
    kept = {**shape.facts(), **(bounds.facts() if bounds is not None else {})}
    if planner.initial is not None:
        kept["initial"] = "" if planner.initial.goal is None else str(planner.initial.goal)
    return kept


def recall(planner: GridPlanner, kept: Mapping[str, str]) -> None:
    """Take what ``facts`` returned before; the next mid is then not the first one."""
    planner.shape.recall(kept)
    if planner.bounds is None and kept.get("stopped"):
        # The settings had a limit once that ended the grid; it is over without it, too.
        planner.bounds = Bounds(planner.settings, planner.instrument, Start())
        planner._is_usual = False
    if planner.bounds is not None and kept:
        planner.bounds.recall(kept)
        planner.shape.realised = planner.bounds.realised
    if planner.initial is not None and kept.get("initial"):
        planner.initial.goal = int(kept["initial"])
    planner.is_dirty = True


def resume(planner: GridPlanner) -> bool:
    """Begin a grid anew that its own limits have ended; return whether it was over."""
    bounds = planner.bounds
    if bounds is None or not bounds.stopped:
        return False
    bounds.resume()
    planner.shape.begin_anew()
    if planner.initial is not None:
        planner.initial.goal = None
    planner.is_dirty = True
    return True


def picture(planner: GridPlanner, symbol: str, reason: str) -> LadderPlanned:
    """Return the plan for people to see."""
    is_on = planner.may_enter and planner.anchor_ticks2 and not planner.shape.why_off
    wanted = planner.shape.ladder if is_on and not planner.why_closing() else {}
    exits = planner.holdings.exits()
    return LadderPlanned(
        symbol=symbol,
        anchor_ticks2=planner.anchor_ticks2,
        step_ticks=planner.step,
        bids=tuple(one.price_ticks for one in wanted.values() if one.side is Side.BUY),
        asks=tuple(one.price_ticks for one in wanted.values() if one.side is Side.SELL),
        exits=tuple(one.price_ticks for one in exits),
        position_lots=planner.position_lots,
        average_price=planner.entry_price,
        reason=reason,
    )


def _cancel_entries(holdings: Holdings, reason: str, now_ns: int) -> list[Intent]:
    return [
        holding.cancelled(reason)
        for holding in holdings.by_id.values()
        if not (holding.reduce_only or holding.is_cancelling(now_ns))
    ]
