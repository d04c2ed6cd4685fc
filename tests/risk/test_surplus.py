"""Which entries have to go once more is held than was believed."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from grinder.execution.denials import DenialCode
from grinder.messages.account import PositionChanged
from grinder.messages.features import FeaturesComputed
from grinder.messages.grid import Intent, IntentAction, IntentsProposed
from grinder.messages.orders import OrdersSubmitted, Placement
from grinder.model.instrument import Instrument
from grinder.model.legs import HEDGE, legs_of
from grinder.model.order import Side
from grinder.model.permit import Permit
from grinder.model.settings import RiskSettings
from grinder.risk.facts import RiskFacts, withdrawn
from grinder.risk.states import LifecycleState
from grinder.risk.surplus import AGAIN_NS, STANDS_NS, Entry, Leg, Misfit, Surplus, surplus

BTC, ETH = "BTCUSDT", "ETHUSDT"
LONG, SHORT = "BTCUSDT:LONG", "BTCUSDT:SHORT"
MARKETS = {
    name: Instrument(symbol=name, base_asset=name[:3], tick=Decimal(1), lot=Decimal(1))
    for name in (BTC, ETH)
}
ALL = {**MARKETS, **legs_of(MARKETS, HEDGE)}
NOW = 10**18


def leg(name: str, held: int = 0, price: int = 100, **prices: int) -> Leg:
    values = {"mid_ticks2": 2 * price, "position_ticks2": 2 * price, "total_ticks2": 2 * price}
    return Leg(instrument=ALL[name], held_lots=held, **{**values, **prices})


def order(symbol: str, side: Side, ticks: int, lots: int = 1) -> Entry:
    name = f"{symbol} {side} {ticks}"
    return Entry(name=name, leg=symbol, side=side, price_ticks=ticks, lots=lots)


def buys(symbol: str, *ticks: int, lots: int = 1) -> list[Entry]:
    return [order(symbol, Side.BUY, one, lots) for one in ticks]


def sells(symbol: str, *ticks: int, lots: int = 1) -> list[Entry]:
    return [order(symbol, Side.SELL, one, lots) for one in ticks]


def gone(
    legs: dict[str, Leg], entries: list[Entry], cap: int, total: int = 10**6, **more: Any
) -> list[str]:
    found = surplus(legs, entries, position_max=Decimal(cap), total_max=Decimal(total), **more)
    return [one.entry.name for one in found]


def names(entries: list[Entry]) -> list[str]:
    return [one.name for one in entries]


def test_nothing_goes_that_fits() -> None:
    ladder = [*buys(BTC, 99, 98, 97), *sells(BTC, 101, 102, 103)]

    assert gone({BTC: leg(BTC)}, ladder, cap=300) == []
    assert gone({BTC: leg(BTC, held=2)}, ladder, cap=500) == []


def test_the_furthest_go_first_and_what_remains_fits() -> None:
    entries = buys(BTC, 97, 99, 98)

    assert gone({BTC: leg(BTC, held=1)}, entries, cap=300) == names(buys(BTC, 97))
    assert gone({BTC: leg(BTC, held=2)}, entries, cap=399) == names(buys(BTC, 97, 98))
    assert gone({BTC: leg(BTC, held=9)}, entries, cap=300) == names(buys(BTC, 97, 98, 99))


def test_each_side_has_to_fit_by_itself() -> None:
    entries = [*buys(BTC, 99, 98), *sells(BTC, 101, 103)]

    found = gone({BTC: leg(BTC)}, entries, cap=100)
    assert found == names([*sells(BTC, 103), *buys(BTC, 98)])
    # Sells that only come to what is held make nothing worse, however much that is.
    assert gone({BTC: leg(BTC, held=2)}, entries, cap=100) == names(buys(BTC, 98, 99))
    assert gone({BTC: leg(BTC, held=-2)}, entries, cap=100) == names(sells(BTC, 103, 101))


def test_none_stays_that_is_further_out_than_one_that_goes() -> None:
    entries = [*buys(BTC, 99), *buys(BTC, 98, lots=5), *buys(BTC, 97)]

    assert gone({BTC: leg(BTC)}, entries, cap=300) == names(
        [*buys(BTC, 97), *buys(BTC, 98, lots=5)]
    )


def test_two_legs_share_the_cap_of_their_market() -> None:
    legs = {LONG: leg(LONG, held=2), SHORT: leg(SHORT, held=-1)}
    entries = [*buys(LONG, 99, 97), *sells(SHORT, 101, 104)]

    assert gone(legs, entries, cap=700) == []
    assert gone(legs, entries, cap=600) == names(sells(SHORT, 104))
    assert gone(legs, entries, cap=500) == names([*sells(SHORT, 104), *buys(LONG, 97)])


def test_all_markets_share_the_total_cap_by_distance_from_their_own_price() -> None:
    legs = {BTC: leg(BTC, held=1), ETH: leg(ETH, price=1_000)}
    # Two per cent from its price, and one: the other one is nearer although it is ten ticks off.
    entries = [*buys(BTC, 98), *buys(ETH, 990)]

    assert gone(legs, entries, cap=2_000, total=1_200) == []
    found = surplus(legs, entries, position_max=Decimal(2_000), total_max=Decimal(1_199))
    assert [one.entry.leg for one in found] == [BTC]
    assert found[0].code == "MAX_NOTIONAL_EXCEEDED"
    assert (found[0].worst_case, found[0].cap) == (Decimal(1_200), Decimal(1_199))
    # What is worth less may stay where the nearer one does not fit.
    assert gone(legs, entries, cap=2_000, total=1_099) == names(buys(ETH, 990))


def test_who_is_told_to_go_goes_before_any_other() -> None:
    legs = {LONG: leg(LONG, held=1), SHORT: leg(SHORT)}
    entries = [*buys(LONG, 99), *sells(SHORT, 102)]

    assert gone(legs, entries, cap=200) == names(sells(SHORT, 102))
    told = frozenset(names(buys(LONG, 99)))
    assert gone(legs, entries, cap=200, leaving=told) == names(buys(LONG, 99))


def test_what_has_no_price_is_left_alone() -> None:
    assert gone({BTC: leg(BTC, held=9)}, buys(ETH, 99), cap=100) == []


lots = st.integers(1, 5)
entries_of_all = st.lists(
    st.tuples(st.sampled_from([BTC, ETH]), st.sampled_from(Side), st.integers(1, 30), lots),
    max_size=12,
    unique_by=lambda one: one[:3],
)


@given(
    entries=entries_of_all,
    held=st.tuples(st.integers(-9, 9), st.integers(-9, 9)),
    cap=st.integers(1, 20),
    total=st.integers(1, 30),
)
def test_what_remains_is_within_the_caps_or_no_worse_than_what_is_held(
    entries: list[tuple[str, Side, int, int]], held: tuple[int, int], cap: int, total: int
) -> None:
    legs = {BTC: leg(BTC, held[0]), ETH: leg(ETH, held[1])}
    orders = [order(name, side, 100 - side.sign * off, n) for name, side, off, n in entries]
    found = set(gone(legs, orders, 100 * cap, 100 * total))
    worst = {}
    for name, one in legs.items():
        stays = [it for it in orders if it.leg == name and it.name not in found]
        bought = sum(it.lots for it in stays if it.side is Side.BUY)
        sold = sum(it.lots for it in stays if it.side is Side.SELL)
        worst[name] = max(bought, sold, one.held_lots + bought, sold - one.held_lots)
        assert worst[name] <= max(cap, abs(one.held_lots))
    assert sum(worst.values()) <= max(total, sum(abs(one) for one in held))
    # Whatever goes once is all that goes.
    assert not gone(legs, [it for it in orders if it.name not in found], 100 * cap, 100 * total)


def test_a_misfit_has_to_stand_and_is_told_of_again_only_after_a_pause() -> None:
    watch = Surplus()
    one, other = (
        Misfit(
            entry=it,
            code=DenialCode.MAX_POSITION_EXCEEDED,
            worst_case=Decimal(2),
            cap=Decimal(1),
        )
        for it in buys(BTC, 99, 98)
    )

    assert watch.look((one,), NOW) == ()
    # It was one of news that belong together: from here on it is counted anew.
    assert watch.look((), NOW + 1) == ()
    assert watch.look((one,), NOW + 2) == ()
    assert watch.look((one, other), NOW + STANDS_NS) == ()
    assert not watch.leaving
    first_ns = NOW + 2 + STANDS_NS
    assert watch.look((one, other), first_ns) == (one,)
    assert set(watch.leaving) == {one.entry.name}
    assert watch.look((one, other), NOW + 2 * STANDS_NS) == (other,)
    assert watch.look((one,), first_ns + AGAIN_NS - 1) == ()
    assert watch.look((one,), first_ns + AGAIN_NS) == (one,)
    assert watch.look((), first_ns + 2 * AGAIN_NS) == ()
    assert not watch.leaving


# What RiskSupervisor makes of it.


def market(name: str, price: int) -> FeaturesComputed:
    return FeaturesComputed(
        symbol=name,
        bid_ticks=price,
        ask_ticks=price,
        spread_bps=1.0,
        imbalance_bps=0,
        natr_bps=0,
        move_bps=0,
        bars=0,
        is_warm=False,
        event_ns=NOW,
        tick_ns=NOW,
    )


def facts_of(*markets: str, total: int = 5_000) -> RiskFacts:
    """Return facts that let in what fits 500 for each market."""
    settings = RiskSettings(
        position_notional_max=Decimal(500),
        total_notional_max=Decimal(total),
        order_notional_max=Decimal(500),
        entries_1m_max=0,
    )
    facts = RiskFacts(settings, {name: MARKETS[name] for name in markets}, is_armed=True)
    for name in markets:
        facts.see(market(name, 100))
    return facts


def let_in(facts: RiskFacts, name: str, lots: int, price: int = 100) -> None:
    """Let a buy of so many lots rest, let in while the market stood at a price."""
    intent = Intent(
        action=IntentAction.PLACE,
        level="b1",
        side=Side.BUY,
        price_ticks=price - 1,
        qty_lots=lots,
        reason="GRID_FILL",
    )
    proposed = IntentsProposed(symbol=name, intents=(intent,), mid_ticks2=2 * price, tick_ns=0)
    permit = Permit(serial=1, state=LifecycleState.ACTIVE, epoch=1, deadline_ns=NOW)
    facts.let(proposed, (intent,), permit)
    sent = Placement(
        symbol=name,
        client_order_id=f"{name} {price} {lots}",
        side=Side.BUY,
        price_ticks=price - 1,
        qty_lots=lots,
        level="b1",
        reason="GRID_FILL",
    )
    facts.exposure.apply(OrdersSubmitted(symbol=name, orders=(sent,)))


def hold(facts: RiskFacts, name: str, held: int) -> None:
    facts.exposure.apply(
        PositionChanged(
            symbol=name,
            qty_lots=held,
            entry_price=Decimal(100),
            unrealized_pnl=Decimal(0),
            event_ns=NOW,
        )
    )


def told(facts: RiskFacts) -> list[str]:
    """Return who is told to go once it has stood for long enough."""
    assert withdrawn(facts, NOW) == ()
    return [one.entry.name for one in withdrawn(facts, NOW + STANDS_NS)]


def is_due(facts: RiskFacts) -> bool:
    return facts.exposure.has_changed


def test_a_price_that_rises_takes_nothing_off_and_a_position_does() -> None:
    facts = facts_of(BTC)
    let_in(facts, BTC, 5)
    assert told(facts) == []
    facts.see(market(BTC, 150))
    hold(facts, BTC, 0)
    assert told(facts) == []
    hold(facts, BTC, 1)
    assert told(facts) == ["BTCUSDT 100 5"]


def test_a_market_counts_at_what_it_was_when_any_was_last_let_in() -> None:
    facts = facts_of(BTC, ETH, total=900)
    let_in(facts, BTC, 5)
    let_in(facts, ETH, 4)
    facts.see(market(BTC, 150))
    hold(facts, BTC, 0)
    assert told(facts) == []

    # At a price of its own when Ether is let in, which was judged with that.
    facts = facts_of(BTC, ETH, total=900)
    let_in(facts, BTC, 4, price=110)
    facts.see(market(BTC, 100))
    let_in(facts, ETH, 5)
    facts.see(market(BTC, 110))
    assert told(facts) == []
    hold(facts, ETH, 1)
    assert told(facts) == ["ETHUSDT 100 5"]


def test_nothing_is_looked_at_unless_orders_or_positions_have_changed() -> None:
    facts = facts_of(BTC)
    let_in(facts, BTC, 5)
    assert is_due(facts)
    assert told(facts) == []
    assert not is_due(facts)
    facts.see(market(BTC, 150))
    assert not is_due(facts)
    hold(facts, BTC, 1)
    assert told(facts)
    assert is_due(facts), "as long as it is too much"


def test_nothing_is_told_while_everything_is_taken_off() -> None:
    facts = facts_of(BTC)
    let_in(facts, BTC, 5)
    hold(facts, BTC, 1)
    facts.is_winding_down = True
    assert told(facts) == []


def test_what_was_never_priced_is_looked_at_once_it_is() -> None:
    facts = facts_of(BTC)
    facts.features.clear()
    let_in(facts, BTC, 5)
    hold(facts, BTC, 1)
    assert told(facts) == []
    facts.see(market(BTC, 100))
    assert told(facts) == ["BTCUSDT 100 5"]
