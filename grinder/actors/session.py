"""One live run: from settings to a running system, and from a signal to a clean end."""

from __future__ import annotations

import gc
import os
import socket
import sys
import threading
from contextlib import ExitStack
from functools import partial
from ipaddress import ip_address
from pathlib import Path

import attrs

from grinder import __version__
from grinder.actors.commands import told
from grinder.actors.recording import books_port, describe, journal_port, latch_keeper
from grinder.actors.wiring import RISK, Facts, Ports, assemble, is_recorded
from grinder.config.secrets import Secrets
from grinder.config.write import config_hash
from grinder.console.bans import BanWish
from grinder.console.bookswatch import BooksObserver
from grinder.console.gridwatch import GridObserver
from grinder.console.http import ConsoleServer, Sources
from grinder.console.log import observer_for
from grinder.console.metrics import Metrics
from grinder.console.report import build_report
from grinder.console.terminal import Terminal
from grinder.console.views import StateView
from grinder.console.watch import MetricsObserver
from grinder.errors import ConfigError
from grinder.execution.identity import IdentityScheme
from grinder.journal.port import JournalPort
from grinder.kernel.message import Message
from grinder.kernel.observer import Observer
from grinder.kernel.signals import ActorFailed
from grinder.kernel.threads import ThreadRuntime
from grinder.lease.memory import MemoryLeasePort
from grinder.messages.risk import (
    BanSymbol,
    LiftBan,
    StopPosition,
    StopTrading,
    WindDownCompleted,
)
from grinder.model.legs import HEDGE, markets_of
from grinder.model.settings import Config
from grinder.planner.ladder import why_untradable
from grinder.venues.binance import VenueFacts, VenueHosts, hosts, load_venue
from grinder.venues.binance_rest import BinanceRestPort
from grinder.venues.last_resort import cancel_own
from grinder.venues.signing import Credentials
from grinder.venues.sim.config import AccountSeed, VenueConfig, recordings
from grinder.venues.sim.server import VenueServer
from grinder.venues.stream import BinanceStreamPort, BinanceUserStreamPort

SWITCH_INTERVAL_S = 0.0005
"""How long a thread with a request to send waits for a busy one; shorter ones thrash (docs)."""
ASK_AGAIN_S = 1.0
"""Pause before the request to wind down is repeated: whoever heard it may have died."""
STOP_MARGIN_S = 1.5


class EndWatch(Observer):
    """Remembers how the wind-down ended, and whether a port has failed."""

    hears = (WindDownCompleted, ActorFailed)

    def __init__(self) -> None:
        self.completed: WindDownCompleted | None = None
        self.is_done = threading.Event()
        self.broken_port = ""
        """Name and error of a port that failed: nobody restarts one inside the process."""

    def observe(self, sender: str, at_ns: int, body: Message) -> None:
        """Keep the last word."""
        if isinstance(body, WindDownCompleted):
            self.completed = body
            self.is_done.set()
        elif isinstance(body, ActorFailed) and body.actor.startswith("port."):
            self.broken_port = f"{body.actor}: {body.detail}"


@attrs.frozen(kw_only=True)
class Ending:
    """How a run ended."""

    is_clean: bool
    """True when the venue confirmed that nothing of ours rests."""
    detail: str


