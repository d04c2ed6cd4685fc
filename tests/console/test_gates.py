"""Which gate an entry was stopped at, and which ones it had passed."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

import attrs
import pytest

from console import said
from console.said import INSTRUMENTS, NOW, Clock
from grinder.console.gates import GATES, gate_of, passed
from grinder.console.gridwatch import GridObserver
from grinder.console.metrics import Metrics
from grinder.console.watch import MetricsObserver
from grinder.execution.denials import DenialCode
from grinder.messages.grid import IntentsApproved, IntentsDenied
from grinder.messages.risk import RiskBudgetChanged
from grinder.risk.rules import GATES_FOR_RISK

ALL = ("toxicity_gate", "rate_limiter", "risk_gate")


@pytest.mark.parametrize(
    ("sender", "code", "gate", "before"),
    [
        ("risk", "NOT_ARMED", "risk", ()),
        ("risk", "KILL_SWITCH_ACTIVE", "risk", ()),
        ("risk", "SPREAD_SPIKE", "toxicity_gate", ()),
        ("risk", "TOXICITY_HIGH", "toxicity_gate", ()),
        ("risk", "RATE_LIMIT_EXCEEDED", "rate_limiter", ("toxicity_gate",)),
        ("risk", "DAILY_LOSS_LIMIT_EXCEEDED", "risk_gate", ("toxicity_gate", "rate_limiter")),
        ("risk", "ORDER_NOTIONAL_EXCEEDED", "risk_gate", ("toxicity_gate", "rate_limiter")),
        ("risk", "FSM_STATE_BLOCKED", "risk", ALL),
        ("router", "WOULD_CROSS_SPREAD", "router", ()),
        ("router", "FSM_STATE_BLOCKED", "router", ()),
    ],
)
def test_a_refusal_belongs_to_one_gate(
    sender: str, code: str, gate: str, before: tuple[str, ...]
) -> None:
    assert gate_of(sender, code) == gate
    assert passed(sender, code) == before


def test_the_gates_stand_in_the_order_in_which_they_are_asked() -> None:
    asked = [code for codes in GATES.values() for code in codes]

    assert asked == [code for code in DenialCode if code in asked]
    assert len(asked) < len(GATES_FOR_RISK)


def counted(bodies: Iterable[IntentsApproved | IntentsDenied]) -> dict[tuple[str, ...], float]:
    metrics = Metrics(
        config_hash="0", version="1", actors=tuple, is_ready=lambda: True, now_ns=Clock()
    )
    watch = MetricsObserver(metrics, INSTRUMENTS)
    for body in bodies:
        watch.observe("risk", NOW, body)
    return {
        tuple(sample.labels.values()): sample.value
        for family in metrics.registry.collect()
        for sample in family.samples
        if sample.name in ("grinder_gating_allowed_total", "grinder_gating_blocked_total")
        and sample.value
    }


def test_entries_count_at_every_gate_and_ways_out_at_none() -> None:
    entry = said.proposed().intents[0]
    approved = IntentsApproved(
        symbol="BTCUSDT",
        intents=(attrs.evolve(entry, reduce_only=True), entry, entry),
        permit=None,
        mid_ticks2=2,
        tick_ns=0,
    )
    denied = IntentsDenied(symbol="BTCUSDT", denials=(said.denial("RATE_LIMIT_EXCEEDED"),))

    assert counted((approved, denied)) == {
        ("toxicity_gate",): 3,
        ("rate_limiter",): 2,
        ("risk_gate",): 2,
        ("risk",): 3,
        ("rate_limiter", "RATE_LIMIT_EXCEEDED"): 1,
    }


def test_the_account_is_told_by_whatever_symbol_was_told_last() -> None:
    metrics = Metrics(
        config_hash="0", version="1", actors=tuple, is_ready=lambda: True, now_ns=Clock()
    )
    watch = GridObserver(metrics)
    value = metrics.registry.get_sample_value
    assert value("grinder_risk_budget_ratio") == 1

    watch.observe(
        "risk",
        NOW,
        RiskBudgetChanged(
            symbol="BTCUSDT",
            equity=Decimal("9400.5"),
            budget=Decimal(0),
            budget_ratio=Decimal(0),
            session_drawdown=0.07,
            daily_drawdown=0.06,
            is_killed=False,
        ),
    )

    assert value("grinder_equity_usd") == 9400.5
    assert value("grinder_drawdown_pct") == pytest.approx(7)
    assert value("grinder_daily_drawdown_pct") == pytest.approx(6)
    assert value("grinder_risk_budget_ratio") == 0
