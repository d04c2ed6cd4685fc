"""The tree of settings. Every field has a unit in its name, a default, and a reader.

Money is Decimal and written as text in TOML. The tree is composed of one class for each section
of the file; see ``grinder config init`` for a commented file with every default.
"""

from __future__ import annotations

from decimal import Decimal

import attrs

from grinder.model.grid_settings import GridSettings
from grinder.model.safety import CloseSettings, LatchSettings
from grinder.model.steering import ControllerSettings, ThrottleSettings
from grinder.model.strategy import (
    AdaptiveSettings,
    BooksSettings,
    RegimeSettings,
    SelectionSettings,
    SelectorSettings,
    SizingSettings,
    ToxicitySettings,
)


@attrs.frozen(kw_only=True)
class RunSettings:
    """[run]: what to run."""

    symbols: tuple[str, ...] = ("BTCUSDT", "ETHUSDT")
    venue: str = "sim"
    """sim, binance-demo, binance-testnet or binance."""
    armed: bool = False
    """Needed, with credentials, before anything is sent to any venue but the simulated one."""
    allow_mainnet: bool = False
    """Needed besides for the venue called binance."""
    port: int = 9090
    """HTTP port of the console; 0 picks a free one."""
    host: str = "127.0.0.1"
    log: str = "auto"
    """text, json, or auto: the live picture on a terminal, text elsewhere."""
    log_level: str = "info"
    core: int = -1
    """The one processor core, counted from 0, that the process keeps to; -1: all of them. Its
    threads take turns anyway, and hand over to each other sooner there. Linux only."""
    fault_injection: bool = False
    """Serve POST /debug/fault/ACTOR/KIND; refused with any venue but sim."""


@attrs.frozen(kw_only=True)
class VenueSettings:
    """[venue]: how to talk to it."""

    rest_url: str = ""
    """Overrides the address that belongs to run.venue."""
    stream_url: str = ""
    position_mode: str = "one-way"
    """one-way: one position for each symbol; hedge: a long and a short one, each with a grid of its
    own. The account has to be set to it at the venue."""
    recv_window_ms: int = 5_000
    connect_timeout_ms: int = 5_000
    place_timeout_ms: int = 1_500
    cancel_timeout_ms: int = 600
    read_timeout_ms: int = 2_500
    place_threads: int = 4
    cancel_threads: int = 2
    batches: bool = True
    """Send the entries of a plan five to a request, and cancels that wait together up to ten."""
    queue_max: int = 1_000
    """Requests waiting for each kind of thread; more are refused."""
    order_weight_reserve: int = 300
    """Request weight a minute that reads and batches leave to cancels."""
    dead_man_ms: int = 30_000
    """Countdown after which the venue cancels our orders unless told again; 0 turns it off."""
    listen_key_keepalive_ms: int = 1_800_000
    unknown_margin_ms: int = 1_000
    """Added to the receive window before an unanswered order is looked up for good."""


@attrs.frozen(kw_only=True)
class SimSettings:
    """[sim]: the embedded venue."""

    data: str = ""
    """Recordings to play, FILE or SYMBOL=FILE, separated by commas: frames of hftbacktest or
    cryptofeed, or bars (CSV). Empty plays the one in the package."""
    regimes: tuple[str, ...] = ()
    """Kinds of generated markets: range, trend-up, trend-down, shock, thin, crash, halt. Empty: the
    first five by chance; else nothing is recorded unless data says so."""
    faults: str = ""
    """File of what the venue shall do wrong (docs/venue.md)."""
    speed: float = 1.0
    seed: int = 1
    balance: Decimal = Decimal(10_000)
    order_log: str = ""
    """File for the venue's own order log; empty keeps it in memory only."""


