"""What RiskSupervisor knows: market, holdings, leadership, health of its neighbours.

Facts come in one by one; ``judge`` holds a proposal against all of them at one moment, and
``inputs`` sums them up for the lifecycle. Everything is forbidden until a fact allows it.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from grinder.messages.account import AccountSynced
from grinder.messages.features import FeaturesComputed
from grinder.messages.grid import Denial, Intent, IntentsProposed
from grinder.model.instrument import Instrument
from grinder.model.permit import Permit
from grinder.model.settings import RiskSettings
from grinder.model.units import NS_PER_MS
from grinder.risk.drawdown import Drawdown
from grinder.risk.exposure import Exposure
from grinder.risk.kill_switch import OPEN, trip
from grinder.risk.rules import RiskView, evaluate
from grinder.risk.states import LifecycleInputs, LifecycleState, Override

_NOTHING = Decimal(0)


class RiskFacts:
    """The facts of one account."""

    def __init__(
        self, settings: RiskSettings, instruments: Mapping[str, Instrument], *, is_armed: bool
    ) -> None:
        self.settings = settings
        self.exposure = Exposure()
        self.drawdown = Drawdown()
        self.kill_switch = OPEN
        self.override = Override.NONE
        self.features: dict[str, FeaturesComputed] = {}
        self.views = {
            symbol: RiskView(settings, instrument, self.exposure)
            for symbol, instrument in instruments.items()
        }
        for view in self.views.values():
            view.is_armed = is_armed
            view.symbols = frozenset(instruments)
        self.down: set[str] = set()
        """Actors that are not up."""
        self.epoch = 0
        self.leader_until_ns = 0
        self.account_ns = 0
        """When the last account snapshot was asked for; 0 before the first."""
        self.throttled_until_ns = 0
        self.is_denied = False
        self.is_unrecorded = False
        """True while the journal that was asked for is not being written."""
        self.is_winding_down = False
        self.is_recalled = False
        """False until it is known what an earlier generation has latched."""
        self._instruments = instruments
        self._is_breached = False

    def latched(self) -> tuple[tuple[str, str], ...]:
        """Return what the next generation has to know, as (key, value)."""
        start = self.drawdown.start
        return (
            ("kill_switch", self.kill_switch.reason),
            ("kill_switch_detail", self.kill_switch.detail),
            ("override", "" if self.override is Override.NONE else self.override),
            ("equity_at_start", "" if start is None else str(start)),
            ("is_denied", "yes" if self.is_denied else ""),
        )

    def recall(self, facts: tuple[tuple[str, str], ...], now_ns: int) -> None:
        """Take over what an earlier generation has latched."""
        known = dict(facts)
        if known.get("kill_switch"):
            self.kill_switch = trip(
                self.kill_switch,
                known["kill_switch"],
                known.get("kill_switch_detail", ""),
                now_ns,
            )
        self.override = Override(known.get("override") or Override.NONE)
        if known.get("equity_at_start"):
            self.drawdown.restart(Decimal(known["equity_at_start"]))
        self.is_denied = bool(known.get("is_denied"))
        self.is_recalled = True

    def is_toxic(self, features: FeaturesComputed) -> bool:
        """Return whether one symbol's market calls for a look at the lifecycle at once."""
        settings = self.settings
        return (
            features.spread_bps > settings.spread_spike_bps
            or features.move_bps > settings.toxicity_high_bps
        )

    def measure(self, synced: AccountSynced) -> bool:
        """Take an account snapshot; return whether the drawdown limit is reached."""
        self.account_ns = synced.asked_ns
        equity = synced.wallet + synced.unrealized_pnl
        if self.drawdown.start is None and equity <= 0:
            return False
        self.drawdown.update(equity)
        self._is_breached = self.drawdown.is_breached(self.settings.drawdown_limit)
        return self._is_breached

    def judge(
        self, proposed: IntentsProposed, state: LifecycleState, now_ns: int
    ) -> tuple[tuple[Intent, ...], tuple[Denial, ...]]:
        """Return what of a proposal may go on, and why the rest may not."""
        view = self.views[proposed.symbol]
        settings = self.settings
        view.is_leader = self.leader_until_ns > now_ns
        view.is_lease_expiring = self.leader_until_ns - now_ns < settings.permit_ms * NS_PER_MS
        view.actors_down = tuple(sorted(self.down)) if self.down else ()
        view.is_winding_down = self.is_winding_down
        view.is_killed = self.kill_switch.is_tripped
        view.state = state
        view.is_drawdown_blocked = self._is_breached
        view.is_account_stale = (
            now_ns - self.account_ns > settings.account_stale_after_ms * NS_PER_MS
        )
        view.is_venue_throttled = self.throttled_until_ns > now_ns
        view.is_venue_denied = self.is_denied
        view.price_ticks2 = proposed.mid_ticks2
        view.notional_of_others = self._notional_of_others(view.symbol)
        return evaluate(view, proposed.intents)

    def _notional_of_others(self, symbol: str) -> Decimal | None:
        if not self.exposure.has_others(symbol):
            return _NOTHING
        try:
            return self.exposure.worst_case_of_others(symbol, self._prices())
        except KeyError:
            return None

    def permit(
        self, approved: tuple[Intent, ...], serial: int, state: LifecycleState, now_ns: int
    ) -> Permit | None:
        """Return a permit that outlives neither its own time nor leadership.

        None when nothing of what is approved adds risk.
        """
        # What adds risk stands last, so one look is enough where there is any.
        if not (approved[-1].adds_risk or any(one.adds_risk for one in approved)):
            return None
        deadline_ns = now_ns + self.settings.permit_ms * NS_PER_MS
        return Permit(
            serial=serial,
            state=state,
            epoch=self.epoch,
            deadline_ns=min(deadline_ns, self.leader_until_ns),
        )

    def inputs(self) -> LifecycleInputs:
        """Return what the lifecycle looks at; symbols that are not heard do not count as calm."""
        fresh = [
            one for symbol, one in self.features.items() if not self.views[symbol].is_feed_stale
        ]
        return LifecycleInputs(
            kill_switch_active=self.kill_switch.is_tripped,
            drawdown=float(self.drawdown.fraction),
            is_stale=all(view.is_feed_stale for view in self.views.values()),
            is_unrecorded=self.is_unrecorded,
            spread_bps=max((one.spread_bps for one in fresh), default=0.0),
            toxicity_bps=max((one.move_bps for one in fresh), default=0.0),
            position_notional=self._position_notional(),
            override=self.override,
            is_ready=self.account_ns > 0
            and not self.is_unrecorded
            and any(view.is_synced for view in self.views.values()),
        )

    def _position_notional(self) -> Decimal | None:
        try:
            return self.exposure.position_notional(self._prices())
        except KeyError:
            return None

    def _prices(self) -> dict[str, tuple[Instrument, int]]:
        return {
            symbol: (self._instruments[symbol], one.bid_ticks + one.ask_ticks)
            for symbol, one in self.features.items()
        }