class Session:
    """A live system with its console; every problem before the start is a ConfigError."""

    def __init__(self, config: Config, secrets: Secrets, *, is_picture: bool) -> None:
        _check_arming(config)
        sys.setswitchinterval(SWITCH_INTERVAL_S)
        self.config = config
        self.hash = config_hash(config)
        self.journal: JournalPort | None = None
        self.embedded = _embedded_venue(config, secrets)
        with ExitStack() as undo:
            undo.callback(self._close_venue)
            self._prepare(config, secrets, is_picture=is_picture)
            undo.pop_all()

    def _prepare(self, config: Config, secrets: Secrets, *, is_picture: bool) -> None:
        self.addresses = self._addresses()
        credentials = Credentials(key=secrets.api_key, secret=secrets.api_secret)
        facts = load_venue(self.addresses.rest_url, credentials, config.run.symbols, config.venue)
        _check_levels(config, facts)
        self._last_resort = partial(
            cancel_own,
            self.addresses.rest_url,
            credentials,
            facts.clock,
            tuple(markets_of(facts.instruments)),
            config.venue,
            is_own=IdentityScheme(tuple(facts.instruments), 0).is_own,
        )
        self.runtime = ThreadRuntime()
        self._started_ns = self.runtime.now_ns()
        self.ending = EndWatch()
        self.view = StateView(facts.instruments, now_ns=self.runtime.now_ns)
        self._watch(facts, is_picture=is_picture)
        made_from = Facts(
            instruments=facts.instruments,
            started_ns=self._started_ns,
            instance=config.leader.instance or f"{socket.gethostname()}-{os.getpid()}",
        )
        self.journal = journal_port(config, describe(config, made_from))
        books = books_port(config, self._started_ns, is_embedded=self.embedded is not None)
        ports = _live_ports(config, facts, credentials, self.addresses, self.journal)
        ports = attrs.evolve(ports, books=books, keeper=latch_keeper(config))
        assemble(self.runtime, config, made_from, ports)

    def _watch(self, facts: VenueFacts, *, is_picture: bool) -> None:
        """Let observers see what is said, and people see what they saw."""
        config = self.config
        metrics = Metrics(
            config_hash=self.hash,
            version=__version__,
            actors=self.runtime.snapshots,
            is_ready=self.runtime.is_ready,
            now_ns=self.runtime.now_ns,
        )
        self.results = BooksObserver(metrics)
        metrics.journal_wanted.set(is_recorded(config))
        for observer in (
            self.view,
            MetricsObserver(metrics, facts.instruments),
            GridObserver(metrics),
            self.results,
            observer_for(config.run.log_level, facts.instruments),
            self.ending,
        ):
            self.runtime.observe(observer)
        self.console = ConsoleServer(
            config.run.host,
            config.run.port,
            Sources(
                view=self.view,
                registry=metrics.registry,
                actors=self.runtime.snapshots,
                is_ready=self.runtime.is_ready,
                config_hash=self.hash,
                version=__version__,
                fault=self.runtime.inject if config.run.fault_injection else None,
                operate=self._operate if ip_address(config.run.host).is_loopback else None,
                ban=self._ban if ip_address(config.run.host).is_loopback else None,
            ),
        )
        self.terminal = Terminal(self.view, self.runtime.snapshots) if is_picture else None

    def _operate(self, action: str, operator: str, detail: str) -> None:
        """Tell whom it concerns what an operator wants; KeyError for an unknown action."""
        for name, command in told(self.config, action, operator, detail):
            self.runtime.tell(self.runtime.address(name), command)

    def _ban(self, wish: BanWish) -> None:
        """Tell RiskSupervisor which symbol an operator bans, or bans no more."""
        if wish.symbol not in self.config.run.symbols:
            raise KeyError(wish.symbol)
        symbol, operator = wish.symbol, wish.operator
        command: Message = LiftBan(symbol=symbol, operator=operator)
        if not wish.is_lifted:
            command = BanSymbol(
                symbol=symbol,
                duration_ns=wish.duration_ns,
                reason=wish.reason,
                operator=operator,
            )
        self.runtime.tell(self.runtime.address(RISK), command)

    def _addresses(self) -> VenueHosts:
        if self.embedded is None:
            return hosts(self.config.run.venue, self.config.venue)
        rest_url, stream_url = self.embedded.start()
        return VenueHosts(rest_url=rest_url, stream_url=stream_url)

    def start(self) -> None:
        """Bring the system up.

        What was made before, mostly code and recordings, stays for the whole run: looking through
        it for garbage would stop every thread for tens of milliseconds at a time.
        """
        gc.collect()
        gc.freeze()
        self.runtime.start()
        if self.terminal is not None:
            self.terminal.start()

    def must_end(self) -> bool:
        """Return whether the run can't go on: the tree gave up, or a port is broken."""
        return self.runtime.root_exit is not None or bool(self.ending.broken_port)

    def stop(self) -> Ending:
        """Wind down, stop every actor and port, and say how it ended."""
        ending = self._wind_down()
        self.runtime.stop(timeout_s=2.0)
        self.console.close()
        if self.terminal is not None:
            self.terminal.close()
        self._close_venue()
        return ending

    def _ask_for_the_end(self) -> None:
        """Ask for the wind-down until it is done, the system gave up, or its time is over."""
        position = StopPosition(self.config.stop.position)
        deadline_s = self.config.stop.timeout_ms / 1000 + STOP_MARGIN_S
        waited_s = 0.0
        while waited_s < deadline_s and self.runtime.root_exit is None:
            self.runtime.tell(self.runtime.address(RISK), StopTrading(position=position))
            if self.ending.is_done.wait(ASK_AGAIN_S):
                return
            waited_s += ASK_AGAIN_S

    def _wind_down(self) -> Ending:
        self._ask_for_the_end()
        done = self.ending.completed
        if done is None:
            ended = self.runtime.root_exit
            why = f"the system gave up: {ended.detail}" if ended else "no answer in time"
            left = self._last_resort()
            return Ending(
                is_clean=False,
                detail=f"{why}; orders of ours left: {'unknown' if left is None else left}",
            )
        broken = self.ending.broken_port
        is_clean = done.is_confirmed and done.open_orders == 0 and not broken
        return Ending(is_clean=is_clean, detail=broken or done.detail)

    def report(self) -> dict[str, object]:
        """Return the summary of the run."""
        seen = build_report(
            self.view,
            self.runtime.snapshots(),
            config_hash=self.hash,
            version=__version__,
            stop_position=self.config.stop.position,
            duration_s=(self.runtime.now_ns() - self._started_ns) / 1e9,
        )
        return seen | self.results.summary()

    def _close_venue(self) -> None:
        if self.embedded is not None:
            self.embedded.stop()


