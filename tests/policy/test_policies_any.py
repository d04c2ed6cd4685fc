"""What holds for every policy, whatever the market."""

from __future__ import annotations

import inspect
import re
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from grinder.errors import ConfigError
from grinder.model.grid import GridMode, GridPlan
from grinder.policy.base import MarketView, Policy
from grinder.policy.registry import POLICIES, make_policies
from policy.market import BTC, VIEWS, settings

NAMES = sorted(POLICIES)


def made(name: str) -> Policy:
    return make_policies((name,), settings(name))[name]


def stated(name: str) -> frozenset[str]:
    kind: Any = POLICIES[name]
    return frozenset(kind.reasons)


def in_order(views: list[MarketView]) -> list[MarketView]:
    """Return the views as samples of one symbol, a second after each other."""
    return [attrs.evolve(one, now_ns=at * 10**9) for at, one in enumerate(views)]


def check_plan(plan: GridPlan, name: str, view: MarketView) -> None:
    assert plan.reason_codes
    assert set(plan.reason_codes) <= stated(name)
    assert plan.center_price == view.mid
    assert all(size >= 0 for size in plan.size_schedule)
    assert plan.is_active == (plan.mode is not GridMode.PAUSE)
    if plan.mode is GridMode.UNI_LONG:
        assert (plan.levels_up, plan.levels_down > 0) == (0, True)
    if plan.mode is GridMode.UNI_SHORT:
        assert (plan.levels_down, plan.levels_up > 0) == (0, True)
    if plan.is_active:
        assert min(plan.size_schedule) > 0
        assert len(plan.size_schedule) == max(plan.levels_up, plan.levels_down)
        depth = plan.spacing_bps * max(plan.levels_up, plan.levels_down) - plan.skew_bps
        assert depth < 10_000
        assert max(plan.levels_up, plan.levels_down) <= 99
    # static is to be the ladder without policies, which refuses too little before the start.
    if plan.is_active and plan.mode is not GridMode.EMERGENCY and name != "static":
        assert plan.size(1) * view.mid >= BTC.notional_min


@pytest.mark.parametrize("name", NAMES)
@given(views=st.lists(VIEWS, min_size=1, max_size=8))
def test_answer_to_any_market_is_a_plan_that_says_why(name: str, views: list[MarketView]) -> None:
    policy = made(name)

    for view in in_order(views):
        assert isinstance(policy.should_activate(view), bool)
        check_plan(policy.evaluate(view), name, view)


@pytest.mark.parametrize("name", NAMES)
@given(views=st.lists(VIEWS, min_size=1, max_size=8))
def test_equal_markets_in_the_same_order_have_equal_answers(
    name: str, views: list[MarketView]
) -> None:
    one, other = made(name), made(name)

    for view in in_order(views):
        # The other one is asked more often: that alone changes nothing.
        other.evaluate(view)
        assert one.should_activate(view) == other.should_activate(view)
        assert one.evaluate(view) == other.evaluate(view)


@pytest.mark.parametrize("name", NAMES)
@given(view=VIEWS)
def test_nothing_known_is_no_error(name: str, view: MarketView) -> None:
    nothing = attrs.evolve(view, features={}, is_warm=False)

    check_plan(made(name).evaluate(nothing), name, nothing)


@pytest.mark.parametrize("name", NAMES)
def test_defaults_of_options_may_be_given(name: str) -> None:
    kind = getattr(POLICIES[name], "options", None)
    fields = attrs.fields(kind) if kind is not None else ()

    make_policies((name,), settings(name, *(f"{one.name}={one.default}" for one in fields)))


@pytest.mark.parametrize(
    ("name", "field"),
    [
        (name, field)
        for name in NAMES
        for field in attrs.fields(getattr(POLICIES[name], "options", type(settings())))
        if "range" in field.metadata
    ],
    ids=lambda one: one if isinstance(one, str) else one.name,
)
def test_options_beyond_their_range_are_refused(name: str, field: attrs.Attribute[float]) -> None:
    least, greatest = field.metadata["range"]
    assert least <= (field.default or 0) <= greatest

    for text in (greatest + 1, least - 1, "nan", "much"):
        with pytest.raises(ConfigError, match=rf"{name}\.{field.name}: expected"):
            make_policies((name,), settings(name, f"{field.name}={text}"))


@pytest.mark.parametrize("name", NAMES)
def test_codes_in_the_source_are_the_codes_that_are_stated(name: str) -> None:
    source = inspect.getsource(inspect.getmodule(POLICIES[name]) or POLICIES[name])
    worded = set(re.findall(r'"([A-Z]{3,}_[A-Z_]+[A-Z])"', source))

    assert worded <= stated(name)
