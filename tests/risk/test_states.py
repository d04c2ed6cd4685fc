from __future__ import annotations

from decimal import Decimal
from itertools import product
from typing import Any

import pytest

from grinder.model.settings import RiskSettings
from grinder.model.units import NS_PER_S
from grinder.risk.states import (
    PERMISSIONS,
    LifecycleInputs,
    LifecycleState,
    Override,
    Reason,
    next_state,
    time_in_state_ns,
)

S = LifecycleState
SETTINGS = RiskSettings()
COLD = 29 * NS_PER_S
WARM = 30 * NS_PER_S
SMALL = Decimal("9.99")
LIVE = (S.READY, S.ACTIVE, S.THROTTLED, S.PAUSED, S.DEGRADED)


def go(
    state: LifecycleState, spent_ns: int = WARM, **inputs: Any
) -> tuple[LifecycleState, Reason] | None:
    moved = next_state(state, 100, 100 + spent_ns, LifecycleInputs(**inputs), SETTINGS)
    return None if moved is None else (moved.to_state, moved.reason)


KILL = {"kill_switch_active": True}
STALE = {"is_stale": True}
HIGH = {"toxicity_bps": 500.1}
MID = {"spread_bps": 50.1}
BOTH = HIGH | MID
PAUSE = {"override": Override.PAUSE}
EMERGENCY = {"override": Override.EMERGENCY}
BREACH = {"drawdown": 0.2}


@pytest.mark.parametrize(
    ("state", "spent_ns", "inputs", "expected"),
    [
        (S.INIT, 0, {}, (S.READY, Reason.HEALTH_OK)),
        (S.INIT, WARM, KILL, None),
        (S.INIT, WARM, STALE, None),
        (S.INIT, WARM, KILL | EMERGENCY | BREACH, None),
        (S.READY, 0, {}, (S.ACTIVE, Reason.FEEDS_READY)),
        (S.READY, 0, {"is_ready": False}, None),
        (S.READY, 0, HIGH, None),
        (S.READY, 0, MID, None),
        (S.READY, 0, STALE | PAUSE, (S.DEGRADED, Reason.FEED_STALE)),
        (S.READY, 0, PAUSE, (S.PAUSED, Reason.OPERATOR_PAUSE)),
        (S.ACTIVE, 0, {}, None),
        (S.ACTIVE, 0, STALE | PAUSE | BOTH, (S.DEGRADED, Reason.FEED_STALE)),
        (S.ACTIVE, 0, PAUSE | BOTH, (S.PAUSED, Reason.OPERATOR_PAUSE)),
        (S.ACTIVE, 0, BOTH, (S.PAUSED, Reason.TOX_HIGH)),
        (S.ACTIVE, 0, MID, (S.THROTTLED, Reason.TOX_MID)),
        (S.ACTIVE, 0, {"toxicity_bps": 500.0, "spread_bps": 50.0}, None),
        (S.THROTTLED, 0, STALE, (S.DEGRADED, Reason.FEED_STALE)),
        (S.THROTTLED, 0, PAUSE, (S.PAUSED, Reason.OPERATOR_PAUSE)),
        (S.THROTTLED, 0, BOTH, (S.PAUSED, Reason.TOX_HIGH)),
        (S.THROTTLED, COLD, {}, None),
        (S.THROTTLED, WARM, {}, (S.ACTIVE, Reason.TOX_LOW_COOLDOWN)),
        (S.THROTTLED, WARM, MID, None),
        (S.PAUSED, WARM, STALE, (S.DEGRADED, Reason.FEED_STALE)),
        (S.PAUSED, WARM, PAUSE, None),
        (S.PAUSED, COLD, {}, None),
        (S.PAUSED, WARM, {}, (S.ACTIVE, Reason.TOX_LOW_COOLDOWN)),
        (S.PAUSED, WARM, MID, (S.THROTTLED, Reason.TOX_MID_COOLDOWN)),
        (S.PAUSED, WARM, HIGH, None),
        (S.PAUSED, WARM, BOTH, None),
        (S.DEGRADED, WARM, STALE, None),
        (S.DEGRADED, COLD, {}, None),
        (S.DEGRADED, WARM, {}, (S.READY, Reason.FEED_RECOVERED)),
        (S.DEGRADED, WARM, PAUSE, (S.READY, Reason.FEED_RECOVERED)),
        (S.EMERGENCY, 0, {"position_notional": SMALL}, (S.PAUSED, Reason.POSITION_REDUCED)),
        (S.EMERGENCY, WARM, {"position_notional": Decimal(10)}, None),
        (S.EMERGENCY, WARM, {"position_notional": None}, None),
        (S.EMERGENCY, WARM, {"position_notional": SMALL} | KILL, None),
        (S.EMERGENCY, WARM, {"position_notional": SMALL} | BREACH, None),
        (S.EMERGENCY, WARM, {"position_notional": SMALL} | EMERGENCY, None),
        (
            S.EMERGENCY,
            WARM,
            {"position_notional": SMALL} | PAUSE,
            (S.PAUSED, Reason.POSITION_REDUCED),
        ),
    ],
)
def test_the_table(
    state: LifecycleState,
    spent_ns: int,
    inputs: dict[str, Any],
    expected: tuple[LifecycleState, Reason] | None,
) -> None:
    assert go(state, spent_ns, **inputs) == expected


