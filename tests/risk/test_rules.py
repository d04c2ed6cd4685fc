from __future__ import annotations

from decimal import Decimal
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from grinder.features.registry import NAMES
from grinder.messages.features import FeaturesComputed, FeaturesSampled
from grinder.messages.grid import Intent, IntentAction
from grinder.model.grid import ToxicityLevel
from grinder.model.instrument import Instrument
from grinder.model.order import Side
from grinder.model.settings import RiskSettings
from grinder.risk.day import DayLoss
from grinder.risk.denials import DenialCode
from grinder.risk.exposure import Exposure
from grinder.risk.flow import FlowGate
from grinder.risk.rules import GATES_FOR_ALL, GATES_FOR_RISK, evaluate, facts_allow, judge
from grinder.risk.states import LifecycleState
from grinder.risk.view import RiskView

C = DenialCode
BTC = Instrument(symbol="BTCUSDT", base_asset="BTC", tick=Decimal(1), lot=Decimal(1))
SETTINGS = RiskSettings(
    position_notional_max=Decimal(1_000),
    total_notional_max=Decimal(5_000),
    order_notional_max=Decimal(500),
)
BUY = Intent(
    action=IntentAction.PLACE,
    level="b1",
    side=Side.BUY,
    price_ticks=100,
    qty_lots=4,
    reason="GRID_FILL",
)
SELL = attrs.evolve(BUY, side=Side.SELL, level="s1")
EXIT = attrs.evolve(SELL, reduce_only=True, level="x1")
CANCEL = attrs.evolve(BUY, action=IntentAction.CANCEL, client_order_id="a")


def closed_view(settings: RiskSettings = SETTINGS) -> RiskView:
    return RiskView(settings, BTC, Exposure(), DayLoss(Decimal(500)))


def market(spread_bps: float, move_bps: float) -> FeaturesComputed:
    return FeaturesComputed(
        symbol="BTCUSDT",
        bid_ticks=100,
        ask_ticks=100,
        spread_bps=spread_bps,
        imbalance_bps=0,
        natr_bps=0,
        move_bps=move_bps,
        bars=0,
        is_warm=False,
        event_ns=1,
        tick_ns=1,
    )


def sample(level: ToxicityLevel, score: float | None = None) -> FeaturesSampled:
    return FeaturesSampled(
        symbol="BTCUSDT",
        values=tuple(score if name == "toxicity_score" else None for name in NAMES),
        toxicity=level,
        is_warm=True,
        event_ns=1,
    )


def toxic() -> FlowGate:
    flow = FlowGate()
    flow.hear(sample(ToxicityLevel.HIGH, score=2.345))
    return flow


def lost_day() -> DayLoss:
    day = DayLoss(Decimal(500))
    day.net = Decimal("-500.01")
    day.look(1, Decimal(0))
    return day


def make_view(**changes: Any) -> RiskView:
    view = closed_view(changes.pop("settings", SETTINGS))
    values: dict[str, Any] = {
        "is_armed": True,
        "is_leader": True,
        "is_lease_expiring": False,
        "symbols": frozenset(("BTCUSDT",)),
        "state": LifecycleState.ACTIVE,
        "is_feed_stale": False,
        "is_account_stale": False,
        "is_synced": True,
        "price_ticks2": 200,
        "notional_of_others": Decimal(0),
    }
    for name, value in (values | changes).items():
        setattr(view, name, value)
    return view


