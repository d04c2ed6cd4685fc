"""A world: an exchange and its market, and one process after the other that trades on it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any, Final

import attrs

from grinder.actors.recording import describe, stepped_books_port
from grinder.actors.wiring import RISK, Facts, Ports, assemble, is_kept, is_recorded
from grinder.actors.world import ACCOUNT
from grinder.errors import ConfigError
from grinder.execution.identity import decode
from grinder.latches.port import MemoryFacts, SteppedLastingKeeper
from grinder.lease.memory import MemoryLeasePort
from grinder.lease.states import LeaseTable
from grinder.messages.venue import Outcome, UserStreamKept
from grinder.model.fees import FeeRates
from grinder.model.instrument import Instrument
from grinder.model.legs import HEDGE, legs_of
from grinder.model.order import OrderType, Side
from grinder.model.settings import Config
from grinder.model.units import NS_PER_MS
from grinder.simulation.exchange import Exchange
from grinder.simulation.market import MarketEvent
from grinder.simulation.orders import NewOrder
from grinder.simulation.refusals import Refusal
from grinder.simulation.reports import Ledger
from grinder.venues.simulated import Latency, SimulatedVenue
from grinder.venues.simulated_rest import SimulatedRestPort
from grinder.worlds.disk import FaultyJournalPort
from grinder.worlds.doors import FaultyDoor, Weather, closed
from grinder.worlds.invariants import Watch
from grinder.worlds.kept import WorldStore
from grinder.worlds.market import EVERY_MS, WorldMarket
from grinder.worlds.operator import Operator
from grinder.worlds.plan import Fault
from grinder.worlds.runtime import ProcessKilledError, WorldRuntime

INSTRUMENTS: Final = (
    Instrument(
        symbol="BTCUSDT",
        base_asset="BTC",
        tick=Decimal("0.10"),
        lot=Decimal("0.001"),
        notional_min=Decimal(100),
        multiplier_up=Decimal("1.05"),
        multiplier_down=Decimal("0.95"),
    ),
    Instrument(
        symbol="ETHUSDT",
        base_asset="ETH",
        tick=Decimal("0.01"),
        lot=Decimal("0.001"),
        notional_min=Decimal(20),
        multiplier_up=Decimal("1.05"),
        multiplier_down=Decimal("0.95"),
    ),
)
FUNDING_NS: Final = 1_700_006_400_000_000_000
"""Some instant at which the venue settles funding: worlds begin so long before it as they say."""
START_TICKS: Final = {"BTCUSDT": 600_000, "ETHUSDT": 300_000}


class Process:
    """One run of the system: a runtime, its ports, and what watches them."""

    def __init__(self, world: FaultWorld, now_ns: int) -> None:
        config = world.config
        self.runtime = WorldRuntime(now_ns, world.order_seed)
        self.weather = Weather(self.runtime.now_ns)
        self.venue = SimulatedVenue(
            world.exchange,
            world.instruments,
            _from(world.market, (now_ns - world.start_ns) // NS_PER_MS),
            account=ACCOUNT,
            latency=Latency(order_ms=10, event_ms=8),
            funding_rate=Decimal("0.0001"),
        )
        facts = Facts(instruments=world.instruments, started_ns=now_ns, instance=world.instance())
        self.journal: FaultyJournalPort | None = None
        if is_recorded(config):
            self.journal = FaultyJournalPort(
                Path(config.journal.directory),
                describe(config, facts),
                config.journal,
                self.weather,
            )
        self.books = stepped_books_port(config, world.books)
        ahead = self.journal.ahead if self.journal is not None else None
        keeper = SteppedLastingKeeper(world.latches, RISK)
        ports = Ports(
            venue=FaultyDoor(SimulatedRestPort(self.venue, ahead), self.weather),
            user=FaultyDoor(self.venue.user, self.weather),
            public=FaultyDoor(self.venue.public, self.weather),
            market=FaultyDoor(self.venue.market, self.weather),
            lease=FaultyDoor(MemoryLeasePort(world.leases), self.weather),
            journal=self.journal,
            books=self.books,
            keeper=keeper,
        )
        assemble(self.runtime, config, facts, ports)
        self.books_at_start: Ledger = world.exchange.ledger(ACCOUNT)
        """What the venue's ledger said when this process began."""
        self.started_ns = now_ns

    def actor(self, name: str) -> Any:
        """Return the living actor at ``name``; None while it is down."""
        cell = self.runtime.resolve(name).slot.cell
        return None if cell is None else cell.actor


