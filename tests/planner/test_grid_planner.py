"""What a planner does in cases that a whole world reaches rarely."""

from __future__ import annotations

from decimal import Decimal

from grinder.messages.grid import Intent, IntentAction
from grinder.messages.orders import Placement
from grinder.model.grid_settings import GridSettings
from grinder.model.order import OpenOrder, Side
from grinder.model.units import NS_PER_MS
from grinder.planner.exits import MERGED, SLOTS
from grinder.planner.grid import GridPlanner
from grinder.planner.holdings import PROPOSAL_PATIENCE_NS
from simulated.worlds import BITCOIN, BTC

BID, ASK = 600_000, 600_001


def planner(**changes: object) -> GridPlanner:
    """Return a planner that may enter."""
    one = GridPlanner(BITCOIN, GridSettings(levels=2, **changes))  # type: ignore[arg-type]
    one.is_synced = one.may_enter = True
    return one


def rest(one: GridPlanner, intents: tuple[Intent, ...]) -> None:
    """Let everything placed rest, named by its level."""
    for intent in intents:
        if intent.action is IntentAction.PLACE:
            one.holdings.add(
                Placement(
                    symbol=BTC, client_order_id=intent.level, side=intent.side,
                    price_ticks=intent.price_ticks, qty_lots=intent.qty_lots,
                    reduce_only=intent.reduce_only, level=intent.level, reason=intent.reason,
                )
            )  # fmt: skip


def reasons(intents: tuple[Intent, ...]) -> list[str]:
    return [intent.reason for intent in intents]


def test_nothing_is_planned_before_the_venue_has_said_what_rests() -> None:
    one = planner()
    one.is_synced = False

    assert one.plan(BID, ASK, 1) == ()


def test_a_plan_that_stands_asks_for_nothing_more() -> None:
    one = planner()
    rest(one, one.plan(BID, ASK, 1))

    assert one.plan(BID, ASK, 2) == ()
    assert one.is_quiet(BID + ASK)


def test_a_cancel_is_asked_for_once_and_again_only_when_it_got_lost() -> None:
    one = planner()
    rest(one, one.plan(BID, ASK, 1))
    one.must_clear = True
    cancels = one.plan(BID, ASK, 1_000)
    one.holdings.note_cancels(cancels, 1_000)

    assert reasons(cancels) == ["CANCEL_ONLY"] * 4
    assert one.plan(BID, ASK, 2_000) == ()
    assert not one.holdings.has_lost_one(2_000)
    late = 1_001 + PROPOSAL_PATIENCE_NS
    assert one.holdings.has_lost_one(late)
    assert one.plan(BID, ASK, late) == cancels


def test_a_snapshot_does_not_make_a_cancel_under_way_forgotten() -> None:
    one = planner()
    rest(one, one.plan(BID, ASK, 1))
    one.must_clear = True
    one.holdings.note_cancels(one.plan(BID, ASK, 1_000), 1_000)
    shown = OpenOrder(
        symbol=BTC, client_order_id="b1", order_id=1, side=Side.BUY, price_ticks=1, qty_lots=4
    )
    one.holdings.replace(((shown, "b1"),))

    assert one.plan(BID, ASK, 2_000) == ()


def test_a_refused_level_rests_for_its_pause_and_an_exit_for_its_own() -> None:
    one = planner()
    one.plan(BID, ASK, 1)
    pause_ns = one.refuse("b1", False, 1)
    assert "b1" in one.paused_until_ns
    assert [intent.level for intent in one.plan(BID, ASK, 2)] == []
    assert [intent.level for intent in one.plan(BID, ASK, 1 + pause_ns)] == ["b1"]

    one.position_lots, one.entry_price = 4, Decimal(60_000)
    (exit_intent,) = [intent for intent in one.plan(BID, ASK, 10**9) if intent.reduce_only]
    assert exit_intent.qty_lots == 4
    longer_ns = one.refuse(exit_intent.level, True, 10**9)
    assert longer_ns == 10**9
    assert not [intent for intent in one.plan(BID, ASK, 10**9 + 1) if intent.reduce_only]


def test_exits_are_merged_when_their_levels_run_out_and_none_is_placed_meanwhile() -> None:
    one = planner()
    one.entry_price = Decimal(60_000)
    for number in range(1, len(SLOTS) + 1):
        one.position_lots = number
        rest(one, one.plan(BID, ASK, number))
    one.position_lots += 1
    cancels = [i for i in one.plan(BID, ASK, 100) if i.reason == "TP_MERGE"]
    one.holdings.note_cancels(tuple(cancels), 100)

    assert len(cancels) == MERGED
    assert not [intent for intent in one.plan(BID, ASK, 200) if intent.reduce_only]
    for cancel in cancels:
        one.holdings.remove(cancel.client_order_id)
    (merged,) = [intent for intent in one.plan(BID, ASK, 300) if intent.reduce_only]
    assert merged.qty_lots == MERGED + 1


def test_a_level_worth_less_than_a_lot_is_not_wanted() -> None:
    one = planner(level_notional=Decimal(1))

    assert one.plan(BID, ASK, 1) == ()


def test_an_unfrozen_ladder_follows_the_price_with_a_position_open() -> None:
    one = planner(freeze_in_position=False)
    rest(one, one.plan(BID, ASK, 1))
    one.position_lots, one.entry_price = 4, Decimal(60_000)
    one.plan(BID + 700, ASK + 700, 2)

    assert one.anchor_ticks2 == BID + ASK + 1_400


def test_a_level_that_was_denied_keeps_quiet_however_the_price_moves() -> None:
    one = planner()
    rest(one, tuple(intent for intent in one.plan(BID, ASK, 1) if intent.level != "b2"))

    assert one.deny("b2", False, 1_000, 1) == 1_000

    one.waits_for_price = True
    assert [one.plan(BID + tick, ASK + tick, 1 + tick) for tick in range(9)] == [()] * 9
    assert [intent.level for intent in one.plan(BID, ASK, 1_001)] == ["b2"]


def test_what_stood_against_entries_is_forgotten_when_it_is_over_but_an_exit_waits() -> None:
    one = planner()
    one.deny("b1", False, 1_000, 1)
    one.deny("x0", True, 1_000, 1)

    one.forget_denials()

    assert list(one.paused_until_ns) == ["x"]
    assert one.paused_until_ns["x"] == 1 + one.settings.exit_retry_ms * NS_PER_MS


def test_a_refused_cancel_is_tried_again_after_its_pause_and_not_before() -> None:
    one = planner()
    rest(one, one.plan(BID, ASK, 1))
    one.must_clear = True
    now_ns = PROPOSAL_PATIENCE_NS
    cancels = one.plan(BID, ASK, now_ns)
    one.holdings.note_cancels(cancels, now_ns)

    for intent in cancels:
        one.holdings.postpone_cancel(intent.client_order_id, 1_000, now_ns)
    one.holdings.postpone_cancel("nobody", 1_000, now_ns)

    assert one.plan(BID, ASK, now_ns + 999) == ()
    assert one.plan(BID, ASK, now_ns + 1_000) == cancels
