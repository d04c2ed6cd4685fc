"""StateView: the latest of everything, for the console, the terminal and the report."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from typing import Any

import attrs

from grinder.console.ordersview import OrdersView
from grinder.console.samples import Latencies
from grinder.console.symbolview import SymbolView, plain, symbol_views
from grinder.kernel.message import Message
from grinder.kernel.observer import Observer
from grinder.kernel.signals import ActorFailed, ActorRestarted
from grinder.messages.account import MismatchDetected, PositionChanged
from grinder.messages.control import LeadershipGained, LeadershipLost
from grinder.messages.features import FeaturesComputed, FeaturesSampled
from grinder.messages.grid import (
    CloseProgressed,
    IntentsDenied,
    IntentsProposed,
    LadderPlanned,
    PlanChosen,
    RegimeChanged,
    SymbolSelected,
)
from grinder.messages.journal import JournalHealthChanged, JournalReported
from grinder.messages.ledger import LedgerChanged
from grinder.messages.market import BookTicked, FeedHealthChanged
from grinder.messages.orders import (
    OrderAccepted,
    OrderEnded,
    OrderFilled,
    OrderRejected,
    OrdersSubmitted,
    OrdersSynced,
)
from grinder.messages.risk import (
    KillSwitchTripped,
    LatchesReported,
    LatchMoved,
    ResetKillSwitch,
    RiskStateChanged,
    SymbolBanned,
    WindDownCompleted,
    WindDownStarted,
)
from grinder.messages.venue import PlaceAnswered
from grinder.model.instrument import Instrument
from grinder.model.units import NS_PER_MS

SYMBOLS_MAX = 200
TRANSITIONS_MAX = 50
MISMATCHES_MAX = 50
FAILURES_MAX = 50
STATES_MAX = 10_000


class StateView(Observer):
    """Keeps what was said last. Everything in it is bounded; one lock guards it all.

    What each class of message leaves stands in EFFECTS, which reaches into it.
    """

    def __init__(
        self,
        instruments: Mapping[str, Instrument],
        *,
        now_ns: Callable[[], int],
    ) -> None:
        self._lock = threading.Lock()
        self._now_ns = now_ns
        self._started_ns = now_ns()
        self._symbols: dict[str, SymbolView] = {}
        self._symbol, self._of_market = symbol_views(self._symbols, instruments, SYMBOLS_MAX)
        self._ticks = 0
        self._state = "INIT"
        self._states: deque[str] = deque(["INIT"], maxlen=STATES_MAX)
        self._transitions: deque[dict[str, Any]] = deque(maxlen=TRANSITIONS_MAX)
        self._transition_count = 0
        self._leadership: dict[str, Any] = {"is_leader": False, "epoch": 0, "reason": ""}
        self._leads_until_ns = 0
        self._kill_switch: dict[str, Any] = {"is_tripped": False, "reason": "", "detail": ""}
        self._latches: dict[tuple[str, str], dict[str, Any]] = {}
        self._latches_lost = ""
        self._orders = OrdersView(self._symbol)
        self._stale: set[tuple[str, str]] = set()
        self._mismatches: deque[dict[str, str]] = deque(maxlen=MISMATCHES_MAX)
        self._mismatch_count = 0
        self._restarts: dict[str, int] = {}
        self._failures: deque[dict[str, Any]] = deque(maxlen=FAILURES_MAX)
        self._tick_to_intent = Latencies()
        self._tick_to_wire = Latencies()
        self._journal: dict[str, Any] | None = None
        self._stop_position = ""
        self._stop: WindDownCompleted | None = None

    def observe(self, sender: str, at_ns: int, body: Message) -> None:
        """Remember what the class of ``body`` is remembered for."""
        with self._lock:
            EFFECTS[type(body)](self, at_ns, body)

    @property
    def state(self) -> str:
        """The lifecycle state last heard."""
        return self._state

    def is_leading(self) -> bool:
        """Return whether leadership is held and its deadline lies ahead."""
        with self._lock:
            return self._is_leading()

    def latencies_ns(self) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """Return the samples (tick to intent, tick to wire) that are still held."""
        with self._lock:
            return self._tick_to_intent.copy(), self._tick_to_wire.copy()

    def snapshot(self) -> dict[str, Any]:
        """Return everything as values that JSON can say; money is text in plain notation."""
        with self._lock:
            now_ns = self._now_ns()
            symbols = {name: view.to_json() for name, view in sorted(self._symbols.items())}
            return {
                "at_ns": now_ns,
                "uptime_s": (now_ns - self._started_ns) / 1e9,
                "state": self._state,
                "states": list(self._states),
                "transitions": [dict(one) for one in self._transitions],
                "transition_count": self._transition_count,
                "leadership": {**self._leadership, "is_leader": self._is_leading()},
                "kill_switch": dict(self._kill_switch),
                "latches": [dict(one) for _, one in sorted(self._latches.items())],
                "latches_lost": self._latches_lost,
                "ticks": self._ticks,
                **self._orders.to_json(now_ns),
                "symbols": symbols,
                "pnl": self._pnl(),
                "stale_streams": [f"{symbol} {stream}" for symbol, stream in sorted(self._stale)],
                "mismatches": list(self._mismatches),
                "mismatch_count": self._mismatch_count,
                "restarts": dict(self._restarts),
                "failures": list(self._failures),
                "latency_samples": {
                    "tick_to_intent": self._tick_to_intent.count,
                    "tick_to_wire": self._tick_to_wire.count,
                },
                "journal": None if self._journal is None else dict(self._journal),
                "stop": self._stopped(),
            }

    def _is_leading(self) -> bool:
        return bool(self._leadership["is_leader"]) and self._now_ns() < self._leads_until_ns

    def _pnl(self) -> dict[str, str]:
        ledgers = [view.ledger for view in self._symbols.values() if view.ledger is not None]
        return {
            "grid": _total(one.realized_pnl for one in ledgers),
            "inventory": _total(one.unrealized_pnl for one in ledgers),
            "fees": _total(one.fees for one in ledgers),
            "funding": _total(one.funding for one in ledgers),
        }

    def _stopped(self) -> dict[str, Any]:
        stop = self._stop
        return {
            "position": self._stop_position,
            "confirmed": stop is not None and stop.is_confirmed,
            "open_orders": stop.open_orders if stop is not None else None,
            "positions": dict(stop.positions) if stop is not None else None,
            "detail": stop.detail if stop is not None else "",
        }


def _ticked(view: StateView, _: int, body: BookTicked) -> None:
    news = [one.tick(body) for one in view._of_market(body.symbol)]
    view._ticks += any(news)


def _computed(view: StateView, _: int, body: FeaturesComputed) -> None:
    for one in view._of_market(body.symbol):
        one.features = body


def _planned(view: StateView, _: int, body: LadderPlanned) -> None:
    view._symbol(body.symbol).planned(body)


def _chosen(view: StateView, _: int, body: PlanChosen) -> None:
    one = view._symbol(body.symbol)
    one.plan = body
    one.regime = one.regime or str(body.plan.regime)


def _closing(view: StateView, _: int, body: CloseProgressed) -> None:
    view._symbol(body.symbol).closed(body)


def _regime(view: StateView, _: int, body: RegimeChanged) -> None:
    view._symbol(body.symbol).regime = str(body.to_regime)


def _sampled(view: StateView, _: int, body: FeaturesSampled) -> None:
    for one in view._of_market(body.symbol):
        one.toxicity = str(body.toxicity)


def _selected(view: StateView, _: int, body: SymbolSelected) -> None:
    for one in view._of_market(body.symbol):
        one.is_selected = body.is_selected


def _banned(view: StateView, _: int, body: SymbolBanned) -> None:
    for one in view._of_market(body.symbol):
        one.ban = body if body.is_banned else None


def _proposed(view: StateView, at_ns: int, body: IntentsProposed) -> None:
    if 0 < body.tick_ns <= at_ns:
        view._tick_to_intent.add(at_ns - body.tick_ns)


def _denied(view: StateView, _: int, body: IntentsDenied) -> None:
    view._symbol(body.symbol).deny(body.denials)


def _answered(view: StateView, _: int, body: PlaceAnswered) -> None:
    if 0 < body.tick_ns <= body.sent_ns:
        view._tick_to_wire.add(body.sent_ns - body.tick_ns)


def _orders_synced(view: StateView, _: int, body: OrdersSynced) -> None:
    view._orders.synced(body)
    one = view._symbol(body.symbol)
    one.position_lots, one.entry_price = body.position_lots, body.entry_price


def _position(view: StateView, _: int, body: PositionChanged) -> None:
    one = view._symbol(body.symbol)
    one.position_lots, one.entry_price = body.qty_lots, body.entry_price


def _ledger(view: StateView, _: int, body: LedgerChanged) -> None:
    view._symbol(body.symbol).ledger = body


def _moved(view: StateView, at_ns: int, body: RiskStateChanged) -> None:
    view._state = body.to_state
    if view._states[-1] != body.to_state:
        view._states.append(body.to_state)
    view._transition_count += body.from_state != body.to_state
    view._transitions.append(
        {
            "at_ns": body.at_ns or at_ns,
            "from": body.from_state,
            "to": body.to_state,
            "reason": body.reason,
        }
    )


def _gained(view: StateView, _: int, body: LeadershipGained) -> None:
    view._leadership = {"is_leader": True, "epoch": body.epoch, "reason": ""}
    view._leads_until_ns = body.deadline_ns


def _lost(view: StateView, _: int, body: LeadershipLost) -> None:
    view._leadership = {"is_leader": False, "epoch": body.epoch, "reason": body.reason}


def _tripped(view: StateView, _: int, body: KillSwitchTripped) -> None:
    view._kill_switch = {"is_tripped": True, "reason": body.reason, "detail": body.detail}


def _reset(view: StateView, _: int, body: ResetKillSwitch) -> None:
    view._kill_switch = {"is_tripped": False, "reason": "", "detail": f"by {body.operator}"}


def _latched(view: StateView, at_ns: int, body: LatchMoved) -> None:
    key = (body.latch, body.symbol)
    view._latches.pop(key, None)
    if body.reason and len(view._latches) < SYMBOLS_MAX:
        view._latches[key] = {"at_ns": at_ns, **attrs.asdict(body)}


def _latches_reported(view: StateView, _: int, body: LatchesReported) -> None:
    view._latches_lost = "" if body.is_written else body.detail or "not written"


def _health(view: StateView, _: int, body: FeedHealthChanged) -> None:
    key = (body.symbol, str(body.stream))
    if not body.is_stale:
        view._stale.discard(key)
    elif len(view._stale) < SYMBOLS_MAX * 4:
        view._stale.add(key)


def _mismatched(view: StateView, at_ns: int, body: MismatchDetected) -> None:
    view._mismatch_count += 1
    view._mismatches.append({"at_ns": str(at_ns), **attrs.asdict(body)})


def _failed(view: StateView, at_ns: int, body: ActorFailed) -> None:
    view._failures.append(
        {
            "at_ns": at_ns,
            "actor": body.actor,
            "generation": body.generation,
            "reason": str(body.reason),
            "detail": body.detail[:500],
        }
    )


def _restarted(view: StateView, _: int, body: ActorRestarted) -> None:
    if body.actor in view._restarts or len(view._restarts) < SYMBOLS_MAX * 2:
        view._restarts[body.actor] = body.restarts


def _journal_changed(view: StateView, _: int, body: JournalHealthChanged) -> None:
    _journal_of(view).update(is_healthy=body.is_healthy, detail=body.detail)


def _journal_reported(view: StateView, _: int, body: JournalReported) -> None:
    _journal_of(view).update(
        records=body.records,
        bytes=body.bytes,
        pending=body.pending,
        lag_ms=body.lag_ns // NS_PER_MS,
        lost=body.lost,
    )


def _journal_of(view: StateView) -> dict[str, Any]:
    if view._journal is None:
        nothing = dict.fromkeys(("records", "bytes", "pending", "lag_ms", "lost"), 0)
        view._journal = {"is_healthy": False, "detail": "", **nothing}
    return view._journal


def _winding_down(view: StateView, _: int, body: WindDownStarted) -> None:
    view._stop_position = str(body.position)


def _wound_down(view: StateView, _: int, body: WindDownCompleted) -> None:
    view._stop = body


EFFECTS: dict[type[Message], Callable[[StateView, int, Any], None]] = {
    BookTicked: _ticked,
    FeaturesComputed: _computed,
    FeaturesSampled: _sampled,
    LadderPlanned: _planned,
    PlanChosen: _chosen,
    RegimeChanged: _regime,
    CloseProgressed: _closing,
    SymbolSelected: _selected,
    SymbolBanned: _banned,
    IntentsProposed: _proposed,
    IntentsDenied: _denied,
    PlaceAnswered: _answered,
    OrdersSubmitted: lambda view, at_ns, body: view._orders.submitted(at_ns, body),
    OrderAccepted: lambda view, _, body: view._orders.accepted(body),
    OrderRejected: lambda view, _, body: view._orders.rejected(body),
    OrderFilled: lambda view, _, body: view._orders.filled(body),
    OrderEnded: lambda view, _, body: view._orders.ended(body),
    OrdersSynced: _orders_synced,
    PositionChanged: _position,
    LedgerChanged: _ledger,
    RiskStateChanged: _moved,
    LeadershipGained: _gained,
    LeadershipLost: _lost,
    KillSwitchTripped: _tripped,
    ResetKillSwitch: _reset,
    LatchMoved: _latched,
    LatchesReported: _latches_reported,
    FeedHealthChanged: _health,
    MismatchDetected: _mismatched,
    ActorFailed: _failed,
    ActorRestarted: _restarted,
    JournalHealthChanged: _journal_changed,
    JournalReported: _journal_reported,
    WindDownStarted: _winding_down,
    WindDownCompleted: _wound_down,
}

StateView.hears = tuple(EFFECTS)


def _total(amounts: Iterable[Decimal]) -> str:
    return plain(sum(amounts, Decimal(0)))
