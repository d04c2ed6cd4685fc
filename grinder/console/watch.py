"""MetricsObserver: what each message moves."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from grinder.console.feedwatch import FeedWatch
from grinder.console.gates import GATES, gate_of, passed
from grinder.console.metrics import LIFECYCLE_STATES, ROLES, Metrics
from grinder.kernel.message import Message
from grinder.kernel.observer import Observer
from grinder.messages.account import (
    AccountSynced,
    AccountSyncFailed,
    MismatchDetected,
    ReconcileRan,
)
from grinder.messages.control import LeadershipGained, LeadershipLost, LeaseRefused
from grinder.messages.grid import IntentsApproved, IntentsDenied, IntentsProposed
from grinder.messages.journal import JournalHealthChanged, JournalReported
from grinder.messages.ledger import LedgerChanged
from grinder.messages.market import FeedHealthChanged, FeedReported, StreamClosed, StreamOpened
from grinder.messages.orders import (
    CancelRejected,
    OrderEnded,
    OrderFilled,
    OrderOutcomeUnknown,
    OrderRejected,
    OrdersSubmitted,
)
from grinder.messages.risk import KillSwitchTripped, ResetKillSwitch, RiskStateChanged
from grinder.messages.venue import (
    AccountRead,
    BudgetReported,
    CancelAnswered,
    ClockMeasured,
    CountdownAnswered,
    DepthRead,
    FundingRead,
    ListenKeyExpired,
    MarketStatsRead,
    OrderQueried,
    Outcome,
    PlaceAnswered,
    ReadFailed,
    TradesRead,
    UserStreamKept,
    VenueThrottled,
)
from grinder.model.instrument import Instrument
from grinder.model.trades import TradeLog
from grinder.model.units import NS_PER_MS

STATUS_CLASS = {Outcome.DONE: "2xx", Outcome.REFUSED: "4xx", Outcome.UNKNOWN: "unknown"}
OPERATION_OF_REQUEST = {
    "QueryOrder": "query_order",
    "ReadAccount": "read_account",
    "ReadTrades": "read_trades",
    "ReadFunding": "read_funding",
    "ReadDepth": "read_depth",
    "ReadMarketStats": "read_market_stats",
}


class MetricsObserver(Observer):
    """Moves metrics because a message passed.

    What each class of message moves stands in EFFECTS, which reaches into it.
    """

    def __init__(self, metrics: Metrics, instruments: Mapping[str, Instrument]) -> None:
        self.metrics = metrics
        self._instruments = instruments
        self._lock = threading.Lock()
        self.feed = FeedWatch(metrics)
        self._ledgers: dict[str, LedgerChanged] = {}
        self._trades = {symbol: TradeLog() for symbol in instruments}
        self._closed_because: dict[str, str] = {}
        self._is_leader = False
        self._journal = _NOTHING_WRITTEN

    def observe(self, sender: str, at_ns: int, body: Message) -> None:
        """Move what the class of ``body`` moves."""
        EFFECTS[type(body)](self, sender, at_ns, body)


def _state_changed(watch: MetricsObserver, _: str, at_ns: int, body: RiskStateChanged) -> None:
    for state in LIFECYCLE_STATES:
        watch.metrics.fsm_state.labels(state).set(state == body.to_state)
    watch.metrics.fsm_since.mark(body.at_ns or at_ns)
    if body.from_state != body.to_state:
        reason = watch.metrics.bounded("fsm_reason", body.reason)
        watch.metrics.fsm_transitions.labels(body.from_state, body.to_state, reason).inc()


def _tripped(watch: MetricsObserver, _: str, __: int, body: KillSwitchTripped) -> None:
    watch.metrics.kill_switch.set(1)
    reason = watch.metrics.bounded("trip_reason", body.reason)
    watch.metrics.kill_switch_trips.labels(reason).inc()


def _reset(watch: MetricsObserver, _: str, __: int, ___: ResetKillSwitch) -> None:
    watch.metrics.kill_switch.set(0)


def _gained(watch: MetricsObserver, _: str, __: int, body: LeadershipGained) -> None:
    _role(watch, "active")
    watch.metrics.epoch.set(body.epoch)


def _lost(watch: MetricsObserver, _: str, __: int, ___: LeadershipLost) -> None:
    _role(watch, "standby")


def _refused(watch: MetricsObserver, _: str, __: int, ___: LeaseRefused) -> None:
    # A leader that can't renew leads on until its deadline; LeadershipLost will say so.
    if not watch._is_leader:
        _role(watch, "standby")


def _role(watch: MetricsObserver, held: str) -> None:
    watch._is_leader = held == "active"
    for role in ROLES:
        watch.metrics.ha_role.labels(role).set(role == held)
    watch.metrics.is_leader.set(held == "active")


def _proposed(watch: MetricsObserver, _: str, at_ns: int, body: IntentsProposed) -> None:
    if 0 < body.tick_ns <= at_ns:
        watch.metrics.tick_to_intent.observe((at_ns - body.tick_ns) / 1e9)


def _approved(watch: MetricsObserver, sender: str, _: int, body: IntentsApproved) -> None:
    entries = sum(1 for intent in body.intents if intent.adds_risk)
    for name in GATES:
        watch.metrics.gating_allowed.labels(name).inc(entries)
    gate = watch.metrics.bounded("gate", sender)
    watch.metrics.gating_allowed.labels(gate).inc(len(body.intents))


def _denied(watch: MetricsObserver, sender: str, _: int, body: IntentsDenied) -> None:
    for denial in body.denials:
        for name in passed(sender, denial.code):
            watch.metrics.gating_allowed.labels(name).inc()
        gate = watch.metrics.bounded("gate", gate_of(sender, denial.code))
        reason = watch.metrics.bounded("denial", denial.code)
        watch.metrics.gating_blocked.labels(gate, reason).inc()


def _opened(watch: MetricsObserver, _: str, __: int, body: StreamOpened) -> None:
    stream = watch.metrics.bounded("connector", body.stream)
    watch.metrics.ws_connected.labels(stream).set(1)
    with watch._lock:
        reason = watch._closed_because.pop(stream, "")
    if reason:
        watch.metrics.ws_reconnects.labels(stream, reason).inc()


def _closed(watch: MetricsObserver, _: str, __: int, body: StreamClosed) -> None:
    stream = watch.metrics.bounded("connector", body.stream)
    watch.metrics.ws_connected.labels(stream).set(0)
    with watch._lock:
        watch._closed_because.setdefault(stream, "closed")


def _key_expired(watch: MetricsObserver, _: str, __: int, ___: ListenKeyExpired) -> None:
    with watch._lock:
        watch._closed_because["private"] = "listen_key_expired"


def _place_answered(watch: MetricsObserver, _: str, __: int, body: PlaceAnswered) -> None:
    if body.sent_ns > 0:
        watch.metrics.order_attempts.labels("futures", "place").inc()
        _request(watch, "place", body.outcome)
        if 0 < body.tick_ns <= body.sent_ns:
            watch.metrics.tick_to_wire.observe((body.sent_ns - body.tick_ns) / 1e9)


def _cancel_answered(watch: MetricsObserver, _: str, __: int, body: CancelAnswered) -> None:
    watch.metrics.order_attempts.labels("futures", "cancel").inc()
    _request(watch, "cancel", body.outcome)


def _request(watch: MetricsObserver, operation: str, outcome: Outcome) -> None:
    watch.metrics.http_requests.labels(operation, STATUS_CLASS[outcome]).inc()


def _order_ended(watch: MetricsObserver, _: str, __: int, body: OrderEnded) -> None:
    if body.status == "FILLED":
        watch.metrics.filled.inc()
    elif body.status == "CANCELED":
        watch.metrics.cancelled.inc()
    else:
        watch.metrics.expired.inc()


def _order_filled(watch: MetricsObserver, _: str, __: int, body: OrderFilled) -> None:
    trades = watch._trades.get(body.symbol)
    with watch._lock:
        # A restarted ExchangeActor tells again what its predecessor may not have told.
        if trades is not None and not trades.add(body.trade_id):
            return
    labels = ("venue", str(body.side), "maker" if body.is_maker else "taker")
    watch.metrics.fills.labels(*labels).inc()
    instrument = watch._instruments.get(body.symbol)
    if instrument is not None:
        notional = instrument.notional(body.price_ticks, body.qty_lots)
        watch.metrics.fill_notional.labels(*labels).inc(float(notional))
    # A rebate is negative, which a counter can't be; PnL shows it.
    watch.metrics.fill_fees.labels(*labels).inc(max(0.0, float(body.fee)))


def _ledger_changed(watch: MetricsObserver, _: str, __: int, body: LedgerChanged) -> None:
    with watch._lock:
        watch._ledgers[body.symbol] = body
        ledgers = tuple(watch._ledgers.values())
    parts = {
        "grid": sum((one.realized_pnl for one in ledgers), Decimal(0)),
        "inventory": sum((one.unrealized_pnl for one in ledgers), Decimal(0)),
        "fees": sum((one.fees for one in ledgers), Decimal(0)),
        "funding": sum((one.funding for one in ledgers), Decimal(0)),
    }
    for part, amount in parts.items():
        watch.metrics.pnl.labels(part).set(float(amount))


def _reconciled(watch: MetricsObserver, _: str, __: int, body: ReconcileRan) -> None:
    watch.metrics.runs.inc()
    if body.mismatches:
        watch.metrics.runs_with_mismatch.inc()
    watch.metrics.snapshot_age.set(body.snapshot_age_ns / 1e9)


def _mismatched(watch: MetricsObserver, _: str, __: int, body: MismatchDetected) -> None:
    kind = watch.metrics.bounded("mismatch", body.kind)
    watch.metrics.mismatches.labels(kind).inc()


def _synced(watch: MetricsObserver, _: str, __: int, body: AccountSynced) -> None:
    watch.metrics.sync_ts.set(body.asked_ns // NS_PER_MS)
    watch.metrics.sync_since.mark(body.asked_ns)
    watch.metrics.sync_positions.set(sum(1 for one in body.positions if one.qty_lots))
    watch.metrics.sync_orders.set(len(body.open_orders))


def _budget(watch: MetricsObserver, _: str, __: int, body: BudgetReported) -> None:
    used = watch.metrics.budget_used
    used.labels("weight_1m").set(body.used_weight_1m)
    used.labels("orders_10s").set(body.orders_10s)
    used.labels("orders_1m").set(body.orders_1m)


def _read_failed(watch: MetricsObserver, _: str, __: int, body: ReadFailed) -> None:
    operation = OPERATION_OF_REQUEST.get(body.request)
    if operation is not None:
        status = "4xx" if body.code else "unknown"
        watch.metrics.http_requests.labels(operation, status).inc()


def _journal_reported(watch: MetricsObserver, _: str, __: int, body: JournalReported) -> None:
    metrics = watch.metrics
    with watch._lock:
        last, watch._journal = watch._journal, body
    metrics.journal_pending.set(body.pending)
    metrics.journal_lag.set(body.lag_ns / 1e9)
    metrics.journal_records.inc(_growth(last.records, body.records))
    metrics.journal_bytes.inc(_growth(last.bytes, body.bytes))
    metrics.journal_lost.inc(_growth(last.lost, body.lost))


Effect = Callable[[MetricsObserver, str, int, Any], None]


def _count(name: str) -> Effect:
    """Return an effect that adds one to the family called ``name``."""
    return lambda watch, _, __, ___: getattr(watch.metrics, name).inc()


def _read(operation: str) -> Effect:
    return lambda watch, _, __, ___: _request(watch, operation, Outcome.DONE)


EFFECTS: dict[type[Message], Effect] = {
    RiskStateChanged: _state_changed,
    KillSwitchTripped: _tripped,
    ResetKillSwitch: _reset,
    LeadershipGained: _gained,
    LeadershipLost: _lost,
    LeaseRefused: _refused,
    IntentsProposed: _proposed,
    IntentsApproved: _approved,
    IntentsDenied: _denied,
    StreamOpened: _opened,
    StreamClosed: _closed,
    ListenKeyExpired: _key_expired,
    FeedReported: lambda watch, _, __, body: watch.feed.reported(body),
    FeedHealthChanged: lambda watch, _, __, body: watch.feed.health_changed(body),
    DepthRead: _read("read_depth"),
    MarketStatsRead: _read("read_market_stats"),
    PlaceAnswered: _place_answered,
    CancelAnswered: _cancel_answered,
    OrderQueried: _read("query_order"),
    AccountRead: _read("read_account"),
    TradesRead: _read("read_trades"),
    FundingRead: _read("read_funding"),
    ReadFailed: _read_failed,
    CountdownAnswered: lambda watch, _, __, body: _request(watch, "countdown", body.outcome),
    UserStreamKept: lambda watch, _, __, body: _request(watch, "listen_key", body.outcome),
    OrdersSubmitted: lambda watch, _, __, body: watch.metrics.placed.inc(len(body.orders)),
    OrderRejected: _count("rejected"),
    OrderOutcomeUnknown: lambda watch, _, __, body: watch.metrics.unknown.labels(
        watch.metrics.bounded("operation", body.operation)
    ).inc(),
    CancelRejected: _count("cancel_rejected"),
    OrderEnded: _order_ended,
    OrderFilled: _order_filled,
    LedgerChanged: _ledger_changed,
    ReconcileRan: _reconciled,
    MismatchDetected: _mismatched,
    AccountSynced: _synced,
    AccountSyncFailed: lambda watch, _, __, ___: watch.metrics.sync_errors.labels(
        "read_failed"
    ).inc(),
    BudgetReported: _budget,
    VenueThrottled: _count("throttled"),
    JournalReported: _journal_reported,
    JournalHealthChanged: lambda watch, _, __, body: watch.metrics.journal_healthy.set(
        body.is_healthy
    ),
    ClockMeasured: lambda watch, _, __, body: watch.metrics.clock_offset.set(body.offset_ns / 1e9),
}

MetricsObserver.hears = tuple(EFFECTS)


_NOTHING_WRITTEN = JournalReported(
    is_written=True, pending=0, lag_ns=0, records=0, bytes=0, lost=0, detail=""
)


def _growth(last: int, now: int) -> int:
    # The speaker counts from its own start: a lower number is a newer generation.
    return now if now < last else now - last
