"""The limits of a grid, as a file may say them."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from grinder.config.checks import check
from grinder.model.settings import Config, RunSettings


def problems(*symbols: str, **policy: Any) -> list[str]:
    config = Config(run=RunSettings(symbols=symbols or ("BTCUSDT",)))
    changed = attrs.evolve(config, policy=attrs.evolve(config.policy, **policy))
    return [one.text for one in check(changed)]


def test_lines_with_their_limits_and_stops_are_well() -> None:
    limits = {"price_lower": "58000", "price_upper": "62000", "stop_lower": "57000"}

    assert not problems(lines=21, trailing="up", direction="long", **limits)
    assert not problems("BTCUSDT", "ETHUSDT", lines=21, price_lower="-5%", price_upper="+5%")


@pytest.mark.parametrize(
    ("policy", "text"),
    [
        ({"stop_lower": "five"}, "policy.stop_lower: expected a price such as 58000"),
        ({"price_lower": "62000", "price_upper": "58000"}, "policy.price_upper: expected above"),
        ({"stop_lower": "1%", "stop_upper": "-1%"}, "policy.stop_upper: expected above"),
        ({"lines": 5}, "policy.lines: expected 0, or from 2"),
        ({"lines": 1, "price_lower": "1", "price_upper": "2"}, "policy.lines: expected 0"),
        ({"trailing": "up"}, 'policy.trailing: expected "off"'),
        ({"trailing": "sideways"}, "policy.trailing: expected one of"),
        (
            {"initial_position": "post-only", "lines": 50},
            "policy.initial_position: needs policy.lines from 2 to 36, policy.direction",
        ),
        ({"initial_position": "market"}, "policy.initial_position: expected one of"),
        ({"slot_takeover": True}, "policy.slot_takeover: expected false"),
        ({"direction": "up"}, "policy.direction: expected one of"),
        ({"price_epsilon": 0.5}, "policy.price_epsilon: expected 0 to 0.45"),
    ],
)
def test_what_does_not_fit_is_told(policy: dict[str, Any], text: str) -> None:
    assert any(one.startswith(text) for one in problems(**policy))


def test_one_price_does_not_fit_two_markets() -> None:
    found = problems("BTCUSDT", "ETHUSDT", stop_lower="58000")

    assert found == [
        "policy.stop_lower: expected a percentage: several symbols have no common price"
    ]


def test_in_hedge_mode_each_leg_has_the_direction_of_its_side() -> None:
    hedge = attrs.evolve(Config(), venue=attrs.evolve(Config().venue, position_mode="hedge"))
    assert not list(check(hedge))

    long = attrs.evolve(hedge, policy=attrs.evolve(hedge.policy, direction="long"))
    assert [one.text for one in check(long)] == [
        'policy.direction: expected "neutral" with venue.position_mode "hedge", where the long leg '
        'buys to open and the short one sells, was "long"'
    ]
    begun = attrs.evolve(hedge, policy=attrs.evolve(hedge.policy, initial_position="post-only"))
    assert any(
        one.text == 'policy.initial_position: expected "none" with venue.position_mode "hedge"'
        for one in check(begun)
    )
