"""The system: which actors there are, who supervises them, and who hears what.

The tree and the routes below are the whole wiring; nothing is connected anywhere else.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import attrs

from grinder.actors.account_sync import AccountSyncActor
from grinder.actors.exchange import ExchangeActor
from grinder.actors.feature import FeatureActor
from grinder.actors.feed import FeedActor
from grinder.actors.journal import JournalActor
from grinder.actors.leader import LeaderActor
from grinder.actors.ledger import LedgerActor
from grinder.actors.policy import PolicyActor
from grinder.actors.reconcile import ReconcileActor
from grinder.actors.risk import RiskSupervisor
from grinder.actors.router import RouterActor
from grinder.actors.selection import SelectionActor
from grinder.execution.identity import IdentityScheme
from grinder.kernel import signals
from grinder.kernel.actor import Actor
from grinder.kernel.address import Address
from grinder.kernel.keeper import Keeper
from grinder.kernel.message import Message
from grinder.kernel.port import Port, RecordingPort
from grinder.kernel.runtime import Runtime
from grinder.kernel.spec import (
    SHARED_THREAD,
    ChildSpec,
    Intensity,
    Strategy,
    SupervisorSpec,
)
from grinder.messages import (
    account,
    control,
    features,
    grid,
    journal,
    ledger,
    market,
    orders,
    risk,
    venue,
)
from grinder.model.instrument import Instrument
from grinder.model.legs import by_market, markets_of, names_of
from grinder.model.settings import Config, SupervisionSettings
from grinder.model.units import NS_PER_MS, NS_PER_S
from grinder.policy.conductor import conductor_for
from grinder.policy.legs import settings_of_leg

ROOT = "grinder"
RISK = "risk"
"""Name of RiskSupervisor's address: operators and the shutdown speak to it."""


@attrs.frozen(kw_only=True)
class Ports:
    """The doors to the outside, real or simulated."""

    venue: Port
    user: Port
    public: Port
    market: Port
    lease: Port
    journal: RecordingPort | None = None
    """None in a run that is not recorded."""
    books: Port | None = None
    """None in a run that keeps no books."""
    keeper: Keeper | None = None
    """None in a run that forgets what is latched when it ends."""


@attrs.frozen(kw_only=True)
class Facts:
    """What was learned before the start."""

    instruments: Mapping[str, Instrument]
    """By leg (``grinder.model.legs``), in the order of the configuration."""
    started_ns: int
    """Start of the run; fills and funding count from here on."""
    instance: str
    """Name of this instance, for the lease."""


def assemble(runtime: Runtime, config: Config, facts: Facts, ports: Ports) -> None:
    """Put ports, actors and routes into ``runtime``; nothing runs yet."""
    if ports.journal is not None:
        # The first one, so that it is closed last and has heard everything.
        runtime.add_port("port.journal", ports.journal)
        runtime.recorder = ports.journal.note
    runtime.add_port("port.venue", ports.venue)
    runtime.add_port("port.user", ports.user)
    runtime.add_port("port.public", ports.public)
    runtime.add_port("port.market", ports.market)
    runtime.add_port("port.lease", ports.lease)
    runtime.add_port("port.keeper", ports.keeper or Keeper())
    if ports.books is not None:
        runtime.add_port("port.books", ports.books)
    factories = _factories(config, facts, runtime.address)
    runtime.declare(tree(config, factories))
    connect(runtime, tuple(facts.instruments), optional(config))


def is_recorded(config: Config) -> bool:
    """Return whether a run with this configuration writes a journal."""
    return bool(config.journal.directory)


def is_kept(config: Config) -> bool:
    """Return whether a run with this configuration keeps books beyond its end."""
    return bool(config.books.url)


