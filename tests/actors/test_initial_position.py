"""A grid that starts between its lines, through the assembled system; the venue's orders judge."""

from __future__ import annotations

import logging
from decimal import Decimal
from pathlib import Path
from typing import Any

import attrs
import pytest

from grinder.messages.grid import IntentsDenied
from grinder.messages.risk import OverrideLifecycle
from grinder.model.order import Side
from grinder.model.settings import JournalSettings
from simulated import checks
from simulated.recorded import replayed
from simulated.worlds import BITCOIN, BTC, Stage, level_of, quick

FINE = attrs.evolve(BITCOIN, lot=Decimal("0.0001"), notional_min=Decimal(5))
LINES: dict[str, Any] = {
    "lines": 9,
    "price_lower": "59800",
    "price_upper": "60200",
    "exits": "per-level",
    "direction": "long",
    "initial_position": "post-only",
}
"""Lines 500 ticks apart, four of them above the start."""
ABOVE = (600_500, 601_000, 601_500, 602_000)
BELOW = (599_500, 599_000, 598_500, 598_000)


def begun(seed: int | None = None, **policy: Any) -> Stage:
    """Return a grid that has just begun; the first order of its position rests."""
    sections = {
        name: policy.pop(name) for name in ("risk", "journal", "sizing", "run") if name in policy
    }
    stage = Stage(quick(policy={**LINES, **policy}, **sections), instruments=(FINE,), seed=seed)
    return stage.run(3)


def bought(stage: Stage) -> int:
    """Return how many lots orders of the initial position were ever filled for."""
    return sum(one.filled_lots for one in checks.history(stage, BTC) if level_of(one) == "i")


def serve(stage: Stage, lots: int, side: Side = Side.BUY) -> None:
    """Let the market fill so many lots of the order that waits for it."""
    order = stage.entries(BTC)["i"]
    trade = stage.sold if side is Side.BUY else stage.bought
    # Beyond it: at its own price others stand first.
    trade(order.price_ticks - 5 * side.sign, lots)
    stage.run(0.5)


def complete(stage: Stage, side: Side = Side.BUY) -> int:
    """Fill whatever is asked for, until nothing is; return how many lots of the first order."""
    lots = stage.entries(BTC)["i"].qty_lots
    for _ in range(20):
        if "i" not in stage.entries(BTC):
            break
        serve(stage, 1_000, side)
    stage.run(3)
    return lots


def prices(stage: Stage, *, exits: bool) -> list[int]:
    found = stage.exits(BTC) if exits else stage.entries(BTC)
    return sorted(one.price_ticks for one in found.values())


@pytest.mark.parametrize("side", list(Side))
def test_what_the_lines_beyond_the_market_turn_over_is_bought_first(side: Side) -> None:
    stage = begun(direction="long" if side is Side.BUY else "short")
    beyond, behind = (ABOVE, BELOW) if side is Side.BUY else (BELOW, ABOVE)
    order = stage.entries(BTC)["i"]
    assert order.price_ticks == (600_000 if side is Side.BUY else 600_001)
    assert prices(stage, exits=False) == sorted((*behind, order.price_ticks))

    lots = complete(stage, side)
    assert stage.held() == side.sign * 4 * lots == side.sign * bought(stage)
    assert prices(stage, exits=True) == sorted(beyond)
    assert {one.qty_lots for one in stage.exits(BTC).values()} == {lots}
    assert prices(stage, exits=False) == sorted(behind)
    checks.assert_all_well(stage)


def test_afterwards_it_is_a_grid_like_any_other_and_buys_nothing_more_at_the_touch() -> None:
    stage = begun()
    lots = complete(stage)
    stage.market.put(BTC, 600_600)
    stage.bought(600_505, lots)
    stage.run(2)
    assert stage.held() == 3 * lots
    assert prices(stage, exits=False) == sorted((600_000, *BELOW))

    stage.market.put(BTC, 599_600)
    stage.run(0.3)
    stage.sold(599_495, 2 * lots)
    stage.run(2)
    assert stage.held() == 5 * lots
    assert prices(stage, exits=True) == [600_000, 600_500, *ABOVE[1:]]
    assert bought(stage) == 4 * lots


def test_it_counts_against_the_caps_like_any_other_entry() -> None:
    stage = begun(
        risk={"position_notional_max": Decimal(1_500), "order_notional_max": Decimal(1_000)}
    )
    complete(stage)

    assert any(one.level == "i" for said in stage.said(IntentsDenied) for one in said.denials)
    assert stage.held() * 6 <= 1_500
    assert not stage.doubles()


