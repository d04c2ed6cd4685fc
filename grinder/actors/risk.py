"""RiskSupervisor: proposals and facts in, approvals, refusals and the lifecycle out."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from grinder.kernel.actor import Actor
from grinder.kernel.signals import ActorFailed, ActorRestarted, ActorStarted, TimerFired
from grinder.messages.account import AccountSynced, PositionChanged
from grinder.messages.control import LeadershipGained, LeadershipLost
from grinder.messages.features import FeaturesComputed
from grinder.messages.grid import IntentsApproved, IntentsDenied, IntentsProposed
from grinder.messages.market import FeedHealthChanged, StreamKind
from grinder.messages.orders import (
    OrderAccepted,
    OrderEnded,
    OrderFilled,
    OrderRejected,
    OrdersRequested,
    OrdersSynced,
    OrderSubmitted,
)
from grinder.messages.risk import (
    KillSwitchTripped,
    OverrideLifecycle,
    PermitsRevoked,
    ResetKillSwitch,
    RiskStateChanged,
    StopTrading,
    TripKillSwitch,
    WindDownStarted,
)
from grinder.messages.venue import VenueDenied, VenueThrottled
from grinder.model.instrument import Instrument
from grinder.model.permit import Permit
from grinder.model.settings import RiskSettings
from grinder.model.units import NS_PER_MS
from grinder.risk.drawdown import Drawdown
from grinder.risk.exposure import Exposure
from grinder.risk.kill_switch import OPEN, reset, trip
from grinder.risk.rules import RiskView, evaluate
from grinder.risk.states import LifecycleInputs, LifecycleState, Override, Reason, next_state

SERIAL_SHIFT = 32
"""Permit serials of one generation stay below 2 to this power."""


class RiskSupervisor(Actor):
    """Hold the lifecycle, the kill switch and every permit. It supervises risk, not actors.

    Hears IntentsProposed, FeaturesComputed, feed health, order and position news, AccountSynced,
    leadership, the fate of other actors, and operators. Says IntentsApproved, IntentsDenied,
    RiskStateChanged, PermitsRevoked, KillSwitchTripped, WindDownStarted, OrdersRequested.
    Restart: begins in INIT with everything forbidden and every earlier permit void.
    """

    def __init__(
        self, settings: RiskSettings, instruments: Mapping[str, Instrument], *, is_armed: bool
    ) -> None:
        self._settings = settings
        self._instruments = instruments
        self._state = LifecycleState.INIT
        self._entered_ns = 0
        self._kill_switch = OPEN
        self._override = Override.NONE
        self._drawdown = Drawdown()
        self._exposure = Exposure()
        self._views = {
            symbol: RiskView(settings, instrument, self._exposure)
            for symbol, instrument in instruments.items()
        }
        for view in self._views.values():
            view.is_armed = is_armed
            view.symbols = frozenset(instruments)
        self._features: dict[str, FeaturesComputed] = {}
        self._down: set[str] = set()
        self._serial = 0
        self._epoch = 0
        self._leader_until_ns = 0
        self._account_ns = 0
        self._throttled_until_ns = 0
        self._is_denied = False
        self._is_winding_down = False

    def on_start(self) -> None:
        """Void whatever an earlier generation has allowed, and begin to look at the clock."""
        self._serial = self.generation << SERIAL_SHIFT
        self._entered_ns = self.now_ns
        self.say(PermitsRevoked(serial=self._serial, reason="RESTARTED"))
        self._say_state(LifecycleState.INIT, Reason.RESTARTED)
        for symbol in self._instruments:
            self.say(OrdersRequested(symbol=symbol))
        self.set_timer("evaluate", self._settings.evaluate_ms * NS_PER_MS)

    def _say_state(self, before: LifecycleState, reason: str) -> None:
        self.say(
            RiskStateChanged(
                from_state=before, to_state=self._state, reason=reason, at_ns=self.now_ns
            )
        )

    # Proposals.

    def on_intents_proposed(self, proposed: IntentsProposed) -> None:
        """Judge each intent; what passes gets a permit if it adds risk."""
        view = self._views[proposed.symbol]
        self._fill_view(view, proposed)
        approved, denials = evaluate(view, proposed.intents)
        if approved:
            self.say(
                IntentsApproved(
                    symbol=proposed.symbol,
                    intents=approved,
                    permit=(self._permit() if any(one.adds_risk for one in approved) else None),
                    mid_ticks2=proposed.mid_ticks2,
                    tick_ns=proposed.tick_ns,
                )
            )
        if denials:
            self.say(IntentsDenied(symbol=proposed.symbol, denials=denials))

    def _permit(self) -> Permit:
        deadline_ns = self.now_ns + self._settings.permit_ms * NS_PER_MS
        return Permit(
            serial=self._serial,
            state=self._state,
            epoch=self._epoch,
            deadline_ns=min(deadline_ns, self._leader_until_ns),
        )

    def _fill_view(self, view: RiskView, proposed: IntentsProposed) -> None:
        now_ns = self.now_ns
        settings = self._settings
        view.is_leader = self._leader_until_ns > now_ns
        view.is_lease_expiring = self._leader_until_ns - now_ns < settings.permit_ms * NS_PER_MS
        view.actors_down = tuple(sorted(self._down))
        view.is_winding_down = self._is_winding_down
        view.is_killed = self._kill_switch.is_tripped
        view.state = self._state
        view.is_drawdown_blocked = self._drawdown.is_breached(settings.drawdown_limit)
        view.is_account_stale = (
            now_ns - self._account_ns > settings.account_stale_after_ms * NS_PER_MS
        )
        view.is_venue_throttled = self._throttled_until_ns > now_ns
        view.is_venue_denied = self._is_denied
        view.price_ticks2 = proposed.mid_ticks2
        try:
            view.notional_of_others = self._exposure.worst_case_of_others(
                view.symbol, self._prices()
            )
        except KeyError:
            view.notional_of_others = None

    def _prices(self) -> dict[str, tuple[Instrument, int]]:
        return {
            symbol: (self._instruments[symbol], one.bid_ticks + one.ask_ticks)
            for symbol, one in self._features.items()
        }

    # Facts.

    def on_features_computed(self, features: FeaturesComputed) -> None:
        """Note the market; look at once when it has turned toxic."""
        self._features[features.symbol] = features
        # A book that is heard is not stale, whoever may have been down when that was said.
        self._views[features.symbol].is_feed_stale = False
        settings = self._settings
        if (
            features.spread_bps > settings.spread_spike_bps
            or features.move_bps > settings.toxicity_high_bps
        ):
            self._evaluate()

    def on_feed_health_changed(self, health: FeedHealthChanged) -> None:
        """Note which books can be trusted."""
        if health.stream is not StreamKind.BOOK_TICKER:
            return
        self._views[health.symbol].is_feed_stale = health.is_stale
        if health.is_stale:
            self._revoke(f"FEED_STALE {health.symbol}")
        self._evaluate()

    def on_order_news(
        self,
        news: OrderSubmitted
        | OrderAccepted
        | OrderFilled
        | OrderEnded
        | OrderRejected
        | PositionChanged,
    ) -> None:
        """Count what is held and what is on its way."""
        self._exposure.apply(news)

    def on_orders_synced(self, synced: OrdersSynced) -> None:
        """Count again from the venue's own picture."""
        self._exposure.apply(synced)
        view = self._views[synced.symbol]
        if view.is_synced and not synced.is_stream_live:
            self._revoke(f"NOT_SYNCED {synced.symbol}")
        view.is_synced = synced.is_stream_live
        self._evaluate()

    def on_account_synced(self, synced: AccountSynced) -> None:
        """Measure the drawdown."""
        self._account_ns = synced.asked_ns
        equity = synced.wallet + synced.unrealized_pnl
        if self._drawdown.start is None and equity <= 0:
            return
        self._drawdown.update(equity)
        if self._drawdown.is_breached(self._settings.drawdown_limit):
            self._trip("DRAWDOWN_LIMIT", f"drawdown={self._drawdown.fraction} equity={equity}")
        self._evaluate()

    def on_venue_throttled(self, throttled: VenueThrottled) -> None:
        """Add nothing while the venue asks for silence."""
        self._throttled_until_ns = max(self._throttled_until_ns, throttled.until_ns)
        self._revoke("VENUE_THROTTLED")

    def on_venue_denied(self, denied: VenueDenied) -> None:
        """Stop: the venue does not take our key any more, and a human is needed."""
        self._is_denied = True
        self._trip("ERROR", f"venue denied us: {denied.code} {denied.text}")

    # Other actors and leadership.

    def on_actor_failed(self, failed: ActorFailed) -> None:
        """Void every permit while a part is missing."""
        if failed.actor != self.me.name:
            self._down.add(failed.actor)
            self._revoke(f"ACTOR_DOWN {failed.actor}")

    def on_actor_up(self, started: ActorStarted | ActorRestarted) -> None:
        """Note that a part is up; one that was up before has missed where the lifecycle stands."""
        self._down.discard(started.actor)
        if isinstance(started, ActorRestarted):
            self._say_state(self._state, Reason.RESTARTED)

    def on_leadership_gained(self, gained: LeadershipGained) -> None:
        """Act until the deadline."""
        self._epoch = gained.epoch
        self._leader_until_ns = gained.deadline_ns

    def on_leadership_lost(self, lost: LeadershipLost) -> None:
        """Act no more."""
        self._leader_until_ns = 0
        self._revoke(f"NOT_LEADER {lost.reason}")

    # Operators.

    def on_trip_kill_switch(self, command: TripKillSwitch) -> None:
        """Close the latch."""
        self._trip(command.reason, command.detail)

    def on_reset_kill_switch(self, command: ResetKillSwitch) -> None:
        """Open the latch for a named operator; the lifecycle finds its own way back."""
        self._kill_switch = reset(self._kill_switch, command.operator)

    def on_override_lifecycle(self, command: OverrideLifecycle) -> None:
        """Hold the lifecycle where an operator wants it."""
        self._override = Override(command.override)
        self._evaluate()

    def on_stop_trading(self, command: StopTrading) -> None:
        """End permits for good in this run."""
        if not self._is_winding_down:
            self._is_winding_down = True
            self._revoke("WINDING_DOWN")
        self.say(WindDownStarted(position=command.position))

    # Decisions.

    def _trip(self, reason: str, detail: str) -> None:
        if self._kill_switch.is_tripped:
            return
        self._kill_switch = trip(self._kill_switch, reason, detail, self.now_ns)
        self._revoke("KILL_SWITCH_ACTIVE")
        self.say(KillSwitchTripped(reason=self._kill_switch.reason, detail=detail))
        self._evaluate()

    def _revoke(self, reason: str) -> None:
        self._serial += 1
        self.say(PermitsRevoked(serial=self._serial, reason=reason))

    def on_timer_fired(self, _: TimerFired) -> None:
        """Look at the clock: silence has to be noticed without a message."""
        self._evaluate()
        self.set_timer("evaluate", self._settings.evaluate_ms * NS_PER_MS)

    def _evaluate(self) -> None:
        transition = next_state(
            self._state, self._entered_ns, self.now_ns, self._inputs(), self._settings
        )
        if transition is None:
            return
        before = self._state
        self._state = transition.to_state
        self._entered_ns = transition.at_ns
        if before is LifecycleState.ACTIVE:
            self._revoke(f"FSM_STATE_BLOCKED {transition.to_state}")
        self._say_state(before, transition.reason)

    def _inputs(self) -> LifecycleInputs:
        views = self._views.values()
        fresh = [
            one for one in self._features.values() if not self._views[one.symbol].is_feed_stale
        ]
        return LifecycleInputs(
            kill_switch_active=self._kill_switch.is_tripped,
            drawdown=float(self._drawdown.fraction),
            is_stale=all(view.is_feed_stale for view in views),
            spread_bps=max((one.spread_bps for one in fresh), default=0.0),
            toxicity_bps=max((one.move_bps for one in fresh), default=0.0),
            position_notional=self._position_notional(),
            override=self._override,
            is_ready=self._account_ns > 0 and any(view.is_synced for view in views),
        )

    def _position_notional(self) -> Decimal | None:
        try:
            return self._exposure.position_notional(self._prices())
        except KeyError:
            return None
