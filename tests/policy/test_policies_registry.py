"""Policies by name, and what the operator may say to them."""

from __future__ import annotations

import pytest

from grinder.errors import ConfigError
from grinder.policy.policies.adaptive import AdaptivePolicy
from grinder.policy.registry import POLICIES, make_policies, register
from policy.market import settings, view


def test_every_name_is_the_name_of_its_class() -> None:
    assert all(name == kind.name for name, kind in POLICIES.items())
    assert len({kind.priority for kind in POLICIES.values()}) == len(POLICIES)


def test_policies_are_made_in_order_and_anew() -> None:
    one, other = (make_policies(("static", "adaptive"), settings()) for _ in range(2))

    assert list(one) == ["static", "adaptive"]
    assert one["adaptive"] is not other["adaptive"]


def test_all_unknown_names_and_options_are_told_at_once() -> None:
    with pytest.raises(ConfigError) as caught:
        make_policies(("nonsense", "adaptive"), settings("adaptive", "taper=9", "width=1"))

    assert len(caught.value.problems) == 3
    assert "static, adaptive" in caught.value.problems[0]
    assert 'was "nonsense"' in caught.value.problems[0]
    assert "adaptive.taper: expected 0.25 to 4, was 9" in caught.value.problems[1]
    assert 'unknown option "width"' in caught.value.problems[2]


@pytest.mark.parametrize("option", ["taper=much", "taper=nan", "sizing=any"])
def test_option_that_does_not_fit_is_refused(option: str) -> None:
    with pytest.raises(ConfigError, match="expected"):
        make_policies(("adaptive",), settings("adaptive", option))


def test_option_with_a_name_is_for_that_policy_alone() -> None:
    config = settings("auto", "adaptive.taper=2", "static.levels=3")

    sizes = make_policies(("adaptive",), config)["adaptive"].evaluate(view(natr_bps=0))

    assert sizes.size(4) > sizes.size(1)


def test_names_of_our_own_are_taken() -> None:
    with pytest.raises(ConfigError, match="another name"):
        register(AdaptivePolicy)
