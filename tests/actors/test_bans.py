"""Symbols that an operator has banned, in the assembled system; the venue's orders are witness."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import attrs
import pytest

from grinder.messages.grid import IntentsDenied, SymbolSelected
from grinder.messages.risk import BanSymbol, LiftBan, SymbolBanned
from grinder.model.settings import JournalSettings
from simulated import checks
from simulated.recorded import replayed
from simulated.worlds import BITCOIN, BTC, ETH, ETHER, SECOND, Stage, ladder, quick

LADDER = ladder(3)
BOTH = (BITCOIN, ETHER)


def banned(stage: Stage, seconds: int = 0) -> None:
    """Ban Bitcoin, and let it be heard."""
    stage.tell(
        "risk",
        BanSymbol(symbol=BTC, duration_ns=seconds * SECOND, reason="exploit", operator="ada"),
    )
    stage.run(1.5)


def stage_of(**sections: Any) -> Stage:
    return Stage(quick(BTC, ETH, **sections), instruments=BOTH).run(3)


def test_a_banned_symbol_keeps_its_exits_and_nothing_else_and_the_others_go_on() -> None:
    stage = stage_of()
    stage.sold(599_695, 2)
    stage.run(1)
    assert stage.held() == 2
    banned(stage)

    assert not stage.entries(BTC)
    assert set(stage.entries(ETH)) == LADDER
    assert sum(one.qty_lots for one in stage.exits(BTC).values()) == stage.held() == 2
    price = next(iter(stage.exits(BTC).values())).price_ticks
    stage.bought(price + 5, 2)
    stage.run(5)
    assert stage.held() == 0
    assert not stage.orders(BTC)

    stage.tell("risk", LiftBan(symbol=BTC, operator="ada"))
    stage.run(2)
    assert set(stage.entries(BTC)) == LADDER
    assert [one.is_banned for one in stage.said(SymbolBanned)] == [True, False]
    checks.assert_all_well(stage)


def test_a_ban_with_a_time_ends_by_itself() -> None:
    stage = stage_of()
    banned(stage, seconds=10)
    stage.run(6)
    assert not stage.entries(BTC)
    stage.run(5)

    assert set(stage.entries(BTC)) == LADDER
    assert [one.is_banned for one in stage.said(SymbolBanned)] == [True, False]


def test_a_ban_of_a_symbol_that_is_not_traded_changes_nothing() -> None:
    stage = stage_of()
    stage.tell("risk", BanSymbol(symbol="XRPUSDT", duration_ns=0, reason="", operator="ada"))
    stage.run(3)

    assert not stage.said(SymbolBanned)
    assert set(stage.entries(BTC)) == set(stage.entries(ETH)) == LADDER


@pytest.mark.usefixtures("quiet")
@pytest.mark.parametrize("name", ["risk", f"policy.{BTC}", "exchange", "router"])
def test_a_ban_outlives_whoever_dies(name: str) -> None:
    stage = stage_of()
    banned(stage, seconds=60)
    placed = {one.order_id for one in checks.history(stage, BTC)}
    stage.runtime.inject(name, "raise")
    stage.run(15)

    assert not stage.entries(BTC)
    assert {one.order_id for one in checks.history(stage, BTC)} == placed
    assert set(stage.entries(ETH)) == LADDER
    stage.until(lambda: set(stage.entries(BTC)) == LADDER, within_s=60)


def test_the_gate_refuses_what_a_policy_proposes_all_the_same() -> None:
    stage = stage_of()
    stage.tell("risk", BanSymbol(symbol=BTC, duration_ns=0, reason="", operator="ada"))
    stage.actor(f"policy.{BTC}").on_symbol_banned = lambda _: None
    stage.run(1)
    policy = stage.actor(f"policy.{BTC}")
    policy._is_banned = False
    policy.set_leave()
    stage.run(5)

    codes = {one.code for said in stage.said(IntentsDenied) for one in said.denials}
    assert "SYMBOL_BANNED" in codes
    stage.run(5)
    ids = {one.order_id for one in checks.history(stage, BTC)}
    stage.run(10)
    assert {one.order_id for one in checks.history(stage, BTC)} == ids


@pytest.mark.usefixtures("quiet")
def test_selection_gives_the_place_of_a_banned_symbol_to_another() -> None:
    selection = {
        "enabled": True, "top_k": 1, "rerank_ms": 5_000, "dwell_ms": 2_000, "hold_ms": 10_000,
        "volume_24h_min": 0, "volume_1h_min": 0, "trades_1m_min": 0, "open_interest_min": 0,
        "thin_notional_min": 0, "warmup_bars_min": 3,
    }  # fmt: skip
    stage = stage_of(features={"bar_interval_ms": 2_000}, selection=selection)
    stage.run(40)
    assert set(stage.entries(BTC)) == LADDER
    banned(stage)
    stage.runtime.inject("selection", "raise")
    stage.run(40)

    assert not stage.entries(BTC)
    assert set(stage.entries(ETH)) == LADDER
    told = [one for one in stage.said(SymbolSelected) if one.symbol == BTC][-1]
    assert told.reasons == ("BLACKLISTED",)


def test_bans_replay_to_the_same_words(tmp_path: Path) -> None:
    journal = JournalSettings(
        directory=str(tmp_path / "journal"), compress=False, flush_ms=50, fsync="never"
    )
    stage = Stage(attrs.evolve(quick(BTC), journal=journal)).run(5)
    banned(stage, seconds=5)
    stage.run(8)
    banned(stage)
    stage.tell("risk", LiftBan(symbol=BTC, operator="ada"))
    stage.run(3)
    stage.world.runtime.stop()

    outcome, _ = replayed(tmp_path / "journal")
    assert outcome.divergence is None
    assert not outcome.skipped
