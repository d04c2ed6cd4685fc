"""Metric families: the only place that names them.

Names and labels are a contract with dashboards and alerts: adding a label value is fine, renaming
is not. Every family is there from the first scrape. A label never carries a symbol, an order, a
client order id or a key, and each label takes a bounded number of values.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeAlias

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
)
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from grinder.console.gates import GATES
from grinder.console.logwriter import lost_records
from grinder.kernel.observer import ActorSnapshot
from grinder.risk.states import LifecycleState

LIFECYCLE_STATES = tuple(str(state) for state in LifecycleState)
ROLES = ("unknown", "standby", "active")
CONNECTORS = ("public", "market", "private")
TRIP_REASONS = ("DRAWDOWN_LIMIT", "MANUAL", "ERROR")
MISMATCH_TYPES = (
    "ORDER_EXISTS_UNEXPECTED",
    "ORDER_MISSING_ON_EXCHANGE",
    "ORDER_STATUS_DIVERGENCE",
    "POSITION_MISMATCH",
)
STREAMS = ("bookTicker", "aggTrade", "depth", "markPrice", "forceOrder", "marketStats")
GAP_BUCKETS = ("500", "2000", ">5000")
STATUS_CLASSES = ("2xx", "4xx", "unknown")
OPERATIONS = (
    "place",
    "cancel",
    "query_order",
    "read_account",
    "read_trades",
    "read_funding",
    "read_depth",
    "read_market_stats",
    "countdown",
    "listen_key",
)
LATENCY_BUCKETS_S = (
    0.000_05,
    0.000_1,
    0.000_2,
    0.000_5,
    0.001,
    0.002,
    0.005,
    0.01,
    0.02,
    0.05,
    0.1,
    0.5,
    1.0,
)
Registry: TypeAlias = CollectorRegistry

CONTENT_TYPE = CONTENT_TYPE_LATEST
"""What ``scrape`` returns, in HTTP's words."""
ACTORS_MAX = 128
"""More than a tree of the most symbols that settings allow has."""
LABEL_VALUES_MAX = 64
NONE = "none"
"""Label value of a family that nothing has moved yet."""


def scrape(registry: Registry) -> bytes:
    """Return every family of ``registry`` in Prometheus's text format."""
    return generate_latest(registry)