def _check_arming(config: Config) -> None:
    venue = config.run.venue
    problems = []
    if venue != "sim" and not config.run.armed:
        problems.append(f"run.armed: trading on {venue} needs run.armed = true")
    if venue == "binance" and not config.run.allow_mainnet:
        problems.append("run.allow_mainnet: real money needs run.allow_mainnet = true")
    if venue != "sim" and config.run.fault_injection:
        problems.append(f"run.fault_injection: faults are not injected on {venue}")
    if problems:
        raise ConfigError(tuple(problems))


def _check_levels(config: Config, facts: VenueFacts) -> None:
    problems = [
        why_untradable(instrument, config.policy, facts.prices[market])
        for market, instrument in markets_of(facts.instruments).items()
    ]
    if any(problems):
        raise ConfigError(tuple(problem for problem in problems if problem))


def _embedded_venue(config: Config, secrets: Secrets) -> VenueServer | None:
    """Return the venue to run inside, or None when there is one elsewhere."""
    if config.run.venue != "sim" or config.venue.rest_url:
        return None
    sim = config.sim
    return VenueServer(
        VenueConfig(
            symbols=config.run.symbols,
            data=recordings([name for name in sim.data.split(",") if name], sim.regimes),
            regimes=sim.regimes,
            faults=Path(sim.faults) if sim.faults else None,
            seed=sim.seed,
            speed=sim.speed,
            order_log=Path(sim.order_log) if sim.order_log else None,
            accounts=(
                AccountSeed(
                    key=secrets.api_key,
                    secret=secrets.api_secret,
                    balance=sim.balance,
                    is_hedged=config.venue.position_mode == HEDGE,
                ),
            ),
        )
    )


def _live_ports(
    config: Config,
    facts: VenueFacts,
    credentials: Credentials,
    addresses: VenueHosts,
    journal: JournalPort | None,
) -> Ports:
    def stream(route: str) -> BinanceStreamPort:
        return BinanceStreamPort(
            stream=route,
            stream_url=addresses.stream_url,
            instruments=facts.instruments,
            settings=config.venue,
            depth=config.feed.depth,
        )

    return Ports(
        venue=BinanceRestPort(
            rest_url=addresses.rest_url,
            credentials=credentials,
            clock=facts.clock,
            instruments=facts.instruments,
            settings=config.venue,
            weight_limit_1m=facts.weight_limit_1m,
            ahead=journal.ahead if journal is not None else None,
        ),
        user=BinanceUserStreamPort(
            rest_url=addresses.rest_url,
            stream_url=addresses.stream_url,
            credentials=credentials,
            clock=facts.clock,
            instruments=facts.instruments,
            settings=config.venue,
        ),
        public=stream("public"),
        market=stream("market"),
        lease=MemoryLeasePort(),
        journal=journal,
    )
