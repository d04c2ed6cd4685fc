"""Hedge mode: a grid for each leg of a market, and the venue as the witness of which is which."""

from __future__ import annotations

from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

import attrs
import pytest

from grinder.actors.wiring import OF_MARKETS, POLICY_ROUTES
from grinder.actors.world import ACCOUNT, World
from grinder.journal.reading import JournalReader
from grinder.messages.codec import CODEC
from grinder.messages.grid import IntentsDenied, SelectionRanked
from grinder.messages.ledger import LedgerChanged, PortfolioChanged
from grinder.messages.orders import OrderEnded, OrderFilled, OrdersSubmitted
from grinder.messages.risk import BanSymbol, StopPosition, TripKillSwitch, WindDownCompleted
from grinder.messages.venue import SetCountdown
from grinder.model.order import OrderType, PositionSide, Side
from grinder.model.settings import JournalSettings
from grinder.replay.command import runtime_of
from grinder.replay.engine import Engine
from grinder.simulation.orders import NewOrder
from simulated import checks, worlds
from simulated.recorded import replayed
from simulated.worlds import BITCOIN, BTC, ETH, ETHER, SECOND, START_TICKS, Stage, Walk, quick

ROOMS = ("feature", "feed", "risk", "exchange", "ledger", "router", "selection")
LONG, SHORT = f"{BTC}:LONG", f"{BTC}:SHORT"
HEDGE = {"position_mode": "hedge"}
STEP = 300
"""5 bps of 60,000.05 in ticks, rounded down."""
APART = {"levels": 3, "exit_spacing_bps": 20}
"""Exits so far away that the standing market does not reach them."""


class Door:
    """What is asked of the exchange on its way in."""

    def __init__(self) -> None:
        self.asked: list[NewOrder] = []

    def stand_before(self, world: World) -> None:
        """Write down every placement."""
        place = world.exchange.place

        def told(account: str, new: NewOrder, now_ms: int) -> Any:
            self.asked.append(new)
            return place(account, new, now_ms)

        vars(world.exchange)["place"] = told


@pytest.fixture
def door() -> Door:
    return Door()


@pytest.fixture
def stage(door: Door) -> Stage:
    """Two ladders, one for each leg, around 600,000.5 ticks."""
    return Stage(quick(BTC, venue=HEDGE, policy=APART), prepare=door.stand_before).run(3)


def hit(stage: Stage, leg: str, level: str) -> None:
    """Let somebody trade through one level whole."""
    order = {**stage.entries(leg), **stage.exits(leg)}[level]
    reach = stage.sold if order.side is Side.BUY else stage.bought
    reach(order.price_ticks - order.side.sign, order.qty_lots)
    stage.run(0.5)


def leave(stage: Stage, leg: str, ticks: int) -> None:
    """Let the market go where the exits of a leg are."""
    stage.market.put(BTC, ticks)
    stage.until(lambda: not stage.held(leg))


def ledgers(stage: Stage) -> dict[str, LedgerChanged]:
    return {one.symbol: one for one in stage.said(LedgerChanged)}


def test_the_long_leg_buys_to_open_and_the_short_one_sells(stage: Stage) -> None:
    assert set(stage.entries(LONG)) == {"b1", "b2", "b3"}
    assert set(stage.entries(SHORT)) == {"s1", "s2", "s3"}
    assert stage.entries(LONG)["b1"].price_ticks == 600_000 - STEP
    assert stage.entries(SHORT)["s1"].price_ticks == 600_001 + STEP


def test_both_legs_are_held_at_once_and_each_has_its_own_exit(stage: Stage, door: Door) -> None:
    hit(stage, LONG, "b1")
    assert (stage.held(LONG), stage.held(SHORT)) == (4, 0)

    hit(stage, SHORT, "s1")
    assert (stage.held(LONG), stage.held(SHORT)) == (4, -4)
    (long_exit,), (short_exit,) = stage.exits(LONG).values(), stage.exits(SHORT).values()
    assert (long_exit.side, short_exit.side) == (Side.SELL, Side.BUY)
    # What is held takes nothing away from the other leg's ladder.
    assert set(stage.entries(LONG)) == {"b2", "b3"}
    assert set(stage.entries(SHORT)) == {"s2", "s3"}

    leave(stage, LONG, 600_950)
    assert stage.held(SHORT) == -12
    leave(stage, SHORT, 599_000)
    assert stage.held(LONG) == 12
    assert all(one.position_side is not PositionSide.BOTH for one in door.asked)
    assert not any(one.reduce_only for one in door.asked)
    stage.run(10)
    checks.assert_all_well(stage)