class Metrics:
    """Every family, in a registry of its own."""

    def __init__(
        self,
        *,
        config_hash: str,
        version: str,
        actors: Callable[[], tuple[ActorSnapshot, ...]],
        is_ready: Callable[[], bool],
        now_ns: Callable[[], int],
    ) -> None:
        self.registry = CollectorRegistry()
        self._now_ns = now_ns
        self._values: dict[str, set[str]] = {}
        self._system(config_hash, version, is_ready)
        self._risk()
        self._streams()
        self._venue()
        self._orders()
        self._account()
        self._latency()
        self._journal()
        self.registry.register(_ActorCollector(actors))

    def bounded(self, label: str, value: str) -> str:
        """Return ``value``, or ``other`` once ``label`` has taken its share of values."""
        known = self._values.setdefault(label, set())
        if value in known:
            return value
        if len(known) >= LABEL_VALUES_MAX:
            return "other"
        known.add(value)
        return value

    def counter(self, name: str, text: str, **labels: tuple[str, ...]) -> Counter:
        """Make a family of counters, with the label values that are known beforehand."""
        counter = Counter(name, text, tuple(labels), registry=self.registry)
        _initialise(counter, tuple(labels.values()))
        return counter

    def gauge(self, name: str, text: str, **labels: tuple[str, ...]) -> Gauge:
        """Make a family of gauges, with the label values that are known beforehand."""
        gauge = Gauge(name, text, tuple(labels), registry=self.registry)
        _initialise(gauge, tuple(labels.values()))
        return gauge

    def _age(self, name: str, text: str) -> _Since:
        since = _Since(self._now_ns)
        self.gauge(name, text).set_function(since.seconds)
        return since

    def _system(self, config_hash: str, version: str, is_ready: Callable[[], bool]) -> None:
        self.gauge("grinder_up", "1 while the process serves").set(1)
        self._age("grinder_uptime_seconds", "Seconds since the start").mark()
        info = self.gauge(
            "grinder_config_info", "Hash of the settings", hash=(config_hash,), version=(version,)
        )
        info.labels(config_hash, version).set(1)
        self.gauge("grinder_readyz_callback_registered", "1 when readiness is asked for").set(1)
        lost = self.gauge("grinder_log_records_lost", "Log records that nobody took in time")
        lost.set_function(lost_records)
        ready = self.gauge("grinder_readyz_ready", "1 when every actor is ready")
        ready.set_function(lambda: float(is_ready()))

    def _risk(self) -> None:
        self.fsm_state = self.gauge(
            "grinder_fsm_current_state", "1 for the lifecycle state", state=LIFECYCLE_STATES
        )
        self.fsm_since = self._age(
            "grinder_fsm_state_duration_seconds", "Seconds in the lifecycle state"
        )
        self.fsm_transitions = self.counter(
            "grinder_fsm_transitions_total",
            "Lifecycle transitions",
            from_state=(NONE,),
            to_state=(NONE,),
            reason=(NONE,),
        )
        self.gating_allowed = self.counter(
            "grinder_gating_allowed_total", "Intents let through", gate=tuple(GATES)
        )
        self.gating_blocked = self.counter(
            "grinder_gating_blocked_total", "Intents denied", gate=tuple(GATES), reason=(NONE,)
        )
        self.kill_switch = self.gauge("grinder_kill_switch_triggered", "1 while latched")
        self.kill_switch_trips = self.counter(
            "grinder_kill_switch_trips_total", "Times the latch closed", reason=TRIP_REASONS
        )
        self.ha_role = self.gauge("grinder_ha_role", "1 for the role held", role=ROLES)
        self.ha_role.labels("unknown").set(1)
        self.is_leader = self.gauge("grinder_ha_is_leader", "1 while leading")
        self.epoch = self.gauge("grinder_ha_epoch", "Leadership epoch last held")

    def _streams(self) -> None:
        self.ws_connected = self.gauge(
            "grinder_ws_connected", "1 while connected", connector=CONNECTORS
        )
        self.ws_reconnects = self.counter(
            "grinder_ws_reconnect_total",
            "Connections made after one was lost or failed",
            connector=CONNECTORS,
            reason=("closed", "listen_key_expired"),
        )
        self.last_tick = self.gauge(
            "grinder_last_tick_ts", "Venue time of the last event, ms", connector=CONNECTORS
        )
        self.ticks = self.counter(
            "grinder_ticks_received_total", "Market frames decoded", connector=CONNECTORS
        )
        self.frames_late = self.counter(
            "grinder_frames_late_total", "Frames left out as not newer", connector=CONNECTORS
        )
        self.frames_rejected = self.counter(
            "grinder_frames_rejected_total", "Frames not understood", connector=CONNECTORS
        )
        self.stale = self.gauge(
            "grinder_data_stale_symbols", "Symbols whose stream is stale now", stream=STREAMS
        )
        self.stale_total = self.counter(
            "grinder_data_stale_total", "Times a stream went stale", stream=STREAMS
        )
        self.gaps = self.counter(
            "grinder_data_gap_total",
            "Silences that ended, by length in ms; sequence: a chain that broke",
            stream=(*STREAMS, *CONNECTORS),
            bucket=(*GAP_BUCKETS, "sequence"),
        )

    def _venue(self) -> None:
        self.http_requests = self.counter(
            "grinder_http_requests_total",
            "Requests to the venue that came to an end",
            op=OPERATIONS,
            status_class=STATUS_CLASSES,
        )
        self.order_attempts = self.counter(
            "grinder_port_order_attempts_total",
            "Placements and cancels that left the port",
            port=("futures",),
            op=("place", "cancel"),
        )
        self.budget_used = self.gauge(
            "grinder_venue_budget_used",
            "Used of the venue's limits, as it says",
            limit=("weight_1m", "orders_10s", "orders_1m"),
        )
        self.throttled = self.counter("grinder_venue_throttled_total", "Times told to be silent")
        self.clock_offset = self.gauge(
            "grinder_venue_clock_offset_seconds", "Venue clock minus ours"
        )

    def _orders(self) -> None:
        self.placed = self.counter("grinder_orders_placed_total", "Orders handed to the port")
        self.filled = self.counter("grinder_orders_filled_total", "Orders filled whole")
        self.cancelled = self.counter("grinder_orders_cancelled_total", "Orders cancelled")
        self.expired = self.counter("grinder_orders_expired_total", "Orders expired")
        self.rejected = self.counter("grinder_orders_rejected_total", "Orders never accepted")
        self.unknown = self.counter(
            "grinder_orders_unknown_total", "Requests without an answer", op=("place", "cancel")
        )
        self.cancel_rejected = self.counter(
            "grinder_cancels_rejected_total", "Cancels without effect"
        )
        fill_labels = {
            "source": ("venue",),
            "side": ("BUY", "SELL"),
            "liquidity": ("maker", "taker"),
        }
        self.fills = self.counter("grinder_fills_total", "Fills", **fill_labels)
        self.fill_notional = self.counter(
            "grinder_fill_notional_total", "Quote units filled", **fill_labels
        )
        self.fill_fees = self.counter(
            "grinder_fill_fees_total", "Commission paid, in its asset", **fill_labels
        )
        self.pnl = self.gauge(
            "grinder_pnl_usd",
            "Since the start, over all symbols",
            part=("grid", "inventory", "fees", "funding"),
        )

    def _account(self) -> None:
        self.mismatches = self.counter(
            "grinder_reconcile_mismatch_total", "Lasting disagreements", type=MISMATCH_TYPES
        )
        self.runs = self.counter("grinder_reconcile_runs_total", "Comparisons")
        self.runs_with_mismatch = self.counter(
            "grinder_reconcile_runs_with_mismatch_total", "Comparisons that disagreed"
        )
        self.snapshot_age = self.gauge(
            "grinder_reconcile_last_snapshot_age_seconds", "Age of the snapshot last compared"
        )
        self.sync_ts = self.gauge("grinder_account_sync_last_ts", "Time of the last snapshot, ms")
        self.sync_since = self._age(
            "grinder_account_sync_age_seconds", "Seconds since the last snapshot; 0 before it"
        )
        self.sync_positions = self.gauge(
            "grinder_account_sync_positions_count", "Positions that are not flat"
        )
        self.sync_orders = self.gauge("grinder_account_sync_open_orders_count", "Open orders")
        self.sync_errors = self.counter(
            "grinder_account_sync_errors_total", "Snapshots not taken", reason=("read_failed",)
        )

    def _latency(self) -> None:
        self.tick_to_intent = Histogram(
            "grinder_tick_to_intent_seconds",
            "From a market frame to the intents made of it",
            buckets=LATENCY_BUCKETS_S,
            registry=self.registry,
        )
        self.tick_to_wire = Histogram(
            "grinder_tick_to_wire_seconds",
            "From a market frame to the request made of it leaving",
            buckets=LATENCY_BUCKETS_S,
            registry=self.registry,
        )

    def _journal(self) -> None:
        self.journal_wanted = self.gauge(
            "grinder_journal_wanted", "1 when the run is to be recorded"
        )
        self.journal_healthy = self.gauge(
            "grinder_journal_healthy", "1 while what is done is being recorded"
        )
        self.journal_pending = self.gauge(
            "grinder_journal_pending_records", "Records that wait to be written"
        )
        self.journal_lag = self.gauge(
            "grinder_journal_lag_seconds", "Age of the oldest record that waits"
        )
        self.journal_records = self.counter("grinder_journal_records_total", "Records written")
        self.journal_bytes = self.counter(
            "grinder_journal_bytes_total", "Bytes written, before closed segments are packed"
        )
        self.journal_lost = self.counter(
            "grinder_journal_lost_total", "Records that will never be written"
        )