BLOCKS: tuple[tuple[dict[str, Any], DenialCode], ...] = (
    ({"is_armed": False}, C.NOT_ARMED),
    ({"is_leader": False}, C.NOT_LEADER),
    ({"is_lease_expiring": True}, C.LEASE_EXPIRING),
    ({"actors_down": ("feed",)}, C.ACTOR_DOWN),
    ({"is_winding_down": True}, C.WINDING_DOWN),
    ({"is_killed": True}, C.KILL_SWITCH_ACTIVE),
    ({"symbols": frozenset()}, C.SYMBOL_NOT_WHITELISTED),
    ({"is_banned": True}, C.SYMBOL_BANNED),
    ({"is_spiking": True, "market": market(50.1, 501)}, C.SPREAD_SPIKE),
    ({"is_spiking": True, "market": market(50, 501)}, C.PRICE_IMPACT_HIGH),
    ({"flow": toxic()}, C.TOXICITY_HIGH),
    ({"cooldown_left_ns": 1}, C.COOLDOWN_ACTIVE),
    ({"entries_left": 0}, C.RATE_LIMIT_EXCEEDED),
    ({"day": lost_day()}, C.DAILY_LOSS_LIMIT_EXCEEDED),
    ({"price_ticks2": 0}, C.MAX_POSITION_EXCEEDED),
    ({"notional_of_others": None}, C.MAX_NOTIONAL_EXCEEDED),
    (
        {"settings": attrs.evolve(SETTINGS, order_notional_max=Decimal(399))},
        C.ORDER_NOTIONAL_EXCEEDED,
    ),
    ({"is_drawdown_blocked": True}, C.DRAWDOWN_BLOCKED),
    ({"state": LifecycleState.READY}, C.FSM_STATE_BLOCKED),
    ({"is_feed_stale": True}, C.FEED_STALE),
    ({"is_account_stale": True}, C.ACCOUNT_STALE),
    ({"is_synced": False}, C.NOT_SYNCED),
    ({"is_venue_throttled": True}, C.VENUE_THROTTLED),
    ({"is_venue_denied": True}, C.VENUE_DENIED),
    ({"instrument": attrs.evolve(BTC, status="HALT")}, C.SYMBOL_NOT_TRADING),
)


def test_all_clear_is_approved() -> None:
    assert judge(make_view(), BUY) is None


@pytest.mark.parametrize(("changes", "code"), BLOCKS)
def test_each_gate_blocks_by_its_name(changes: dict[str, Any], code: DenialCode) -> None:
    found = judge(make_view(**changes), BUY)

    assert found is not None
    assert found.code == code
    assert found.detail.startswith(code)


@pytest.mark.parametrize("first", range(len(BLOCKS)))
def test_the_first_block_wins(first: int) -> None:
    changes: dict[str, Any] = {}
    for later, _ in reversed(BLOCKS[first:]):
        changes |= later

    found = judge(make_view(**changes), BUY)

    assert found is not None
    assert found.code == BLOCKS[first][1]


@pytest.mark.parametrize("intent", [EXIT, CANCEL])
def test_ways_out_pass_everything_but_arming_and_leadership(intent: Intent) -> None:
    changes: dict[str, Any] = {}
    for block, _ in BLOCKS[2:]:
        changes |= block

    assert judge(make_view(**changes), intent) is None
    for block, code in BLOCKS[:2]:
        found = judge(make_view(**block), intent)
        assert found is not None
        assert found.code == code


@pytest.mark.parametrize("state", LifecycleState)
def test_risk_is_added_in_active_only(state: LifecycleState) -> None:
    is_approved = judge(make_view(state=state), BUY) is None

    assert is_approved is (state is LifecycleState.ACTIVE)


def test_a_new_view_is_closed() -> None:
    approved, denials = evaluate(closed_view(), (BUY, EXIT, CANCEL))

    assert approved == ()
    assert {denial.code for denial in denials} == {C.NOT_ARMED}


def test_a_batch_does_not_exceed_the_cap_together() -> None:
    levels = tuple(attrs.evolve(BUY, level=f"b{i}") for i in range(4))
    batch = (*levels, SELL, EXIT, CANCEL)

    approved, denials = evaluate(make_view(), batch)

    assert approved == (*levels[:2], SELL, EXIT, CANCEL)
    assert [(d.code, d.level) for d in denials] == [
        (C.MAX_POSITION_EXCEEDED, "b2"),
        (C.MAX_POSITION_EXCEEDED, "b3"),
    ]
    assert denials[0].detail == "MAX_POSITION_EXCEEDED: worst_case=1200 cap=1000"