def _factories(
    config: Config, facts: Facts, address: Callable[[str], Address]
) -> dict[str, Callable[[], Actor]]:
    instruments, markets = facts.instruments, markets_of(facts.instruments)
    symbols = tuple(instruments)
    identity = IdentityScheme(symbols, facts.started_ns // NS_PER_S)
    made: dict[str, Callable[[], Actor]] = {
        "leader": lambda: LeaderActor(config.leader, facts.instance, address("port.lease")),
        "risk": lambda: RiskSupervisor(
            config,
            instruments,
            address("port.keeper"),
            is_armed=config.run.venue == "sim" or config.run.armed,
            is_recorded=is_recorded(config),
        ),
        "exchange": lambda: ExchangeActor(
            instruments=instruments,
            identity=identity,
            settings=config.venue,
            stop=config.stop,
            started_ns=facts.started_ns,
            venue=address("port.venue"),
            user=address("port.user"),
        ),
        "router": lambda: RouterActor(config.router, instruments, identity),
        "account_sync": lambda: AccountSyncActor(config.sync, address("port.venue")),
        "reconcile": lambda: ReconcileActor(config.sync, symbols, identity),
        "ledger": _ledger_factory(config, facts, address),
        "feature": lambda: FeatureActor(config.features, config.toxicity, markets),
        "feed": lambda: FeedActor(
            config.feed,
            tuple(markets),
            address("port.public"),
            address("port.market"),
            address("port.venue"),
        ),
    }
    extras: dict[str, Callable[[], Actor]] = {
        "journal": lambda: JournalActor(config.journal, address("port.journal")),
        "selection": lambda: SelectionActor(config.selection, markets),
    }
    made.update((name, extras[name]) for name in optional(config))
    for symbol, instrument in instruments.items():
        made[f"policy.{symbol}"] = _policy_factory(
            symbol, instrument, config, address("port.keeper")
        )
    return made


def _ledger_factory(
    config: Config, facts: Facts, address: Callable[[str], Address]
) -> Callable[[], Actor]:
    return lambda: LedgerActor(
        facts.instruments,
        facts.started_ns,
        address("port.venue"),
        source="paper" if config.run.venue == "sim" else "live",
        store=address("port.books") if is_kept(config) else None,
    )


def _policy_factory(
    symbol: str, instrument: Instrument, config: Config, keeper: Address
) -> Callable[[], Actor]:
    own = settings_of_leg(config, instrument.position_side)
    return lambda: PolicyActor(symbol, instrument, own, conductor_for(instrument, own), keeper)


def _child(name: str, factory: Callable[[], Actor], settings: SupervisionSettings) -> ChildSpec:
    return ChildSpec(
        name=name,
        factory=factory,
        thread=SHARED_THREAD if settings.placement == "shared" else "",
        mailbox_max=settings.mailbox_max,
        stall_after_ns=settings.stall_after_ms * NS_PER_MS,
        start_timeout_ns=settings.start_timeout_ms * NS_PER_MS,
        shutdown_ns=settings.shutdown_ms * NS_PER_MS,
    )


def tree(config: Config, factories: Mapping[str, Callable[[], Actor]]) -> SupervisorSpec:
    """Return the supervision tree; children start in this order and stop in the reverse one."""
    settings = config.supervision

    def actor(name: str) -> ChildSpec:
        return _child(name, factories[name], settings)

    intensity = Intensity(
        restarts_max=settings.restarts_max,
        period_ns=settings.period_ms * NS_PER_MS,
        backoff_ns=settings.backoff_ms * NS_PER_MS,
        backoff_max_ns=settings.backoff_max_ms * NS_PER_MS,
    )

    def group(
        name: str, *children: ChildSpec, strategy: Strategy = Strategy.ONE_FOR_ONE
    ) -> SupervisorSpec:
        return SupervisorSpec(name=name, strategy=strategy, intensity=intensity, children=children)

    policies = tuple(
        actor(name) for name in factories if name == "selection" or name.startswith("policy.")
    )
    return SupervisorSpec(
        name=ROOT,
        intensity=intensity,
        children=(
            group("command", actor("leader"), actor("risk")),
            group("trading", actor("exchange"), actor("router")),
            # Reconciliation compares with what the sync has read: a new sync, a new comparison.
            group(
                "books",
                actor("account_sync"),
                actor("reconcile"),
                strategy=Strategy.REST_FOR_ONE,
            ),
            group(
                "accounting",
                *(actor(name) for name in ("journal", "ledger") if name in factories),
            ),
            group("policies", *policies),
            group("data", actor("feature"), actor("feed")),
        ),
    )


def declared_tree(config: Config) -> SupervisorSpec:
    """Return the tree as it would be run, for people to look at; its factories make nothing."""
    names = ["leader", "risk", "exchange", "router", "account_sync", "reconcile", "ledger"]
    names += optional(config)
    legs = names_of(config.run.symbols, config.venue.position_mode)
    names += [f"policy.{leg}" for leg in legs]
    return tree(config, dict.fromkeys([*names, "feature", "feed"], Actor))


ROUTES: tuple[tuple[type[Message], str], ...] = (
    # market to plan
    (market.BookTicked, "feature"),
    (market.TradePrinted, "feature"),
    (market.DepthSynced, "feature"),
    (market.DepthChanged, "feature"),
    (market.LiquidationPrinted, "feature"),
    (market.MarketStatsChanged, "feature"),
    (features.FeaturesComputed, "risk"),
    (features.FeaturesSampled, "risk"),
    (market.MarkPriced, "feature router ledger"),
    (market.FeedHealthChanged, "feature risk"),
    # plan to venue
    (grid.IntentsProposed, "risk"),
    (grid.IntentsApproved, "router"),
    (orders.PlaceOrders, "exchange"),
    (orders.CancelOrder, "exchange"),
    # venue to everyone whom it concerns
    (orders.OrdersSubmitted, "risk reconcile"),
    (orders.OrderAccepted, "risk reconcile"),
    (orders.OrderRejected, "risk router reconcile"),
    (orders.OrderFilled, "risk reconcile ledger"),
    (orders.OrderEnded, "risk router reconcile"),
    (orders.OrdersSynced, "risk router reconcile ledger"),
    (orders.OrdersRequested, "exchange"),
    (account.PositionChanged, "risk reconcile ledger"),
    (account.FundingPaid, "ledger"),
    (ledger.LedgerChanged, "risk"),
    (ledger.DayChanged, "risk"),
    (risk.LedgerRequested, "ledger"),
    (account.AccountSynced, "risk exchange reconcile ledger"),
    (account.AccountSyncFailed, "risk"),
    # leave to act
    (control.LeadershipGained, "risk"),
    (control.LeadershipLost, "risk"),
    (risk.PermitsRevoked, "router exchange"),
    (risk.WindDownStarted, "exchange"),
    (venue.VenueThrottled, "risk router"),
    (venue.VenueDenied, "risk"),
    (venue.BudgetReported, "router"),
    # who is up
    (signals.ActorFailed, "risk router exchange"),
    (signals.ActorStarted, "risk"),
    (signals.ActorRestarted, "risk"),
)
"""Message class, and the names of everyone who hears it."""

OPTIONAL_ROUTES: dict[str, tuple[tuple[type[Message], str], ...]] = {
    "journal": (
        (journal.JournalHealthChanged, "risk"),
        (control.LeadershipGained, "journal"),
        (signals.ActorStarted, "journal"),
        (signals.ActorRestarted, "journal"),
    ),
    "selection": (
        (features.FeaturesSampled, "selection"),
        (risk.SymbolBanned, "selection"),
    ),
}
"""The same beside the others for an actor that not every run has, by its name."""

POLICY_ROUTES: tuple[type[Message], ...] = (
    features.FeaturesComputed,
    features.FeaturesSampled,
    risk.RiskBudgetChanged,
    risk.SymbolBanned,
    risk.EntriesWithdrawn,
    market.FeedHealthChanged,
    market.MarkPriced,
    grid.IntentsDenied,
    grid.SymbolSelected,
    orders.OrdersSubmitted,
    orders.OrderAccepted,
    orders.OrderRejected,
    orders.OrderFilled,
    orders.OrderEnded,
    orders.CancelRejected,
    orders.OrdersSynced,
    account.PositionChanged,
    ledger.LedgerChanged,
)
"""What the policy of the message's symbol hears besides."""

OF_MARKETS = frozenset(
    (
        features.FeaturesComputed,
        features.FeaturesSampled,
        market.FeedHealthChanged,
        market.MarkPriced,
        grid.SymbolSelected,
        risk.SymbolBanned,
    )
)
"""Those of them whose symbol is a market: the policies of all its legs hear them."""


def optional(config: Config) -> tuple[str, ...]:
    """Return the names of the actors that this run has and others have not."""
    wanted = {"journal": is_recorded(config), "selection": config.selection.enabled}
    return tuple(name for name, is_wanted in wanted.items() if is_wanted)


def connect(runtime: Runtime, symbols: tuple[str, ...], extras: tuple[str, ...]) -> None:
    """Say who hears what; ``extras`` names optional actors."""
    at = runtime.address
    routes = runtime.routes
    policy = {leg: at(f"policy.{leg}") for leg in symbols}
    policies = tuple(policy.values())
    of_market = {
        market: tuple(policy[leg] for leg in legs) for market, legs in by_market(symbols).items()
    }

    for message_class, names in (*ROUTES, *(row for one in extras for row in OPTIONAL_ROUTES[one])):
        routes.connect(message_class, *(at(name) for name in names.split()))
    for message_class in (risk.RiskStateChanged, risk.WindDownStarted, grid.SelectionRanked):
        routes.connect(message_class, *policies)
    for message_class in POLICY_ROUTES:
        named = of_market if message_class in OF_MARKETS else policy
        routes.connect_keyed(message_class, "symbol", named)
