"""Two legs of one market share its caps, its data and its flow."""

from __future__ import annotations

from decimal import Decimal

import attrs
import pytest

from grinder.features.registry import NAMES
from grinder.messages.features import FeaturesComputed, FeaturesSampled
from grinder.messages.grid import Intent, IntentAction, IntentsProposed
from grinder.messages.market import FeedHealthChanged, StreamKind
from grinder.messages.orders import OrdersSubmitted, OrdersSynced, Placement
from grinder.model.grid import ToxicityLevel
from grinder.model.instrument import Instrument
from grinder.model.legs import HEDGE, legs_of
from grinder.model.order import Side
from grinder.model.permit import Permit
from grinder.model.settings import RiskSettings
from grinder.risk.facts import RiskFacts, hear_feed
from grinder.risk.states import LifecycleState
from grinder.risk.underway import LATE_NS, Underway

MARKETS = {
    name: Instrument(symbol=name, base_asset=name[:3], tick=Decimal(1), lot=Decimal(1))
    for name in ("BTCUSDT", "ETHUSDT")
}
LONG, SHORT, OTHER = "BTCUSDT:LONG", "BTCUSDT:SHORT", "ETHUSDT:LONG"
SETTINGS = RiskSettings(
    position_notional_max=Decimal(1_000),
    total_notional_max=Decimal(1_500),
    order_notional_max=Decimal(500),
    entries_1m_max=0,
)
NOW = 10**18


def entry(side: Side, lots: int, number: int = 1) -> Intent:
    return Intent(
        action=IntentAction.PLACE,
        level=f"{'b' if side is Side.BUY else 's'}{number}",
        side=side,
        price_ticks=100,
        qty_lots=lots,
        reason="GRID_FILL",
    )


def market(symbol: str = "BTCUSDT", spread_bps: float = 1.0) -> FeaturesComputed:
    return FeaturesComputed(
        symbol=symbol,
        bid_ticks=100,
        ask_ticks=100,
        spread_bps=spread_bps,
        imbalance_bps=0,
        natr_bps=0,
        move_bps=0,
        bars=0,
        is_warm=False,
        event_ns=NOW,
        tick_ns=NOW,
    )


@pytest.fixture
def facts() -> RiskFacts:
    """Everything allowed, four legs flat."""
    facts = RiskFacts(SETTINGS, legs_of(MARKETS, HEDGE), is_armed=True)
    facts.leader_until_ns = NOW + 10**12
    facts.account_ns = NOW
    for view in facts.views.values():
        view.is_synced = True
        facts.exposure.apply(
            OrdersSynced(
                symbol=view.symbol,
                orders=(),
                position_lots=0,
                entry_price=Decimal(0),
                is_stream_live=True,
            )
        )
    for name in MARKETS:
        facts.see(market(name))
    return facts


def judged(facts: RiskFacts, leg: str, side: Side, *lots: int, at_ns: int = NOW) -> list[str]:
    """Return the codes of what is denied; what passes is noted as RiskSupervisor does."""
    intents = tuple(entry(side, one, number) for number, one in enumerate(lots, 1))
    proposed = IntentsProposed(symbol=leg, intents=intents, mid_ticks2=200, tick_ns=at_ns)
    approved, denials = facts.judge(proposed, LifecycleState.ACTIVE, at_ns)
    if approved:
        permit = facts.permit(approved, 1, LifecycleState.ACTIVE, at_ns)
        facts.views[leg].let(approved, permit)
    return [one.code for one in denials]


def submitted(leg: str, side: Side, lots: int) -> OrdersSubmitted:
    order = Placement(
        symbol=leg,
        client_order_id=f"g-{leg}-{lots}",
        side=side,
        price_ticks=100,
        qty_lots=lots,
        reduce_only=False,
        level="b1",
        reason="GRID_FILL",
    )
    return OrdersSubmitted(symbol=leg, orders=(order,))


def test_what_rests_of_one_leg_counts_against_the_cap_of_the_other(facts: RiskFacts) -> None:
    facts.exposure.apply(submitted(LONG, Side.BUY, 8))

    assert judged(facts, SHORT, Side.SELL, 2) == []
    assert judged(facts, LONG, Side.BUY, 1) == ["MAX_POSITION_EXCEEDED"]
    assert judged(facts, SHORT, Side.SELL, 3) == ["MAX_POSITION_EXCEEDED"]


def test_the_batch_of_a_leg_passes_as_far_as_the_other_leaves_room(facts: RiskFacts) -> None:
    facts.exposure.apply(submitted(SHORT, Side.SELL, 5))

    assert judged(facts, LONG, Side.BUY, 3, 2, 1) == ["MAX_POSITION_EXCEEDED"]


