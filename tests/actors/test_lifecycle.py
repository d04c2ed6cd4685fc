"""The lifecycle, driven through the assembled system and judged by what rests at the venue."""

from __future__ import annotations

from decimal import Decimal

import pytest

from grinder.messages.grid import IntentsApproved, IntentsDenied
from grinder.messages.orders import PlaceOrders
from grinder.messages.risk import (
    KillSwitchTripped,
    OverrideLifecycle,
    PermitsRevoked,
    ResetKillSwitch,
    RiskStateChanged,
    TripKillSwitch,
)
from grinder.messages.venue import VenueDenied, VenueThrottled
from grinder.model.order import Side
from grinder.simulation.market import MarketEvent
from simulated.worlds import BTC, SECOND, Market, Stage, ladder, quick

LADDER = ladder(3)


def states(stage: Stage) -> list[str]:
    return [str(one.to_state) for one in stage.said(RiskStateChanged)]


def reasons(stage: Stage) -> list[str]:
    return [str(one.reason) for one in stage.said(RiskStateChanged)]


@pytest.fixture
def stage() -> Stage:
    """A ladder that rests."""
    stage = Stage().run(3)
    assert set(stage.entries(BTC)) == LADDER
    return stage


def long(stage: Stage, lots: int = 2) -> None:
    """Let somebody fill some lots of the best buy."""
    stage.sold(stage.entries(BTC)["b1"].price_ticks, lots)
    stage.run(0.5)
    assert stage.held() == lots


class Late(Market):
    """A market whose first quote comes late."""

    def __next__(self) -> MarketEvent:
        """Return the next event, none before four seconds."""
        self._at_ms = max(self._at_ms, 4_000)
        return super().__next__()


def test_no_risk_increasing_intent_leaves_the_system_in_init_or_ready() -> None:
    stage = Stage(market=Late({BTC: 600_000})).run(8)

    active_ns = next(one.at_ns for one in stage.said(RiskStateChanged) if one.to_state == "ACTIVE")
    assert states(stage)[:3] == ["INIT", "READY", "ACTIVE"]
    early = [one for one in stage.entries_of(IntentsApproved, PlaceOrders) if one.at_ns < active_ns]
    assert not early
    assert all(order.created_ms * 1_000_000 >= active_ns for order in stage.orders())
    assert set(stage.entries(BTC)) == LADDER


def test_nothing_is_placed_while_no_market_is_heard() -> None:
    stage = Stage(prepare=lambda world: setattr(world.venue, "is_silent", True)).run(30)

    assert states(stage) == ["INIT"]
    assert not stage.said(PlaceOrders)
    assert stage.exchange.ledger("sim").orders == 0


def test_a_feed_that_falls_silent_without_closing_stops_quoting_and_clears_the_book(
    stage: Stage,
) -> None:
    silent_ns = stage.runtime.now_ns()
    stage.world.venue.is_silent = True
    placed = len(stage.said(PlaceOrders))
    stage.until(lambda: not stage.orders(), within_s=6)

    limit_ns = stage.settings.feed.book_stale_after_ms * 1_000_000
    assert stage.runtime.now_ns() - silent_ns <= limit_ns + SECOND
    assert stage.state == "DEGRADED"
    assert reasons(stage)[-1] == "FEED_STALE"
    stage.run(20)
    assert len(stage.said(PlaceOrders)) == placed


def test_quoting_returns_through_ready_once_the_feed_is_back_and_has_cooled(stage: Stage) -> None:
    stage.world.venue.is_silent = True
    stage.run(7)
    stage.world.venue.is_silent = False
    back_ns = stage.runtime.now_ns()
    stage.until(lambda: set(stage.entries(BTC)) == LADDER)

    assert states(stage)[-3:] == ["DEGRADED", "READY", "ACTIVE"]
    assert reasons(stage)[-2:] == ["FEED_RECOVERED", "FEEDS_READY"]
    assert stage.runtime.now_ns() - back_ns <= 4 * SECOND


def test_an_exit_rests_on_while_the_feed_is_silent(stage: Stage) -> None:
    long(stage)
    stage.world.venue.is_silent = True
    stage.until(lambda: stage.state == "DEGRADED")
    stage.run(1)

    assert not stage.entries(BTC)
    assert [order.qty_lots for order in stage.exits(BTC).values()] == [2]


def test_a_wide_spread_throttles_and_takes_the_entries_off(stage: Stage) -> None:
    stage.market.put(BTC, 598_000, 602_000)
    stage.run(0.5)

    assert stage.state == "THROTTLED"
    assert not stage.orders()
    stage.market.put(BTC, 600_000)
    stage.run(1)
    assert not stage.orders(), "before the cooldown"
    stage.until(lambda: set(stage.entries(BTC)) == LADDER, within_s=4)


def test_a_violent_move_pauses(stage: Stage) -> None:
    stage.market.put(BTC, 640_000)
    stage.run(0.5)

    assert stage.state == "PAUSED"
    assert reasons(stage)[-1] == "TOX_HIGH"
    assert not stage.entries(BTC)


def test_the_kill_switch_clears_entries_and_leaves_the_exit(stage: Stage) -> None:
    long(stage)
    stage.tell("risk", TripKillSwitch(reason="MANUAL", detail="drill"))
    stage.run(0.5)

    assert stage.state == "EMERGENCY"
    assert [one.reason for one in stage.said(KillSwitchTripped)] == ["MANUAL"]
    assert not stage.entries(BTC)
    assert len(stage.exits(BTC)) == 1


