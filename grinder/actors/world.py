"""The whole system in the stepped runtime: one thread, virtual time, a simulated venue.

The engine of tests, benchmarks and simulations. The actors, their wiring and their messages are
those of a live run; runtime and ports are not.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal

from grinder.actors.recording import describe, journal_port, stepped_books_port
from grinder.actors.wiring import RISK, Facts, Ports, assemble
from grinder.kernel.stepped import DEFAULT_START_NS, SteppedRuntime
from grinder.lease.memory import MemoryLeasePort
from grinder.messages.risk import StopPosition, StopTrading
from grinder.model.fees import FeeRates
from grinder.model.instrument import Instrument
from grinder.model.legs import HEDGE, legs_of, markets_of
from grinder.model.settings import Config
from grinder.model.units import NS_PER_MS
from grinder.simulation.exchange import Exchange
from grinder.simulation.market import MarketEvent
from grinder.venues.simulated import Latency, SimulatedVenue
from grinder.venues.simulated_rest import SimulatedRestPort

ACCOUNT = "sim"
FUNDING_RATE = Decimal("0.0001")


class World:
    """A system and its venue, stepped together."""

    def __init__(
        self,
        config: Config,
        instruments: Mapping[str, Instrument],
        source: Iterator[MarketEvent],
        *,
        seed: int | None = None,
        latency: Latency | None = None,
        start_ns: int = DEFAULT_START_NS,
        funding_rate: Decimal = FUNDING_RATE,
    ) -> None:
        self.runtime = SteppedRuntime(start_ns, seed)
        instruments = legs_of(instruments, config.venue.position_mode)
        start_ms = start_ns // NS_PER_MS
        self.exchange = Exchange(markets_of(instruments), fees=FeeRates(), start_ms=start_ms)
        self.exchange.open_account(ACCOUNT, config.sim.balance)
        if config.venue.position_mode == HEDGE:
            self.exchange.set_hedged(ACCOUNT, True)
        self.venue = SimulatedVenue(
            self.exchange,
            instruments,
            source,
            account=ACCOUNT,
            latency=latency,
            funding_rate=funding_rate,
        )
        facts = Facts(instruments=instruments, started_ns=start_ns, instance="world")
        journal = journal_port(config, describe(config, facts), is_stepped=True)
        ports = Ports(
            venue=SimulatedRestPort(self.venue, journal.ahead if journal is not None else None),
            user=self.venue.user,
            public=self.venue.public,
            market=self.venue.market,
            lease=MemoryLeasePort(),
            journal=journal,
            books=stepped_books_port(config),
        )
        assemble(self.runtime, config, facts, ports)

    def start(self) -> None:
        """Bring the system up; nothing moves before ``run_for``."""
        self.runtime.start()

    def run_for(self, duration_ns: int) -> None:
        """Let virtual time pass."""
        self.runtime.run_for(duration_ns)

    def wind_down(self, position: StopPosition = StopPosition.KEEP) -> None:
        """Ask for the end of the run; it takes some virtual time."""
        self.runtime.tell(self.runtime.address(RISK), StopTrading(position=position))
