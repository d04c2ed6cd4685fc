"""PolicyActor: features of one leg's market and order news in, intents out."""

from __future__ import annotations

from grinder.actors.order_news import OrderNews
from grinder.kernel.address import Address
from grinder.kernel.signals import Recall, Recalled, Remember, TimerFired
from grinder.messages.features import FeaturesComputed, FeaturesSampled
from grinder.messages.grid import (
    IntentAction,
    IntentsProposed,
    PlanChosen,
    PlanRequested,
    SelectionRanked,
    SymbolSelected,
)
from grinder.messages.ledger import LedgerChanged
from grinder.messages.market import FeedHealthChanged, StreamKind
from grinder.messages.orders import OrdersRequested
from grinder.messages.risk import (
    OverrideLifecycle,
    RiskBudgetChanged,
    RiskStateChanged,
    SymbolBanned,
    WindDownStarted,
)
from grinder.model.instrument import Instrument
from grinder.model.settings import Config
from grinder.model.units import NS_PER_S
from grinder.planner.grid import facts, picture, recall, resume
from grinder.policy.conductor import Conductor, ConductorFacts, Decision

_CANCEL = IntentAction.CANCEL
CHECK_NS = NS_PER_S
"""Pause between looks at what should have been heard of."""
CLEARING_STATES = frozenset({"THROTTLED", "PAUSED", "DEGRADED", "EMERGENCY"})
"""Lifecycle states in which resting entries are taken off the book."""


