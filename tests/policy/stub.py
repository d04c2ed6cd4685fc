"""A venue as simple as can be: what a planner asks for happens, and is heard of, at once."""

from __future__ import annotations

from decimal import Decimal
from itertools import count
from typing import Any

import attrs

from grinder.messages.grid import Intent, IntentAction
from grinder.messages.orders import Placement
from grinder.model.grid import GridPlan
from grinder.model.grid_settings import GridSettings
from grinder.model.instrument import Instrument
from grinder.model.order import Side
from grinder.model.safety import CloseSettings
from grinder.planner.grid import GridPlanner
from grinder.planner.holdings import Holding
from grinder.planner.initial import LEVEL
from simulated.worlds import BITCOIN

BID = 600_000
MS = 1_000_000
FINE = attrs.evolve(BITCOIN, lot=Decimal("0.0001"), notional_min=Decimal(5))
"""So small a lot that every size of a test is one."""


class Venue:
    """One planner, its orders and its position; every turn is judged."""

    def __init__(self, instrument: Instrument = FINE, **settings: Any) -> None:
        # Nothing here takes: what has to go is offered, however long that lasts.
        close = CloseSettings(on_stop="off")
        self.planner = GridPlanner(instrument, GridSettings(**settings), close)
        self.planner.is_synced = self.planner.may_enter = True
        self.instrument = instrument
        self.bid, self.ask = BID, BID + 1
        self.now_ns = MS
        self.sent: list[Intent] = []
        self.refuses_surplus = True
        """Whether exits of more than is held are refused."""
        self.refuses_exits = False
        self._number = count(1)

    # What the planner does.

    def turn(self) -> tuple[Intent, ...]:
        """Let the planner plan once, and let it happen."""
        planner = self.planner
        self.now_ns += 100 * MS
        intents = planner.plan(self.bid, self.ask, self.now_ns)
        planner.holdings.note_cancels(intents, self.now_ns)
        self.sent += intents
        for intent in intents:
            if intent.action is IntentAction.CANCEL:
                self._cancel(intent)
            else:
                self._place(intent)
        self.judge()
        return intents

    def rest(self, turns: int = 8) -> int:
        """Let it come to rest; return after how many turns nothing was left to do."""
        for number in range(turns):
            if not self.turn():
                return number
        raise AssertionError(f"still busy after {turns} turns: {self.turn()}")

    def _cancel(self, intent: Intent) -> None:
        assert intent.reason
        assert self.planner.holdings.remove(intent.client_order_id)
        self.planner.is_dirty = True

    def _place(self, intent: Intent) -> None:
        planner = self.planner
        is_buy = intent.side is Side.BUY
        assert intent.price_ticks < self.ask if is_buy else intent.price_ticks > self.bid
        assert intent.level not in planner.holdings.by_level, "one order for each level"
        lots = abs(planner.position_lots)
        if intent.reduce_only and self.refuses_exits:
            planner.refuse(intent.level, True, self.now_ns, -1)
            return
        if intent.reduce_only and self.refuses_surplus:
            resting = sum(one.remaining_lots for one in planner.holdings.exits())
            if resting + intent.qty_lots > lots:
                planner.refuse(intent.level, True, self.now_ns, -4118)
                return
        planner.holdings.add(
            Placement(
                symbol=self.instrument.symbol,
                client_order_id=f"{intent.level}-{next(self._number)}",
                side=intent.side,
                price_ticks=intent.price_ticks,
                qty_lots=intent.qty_lots,
                reduce_only=intent.reduce_only,
                level=intent.level,
                reason=intent.reason,
            ),
            self.now_ns,
        )

    # What the market does.

    def move(self, bid: int, spread: int = 1) -> None:
        """Let the market stand elsewhere; whatever it crosses is filled, exits first."""
        self.bid, self.ask = bid, bid + spread
        crossed = [one for one in self.orders() if self._is_crossed(one)]
        for one in sorted(
            crossed, key=lambda one: (not one.reduce_only, abs(one.price_ticks - BID))
        ):
            self.fill(one, one.remaining_lots)

    def _is_crossed(self, one: Holding) -> bool:
        return one.price_ticks >= self.ask if one.side is Side.BUY else one.price_ticks <= self.bid

    def fill(self, one: Holding, lots: int) -> None:
        """Fill part of an order; the position follows."""
        planner = self.planner
        held, entry = planner.position_lots, planner.entry_price
        if one.reduce_only:
            lots = min(lots, abs(held))
        change = one.side.sign * lots
        if held * change >= 0:
            value = abs(held) * entry + lots * self.instrument.price(one.price_ticks)
            entry = value / (abs(held) + lots)
        one.remaining_lots -= lots
        if not one.remaining_lots:
            planner.holdings.remove(one.client_order_id)
        planner.hold(held + change, entry if held + change else Decimal(0), self.now_ns)
        planner.is_dirty = True

    def follow(self, plan: GridPlan | None) -> bool:
        """Let the planner follow a plan."""
        return self.planner.follow(plan, self.now_ns)

    # What is to be seen.

    def orders(self) -> list[Holding]:
        """Return everything that rests."""
        return list(self.planner.holdings.by_id.values())

    def entries(self, side: Side | None = None) -> dict[str, int]:
        """Return the price of each entry by level."""
        return {
            one.level: one.price_ticks
            for one in self.orders()
            if not one.reduce_only and one.side is (side or one.side)
        }

    def exits(self) -> dict[str, tuple[int, int]]:
        """Return price and lots of each exit by level."""
        return {
            one.level: (one.price_ticks, one.remaining_lots)
            for one in self.orders()
            if one.reduce_only
        }

    def names(self) -> set[str]:
        """Return the name of every entry that rests."""
        return {one.client_order_id for one in self.orders() if not one.reduce_only}

    def judge(self) -> None:
        """Assert what holds after every turn."""
        levels = [one.level for one in self.orders()]
        assert len(levels) == len(set(levels))
        # The order of the initial position stands at the touch, wherever the lines are.
        entries = [one for one in self.orders() if not one.reduce_only and one.level != LEVEL]
        prices = [(one.side, one.price_ticks) for one in entries]
        assert len(prices) == len(set(prices)), "two levels on one tick"
        covered = sum(lots for _, lots in self.exits().values())
        assert covered <= abs(self.planner.position_lots) or not self.refuses_surplus

    @property
    def uncovered(self) -> int:
        """Lots without an exit."""
        return abs(self.planner.position_lots) - sum(lots for _, lots in self.exits().values())


def plan_of(**changes: Any) -> GridPlan:
    """Return a plan around the start, changed as said."""
    plan = GridPlan(
        center_price=Decimal("60000.05"),
        spacing_bps=10,
        levels_up=3,
        levels_down=3,
        size_schedule=(Decimal("0.004"),),
        reason_codes=("TEST",),
    )
    return attrs.evolve(plan, **changes)