def _from(market: WorldMarket, elapsed_ms: int) -> Iterator[MarketEvent]:
    """Yield what the market still has to say, on the clock of a process that begins now."""
    market.skip_to(elapsed_ms)
    if not elapsed_ms:
        return market
    return (attrs.evolve(event, at_ms=event.at_ms - elapsed_ms) for event in market)


class FaultWorld:
    """Exchange, market and the process that lives now; faults are carried out here."""

    def __init__(
        self,
        config: Config,
        seed: int,
        *,
        observer: Watch,
        journal: Path | None = None,
        order_seed: int | None = None,
        funding_ms: int = 0,
        change: Callable[[Process], None] | None = None,
    ) -> None:
        directory = "" if journal is None else str(journal)
        self.config = attrs.evolve(
            config, journal=attrs.evolve(config.journal, directory=directory)
        )
        symbols = config.run.symbols
        self.markets = {one.symbol: one for one in INSTRUMENTS if one.symbol in symbols}
        if len(self.markets) != len(symbols):
            known = ", ".join(one.symbol for one in INSTRUMENTS)
            raise ConfigError((f"run.symbols: worlds have {known}",))
        self.instruments = legs_of(self.markets, config.venue.position_mode)
        """By leg."""
        self.order_seed = order_seed
        self.start_ns = FUNDING_NS - funding_ms * NS_PER_MS
        self.market = WorldMarket({name: START_TICKS[name] for name in self.markets}, seed)
        start_ms = self.start_ns // NS_PER_MS
        self.exchange = Exchange(self.markets, fees=FeeRates(), start_ms=start_ms)
        self.exchange.open_account(ACCOUNT, config.sim.balance)
        if config.venue.position_mode == HEDGE:
            self.exchange.set_hedged(ACCOUNT, True)
        self.leases = LeaseTable()
        self.books = WorldStore() if is_kept(config) else None
        """What every process of the world keeps its books in."""
        self.latches = MemoryFacts()
        """What every process of the world has latched."""
        self.operator = Operator(self)
        self.kills = 0
        self.done: dict[str, int] = {}
        """How often a fault of each kind was carried out or hit something."""
        self.hand_lots: dict[str, int] = dict.fromkeys(self.instruments, 0)
        """Lots that somebody traded by hand, by symbol."""
        self._observer = observer
        observer.world = self
        self._change = change
        self.process = self._begin(self.start_ns)

    def instance(self) -> str:
        """Return the name of the process that begins now."""
        return f"world-{self.kills}"

    def _begin(self, now_ns: int) -> Process:
        process = Process(self, now_ns)
        process.runtime.observe(self._observer)
        if self._change is not None:
            self._change(process)
        process.runtime.start()
        return process

    @property
    def now_ns(self) -> int:
        """The virtual time."""
        return self.process.runtime.now_ns()

    @property
    def now_ms(self) -> int:
        """The virtual time in ms since the start of the world."""
        return (self.now_ns - self.start_ns) // NS_PER_MS

    def run_to(self, at_ms: int) -> None:
        """Let virtual time pass until ``at_ms`` after the start."""
        try:
            self.process.runtime.run_until(self.start_ns + at_ms * NS_PER_MS)
        except ProcessKilledError:
            self._restart(500)
            self.run_to(at_ms)

    def _restart(self, down_ms: int) -> None:
        """Let the process die; the venue goes on, and after a while another process begins."""
        self.kills += 1
        old = self.process.runtime
        old.trap = 0
        old.perish()
        self._collect_hits()
        old.run_for(down_ms * NS_PER_MS)
        if old.now_ns() // NS_PER_MS % EVERY_MS == 0:
            # What happens in the millisecond of a start belongs to both processes.
            old.run_for(NS_PER_MS)
        for port in (self.process.journal, self.process.books):
            if port is not None:
                port.abandon()
        self._observer.begin_process()
        self.process = self._begin(old.now_ns())

    def close(self) -> None:
        """End the process and its journal in order: the end is no place for a trap."""
        self._collect_hits()
        self.process.runtime.trap = 0
        self.process.runtime.stop()

    def _collect_hits(self) -> None:
        for kind, count in self.process.weather.hits.items():
            self.done[kind] = self.done.get(kind, 0) + count
        self.process.weather.hits.clear()

    # What goes wrong.

    def strike(self, fault: Fault) -> None:
        """Let ``fault`` happen now."""
        at_once = self._at_once().get(fault.kind)
        if at_once is None:
            self.process.weather.begin(fault)
            return
        if at_once(fault) is not False:
            self.done[fault.kind] = self.done.get(fault.kind, 0) + 1

    def _at_once(self) -> dict[str, Callable[[Fault], object]]:
        runtime = self.process.runtime
        return {
            "crash": lambda fault: self._inject(fault.target, "raise"),
            "hang": lambda fault: self._inject(fault.target, "hang"),
            "slow": lambda fault: runtime.hold(fault.target, fault.ms),
            "kill": lambda fault: self._restart(fault.ms),
            "pause": self._pause,
            "user-closed": lambda _: self._close_stream("user"),
            "market-closed": lambda _: self._close_stream("public", "market"),
            "key-lost": self._lose_key,
            "price-jump": self._jump,
            "small-fills": self._fill_in_parts,
            "by-hand": self._trade_by_hand,
            "cancel-by-hand": self._cancel_by_hand,
            **self.operator.at_once(),
        }

    def _inject(self, name: str, kind: str) -> bool:
        try:
            self.process.runtime.inject(name, kind)
        except KeyError:
            return False  # no such actor in this configuration
        return True

    def _pause(self, fault: Fault) -> None:
        """Let time pass for everybody but us: afterwards every timer of ours is late."""
        runtime = self.process.runtime
        held = [one.name for one in runtime.snapshots() if one.state == "ready"]
        for name in held:
            runtime.hold(name, fault.ms)

    def _close_stream(self, *names: str) -> None:
        for name in names:
            door = getattr(self.process.venue, name)
            owner = door.owner if name != "user" else door._owner
            if owner is not None:
                stream = "private" if name == "user" else name
                self.process.runtime.tell(owner, closed(stream, door.connection))
                if name == "user":
                    door._owner = None
                else:
                    door.owner = None

    def _lose_key(self, _: Fault) -> None:
        door = self.process.venue.user
        if door._owner is not None:
            self.process.runtime.tell(
                door._owner,
                UserStreamKept(
                    connection=door.connection, outcome=Outcome.REFUSED, code=-1125, text="gone"
                ),
            )

    def _jump(self, fault: Fault) -> None:
        chance = Random(fault.seed)
        symbol = chance.choice(sorted(self.markets))
        self.market.jump(symbol, chance.uniform(-60, 60))

    def _fill_in_parts(self, fault: Fault) -> bool:
        """Let somebody trade one lot after the other at the price of one of our orders."""
        orders = self.exchange.open_orders(ACCOUNT)
        if not orders:
            return False
        chance = Random(fault.seed)
        order = chance.choice(orders)
        for _ in range(chance.randint(1, 3)):
            self.exchange.trade(
                order.symbol,
                order.price_ticks,
                1,
                order.side is Side.BUY,
                self.process.venue.now_ms,
            )
        self.process.venue.settle()
        return True

    def _trade_by_hand(self, fault: Fault) -> bool:
        chance = Random(fault.seed)
        symbol = chance.choice(sorted(self.instruments))
        instrument = self.instruments[symbol]
        lots = max(2, self._least_lots(instrument))
        try:
            self.exchange.place(
                ACCOUNT,
                NewOrder(
                    symbol=instrument.market,
                    side=chance.choice(list(Side)),
                    type=OrderType.MARKET,
                    qty=instrument.qty(lots),
                    position_side=instrument.position_side,
                ),
                self.process.venue.now_ms,
            )
        except Refusal:
            return False
        self.hand_lots[symbol] += lots
        self.process.venue.settle()
        return True

    def _least_lots(self, instrument: Instrument) -> int:
        bid, _ = self.market.quotes[instrument.market]
        return int(instrument.notional_min / instrument.notional(bid, 1)) + 1

    def _cancel_by_hand(self, fault: Fault) -> bool:
        orders = [
            one
            for one in self.exchange.open_orders(ACCOUNT)
            if decode(one.client_order_id) is not None
        ]
        if not orders:
            return False
        order = Random(fault.seed).choice(orders)
        self.exchange.cancel(
            ACCOUNT,
            order.symbol,
            client_order_id=order.client_order_id,
            now_ms=self.process.venue.now_ms,
        )
        self.process.venue.settle()
        return True
