"""What keeps entries from going on, through the assembled system, while exits do."""

from __future__ import annotations

import logging
from collections import Counter
from decimal import Decimal
from functools import partial
from itertools import pairwise
from typing import Any

import pytest

from grinder.actors.world import World
from grinder.messages.features import FeaturesSampled
from grinder.messages.grid import IntentsDenied, IntentsProposed
from grinder.messages.ledger import LedgerChanged
from grinder.messages.orders import OrdersSubmitted
from grinder.messages.risk import (
    LedgerRequested,
    PermitsRevoked,
    RiskBudgetChanged,
    TripKillSwitch,
)
from grinder.model.grid import ToxicityLevel
from grinder.model.order import Side
from grinder.sizing.allocator import allocate, candidates
from simulated import worlds
from simulated.worlds import BITCOIN, BTC, ETH, ETHER, SECOND, Stage, ladder, quick

LADDER = ladder(3)
WIDE = {"levels": 3, "spacing_bps": 20}
"""A ladder that moves before the market reaches it."""
MOVED = 601_000
MIDNIGHT_S = 1_700_006_400
"""Midnight UTC of 15 November 2023."""


def entries_proposed(stage: Stage) -> IntentsProposed:
    """Return a proposal to place entries, to be made once more by somebody who does not listen."""
    return next(
        said for said in stage.said(IntentsProposed) if all(one.adds_risk for one in said.intents)
    )


def denials(stage: Stage) -> Counter[str]:
    return Counter(one.code for said in stage.said(IntentsDenied) for one in said.denials)


def fill(stage: Stage, level: str, lots: int = 2) -> None:
    """Let somebody fill some lots of a buy."""
    stage.sold(stage.entries(BTC)[level].price_ticks - 1, lots)
    stage.run(0.5)


def close(stage: Stage) -> None:
    """Let somebody fill every exit that still rests."""
    if not stage.held():
        return
    highest = max(order.price_ticks for order in stage.exits(BTC).values())
    stage.bought(highest + 1, stage.held())
    stage.run(0.5)
    assert stage.held() == 0


def before_midnight(monkeypatch: pytest.MonkeyPatch, seconds: int, **risk: Any) -> Stage:
    """Return a ladder that rests, so many seconds before midnight UTC."""
    start_ns = (MIDNIGHT_S - seconds) * SECOND
    monkeypatch.setattr(worlds, "World", partial(World, start_ns=start_ns))
    stage = Stage(quick(policy=WIDE, risk=risk)).run(3)
    assert set(stage.entries(BTC)) == LADDER
    return stage


def lose_the_day(stage: Stage) -> None:
    """Hold something, and let the price fall until the day's loss is over its limit."""
    fill(stage, "b1")
    stage.market.put(BTC, 598_000)
    stage.until(lambda: revoked(stage, "DAILY_LOSS_LIMIT_EXCEEDED"), within_s=10)


def revoked(stage: Stage, reason: str) -> list[str]:
    return [one.reason for one in stage.said(PermitsRevoked) if one.reason.startswith(reason)]


def test_a_day_that_lost_too_much_has_exits_only_and_the_next_one_entries_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stage = before_midnight(monkeypatch, 60, daily_loss_limit=Decimal("0.1"))
    lose_the_day(stage)
    stage.run(2)
    exits = stage.exits(BTC)
    assert sum(order.qty_lots for order in exits.values()) == stage.held() > 0
    assert not stage.entries(BTC), "the policy has heard of it"
    close(stage)
    stage.market.put(BTC, MOVED)
    stage.run(5)
    stage.tell("risk", entries_proposed(stage))
    stage.run(0.1)

    assert denials(stage) == {"DAILY_LOSS_LIMIT_EXCEEDED": 6}
    detail = next(one.denials[0].detail for one in stage.said(IntentsDenied))
    assert detail.startswith("DAILY_LOSS_LIMIT_EXCEEDED: pnl=")
    assert detail.endswith(" limit=0.1")
    assert not stage.entries(BTC)
    assert stage.now_ms < MIDNIGHT_S * 1_000
    stage.until(lambda: stage.now_ms >= MIDNIGHT_S * 1_000, within_s=60)
    stage.until(lambda: set(stage.entries(BTC)) == LADDER, within_s=20)
    assert stage.state == "ACTIVE"


def test_the_day_stays_lost_when_risk_dies(monkeypatch: pytest.MonkeyPatch) -> None:
    stage = before_midnight(monkeypatch, 3_600, daily_loss_limit=Decimal("0.1"))
    lose_the_day(stage)
    close(stage)
    logging.disable(logging.CRITICAL)
    stage.runtime.inject("risk", "raise")
    stage.market.put(BTC, MOVED)
    stage.run(8)
    logging.disable(logging.NOTSET)

    assert stage.said(LedgerRequested)
    assert stage.state == "ACTIVE"
    stage.tell("risk", entries_proposed(stage))
    stage.run(0.1)
    assert denials(stage) == {"DAILY_LOSS_LIMIT_EXCEEDED": 6}
    assert not stage.entries(BTC)


