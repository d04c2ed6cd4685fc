"""PolicyActor: one symbol's features and order news in, intents out."""

from __future__ import annotations

from grinder.execution.denials import PASSING
from grinder.execution.identity import decode
from grinder.kernel.actor import Actor
from grinder.kernel.signals import TimerFired
from grinder.messages.account import PositionChanged
from grinder.messages.features import FeaturesComputed
from grinder.messages.grid import IntentAction, IntentsDenied, IntentsProposed, PlanRequested
from grinder.messages.market import FeedHealthChanged, StreamKind
from grinder.messages.orders import (
    CancelRejected,
    OrderAccepted,
    OrderEnded,
    OrderFilled,
    OrderRejected,
    OrdersRequested,
    OrdersSubmitted,
    OrdersSynced,
)
from grinder.messages.risk import RiskStateChanged, WindDownStarted
from grinder.model.instrument import Instrument
from grinder.model.settings import GridSettings
from grinder.model.units import NS_PER_MS, NS_PER_S
from grinder.policy.grid import EXIT_SLOTS, GridPlanner

CHECK_NS = NS_PER_S
"""Pause between looks at what should have been heard of."""
DENIALS_MAX = 5
"""The pause of a level that is denied again and again doubles this many times."""
PASSING_MAX = 2
"""The same, where the reason for the denial passes by itself."""
CLEARING_STATES = frozenset({"THROTTLED", "PAUSED", "DEGRADED", "EMERGENCY"})
"""Lifecycle states in which resting entries are taken off the book."""


