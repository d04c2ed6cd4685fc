"""How far a close has gone, and what is tried then: pure, told the time."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from grinder.execution.filters import Bounds, check, parts_of
from grinder.messages.grid import CloseStage, Intent, IntentAction, Manner
from grinder.messages.orders import Placement
from grinder.model.order import Side, TimeInForce
from grinder.model.safety import CloseSettings
from grinder.planner.closing import Closing
from grinder.planner.exits import Scene
from grinder.planner.holdings import Holdings
from policy.stub import BID, FINE, MS

MARK = Decimal(60_000)


class Desk:
    """One close, with what rests beside it."""

    def __init__(self, instrument: Any = FINE, held: int = 100, **settings: Any) -> None:
        self.holdings = Holdings()
        self.closing = Closing(instrument, CloseSettings(**settings), self.holdings)
        self.held, self.now_ms, self.bid = held, 1_000, BID
        self.reason = "STOP_LOSS"

    def after(self, ms: int) -> list[Intent] | None:
        """Let time pass, and ask."""
        self.now_ms += ms
        self.closing.look(self.reason, self.held, self.now_ms * MS)
        scene = Scene(
            position_lots=self.held,
            entry_price=MARK,
            bid_ticks=self.bid,
            ask_ticks=self.bid + 1,
            now_ns=self.now_ms * MS,
            step=10,
            closing=self.reason,
        )
        return self.closing.plan(scene)

    def rest(self, name: str, lots: int, **fields: Any) -> None:
        """Let an exit rest."""
        order = Placement(
            symbol="BTCUSDT",
            client_order_id=name,
            side=Side.SELL if self.held > 0 else Side.BUY,
            price_ticks=BID,
            qty_lots=lots,
            reduce_only=True,
            level=name,
            reason="TP_CLOSE",
            **fields,
        )
        self.holdings.add(order, self.now_ms * MS)


def test_it_is_offered_for_its_patience_then_crossed_then_sold_at_any_price() -> None:
    desk = Desk()
    assert desk.after(0) is None
    assert desk.after(2_999) is None
    (crossing,) = desk.after(1) or []
    assert (crossing.manner, crossing.price_ticks) == (Manner.CROSS, BID * 999 // 1_000)
    desk.holdings.withdraw(crossing.level)
    (market,) = desk.after(7_000) or []
    assert (market.manner, market.price_ticks, market.qty_lots) == (Manner.MARKET, 0, 100)
    assert all(one.reduce_only and one.side is Side.SELL for one in (crossing, market))


@pytest.mark.parametrize(
    ("reason", "setting"),
    [
        ("STOP_LOSS", "on_stop"),
        ("STOP_LOWER", "on_stop"),
        ("KILL_SWITCH", "on_stop"),
        ("EMERGENCY_EXIT_LONG", "on_stop"),
        ("TAKE_PROFIT", "on_take_profit"),
        ("EMERGENCY_TOX_EXTREME", "on_toxic_flow"),
    ],
)
def test_each_reason_goes_as_far_as_its_setting_says(reason: str, setting: str) -> None:
    names = ("on_stop", "on_take_profit", "on_toxic_flow")
    reach: dict[str, Any] = dict.fromkeys(names, "off") | {setting: "cross"}
    desk = Desk(**reach)
    desk.reason = reason
    desk.after(0)
    assert [one.manner for one in desk.after(60_000) or []] == [Manner.CROSS]
    others: dict[str, Any] = dict.fromkeys(names, "market") | {setting: "off"}
    other = Desk(**others)
    other.reason = reason
    other.after(0)
    assert other.after(60_000) is None


def test_what_rests_is_cancelled_first_and_counts_until_it_is_gone() -> None:
    desk = Desk()
    desk.after(0)
    desk.rest("x0", 60)
    cancels = desk.after(3_000) or []
    assert [(one.action, one.client_order_id) for one in cancels] == [(IntentAction.CANCEL, "x0")]
    desk.holdings.note_cancels(tuple(cancels), desk.now_ms * MS)
    assert desk.after(10) == []
    (part,) = desk.after(1_000) or []
    assert part.qty_lots == 40, "the cancel has not been answered: 60 may still fill"
    desk.holdings.remove("x0")
    assert desk.after(999) == []
    (rest,) = desk.after(1) or []
    assert rest.qty_lots == 60


def test_an_order_that_takes_is_waited_for_and_never_cancelled() -> None:
    desk = Desk()
    desk.after(0)
    desk.rest("x0", 100, time_in_force=TimeInForce.IOC)
    for _ in range(20):
        assert not desk.after(1_000)
    desk.holdings.remove("x0")
    assert desk.after(1_000)


@pytest.mark.parametrize("held", [100, -100])
def test_no_price_leaves_the_band_about_the_mark_price(held: int) -> None:
    desk = Desk(held=held, on_stop="cross", slippage_bps=600, slippage_max_bps=1_000)
    desk.closing.mark_price = MARK
    desk.after(0)
    (crossing,) = desk.after(3_000) or []
    bounds = Bounds(FINE, MARK)
    assert bounds.find(crossing, 0) is None
    assert crossing.price_ticks == (570_000 if held > 0 else 630_000)
    desk.holdings.withdraw(crossing.level)
    desk.bid = 569_990 if held > 0 else 630_010
    assert desk.after(5_000) == [], "the band ends before the touch"


def test_a_market_order_is_bounded_by_its_own_largest_quantity_and_has_no_price() -> None:
    instrument = attrs.evolve(FINE, market_qty_lots_max=30, qty_lots_min=20)
    desk = Desk(instrument, market_after_ms=3_000)
    desk.after(0)
    orders = desk.after(3_000) or []
    assert [one.qty_lots for one in orders] == [30, 30, 20, 20]
    for one in orders:
        found = check(
            one, instrument, bid_ticks=BID, ask_ticks=BID + 1, mark_price=MARK, open_orders=200
        )
        assert found is None
    too_large = attrs.evolve(orders[0], qty_lots=31)
    bounds = Bounds(instrument, MARK)
    assert not bounds.fits([too_large], 0)
    found = bounds.find(too_large, 0)
    assert found is not None
    assert found.code == "FILTER_VIOLATION_MAX_QTY"


@given(st.integers(1, 5_000), st.integers(2, 400), st.integers(1, 400))
def test_parts_add_up_and_keep_the_limits(lots: int, most: int, least: int) -> None:
    least = min(least, max(1, most // 2))
    parts = parts_of(lots, most, least)
    assert sum(parts) == lots
    assert all(part <= most for part in parts)
    assert lots < least or all(part >= least for part in parts)


def test_an_overdue_close_is_told_again_and_again_and_its_end_once() -> None:
    desk = Desk(overdue_ms=1_000)
    told: list[CloseStage] = []
    for now_ms in range(0, 4_000, 250):
        told += desk.closing.look("STOP_LOSS", 5, now_ms * MS)
    told += desk.closing.look("STOP_LOSS", 0, 4_000 * MS)
    told += desk.closing.look("STOP_LOSS", 0, 4_250 * MS)
    assert told.count(CloseStage.OVERDUE) == 3
    assert [one for one in told if one is not CloseStage.OVERDUE] == [
        CloseStage.OFFERED,
        CloseStage.CROSSING,
        CloseStage.OVER,
    ]


def test_the_next_moment_at_which_nobody_else_calls_is_known() -> None:
    desk = Desk()
    desk.after(0)
    times = []
    for _ in range(4):
        due_ns = desk.closing.due_ns(desk.now_ms * MS)
        times.append(due_ns // MS - 1_000)
        for one in desk.after(due_ns // MS - desk.now_ms) or []:
            desk.holdings.withdraw(one.level)
    assert times == [3_000, 4_000, 5_000, 6_000]
    assert Desk(on_stop="off").closing.due_ns(0) == 0