def test_what_was_lost_before_risk_died_still_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    stage = before_midnight(monkeypatch, 3_600, daily_loss_limit=Decimal(500))
    fill(stage, "b1")
    close(stage)
    before = stage.actor("risk")._facts.day.pnl
    logging.disable(logging.CRITICAL)
    stage.runtime.inject("risk", "raise")
    stage.run(3)
    logging.disable(logging.NOTSET)

    totals = stage.said(LedgerChanged)[-1]
    assert stage.actor("risk").generation == 2
    assert before == totals.realized_pnl - totals.fees
    assert stage.actor("risk")._facts.day.pnl == before


def test_books_that_are_read_again_do_not_hide_a_loss(monkeypatch: pytest.MonkeyPatch) -> None:
    stage = before_midnight(monkeypatch, 3_600, daily_loss_limit=Decimal("0.1"))
    lose_the_day(stage)
    logging.disable(logging.CRITICAL)
    stage.runtime.inject("ledger", "raise")
    stage.run(8)
    logging.disable(logging.NOTSET)

    assert stage.actor("ledger").generation == 2
    assert stage.actor("risk")._facts.day.is_lost


def test_what_is_at_risk_falls_again_with_fills_and_cancels() -> None:
    cap = {"position_notional_max": Decimal(800), "order_notional_max": Decimal(300)}
    stage = Stage(quick(policy=WIDE, risk=cap)).run(3)
    for number in range(6):
        fill(stage, "b1", stage.entries(BTC)["b1"].qty_lots)
        close(stage)
        stage.market.put(BTC, MOVED if number % 2 else 600_000)
        stage.until(lambda: set(stage.entries(BTC)) == LADDER, within_s=5)

    exposure = stage.actor("risk")._facts.exposure.of(BTC)
    assert exposure.position_lots == 0
    assert exposure.buy_lots == exposure.sell_lots == 12
    assert denials(stage)["MAX_POSITION_EXCEEDED"] == 0
    assert sum(len(one.orders) for one in stage.said(OrdersSubmitted)) > 40


SENSITIVE = {"mid": 0.2, "high": 0.4, "extreme": 90.0, "cooldown_ms": 5_000, "decay": 0.5}


def test_harmful_flow_keeps_entries_away_and_lets_them_return() -> None:
    stage = Stage(quick(policy=WIDE, toxicity=SENSITIVE)).run(3)
    fill(stage, "b1")
    stage.market.put(BTC, 599_400, 600_600)
    stage.until(lambda: revoked(stage, "TOXICITY_HIGH BTCUSDT"), within_s=5)
    closed_ns = stage.runtime.now_ns()
    stage.market.put(BTC, 600_000)
    stage.run(1)
    stage.tell("risk", entries_proposed(stage))
    stage.run(0.1)

    assert stage.state == "ACTIVE"
    assert denials(stage) == {"TOXICITY_HIGH": 6}
    detail = next(one.denials[0].detail for one in stage.said(IntentsDenied))
    assert detail.startswith("TOXICITY_HIGH: level=HIGH score=0.")
    close(stage)
    stage.market.put(BTC, MOVED)
    stage.run(2)
    assert set(stage.entries(BTC)) != LADDER
    stage.until(lambda: set(stage.entries(BTC)) == LADDER, within_s=30)
    opened = [
        one
        for one in stage.entries_of(FeaturesSampled)
        if isinstance(one.body, FeaturesSampled) and one.body.toxicity is not ToxicityLevel.HIGH
    ]
    assert opened[-1].at_ns - closed_ns >= 5 * SECOND


def test_flow_is_not_judged_where_nobody_wants_it() -> None:
    stage = Stage(quick(policy=WIDE, toxicity={**SENSITIVE, "enabled": False})).run(3)
    stage.market.put(BTC, 599_400, 600_600)
    stage.run(3)
    stage.market.put(BTC, MOVED)
    stage.run(3)

    assert not denials(stage)
    assert set(stage.entries(BTC)) == LADDER


def test_entries_of_a_symbol_are_limited_in_any_minute_and_exits_are_not() -> None:
    settings = quick(BTC, ETH, policy=WIDE, risk={"entries_1m_max": 8})
    stage = Stage(settings, instruments=(BITCOIN, ETHER)).run(3)
    assert set(stage.entries(BTC)) == set(stage.entries(ETH)) == LADDER
    stage.market.put(BTC, MOVED)
    stage.run(3)

    assert len(stage.entries(BTC)) == 2
    assert set(stage.entries(ETH)) == LADDER
    assert set(denials(stage)) == {"RATE_LIMIT_EXCEEDED"}
    detail = stage.said(IntentsDenied)[0].denials[0].detail
    assert detail == "RATE_LIMIT_EXCEEDED: entries_1m=8 max=8"
    fill(stage, min(stage.entries(BTC)), 1)
    assert len(stage.exits(BTC)) == 1
    close(stage)
    stage.run(60)
    assert set(stage.entries(BTC)) == LADDER
    in_any_minute(stage, 8)


