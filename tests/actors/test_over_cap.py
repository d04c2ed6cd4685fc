"""Entries that turn out to exceed a cap once the truth is heard; the venue's orders are witness."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from grinder.messages.account import PositionChanged
from grinder.messages.codec import CODEC
from grinder.messages.grid import IntentsDenied
from grinder.messages.orders import CancelOrder
from grinder.messages.risk import EntriesWithdrawn
from grinder.model.order import Side
from grinder.replay.lines import line_of
from grinder.replay.why import explain
from grinder.risk.surplus import STANDS_NS
from simulated import checks
from simulated.recorded import replayed
from simulated.worlds import BITCOIN, BTC, ETH, ETHER, MS, Stage, quick

LONG, SHORT = f"{BTC}:LONG", f"{BTC}:SHORT"
GRID = {"levels": 3, "level_notional": Decimal(370), "exit_spacing_bps": 20}
"""Levels of six lots of Bitcoin, and exits that the standing market does not reach."""
LADDERS = Decimal(2_240)
"""Room for the ladders of two legs, of 18 lots each, and for one lot more."""
BOUND_NS = STANDS_NS + 250 * MS
"""From the news to the cancel: how long it has to stand, and the pause between two looks."""


def hedged(**sections: Any) -> Stage:
    """Return two ladders that rest, and fill the cap of their market."""
    risk = {"position_notional_max": LADDERS, "order_notional_max": 500, "entries_1m_max": 0}
    settings = quick(policy=GRID, venue={"position_mode": "hedge"}, risk=risk, **sections)
    stage = Stage(settings).run(4)
    assert shown(stage) == {"b1", "b2", "b3", "s1", "s2", "s3"}
    return stage


def shown(stage: Stage) -> set[str]:
    """Return the entries of both legs, by level."""
    return {*stage.entries(LONG), *stage.entries(SHORT)}


def unheard(stage: Stage, lots: int, symbol: str) -> None:
    """Let somebody buy on the account, of which nothing is told before the next snapshots."""
    assert not stage.said(PositionChanged)
    stage.by_hand(Side.BUY, lots, symbol=symbol, tell=False)


def cancelled(stage: Stage) -> dict[str, int]:
    """Return when each order was cancelled because of a cap, by name; never twice."""
    found: dict[str, int] = {}
    for said in stage.entries_of(CancelOrder, sender="router"):
        if isinstance(said.body, CancelOrder) and said.body.reason == "CAP":
            assert found.setdefault(said.body.client_order_id, said.at_ns) == said.at_ns
    return found


def test_what_no_longer_fits_is_cancelled_once_within_its_bound_and_returns_with_room() -> None:
    stage = hedged()
    furthest = stage.entries(SHORT)["s3"].client_order_id
    unheard(stage, 24, LONG)
    stage.until(lambda: stage.said(PositionChanged), within_s=12, step_ms=10)
    assert shown(stage) >= {"s1", "s2", "s3"}
    heard_ns = stage.entries_of(PositionChanged)[0].at_ns
    stage.run(2)

    assert cancelled(stage).keys() == {furthest}
    assert STANDS_NS <= cancelled(stage)[furthest] - heard_ns <= BOUND_NS
    assert shown(stage) == {"s1", "s2"}
    assert sum(one.qty_lots for one in stage.exits(LONG).values()) == stage.held(LONG) == 24

    # It is proposed and denied, ever more seldom, and placed again only when it fits.
    stage.run(30)
    assert shown(stage) == {"s1", "s2"}
    denied = [one for said in stage.said(IntentsDenied) for one in said.denials]
    assert {(one.code, one.level) for one in denied} == {("MAX_POSITION_EXCEEDED", "s3")}
    assert len(denied) < 10
    stage.by_hand(Side.SELL, 24, symbol=LONG, name="back")
    stage.run(25)
    assert shown(stage) == {"b1", "b2", "b3", "s1", "s2", "s3"}
    assert cancelled(stage).keys() == {furthest}
    assert not checks.differences(stage)
    assert not checks.book_differences(stage)
    assert not checks.uncovered(stage)


def test_all_markets_share_the_total_cap_and_exits_stay() -> None:
    risk = {"total_notional_max": LADDERS, "order_notional_max": 500, "entries_1m_max": 0}
    risk["position_notional_max"] = Decimal(2_000)
    stage = Stage(quick(BTC, ETH, policy=GRID, risk=risk), instruments=(BITCOIN, ETHER)).run(4)
    assert len(stage.entries()) == 12
    unheard(stage, 24, BTC)
    stage.run(15)

    # 1,440 are held of Bitcoin, which leaves Ether two levels of 370 on each side.
    assert not stage.entries(BTC)
    assert set(stage.entries(ETH)) == {"b1", "b2", "s1", "s2"}
    assert len(cancelled(stage)) == 2
    told = [one for said in stage.said(EntriesWithdrawn) for one in said.orders]
    assert {one.code for one in told} == {"MAX_NOTIONAL_EXCEEDED"}
    assert sum(one.qty_lots for one in stage.exits(BTC).values()) == stage.held() == 24
    stage.run(20)
    assert set(stage.entries(ETH)) == {"b1", "b2", "s1", "s2"}
    assert len(cancelled(stage)) == 2


@pytest.mark.usefixtures("quiet")
@pytest.mark.parametrize("name", [f"policy.{SHORT}", "risk", "router", "exchange"])
@pytest.mark.parametrize("after_s", [0.5, 1.24, 1.26])
def test_whoever_dies_about_then_the_entry_goes(name: str, after_s: float) -> None:
    stage = hedged()
    unheard(stage, 24, LONG)
    stage.until(lambda: stage.said(PositionChanged), within_s=12, step_ms=10)
    stage.run(after_s)
    stage.runtime.inject(name, "raise")
    stage.until(lambda: shown(stage) == {"s1", "s2"}, within_s=10)
    stage.run(10)
    assert shown(stage) == {"s1", "s2"}


def test_the_journal_replays_and_tells_why_it_went(tmp_path: Path) -> None:
    stage = hedged(journal={"directory": str(tmp_path), "flush_ms": 50, "fsync": "never"})
    name = stage.entries(SHORT)["s3"].client_order_id
    unheard(stage, 24, LONG)
    stage.run(15)
    stage.runtime.stop()

    outcome, _ = replayed(tmp_path)
    assert outcome.divergence is None
    links = [link for chain in explain(tmp_path, None, name, CODEC).chains for link in chain]
    assert any(isinstance(one.body, EntriesWithdrawn) for one in links)
    lines = [line_of(one, one.said_ns) for one in links if isinstance(one.body, CancelOrder)]
    assert any("reason=CAP" in line for line in lines)