@attrs.frozen(kw_only=True)
class FeedSettings:
    """[feed]: market data."""

    book_stale_after_ms: int = 5_000
    trade_stale_after_ms: int = 30_000
    depth_stale_after_ms: int = 5_000
    mark_stale_after_ms: int = 10_000
    reconnect_delay_ms: int = 1_000
    """First pause before a reconnect, or before another snapshot of a book whose chain broke again;
    doubles up to reconnect_delay_max_ms."""
    reconnect_delay_max_ms: int = 30_000
    depth: bool = True
    """Follow the whole book: depth diffs, and a snapshot over REST to begin each chain with."""
    stats_ms: int = 300_000
    """Pause between readings of the day's volume and the open interest; 0 reads neither."""
    stats_stale_after_ms: int = 600_000
    outlier_bps: int = 500
    """A best price or a trade that jumps by more is counted."""
    held_jump_bps: int = 1_000
    """Best prices that jump by more are held back until others confirm them."""
    jump_confirmations: int = 3
    """How many updates near each other make a jump believed, the first included; 1: all are."""


@attrs.frozen(kw_only=True)
class FeatureSettings:
    """[features]: bars and their indicators."""

    bar_interval_ms: int = 60_000
    atr_period: int = 14
    move_window_ms: int = 5_000
    sample_ms: int = 1_000
    """How often everything is computed that is not needed with every tick."""
    range_horizon: int = 14
    """Bars over which returns are added up."""
    bar_volume: Decimal = Decimal(0)
    """Traded worth that makes a bar of the volume clock, in quote units; 0: none are made."""
    depth_levels: int = 20
    """Levels of each side that count."""
    reference_notional: Decimal = Decimal(5_000)
    """Worth of the order whose price impact is told, in quote units."""
    vpin_bucket_notional: Decimal = Decimal(0)
    """Worth of a bucket of trades, in quote units; 0: the day's volume / vpin_buckets_day,
    and at least 10,000."""
    vpin_buckets_day: int = 5_000
    surge_min_notional: Decimal = Decimal(10_000)
    """Liquidations of a minute that are worth less are no surge, in quote units."""
    benchmark: str = "BTCUSDT"
    """Symbol that the others are compared with, when it is traded too."""


@attrs.frozen(kw_only=True)
class RiskSettings:
    """[risk]: lifecycle thresholds and caps."""

    cooldown_ms: int = 30_000
    spread_spike_bps: float = 50.0
    toxicity_high_bps: float = 500.0
    position_notional_max: Decimal = Decimal(5_000)
    """Cap for one symbol: position and everything pending on its worse side, in quote units."""
    total_notional_max: Decimal = Decimal(20_000)
    order_notional_max: Decimal = Decimal(1_000)
    drawdown_limit: float = 0.20
    """Fraction of the equity at start; at or above it the kill switch trips."""
    daily_loss_limit: Decimal = Decimal(500)
    """Loss since midnight UTC, in quote units, above which nothing is entered before the next
    midnight; 0 turns it off."""
    entries_1m_max: int = 300
    """Entries of one symbol in any minute, so that it does not use up the router's budget for all;
    0 for no limit of its own."""
    entry_cooldown_ms: int = 0
    """Pause of a symbol between two batches of entries; 0 turns it off."""
    position_small_notional: Decimal = Decimal(10)
    """Below this a position no longer holds the lifecycle in EMERGENCY."""
    permit_ms: int = 1_000
    """Life of a permit."""
    evaluate_ms: int = 250
    """Pause between timer-driven evaluations."""
    account_stale_after_ms: int = 30_000
    """No permit once the last account snapshot is older."""


@attrs.frozen(kw_only=True)
class RouterSettings:
    """[router]: our own share of the venue's limits."""

    orders_10s_max: int = 250
    """Placements in ten seconds; the venue allows 300 for the account."""
    orders_1m_max: int = 1_000


@attrs.frozen(kw_only=True)
class SyncSettings:
    """[sync]: account snapshots and reconciliation."""

    interval_ms: int = 5_000
    failures_max: int = 3
    """Failed snapshots in a row before the account counts as unknown."""
    missing_after_ms: int = 5_000
    """How long an order may be missing on one side before it counts as a mismatch."""