def test_what_is_said_of_orders_is_said_by_leg_and_knows_what_reduces(stage: Stage) -> None:
    hit(stage, LONG, "b1")
    leave(stage, LONG, 600_950)
    stage.run(1)

    fills = stage.said(OrderFilled, sender="exchange")
    assert {(one.symbol, one.side, one.reduce_only) for one in fills} == {
        (LONG, Side.BUY, False), (LONG, Side.SELL, True), (SHORT, Side.SELL, False),
    }  # fmt: skip
    assert {one.symbol for one in stage.said(OrdersSubmitted)} == {LONG, SHORT}


def test_the_kill_switch_clears_both_legs_and_leaves_their_exits(stage: Stage) -> None:
    hit(stage, LONG, "b1")
    hit(stage, SHORT, "s1")
    stage.tell("risk", TripKillSwitch(reason="MANUAL", detail="drill"))
    stage.run(3)

    for leg in (LONG, SHORT):
        assert not stage.entries(leg)
        assert len(stage.exits(leg)) == 1


def test_a_kill_switch_that_flattens_closes_both_legs(door: Door) -> None:
    close = {"kill_position": "flatten", "patience_ms": 1_000, "market_after_ms": 3_000}
    stage = Stage(quick(BTC, venue=HEDGE, policy=APART, close=close), prepare=door.stand_before)
    stage.run(3)
    hit(stage, LONG, "b1")
    hit(stage, SHORT, "s1")
    stage.tell("risk", TripKillSwitch(reason="MANUAL", detail="drill"))
    stage.until(lambda: not stage.held(LONG) and not stage.held(SHORT))
    stage.run(3)

    assert not stage.orders()
    assert not any(one.reduce_only for one in door.asked)
    assert not checks.book_differences(stage)


def test_flatten_closes_both_legs_at_the_market(stage: Stage, door: Door) -> None:
    hit(stage, LONG, "b1")
    hit(stage, SHORT, "s1")
    stage.world.wind_down(StopPosition.FLATTEN)
    stage.run(4)

    (end,) = stage.said(WindDownCompleted)
    assert (end.is_confirmed, end.open_orders, end.positions) == (True, 0, ())
    assert (stage.held(LONG), stage.held(SHORT)) == (0, 0)
    closing = [one for one in door.asked if one.type == OrderType.MARKET]
    assert {(one.side, one.position_side, one.reduce_only) for one in closing} == {
        (Side.SELL, PositionSide.LONG, False), (Side.BUY, PositionSide.SHORT, False),
    }  # fmt: skip
    assert not checks.book_differences(stage)


def test_the_countdown_is_of_the_market_and_ends_when_neither_leg_rests(stage: Stage) -> None:
    stage.run(30)
    told = stage.said(SetCountdown)
    assert {one.symbol for one in told} == {BTC}
    assert told[0].countdown_ms > 0
    # Renewed once for both, three times in its own length.
    assert len(told) <= 2 + 3 * 33_000 // told[0].countdown_ms

    stage.world.wind_down()
    stage.run(3)
    assert stage.said(SetCountdown)[-1].countdown_ms == 0


def test_one_leg_alone_keeps_the_countdown_of_the_market(stage: Stage) -> None:
    for order in stage.entries(SHORT).values():
        stage.exchange.cancel(
            ACCOUNT, BTC, client_order_id=order.client_order_id, now_ms=stage.now_ms
        )
    stage.market.put(BTC, 600_000)
    stage.run(25)

    assert all(one.countdown_ms > 0 for one in stage.said(SetCountdown))


def test_the_cap_counts_what_both_legs_may_come_to_hold() -> None:
    # Three levels of 250 on each leg: together they are worth twice one side.
    whole = quick(BTC, venue=HEDGE, risk={"position_notional_max": Decimal(1_600)})
    assert len(Stage(whole).run(3).entries()) == 6

    tight = quick(BTC, venue=HEDGE, risk={"position_notional_max": Decimal(1_000)})
    stage = Stage(tight).run(3)
    worth = sum(one.price * one.qty for one in stage.orders())
    assert 0 < worth <= 1_000
    codes = {one.code for said in stage.said(IntentsDenied) for one in said.denials}
    assert codes == {"MAX_POSITION_EXCEEDED"}
    assert not Stage(attrs.evolve(tight, venue=whole.venue)).run(3).said(OrderEnded)


def test_the_total_cap_counts_each_market_once() -> None:
    both = {"position_mode": "hedge"}
    room = quick(BTC, ETH, venue=both, risk={"total_notional_max": Decimal(3_100)})
    assert len(Stage(room, instruments=(BITCOIN, ETHER)).run(3).entries()) == 12

    # What one market has pending leaves no room for a level more of the other.
    tight = quick(BTC, venue=both, risk={"total_notional_max": Decimal(1_000)})
    stage = Stage(tight).run(3)
    assert 0 < sum(one.price * one.qty for one in stage.orders()) <= 1_000
    codes = {one.code for said in stage.said(IntentsDenied) for one in said.denials}
    assert codes == {"MAX_NOTIONAL_EXCEEDED"}


