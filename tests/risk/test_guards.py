from __future__ import annotations

from decimal import Decimal

import pytest

from grinder.risk.drawdown import Drawdown
from grinder.risk.kill_switch import OPEN, reset, trip


def test_the_kill_switch_keeps_its_first_reason() -> None:
    first = trip(OPEN, "DRAWDOWN_LIMIT", "lost", 5)

    assert trip(first, "MANUAL", "again", 9) is first
    assert (first.is_tripped, first.reason, first.tripped_ns) == (True, "DRAWDOWN_LIMIT", 5)


@pytest.mark.parametrize(("operator", "is_tripped"), [("", True), ("  ", True), ("anna", False)])
def test_only_a_named_operator_resets_it(operator: str, is_tripped: bool) -> None:
    assert reset(trip(OPEN, "MANUAL", "", 1), operator).is_tripped is is_tripped


def test_a_reason_not_known_trips_all_the_same() -> None:
    switch = trip(OPEN, "WHATEVER", "text", 1)

    assert (switch.reason, switch.detail) == ("ERROR", "WHATEVER: text")


def test_drawdown_is_against_the_start_and_exact_at_the_limit() -> None:
    drawdown = Drawdown()
    drawdown.update(Decimal(1000))
    drawdown.update(Decimal(2000))
    drawdown.update(Decimal("800.01"))
    before = drawdown.is_breached(0.2)
    drawdown.update(Decimal(800))

    assert not before
    assert drawdown.is_breached(0.2)
    assert drawdown.fraction == Decimal("0.2")
    assert drawdown.at(Decimal(900)) == Decimal("0.1")


def test_a_gain_is_no_drawdown_and_a_debt_is_a_whole_one() -> None:
    drawdown = Drawdown()
    assert drawdown.fraction == 0
    drawdown.update(Decimal(10))
    drawdown.update(Decimal(11))
    assert drawdown.fraction == 0
    drawdown.update(Decimal(-5))
    assert drawdown.fraction == 1
    drawdown.restart(Decimal(5))
    assert drawdown.fraction == 0


@pytest.mark.parametrize("equity", ["0", "-1", "NaN", "Infinity"])
def test_a_session_starts_from_something(equity: str) -> None:
    with pytest.raises(ValueError, match="expected"):
        Drawdown().update(Decimal(equity))
    with pytest.raises(ValueError, match="expected"):
        Drawdown().restart(Decimal(equity))
