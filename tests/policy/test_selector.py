"""Whose turn it is."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import cast

import pytest

from grinder.model.grid import GridPlan, MarketRegime
from grinder.policy.base import MarketView, Policy
from grinder.policy.selector import Selector
from policy.market import BTC


class Willing:
    """A policy that is willing whenever the test says so, and counts how often it was asked."""

    def __init__(self, name: str, priority: int, is_willing: bool = False) -> None:
        self.name = name
        self.priority = priority
        self.is_willing = is_willing
        self.asked = 0

    def should_activate(self, view: MarketView) -> bool:
        self.asked += 1
        return self.is_willing

    def evaluate(self, view: MarketView) -> GridPlan:
        raise NotImplementedError


VIEW = MarketView(
    symbol="BTCUSDT",
    now_ns=0,
    mid=Decimal(60_000),
    instrument=BTC,
    features={},
    is_warm=True,
    regime=MarketRegime.RANGE,
    level_notional=Decimal(250),
    position_notional_max=Decimal(5_000),
)


class Table:
    """Five policies, from gravest to last resort."""

    def __init__(self, confirm: int = 3, cooldown: int = 5) -> None:
        self.emergency = Willing("emergency", 0)
        self.pause = Willing("pause", 10)
        self.sniper = Willing("mean-reversion", 40)
        self.trend = Willing("trend", 50)
        self.last = Willing("adaptive", 110, is_willing=True)
        self.everyone = (self.last, self.trend, self.pause, self.emergency, self.sniper)
        self.selector = Selector(cast(Iterable[Policy], self.everyone), confirm, cooldown)

    def names(self, samples: int) -> list[str]:
        return [self.selector.choose(VIEW).name for _ in range(samples)]


def test_the_last_in_priority_begins() -> None:
    assert Table().names(3) == ["adaptive"] * 3


def test_a_policy_takes_over_once_it_was_first_three_times() -> None:
    table = Table()
    table.names(10)
    table.trend.is_willing = True

    assert table.names(4) == ["adaptive", "adaptive", "trend", "trend"]


def test_two_samples_out_of_three_confirm_nothing() -> None:
    table = Table()
    table.names(10)
    for is_willing in (True, True, False) * 5:
        table.trend.is_willing = is_willing
        assert table.names(1) == ["adaptive"]


def test_nothing_changes_within_the_cooldown() -> None:
    table = Table()
    table.names(10)
    table.trend.is_willing = True
    table.names(3)
    table.trend.is_willing = False

    assert table.names(6) == ["trend"] * 5 + ["adaptive"]


@pytest.mark.parametrize("name", ["emergency", "pause"])
def test_emergency_and_pause_wait_for_nothing(name: str) -> None:
    table = Table()
    table.names(10)
    table.trend.is_willing = True
    table.names(3)
    getattr(table, name).is_willing = True

    assert table.names(1) == [name]


def test_emergency_goes_before_pause_and_everybody() -> None:
    table = Table()
    for policy in table.everyone:
        policy.is_willing = True

    assert table.names(1) == ["emergency"]


def test_pause_keeps_nobody_out_while_its_own_condition_does_not_hold() -> None:
    table = Table(confirm=1, cooldown=0)
    table.sniper.is_willing = table.trend.is_willing = True

    assert table.names(2) == ["mean-reversion"] * 2


def test_the_way_back_from_a_pause_is_patient() -> None:
    table = Table()
    table.pause.is_willing = True
    table.names(1)
    table.pause.is_willing = False

    assert table.names(6) == ["pause"] * 5 + ["adaptive"]


def test_everyone_is_asked_each_time_so_that_what_they_count_goes_on() -> None:
    table = Table()
    table.emergency.is_willing = True
    table.names(7)

    assert {policy.asked for policy in table.everyone} == {7}


def test_when_nobody_finds_its_market_the_last_resort_goes_on() -> None:
    table = Table(confirm=1, cooldown=0)
    table.last.is_willing = False

    assert table.names(2) == ["adaptive"] * 2


def test_a_selector_wants_somebody_to_select() -> None:
    nobody: tuple[Policy, ...] = ()
    with pytest.raises(ValueError, match="at least one policy"):
        Selector(nobody, 3, 5)