class _Since:
    """Seconds since a moment that was marked; 0 until then."""

    def __init__(self, now_ns: Callable[[], int]) -> None:
        self._now_ns = now_ns
        self._marked_ns = 0

    def mark(self, at_ns: int | None = None) -> None:
        self._marked_ns = self._now_ns() if at_ns is None else at_ns

    def seconds(self) -> float:
        return max(0, self._now_ns() - self._marked_ns) / 1e9 if self._marked_ns else 0.0


class _ActorCollector(Collector):
    """Counters that the runtime keeps anyway, read at each scrape."""

    def __init__(self, actors: Callable[[], tuple[ActorSnapshot, ...]]) -> None:
        self._actors = actors

    def describe(self) -> Iterator[Metric]:
        # Without it the registry would collect, and so ask the runtime, while being built.
        yield from self._families(())

    def collect(self) -> Iterator[Metric]:
        yield from self._families(self._actors()[:ACTORS_MAX])

    def _families(self, actors: tuple[ActorSnapshot, ...]) -> Iterator[Metric]:
        up = GaugeMetricFamily("grinder_actor_up", "1 while ready", labels=("actor",))
        depth = GaugeMetricFamily(
            "grinder_actor_mailbox_depth", "Messages waiting", labels=("actor",)
        )
        restarts = CounterMetricFamily("grinder_actor_restarts", "Restarts", labels=("actor",))
        handled = CounterMetricFamily(
            "grinder_actor_handled", "Messages handled", labels=("actor",)
        )
        dropped = CounterMetricFamily(
            "grinder_actor_mailbox_dropped", "Messages lost", labels=("actor",)
        )
        conflated = CounterMetricFamily(
            "grinder_actor_mailbox_conflated", "Market data replaced unread", labels=("actor",)
        )
        for actor in actors:
            label = [actor.name]
            up.add_metric(label, float(actor.state == "ready"))
            depth.add_metric(label, actor.depth)
            restarts.add_metric(label, actor.restarts)
            handled.add_metric(label, actor.handled)
            dropped.add_metric(label, actor.dropped)
            conflated.add_metric(label, actor.conflated)
        if not actors:
            for gauge in (up, depth):
                gauge.add_metric([NONE], 0)
            for counter in (restarts, handled, dropped, conflated):
                counter.add_metric([NONE], 0)
        yield from (up, depth, restarts, handled, dropped, conflated)


def _initialise(family: Counter | Gauge, values: tuple[tuple[str, ...], ...]) -> None:
    combinations: list[tuple[str, ...]] = [()]
    for one_label in values:
        combinations = [(*before, value) for before in combinations for value in one_label]
    for combination in combinations:
        if combination:
            family.labels(*combination)
