"""Short worlds of every policy, and of the options that are drawn for them."""

from __future__ import annotations

from collections import Counter

import attrs
import pytest

from grinder.config.grid_checks import grid_problems
from grinder.worlds.canaries import CANARIES, planter
from grinder.worlds.command import policies_of
from grinder.worlds.invariants import Watch
from grinder.worlds.kept import WorldStore, kept
from grinder.worlds.ladders import ladder_of
from grinder.worlds.plan import KINDS
from grinder.worlds.run import QUOTING, WorldSpec, config_of, play
from grinder.worlds.settings import BOTS, LINES, OPTIONS, WORDS, options_of
from grinder.worlds.world import FaultWorld

POLICIES = policies_of("all")


def world_of(seed: int, policy: str, minutes: float = 1) -> FaultWorld:
    config = config_of(WorldSpec(seed=seed, policy=policy))
    world = FaultWorld(config, seed, observer=Watch())
    world.run_to(round(minutes * 60_000))
    return world


@pytest.mark.unmeasured
@pytest.mark.parametrize("policy", POLICIES)
def test_each_policy_survives_what_goes_wrong(policy: str) -> None:
    seed = 20 + POLICIES.index(policy)

    verdict = play(
        WorldSpec(seed=seed, minutes=3, kinds=tuple(KINDS), policy=policy, is_replayed=False)
    )

    assert not verdict.violations
    assert verdict.faults > 10
    assert verdict.orders > 10 or policy not in (*WORDS, *QUOTING)
    assert verdict.options == tuple(options_of(seed, policy))


def test_a_world_with_options_is_played_and_replayed_the_same_twice() -> None:
    spec = WorldSpec(seed=7, minutes=0.5, kinds=tuple(KINDS), policy=LINES)

    verdict = play(spec)

    assert verdict == play(spec)
    assert verdict.replayed > 500


@pytest.mark.unmeasured
@pytest.mark.parametrize("name", CANARIES)
def test_a_planted_bug_is_found_whatever_the_options(name: str) -> None:
    assert any(
        play(
            WorldSpec(seed=seed, minutes=1, is_replayed=False, canary=name, policy=BOTS),
            change=planter(name),
        ).violations
        for seed in (1, 2, 3, 4)
    )


# What is drawn.


def test_the_default_policy_has_the_options_of_the_settings() -> None:
    assert not any(options_of(seed, "static") for seed in range(1, 200))
    assert config_of(WorldSpec(seed=3)).policy.exits == "average"


def test_every_option_is_drawn_and_makes_settings_that_are_valid() -> None:
    drawn: Counter[str] = Counter()
    for policy in (*WORDS, "range"):
        for seed in range(1, 60):
            drawn.update(list(options_of(seed, policy)))
            config = config_of(WorldSpec(seed=seed, policy=policy))
            assert not list(grid_problems(config))
            assert config.policy.name == ("static" if policy in WORDS else policy)

    assert set(drawn) == set(OPTIONS)
    assert min(drawn.values()) >= 10


def test_words_say_what_is_drawn() -> None:
    assert all("lines" in options_of(seed, LINES) for seed in range(1, 60))
    assert not any("lines" in options_of(seed, BOTS) for seed in range(1, 60))


# What is judged.


def test_a_ladder_beyond_its_limits_or_with_too_many_orders_is_found() -> None:
    world = world_of(5, LINES)
    symbol = "BTCUSDT"
    world.market.is_standing = True
    world.run_to(world.now_ms + 30_000)
    assert list(ladder_of(world, symbol)) == []

    grid = world.config.policy
    for changed in ({"lines": 3}, {"price_lower": "-0.01%", "price_upper": "0.01%"}):
        world.config = attrs.evolve(world.config, policy=attrs.evolve(grid, **changed))
        assert list(ladder_of(world, symbol))
    world.close()


def test_a_round_trip_that_no_late_fill_explains_is_found() -> None:
    world = world_of(2, "static")
    world.market.is_standing = True
    world.run_to(world.now_ms + 30_000)
    store = world.books
    assert isinstance(store, WorldStore)
    assert list(kept(world)) == []

    row_id = next(iter(store.trips))
    del store.trips[row_id]

    assert list(kept(world))
    world.close()
