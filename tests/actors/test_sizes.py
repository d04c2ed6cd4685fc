"""Ladders that are sized by what they may lose, as the venue sees them."""

from __future__ import annotations

from decimal import Decimal

from grinder.messages.risk import RiskBudgetChanged
from simulated.worlds import BITCOIN, BTC, ETH, ETHER, Stage, ladder, quick

ADVERSE = Decimal("0.10")


def sized(weights: str = "pyramid", budget: str = "0.02") -> Stage:
    """Return two ladders that rest, of which ETH's may lose half as much as BTC's."""
    sizing = {
        "mode": "auto",
        "drawdown_budget": Decimal(budget),
        "adverse_move": ADVERSE,
        "weights": weights,
        "tiers": (f"{ETH}=HIGH",),
    }
    settings = quick(BTC, ETH, policy={"levels": 5, "spacing_bps": 20}, sizing=sizing)
    return Stage(settings, instruments=(BITCOIN, ETHER)).run(6)


def loss(stage: Stage, symbol: str, side: str) -> Decimal:
    """Return what one side loses when it is filled whole and the market goes on."""
    instrument = stage.instruments[symbol]
    resting = sum(
        instrument.notional(order.price_ticks, order.qty_lots)
        for level, order in stage.entries(symbol).items()
        if level.startswith(side)
    )
    bid, ask = stage.market.quotes[symbol]
    held = instrument.notional(bid + ask, stage.held(symbol)) / 2
    towards = max(held if side == "b" else -held, Decimal(0))
    return (resting + towards) * ADVERSE


def budget(stage: Stage, symbol: str) -> Decimal:
    return [one for one in stage.said(RiskBudgetChanged) if one.symbol == symbol][-1].budget


def test_no_side_of_any_ladder_loses_more_than_its_budget_and_most_of_it_is_used() -> None:
    stage = sized()

    assert (budget(stage, BTC), budget(stage, ETH)) == (Decimal("133.33"), Decimal("66.66"))
    for symbol in (BTC, ETH):
        for side in "bs":
            used = loss(stage, symbol, side) / budget(stage, symbol)
            assert Decimal("0.85") < used <= 1, (symbol, side)
    lots = [stage.entries(ETH)[f"b{number}"].qty_lots for number in range(1, 6)]
    assert lots == sorted(lots)


def test_levels_that_would_be_too_small_for_the_venue_are_left_out_from_the_outside() -> None:
    stage = sized()

    assert set(stage.entries(BTC)) == ladder(3)
    assert set(stage.entries(ETH)) == ladder(5)


def test_what_is_held_counts_against_the_budget() -> None:
    stage = sized("uniform")
    best = stage.entries(ETH)["b1"]
    stage.sold(best.price_ticks - 1, best.qty_lots, symbol=ETH)
    stage.run(5)

    assert stage.held(ETH) == best.qty_lots
    assert loss(stage, ETH, "b") <= budget(stage, ETH)
    assert sum(one.qty_lots for one in stage.exits(ETH).values()) == best.qty_lots
