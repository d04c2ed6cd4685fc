"""Who may have entries, in the assembled system: the venue's open orders are the witness."""

from __future__ import annotations

from typing import Any

from grinder.messages.grid import SelectionRanked, SymbolSelected
from grinder.model.settings import Config
from simulated.worlds import BITCOIN, BTC, ETH, ETHER, START_TICKS, Stage, ladder, quick

LADDER = ladder(3)
MINUTE_S = 60


def selecting(**values: Any) -> Config:
    selection = {
        "enabled": True,
        "top_k": 1,
        "rerank_ms": 10_000,
        "dwell_ms": 5_000,
        "hold_ms": 20_000,
        "volume_24h_min": 0,
        "volume_1h_min": 0,
        "trades_1m_min": 0,
        "open_interest_min": 0,
        "thin_notional_min": 0,
        "warmup_bars_min": 3,
    }
    return quick(
        BTC,
        ETH,
        features={"bar_interval_ms": 2_000},
        selection={**selection, **values},
    )


def stage_of(**values: Any) -> Stage:
    return Stage(selecting(**values), instruments=(BITCOIN, ETHER))


def test_nobody_enters_before_the_first_ranking_and_one_after_it() -> None:
    stage = stage_of()

    stage.run(4)
    assert not stage.orders()
    stage.run(MINUTE_S)
    with_entries = [symbol for symbol in (BTC, ETH) if stage.entries(symbol)]
    assert len(with_entries) == 1
    assert set(stage.entries(with_entries[0])) == LADDER
    assert stage.said(SelectionRanked)[-1].selected == tuple(with_entries)


def test_a_banned_symbol_never_enters() -> None:
    stage = stage_of(bans=(BTC,), top_k=2).run(MINUTE_S)

    assert not stage.entries(BTC)
    assert set(stage.entries(ETH)) == LADDER
    assert {one.symbol for one in stage.said(SymbolSelected) if one.is_selected} == {ETH}


def test_a_gate_takes_entries_off_and_lets_them_return() -> None:
    stage = stage_of(top_k=2).run(MINUTE_S)
    assert set(stage.entries(BTC)) == LADDER

    bid = START_TICKS[BTC]
    stage.market.put(BTC, bid, bid + 1_000)  # 16.7 bps
    stage.until(lambda: any("SPREAD_TOO_HIGH" in one.reasons for one in stage.said(SymbolSelected)))
    stage.until(lambda: not stage.entries(BTC))
    assert set(stage.entries(ETH)) == LADDER
    stage.market.put(BTC, bid)
    stage.until(lambda: set(stage.entries(BTC)) == LADDER, within_s=3 * MINUTE_S)


def test_entries_go_on_as_told_while_the_ranking_is_down_and_after_it() -> None:
    stage = stage_of(top_k=2).run(MINUTE_S)

    told = len(stage.said(SymbolSelected))
    stage.runtime.inject("selection", "raise")
    stage.run(MINUTE_S)

    assert set(stage.entries(BTC)) == set(stage.entries(ETH)) == LADDER
    again = stage.said(SymbolSelected)[told:]
    assert again
    assert all(one.is_selected for one in again)


def test_a_policy_that_was_restarted_learns_with_the_next_ranking_who_is_selected() -> None:
    stage = stage_of(bans=(ETH,)).run(MINUTE_S)

    stage.runtime.inject(f"policy.{BTC}", "raise")
    stage.run(MINUTE_S)

    assert set(stage.entries(BTC)) == LADDER
    assert not stage.entries(ETH)
