"""What is decided about grids, as metrics: regimes, plans, policies, selection, flow, budgets."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from grinder.console.metrics import NONE, Metrics
from grinder.kernel.message import Message
from grinder.kernel.observer import Observer
from grinder.messages.features import FeaturesSampled
from grinder.messages.grid import (
    CloseProgressed,
    CloseStage,
    PlanChosen,
    PolicySwitched,
    RegimeChanged,
    SelectionRanked,
    SymbolSelected,
)
from grinder.messages.risk import LatchesReported, LatchMoved, RiskBudgetChanged
from grinder.model.grid import MarketRegime, ResetAction, ToxicityLevel

if TYPE_CHECKING:
    from prometheus_client import Gauge

ENDS = ("least", "greatest")
LATCHES = ("kill_switch", "override", "grid")
CLOSING = (CloseStage.OFFERED, CloseStage.CROSSING, CloseStage.MARKET)


class GridObserver(Observer):
    """Moves the metrics of the grids. No label carries a symbol: symbols are counted."""

    def __init__(self, metrics: Metrics) -> None:
        self._lock = threading.Lock()
        self._bounded = metrics.bounded
        self._regimes: dict[str, MarketRegime] = {}
        self._levels: dict[str, ToxicityLevel] = {}
        self._policies: dict[str, str] = {}
        self._steps: dict[str, float] = {}
        self._widths: dict[str, float] = {}
        self._selected: set[str] = set()
        self._closing: dict[str, CloseStage] = {}
        self._overdue: set[str] = set()
        self._latched: set[tuple[str, str]] = set()
        gauge, counter = metrics.gauge, metrics.counter
        self._regime = gauge(
            "grinder_regime", "Symbols whose market is taken for it", regime=tuple(MarketRegime)
        )
        self._toxicity = gauge(
            "grinder_toxicity_symbols",
            "Symbols by how harmful their flow is",
            level=tuple(ToxicityLevel),
        )
        self._policy = gauge(
            "grinder_policy_symbols", "Symbols that a policy is in charge of", policy=(NONE,)
        )
        self._switches = counter(
            "grinder_policy_switches_total", "Times a policy was put in charge", policy=(NONE,)
        )
        self._step = gauge(
            "grinder_grid_step_bps", "Distance of levels, over all symbols", end=ENDS
        )
        self._width = gauge("grinder_grid_width_bps", "Distance of the outermost levels", end=ENDS)
        self._resets = counter(
            "grinder_reset_total", "Plans by what becomes of the ladder", action=tuple(ResetAction)
        )
        self._reasons = counter("grinder_reason_code_total", "Reasons of plans", code=(NONE,))
        self._chosen = gauge("grinder_selection_selected_symbols", "Symbols that may have entries")
        self._changes = counter(
            "grinder_selection_changes_total", "Symbols that came in or went out"
        )
        self._excluded = gauge(
            "grinder_selection_excluded_symbols", "Symbols that a gate keeps out", reason=(NONE,)
        )
        self._closing_metrics(metrics)
        self._equity = gauge("grinder_equity_usd", "Of the account; 0 while unknown")
        self._drawdown = gauge("grinder_drawdown_pct", "Loss from the highest equity of the run")
        self._daily = gauge("grinder_daily_drawdown_pct", "Loss since midnight UTC")
        self._left = gauge("grinder_risk_budget_ratio", "Left to lose, 0 to 1; 0 ends all entries")
        self._left.set(1)

    def _closing_metrics(self, metrics: Metrics) -> None:
        self._closes = metrics.gauge(
            "grinder_close_symbols",
            "Symbols whose position has to go, by how far that has gone",
            stage=CLOSING,
        )
        self._stages = metrics.counter(
            "grinder_close_stages_total", "Stages that closes have reached", stage=tuple(CloseStage)
        )
        self._late = metrics.gauge(
            "grinder_close_overdue_symbols", "Symbols whose close takes longer than it should"
        )

        self._latches = metrics.gauge(
            "grinder_latches_closed", "Latches that are closed", latch=LATCHES
        )
        self._latches_lost = metrics.gauge(
            "grinder_latches_lost", "1 while what is latched does not reach its file"
        )

    def observe(self, sender: str, at_ns: int, body: Message) -> None:
        """Move what the class of ``body`` moves."""
        with self._lock:
            EFFECTS[type(body)](self, body)

    def _sample(self, body: FeaturesSampled) -> None:
        self._levels[body.symbol] = body.toxicity
        _count(self._toxicity, self._levels.values(), ToxicityLevel)

    def _change(self, body: RegimeChanged) -> None:
        self._regimes[body.symbol] = body.to_regime
        _count(self._regime, self._regimes.values(), MarketRegime)

    def _switch(self, body: PolicySwitched) -> None:
        self._switches.labels(self._bounded("policy", body.to_policy)).inc()

    def _plan(self, body: PlanChosen) -> None:
        plan = body.plan
        if body.symbol not in self._regimes:
            # Only a change is told of; what it was before stands in the first plan.
            self._regimes[body.symbol] = plan.regime
            _count(self._regime, self._regimes.values(), MarketRegime)
        self._policies[body.symbol] = self._bounded("policy", body.policy)
        _count(self._policy, self._policies.values(), set(self._policies.values()))
        self._steps[body.symbol] = plan.spacing_bps
        self._widths[body.symbol] = plan.width_bps
        for gauge, values in ((self._step, self._steps), (self._width, self._widths)):
            gauge.labels("least").set(min(values.values()))
            gauge.labels("greatest").set(max(values.values()))
        self._resets.labels(plan.reset_action).inc()
        for code in plan.reason_codes:
            self._reasons.labels(self._bounded("reason_code", code)).inc()

    def _select(self, body: SymbolSelected) -> None:
        if (body.symbol in self._selected) is not body.is_selected:
            self._changes.inc()
        (self._selected.add if body.is_selected else self._selected.discard)(body.symbol)
        self._chosen.set(len(self._selected))

    def _budget(self, body: RiskBudgetChanged) -> None:
        self._equity.set(float(body.equity))
        self._drawdown.set(100 * body.session_drawdown)
        self._daily.set(100 * body.daily_drawdown)
        self._left.set(1.0 if body.budget_ratio is None else float(body.budget_ratio))

    def _close(self, body: CloseProgressed) -> None:
        self._stages.labels(body.stage).inc()
        if body.stage is CloseStage.OVER:
            self._closing.pop(body.symbol, None)
            self._overdue.discard(body.symbol)
        elif body.stage is CloseStage.OVERDUE:
            self._overdue.add(body.symbol)
        else:
            self._closing[body.symbol] = body.stage
        _count(self._closes, self._closing.values(), CLOSING)
        self._late.set(len(self._overdue))

    def _latch(self, body: LatchMoved) -> None:
        key = (body.latch, body.symbol)
        (self._latched.add if body.reason else self._latched.discard)(key)
        _count(self._latches, [latch for latch, _ in self._latched], LATCHES)

    def _latches_reported(self, body: LatchesReported) -> None:
        self._latches_lost.set(not body.is_written)

    def _rank(self, body: SelectionRanked) -> None:
        self._excluded.clear()
        for reason, count in Counter(reason for _, reason in body.excluded).items():
            self._excluded.labels(self._bounded("gate", reason)).set(count)


EFFECTS: dict[type[Message], Callable[[GridObserver, Any], None]] = {
    FeaturesSampled: GridObserver._sample,
    RegimeChanged: GridObserver._change,
    PlanChosen: GridObserver._plan,
    PolicySwitched: GridObserver._switch,
    SymbolSelected: GridObserver._select,
    SelectionRanked: GridObserver._rank,
    RiskBudgetChanged: GridObserver._budget,
    CloseProgressed: GridObserver._close,
    LatchMoved: GridObserver._latch,
    LatchesReported: GridObserver._latches_reported,
}

GridObserver.hears = tuple(EFFECTS)


def _count(gauge: Gauge, values: Iterable[str], known: Iterable[str]) -> None:
    counts = Counter(values)
    for one in known:
        gauge.labels(one).set(counts[one])
