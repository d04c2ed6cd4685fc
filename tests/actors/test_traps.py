"""What grid programs are known to get wrong, one proof each, on the whole system: a market goes in,
and what the venue's own order log and the actors say comes out.

Two of the known traps are those of a program with machine learning; this system has none. That a
live market that falls is TREND_DOWN as well is proven beside it, in test_regimes.
"""

from __future__ import annotations

from collections import Counter
from decimal import Decimal
from itertools import pairwise
from typing import Any

import attrs
import pytest

from fixtures.staged import Stage, Staged, stage
from grinder.execution.identity import decode
from grinder.messages.account import FundingPaid
from grinder.messages.features import FeaturesComputed
from grinder.messages.grid import (
    IntentsApproved,
    IntentsDenied,
    PlanChosen,
)
from grinder.messages.ledger import LedgerChanged
from grinder.messages.orders import OrderFilled, PlaceOrders
from grinder.messages.risk import PermitsRevoked
from grinder.model.grid import GridMode
from grinder.model.order import Side
from grinder.risk.facts import RiskFacts
from policy.sampled import CALM, sample_of
from simulated import worlds
from simulated.worlds import (
    BITCOIN,
    BTC,
    MS,
    START_TICKS,
    Market,
    quick,
)

pytestmark = pytest.mark.unmeasured

__all__ = ["stage"]

BID = START_TICKS[BTC]
WIDE = {"levels": 3, "spacing_bps": 20}


# A resting buy below the market fills when the market trades through it, gated or not.


@pytest.mark.parametrize("is_gated", [False, True])
def test_a_resting_buy_fills_when_the_market_trades_through_it(is_gated: bool) -> None:
    score = {"mid": 0.05, "high": 0.1, "extreme": 100.0} if is_gated else {}
    run = worlds.Stage(quick(policy=WIDE, toxicity=score)).run(3)
    buy = run.entries(BTC)["b1"]
    run.market.put(BTC, BID - 600, BID + 600 * is_gated)
    run.run(5)
    assert (run.said(PlanChosen)[-1].plan.mode is GridMode.PAUSE) is is_gated
    run.sold(buy.price_ticks - 1, buy.qty_lots)
    run.run(1)

    (filled,) = run.said(OrderFilled, sender="exchange")
    assert (filled.client_order_id, filled.qty_lots) == (buy.client_order_id, buy.qty_lots)
    assert run.held() == buy.qty_lots > 0
    assert sum(one.qty_lots for one in run.exits(BTC).values()) == buy.qty_lots


# An order that was denied never fills, never counts as placed, takes no rate and no notional.


def test_what_was_denied_never_fills_and_takes_no_rate_and_no_notional() -> None:
    run = worlds.Stage(quick(risk={"position_notional_max": Decimal(300)})).run(4)
    denied = {level.level for one in run.said(IntentsDenied) for level in one.denials}
    placed = [one for said in run.said(PlaceOrders, sender="exchange") for one in said.orders]
    lots = sum(one.qty_lots for one in placed if one.side is Side.BUY)
    router, facts = run.actor("router"), run.actor("risk")._facts

    assert denied == {"b2", "b3", "s2", "s3"}
    assert {one.level for one in placed} == set(run.entries(BTC)) == {"b1", "s1"}
    assert router._budget.used(router.now_ns) == (2, 2)
    assert facts.exposure.of(BTC).buy_lots == lots
    run.sold(BID - 5_000, 100_000)
    run.run(2)
    assert [one.level for one in run.said(OrderFilled, sender="exchange")] == ["b1"]
    assert run.held() == lots


def worst_notional(run: Staged, symbol: str) -> Decimal:
    """Return what is held and could be, on the worse side, by the venue's own books."""
    play = run.play
    instrument = play.world.venue.instruments[symbol]
    mid = sum(play.world.venue.quoted(symbol)) // 2
    held, buys, sells = pending(run, symbol)
    lots = max(abs(held + buys), abs(held - sells))
    return instrument.notional(mid, lots)


