"""RiskSupervisor: proposals and facts in, approvals, refusals and the lifecycle out."""

from __future__ import annotations

from collections.abc import Mapping

from grinder.actors.risk_operators import OperatorWatch
from grinder.kernel.address import Address
from grinder.kernel.signals import (
    ActorFailed,
    ActorRestarted,
    ActorStarted,
    Recall,
    Recalled,
    TimerFired,
)
from grinder.messages.account import AccountSynced, AccountSyncFailed, PositionChanged
from grinder.messages.control import LeadershipGained, LeadershipLost
from grinder.messages.features import FeaturesComputed
from grinder.messages.grid import IntentsApproved, IntentsDenied, IntentsProposed
from grinder.messages.journal import JournalHealthChanged
from grinder.messages.market import FeedHealthChanged, StreamKind
from grinder.messages.orders import (
    OrderAccepted,
    OrderEnded,
    OrderFilled,
    OrderRejected,
    OrdersRequested,
    OrdersSubmitted,
    OrdersSynced,
)
from grinder.messages.risk import (
    BanSymbol,
    KillSwitchTripped,
    LedgerRequested,
    LiftBan,
    OverrideLifecycle,
    PermitsRevoked,
    ResetKillSwitch,
    RiskStateChanged,
    TripKillSwitch,
)
from grinder.messages.venue import VenueDenied, VenueThrottled
from grinder.model.instrument import Instrument
from grinder.model.settings import Config
from grinder.model.units import NS_PER_MS
from grinder.risk.facts import RiskFacts, hear_feed
from grinder.risk.kill_switch import reset, trip
from grinder.risk.serials import first_serial
from grinder.risk.standing import Budgets
from grinder.risk.states import LifecycleState, Override, Reason, next_state


