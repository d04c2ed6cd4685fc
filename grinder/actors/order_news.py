"""What PolicyActor does with news of its orders and of its position."""

from __future__ import annotations

from collections import deque

from grinder.execution.denials import PASSING, DenialCode
from grinder.execution.identity import decode
from grinder.kernel.actor import Actor
from grinder.messages.account import PositionChanged
from grinder.messages.grid import (
    CloseProgressed,
    IntentAction,
    IntentsDenied,
    IntentsProposed,
    PlanRequested,
)
from grinder.messages.market import MarkPriced
from grinder.messages.orders import (
    CancelRejected,
    OrderAccepted,
    OrderEnded,
    OrderFilled,
    OrderRejected,
    OrdersSubmitted,
    OrdersSynced,
)
from grinder.messages.risk import EntriesWithdrawn, LatchMoved
from grinder.model.grid_settings import GridSettings
from grinder.model.instrument import Instrument
from grinder.model.safety import CloseSettings
from grinder.model.units import NS_PER_MS
from grinder.planner.exits import SLOTS
from grinder.planner.grid import GridPlanner
from grinder.policy.quality import Outcome

WOULD_TAKE = -5022
"""The venue's word for a post-only order that would take: the price has moved, and will again."""
DENIALS_MAX = 5
"""The pause of a level that is denied again and again doubles this many times."""
PASSING_MAX = 2
"""The same, where the reason for the denial passes by itself."""
OVER_CAP = "CAP"
"""Why an entry goes that a cap has no room for any more."""
OUTCOMES_MAX = 200
"""Outcomes of entries kept until the next sample."""
REFUSALS_MAX = 5
"""The pause of a level that is refused for another reason doubles this many times."""