class PolicyActor(Actor):
    """Keep one symbol's ladder as its planner wants it.

    Hears FeaturesComputed, order news, PositionChanged, RiskStateChanged, FeedHealthChanged,
    IntentsDenied, WindDownStarted. Says IntentsProposed, OrdersRequested, LadderPlanned.
    Restart: asks ExchangeActor what rests and plans nothing before it knows.
    """

    def __init__(self, symbol: str, instrument: Instrument, settings: GridSettings) -> None:
        self._symbol = symbol
        self._planner = GridPlanner(instrument, settings)
        self._bid_ticks = 0
        self._ask_ticks = 0
        self._state = "INIT"
        self._is_feed_stale = True
        self._is_heard = False
        """Whether changes of our orders are heard; exits are placed even if not."""
        self._is_winding_down = False
        self._pause_ns = settings.refused_level_pause_ms * NS_PER_MS
        self._denials: dict[str, int] = {}
        """By level: denials since anything was last let through."""
        self._picture_reason = ""
        """Why the plan changed since people were last shown it."""

    def on_start(self) -> None:
        """Ask what rests."""
        self.say(OrdersRequested(symbol=self._symbol))
        self.set_timer("check", CHECK_NS)

    def on_features_computed(self, features: FeaturesComputed) -> None:
        """Plan again if the price, or anything before it, calls for it."""
        self._bid_ticks = features.bid_ticks
        self._ask_ticks = features.ask_ticks
        if self._is_feed_stale:
            self._is_feed_stale = False
            self._set_leave()
        if not self._planner.is_quiet(features.bid_ticks + features.ask_ticks):
            self._plan(features.tick_ns)

    def _plan_soon(self) -> None:
        """Plan once everything that was heard together has been taken in."""
        self._planner.is_dirty = True
        self.tell(self.me, PlanRequested(symbol=self._symbol))

    def on_plan_requested(self, _: PlanRequested) -> None:
        """Plan, unless a tick has led to it meanwhile."""
        if self._planner.is_dirty:
            self._plan()

    def _plan(self, tick_ns: int = 0) -> None:
        planner = self._planner
        planner.is_dirty = True
        if self._is_winding_down or not self._bid_ticks:
            return
        intents = planner.plan(self._bid_ticks, self._ask_ticks, self.now_ns)
        if not intents:
            return
        planner.holdings.note_cancels(intents, self.now_ns)
        self.say(
            IntentsProposed(
                symbol=self._symbol,
                intents=intents,
                mid_ticks2=self._bid_ticks + self._ask_ticks,
                tick_ns=tick_ns,
            )
        )
        self._picture_reason = intents[0].reason

    # What rests.

    def on_orders_synced(self, synced: OrdersSynced) -> None:
        """Believe the venue."""
        planner = self._planner
        planner.holdings.replace(
            tuple((order, _level_of(order.client_order_id)) for order in synced.orders)
        )
        planner.position_lots = synced.position_lots
        planner.entry_price = synced.entry_price
        planner.is_synced = True
        self._is_heard = synced.is_stream_live
        self._set_leave()

    def on_orders_submitted(self, submitted: OrdersSubmitted) -> None:
        """Note that placements are on their way."""
        self._denials.clear()
        add = self._planner.holdings.add
        for order in submitted.orders:
            add(order)

    def on_order_accepted(self, order: OrderAccepted) -> None:
        """Note that an order rests; one never heard of before was adopted and may be in the way."""
        is_new = order.client_order_id not in self._planner.holdings.by_id
        self._planner.holdings.add(order)
        if is_new:
            self._plan_soon()

    def on_order_rejected(self, order: OrderRejected) -> None:
        """Let the level return when the price allows."""
        self._planner.holdings.remove(order.client_order_id)
        pause_ns = self._planner.refuse(order.level, order.reduce_only, self.now_ns)
        self.set_timer(f"again:{order.level}", pause_ns)

    def on_order_filled(self, fill: OrderFilled) -> None:
        """Note what is left; the position is heard of separately."""
        self._planner.holdings.fill(fill)
        self._plan_soon()

    def on_order_ended(self, order: OrderEnded) -> None:
        """Note that a level is free."""
        if self._planner.holdings.remove(order.client_order_id):
            self._plan_soon()

    def on_cancel_rejected(self, rejected: CancelRejected) -> None:
        """Cancel again after a pause."""
        name = rejected.client_order_id
        if name in self._planner.holdings.by_id:
            self._planner.holdings.postpone_cancel(name, self._pause_ns, self.now_ns)
            self.set_timer("again:cancel", self._pause_ns)

    def on_position_changed(self, position: PositionChanged) -> None:
        """Cover what is held."""
        planner = self._planner
        planner.position_lots = position.qty_lots
        planner.entry_price = position.entry_price
        self._plan_soon()

    def on_intents_denied(self, denied: IntentsDenied) -> None:
        """Take proposals back and try again after a pause.

        It grows with every denial of a level, less so for what passes by itself. Until it is
        over no change of price brings the level back: who was denied keeps quiet.
        """
        planner = self._planner
        denials = self._denials
        for denial in denied.denials:
            known = denials.get(denial.level, 0)
            denials[denial.level] = known + 1
            most = PASSING_MAX if denial.code in PASSING else DENIALS_MAX
            pause_ns = self._pause_ns << min(known, most)
            if denial.action is IntentAction.CANCEL:
                name = planner.holdings.by_level.get(denial.level, "")
                planner.holdings.postpone_cancel(name, pause_ns, self.now_ns)
                self.set_timer("again:cancel", pause_ns)
            else:
                is_exit = denial.level in EXIT_SLOTS
                rests_ns = planner.deny(denial.level, is_exit, pause_ns, self.now_ns)
                self.set_timer(f"again:{denial.level}", rests_ns)

    # Whether risk may be added.

    def on_risk_state_changed(self, changed: RiskStateChanged) -> None:
        """Enter only in ACTIVE; clear the book in the states that say so."""
        self._state = changed.to_state
        self._set_leave()

    def on_feed_health_changed(self, health: FeedHealthChanged) -> None:
        """Stop quoting on a book that is not heard of."""
        if health.symbol == self._symbol and health.stream is StreamKind.BOOK_TICKER:
            self._is_feed_stale = health.is_stale
            self._set_leave()

    def _set_leave(self) -> None:
        planner = self._planner
        could_enter = planner.may_enter
        planner.may_enter = self._state == "ACTIVE" and not self._is_feed_stale and self._is_heard
        if planner.may_enter and not could_enter:
            planner.forget_denials()
        planner.must_clear = self._state in CLEARING_STATES or (
            self._state == "ACTIVE" and self._is_feed_stale
        )
        self._plan_soon()

    def on_wind_down_started(self, _: WindDownStarted) -> None:
        """Plan no more: ExchangeActor clears the book."""
        self._is_winding_down = True

    def on_timer_fired(self, timer: TimerFired) -> None:
        """Plan again after a pause; ask again for what was never heard of."""
        if timer.key != "check":
            self._plan_soon()
            return
        self.set_timer("check", CHECK_NS)
        if self._picture_reason:
            self.say(self._planner.picture(self._symbol, self._picture_reason))
            self._picture_reason = ""
        if not self._planner.is_synced or self._planner.has_lost_proposal(self.now_ns):
            self.say(OrdersRequested(symbol=self._symbol))


def _level_of(client_order_id: str) -> str:
    identity = decode(client_order_id)
    return identity.level if identity is not None else ""
