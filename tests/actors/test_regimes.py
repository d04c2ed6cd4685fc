"""What the assembled system takes its market for, in worlds and on the embedded venue."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path

import attrs
import pytest

from fixtures.staged import FIXTURES, Staged
from grinder.fixtures.scenario import read
from grinder.messages.features import FeaturesSampled
from grinder.messages.grid import PlanChosen, PolicySwitched, RegimeChanged
from grinder.messages.orders import OrdersSubmitted
from system.processes import Run, grinder, settings
from system.waiting import until

pytestmark = pytest.mark.unmeasured

BARS_MS = 10_000
MINUTES = 4
"""Of virtual time: some bars more than the fifteen that a trend needs."""
DIRECTED = (
    f"features.bar_interval_ms={BARS_MS}",
    # Fourteen bars of ten seconds drift by some 70 basis points.
    "regime.trend_net_return_bps=35",
    "policy.name=adaptive",
)


def staged(name: str, folder: Path, *values: str) -> Staged:
    scenario = read(FIXTURES / name)
    scenario = attrs.evolve(
        scenario,
        duration_ms=MINUTES * 60_000,
        settings=(*scenario.settings, *DIRECTED, *values),
    )
    return Staged(scenario, folder / name).run()


@pytest.mark.parametrize(
    ("name", "regime"), [("trend-down", "TREND_DOWN"), ("trend-up", "TREND_UP")]
)
def test_a_world_that_trends_is_taken_for_its_trend_and_replays_so(
    name: str, regime: str, tmp_path: Path
) -> None:
    run = staged(name, tmp_path)

    (change,) = run.said(RegimeChanged)
    plans = [one.plan for one in run.bodies(PlanChosen)]
    (news,) = run.bodies(RegimeChanged, sender="policy.BTCUSDT")
    turned = next(number for number, plan in enumerate(plans) if plan.regime == regime)
    assert (news.from_regime, news.to_regime) == ("RANGE", regime)
    assert news.reason == "TREND_DETECTED"
    assert run.at_ms(change) >= 15 * BARS_MS
    assert turned > 0
    assert {plan.regime for plan in plans[:turned]} == {"RANGE"}
    assert {plan.regime for plan in plans[turned:]} == {regime}
    assert plans[turned].reset_action == "HARD"
    assert "RESET_REGIME_SWITCH" in plans[turned].reason_codes
    assert run.judge().problems == ()


def test_a_world_that_goes_sideways_stays_a_range(tmp_path: Path) -> None:
    run = staged("range-day", tmp_path)

    assert run.said(RegimeChanged) == []
    assert len(run.bodies(FeaturesSampled)) > 200
    assert {one.plan.regime for one in run.bodies(PlanChosen)} == {"RANGE"}
    assert run.bodies(OrdersSubmitted)
    assert run.judge().problems == ()


def test_funding_worth_having_puts_another_policy_in_charge_of_a_world(tmp_path: Path) -> None:
    scenario = read(FIXTURES / "range-day")
    auto = (*scenario.settings, "policy.name=auto", "policy.spacing_bps=5")
    rich = attrs.evolve(scenario, settings=auto, funding_rate=Decimal("0.0006"))
    run = Staged(rich, tmp_path / "rich").run()

    switches = [(one.from_policy, one.to_policy) for one in run.bodies(PolicySwitched)]
    plans = run.bodies(PlanChosen)
    assert switches == [("adaptive", "funding-harvester")]
    assert [plans[0].policy, plans[-1].policy] == ["adaptive", "funding-harvester"]
    # Shorts are paid: few buys, more sells.
    assert plans[-1].plan.levels_up > plans[-1].plan.levels_down > 0
    assert run.judge().problems == ()


LIVE = settings(
    policy__name="auto",
    features__bar_interval_ms=500,
    features__sample_ms=200,
    # Fourteen bars of half a second drift by some 70 basis points at this speed.
    regime__trend_net_return_bps=30,
    toxicity__enabled="false",
    sim__speed=20,
)


@pytest.mark.parametrize(
    ("market", "regime"), [("trend-down", "TREND_DOWN"), ("trend-up", "TREND_UP")]
)
def test_a_live_market_that_trends_is_taken_for_its_trend_and_replays_so(
    market: str, regime: str, tmp_path: Path
) -> None:
    options = ("--regime", market, "--symbols", "BTCUSDT", "--journal", "journal", *LIVE)
    with Run(tmp_path, *options) as run:
        (first, *_) = until(lambda: run.records("regime_changed"), "another regime")
        report = run.stop()
    replayed = grinder(tmp_path, "replay", "journal", "--json")
    found = json.loads(replayed.stdout)
    told = grinder(tmp_path, "journal", "cat", "journal", "--type", "RegimeChanged", "--json")

    assert (first["from_regime"], first["to_regime"]) == ("RANGE", regime)
    assert first["reason"] == "TREND_DETECTED"
    assert report["orders_placed"] > 0
    assert report["restarts"] == 0
    assert (replayed.returncode, found["identical"], found["skipped"]) == (0, True, {})
    assert f'"to_regime": "{regime}"' in told.stdout or f'"to_regime":"{regime}"' in told.stdout
