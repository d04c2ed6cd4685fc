"""What RiskSupervisor knows: market, holdings, leadership, health of its neighbours.

Facts come in one by one; ``judge`` holds a proposal against all of them at one moment, and
``inputs`` sums them up for the lifecycle. Everything is forbidden until a fact allows it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal

from grinder.messages.account import AccountSynced
from grinder.messages.features import FeaturesComputed, FeaturesSampled
from grinder.messages.grid import Denial, Intent, IntentAction, IntentsProposed
from grinder.messages.ledger import LedgerChanged
from grinder.messages.market import FeedHealthChanged
from grinder.messages.orders import OrdersSubmitted
from grinder.model.instrument import Instrument
from grinder.model.legs import by_market, twin_of
from grinder.model.permit import Permit
from grinder.model.settings import RiskSettings
from grinder.model.units import NS_PER_MS
from grinder.risk.bans import Bans
from grinder.risk.day import DayLoss
from grinder.risk.drawdown import Drawdown
from grinder.risk.exposure import Exposure
from grinder.risk.kill_switch import OPEN, trip
from grinder.risk.rules import evaluate
from grinder.risk.standing import Equity, Standing, ratio_left
from grinder.risk.states import LifecycleInputs, LifecycleState, Override
from grinder.risk.surplus import Leg, Misfit, Surplus, surplus
from grinder.risk.view import RiskView

_NOTHING = Decimal(0)
_PLACE = IntentAction.PLACE
LASTING = frozenset({"kill_switch", "kill_switch_detail", "override", "bans"})
"""What is latched by a decision: a new process has to know it, too."""


class RiskFacts:
    """The facts of one account."""

    def __init__(
        self,
        settings: RiskSettings,
        instruments: Mapping[str, Instrument],
        *,
        is_armed: bool,
        is_flow_judged: bool = True,
    ) -> None:
        self.settings = settings
        self.exposure = Exposure()
        self.drawdown = Drawdown()
        self.equity = Equity()
        self.day = DayLoss(settings.daily_loss_limit)
        self.kill_switch = OPEN
        self.bans = Bans()
        self.override = Override.NONE
        self.is_alone = len(instruments) == 1  # No other leg shares a cap with the only one.
        self._permit_ns = settings.permit_ms * NS_PER_MS
        self._account_ns_max = settings.account_stale_after_ms * NS_PER_MS
        self.features: dict[str, FeaturesComputed] = {}
        self.views = {
            symbol: RiskView(settings, instrument, self.exposure, self.day)
            for symbol, instrument in instruments.items()
        }
        for view in self.views.values():
            view.is_armed = is_armed
            view.symbols = frozenset(instruments)
            view.twin = self.views.get(twin_of(view.symbol))
        self.views_of = {
            market: tuple(self.views[leg] for leg in legs)
            for market, legs in by_market(instruments).items()
        }
        self.down: set[str] = set()
        """Actors that are not up."""
        self.epoch = 0
        self.leader_until_ns = 0
        self.account_ns = 0
        """When the last account snapshot was asked for; 0 before the first."""
        self.throttled_until_ns = 0
        self.is_denied = False
        self._is_flow_judged = is_flow_judged
        self.is_unrecorded = False
        """True while the journal that was asked for is not being written."""
        self.is_unkept = False
        """True while what is latched does not reach the disk that was asked for."""
        self.is_winding_down = False
        self.is_recalled = False
        """False until it is known what an earlier generation has latched."""
        self._is_breached, self._kept_peak = False, ""
        self.surplus = Surplus()

    def latched(self) -> tuple[tuple[str, str], ...]:
        """Return what the next generation has to know, as (key, value)."""
        start = self.drawdown.start
        self._kept_peak = self.equity.latched(self._kept_peak)
        return (
            ("kill_switch", self.kill_switch.reason),
            ("kill_switch_detail", self.kill_switch.detail),
            ("override", "" if self.override is Override.NONE else self.override),
            ("equity_at_start", "" if start is None else str(start)),
            ("equity_at_peak", self._kept_peak),
            ("is_denied", "yes" if self.is_denied else ""),
            ("bans", self.bans.text()),
            *self.day.latched(),
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
        if known.get("equity_at_peak"):
            self.equity.peak = Decimal(known["equity_at_peak"])
        self.is_denied = self.is_denied or bool(known.get("is_denied"))
        self.bans.recall(known.get("bans", ""))
        self.day.recall(known)
        self.is_recalled = True

    def see(self, features: FeaturesComputed) -> bool:
        """Take a market; return whether it calls for a look at the lifecycle at once."""
        settings = self.settings
        self.features[features.symbol] = features
        is_spiking = (
            features.spread_bps > settings.spread_spike_bps
            or features.move_bps > settings.toxicity_high_bps
        )
        for view in self.views_of[features.symbol]:
            view.market = features
            # A book that is heard is not stale, whoever may have been down when that was said.
            view.is_feed_stale = False
            view.is_spiking = is_spiking
        return is_spiking

    def sample(self, sample: FeaturesSampled) -> bool:
        """Take a market's flow; return whether it has just turned harmful."""
        views = self.views_of[sample.symbol] if self._is_flow_judged else ()
        return max([view.flow.hear(sample) for view in views], default=False)

    def submit(self, submitted: OrdersSubmitted, now_ns: int) -> None:
        """Count entries that were handed to the venue against the rate of their symbol."""
        view = self.views[submitted.symbol]
        view.underway.send(submitted.orders)
        rate = view.rate
        if rate.is_limited:
            entries = sum(1 for order in submitted.orders if not order.reduce_only)
            rate.send(entries, now_ns)

    def hear(self, changed: LedgerChanged) -> None:
        """Take the totals of one symbol; what an earlier generation won is no news."""
        was_told = self.day.is_told
        self.day.hear(changed)
        if not was_told:
            self.equity.settle(self.day.net)

    def measure(self, synced: AccountSynced) -> bool:
        """Take an account snapshot; return whether the drawdown limit is reached."""
        self.account_ns = synced.asked_ns
        equity = synced.wallet + synced.unrealized_pnl
        if self.drawdown.start is None and equity <= 0:
            return False
        self.drawdown.update(equity)
        self.equity.measure(equity, self.day.net)
        self._is_breached = self.drawdown.is_breached(self.settings.drawdown_limit)
        return self._is_breached

    def judge(
        self, proposed: IntentsProposed, state: LifecycleState, now_ns: int
    ) -> tuple[tuple[Intent, ...], tuple[Denial, ...]]:
        """Return what of a proposal may go on, and why the rest may not."""
        view = self.views[proposed.symbol]
        view.is_leader = self.leader_until_ns > now_ns
        view.is_lease_expiring = self.leader_until_ns - now_ns < self._permit_ns
        view.actors_down = tuple(sorted(self.down)) if self.down else ()
        view.is_winding_down = self.is_winding_down
        view.is_killed = self.kill_switch.is_tripped
        bans = self.bans
        view.is_banned = bool(bans.by_symbol) and bans.holds(view.instrument.market, now_ns)
        view.state = state
        view.is_drawdown_blocked = self._is_breached
        view.is_account_stale = now_ns - self.account_ns > self._account_ns_max
        view.is_venue_throttled = self.throttled_until_ns > now_ns
        view.is_venue_denied = self.is_denied
        view.price_ticks2 = proposed.mid_ticks2
        view.notional_of_others = (
            _NOTHING if self.is_alone else _notional_of_others(self, view, now_ns)
        )
        view.twin_lots = view.twin.lots_to_come(now_ns) if view.twin is not None else 0
        rate = view.rate
        if not rate.is_limited:
            return evaluate(view, proposed.intents)
        view.cooldown_left_ns = rate.cooldown_left_ns(now_ns)
        if rate.minute_max:
            view.entries_left = max(0, rate.minute_max - rate.used(now_ns))
        approved, denials = evaluate(view, proposed.intents)
        if entries := sum(1 for one in approved if one.adds_risk):
            rate.approve(entries, now_ns)
        return approved, denials

    def standing(self) -> Standing:
        """Return how the account stands by the last snapshot and the books; equity 0 if unknown."""
        day = self.day
        equity = self.equity.now(day.net)
        drawdown = self.drawdown.at(equity)
        return Standing(
            equity=equity,
            budget_ratio=_NOTHING
            if day.is_lost
            else ratio_left(drawdown, self.settings.drawdown_limit),
            session_drawdown=self.equity.drawdown(equity),
            daily_drawdown=day.fraction,
            is_killed=self.kill_switch.is_tripped,
        )

    def permit(
        self, approved: tuple[Intent, ...], serial: int, state: LifecycleState, now_ns: int
    ) -> Permit | None:
        """Return a permit that outlives neither its own time nor leadership.

        None when nothing of what is approved adds risk.
        """
        # What adds risk stands last, so one look is enough where there is any.
        last = approved[-1]
        if (last.reduce_only or last.action is not _PLACE) and not any(
            one.adds_risk for one in approved
        ):
            return None
        deadline_ns = now_ns + self._permit_ns
        return Permit(
            serial=serial,
            state=state,
            epoch=self.epoch,
            deadline_ns=min(deadline_ns, self.leader_until_ns),
        )

    def let(self, proposed: IntentsProposed, approved: tuple[Intent, ...], permit: Permit) -> None:
        """Note what was let in, and at which prices it fits."""
        view = self.views[proposed.symbol]
        self.surplus.let_ticks2[view.instrument.market] = proposed.mid_ticks2
        if not self.is_alone:
            self.surplus.let_beside = self.features.copy()
            view.let(approved, permit)

    def inputs(self) -> LifecycleInputs:
        """Return what the lifecycle looks at; markets that are not heard do not count as calm."""
        fresh = [
            one
            for market, one in self.features.items()
            if not self.views_of[market][0].is_feed_stale
        ]
        return LifecycleInputs(
            kill_switch_active=self.kill_switch.is_tripped,
            drawdown=float(self.drawdown.fraction),
            is_stale=all(view.is_feed_stale for view in self.views.values()),
            is_unrecorded=self.is_unrecorded,
            is_unkept=self.is_unkept,
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
            return self.exposure.position_notional(_prices(self))
        except KeyError:
            return None


def _notional_of_others(facts: RiskFacts, view: RiskView, now_ns: int) -> Decimal | None:
    symbol, twin = view.symbol, view.twin.symbol if view.twin is not None else ""
    underway = _underway(facts.views, {symbol, twin}, now_ns)
    if not underway and not facts.exposure.has_others(symbol, twin):
        return _NOTHING
    prices = _prices(facts)
    try:
        total = facts.exposure.worst_case_of_others(symbol, prices, twin)
        for name, lots in underway:
            instrument, price_ticks2 = prices[name]
            total += instrument.notional(price_ticks2, lots) / 2
    except KeyError:
        return None
    return total


def withdrawn(facts: RiskFacts, now_ns: int) -> tuple[Misfit, ...]:
    """Return the entries that the caps have no room for, and of which it is time to tell.

    There is something to do only after news of orders or positions, and while any are too many.
    """
    exposure = facts.exposure
    if not exposure.has_changed or facts.is_winding_down:
        return ()
    legs = _priced(facts)
    misfits = surplus(
        legs,
        exposure.entries(),
        position_max=facts.settings.position_notional_max,
        total_max=facts.settings.total_notional_max,
        leaving=facts.surplus.leaving,
    )
    exposure.has_changed = bool(misfits) or len(legs) < len(facts.views)
    return facts.surplus.look(misfits, now_ns)


def _priced(facts: RiskFacts) -> dict[str, Leg]:
    """Return what is held of each leg whose market was heard, at the prices at which it counts."""
    found, let = {}, facts.surplus
    for market, now in facts.features.items():
        mid_ticks2 = now.bid_ticks + now.ask_ticks
        beside = let.let_beside.get(market, now)
        for view in facts.views_of[market]:
            found[view.symbol] = Leg(
                instrument=view.instrument,
                held_lots=view.own.position_lots,
                mid_ticks2=mid_ticks2,
                position_ticks2=min(mid_ticks2, let.let_ticks2.get(market, mid_ticks2)),
                total_ticks2=min(mid_ticks2, beside.bid_ticks + beside.ask_ticks),
            )
    return found


def _underway(
    views: Mapping[str, RiskView], spared: set[str], now_ns: int
) -> tuple[tuple[str, int], ...]:
    """Return (leg, lots) of what other legs were allowed to add and have not sent yet."""
    found = [(name, view.underway.lots(now_ns)) for name, view in views.items()]
    return tuple((name, lots) for name, lots in found if lots and name not in spared)


def _prices(facts: RiskFacts) -> dict[str, tuple[Instrument, int]]:
    """Return what each leg is and twice its market's price in ticks, where one was heard."""
    return {
        view.symbol: (view.instrument, one.bid_ticks + one.ask_ticks)
        for market, one in facts.features.items()
        for view in facts.views_of[market]
    }


def hear_feed(views: Iterable[RiskView], health: FeedHealthChanged) -> None:
    """Take whether the book of the market of ``views`` can be trusted."""
    for view in views:
        view.is_feed_stale = health.is_stale