class RiskSupervisor(OperatorWatch):
    """Hold the lifecycle, the kill switch and every permit. It supervises risk, not actors.

    Hears IntentsProposed, FeaturesComputed, FeaturesSampled, feed health, order and position
    news, AccountSynced, LedgerChanged, JournalHealthChanged, leadership, the fate of others, and
    operators. Says IntentsApproved, IntentsDenied, RiskStateChanged, RiskBudgetChanged,
    PermitsRevoked, KillSwitchTripped, SymbolBanned, WindDownStarted, OrdersRequested,
    LedgerRequested, EntriesWithdrawn.
    Restart: begins in INIT with everything forbidden and every earlier permit void; what was
    latched (kill switch, an operator's hold, equity at start and at its peak, the day and its loss,
    a key denied, bans) is asked back of the keeper, and what the books hold of the ledger.
    """

    def __init__(
        self,
        config: Config,
        instruments: Mapping[str, Instrument],
        keeper: Address,
        *,
        is_armed: bool,
        is_recorded: bool = False,
    ) -> None:
        settings = config.risk
        super().__init__(
            RiskFacts(
                settings,
                instruments,
                is_armed=is_armed,
                is_flow_judged=config.toxicity.enabled,
            ),
            Budgets(config.sizing, tuple(instruments)),
            keeper,
        )
        self._settings = settings
        self._symbols = tuple(instruments)
        # A run that is to be recorded takes no risk before the journal is known to be written.
        self._facts.is_unrecorded = is_recorded
        self._state = LifecycleState.INIT
        self._entered_ns = 0

    def on_start(self) -> None:
        """Void whatever an earlier generation has allowed, and begin to look at the clock."""
        self._serial = first_serial(self.generation)
        self._entered_ns = self.now_ns
        self.say(PermitsRevoked(serial=self._serial, reason="RESTARTED"))
        self._say_state(LifecycleState.INIT, Reason.RESTARTED)
        self.tell(self._keeper, Recall())
        for symbol in self._symbols:
            self.say(OrdersRequested(symbol=symbol))
        if self.generation > 1:
            self.say(LedgerRequested())
        self.set_timer("evaluate", self._settings.evaluate_ms * NS_PER_MS)

    def on_recalled(self, recalled: Recalled) -> None:
        """Keep shut what an earlier generation has shut."""
        kept = dict(recalled.facts)
        self._facts.recall(recalled.facts, self.now_ns)
        self._latched = tuple((key, kept.get(key, "")) for key, _ in self._facts.latched())
        switch = self._facts.kill_switch
        closed = {key for key, value in self._latched if value}
        self.say_latches(closed, is_restored=self.generation == 1)
        if switch.is_tripped:
            self.say(KillSwitchTripped(reason=switch.reason, detail=switch.detail))
        self._evaluate()
        self.tell_budgets()
        for command in self.early():
            self.on_operator(command)

    # Proposals.

    def on_intents_proposed(self, proposed: IntentsProposed) -> None:
        """Judge each intent; what passes gets a permit if it adds risk."""
        facts = self._facts
        approved, denials = facts.judge(proposed, self._state, self.now_ns)
        if approved:
            permit = facts.permit(approved, self._serial, self._state, self.now_ns)
            if permit is not None:
                facts.let(proposed, approved, permit)
            self.say(
                IntentsApproved(
                    symbol=proposed.symbol,
                    intents=approved,
                    permit=permit,
                    mid_ticks2=proposed.mid_ticks2,
                    tick_ns=proposed.tick_ns,
                )
            )
        if denials:
            self.say(IntentsDenied(symbol=proposed.symbol, denials=denials))

    # Market, orders and account.

    def on_features_computed(self, features: FeaturesComputed) -> None:
        """Note the market; look at once when it has turned toxic."""
        if self._facts.see(features):
            self._evaluate()

    def on_health(self, health: FeedHealthChanged | JournalHealthChanged) -> None:
        """Note which books can be trusted; take no risk that nobody could explain afterwards."""
        if isinstance(health, JournalHealthChanged):
            self._facts.is_unrecorded = not health.is_healthy
            if not health.is_healthy:
                self.revoke(f"JOURNAL_LOST {health.detail}")
        elif health.stream is not StreamKind.BOOK_TICKER:
            return
        else:
            hear_feed(self._facts.views_of[health.symbol], health)
            if health.is_stale:
                self.revoke(f"FEED_STALE {health.symbol}")
        self._evaluate()

    def on_order_news(
        self,
        news: OrdersSubmitted
        | OrderAccepted
        | OrderFilled
        | OrderEnded
        | OrderRejected
        | PositionChanged,
    ) -> None:
        """Count what is held and what is on its way."""
        self._facts.exposure.apply(news)
        if isinstance(news, OrdersSubmitted):
            self._facts.submit(news, self.now_ns)

    def on_orders_synced(self, synced: OrdersSynced) -> None:
        """Count again from the venue's own picture."""
        self._facts.exposure.apply(synced)
        view = self._facts.views[synced.symbol]
        if view.is_synced and not synced.is_stream_live:
            self.revoke(f"NOT_SYNCED {synced.symbol}")
        view.is_synced = synced.is_stream_live
        self._evaluate()

    def on_account(self, news: AccountSynced | AccountSyncFailed) -> None:
        """Measure the drawdown; add nothing on an account that is not known any more."""
        if isinstance(news, AccountSyncFailed):
            if news.is_unknown:
                self._facts.account_ns = 0
                self.revoke("ACCOUNT_STALE")
        elif self._facts.measure(news):
            drawdown = self._facts.drawdown
            self._trip("DRAWDOWN_LIMIT", f"drawdown={drawdown.fraction} equity={drawdown.equity}")
        self._evaluate()

    def on_venue_refusal(self, refusal: VenueThrottled | VenueDenied) -> None:
        """Add nothing while the venue asks for silence; stop when it does not take our key."""
        facts = self._facts
        if isinstance(refusal, VenueThrottled):
            facts.throttled_until_ns = max(facts.throttled_until_ns, refusal.until_ns)
            self.revoke("VENUE_THROTTLED")
        else:
            facts.is_denied = True
            self._trip("ERROR", f"venue denied us: {refusal.code} {refusal.text}")

    # Other actors and leadership.

    def on_actor_failed(self, failed: ActorFailed) -> None:
        """Void every permit while a part is missing."""
        if failed.actor != self.me.name:
            self._facts.down.add(failed.actor)
            self.revoke(f"ACTOR_DOWN {failed.actor}")

    def on_actor_up(self, started: ActorStarted | ActorRestarted) -> None:
        """Note that a part is up; one that was up before has missed where the lifecycle stands."""
        self._facts.down.discard(started.actor)
        if isinstance(started, ActorRestarted):
            self.tell_again()
            self._say_state(self._state, Reason.RESTARTED)

    def on_leadership(self, news: LeadershipGained | LeadershipLost) -> None:
        """Act until the deadline, or no more."""
        if isinstance(news, LeadershipGained):
            self._facts.epoch = news.epoch
            self._facts.leader_until_ns = news.deadline_ns
        else:
            self._facts.leader_until_ns = 0
            self.revoke(f"NOT_LEADER {news.reason}")

    # Operators.

    def on_operator(
        self, command: TripKillSwitch | ResetKillSwitch | OverrideLifecycle | BanSymbol | LiftBan
    ) -> None:
        """Close the latch, open it for a named operator, hold the lifecycle, or ban a symbol."""
        if self.is_early(command):
            return
        if isinstance(command, BanSymbol | LiftBan):
            self.heed_ban(command)
        elif isinstance(command, TripKillSwitch):
            self._trip(command.reason, command.detail)
        elif isinstance(command, ResetKillSwitch):
            self._facts.kill_switch = reset(self._facts.kill_switch, command.operator)
        else:
            self._facts.override = Override(command.override)
        self._evaluate()

    # Decisions.

    def on_timer_fired(self, _: TimerFired) -> None:
        """Look at the clock: silence, and midnight, have to be noticed without a message."""
        self.look_at_day()
        self._evaluate()
        self.tell_budgets()
        self.withdraw()
        self.set_timer("evaluate", self._settings.evaluate_ms * NS_PER_MS)

    def _trip(self, reason: str, detail: str) -> None:
        if self._facts.kill_switch.is_tripped:
            return
        switch = trip(self._facts.kill_switch, reason, detail, self.now_ns)
        self._facts.kill_switch = switch
        self.revoke("KILL_SWITCH_ACTIVE")
        if self._facts.is_recalled:
            # It is kept before anybody hears of it.
            self.keep()
        self.say(KillSwitchTripped(reason=switch.reason, detail=switch.detail))
        self._evaluate()
        self.tell_budgets()

    def _evaluate(self) -> None:
        if not self._facts.is_recalled:
            return
        self.keep()
        transition = next_state(
            self._state, self._entered_ns, self.now_ns, self._facts.inputs(), self._settings
        )
        if transition is None:
            return
        before, self._state = self._state, transition.to_state
        self._entered_ns = transition.at_ns
        if before is LifecycleState.ACTIVE:
            self.revoke(f"FSM_STATE_BLOCKED {transition.to_state}")
        self._say_state(before, transition.reason)

    def _say_state(self, before: LifecycleState, reason: Reason) -> None:
        state, at_ns = self._state, self.now_ns
        self.say(RiskStateChanged(from_state=before, to_state=state, reason=reason, at_ns=at_ns))