def test_the_cap_holds_in_a_fall_and_nobody_hears_of_what_it_denied(stage: Stage) -> None:
    run = stage("trend-down")
    play = run.play
    play.begin()
    cap = Decimal(800)
    for at_ms in range(0, run.scenario.duration_ms, 500):
        play.until(at_ms)
        # The mark moves under what rests; the cap holds at the moment of placing.
        assert worst_notional(run, BTC) <= cap * Decimal("1.01")
    play.end()
    denied = [level for one in run.bodies(IntentsDenied) for level in one.denials]
    approved = [intent for one in run.bodies(IntentsApproved) for intent in one.intents]
    placed = [one for said in run.bodies(PlaceOrders, sender="exchange") for one in said.orders]
    log = run.orders(BTC)

    assert denied
    assert [one.client_order_id for one in placed] == [order.client_order_id for order in log]
    assert len(placed) == sum(one.client_order_id == "" for one in approved)
    assert all(decode(order.client_order_id) is not None for order in log)
    names = {order.client_order_id for order in log}
    assert {one.client_order_id for one in run.bodies(OrderFilled, sender="exchange")} <= names


# Sells are never rounded towards the mid; ladders of low-priced symbols keep distinct prices.

CHEAP = attrs.evolve(BITCOIN, tick=Decimal("0.00001"), lot=Decimal(1), notional_min=Decimal(5))
"""A tick is 31 basis points at a price of 0.0032."""
SHOWN: dict[str, list[dict[str, Any]]] = {
    "static": [{}],
    "adaptive": [{}],
    "range": [{}],
    "funding-harvester": [{"funding_rate": 0.0006}],
    "trend": [{"momentum_5m": -2.5, "cvd_change_5m": -10}],
    "mean-reversion": [{"momentum_5m": 5, "cvd_change_5m": -1, "liq_surge": 0}],
    "liquidation-catcher": [{"liq_surge": 1, "momentum_1m": 1}] * 31,
    "volatility-breakout": [*[{"natr_z": -2.0}] * 40, {"natr_z": 2.0}],
}
"""The market that each policy quotes in, as its features."""
TINY: dict[str, Any] = {**CALM, "spread_bps": 31}
OPTIONS = {"volatility-breakout": ("compressed_samples=40",)}


@pytest.mark.parametrize("kind", ["arithmetic", "geometric"])
@pytest.mark.parametrize("name", SHOWN)
def test_no_level_is_rounded_towards_the_mid_and_no_two_share_a_price(name: str, kind: str) -> None:
    settings = quick(
        policy={
            "name": name,
            "spacing_kind": kind,
            "spacing_bps": 7,
            "options": OPTIONS.get(name, ()),
        },
        features={"sample_ms": 3_600_000},
        toxicity={"enabled": False},
        risk={"position_notional_max": Decimal(20_000)},
    )
    run = worlds.Stage(settings, instruments=(CHEAP,), market=Market({BTC: 320})).run(2)
    for shown in SHOWN[name]:
        run.tell(f"policy.{BTC}", sample_of(run.now_ms * MS, **{**TINY, **shown}))
        run.run(0.1)
    run.run(20)
    plan, found = run.said(PlanChosen)[-1].plan, run.entries(BTC)

    assert len(found) == plan.levels_up + plan.levels_down > 0
    for side, levels in ((Side.SELL, plan.levels_up), (Side.BUY, plan.levels_down)):
        prices = [
            found[f"{side.value[0].lower()}{number + 1}"].price_ticks for number in range(levels)
        ]
        centre = Decimal("320.5") * (1 + Decimal(str(plan.skew_bps)) / 10_000)
        step = centre * Decimal(str(plan.spacing_bps)) / 10_000
        for number, price in enumerate(prices, 1):
            # Away from the mid by the whole of its steps, be they less than a tick.
            assert (centre - price) * side.sign >= step * number * Decimal("0.99")
        assert all((before - after) * side.sign >= 1 for before, after in pairwise(prices))


