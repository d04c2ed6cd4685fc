from __future__ import annotations

from decimal import Decimal
from typing import Any

import attrs
import pytest

from grinder.model.strategy import SizingSettings
from grinder.risk.standing import PAUSE_NS, Budgets, Equity, Standing, ratio_left

D = Decimal
CALM = Standing(
    equity=D(10_000),
    budget_ratio=D(1),
    session_drawdown=D(0),
    daily_drawdown=D(0),
    is_killed=False,
)


def budgets() -> Budgets:
    made = Budgets(SizingSettings(tiers=("B=HIGH",)), ("A", "B"))
    assert len(made.look(CALM, 0)) == 2
    return made


def test_each_symbol_is_told_its_share_at_first() -> None:
    told = Budgets(SizingSettings(tiers=("B=HIGH",)), ("A", "B")).look(CALM, 0)

    assert [(one.symbol, one.budget) for one in told] == [
        ("A", D("1333.33")),
        ("B", D("666.66")),
    ]
    assert {one.equity for one in told} == {D(10_000)}


@pytest.mark.parametrize(
    ("change", "is_told"),
    [
        ({}, False),
        ({"equity": D("9990.01")}, False),
        ({"equity": D("9990")}, True),
        ({"equity": D("10010")}, True),
        ({"budget_ratio": D("0.99")}, True),
        ({"session_drawdown": D("0.0009")}, False),
        ({"session_drawdown": D("0.001")}, True),
        ({"daily_drawdown": D("0.001")}, True),
    ],
)
def test_what_is_material_is_told_after_a_pause(change: dict[str, Any], is_told: bool) -> None:
    made = budgets()
    now = attrs.evolve(CALM, **change)

    assert not made.look(now, PAUSE_NS - 1)
    assert bool(made.look(now, PAUSE_NS)) is is_told
    assert not made.look(now, 3 * PAUSE_NS)


@pytest.mark.parametrize("change", [{"is_killed": True}, {"budget_ratio": D(0)}])
def test_the_end_of_entering_is_told_at_once_and_so_is_its_return(
    change: dict[str, Any],
) -> None:
    made = budgets()

    told = made.look(attrs.evolve(CALM, **change), 1)
    assert [one.symbol for one in told] == ["A", "B"]
    assert len(made.look(CALM, 2)) == 2


def test_small_steps_add_up() -> None:
    made = budgets()
    equity, told = D(10_000), 0
    for second in range(1, 21):
        equity -= 4
        told += bool(made.look(attrs.evolve(CALM, equity=equity), second * PAUSE_NS))

    assert told == 6


def test_whoever_forgot_is_told_again() -> None:
    made = budgets()
    made.forget()

    assert len(made.look(CALM, 1)) == 2


@pytest.mark.parametrize(
    ("drawdown", "left"),
    [
        ("0", "1"),
        ("0.0099", "1"),
        ("0.01", "0.95"),
        ("0.1", "0.50"),
        ("0.199", "0.05"),
        ("0.2", "0"),
        ("0.5", "0"),
    ],
)
def test_what_is_left_until_the_limit(drawdown: str, left: str) -> None:
    assert ratio_left(D(drawdown), 0.2) == D(left)


def test_equity_is_the_last_snapshot_and_what_the_books_did_since() -> None:
    equity = Equity()
    assert equity.now(D(-3)) == 0
    assert equity.drawdown(D(0)) == 0

    equity.measure(D(1_000), D(-20))
    assert equity.now(D(-20)) == 1_000
    assert equity.now(D(5)) == 1_025
    assert equity.drawdown(equity.now(D("-123.125"))) == D("0.125")
    assert equity.now(D(-5_000)) == 0
    assert equity.peak == 1_025


def test_what_the_books_tell_late_was_won_before_the_snapshot() -> None:
    equity = Equity()
    equity.measure(D(1_000), D(0))
    equity.settle(D(300))
    assert equity.now(D(300)) == equity.peak == 1_000
    assert equity.now(D(310)) == 1_010


def test_the_peak_is_kept_again_only_when_it_has_risen_enough() -> None:
    equity = Equity()
    assert equity.latched("") == ""
    equity.measure(D(1_000), D(0))
    equity.now(D(0))
    kept = equity.latched("")
    equity.now(D("0.9"))
    assert equity.latched(kept) == kept == "1000"
    equity.now(D(2))
    assert equity.latched(kept) == "1002"
