"""Every feature at once, audited: no money comes or goes, no order is in two states."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from decimal import Decimal

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from grinder.model.order import PositionSide, Side, TimeInForce
from grinder.simulation.algo import AlgoType, WorkingType
from grinder.simulation.orders import PriceMatch, SelfTradePrevention
from simulation.agreement import check
from simulation.driver import ACCOUNTS, INSTRUMENTS, ORIGIN, RATES, Driver

pytestmark = pytest.mark.unmeasured

SYMBOLS = tuple(INSTRUMENTS)
DRIFTS = (-70, -40, -12, -4, -1, 0, 1, 4, 12, 40, 70)
STEPS_MS = (1, 1_000, 2_000, 800_000)
LEVERAGES = (1, 5, 20, 75)
USUAL = (TimeInForce.GTC, TimeInForce.GTC, TimeInForce.GTC, *TimeInForce)


def place(driver: Driver, chance: random.Random) -> None:
    ticks, match = chance.randint(94, 106), PriceMatch.NONE
    kind = chance.random()
    if kind < 0.3:
        match = chance.choice(tuple(PriceMatch)) if kind < 0.15 else PriceMatch.NONE
    driver.place(
        chance.choice(ACCOUNTS),
        chance.choice(SYMBOLS),
        chance.choice(tuple(Side)),
        chance.random() < 0.5,
        None if kind < 0.3 else ticks,
        chance.randint(1, 12),
        chance.choice(USUAL),
        match,
        chance.choice(tuple(SelfTradePrevention)),
        chance.random() < 0.15,
        chance.choice((1, 1, 1, 3)),
    )


def leave(driver: Driver, chance: random.Random) -> None:
    """Close a part of some position, at the market or later."""
    held = [(key, each.lots) for key, each in driver.audit.holdings.items() if each.lots]
    if not held:
        return
    (name, symbol, position_side), lots = chance.choice(held)
    driver.place(
        name,
        symbol,
        Side.SELL if lots > 0 else Side.BUY,
        position_side is PositionSide.LONG,
        None if chance.random() < 0.5 else chance.choice((93, 107)),
        chance.randint(1, abs(lots)),
        TimeInForce.GTC,
        PriceMatch.NONE,
        SelfTradePrevention.EXPIRE_MAKER,
        position_side is PositionSide.BOTH,
        1,
    )


def place_algo(driver: Driver, chance: random.Random) -> None:
    driver.place_algo(
        chance.choice(ACCOUNTS),
        chance.choice(SYMBOLS),
        chance.choice(tuple(Side)),
        chance.random() < 0.5,
        chance.choice(tuple(AlgoType)),
        chance.randint(94, 106),
        chance.choice((None, 1, 5)),
        chance.choice(tuple(WorkingType)),
        chance.random() < 0.3,
    )


def amend(driver: Driver, chance: random.Random) -> None:
    match = chance.choice((PriceMatch.NONE, PriceMatch.NONE, PriceMatch.QUEUE))
    driver.amend(chance, chance.randint(94, 106), chance.randint(1, 12), match)


def move_market(driver: Driver, chance: random.Random) -> None:
    symbol, bid = chance.choice(SYMBOLS), chance.randint(95, 104)
    kind = chance.random()
    if kind < 0.4:
        driver.quote(
            symbol, bid, chance.randint(0, 20), chance.randint(1, 3), chance.randint(1, 12)
        )
    elif kind < 0.6:
        levels = [(chance.randint(92, 108), chance.randint(0, 9)) for _ in range(4)]
        driver.depth(symbol, levels[:2], levels[2:])
    elif kind < 0.75 or not driver.audit.live:
        driver.trade(symbol, bid, chance.randint(1, 30), chance.random() < 0.5)
    else:
        # At the very price of an order, where the line decides.
        order, _, _ = driver.audit.live[chance.choice(sorted(driver.audit.live))]
        ticks = order.price_ticks - ORIGIN[order.symbol]
        driver.trade(order.symbol, ticks, chance.randint(1, 9), order.side is Side.BUY)


def pass_time(driver: Driver, chance: random.Random) -> None:
    rate = Decimal(chance.randint(-(10**6), 10**6)).scaleb(-8)
    driver.mark(chance.choice(SYMBOLS), chance.choice(DRIFTS), rate, chance.randint(0, 3_000))
    if chance.random() < 0.6:
        driver.advance(chance.choice(STEPS_MS))


def set_up(driver: Driver, chance: random.Random) -> None:
    name, symbol = chance.choice(ACCOUNTS), chance.choice(SYMBOLS)
    kind = chance.random()
    if kind < 0.3:
        driver.set_leverage(name, symbol, chance.choice(LEVERAGES))
    elif kind < 0.5:
        driver.set_fees(name, chance.choice(RATES))
    elif kind < 0.7:
        driver.countdown(name, symbol, chance.randint(0, 5_000))
    elif kind < 0.85:
        driver.cancel(chance, chance.random() < 0.3)
    else:
        driver.cancel_algo(chance)


ACTIONS: dict[Callable[[Driver, random.Random], None], int] = {
    place: 45,
    leave: 10,
    place_algo: 8,
    amend: 10,
    move_market: 20,
    pass_time: 8,
    set_up: 9,
}


def storm(driver: Driver, seed: int, steps: int) -> None:
    """Do ``steps`` things by chance, and check after each."""
    chance = random.Random(seed)
    for action in chance.choices(tuple(ACTIONS), weights=tuple(ACTIONS.values()), k=steps):
        action(driver, chance)
        check(driver)


class Conservation(RuleBasedStateMachine):
    """Small steps that shrink well, and storms that get far."""

    def __init__(self) -> None:
        super().__init__()
        self.driver = Driver()

    @rule(action=st.sampled_from(tuple(ACTIONS)), chance=st.randoms(use_true_random=False))
    def act(self, action: Callable[[Driver, random.Random], None], chance: random.Random) -> None:
        action(self.driver, chance)

    @rule(seed=st.integers(0, 2**32))
    def storm(self, seed: int) -> None:
        storm(self.driver, seed, 25)

    @invariant()
    def exchange_and_audit_agree(self) -> None:
        check(self.driver)


TestConservation = pytest.mark.timeout(600)(Conservation.TestCase)
TestConservation.settings = settings(max_examples=30, stateful_step_count=12, deadline=None)

FEATURES = {
    "NEW",
    "TRADE",
    "CANCELED",
    "EXPIRED",
    "AMENDMENT",
    "CALCULATED",
    "BOTH",
    "LONG",
    "SHORT",
    "FUNDING_FEE",
    "INSURANCE_CLEAR",
    "margin call",
    "self-trade",
    "own match",
    "reduce-only cut",
    "algo TRIGGERED",
    "algo FINISHED",
    "algo REJECTED",
    "algo EXPIRED",
    "algo CANCELED",
    "countdown",
}
"""What the storms below must have met, so that their silence means something."""


def test_storms_meet_every_feature() -> None:
    met: Counter[str] = Counter()
    for seed in range(20):
        driver = Driver()
        storm(driver, seed, 150)
        met += driver.audit.counts

    assert FEATURES - met.keys() == set()