def test_a_denied_intent_does_not_count_against_the_next() -> None:
    big = attrs.evolve(BUY, qty_lots=11)

    approved, _ = evaluate(make_view(), (big, BUY, BUY))

    assert approved == (BUY, BUY)


def test_batches_do_not_remember_each_other() -> None:
    view = make_view()

    assert evaluate(view, (BUY, BUY)) == evaluate(view, (BUY, BUY))


def test_exactly_at_the_cap_is_allowed_and_a_far_price_is_valued_at_itself() -> None:
    view = make_view()
    near = attrs.evolve(BUY, qty_lots=5)

    assert evaluate(view, (near, near))[1] == ()
    far = attrs.evolve(SELL, price_ticks=101, qty_lots=4)
    (denial,) = evaluate(
        view, (attrs.evolve(SELL, qty_lots=3), attrs.evolve(SELL, qty_lots=3), far)
    )[1]
    assert denial.detail == "MAX_POSITION_EXCEEDED: worst_case=1010 cap=1000"


def test_the_total_counts_other_symbols() -> None:
    found = judge(make_view(notional_of_others=Decimal(4_601)), BUY)

    assert found is not None
    assert found.detail == "MAX_NOTIONAL_EXCEEDED: worst_case=5001 cap=5000"


CAPS = {
    C.RATE_LIMIT_EXCEEDED,
    C.MAX_POSITION_EXCEEDED,
    C.MAX_NOTIONAL_EXCEEDED,
    C.ORDER_NOTIONAL_EXCEEDED,
}
FACTS = tuple(changes for changes, code in BLOCKS if code not in CAPS)


@given(chosen=st.lists(st.sampled_from(FACTS), max_size=3))
def test_the_gates_in_one_look_say_what_they_say_one_by_one(chosen: list[dict[str, Any]]) -> None:
    view = make_view(**{name: value for changes in chosen for name, value in changes.items()})
    gates = (*GATES_FOR_ALL, *GATES_FOR_RISK)

    assert facts_allow(view) == all(gate(view, BUY) is None for gate in gates)


def test_every_fact_that_a_gate_looks_at_is_tried() -> None:
    assert len(FACTS) + len(CAPS) == len(GATES_FOR_ALL) + len(GATES_FOR_RISK)


INTENTS = st.builds(
    lambda kind, lots, ticks: attrs.evolve(kind, qty_lots=lots, price_ticks=ticks),
    st.sampled_from((BUY, SELL, EXIT, CANCEL)),
    st.integers(1, 6),
    st.integers(60, 140),
)


@given(
    intents=st.lists(INTENTS, max_size=5),
    position_lots=st.integers(-12, 12),
    price_ticks2=st.integers(0, 260),
    others=st.sampled_from((None, Decimal(0), Decimal(4_400))),
    entries_left=st.integers(0, 6),
    changes=st.sampled_from(({}, {}, {}, *FACTS)),
)
def test_a_batch_is_judged_as_its_intents_one_after_the_other(
    intents: list[Intent],
    position_lots: int,
    price_ticks2: int,
    others: Decimal | None,
    entries_left: int,
    changes: dict[str, Any],
) -> None:
    changes = changes | {
        "price_ticks2": price_ticks2,
        "notional_of_others": others,
        "entries_left": entries_left,
    }
    view = make_view(**changes)
    view.own.holding.state(position_lots)
    view.proposed_buy_lots = view.proposed_sell_lots = 0
    approved, denials = [], []
    for intent in intents:
        found = judge(view, intent)
        if found is not None:
            denials.append(found)
            continue
        approved.append(intent)
        view.proposed_entries += intent.adds_risk
        if intent.adds_risk and intent.side is Side.BUY:
            view.proposed_buy_lots += intent.qty_lots
        elif intent.adds_risk:
            view.proposed_sell_lots += intent.qty_lots

    assert evaluate(view, tuple(intents)) == (tuple(approved), tuple(denials))