def test_it_waits_for_the_start_price_and_goes_with_a_stop() -> None:
    stage = begun(start_price="60040", stop_lower="59900")
    assert not stage.orders()
    stage.market.put(BTC, 600_450)
    stage.run(2)
    lots = stage.entries(BTC)["i"].qty_lots
    serve(stage, lots)
    stage.market.put(BTC, 598_000)
    stage.run(3)
    assert not stage.entries(BTC)
    serve_exits(stage)
    assert stage.held() == 0

    stage.market.put(BTC, 600_000)
    stage.run(5)
    assert not stage.orders(), "over is over"


def serve_exits(stage: Stage) -> None:
    for _ in range(10):
        for one in stage.exits(BTC).values():
            stage.bought(one.price_ticks + 5, 10_000)
        stage.run(1)


def test_a_grid_that_is_resumed_begins_anew_with_a_position_of_its_own() -> None:
    stage = begun(stop_lower="-0.5%", price_lower="-0.4%", price_upper="0.4%")
    first = complete(stage) * 4
    assert bought(stage) == stage.held() > 0
    stage.market.put(BTC, 596_000)
    stage.run(4)
    serve_exits(stage)
    assert stage.held() == 0

    stage.tell(f"policy.{BTC}", OverrideLifecycle(override="NONE", operator="ada"))
    stage.run(2)
    assert stage.entries(BTC)["i"].price_ticks == 596_000
    lots = complete(stage)
    assert stage.held() == 4 * lots
    assert bought(stage) == first + 4 * lots


def test_a_trailing_grid_shifts_as_ever_and_buys_no_second_position() -> None:
    stage = begun(trailing="up")
    lots = complete(stage)
    for bid in range(600_000, 603_700, 100):
        stage.market.put(BTC, bid)
        for order in stage.exits(BTC).values():
            if order.price_ticks <= bid:
                stage.bought(order.price_ticks + 5, order.qty_lots)
        stage.run(0.5)

    assert stage.held() == 0
    assert prices(stage, exits=False) == [599_500 + 500 * step for step in range(8)]
    assert bought(stage) == 4 * lots


def test_what_is_held_already_counts() -> None:
    stage = begun(start_price="60020")
    lots = FINE.lots_for_notional(quick().policy.level_notional, 600_300)
    stage.by_hand(Side.BUY, 3 * lots)
    stage.run(1)
    stage.market.put(BTC, 600_100)
    stage.run(1)
    stage.market.put(BTC, 600_210)
    stage.until(lambda: "i" in stage.entries(BTC))
    complete(stage)

    assert stage.held() == 4 * lots
    assert bought(stage) == lots
    assert (
        prices(stage, exits=True)[-4:] == list(ABOVE)
        or sum(one.qty_lots for one in stage.exits(BTC).values()) == 4 * lots
    )
    checks.assert_all_well(stage)


@pytest.mark.usefixtures("quiet")
@pytest.mark.parametrize("name", ["policy.BTCUSDT", "exchange", "router", "risk"])
@pytest.mark.parametrize("steps", [0, 3, 9, 17, 40])
def test_it_is_bought_once_whoever_dies_in_between(name: str, steps: int) -> None:
    stage = begun(seed=steps)
    lots = stage.entries(BTC)["i"].qty_lots
    for part in (lots // 3, lots, lots // 2):
        if "i" in stage.entries(BTC):
            order = stage.entries(BTC)["i"]
            stage.sold(order.price_ticks - 5, part)
        for _ in range(steps):
            stage.runtime.step()
        stage.runtime.inject(name, "raise")
        stage.run(6)
        assert not stage.doubles()
        assert stage.held() <= 4 * lots
    stage.until(lambda: "i" in stage.entries(BTC))
    complete(stage)

    assert stage.held() == bought(stage) == 4 * lots
    assert (
        prices(stage, exits=True) == list(ABOVE)
        or sum(one.qty_lots for one in stage.exits(BTC).values()) == 4 * lots
    )
    checks.assert_all_well(stage)


def test_it_replays_to_the_same_words(tmp_path: Path) -> None:
    journal = attrs.asdict(
        JournalSettings(
            directory=str(tmp_path / "journal"), compress=False, flush_ms=50, fsync="never"
        )
    )
    stage = begun(journal=journal)
    lots = stage.entries(BTC)["i"].qty_lots
    serve(stage, lots // 2)
    logging.disable(logging.CRITICAL)
    stage.runtime.inject(f"policy.{BTC}", "raise")
    stage.run(3)
    logging.disable(logging.NOTSET)
    complete(stage)
    assert stage.held() == 4 * lots
    stage.world.runtime.stop()

    outcome, _ = replayed(tmp_path / "journal")
    assert outcome.divergence is None
    assert not outcome.skipped
