"""The operator of a world is heard, held to what he said, and found out where nobody heeds him."""

from __future__ import annotations

import pytest

from grinder.kernel.actor import Actor
from grinder.worlds.canaries import CANARIES, planter
from grinder.worlds.invariants import Watch
from grinder.worlds.looks import Looks
from grinder.worlds.operator import BAN, UNDONE_BY
from grinder.worlds.plan import KINDS, Fault
from grinder.worlds.run import Change, Verdict, WorldSpec, config_of, play
from grinder.worlds.world import FaultWorld

pytestmark = pytest.mark.unmeasured

SPEC = WorldSpec(seed=3, minutes=1.5, is_replayed=False)
SAID = (BAN, *UNDONE_BY)


def played(kind: str, ms: int, change: Change | None = None) -> Verdict:
    return play(SPEC, (Fault(at_ms=10_000, kind=kind, ms=ms, seed=4),), change)


def deaf(monkeypatch: pytest.MonkeyPatch, names: str, handler: str) -> Change:
    """Return what lets actors whose names begin so take no notice of a message."""

    def spoil(actor: Actor) -> None:
        vars(actor)[handler] = lambda _: None

    monkeypatch.setitem(CANARIES, "deaf", (names, spoil))
    return planter("deaf")


def test_each_command_of_an_operator_is_a_kind_of_fault() -> None:
    assert {name for name in KINDS if name.startswith("operator-")} == set(SAID)


@pytest.mark.parametrize("kind", SAID)
def test_what_is_never_taken_back_is_let_go_of_in_the_end(kind: str) -> None:
    verdict = played(kind, 3_600_000)

    assert verdict.violations == ()
    assert verdict.converged_ms >= 0
    assert verdict.judged["heeded"] > 0


@pytest.mark.parametrize("kind", SAID)
def test_a_system_that_does_not_heed_its_operator_is_found(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    change = deaf(monkeypatch, "risk", "on_operator")

    assert any(one.startswith("heeded:") for one in played(kind, 20_000, change).violations)


def test_a_ladder_that_stays_through_a_ban_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    watch = Watch()
    change = deaf(monkeypatch, "policy.", "on_symbol_banned")
    world = FaultWorld(config_of(SPEC), SPEC.seed, observer=watch, change=change)
    world.market.is_standing = True
    world.run_to(5_000)
    world.strike(Fault(at_ms=0, kind=BAN, ms=3_600_000, seed=4))
    looks = Looks(world, watch)
    for _ in range(46):
        assert watch.violations == []
        world.run_to(world.now_ms + 1_000)
        looks.look()
    world.close()

    assert [one.partition(":")[0] for one in watch.violations] == ["barred"]
