"""Any market at all, sample after sample, for every policy: what must hold whatever comes."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from grinder.model.grid import GridMode, GridPlan, ToxicityLevel
from grinder.policy.conductor import ConductorFacts, conductor_for
from grinder.policy.registry import OWN
from policy.market import BTC, SECOND_NS, settings
from policy.market import NAMES as OF_POLICIES
from policy.sampled import BUDGET, START_NS, changed, sample_of

REDUCING = frozenset({GridMode.PAUSE, GridMode.EMERGENCY})

READ = (
    *OF_POLICIES,
    *("signed_return_bps", "range_score", "thin_l1_notional", "price_jump_bps_1m"),
    *("impact_buy_bps", "impact_sell_bps", "impact_buy_insufficient", "impact_sell_insufficient"),
)
SAMPLES = st.builds(
    lambda toxicity, features: sample_of(START_NS, toxicity, **features),
    st.sampled_from(ToxicityLevel),
    st.dictionaries(
        st.sampled_from(READ),
        st.one_of(st.floats(-10, 10), st.floats(-1e9, 1e9), st.sampled_from([0.0, 1.0, 300.0])),
    ),
)
BUDGETS = st.builds(
    lambda **fields: attrs.evolve(BUDGET, **fields),
    equity=st.decimals(0, 100_000, places=2),
    budget=st.decimals(0, 20_000, places=2),
    budget_ratio=st.one_of(st.none(), st.decimals(0, 1, places=2)),
    session_drawdown=st.floats(0, 1),
    daily_drawdown=st.floats(0, 1),
)
FACTS = st.builds(
    ConductorFacts,
    now_ns=st.just(START_NS),
    mid=st.decimals("100", 200_000, places=1),
    position_qty=st.decimals(-1, 1, places=3),
    entry_price=st.decimals("100", 200_000, places=1),
    budget=st.one_of(st.none(), BUDGETS),
    is_killed=st.sampled_from([False, False, False, True]),
)
STEPS = st.lists(st.tuples(SAMPLES, FACTS), min_size=1, max_size=6)


def decided(steps: Any, name: str, mode: str) -> list[tuple[Any, ConductorFacts, GridPlan]]:
    config = changed(settings(name), "sizing", mode=mode)
    conductor = conductor_for(BTC, config)
    answers = []
    for number, (sample, facts) in enumerate(steps):
        now_ns = START_NS + number * SECOND_NS
        decision = conductor.consider(sample, attrs.evolve(facts, now_ns=now_ns))
        answers.append((decision, facts, decision.plan))
    return answers


@pytest.mark.parametrize("name", sorted(OWN | {"auto"}))
@examples(max_examples=30)
@given(steps=STEPS, mode=st.sampled_from(["fixed", "auto"]))
def test_every_market_has_an_answer_that_keeps_to_the_rules(
    name: str, steps: Any, mode: str
) -> None:
    last = None
    for decision, facts, plan in decided(steps, name, mode):
        regime = decision.verdict.regime
        has_entries = plan.is_active and plan.mode not in REDUCING

        assert plan.reason_codes
        assert plan.spacing_bps * plan.levels_down < 10_000
        assert name == "static" or not decision.is_plain
        if facts.is_killed:
            assert regime == "EMERGENCY"
        if name != "static" and regime in ("EMERGENCY", "TOXIC"):
            assert not has_entries
        if facts.budget is not None and facts.budget.budget_ratio == Decimal(0):
            assert not has_entries
        if last is not None and decision.plan is last.plan:
            assert decision.policy == last.policy
        last = decision
