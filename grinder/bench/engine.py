"""The whole system in the stepped runtime, set up for a measurement."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import cast

from grinder.actors.world import World
from grinder.bench.quotes import INSTRUMENT, QUOTE_MS, SYMBOL
from grinder.bench.skeleton import Grid
from grinder.kernel.message import Message
from grinder.kernel.observer import Observer
from grinder.messages.orders import OrderEnded, OrderFilled, OrdersSubmitted
from grinder.model.grid_settings import GridSettings
from grinder.model.settings import (
    Config,
    FeedSettings,
    JournalSettings,
    RiskSettings,
    RouterSettings,
    RunSettings,
    SimSettings,
)
from grinder.model.units import NS_PER_MS
from grinder.simulation.market import MarketEvent, Quote
from grinder.venues.simulated import Latency

CAP = Decimal(1_000_000)
"""Money is no object: no cap of ours takes part in what is measured."""
ORDERS_MAX = 100_000
"""Nor does our share of the venue's order limits."""


def settings(grid: Grid, journal: str = "") -> Config:
    """Return the defaults with this ladder, with caps out of the way, recorded in ``journal``."""
    return Config(
        journal=JournalSettings(directory=journal),
        run=RunSettings(symbols=(SYMBOL,)),
        sim=SimSettings(balance=CAP),
        feed=FeedSettings(depth=False),
        policy=GridSettings(
            spacing_bps=grid.step,
            levels=grid.levels,
            recentre_bps=grid.recentre,
            exit_spacing_bps=grid.step,
        ),
        risk=RiskSettings(
            cooldown_ms=0,
            position_notional_max=CAP,
            total_notional_max=CAP,
            drawdown_limit=1.0,
            daily_loss_limit=Decimal(0),
            entries_1m_max=0,
        ),
        router=RouterSettings(orders_10s_max=ORDERS_MAX, orders_1m_max=ORDERS_MAX),
    )


def world_of(grid: Grid, quotes: Iterator[Quote], journal: str = "") -> World:
    """Return a started world that will play ``quotes``; orders and news of them take a quote."""
    world = World(
        settings(grid, journal),
        {SYMBOL: INSTRUMENT},
        cast("Iterator[MarketEvent]", quotes),
        latency=Latency(order_ms=QUOTE_MS, event_ms=QUOTE_MS),
    )
    world.start()
    return world


def play(world: World, quotes: int) -> None:
    """Let as much virtual time pass as ``quotes`` quotes take."""
    world.run_for(quotes * QUOTE_MS * NS_PER_MS)


class Tally(Observer):
    """Counts what became of orders, for a look beside the measured rounds."""

    hears = (OrdersSubmitted, OrderFilled, OrderEnded)

    def __init__(self) -> None:
        self.placed = 0
        self.cancelled = 0
        self.fills = 0

    def observe(self, sender: str, at_ns: int, body: Message) -> None:
        """Count one."""
        if isinstance(body, OrdersSubmitted):
            self.placed += len(body.orders)
        elif isinstance(body, OrderFilled):
            self.fills += 1
        elif isinstance(body, OrderEnded) and body.status == "CANCELED":
            self.cancelled += 1