class OrderNews(Actor):
    """The half of an actor that knows what rests and what is held.

    Hears OrdersSynced, IntentsDenied, EntriesWithdrawn, the news of each order, PositionChanged and
    MarkPriced. Says IntentsProposed, CloseProgressed, LatchMoved, and PlanRequested to itself. A
    subclass sets leave to enter in ``set_leave``.
    """

    def __init__(
        self,
        symbol: str,
        instrument: Instrument,
        settings: GridSettings,
        close: CloseSettings,
    ) -> None:
        self._symbol = symbol
        self._planner = GridPlanner(instrument, settings, close)
        self._is_flattened = close.kill_position == "flatten"
        self._outcomes: deque[Outcome] = deque(maxlen=OUTCOMES_MAX)
        """What became of entries since the last sample."""
        self._bid_ticks = self._ask_ticks = 0
        """The market as last heard."""
        self._is_heard = False
        """Whether changes of our orders are heard; exits are placed even if not."""
        self._pause_ns = settings.refused_level_pause_ms * NS_PER_MS
        self._denials: dict[str, int] = {}
        """By level: denials since it was last let through."""
        self._refusals: dict[str, int] = {}
        """By level: refusals by the venue since it last rested there."""

    def set_leave(self) -> None:
        """Work out whether risk may be added."""
        raise NotImplementedError

    def plan_soon(self) -> None:
        """Plan once everything that was heard together has been taken in."""
        self._planner.is_dirty = True
        self.tell(self.me, PlanRequested(symbol=self._symbol))

    def on_mark_priced(self, mark: MarkPriced) -> None:
        """Note where the venue's price band hangs."""
        self._planner.closing.mark_price = mark.mark_price

    def heed_kill(self, *, is_killed: bool) -> None:
        """Close what is held when the kill switch trips, if that is to be."""
        if self._is_flattened:
            self._planner.must_close = "KILL_SWITCH" if is_killed else ""
            self.plan_soon()

    def say_latch(self, reason: str, *, is_restored: bool) -> None:
        """Tell which stop has ended the grid; none when it goes on."""
        self.say(
            LatchMoved(
                latch="grid",
                symbol=self._symbol,
                reason=reason,
                detail="",
                is_restored=is_restored,
            )
        )

    def look_at_close(self) -> bool:
        """Tell how it goes with a position that has to go; return whether one has to.

        Be woken when there is more to be done about it.
        """
        planner, now_ns = self._planner, self.now_ns
        closing = planner.closing
        if not (closing.reason or planner.why_closing()):
            return False
        reason, age_ns = closing.reason, closing.age_ns(now_ns)
        news = closing.look(planner.why_closing(), planner.position_lots, now_ns)
        for stage in news:
            self.say(
                CloseProgressed(
                    symbol=self._symbol,
                    stage=stage,
                    reason=closing.reason or reason,
                    position_lots=planner.position_lots,
                    age_ms=age_ns // NS_PER_MS,
                    attempts=closing.attempts,
                )
            )
        if due_ns := closing.due_ns(now_ns):
            self.set_timer("close", due_ns - now_ns)
        return closing.reason != ""

    def on_orders_synced(self, synced: OrdersSynced) -> None:
        """Believe the venue."""
        planner = self._planner
        planner.holdings.replace(
            tuple((order, _level_of(order.client_order_id)) for order in synced.orders),
            self.now_ns,
        )
        planner.hold(synced.position_lots, synced.entry_price, self.now_ns)
        planner.is_synced = True
        self._is_heard = synced.is_stream_live
        self.set_leave()

    def on_orders_submitted(self, submitted: OrdersSubmitted) -> None:
        """Note that placements are on their way; the ladder may have moved since."""
        planner, denials = self._planner, self._denials
        add, ladder = planner.holdings.add, planner.shape.ladder
        is_astray = False
        for order in submitted.orders:
            add(order)
            if denials:
                denials.pop(order.level, None)
            if not order.reduce_only:
                place = ladder.get(order.level)
                is_astray |= place is None or place.price_ticks != order.price_ticks
        if is_astray:
            self.plan_soon()

    def on_order_accepted(self, order: OrderAccepted) -> None:
        """Note that an order rests; one never heard of before was adopted and may be in the way."""
        is_new = order.client_order_id not in self._planner.holdings.by_id
        if self._refusals:
            self._refusals.pop(order.level, None)
        self._planner.holdings.add(order, self.now_ns)
        if not order.reduce_only:
            self._outcomes.append(Outcome(side=order.side))
        if is_new:
            self.plan_soon()

    def on_order_rejected(self, order: OrderRejected) -> None:
        """Let the level return when the price allows; later each time for any other reason."""
        planner, level, doubled = self._planner, order.level, 0
        if order.code != WOULD_TAKE and not order.reduce_only:
            doubled = min(self._refusals.get(level, 0), REFUSALS_MAX)
            self._refusals[level] = doubled + 1
        if order.code and not order.reduce_only:
            self._outcomes.append(Outcome(side=order.side, is_refused=True))
        pause_ns = planner.refuse(level, order.reduce_only, self.now_ns, order.code, doubled)
        planner.holdings.remove(order.client_order_id)
        self.set_timer(f"again:{order.level}", pause_ns)

    def on_order_filled(self, fill: OrderFilled) -> None:
        """Note what is left; the position is heard of separately."""
        self._planner.holdings.fill(fill)
        if not fill.reduce_only:
            price = self._planner.instrument.price(fill.price_ticks)
            self._outcomes.append(Outcome(side=fill.side, price=price))
        self.plan_soon()

    def on_order_ended(self, order: OrderEnded) -> None:
        """Note that a level is free."""
        if self._planner.holdings.remove(order.client_order_id):
            self.plan_soon()

    def on_cancel_rejected(self, rejected: CancelRejected) -> None:
        """Cancel again after a pause."""
        name = rejected.client_order_id
        if name in self._planner.holdings.by_id:
            pause_ns = self._planner.holdings.postpone_cancel(name, self._pause_ns, self.now_ns)
            self.set_timer("again:cancel", pause_ns)

    def on_position_changed(self, position: PositionChanged) -> None:
        """Cover what is held."""
        self._planner.hold(position.qty_lots, position.entry_price, self.now_ns)
        self.plan_soon()

    def on_intents_denied(self, denied: IntentsDenied) -> None:
        """Take proposals back and try again after a pause.

        It grows with every denial of a level, less so for what passes by itself. Until it is
        over no change of price brings the level back: who was denied keeps quiet.
        """
        planner = self._planner
        for denial in denied.denials:
            pause_ns = self._pause_of(denial.level, denial.code)
            if denial.action is IntentAction.CANCEL:
                name = planner.holdings.by_level.get(denial.level, "")
                rests_ns = planner.holdings.postpone_cancel(name, self._pause_ns, self.now_ns)
                self.set_timer("again:cancel", rests_ns)
            else:
                is_exit = denial.level in SLOTS
                rests_ns = planner.deny(denial.level, is_exit, pause_ns, self.now_ns)
                self.set_timer(f"again:{denial.level}", rests_ns)

    def on_entries_withdrawn(self, withdrawn: EntriesWithdrawn) -> None:
        """Cancel what a cap has no room for any more; its levels rest as if denied."""
        planner = self._planner
        names = [one.client_order_id for one in withdrawn.orders]
        cancels = planner.holdings.withdraw_orders(names, OVER_CAP, self.now_ns)
        if not cancels:
            return
        for one in cancels:
            pause_ns = self._pause_of(one.level, DenialCode.MAX_POSITION_EXCEEDED)
            rests_ns = planner.deny(one.level, False, pause_ns, self.now_ns)
            self.set_timer(f"again:{one.level}", rests_ns)
        mid_ticks2 = self._bid_ticks + self._ask_ticks
        symbol = self._symbol
        self.say(IntentsProposed(symbol=symbol, intents=cancels, mid_ticks2=mid_ticks2, tick_ns=0))

    def _pause_of(self, level: str, code: str) -> int:
        """Count a denial of a level; return for how long in ns it rests."""
        known = self._denials.get(level, 0)
        self._denials[level] = known + 1
        return self._pause_ns << min(known, PASSING_MAX if code in PASSING else DENIALS_MAX)


def _level_of(client_order_id: str) -> str:
    identity = decode(client_order_id)
    return identity.level if identity is not None else ""