class PolicyActor(OrderNews):
    """Keep one symbol's ladder as its planner wants it.

    Hears FeaturesComputed, FeaturesSampled, order news, PositionChanged, RiskStateChanged,
    RiskBudgetChanged, LedgerChanged, FeedHealthChanged, IntentsDenied, SymbolSelected,
    SelectionRanked, SymbolBanned, OverrideLifecycle, WindDownStarted. Says IntentsProposed,
    OrdersRequested, LadderPlanned, PlanChosen, RegimeChanged, PolicySwitched.
    Restart: asks ExchangeActor what rests and plans nothing before it knows. Unless the policy is
    static it enters no more before the next sample, and where symbols are selected, before the next
    ranking; the keeper tells it which limit of the grid was reached.
    """

    def __init__(
        self,
        symbol: str,
        instrument: Instrument,
        config: Config,
        conductor: Conductor,
        keeper: Address,
    ) -> None:
        super().__init__(symbol, instrument, config.policy, config.close)
        self._market = instrument.market
        self._conductor = conductor
        self._keeper = keeper
        self._facts = facts(self._planner)
        """What the keeper has been told of the limits of the grid; nothing without any."""
        self._is_recalled = self._is_let_go = self._is_banned = self._is_winding_down = False
        self._decision: Decision | None = None
        """What was decided last; None before the first sample."""
        self._budget: RiskBudgetChanged | None = None
        self._is_static = config.policy.name == "static"
        self._is_selected = not config.selection.enabled
        self._state = "INIT"
        self._is_feed_stale = True
        self._picture_reason = ""
        """Why the plan changed since people were last shown it."""

    def on_start(self) -> None:
        """Ask what rests."""
        self.say(OrdersRequested(symbol=self._symbol))
        self.set_timer("check", CHECK_NS)
        self.tell(self._keeper, Recall())

    def on_recalled(self, recalled: Recalled) -> None:
        """Go on from where the grid was when an earlier generation, or its process, died."""
        self._is_recalled = True
        recall(self._planner, dict(recalled.facts))
        self._facts = facts(self._planner)
        if stopped := self._facts.get("stopped"):
            self.say_latch(stopped, is_restored=self.generation == 1)
        if self._is_let_go and resume(self._planner):
            self._remember()
        self.plan_soon()

    def on_features_computed(self, features: FeaturesComputed) -> None:
        """Plan again if the price, or anything before it, calls for it."""
        self._bid_ticks = features.bid_ticks
        self._ask_ticks = features.ask_ticks
        if self._is_feed_stale:
            self._is_feed_stale = False
            self.set_leave()
        if not self._planner.is_quiet(features.bid_ticks + features.ask_ticks):
            self._plan(features.tick_ns)

    def on_features_sampled(self, sample: FeaturesSampled) -> None:
        """Have it decided what the grid shall be, and follow that."""
        mid_ticks2 = self._bid_ticks + self._ask_ticks
        if not mid_ticks2:
            return
        planner = self._planner
        instrument, budget = planner.instrument, self._budget
        facts = ConductorFacts(
            now_ns=self.now_ns,
            mid=instrument.price(mid_ticks2) / 2,
            position_qty=instrument.qty(planner.position_lots),
            entry_price=planner.entry_price,
            budget=budget,
            is_killed=budget is not None and budget.is_killed,
            outcomes=tuple(self._outcomes),
        )
        self._outcomes.clear()
        decision = self._conductor.consider(sample, facts)
        if decision is not self._decision:
            self._follow(decision)

    def _follow(self, decision: Decision) -> None:
        """Tell what has changed, and let the ladder change if it has to."""
        before, self._decision = self._decision, decision
        for news in (decision.regime_changed, decision.policy_switched):
            if news is not None:
                self.say(news)
        if before is None:
            self.set_leave()
        elif before.plan is decision.plan and before.is_plain is decision.is_plain:
            return
        if self._planner.follow(None if decision.is_plain else decision.plan, self.now_ns):
            self.plan_soon()
        self.say(
            PlanChosen(
                symbol=self._symbol,
                policy=decision.policy,
                plan=decision.plan,
                spacing_ticks=self._planner.step,
            )
        )

    def on_risk_budget_changed(self, budget: RiskBudgetChanged) -> None:
        """Note what may be risked; the next sample is decided with it.

        A kill switch clears the book in any state: who holds the lifecycle may have begun anew.
        """
        was_killed = self._budget is not None and self._budget.is_killed
        self._budget = budget
        if budget.is_killed is not was_killed:
            self.heed_kill(is_killed=budget.is_killed)
            self.set_leave()

    def on_ledger_changed(self, ledger: LedgerChanged) -> None:
        """Note what the symbol has earned: the whole grid may be over for it."""
        if self._planner.note_profit(ledger.realized_pnl - ledger.fees + ledger.funding):
            self.plan_soon()

    def on_plan_requested(self, _: PlanRequested) -> None:
        """Plan, unless a tick has led to it meanwhile."""
        if self._planner.is_dirty:
            self._plan()

    def _plan(self, tick_ns: int = 0) -> None:
        planner = self._planner
        planner.is_dirty = True
        if self._is_winding_down or not self._bid_ticks or not self._is_recalled:
            return
        intents = planner.plan(self._bid_ticks, self._ask_ticks, self.now_ns)
        if self._facts:
            # A stop is kept before anything is done about it.
            self._remember()
        if planner.closing_for or planner.closing.reason:
            self.look_at_close()
        if not intents:
            return
        if intents[0].action is _CANCEL:
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

    def _remember(self) -> None:
        """Let the keeper know what has become of the limits of the grid."""
        kept, self._facts = self._facts, facts(self._planner)
        for key, value in self._facts.items():
            if kept.get(key) != value:
                is_lasting = key == "stopped"
                self.tell(self._keeper, Remember(key=key, value=value, is_lasting=is_lasting))
                if is_lasting:
                    self.say_latch(value, is_restored=False)

    # Whether risk may be added.

    def on_risk_state_changed(self, changed: RiskStateChanged) -> None:
        """Enter only in ACTIVE; clear the book in the states that say so."""
        self._state = changed.to_state
        self.set_leave()

    def on_feed_health_changed(self, health: FeedHealthChanged) -> None:
        """Stop quoting on a book that is not heard of."""
        if health.symbol == self._market and health.stream is StreamKind.BOOK_TICKER:
            self._is_feed_stale = health.is_stale
            self.set_leave()

    def on_symbol_banned(self, ban: SymbolBanned) -> None:
        """Enter nothing while an operator has banned the symbol; exits stay."""
        self._is_banned = ban.is_banned
        self.set_leave()

    def on_selection(self, news: SymbolSelected | SelectionRanked) -> None:
        """Enter only while selected; the exits of whoever is not stay where they are."""
        if isinstance(news, SymbolSelected):
            is_selected = news.is_selected
        else:
            is_selected = self._market in news.selected
        if is_selected is not self._is_selected:
            self._is_selected = is_selected
            self.set_leave()

    def set_leave(self) -> None:
        """Enter in ACTIVE, on a book and orders that are heard, while selected."""
        planner = self._planner
        could_enter = planner.may_enter
        is_active, is_stale = self._state == "ACTIVE", self._is_feed_stale
        planner.may_enter = (
            is_active
            and not is_stale
            and self._is_heard
            and self._is_selected
            and not self._is_banned
            and (self._is_static or self._decision is not None)
        )
        if planner.may_enter and not could_enter:
            planner.forget_denials()
            self._denials.clear()
        planner.must_clear = (
            self._state in CLEARING_STATES
            or (is_active and (is_stale or self._is_banned or not self._is_selected))
            or (self._budget is not None and self._budget.is_killed)
        )
        self.plan_soon()

    def on_override_lifecycle(self, command: OverrideLifecycle) -> None:
        """Let a grid that its own limits have ended go on, when an operator lets go."""
        self._is_let_go = command.override == "NONE" and not self._is_recalled
        if command.override == "NONE" and resume(self._planner):
            self._remember()
            self.plan_soon()

    def on_wind_down_started(self, _: WindDownStarted) -> None:
        """Plan no more: ExchangeActor clears the book."""
        self._is_winding_down = True

    def on_timer_fired(self, timer: TimerFired) -> None:
        """Plan again after a pause; ask again for what was never heard of."""
        if timer.key != "check":
            self.plan_soon()
            return
        self.set_timer("check", CHECK_NS)
        if self._picture_reason:
            self.say(picture(self._planner, self._symbol, self._picture_reason))
            self._picture_reason = ""
        if self._planner.exits.has_due(self.now_ns):
            self.plan_soon()
        if not self._is_winding_down and self.look_at_close():
            self.plan_soon()
        if not self._planner.is_synced or self._planner.holdings.has_lost_one(self.now_ns):
            self.say(OrdersRequested(symbol=self._symbol))