@attrs.frozen(kw_only=True)
class LeaderSettings:
    """[leader]: the lease."""

    instance: str = ""
    """Name of this instance; empty makes one from host and process."""
    ttl_ms: int = 10_000
    renew_ms: int = 3_000
    margin_ms: int = 1_000
    """Leadership ends this long before the lease does."""


@attrs.frozen(kw_only=True)
class JournalSettings:
    """[journal]: everything that was said and heard, on disk, for replay and for `why`."""

    directory: str = ""
    """Where it is written; empty: nowhere. --journal DIR sets it."""
    segment_mb: int = 64
    """A segment is closed, and another one begun, at this size."""
    segment_s: int = 3_600
    """... or at this age."""
    compress: bool = True
    """Pack closed segments with zstd."""
    fsync: str = "interval"
    """When the disk itself must have it: never, interval, or always (with each batch).
    Whatever this says, a request that takes risk leaves after its record reached the system."""
    fsync_ms: int = 1_000
    flush_ms: int = 5
    """Pause between two batches."""
    pending_max: int = 200_000
    """Records that may wait; more are lost, and no risk is taken until the gap is written."""
    lag_max_ms: int = 2_000
    """Records older than this that are not written yet end permission to take risk."""
    ahead_ms: int = 250
    """How long a request that takes risk waits for its record; then it is refused."""
    keep_mb: int = 10_240
    """The oldest segments go when all together are larger."""
    keep_days: int = 30


@attrs.frozen(kw_only=True)
class SupervisionSettings:
    """[supervision]: restarts and placement."""

    placement: str = "shared"
    """shared: the thinking actors share one thread; own: a thread for each actor."""
    restarts_max: int = 10
    """More restarts than this within period_ms end the supervisor."""
    period_ms: int = 60_000
    stall_after_ms: int = 2_000
    """A handler that runs longer counts as stuck."""
    start_timeout_ms: int = 15_000
    shutdown_ms: int = 2_000
    mailbox_max: int = 10_000
    backoff_ms: int = 50
    """First pause before a restart; doubles up to backoff_max_ms, with jitter."""
    backoff_max_ms: int = 5_000


@attrs.frozen(kw_only=True)
class StopSettings:
    """[stop]: how a run ends."""

    position: str = "keep"
    """keep or flatten."""
    timeout_ms: int = 6_000
    """Longest time for cancelling and confirming."""


@attrs.frozen(kw_only=True)
class Config:
    """The whole tree."""

    run: RunSettings = attrs.field(factory=RunSettings)
    venue: VenueSettings = attrs.field(factory=VenueSettings)
    sim: SimSettings = attrs.field(factory=SimSettings)
    feed: FeedSettings = attrs.field(factory=FeedSettings)
    features: FeatureSettings = attrs.field(factory=FeatureSettings)
    policy: GridSettings = attrs.field(factory=GridSettings)
    close: CloseSettings = attrs.field(factory=CloseSettings)
    adaptive: AdaptiveSettings = attrs.field(factory=AdaptiveSettings)
    regime: RegimeSettings = attrs.field(factory=RegimeSettings)
    toxicity: ToxicitySettings = attrs.field(factory=ToxicitySettings)
    selector: SelectorSettings = attrs.field(factory=SelectorSettings)
    selection: SelectionSettings = attrs.field(factory=SelectionSettings)
    sizing: SizingSettings = attrs.field(factory=SizingSettings)
    controller: ControllerSettings = attrs.field(factory=ControllerSettings)
    throttle: ThrottleSettings = attrs.field(factory=ThrottleSettings)
    books: BooksSettings = attrs.field(factory=BooksSettings)
    latches: LatchSettings = attrs.field(factory=LatchSettings)
    risk: RiskSettings = attrs.field(factory=RiskSettings)
    router: RouterSettings = attrs.field(factory=RouterSettings)
    sync: SyncSettings = attrs.field(factory=SyncSettings)
    leader: LeaderSettings = attrs.field(factory=LeaderSettings)
    journal: JournalSettings = attrs.field(factory=JournalSettings)
    supervision: SupervisionSettings = attrs.field(factory=SupervisionSettings)
    stop: StopSettings = attrs.field(factory=StopSettings)
