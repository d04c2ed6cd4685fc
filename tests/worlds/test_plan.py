"""What goes wrong in a world is drawn from its seed, and can be made shorter."""

from __future__ import annotations

import pytest

from grinder.errors import ConfigError
from grinder.worlds.plan import KINDS, Fault, draw, kinds_of
from grinder.worlds.shrink import shrink

SYMBOLS = ("BTCUSDT", "ETHUSDT")


def test_a_plan_follows_from_its_seed_and_from_nothing_else() -> None:
    kinds = tuple(KINDS)

    first = draw(7, kinds, 600_000, SYMBOLS, 6_000)

    assert first == draw(7, kinds, 600_000, SYMBOLS, 6_000)
    assert first != draw(8, kinds, 600_000, SYMBOLS, 6_000)
    assert [one.at_ms for one in first] == sorted(one.at_ms for one in first)
    assert all(one.at_ms + one.ms <= 600_000 for one in first)


def test_there_are_at_least_twenty_kinds_and_all_are_drawn() -> None:
    drawn = {one.kind for one in draw(1, tuple(KINDS), 10_000_000, SYMBOLS, 6_000)}

    assert drawn == set(KINDS)
    assert len(KINDS) >= 20


def test_kinds_are_named_with_commas_between() -> None:
    assert kinds_of("all") == tuple(KINDS)
    assert kinds_of("none") == ()
    assert kinds_of("crash, kill") == ("crash", "kill")
    with pytest.raises(ConfigError, match="no such kind: earthquake"):
        kinds_of("crash,earthquake")


def test_shrinking_leaves_the_faults_that_it_takes() -> None:
    faults = draw(3, tuple(KINDS), 600_000, SYMBOLS, 6_000)
    needed = {faults[5], faults[40]}

    def fails(part: tuple[Fault, ...]) -> bool:
        return needed <= set(part)

    assert set(shrink(faults, fails)) == needed
    assert shrink(faults, lambda _: True) == ()