def in_any_minute(stage: Stage, most: int) -> None:
    sent = [
        said.at_ns
        for said in stage.entries_of(OrdersSubmitted, sender="exchange")
        if isinstance(said.body, OrdersSubmitted)
        for one in said.body.orders
        if one.symbol == BTC and not one.reduce_only
    ]
    for at_ns in sent:
        assert sum(at_ns - 60 * SECOND <= other <= at_ns for other in sent) <= most


def test_batches_of_entries_keep_their_distance() -> None:
    stage = Stage(quick(policy=WIDE, risk={"entry_cooldown_ms": 2_000})).run(3)
    stage.run(2)
    for number in range(8):
        stage.market.put(BTC, MOVED if number % 2 else 600_000)
        stage.run(0.7)

    sent = [
        said.at_ns
        for said in stage.entries_of(OrdersSubmitted, sender="exchange")
        if isinstance(said.body, OrdersSubmitted)
        and any(not one.reduce_only for one in said.body.orders)
    ]
    assert denials(stage)["COOLDOWN_ACTIVE"] > 0
    assert set(denials(stage)) == {"COOLDOWN_ACTIVE"}
    assert min(b - a for a, b in pairwise(sent) if b != a) >= 2 * SECOND


def test_a_proposal_in_a_wide_market_is_refused_by_name() -> None:
    stage = Stage().run(3)
    entry = entries_proposed(stage)
    stage.market.put(BTC, 598_000, 602_000)
    stage.until(lambda: stage.state == "THROTTLED")
    stage.tell("risk", entry)
    stage.run(0.1)

    assert denials(stage)["SPREAD_SPIKE"] == len(entry.intents)
    assert "spread_bps=66.67 limit=50.0" in stage.said(IntentsDenied)[-1].denials[0].detail


def test_what_each_symbol_may_lose_is_told_at_first_and_when_it_changes() -> None:
    tiers = (f"{ETH}=HIGH",)
    stage = Stage(quick(BTC, ETH, sizing={"tiers": tiers}), instruments=(BITCOIN, ETHER)).run(8)
    first = {one.symbol: one for one in stage.said(RiskBudgetChanged)}
    shares = allocate(Decimal(10_000), Decimal("0.20"), candidates((BTC, ETH), tiers))

    assert len(stage.said(RiskBudgetChanged)) == 2
    assert {symbol: one.budget for symbol, one in first.items()} == dict(shares.shares)
    assert shares.of(BTC) == Decimal("1333.33")
    assert (first[BTC].equity, first[BTC].budget_ratio) == (Decimal(10_000), Decimal(1))
    assert stage.actor(f"policy.{BTC}")._budget == first[BTC]


def test_losses_lower_the_budget_at_most_once_a_second_and_a_trip_is_told_at_once() -> None:
    stage = Stage(quick(policy={"levels": 3, "level_notional": Decimal(900)})).run(3)
    for level in ("b1", "b2", "b3"):
        fill(stage, level, stage.entries(BTC)[level].qty_lots)
    for step in range(1, 11):
        stage.market.put(BTC, 600_000 - 2_700 * step)
        stage.run(1.5)
    said = stage.entries_of(RiskBudgetChanged)
    last = stage.said(RiskBudgetChanged)[-1]

    assert len(said) > 3
    assert min(b.at_ns - a.at_ns for a, b in pairwise(said)) >= SECOND
    assert last.equity < 9_900
    assert last.budget < 1_980
    assert last.budget_ratio == Decimal("0.95")
    assert 0.01 < last.session_drawdown < 0.02
    assert last.daily_drawdown == pytest.approx(last.session_drawdown, abs=0.001)
    stage.tell("risk", TripKillSwitch(reason="MANUAL", detail="drill"))
    stage.run(0.05)
    assert stage.said(RiskBudgetChanged)[-1].is_killed


def test_a_policy_that_begins_anew_is_told_again() -> None:
    stage = Stage().run(4)
    logging.disable(logging.CRITICAL)
    stage.runtime.inject(f"policy.{BTC}", "raise")
    stage.run(3)
    logging.disable(logging.NOTSET)

    assert stage.actor(f"policy.{BTC}").generation == 2
    assert stage.actor(f"policy.{BTC}")._budget is not None


def pending(stage: Stage) -> Decimal:
    """Return what could come to be held if everything that rests were to fill, in quote units."""
    total = Decimal(0)
    for symbol in (BTC, ETH):
        sides = [
            sum(one.price * one.qty for one in stage.orders(symbol) if one.side is side)
            for side in Side
        ]
        total += max(sides)
    return total


def test_what_one_market_was_just_allowed_counts_against_the_total_of_all() -> None:
    wide = Stage(quick(BTC, ETH), instruments=(BITCOIN, ETHER)).run(3)
    cap = pending(wide) * 3 / 4

    stage = Stage(quick(BTC, ETH, risk={"total_notional_max": cap}), instruments=(BITCOIN, ETHER))
    for _ in range(400):
        stage.run(0.01)
        assert pending(stage) <= cap
    assert stage.orders(BTC)
    assert stage.orders(ETH)
    assert denials(stage)["MAX_NOTIONAL_EXCEEDED"]