@pytest.mark.parametrize("state", LIVE)
@pytest.mark.parametrize(
    ("inputs", "reason"),
    [
        (KILL | BREACH | STALE | BOTH | EMERGENCY, Reason.KILL_SWITCH),
        (BREACH | STALE | BOTH | EMERGENCY, Reason.OPERATOR_EMERGENCY),
        (BREACH | STALE | PAUSE | BOTH, Reason.DD_BREACH),
    ],
)
def test_emergencies_dominate_everywhere(
    state: LifecycleState, inputs: dict[str, Any], reason: Reason
) -> None:
    assert go(state, 0, **inputs) == (S.EMERGENCY, reason)


ALLOWED = {
    S.INIT: {S.READY},
    S.READY: {S.EMERGENCY, S.DEGRADED, S.PAUSED, S.ACTIVE},
    S.ACTIVE: {S.EMERGENCY, S.DEGRADED, S.PAUSED, S.THROTTLED},
    S.THROTTLED: {S.EMERGENCY, S.DEGRADED, S.PAUSED, S.ACTIVE},
    S.PAUSED: {S.EMERGENCY, S.DEGRADED, S.THROTTLED, S.ACTIVE},
    S.DEGRADED: {S.EMERGENCY, S.READY},
    S.EMERGENCY: {S.PAUSED},
}


@pytest.mark.parametrize("state", S)
def test_nothing_else_is_reached_whatever_the_inputs(state: LifecycleState) -> None:
    reached = set()
    for kill, dd, stale, spread, tox, notional, override, spent, ready in product(
        (False, True),
        (0.0, 0.5),
        (False, True),
        (0.0, 99.0),
        (0.0, 999.0),
        (None, Decimal(0), Decimal(99)),
        Override,
        (-5, 0, WARM),
        (False, True),
    ):
        moved = go(
            state,
            spent,
            kill_switch_active=kill,
            drawdown=dd,
            is_stale=stale,
            spread_bps=spread,
            toxicity_bps=tox,
            position_notional=notional,
            override=override,
            is_ready=ready,
        )
        if moved is not None:
            reached.add(moved[0])
            adds_risk = PERMISSIONS[moved[0]].adds_risk
            bad = kill or dd or stale or spread or tox or override is not Override.NONE
            assert not (adds_risk and bad)

    assert reached == ALLOWED[state]


def test_an_emergency_override_does_not_flicker_on_a_flat_position() -> None:
    inputs = LifecycleInputs(override=Override.EMERGENCY, position_notional=Decimal(0))

    assert next_state(S.EMERGENCY, 0, WARM, inputs, SETTINGS) is None


def test_degraded_under_a_pause_ends_paused_without_being_active() -> None:
    first = go(S.DEGRADED, WARM, **PAUSE)
    assert first == (S.READY, Reason.FEED_RECOVERED)

    assert go(S.READY, 0, **PAUSE) == (S.PAUSED, Reason.OPERATOR_PAUSE)


def test_a_clock_that_goes_backwards_has_spent_no_time() -> None:
    assert time_in_state_ns(100, 50) == 0
    assert go(S.PAUSED, -WARM) is None
    moved = next_state(S.ACTIVE, 100, 50, LifecycleInputs(is_stale=True), SETTINGS)
    assert moved is not None
    assert moved.at_ns == 100


def test_only_active_adds_risk_and_every_state_lets_out() -> None:
    assert [state for state in S if PERMISSIONS[state].adds_risk] == [S.ACTIVE]
    assert all(PERMISSIONS[state].reduces and PERMISSIONS[state].cancels for state in S)


@pytest.mark.parametrize(
    "inputs",
    [{"drawdown": 1.1}, {"drawdown": float("nan")}, {"spread_bps": -1.0}, {"toxicity_bps": -0.1}],
)
def test_numbers_out_of_range_are_refused(inputs: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="expected"):
        LifecycleInputs(**inputs)  # type: ignore[arg-type]


def test_a_run_that_is_not_recorded_degrades_and_stays_so_until_it_is() -> None:
    lost = LifecycleInputs(is_unrecorded=True)

    moved = next_state(S.ACTIVE, 0, WARM, lost, SETTINGS)

    assert moved is not None
    assert (moved.to_state, moved.reason) == (S.DEGRADED, Reason.JOURNAL_LOST)
    assert next_state(S.DEGRADED, 0, WARM, lost, SETTINGS) is None
    assert next_state(S.DEGRADED, 0, WARM, LifecycleInputs(), SETTINGS) is not None


def test_a_run_waits_at_its_beginning_until_it_is_known_to_be_recorded() -> None:
    assert next_state(S.INIT, 0, WARM, LifecycleInputs(is_unrecorded=True), SETTINGS) is None
    assert next_state(S.INIT, 0, WARM, LifecycleInputs(), SETTINGS) is not None