def test_an_exit_is_placed_in_emergency_for_a_fill_that_comes_late(stage: Stage) -> None:
    ticks = stage.entries(BTC)["b1"].price_ticks
    stage.tell("risk", TripKillSwitch(reason="MANUAL", detail="drill"))
    stage.sold(ticks, 3)
    stage.run(1)

    assert stage.state == "EMERGENCY"
    assert stage.held() == 3
    assert [order.qty_lots for order in stage.exits(BTC).values()] == [3]


@pytest.mark.parametrize("state", ["PAUSED", "EMERGENCY"])
def test_an_exit_is_placed_in_every_state_an_operator_holds(stage: Stage, state: str) -> None:
    word = {"PAUSED": "PAUSE", "EMERGENCY": "EMERGENCY"}[state]
    stage.tell("risk", OverrideLifecycle(override=word, operator="ann"))
    stage.run(0.5)
    stage.by_hand(Side.BUY, 5)
    stage.run(1)

    assert stage.state == state
    assert [order.qty_lots for order in stage.exits(BTC).values()] == [5]


def test_only_a_named_operator_opens_the_kill_switch(stage: Stage) -> None:
    stage.tell("risk", TripKillSwitch(reason="MANUAL", detail="drill"))
    stage.run(1)
    stage.tell("risk", ResetKillSwitch(operator="  "))
    stage.run(30)
    assert stage.state == "EMERGENCY"

    stage.tell("risk", ResetKillSwitch(operator="ann"))
    stage.until(lambda: set(stage.entries(BTC)) == LADDER)
    assert states(stage)[-3:] == ["EMERGENCY", "PAUSED", "ACTIVE"]


def test_emergency_is_not_left_on_a_position_that_is_not_small(stage: Stage) -> None:
    long(stage, 4)
    stage.tell("risk", TripKillSwitch(reason="MANUAL", detail="drill"))
    stage.run(1)
    stage.tell("risk", ResetKillSwitch(operator="ann"))
    stage.run(60)
    assert stage.state == "EMERGENCY"

    stage.by_hand(Side.SELL, 4)
    stage.until(lambda: stage.state == "ACTIVE")


def test_the_kill_switch_stays_tripped_when_risk_restarts(stage: Stage) -> None:
    stage.tell("risk", TripKillSwitch(reason="MANUAL", detail="drill"))
    stage.run(1)
    stage.runtime.inject("risk", "raise")
    stage.run(30)

    assert not stage.orders()
    assert stage.state != "ACTIVE"


def test_a_drawdown_at_its_limit_trips_the_kill_switch() -> None:
    stage = Stage(quick(risk={"drawdown_limit": 0.01})).run(3)
    stage.by_hand(Side.BUY, 200)
    stage.run(1)
    stage.market.put(BTC, 590_000)
    stage.until(lambda: stage.said(KillSwitchTripped), within_s=10)
    stage.run(1)

    wallet = stage.exchange.balance("sim")
    assert wallet.wallet + wallet.unrealised <= Decimal(9_900)
    assert stage.said(KillSwitchTripped)[0].reason == "DRAWDOWN_LIMIT"
    assert stage.state == "EMERGENCY"
    assert not stage.entries(BTC)


def test_a_pause_holds_until_it_is_let_go_and_has_cooled(stage: Stage) -> None:
    stage.tell("risk", OverrideLifecycle(override="PAUSE", operator="ann"))
    stage.run(20)
    assert stage.state == "PAUSED"
    assert not stage.orders()

    stage.tell("risk", OverrideLifecycle(override="NONE", operator="ann"))
    stage.until(lambda: set(stage.entries(BTC)) == LADDER, within_s=4)


def test_every_loss_of_leave_voids_the_permits_given_before(stage: Stage) -> None:
    before = stage.said(PermitsRevoked)[-1].serial
    stage.tell("risk", OverrideLifecycle(override="PAUSE", operator="ann"))
    stage.run(0.5)

    assert stage.said(PermitsRevoked)[-1].serial > before


def test_nothing_is_placed_while_the_venue_asks_for_silence() -> None:
    stage = Stage(quick(policy={"spacing_bps": 20})).run(3)
    asked_ns = stage.runtime.now_ns()
    until_ns = asked_ns + 10 * SECOND
    stage.tell("risk", VenueThrottled(until_ns=until_ns, status=429, text="slow down"))
    stage.run(0.1)
    stage.market.put(BTC, 600_900)
    stage.run(9)
    placed = [one for one in stage.entries_of(PlaceOrders) if one.at_ns > asked_ns]
    codes = {denial.code for one in stage.said(IntentsDenied) for denial in one.denials}

    assert not placed
    assert codes == {"VENUE_THROTTLED"}
    assert not stage.orders(), "cancels go on"
    stage.until(lambda: set(stage.entries(BTC)) == LADDER, within_s=25)


def test_a_key_that_the_venue_no_longer_takes_trips_the_kill_switch(stage: Stage) -> None:
    stage.tell("risk", VenueDenied(code=-2015, text="Invalid API-key"))
    stage.run(1)

    assert stage.said(KillSwitchTripped)[0].reason == "ERROR"
    assert not stage.entries(BTC)


def test_a_denied_policy_asks_ever_more_slowly_instead_of_80000_times() -> None:
    stage = Stage(quick(risk={"order_notional_max": Decimal(1)})).run(120)

    assert not stage.orders()
    assert len(stage.said(IntentsDenied)) < 20
