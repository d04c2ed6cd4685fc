"""What the gates look at: one symbol at one moment."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

from grinder.messages.features import FeaturesComputed
from grinder.messages.grid import Intent
from grinder.model.instrument import Instrument
from grinder.model.order import Side
from grinder.model.permit import Permit
from grinder.model.settings import RiskSettings
from grinder.risk.day import DayLoss
from grinder.risk.exposure import Exposure
from grinder.risk.flow import FlowGate
from grinder.risk.rate import EntryRate
from grinder.risk.states import LifecycleState
from grinder.risk.underway import Underway

NO_LIMIT = 2**62
"""Entries left where nothing limits them."""


class RiskView:
    """What the gates look at, for one symbol at one moment. Filled by RiskSupervisor.

    It starts closed: whatever the actor forgets to say stays forbidden.
    """

    __slots__ = (
        "actors_down",
        "cooldown_left_ns",
        "day",
        "entries_left",
        "flow",
        "instrument",
        "is_account_stale",
        "is_armed",
        "is_banned",
        "is_drawdown_blocked",
        "is_feed_stale",
        "is_killed",
        "is_leader",
        "is_lease_expiring",
        "is_spiking",
        "is_synced",
        "is_venue_denied",
        "is_venue_throttled",
        "is_winding_down",
        "market",
        "notional_of_others",
        "order_units_max",
        "own",
        "position_units_max",
        "price_ticks2",
        "proposed_buy_lots",
        "proposed_entries",
        "proposed_sell_lots",
        "rate",
        "settings",
        "state",
        "symbols",
        "total_units_max",
        "twin",
        "twin_lots",
        "underway",
    )

    def __init__(
        self, settings: RiskSettings, instrument: Instrument, exposure: Exposure, day: DayLoss
    ) -> None:
        self.settings = settings
        self.instrument = instrument
        self.own = exposure.of(instrument.symbol)  # What it holds and may come to hold.
        self.day = day
        self.flow = FlowGate()
        self.rate = EntryRate(settings)
        # The caps in half units of tick x lot: an order within its caps is judged in integers.
        self.position_units_max = _half_units(settings.position_notional_max, instrument)
        self.total_units_max = _half_units(settings.total_notional_max, instrument)
        self.order_units_max = _half_units(settings.order_notional_max, instrument)
        self.underway = Underway()
        self.twin: RiskView | None = None
        self.twin_lots = 0  # Worst case of the market's other leg: it counts against our caps.
        self.is_armed = False
        self.is_leader = False
        self.is_lease_expiring = True
        """Too little of the lease is left for an order to reach the venue under it."""
        self.actors_down: tuple[str, ...] = ()
        """Names of the actors that a permit depends on and that are down."""
        self.is_winding_down = False
        self.is_killed = False
        self.is_banned = False
        self.symbols: frozenset[str] = frozenset()
        """Symbols that may be traded; empty allows none."""
        self.state = LifecycleState.INIT
        self.market: FeaturesComputed | None = None
        """This symbol's market, as last heard."""
        self.is_spiking = False
        """True while that is wider, or has moved further, than the settings allow."""
        self.is_drawdown_blocked = False
        self.is_feed_stale = True
        self.is_account_stale = True
        self.is_synced = False
        """True once this symbol's orders and position came from the venue."""
        self.is_venue_throttled = False
        self.is_venue_denied = False
        self.price_ticks2 = 0
        """Twice the price to value at, in ticks; 0 (unknown) blocks."""
        self.notional_of_others: Decimal | None = None
        """Worst case of every other market in quote units; None (unknown) blocks."""
        self.proposed_buy_lots = 0
        """Approved in this batch before the intent being judged."""
        self.proposed_sell_lots = 0
        self.proposed_entries = 0
        self.entries_left = NO_LIMIT  # What the minute has room for, this batch included.
        self.cooldown_left_ns = 0
        """Above 0, it is too soon after the last entry."""

    @property
    def is_alone(self) -> bool:
        """True when no other leg shares a cap with this one."""
        return len(self.symbols) == 1

    @property
    def symbol(self) -> str:
        """The symbol being judged."""
        return self.instrument.symbol

    def let(self, approved: tuple[Intent, ...], permit: Permit | None) -> None:
        """Let the others that share a cap know what this leg may add under ``permit``."""
        if permit is not None and not self.is_alone:
            self.underway.let(approved, permit.deadline_ns)

    def lots_to_come(self, now_ns: int) -> int:
        """Return this leg's worst case with what it was allowed to add, for the other leg's cap."""
        return self.own.worst_lots() + self.underway.lots(now_ns)

    def worst_case(self, intent: Intent) -> Decimal:
        """Return the worth of the market's worst case with the batch so far and ``intent``.

        An order priced beyond the market is valued at its own price.
        """
        return self.instrument.notional(1, self.worst_units(intent)) / 2

    def worst_units(self, intent: Intent) -> int:
        """Return the same in half units of tick x lot."""
        buy_lots, sell_lots = self.proposed_buy_lots, self.proposed_sell_lots
        if intent.side is Side.BUY:
            buy_lots += intent.qty_lots
        else:
            sell_lots += intent.qty_lots
        lots = self.own.worst_lots(buy_lots, sell_lots)
        return (lots + self.twin_lots) * max(self.price_ticks2, 2 * intent.price_ticks)


def _half_units(cap: Decimal, instrument: Instrument) -> int:
    """Return the largest number of half units of tick x lot that are worth at most ``cap``."""
    return int(2 * Fraction(cap) / Fraction(instrument.tick * instrument.lot))
