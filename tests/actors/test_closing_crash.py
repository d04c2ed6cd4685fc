"""The scenario flash-crash with a stop in it: who crosses is out before the market comes back."""

from __future__ import annotations

from pathlib import Path

import attrs
import pytest

from grinder.actors.world import ACCOUNT
from grinder.fixtures.play import Play
from grinder.fixtures.scenario import read

pytestmark = pytest.mark.unmeasured

SCENARIO = Path(__file__).resolve().parents[2] / "fixtures" / "flash-crash"
CRASH_MS = 30_000
PATIENCE_MS = 500


def flat_after_ms(folder: Path, on_stop: str) -> int:
    """Return how long after the stop the venue shows no position; found ten times a second."""
    scenario = read(SCENARIO)
    wanted = (
        "policy.stop_lower=-2%",
        f"close.on_stop={on_stop}",
        f"close.patience_ms={PATIENCE_MS}",
    )
    play = Play(attrs.evolve(scenario, settings=(*scenario.settings, *wanted)), folder)
    play.begin()
    stopped_ms = 0
    for at_ms in range(CRASH_MS, scenario.duration_ms, 100):
        play.until(at_ms)
        held = play.world.exchange.position(ACCOUNT, "BTCUSDT").qty_lots
        cell = play.world.runtime.resolve("policy.BTCUSDT").slot.cell
        if not stopped_ms and cell.actor._planner.bounds.stopped:
            assert held > 0
            stopped_ms = at_ms
        elif stopped_ms and not held:
            return at_ms - stopped_ms
    raise AssertionError("never flat")


@pytest.mark.parametrize("reach", ["cross", "market"])
def test_in_a_flash_crash_orders_that_take_are_flat_in_two_seconds(
    tmp_path: Path, reach: str
) -> None:
    assert flat_after_ms(tmp_path, reach) <= 2_000


def test_in_a_flash_crash_an_offer_waits_until_the_market_comes_back(tmp_path: Path) -> None:
    assert flat_after_ms(tmp_path, "off") > 3_000