def test_funding_is_booked_under_the_market_and_the_portfolio_is_exact(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    start_ns = (1_700_006_400 - 8) * SECOND
    monkeypatch.setattr(worlds, "World", partial(World, start_ns=start_ns))
    stage = Stage(quick(BTC, venue=HEDGE, policy=APART), funding_rate=Decimal("0.000137")).run(3)
    hit(stage, LONG, "b1")
    hit(stage, LONG, "b2")
    hit(stage, SHORT, "s1")
    stage.run(10)

    venue = stage.exchange.ledger(ACCOUNT)
    assert venue.funding != 0
    said = ledgers(stage)
    assert said[BTC].funding == venue.funding
    assert not said[LONG].funding
    assert not said[SHORT].funding
    last = stage.said(PortfolioChanged)[-1]
    assert (last.funding, last.realized_pnl, last.fees) == (
        venue.funding, venue.realised, venue.commission,
    )  # fmt: skip


def test_a_long_run_ends_with_the_books_of_the_venue() -> None:
    both = {name: START_TICKS[name] for name in (BTC, ETH)}
    settings = quick(BTC, ETH, venue=HEDGE)
    stage = Stage(settings, instruments=(BITCOIN, ETHER), market=Walk(both, 3)).run(120)
    stage.market.stand()
    stage.run(20)

    checks.assert_all_well(stage)
    assert {leg for leg, one in ledgers(stage).items() if one.fills} == set(stage.instruments)


@pytest.mark.parametrize("name", ["exchange", "risk", "ledger", f"policy.{LONG}", "reconcile"])
def test_an_actor_that_dies_finds_both_legs_again(stage: Stage, name: str) -> None:
    hit(stage, LONG, "b1")
    hit(stage, SHORT, "s1")
    stage.runtime.inject(name, "raise")
    stage.run(30)

    assert (stage.held(LONG), stage.held(SHORT)) == (4, -4)
    assert set(stage.entries(LONG)) == {"b2", "b3"}
    assert not checks.differences(stage)
    assert not checks.uncovered(stage)
    assert not checks.book_differences(stage)


def test_selection_lets_both_legs_of_a_market_in_or_out() -> None:
    gates = {
        "enabled": True,
        "top_k": 1,
        "dwell_ms": 0,
        "warmup_bars_min": 0,
        "volume_24h_min": Decimal(0),
        "volume_1h_min": Decimal(0),
        "trades_1m_min": 0.0,
        "open_interest_min": Decimal(0),
        "thin_notional_min": Decimal(0),
    }
    settings = quick(BTC, ETH, venue=HEDGE, selection=gates)
    stage = Stage(settings, instruments=(BITCOIN, ETHER)).run(20)

    (chosen,) = stage.said(SelectionRanked)[-1].selected
    assert chosen in (BTC, ETH)
    other = ETH if chosen == BTC else BTC
    for side in ("LONG", "SHORT"):
        assert len(stage.entries(f"{chosen}:{side}")) == 3
        assert not stage.entries(f"{other}:{side}")


def test_a_ban_of_a_market_takes_the_entries_of_both_its_legs_and_leaves_the_exits(
    stage: Stage,
) -> None:
    hit(stage, LONG, "b1")
    ban = BanSymbol(symbol=BTC, duration_ns=5 * SECOND, reason="drill", operator="me")
    stage.tell("risk", ban)
    stage.run(2)

    assert not stage.entries(LONG)
    assert not stage.entries(SHORT)
    assert len(stage.exits(LONG)) == 1
    stage.run(10)
    assert set(stage.entries(SHORT)) == {"s1", "s2", "s3"}


def test_what_is_said_of_markets_and_of_legs_is_never_mixed(stage: Stage) -> None:
    hit(stage, LONG, "b1")
    stage.tell("risk", BanSymbol(symbol=BTC, duration_ns=SECOND, reason="", operator="me"))
    stage.run(3)
    said = {
        (type(one.body), one.body.symbol)  # type: ignore[attr-defined]
        for one in stage.record.all
        if isinstance(one.body, POLICY_ROUTES) and one.sender in ROOMS
    }

    assert {kind for kind, symbol in said if symbol == BTC} <= {*OF_MARKETS, LedgerChanged}
    assert {kind for kind, symbol in said if symbol in (LONG, SHORT)}.isdisjoint(OF_MARKETS)
    assert len(said) > 10


def test_a_run_in_hedge_mode_replays_to_the_same(tmp_path: Path) -> None:
    settings = attrs.evolve(
        quick(BTC, venue=HEDGE),
        journal=JournalSettings(directory=str(tmp_path), compress=False, fsync="never"),
    )
    stage = Stage(settings, market=Walk({BTC: START_TICKS[BTC]}, 5)).run(60)
    stage.world.wind_down()
    stage.run(3)
    stage.runtime.stop()

    outcome, _ = replayed(tmp_path)
    assert stage.said(OrderFilled)
    assert outcome.divergence is None
    assert outcome.messages > 1_000