def test_what_one_leg_was_just_allowed_counts_before_it_is_sent(facts: RiskFacts) -> None:
    assert judged(facts, LONG, Side.BUY, 5, 3) == []
    assert judged(facts, SHORT, Side.SELL, 4) == ["MAX_POSITION_EXCEEDED"]
    assert judged(facts, SHORT, Side.SELL, 2) == []


def test_what_is_sent_counts_once(facts: RiskFacts) -> None:
    assert judged(facts, LONG, Side.BUY, 5) == []
    for message in (submitted(LONG, Side.BUY, 5),):
        facts.exposure.apply(message)
        facts.submit(message, NOW)

    assert facts.views[LONG].lots_to_come(NOW) == 5
    assert judged(facts, SHORT, Side.SELL, 5) == []


def test_what_was_never_sent_counts_until_its_permit_is_over(facts: RiskFacts) -> None:
    assert judged(facts, LONG, Side.BUY, 5, 5) == []
    assert judged(facts, SHORT, Side.SELL, 1) == ["MAX_POSITION_EXCEEDED"]

    later_ns = NOW + SETTINGS.permit_ms * 10**6 + LATE_NS
    assert judged(facts, SHORT, Side.SELL, 1, at_ns=later_ns) == []


def test_the_total_counts_the_gross_of_each_market(facts: RiskFacts) -> None:
    facts.exposure.apply(submitted(OTHER, Side.BUY, 8))
    facts.exposure.apply(submitted(LONG, Side.BUY, 4))

    assert judged(facts, SHORT, Side.SELL, 4) == ["MAX_NOTIONAL_EXCEEDED"]
    assert judged(facts, SHORT, Side.SELL, 3) == []


def test_a_market_that_spikes_or_is_not_heard_closes_both_of_its_legs(facts: RiskFacts) -> None:
    assert facts.see(market(spread_bps=90.0))
    assert judged(facts, LONG, Side.BUY, 1) == ["SPREAD_SPIKE"]
    assert judged(facts, SHORT, Side.SELL, 1) == ["SPREAD_SPIKE"]
    assert judged(facts, OTHER, Side.BUY, 1) == []

    facts.see(market())
    hear_feed(
        facts.views_of["BTCUSDT"],
        FeedHealthChanged(symbol="BTCUSDT", stream=StreamKind.BOOK_TICKER, is_stale=True, age_ns=1),
    )
    assert judged(facts, LONG, Side.BUY, 1) == ["FEED_STALE"]
    assert judged(facts, SHORT, Side.SELL, 1) == ["FEED_STALE"]


def test_harmful_flow_of_a_market_closes_both_of_its_legs(facts: RiskFacts) -> None:
    sample = FeaturesSampled(
        symbol="BTCUSDT",
        values=(0.0,) * len(NAMES),
        toxicity=ToxicityLevel.EXTREME,
        is_warm=True,
        event_ns=NOW,
    )
    assert facts.sample(sample)
    assert not facts.sample(sample)
    for leg, side in ((LONG, Side.BUY), (SHORT, Side.SELL)):
        assert judged(facts, leg, side, 1) == ["TOXICITY_HIGH"]


def test_the_position_of_the_lifecycle_is_the_gross_of_both_legs(facts: RiskFacts) -> None:
    for leg, lots in ((LONG, 3), (SHORT, -2)):
        facts.exposure.of(leg).holding.state(lots)

    assert facts.inputs().position_notional == Decimal(500)


def test_underway_lots_go_with_what_is_sent_or_with_their_time() -> None:
    underway = Underway()
    batch = (entry(Side.BUY, 3), attrs.evolve(entry(Side.SELL, 9), reduce_only=True))
    underway.let(batch, NOW)
    underway.let(batch, NOW + 10)
    assert underway.lots(NOW) == 6

    underway.send(submitted(LONG, Side.BUY, 4).orders)
    assert underway.lots(NOW) == 2
    assert underway.lots(NOW + 10 + LATE_NS) == 0


def test_without_another_leg_nothing_is_counted() -> None:
    facts = RiskFacts(SETTINGS, {"BTCUSDT": MARKETS["BTCUSDT"]}, is_armed=True)
    view = facts.views["BTCUSDT"]
    view.let((entry(Side.BUY, 3),), Permit(serial=1, state="ACTIVE", epoch=1, deadline_ns=NOW))

    assert view.is_alone
    assert view.underway.lots(0) == 0
