"""What is decided about grids, as metrics."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from console.said import NOW
from console.scraped import Scraped
from grinder.messages.features import FeaturesSampled
from grinder.messages.grid import (
    PlanChosen,
    PolicySwitched,
    RegimeChanged,
    SelectionRanked,
    SymbolSelected,
)
from grinder.model.grid import GridPlan, MarketRegime, ResetAction, ToxicityLevel


def plan_of(symbol: str, **values: Any) -> PlanChosen:
    known: dict[str, Any] = {
        "center_price": Decimal(60_000),
        "spacing_bps": 10.0,
        "levels_up": 3,
        "levels_down": 5,
        "size_schedule": (Decimal("0.01"),),
        "width_bps": 40.0,
        "reset_action": ResetAction.SOFT,
        "reason_codes": ("REGIME_RANGE", "STEP_SMOOTHING"),
    }
    plan = GridPlan(**(known | values))
    return PlanChosen(symbol=symbol, policy="adaptive", plan=plan, spacing_ticks=600)


def test_plans_are_told_by_what_they_have_in_common(scraped: Scraped) -> None:
    scraped.hear(plan_of("BTCUSDT"), plan_of("ETHUSDT", spacing_bps=30.0, width_bps=90.0))

    assert scraped.value("grinder_policy_symbols", policy="adaptive") == 2
    assert scraped.value("grinder_regime", regime="RANGE") == 2
    assert scraped.value("grinder_grid_step_bps", end="least") == 10
    assert scraped.value("grinder_grid_step_bps", end="greatest") == 30
    assert scraped.value("grinder_grid_width_bps", end="greatest") == 90
    assert scraped.value("grinder_reset_total", action="SOFT") == 2
    assert scraped.value("grinder_reason_code_total", code="STEP_SMOOTHING") == 2


def test_a_symbol_is_counted_in_one_regime(scraped: Scraped) -> None:
    for regime in (MarketRegime.RANGE, MarketRegime.TREND_UP):
        scraped.hear(
            RegimeChanged(
                symbol="BTCUSDT",
                from_regime=MarketRegime.RANGE,
                to_regime=regime,
                reason="TREND_DETECTED",
                confidence=75,
            )
        )

    assert scraped.value("grinder_regime", regime="RANGE") == 0
    assert scraped.value("grinder_regime", regime="TREND_UP") == 1


def test_selection_and_toxicity_count_symbols(scraped: Scraped) -> None:
    said_of: dict[str, Any] = {"rank": 1, "score": 7, "reasons": ()}
    scraped.hear(
        SymbolSelected(symbol="BTCUSDT", is_selected=True, **said_of),
        SymbolSelected(symbol="ETHUSDT", is_selected=True, **said_of),
        SymbolSelected(symbol="ETHUSDT", is_selected=True, **said_of),
        SymbolSelected(symbol="BTCUSDT", is_selected=False, **said_of),
        SelectionRanked(selected=("ETHUSDT",), scores=(), excluded=(("BTCUSDT", "THIN_BOOK"),)),
        PolicySwitched(symbol="BTCUSDT", from_policy="range", to_policy="trend", reason="x"),
        FeaturesSampled(
            symbol="BTCUSDT", values=(), toxicity=ToxicityLevel.HIGH, is_warm=True, event_ns=NOW
        ),
    )

    assert scraped.value("grinder_selection_selected_symbols") == 1
    assert scraped.value("grinder_selection_changes_total") == 3
    assert scraped.value("grinder_selection_excluded_symbols", reason="THIN_BOOK") == 1
    assert scraped.value("grinder_policy_switches_total", policy="trend") == 1
    assert scraped.value("grinder_toxicity_symbols", level="HIGH") == 1
