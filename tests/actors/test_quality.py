"""Shallow books and bad executions, through the assembled system; the venue's orders judge."""

from __future__ import annotations

from decimal import Decimal
from random import Random

import attrs

from grinder.messages.grid import PlanChosen
from grinder.model.order import Side
from grinder.simulation.generator import GeneratorConfig, Regime, generated
from grinder.simulation.market import MarketEvent
from simulated import checks
from simulated.worlds import BITCOIN, BTC, ETH, ETHER, Market, Stage, quick

FINE = attrs.evolve(BITCOIN, lot=Decimal("0.0001"), notional_min=Decimal(5))
COARSE = attrs.evolve(ETHER, tick=Decimal(1))
"""A tick of 3.3 basis points, so that a book of twenty levels is deep in basis points."""


class Books(Market):
    """Whole books of one symbol."""

    def __init__(self) -> None:
        super().__init__({})
        settings = GeneratorConfig(instrument=COARSE, start_ticks=3_000, regimes=(Regime.RANGE,))
        self._source = generated(settings, Random(1))

    def __next__(self) -> MarketEvent:
        """Return the next event."""
        return next(self._source)


def shallow(penalty_pct: int) -> Stage:
    """Return a world in which a large order moves the book by 11 to 26 basis points."""
    settings = quick(
        ETH,
        policy={"name": "range", "options": ("spacing_bps=40",)},
        features={"sample_ms": 500, "reference_notional": Decimal(250_000)},
        throttle={"l2_impact_threshold_bps": 40, "l2_penalty_pct": penalty_pct},
        toxicity={"enabled": False},
    )
    return Stage(settings, instruments=(COARSE,), market=Books()).run(20)


def step_of(stage: Stage) -> int:
    """Return the distance of the innermost sells at the venue, in ticks."""
    prices = sorted(one.price_ticks for one in stage.entries(ETH).values() if one.side is Side.SELL)
    return prices[1] - prices[0]


def test_a_shallow_book_makes_the_ladder_wider_and_no_deeper() -> None:
    plain, wider = shallow(100), shallow(150)

    assert step_of(plain) == 12
    assert 13 <= step_of(wider) <= 18
    assert len(wider.entries(ETH)) == len(plain.entries(ETH)) == 10
    assert not any("L2_PENALTY" in one.plan.reason_codes for one in plans(plain))
    penalised = [one.plan for one in plans(wider) if "L2_PENALTY" in one.plan.reason_codes]
    assert "RESET_STEP_DRIFT" in penalised[0].reason_codes
    assert all(one.levels_up == one.levels_down == 5 for one in penalised)


def plans(stage: Stage) -> list[PlanChosen]:
    return stage.said(PlanChosen)


def test_fills_after_which_the_market_runs_on_build_the_ladder_anew_and_then_pause_it() -> None:
    regime = {
        "quality_orders": 4,
        "quality_markout_bps": 3.0,
        "hold_samples": 2,
        "quality_pause_samples": 10,
    }
    settings = quick(
        policy={"name": "range"},
        features={"sample_ms": 500},
        regime=regime,
        toxicity={"enabled": False},
    )
    stage = Stage(settings, instruments=(FINE,)).run(4)
    bid = 600_000
    for _ in range(2):
        # Faster than the ladder follows, and it does not come back.
        bid -= 3_000
        stage.market.put(BTC, bid)
        for order in stage.entries(BTC).values():
            if order.side is Side.BUY and order.price_ticks >= bid:
                stage.sold(order.price_ticks - 5, order.qty_lots)
        stage.run(2)
        for order in stage.exits(BTC).values():
            stage.bought(order.price_ticks + 5, 10_000)
        stage.run(2)
        assert stage.held() == 0
    codes = [one.plan.reason_codes for one in plans(stage)]
    first = next(number for number, one in enumerate(codes) if "RESET_EXEC_QUALITY" in one)
    paused = [number for number, one in enumerate(codes) if one[0] == "PAUSE_EXEC_QUALITY"]

    assert plans(stage)[first].plan.reset_action == "SOFT"
    assert paused
    assert paused[0] > first
    stage.market.put(BTC, bid)
    stage.run(20)
    assert stage.entries(BTC), "it goes on after the pause"
    checks.assert_all_well(stage)
