"""The lifecycle: seven states, one table, first match wins.

Kill switch and operator emergency dominate drawdown, drawdown dominates a stale feed, that an
operator's pause, that HIGH toxicity, that MID, and all of them any recovery. Nothing skips READY on
the way up, and EMERGENCY is left only on a position measured small.
"""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum
from typing import NamedTuple

import attrs

from grinder.model.settings import RiskSettings
from grinder.model.units import NS_PER_MS


class LifecycleState(StrEnum):
    """What the system as a whole may do."""

    INIT = "INIT"
    READY = "READY"
    ACTIVE = "ACTIVE"
    THROTTLED = "THROTTLED"
    PAUSED = "PAUSED"
    DEGRADED = "DEGRADED"
    EMERGENCY = "EMERGENCY"


class Reason(StrEnum):
    """Why the lifecycle moved; RESTARTED is said once at a start."""

    HEALTH_OK = "HEALTH_OK"
    FEEDS_READY = "FEEDS_READY"
    TOX_MID = "TOX_MID"
    TOX_HIGH = "TOX_HIGH"
    OPERATOR_PAUSE = "OPERATOR_PAUSE"
    TOX_LOW_COOLDOWN = "TOX_LOW_COOLDOWN"
    TOX_MID_COOLDOWN = "TOX_MID_COOLDOWN"
    FEED_RECOVERED = "FEED_RECOVERED"
    FEED_STALE = "FEED_STALE"
    JOURNAL_LOST = "JOURNAL_LOST"
    LATCHES_LOST = "LATCHES_LOST"
    DD_BREACH = "DD_BREACH"
    KILL_SWITCH = "KILL_SWITCH"
    OPERATOR_EMERGENCY = "OPERATOR_EMERGENCY"
    POSITION_REDUCED = "POSITION_REDUCED"
    RESTARTED = "RESTARTED"


class Override(StrEnum):
    """What an operator holds the lifecycle in."""

    NONE = "NONE"
    PAUSE = "PAUSE"
    EMERGENCY = "EMERGENCY"


class Permissions(NamedTuple):
    """What a state lets through."""

    adds_risk: bool
    reduces: bool
    cancels: bool


_HOLD = Permissions(adds_risk=False, reduces=True, cancels=True)

PERMISSIONS: dict[LifecycleState, Permissions] = {
    # An exit and a cancel must be possible in every state: a restart may find a position.
    LifecycleState.INIT: _HOLD,
    LifecycleState.READY: _HOLD,
    LifecycleState.ACTIVE: Permissions(adds_risk=True, reduces=True, cancels=True),
    LifecycleState.THROTTLED: _HOLD,
    LifecycleState.PAUSED: _HOLD,
    LifecycleState.DEGRADED: _HOLD,
    LifecycleState.EMERGENCY: _HOLD,
}


def _check_fraction(_: object, attribute: attrs.Attribute[float], value: float) -> None:
    if not 0 <= value <= 1:
        raise ValueError(f"expected {attribute.name} in [0, 1], was {value}")


def _check_positive(_: object, attribute: attrs.Attribute[float], value: float) -> None:
    if not value >= 0:
        raise ValueError(f"expected {attribute.name} of at least 0, was {value}")


@attrs.frozen(kw_only=True)
class LifecycleInputs:
    """What one evaluation looks at.

    Raises:
        ValueError: a number outside its range, NaN among them.
    """

    kill_switch_active: bool = False
    drawdown: float = attrs.field(default=0.0, validator=_check_fraction)
    """Loss as a fraction of the equity at start."""
    is_stale: bool = False
    """True when a feed that quoting needs has not been heard in time."""
    is_unrecorded: bool = False
    """True when what is done does not reach the journal that was asked for."""
    is_unkept: bool = False
    """True when what is latched does not reach the disk that was asked for."""
    spread_bps: float = attrs.field(default=0.0, validator=_check_positive)
    toxicity_bps: float = attrs.field(default=0.0, validator=_check_positive)
    """Move of the mid against the oldest one of the last seconds."""
    position_notional: Decimal | None = None
    """Sum of the worth of all positions in quote units; None when it was never measured."""
    override: Override = Override.NONE
    is_ready: bool = True
    """True when all that ACTIVE needs beside feeds is there (warm features, an account read)."""