@pytest.mark.parametrize("name", ["sample-day-allowed", "sample-day-toxic", "real-alts"])
def test_nor_is_any_level_in_a_recorded_market(stage: Stage, name: str) -> None:
    run = stage(name).run()
    mids2: dict[str, int] = {}
    seen: set[str] = set()
    spacing_bps = run.play.settings.policy.spacing_bps
    for one in run.said(FeaturesComputed, PlaceOrders):
        if isinstance(one.body, FeaturesComputed):
            mids2[one.body.symbol] = one.body.bid_ticks + one.body.ask_ticks
        elif one.sender == "router":
            assert isinstance(one.body, PlaceOrders)
            entries = [each for each in one.body.orders if not each.reduce_only]
            # The first ladder stands around the mid of this moment: levels may not come nearer.
            mid2 = mids2[one.body.symbol]
            step = max(1, mid2 * spacing_bps // 20_000) if one.body.symbol not in seen else 0
            seen.add(one.body.symbol)
            for entry in entries:
                away = (2 * entry.price_ticks - mid2) * (1 if entry.side is Side.SELL else -1)
                assert away > 0
                assert away >= 2 * step * int(entry.level[1:])
    for symbol in run.play.world.venue.instruments:
        resting: set[tuple[Side, int]] = set()
        changes = sorted(
            (when, is_new, order.side, order.price_ticks)
            for order in run.orders(symbol)
            for when, is_new in ((order.created_ms, True), (order.updated_ms, False))
        )
        for _, is_new, side, ticks in changes:
            if is_new:
                assert (side, ticks) not in resting
            (resting.add if is_new else resting.discard)((side, ticks))
    assert seen == set(mids2)


# Risk notional falls after fills and cancels; a day's loss blocks after losses.


def of_risk(run: Staged) -> tuple[int, int, int]:
    """Return the position, and what pends to buy and to sell, as the risk supervisor has it."""
    cell = run.play.world.runtime.resolve("risk").slot.cell
    assert cell is not None
    facts: RiskFacts = cell.actor._facts
    exposure = facts.exposure.of(BTC)
    return exposure.position_lots, exposure.buy_lots, exposure.sell_lots


def pending(run: Staged, symbol: str = BTC) -> tuple[int, int, int]:
    """Return the same, as the venue has it."""
    lots = Counter[Side]()
    for order in run.exchange.open_orders("sim", symbol):
        if not order.reduce_only:
            lots[order.side] += order.qty_lots - order.filled_lots
    return run.held(symbol), lots[Side.BUY], lots[Side.SELL]


def test_exposure_falls_with_fills_and_cancels(stage: Stage) -> None:
    run = stage("range-day")
    play = run.play
    play.begin()
    seen: list[tuple[int, int, int]] = []
    for at_ms in range(1_000, run.scenario.duration_ms, 500):
        # News takes five milliseconds: what differs now agrees a moment later.
        for later_ms in (0, 50, 100, 150):
            play.until(at_ms + later_ms)
            shown, believed = pending(run), of_risk(run)
            if shown == believed:
                break
        assert shown == believed
        seen.append(believed)
    play.world.wind_down()
    play.until(run.scenario.duration_ms + 3_000)

    assert len(run.trades(BTC)) > 10
    for number in range(3):
        assert any(abs(now[number]) < abs(before[number]) for before, now in pairwise(seen))
    assert of_risk(run) == (run.held(BTC), 0, 0)


@pytest.mark.parametrize(("bid", "is_lost"), [(598_000, True), (BID, False), (601_000, False)])
def test_the_day_is_lost_by_losses_alone(bid: int, is_lost: bool) -> None:
    run = worlds.Stage(quick(policy=WIDE, risk={"daily_loss_limit": Decimal("0.1")})).run(3)
    run.sold(run.entries(BTC)["b1"].price_ticks - 1, 2)
    run.run(0.5)
    buys = [one for one in run.entries(BTC).values() if one.side is Side.BUY]
    pends = sum(one.qty_lots - one.filled_lots for one in buys)
    assert run.actor("risk")._facts.exposure.of(BTC).buy_lots == pends
    run.market.put(BTC, bid)
    run.run(10)
    reasons = {one.reason.split()[0] for one in run.said(PermitsRevoked)}

    assert run.said(OrderFilled)
    assert ("DAILY_LOSS_LIMIT_EXCEEDED" in reasons) is is_lost
    assert bool(run.entries(BTC)) is not is_lost


# Funding: a long receives when the rate is negative, a short pays.


@pytest.mark.parametrize("rate", ["-0.0005", "0.0005"])
@pytest.mark.parametrize("regime", ["trend-down", "trend-up"])
def test_a_long_receives_when_the_rate_is_negative_and_a_short_pays(
    stage: Stage, rate: str, regime: str
) -> None:
    run = stage("funding")
    market = attrs.evolve(run.scenario.market, regimes=(regime,))
    run = stage("funding", journal="again", market=market, funding_rate=Decimal(rate))
    play = run.play
    play.begin()
    play.until(59_990)
    held = run.held(BTC)
    play.until(run.scenario.duration_ms)
    play.end()
    (paid,) = run.bodies(FundingPaid, sender="exchange")

    assert held > 0 if regime == "trend-down" else held < 0
    assert paid.amount
    assert (paid.amount > 0) == (held * Decimal(rate) < 0)
    assert run.exchange.ledger("sim").funding == paid.amount
    assert run.bodies(LedgerChanged)[-1].funding == paid.amount
