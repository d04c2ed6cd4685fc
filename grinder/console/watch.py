"""MetricsObserver: what each message moves."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

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
from grinder.messages.ledger import LedgerChanged
from grinder.messages.market import FeedHealthChanged, FeedReported, StreamClosed, StreamOpened
from grinder.messages.orders import (
    CancelRejected,
    OrderEnded,
    OrderFilled,
    OrderOutcomeUnknown,
    OrderRejected,
    OrderSubmitted,
)
from grinder.messages.risk import KillSwitchTripped, ResetKillSwitch, RiskStateChanged
from grinder.messages.venue import (
    AccountRead,
    BudgetReported,
    CancelAnswered,
    ClockMeasured,
    CountdownAnswered,
    FundingRead,
    ListenKeyExpired,
    OrderQueried,
    Outcome,
    PlaceAnswered,
    ReadFailed,
    TradesRead,
    UserStreamKept,
    VenueThrottled,
)
from grinder.model.instrument import Instrument
from grinder.model.units import NS_PER_MS

STATUS_CLASS = {Outcome.DONE: "2xx", Outcome.REFUSED: "4xx", Outcome.UNKNOWN: "unknown"}
OPERATION_OF_REQUEST = {
    "QueryOrder": "query_order",
    "ReadAccount": "read_account",
    "ReadTrades": "read_trades",
    "ReadFunding": "read_funding",
}


class MetricsObserver(Observer):
    """Moves metrics because a message passed."""

    def __init__(self, metrics: Metrics, instruments: Mapping[str, Instrument]) -> None:
        self._metrics = metrics
        self._instruments = instruments
        self._lock = threading.Lock()
        self._reports: dict[str, FeedReported] = {}
        self._stale: dict[str, set[str]] = {}
        self._ledgers: dict[str, LedgerChanged] = {}
        self._closed_because: dict[str, str] = {}
        self._is_leader = False

    def observe(self, sender: str, at_ns: int, body: Message) -> None:
        """Move what the class of ``body`` moves."""
        EFFECTS[type(body)](self, sender, at_ns, body)

    def _state_changed(self, _: str, at_ns: int, body: RiskStateChanged) -> None:
        for state in LIFECYCLE_STATES:
            self._metrics.fsm_state.labels(state).set(state == body.to_state)
        self._metrics.fsm_since.mark(body.at_ns or at_ns)
        if body.from_state != body.to_state:
            reason = self._metrics.bounded("fsm_reason", body.reason)
            self._metrics.fsm_transitions.labels(body.from_state, body.to_state, reason).inc()

    def _tripped(self, _: str, __: int, body: KillSwitchTripped) -> None:
        self._metrics.kill_switch.set(1)
        reason = self._metrics.bounded("trip_reason", body.reason)
        self._metrics.kill_switch_trips.labels(reason).inc()

    def _reset(self, _: str, __: int, ___: ResetKillSwitch) -> None:
        self._metrics.kill_switch.set(0)

    def _gained(self, _: str, __: int, body: LeadershipGained) -> None:
        self._role("active")
        self._metrics.epoch.set(body.epoch)

    def _lost(self, _: str, __: int, ___: LeadershipLost) -> None:
        self._role("standby")

    def _refused(self, _: str, __: int, ___: LeaseRefused) -> None:
        # A leader that can't renew leads on until its deadline; LeadershipLost will say so.
        if not self._is_leader:
            self._role("standby")

    def _role(self, held: str) -> None:
        self._is_leader = held == "active"
        for role in ROLES:
            self._metrics.ha_role.labels(role).set(role == held)
        self._metrics.is_leader.set(held == "active")

    def _proposed(self, _: str, at_ns: int, body: IntentsProposed) -> None:
        if 0 < body.tick_ns <= at_ns:
            self._metrics.tick_to_intent.observe((at_ns - body.tick_ns) / 1e9)

    def _approved(self, sender: str, _: int, body: IntentsApproved) -> None:
        gate = self._metrics.bounded("gate", sender)
        self._metrics.gating_allowed.labels(gate).inc(len(body.intents))

    def _denied(self, sender: str, _: int, body: IntentsDenied) -> None:
        gate = self._metrics.bounded("gate", sender)
        for denial in body.denials:
            reason = self._metrics.bounded("denial", denial.code)
            self._metrics.gating_blocked.labels(gate, reason).inc()

    def _opened(self, _: str, __: int, body: StreamOpened) -> None:
        stream = self._metrics.bounded("connector", body.stream)
        self._metrics.ws_connected.labels(stream).set(1)
        with self._lock:
            reason = self._closed_because.pop(stream, "")
        if reason:
            self._metrics.ws_reconnects.labels(stream, reason).inc()

    def _closed(self, _: str, __: int, body: StreamClosed) -> None:
        stream = self._metrics.bounded("connector", body.stream)
        self._metrics.ws_connected.labels(stream).set(0)
        with self._lock:
            self._closed_because.setdefault(stream, "closed")

    def _key_expired(self, _: str, __: int, ___: ListenKeyExpired) -> None:
        with self._lock:
            self._closed_because["private"] = "listen_key_expired"

    def _feed_reported(self, _: str, __: int, body: FeedReported) -> None:
        metrics = self._metrics
        stream = metrics.bounded("connector", body.stream)
        with self._lock:
            last = self._reports.get(stream, _NOTHING_REPORTED)
            self._reports[stream] = body
        metrics.ticks.labels(stream).inc(_growth(last.frames, body.frames))
        metrics.frames_late.labels(stream).inc(_growth(last.late, body.late))
        metrics.frames_rejected.labels(stream).inc(_growth(last.rejected, body.rejected))
        metrics.gaps.labels(stream, "sequence").inc(_growth(last.gaps, body.gaps))
        metrics.ws_connected.labels(stream).set(body.is_connected)
        metrics.last_tick.labels(stream).set(body.last_event_ns // NS_PER_MS)

    def _feed_health(self, _: str, __: int, body: FeedHealthChanged) -> None:
        stream = str(body.stream)
        with self._lock:
            stale = self._stale.setdefault(stream, set())
            (stale.add if body.is_stale else stale.discard)(body.symbol)
            self._metrics.stale.labels(stream).set(len(stale))
        if body.is_stale:
            self._metrics.stale_total.labels(stream).inc()
            self._metrics.gaps.labels(stream, _gap_bucket(body.age_ns // NS_PER_MS)).inc()

    def _place_answered(self, _: str, __: int, body: PlaceAnswered) -> None:
        if body.sent_ns > 0:
            self._metrics.order_attempts.labels("futures", "place").inc()
            self._request("place", body.outcome)
            if 0 < body.tick_ns <= body.sent_ns:
                self._metrics.tick_to_wire.observe((body.sent_ns - body.tick_ns) / 1e9)

    def _cancel_answered(self, _: str, __: int, body: CancelAnswered) -> None:
        self._metrics.order_attempts.labels("futures", "cancel").inc()
        self._request("cancel", body.outcome)

    def _request(self, operation: str, outcome: Outcome) -> None:
        self._metrics.http_requests.labels(operation, STATUS_CLASS[outcome]).inc()

    def _order_ended(self, _: str, __: int, body: OrderEnded) -> None:
        if body.status == "FILLED":
            self._metrics.filled.inc()
        elif body.status == "CANCELED":
            self._metrics.cancelled.inc()
        else:
            self._metrics.expired.inc()

    def _order_filled(self, _: str, __: int, body: OrderFilled) -> None:
        labels = ("venue", str(body.side), "maker" if body.is_maker else "taker")
        self._metrics.fills.labels(*labels).inc()
        instrument = self._instruments.get(body.symbol)
        if instrument is not None:
            notional = instrument.notional(body.price_ticks, body.qty_lots)
            self._metrics.fill_notional.labels(*labels).inc(float(notional))
        # A rebate is negative, which a counter can't be; PnL shows it.
        self._metrics.fill_fees.labels(*labels).inc(max(0.0, float(body.fee)))

    def _ledger_changed(self, _: str, __: int, body: LedgerChanged) -> None:
        with self._lock:
            self._ledgers[body.symbol] = body
            ledgers = tuple(self._ledgers.values())
        parts = {
            "grid": sum((one.realized_pnl for one in ledgers), Decimal(0)),
            "inventory": sum((one.unrealized_pnl for one in ledgers), Decimal(0)),
            "fees": sum((one.fees for one in ledgers), Decimal(0)),
            "funding": sum((one.funding for one in ledgers), Decimal(0)),
        }
        for part, amount in parts.items():
            self._metrics.pnl.labels(part).set(float(amount))

    def _reconciled(self, _: str, __: int, body: ReconcileRan) -> None:
        self._metrics.runs.inc()
        if body.mismatches:
            self._metrics.runs_with_mismatch.inc()
        self._metrics.snapshot_age.set(body.snapshot_age_ns / 1e9)

    def _mismatched(self, _: str, __: int, body: MismatchDetected) -> None:
        kind = self._metrics.bounded("mismatch", body.kind)
        self._metrics.mismatches.labels(kind).inc()

    def _synced(self, _: str, __: int, body: AccountSynced) -> None:
        self._metrics.sync_ts.set(body.asked_ns // NS_PER_MS)
        self._metrics.sync_since.mark(body.asked_ns)
        self._metrics.sync_positions.set(len(body.positions))
        self._metrics.sync_orders.set(len(body.open_orders))

    def _budget(self, _: str, __: int, body: BudgetReported) -> None:
        used = self._metrics.budget_used
        used.labels("weight_1m").set(body.used_weight_1m)
        used.labels("orders_10s").set(body.orders_10s)
        used.labels("orders_1m").set(body.orders_1m)

    def _read_failed(self, _: str, __: int, body: ReadFailed) -> None:
        operation = OPERATION_OF_REQUEST.get(body.request)
        if operation is not None:
            status = "4xx" if body.code else "unknown"
            self._metrics.http_requests.labels(operation, status).inc()


Effect = Callable[[MetricsObserver, str, int, Any], None]


def _count(name: str) -> Effect:
    """Return an effect that adds one to the family called ``name``."""
    return lambda watch, _, __, ___: getattr(watch._metrics, name).inc()


def _read(operation: str) -> Effect:
    return lambda watch, _, __, ___: watch._request(operation, Outcome.DONE)


EFFECTS: dict[type[Message], Effect] = {
    RiskStateChanged: MetricsObserver._state_changed,
    KillSwitchTripped: MetricsObserver._tripped,
    ResetKillSwitch: MetricsObserver._reset,
    LeadershipGained: MetricsObserver._gained,
    LeadershipLost: MetricsObserver._lost,
    LeaseRefused: MetricsObserver._refused,
    IntentsProposed: MetricsObserver._proposed,
    IntentsApproved: MetricsObserver._approved,
    IntentsDenied: MetricsObserver._denied,
    StreamOpened: MetricsObserver._opened,
    StreamClosed: MetricsObserver._closed,
    ListenKeyExpired: MetricsObserver._key_expired,
    FeedReported: MetricsObserver._feed_reported,
    FeedHealthChanged: MetricsObserver._feed_health,
    PlaceAnswered: MetricsObserver._place_answered,
    CancelAnswered: MetricsObserver._cancel_answered,
    OrderQueried: _read("query_order"),
    AccountRead: _read("read_account"),
    TradesRead: _read("read_trades"),
    FundingRead: _read("read_funding"),
    ReadFailed: MetricsObserver._read_failed,
    CountdownAnswered: lambda watch, _, __, body: watch._request("countdown", body.outcome),
    UserStreamKept: lambda watch, _, __, body: watch._request("listen_key", body.outcome),
    OrderSubmitted: _count("placed"),
    OrderRejected: _count("rejected"),
    OrderOutcomeUnknown: lambda watch, _, __, body: watch._metrics.unknown.labels(
        watch._metrics.bounded("operation", body.operation)
    ).inc(),
    CancelRejected: _count("cancel_rejected"),
    OrderEnded: MetricsObserver._order_ended,
    OrderFilled: MetricsObserver._order_filled,
    LedgerChanged: MetricsObserver._ledger_changed,
    ReconcileRan: MetricsObserver._reconciled,
    MismatchDetected: MetricsObserver._mismatched,
    AccountSynced: MetricsObserver._synced,
    AccountSyncFailed: lambda watch, _, __, ___: watch._metrics.sync_errors.labels(
        "read_failed"
    ).inc(),
    BudgetReported: MetricsObserver._budget,
    VenueThrottled: _count("throttled"),
    ClockMeasured: lambda watch, _, __, body: watch._metrics.clock_offset.set(body.offset_ns / 1e9),
}

MetricsObserver.hears = tuple(EFFECTS)


_NOTHING_REPORTED = FeedReported(
    stream="",
    is_connected=False,
    frames=0,
    late=0,
    gaps=0,
    rejected=0,
    reconnects=0,
    last_event_ns=0,
)


def _growth(last: int, now: int) -> int:
    # The speaker counts from its own start: a lower number is a newer generation.
    return now if now < last else now - last


def _gap_bucket(age_ms: int) -> str:
    for edge in (500, 2_000, 5_000):
        if age_ms <= edge:
            return str(edge)
    return ">5000"
