"""The position that a grid on fixed prices begins with, when it starts between them.

Every line of a long grid is one of a pair: what is bought on it is sold on the next one above.
Where the market stands below a line at the start, its buy has been missed, and the line above would
have nothing to sell. The sum of these is the goal: it is bought at the touch, post-only, at most
one level at a time. A short grid is the mirror image.

How far it has come is read off the position, so nothing is bought twice, whoever was restarted in
between. The goal only ever falls: a line that the market has passed meanwhile is left to its own
order. Once reached, or when too little is left for an order, it is over for good.
"""

from __future__ import annotations

from grinder.messages.grid import Intent, IntentAction
from grinder.model.grid_settings import GridSettings
from grinder.model.instrument import Instrument
from grinder.model.order import Side
from grinder.model.units import NS_PER_MS
from grinder.planner.holdings import Holding, Holdings
from grinder.planner.lineshape import LineShape
from grinder.planner.rungs import Place, placeable

LEVEL = "i"
"""Of the one order that may rest for it."""
REASON = "INITIAL_POSITION"
LINES_MAX = 36
"""Lines of a grid with an initial position: every pair has an exit of its own."""


class InitialPosition:
    """What is still to be bought, or sold, before the grid is complete. In lots."""

    __slots__ = ("_holdings", "_instrument", "_moved_ns", "_settings", "_shape", "goal", "side")

    def __init__(
        self,
        instrument: Instrument,
        settings: GridSettings,
        holdings: Holdings,
        shape: LineShape,
    ) -> None:
        self._instrument = instrument
        self._settings = settings
        self._holdings = holdings
        self._shape = shape
        self._moved_ns = 0
        self.side = Side.BUY if settings.direction == "long" else Side.SELL
        self.goal: int | None = None
        """The position to begin with, at least 0 on either side; None before the grid has begun, 0
        once it is over."""

    def exit_places(self, position_lots: int) -> tuple[tuple[int, int], ...]:
        """Return price in ticks and lots of every exit that the position should have."""
        return self._shape.exit_places(position_lots)

    @property
    def is_due(self) -> bool:
        """True while every price has to be looked at."""
        return self.goal != 0

    def consumed(self, position_lots: int) -> int:
        """Return the position that the ladder has to count with.

        Lines of the goal stay empty, and so do those that an order still on the book may fill.
        """
        held = position_lots * self.side.sign
        if held < 0:
            return position_lots
        order, proposed = self._order, self._holdings.proposed.get(LEVEL, (0, 0))
        coming = proposed[1] if order is None else order.remaining_lots
        return self.side.sign * max(held + coming, self.goal or 0)

    def _look(self, mid_ticks2: int, position_lots: int) -> None:
        """Fix the goal at the first look, and lower it as the market passes lines."""
        if self.goal == 0:
            return
        beyond = self._shape.lots_beyond(mid_ticks2, self.side)
        self.goal = beyond if self.goal is None else min(self.goal, beyond)
        need = self.goal - position_lots * self.side.sign
        if need <= 0 or (self._is_tiny(need, mid_ticks2) and not self._holdings.is_taken(LEVEL)):
            self.goal = 0

    def _is_tiny(self, need: int, mid_ticks2: int) -> bool:
        lots = min(need, self._instrument.qty_lots_max)
        place = Place(price_ticks=mid_ticks2 // 2, qty_lots=lots)
        return not placeable([place], self.side, self._instrument, mid_ticks2)

    def plan(
        self, position_lots: int, touch: tuple[int, int], now_ns: int
    ) -> tuple[list[Intent], list[Intent]]:
        """Return what to cancel and what to place now at ``touch``, the best bid and ask in ticks.

        Never both, and one order at most. While a plan holds the settings back, none.
        """
        self._look(sum(touch), position_lots)
        held, order = position_lots * self.side.sign, self._order
        is_held_back = self._shape.followed is not None or held < 0
        need = 0 if is_held_back else (self.goal or 0) - held
        ticks = touch[1] - 1 if self.side is Side.BUY else touch[0] + 1
        if order is not None:
            return self._checked(order, need, ticks, now_ns), []
        if need <= 0 or self._holdings.is_taken(LEVEL):
            return [], []
        lots = min(need, self._shape.line_lots, self._instrument.qty_lots_max)
        self._holdings.propose(LEVEL, now_ns, lots)
        return [], [_place(self.side, ticks, lots)]

    @property
    def _order(self) -> Holding | None:
        return self._holdings.by_id.get(self._holdings.by_level.get(LEVEL, ""))

    def _checked(self, order: Holding, need: int, ticks: int, now_ns: int) -> list[Intent]:
        """Return the cancel of an order that is too big, or that the market has left behind."""
        is_wanted = order.remaining_lots <= need and not self._is_off(order, ticks, now_ns)
        if is_wanted or order.is_cancelling(now_ns):
            return []
        self._moved_ns = now_ns
        return [order.cancelled(REASON)]

    def _is_off(self, order: Holding, touch: int, now_ns: int) -> bool:
        """Return whether the market has left the order behind."""
        off = (touch - order.price_ticks) * self.side.sign
        pause_ns = self._settings.exit_retry_ms * NS_PER_MS
        reach = self._shape.step * self._settings.price_epsilon
        return off > reach and now_ns - self._moved_ns >= pause_ns


def initial_of(
    shape: LineShape, instrument: Instrument, settings: GridSettings, holdings: Holdings
) -> InitialPosition | None:
    """Return what the grid begins with; None where it begins with nothing."""
    if settings.initial_position == "none":
        return None
    return InitialPosition(instrument, settings, holdings, shape)


def _place(side: Side, ticks: int, lots: int) -> Intent:
    return Intent(
        action=IntentAction.PLACE,
        level=LEVEL,
        side=side,
        price_ticks=ticks,
        qty_lots=lots,
        reason=REASON,
    )