class Transition(NamedTuple):
    """One change of state, with all that is needed to tell of it."""

    from_state: LifecycleState
    to_state: LifecycleState
    reason: Reason
    at_ns: int


class _Guards(NamedTuple):
    """The inputs held against the thresholds."""

    inputs: LifecycleInputs
    is_breached: bool
    is_high: bool
    is_mid: bool
    has_cooled: bool
    is_position_small: bool

    @property
    def is_low(self) -> bool:
        return not self.is_high and not self.is_mid


_Goal = tuple[LifecycleState, Reason]


def next_state(
    state: LifecycleState,
    entered_ns: int,
    now_ns: int,
    inputs: LifecycleInputs,
    settings: RiskSettings,
) -> Transition | None:
    """Return the transition out of ``state``, or None to stay.

    A clock that went backwards counts as no time spent in the state.
    """
    notional = inputs.position_notional
    guards = _Guards(
        inputs=inputs,
        is_breached=inputs.drawdown >= settings.drawdown_limit,
        is_high=inputs.toxicity_bps > settings.toxicity_high_bps,
        is_mid=inputs.spread_bps > settings.spread_spike_bps,
        has_cooled=time_in_state_ns(entered_ns, now_ns) >= settings.cooldown_ms * NS_PER_MS,
        is_position_small=notional is not None and notional < settings.position_small_notional,
    )
    goal = _goal(state, guards)
    if goal is None or goal[0] is state:
        return None
    return Transition(state, goal[0], goal[1], max(entered_ns, now_ns))


def time_in_state_ns(entered_ns: int, now_ns: int) -> int:
    """Return the time spent in the state, 0 if the clock went backwards."""
    return max(0, now_ns - entered_ns)


def _goal(state: LifecycleState, guards: _Guards) -> _Goal | None:
    if state is LifecycleState.INIT:
        return _from_init(guards)
    if state is LifecycleState.EMERGENCY:
        return _from_emergency(guards)
    inputs = guards.inputs
    if inputs.kill_switch_active:
        return LifecycleState.EMERGENCY, Reason.KILL_SWITCH
    if inputs.override is Override.EMERGENCY:
        return LifecycleState.EMERGENCY, Reason.OPERATOR_EMERGENCY
    if guards.is_breached:
        return LifecycleState.EMERGENCY, Reason.DD_BREACH
    if inputs.is_stale:
        return LifecycleState.DEGRADED, Reason.FEED_STALE
    if inputs.is_unrecorded:
        return LifecycleState.DEGRADED, Reason.JOURNAL_LOST
    if inputs.is_unkept:
        return LifecycleState.DEGRADED, Reason.LATCHES_LOST
    if state is LifecycleState.DEGRADED:
        # Through READY even under an operator's pause: READY adds no risk and sees the pause.
        return (LifecycleState.READY, Reason.FEED_RECOVERED) if guards.has_cooled else None
    if inputs.override is Override.PAUSE:
        return LifecycleState.PAUSED, Reason.OPERATOR_PAUSE
    return _by_toxicity(state, guards)


def _from_init(guards: _Guards) -> _Goal | None:
    inputs = guards.inputs
    if inputs.kill_switch_active or inputs.is_stale or inputs.is_unrecorded or inputs.is_unkept:
        return None
    return LifecycleState.READY, Reason.HEALTH_OK


def _from_emergency(guards: _Guards) -> _Goal | None:
    inputs = guards.inputs
    if inputs.kill_switch_active or guards.is_breached or inputs.override is Override.EMERGENCY:
        return None
    if not guards.is_position_small:
        return None
    return LifecycleState.PAUSED, Reason.POSITION_REDUCED


def _by_toxicity(state: LifecycleState, guards: _Guards) -> _Goal | None:
    if state is LifecycleState.READY:
        is_clear = guards.is_low and guards.inputs.is_ready
        return (LifecycleState.ACTIVE, Reason.FEEDS_READY) if is_clear else None
    if guards.is_high:
        return LifecycleState.PAUSED, Reason.TOX_HIGH
    if state is LifecycleState.ACTIVE:
        return (LifecycleState.THROTTLED, Reason.TOX_MID) if guards.is_mid else None
    if not guards.has_cooled:
        return None
    if guards.is_low:
        return LifecycleState.ACTIVE, Reason.TOX_LOW_COOLDOWN
    return LifecycleState.THROTTLED, Reason.TOX_MID_COOLDOWN
