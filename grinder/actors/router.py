"""RouterActor: approved intents in, venue commands out."""

from __future__ import annotations

from collections.abc import Mapping

from grinder.execution.budget import OrderBudget
from grinder.execution.denials import DenialCode, denial
from grinder.execution.filters import Bounds, check
from grinder.execution.identity import IdentityScheme
from grinder.kernel.actor import Actor
from grinder.kernel.signals import ActorFailed
from grinder.messages.grid import Denial, Intent, IntentAction, IntentsApproved, IntentsDenied
from grinder.messages.market import MarkPriced
from grinder.messages.orders import (
    CancelOrder,
    OrderEnded,
    OrderRejected,
    OrdersRequested,
    OrdersSynced,
    OrderSubmitted,
    PlaceOrder,
)
from grinder.messages.risk import PermitsRevoked
from grinder.messages.venue import BudgetReported, VenueThrottled
from grinder.model.instrument import Instrument
from grinder.model.settings import RouterSettings
from grinder.risk.serials import void_below

SEQUENCE_SHIFT = 28
"""Orders of one generation stay below 2 to this power, so generations never share a name."""


class RouterActor(Actor):
    """Name, check and budget what has been approved.

    Hears IntentsApproved, PermitsRevoked, ActorFailed, MarkPriced, BudgetReported, VenueThrottled,
    and which orders rest. Says PlaceOrder, CancelOrder, IntentsDenied, OrdersRequested.
    Restart: the names it gives go on above those of the generation before.
    """

    def __init__(
        self,
        settings: RouterSettings,
        instruments: Mapping[str, Instrument],
        identity: IdentityScheme,
    ) -> None:
        self._instruments = instruments
        self._identity = identity
        self._budget = OrderBudget(settings.orders_10s_max, settings.orders_1m_max)
        self._bounds = {symbol: Bounds(one, None) for symbol, one in instruments.items()}
        self._resting: dict[str, set[str]] = {symbol: set() for symbol in instruments}
        self._sequence = 0
        self._revoked_below = 0
        self._quiet_until_ns = 0

    def on_start(self) -> None:
        """Begin this generation's names and ask what rests."""
        self._sequence = self.generation << SEQUENCE_SHIFT
        for symbol in self._instruments:
            self.say(OrdersRequested(symbol=symbol))

    def on_intents_approved(self, approved: IntentsApproved) -> None:
        """Turn each intent into a command, or say why not."""
        denials: list[Denial] = []
        for intent in approved.intents:
            if intent.action is IntentAction.CANCEL:
                self.say(
                    CancelOrder(
                        symbol=approved.symbol,
                        client_order_id=intent.client_order_id,
                        reason=intent.reason,
                    )
                )
                continue
            refusal = self._refusal(approved, intent)
            if refusal is not None:
                denials.append(refusal)
            else:
                self.say(self._placement(approved, intent))
        if denials:
            self.say(IntentsDenied(symbol=approved.symbol, denials=tuple(denials)))

    def _refusal(self, approved: IntentsApproved, intent: Intent) -> Denial | None:
        if intent.adds_risk:
            permit = approved.permit
            if permit is None or not permit.holds(self._revoked_below, self.now_ns):
                return denial(DenialCode.FSM_STATE_BLOCKED, intent, permit="void")
            if self.now_ns < self._quiet_until_ns:
                return denial(DenialCode.VENUE_THROTTLED, intent, until_ns=self._quiet_until_ns)
        bounds = self._bounds[approved.symbol]
        open_orders = len(self._resting[approved.symbol])
        if not bounds.fits(intent, open_orders):
            found = check(
                intent,
                bounds.instrument,
                bid_ticks=0,
                ask_ticks=0,
                mark_price=bounds.mark_price,
                open_orders=open_orders,
            )
            if found is not None:
                return found
        if not self._budget.try_take(self.now_ns) and intent.adds_risk:
            free_ns = self._budget.free_at_ns(self.now_ns)
            return denial(DenialCode.RATE_LIMIT_THROTTLE, intent, free_at_ns=free_ns)
        return None

    def _placement(self, approved: IntentsApproved, intent: Intent) -> PlaceOrder:
        self._sequence += 1
        permit = approved.permit if intent.adds_risk else None
        name = self._identity.name(
            approved.symbol, intent.level, permit.epoch if permit else 0, self._sequence
        )
        return PlaceOrder(
            symbol=approved.symbol,
            client_order_id=name,
            side=intent.side,
            price_ticks=intent.price_ticks,
            qty_lots=intent.qty_lots,
            reduce_only=intent.reduce_only,
            level=intent.level,
            permit=permit,
            reason=intent.reason,
            tick_ns=approved.tick_ns,
        )

    def on_permits_revoked(self, revoked: PermitsRevoked) -> None:
        """Void the permits of approvals still on their way."""
        self._revoked_below = max(self._revoked_below, revoked.serial)

    def on_actor_failed(self, failed: ActorFailed) -> None:
        """Void the permits of whoever can't revoke them any more."""
        self._revoked_below = max(self._revoked_below, void_below(failed))

    def on_mark_priced(self, mark: MarkPriced) -> None:
        """Note the price that the venue's band hangs on."""
        known = self._bounds.get(mark.symbol)
        if known is not None:
            self._bounds[mark.symbol] = Bounds(known.instrument, mark.mark_price)

    def on_budget_reported(self, report: BudgetReported) -> None:
        """Note what else uses the account's order limits."""
        self._budget.hear(report.orders_10s, report.orders_1m, self.now_ns)

    def on_venue_throttled(self, throttled: VenueThrottled) -> None:
        """Keep quiet as long as the venue asks."""
        self._quiet_until_ns = max(self._quiet_until_ns, throttled.until_ns)

    def on_orders_synced(self, synced: OrdersSynced) -> None:
        """Believe exactly what rests."""
        self._resting[synced.symbol] = {one.client_order_id for one in synced.orders}

    def on_order_submitted(self, order: OrderSubmitted) -> None:
        """Count one more."""
        self._resting[order.symbol].add(order.client_order_id)

    def on_order_gone(self, order: OrderRejected | OrderEnded) -> None:
        """Count one less."""
        self._resting[order.symbol].discard(order.client_order_id)
