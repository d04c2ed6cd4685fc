"""RouterActor: approved intents in, venue commands out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from operator import attrgetter

import attrs

from grinder.execution.budget import OrderBudget
from grinder.execution.denials import DenialCode, denial
from grinder.execution.filters import Bounds
from grinder.execution.identity import IdentityScheme
from grinder.kernel.actor import Actor
from grinder.kernel.signals import ActorFailed
from grinder.messages.grid import (
    Denial,
    Intent,
    IntentAction,
    IntentsApproved,
    IntentsDenied,
    Manner,
)
from grinder.messages.market import MarkPriced
from grinder.messages.orders import (
    CancelOrder,
    OrderEnded,
    OrderRejected,
    OrdersRequested,
    OrdersSynced,
    Placement,
    PlaceOrders,
)
from grinder.messages.risk import PermitsRevoked
from grinder.messages.venue import BudgetReported, VenueThrottled
from grinder.model.instrument import Instrument
from grinder.model.legs import by_market
from grinder.model.order import OrderType, TimeInForce
from grinder.model.permit import Permit
from grinder.model.settings import RouterSettings
from grinder.risk.serials import void_below

_LEVEL = attrgetter("level")

SEQUENCE_SHIFT = 28
"""Orders of one generation stay below 2 to this power, so generations never share a name."""


class RouterActor(Actor):
    """Name, check and budget what has been approved.

    Hears IntentsApproved, PermitsRevoked, ActorFailed, MarkPriced, BudgetReported, VenueThrottled,
    and which orders rest. Says PlaceOrders, CancelOrder, IntentsDenied, OrdersRequested.
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
        """Names of the orders that rest or are under way, from the moment they have one."""
        self._legs = by_market(instruments)
        self._sharing = {name: self._legs[one.market] for name, one in instruments.items()}
        # The legs that share the venue's limit of open orders.
        self._sequence = 0
        self._revoked_below = 0
        self._quiet_until_ns = 0

    def on_start(self) -> None:
        """Begin this generation's names and ask what rests."""
        self._sequence = self.generation << SEQUENCE_SHIFT
        for symbol in self._instruments:
            self.say(OrdersRequested(symbol=symbol))

    def on_intents_approved(self, approved: IntentsApproved) -> None:
        """Turn the intents into commands, one for all entries, or say why not."""
        symbol = approved.symbol
        exits: list[Intent] = []
        entries: list[Intent] = []
        cancel = IntentAction.CANCEL
        for intent in approved.intents:
            if intent.action is cancel:
                name = intent.client_order_id
                self.say(CancelOrder(symbol=symbol, client_order_id=name, reason=intent.reason))
            else:
                (exits if intent.reduce_only else entries).append(intent)
        denials: list[Denial] = []
        if exits:
            exits = self._fitting(symbol, exits, denials)
            # An exit is counted where there is room, and goes on in any case.
            self._budget.take(len(exits), self.now_ns)
            self._place(approved, exits, None)
        if entries:
            bar = self._bar(approved.permit)
            if bar is not None:
                denials += map(bar, entries)
            else:
                entries = self._fitting(symbol, entries, denials)
                granted = self._budget.take(len(entries), self.now_ns)
                self._place(approved, entries[:granted], approved.permit)
                if granted < len(entries):
                    denials += self._unaffordable(entries[granted:])
        if denials:
            self.say(IntentsDenied(symbol=symbol, denials=tuple(denials)))

    def _fitting(self, symbol: str, intents: list[Intent], denials: list[Denial]) -> list[Intent]:
        """Return the placements that the venue's filters let pass; add why the others do not."""
        bounds = self._bounds[symbol]
        open_orders = 0
        for leg in self._sharing[symbol]:
            open_orders += len(self._resting[leg])
        if bounds.fits(intents, open_orders):
            return intents
        fitting: list[Intent] = []
        for intent in intents:
            found = bounds.find(intent, open_orders + len(fitting))
            if found is None:
                fitting.append(intent)
            else:
                denials.append(found)
        return fitting

    def _bar(self, permit: Permit | None) -> Callable[[Intent], Denial] | None:
        """Return how to refuse every entry under ``permit``; None if they may go on."""
        now_ns = self.now_ns
        if permit is None or permit.serial < self._revoked_below or permit.deadline_ns <= now_ns:
            return partial(denial, DenialCode.FSM_STATE_BLOCKED, permit="void")
        if now_ns < self._quiet_until_ns:
            return partial(denial, DenialCode.VENUE_THROTTLED, until_ns=self._quiet_until_ns)
        return None

    def _unaffordable(self, entries: list[Intent]) -> list[Denial]:
        free_ns = self._budget.free_at_ns(self.now_ns)
        code = DenialCode.RATE_LIMIT_THROTTLE
        return [denial(code, one, free_at_ns=free_ns) for one in entries]

    def _place(
        self, approved: IntentsApproved, intents: list[Intent], permit: Permit | None
    ) -> None:
        if not intents:
            return
        symbol = approved.symbol
        epoch = permit.epoch if permit else 0
        names = self._identity.names(symbol, map(_LEVEL, intents), epoch, self._sequence + 1)
        self._sequence += len(names)
        self._resting[symbol].update(names)
        orders: list[Placement] = []
        for one, name in zip(intents, names, strict=True):
            order = Placement(
                symbol=symbol,
                client_order_id=name,
                side=one.side,
                price_ticks=one.price_ticks,
                qty_lots=one.qty_lots,
                reduce_only=one.reduce_only,
                level=one.level,
                reason=one.reason,
            )
            orders.append(order if permit else _in_its_manner(order, one))
        batch = tuple(orders)
        self.say(PlaceOrders(symbol=symbol, orders=batch, permit=permit, tick_ns=approved.tick_ns))

    def on_permits_revoked(self, revoked: PermitsRevoked) -> None:
        """Void the permits of approvals still on their way."""
        self._revoked_below = max(self._revoked_below, revoked.serial)

    def on_actor_failed(self, failed: ActorFailed) -> None:
        """Void the permits of whoever can't revoke them any more."""
        self._revoked_below = max(self._revoked_below, void_below(failed))

    def on_mark_priced(self, mark: MarkPriced) -> None:
        """Note the price that the venue's band hangs on."""
        for leg in self._legs.get(mark.symbol, ()):
            self._bounds[leg] = Bounds(self._instruments[leg], mark.mark_price)

    def on_budget_reported(self, report: BudgetReported) -> None:
        """Note what else uses the account's order limits."""
        self._budget.hear(report.orders_10s, report.orders_1m, self.now_ns)

    def on_venue_throttled(self, throttled: VenueThrottled) -> None:
        """Keep quiet as long as the venue asks."""
        self._quiet_until_ns = max(self._quiet_until_ns, throttled.until_ns)

    def on_orders_synced(self, synced: OrdersSynced) -> None:
        """Believe exactly what rests."""
        self._resting[synced.symbol] = {one.client_order_id for one in synced.orders}

    def on_order_gone(self, order: OrderRejected | OrderEnded) -> None:
        """Count one less."""
        self._resting[order.symbol].discard(order.client_order_id)


def _in_its_manner(order: Placement, intent: Intent) -> Placement:
    """Return an exit as it is meant to meet the book: most of them post-only, as they are made."""
    if intent.manner is Manner.PASSIVE:
        return order
    if intent.manner is Manner.CROSS:
        return attrs.evolve(order, time_in_force=TimeInForce.IOC)
    return attrs.evolve(order, order_type=OrderType.MARKET, time_in_force=TimeInForce.GTC)
