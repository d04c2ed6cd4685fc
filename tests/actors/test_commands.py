"""What an operator says to somebody who has just died is heeded by the next one."""

from __future__ import annotations

import pytest

from grinder.actors.commands import COMMANDS, told
from grinder.kernel.message import Message
from grinder.messages.risk import BanSymbol, LiftBan, SymbolBanned
from simulated import checks
from simulated.worlds import BITCOIN, BTC, ETH, ETHER, SECOND, Stage, ladder, quick

pytestmark = pytest.mark.usefixtures("quiet")

LADDER = ladder(3)
RISK = "risk"
HELD = {"kill": "INIT", "pause": "PAUSED", "emergency": "EMERGENCY"}
"""Where each command holds a RiskSupervisor that has just begun."""
BAN = BanSymbol(symbol=BTC, duration_ns=0, reason="exploit", operator="ada")
LIFT = LiftBan(symbol=BTC, operator="ada")


def begun() -> Stage:
    return Stage(quick(BTC, ETH), instruments=(BITCOIN, ETHER)).run(3)


def command(action: str) -> Message:
    return COMMANDS[action]("ada", "test")


def say_to_the_dead(stage: Stage, message: Message, name: str = RISK) -> None:
    """Let an actor die, and tell its address something before there is another one."""
    stage.runtime.inject(name, "raise")
    stage.run(0.001)
    assert stage.runtime.resolve(name).slot.runner is None
    stage.tell(name, message)
    stage.run(8)


@pytest.mark.parametrize("action", HELD)
def test_a_hold_that_was_said_to_the_dead_holds(action: str) -> None:
    stage = begun()
    say_to_the_dead(stage, command(action))

    assert stage.state == HELD[action]
    assert not stage.entries()
    stage.run(20)
    assert not stage.entries()


@pytest.mark.parametrize(("action", "end"), [("kill", "reset"), ("pause", "resume")])
def test_a_hold_that_was_ended_while_nobody_heard_is_over(action: str, end: str) -> None:
    stage = begun()
    stage.tell(RISK, command(action))
    stage.run(2)
    assert not stage.entries()
    say_to_the_dead(stage, command(end))

    stage.until(lambda: set(stage.entries(BTC)) == set(stage.entries(ETH)) == LADDER)
    checks.assert_all_well(stage)


def test_a_ban_that_was_begun_or_lifted_while_nobody_heard_is_so() -> None:
    stage = begun()
    say_to_the_dead(stage, BAN)
    assert not stage.entries(BTC)

    say_to_the_dead(stage, LIFT)
    assert set(stage.entries(BTC)) == LADDER


def test_a_ban_that_ends_while_nobody_looks_is_told_to_be_over() -> None:
    stage = begun()
    stage.tell(RISK, BanSymbol(symbol=BTC, duration_ns=SECOND, reason="exploit", operator="ada"))
    stage.run(0.1)
    assert [one.is_banned for one in stage.said(SymbolBanned)] == [True]
    stage.runtime.inject(RISK, "hang")
    stage.until(lambda: set(stage.entries(BTC)) == LADDER and stage.state == "ACTIVE", 90)

    assert not stage.said(SymbolBanned)[-1].is_banned


def test_a_grid_that_was_resumed_while_nobody_heard_goes_on() -> None:
    stage = Stage(quick(policy={"stop_lower": "-0.5%"})).run(3)
    stage.market.put(BTC, 596_000)
    stage.until(lambda: not (stage.held() or stage.entries()), 60)
    stage.run(5)
    assert not stage.orders(), "it stays over"
    say_to_the_dead(stage, command("resume"), f"policy.{BTC}")

    assert set(stage.entries(BTC)) == LADDER


def test_only_a_resume_concerns_policies() -> None:
    config = quick(BTC, ETH)

    assert [name for name, _ in told(config, "kill", "ada", "")] == [RISK]
    assert [name for name, _ in told(config, "resume", "ada", "")] == [
        RISK,
        f"policy.{BTC}",
        f"policy.{ETH}",
    ]
    with pytest.raises(KeyError):
        list(told(config, "flatten", "ada", ""))
