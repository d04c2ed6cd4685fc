"""What steadies a plan from sample to sample.

``SpacingController`` widens or tightens the static ladder by the last samples. ``StepSmoother``
keeps a step from following every bar. ``PlanKeeper`` leaves the ladder as it is until something is
different enough, and says what then becomes of the orders that rest.
"""

from __future__ import annotations

from collections import deque
from decimal import Decimal
from enum import StrEnum
from itertools import pairwise

import attrs

from grinder.model.grid import GridMode, GridPlan, MarketRegime, ResetAction
from grinder.model.steering import ControllerSettings
from grinder.model.strategy import RegimeSettings
from grinder.model.units import BPS
from grinder.policy.depth import PENALTY
from grinder.policy.quality import RESET

CHANGE_MIN = 0.1
"""Sizes, and the step of a plan with other reasons, are taken anew from such a share on."""

_HARD_INTO = frozenset({MarketRegime.TOXIC, MarketRegime.VOL_SHOCK, MarketRegime.EMERGENCY})
_TRENDS = frozenset({MarketRegime.TREND_UP, MarketRegime.TREND_DOWN})
_DIRECTED = _TRENDS | {MarketRegime.RANGE}
_HALTED = frozenset({GridMode.PAUSE, GridMode.EMERGENCY})


class Pace(StrEnum):
    """What the controller makes of the last samples."""

    BASE = "BASE"
    WIDEN = "WIDEN"
    TIGHTEN = "TIGHTEN"
    PAUSE = "PAUSE"


PACE_REASONS = {
    Pace.BASE: "NORMAL",
    Pace.WIDEN: "HIGH_VOL",
    Pace.TIGHTEN: "LOW_VOL",
    Pace.PAUSE: "WIDE_SPREAD",
}


class SpacingController:
    """Wider in a lively market, tighter in a dull one, nothing on a wide spread.

    Until there are two samples it is BASE: too little to go by is not a dull market.
    """

    __slots__ = ("_mids", "_settings", "_spreads")

    def __init__(self, settings: ControllerSettings) -> None:
        self._settings = settings
        self._mids: deque[float] = deque(maxlen=settings.window_samples)
        self._spreads: deque[float] = deque(maxlen=settings.window_samples)

    def follow(self, mid: float, spread_bps: float) -> Pace:
        """Take a sample; return the pace after it."""
        self._mids.append(mid)
        self._spreads.append(spread_bps)
        settings = self._settings
        if len(self._mids) < 2:
            return Pace.BASE
        if max(self._spreads) > settings.spread_pause_bps:
            return Pace.PAUSE
        moved = round(BPS * sum(abs(now / then - 1) for then, now in pairwise(self._mids)))
        if moved > settings.widen_above_bps:
            return Pace.WIDEN
        return Pace.TIGHTEN if moved < settings.tighten_below_bps else Pace.BASE

    def factor(self, pace: Pace) -> float:
        """Return what the spacing is multiplied by."""
        if pace is Pace.WIDEN:
            return self._settings.widen_mult / 100
        return self._settings.tighten_mult / 100 if pace is Pace.TIGHTEN else 1.0


class StepSmoother:
    """Exponential mean of the step; begins anew where the step means something else."""

    __slots__ = ("_about", "_alpha", "_step")

    def __init__(self, alpha: float) -> None:
        self._alpha = alpha
        self._step = 0.0
        self._about: object = None

    def follow(self, step_bps: float, about: object) -> float:
        """Return the smoothed step.

        Args:
            step_bps: as just computed.
            about: what the step belongs to; when it is not what it was, the mean begins anew.
        """
        if about != self._about:
            self._about = about
            self._step = step_bps
        else:
            self._step += self._alpha * (step_bps - self._step)
        return self._step


def reset_for(before: MarketRegime, after: MarketRegime) -> ResetAction:
    """Return what a change of regime does to the ladder that rests."""
    if before is after:
        return ResetAction.NONE
    if after in _HARD_INTO or (before in _DIRECTED and after in _DIRECTED):
        return ResetAction.HARD
    return ResetAction.SOFT


class PlanKeeper:
    """The plan in force: the same object until something is different enough."""

    __slots__ = ("_asked", "_policy", "_settings", "plan")

    def __init__(self, settings: RegimeSettings) -> None:
        self._settings = settings
        self.plan: GridPlan | None = None
        self._asked: GridPlan | None = None
        """What was asked for when ``plan`` came into force, without the codes of its reset."""
        self._policy = ""

    def take(self, plan: GridPlan, policy: str, notes: tuple[str, ...] = ()) -> GridPlan:
        """Put ``plan`` into force as it is, with ``notes`` besides its own reason codes."""
        self._asked, self._policy = plan, policy
        self.plan = attrs.evolve(plan, reason_codes=plan.reason_codes + notes) if notes else plan
        return self.plan

    def follow(self, plan: GridPlan, policy: str, notes: tuple[str, ...] = ()) -> GridPlan:
        """Return the plan in force after ``plan`` was asked for by ``policy``.

        ``notes`` are reason codes of the moment: they go with a ladder that is built anew, and
        are no reason for it, but for RESET_EXEC_QUALITY.
        """
        held, asked = self.plan, self._asked
        if held is None or asked is None:
            return self.take(plan, policy, notes)
        is_same_kind = plan.mode is asked.mode and plan.reason_codes == asked.reason_codes
        is_same = is_same_kind and plan.reset_action is asked.reset_action
        is_same = is_same and _has_shape(plan, asked)
        if plan.mode in _HALTED:
            # What becomes of what rests is said by the plan; the market does not change it.
            is_moved = plan.is_active and self._why_reset(plan, asked, policy)
            is_same = is_same and plan.regime is asked.regime and not is_moved
            return held if is_same else self.take(plan, policy)
        codes = self._why_reset(plan, asked, policy)
        if codes or RESET in notes:
            return self._renew(plan, policy, asked, (*codes, *notes))
        return held if is_same else self.take(_staying(plan, held), policy)

    def _renew(
        self, plan: GridPlan, policy: str, asked: GridPlan, codes: tuple[str, ...]
    ) -> GridPlan:
        reset = plan.reset_action
        if reset is not ResetAction.HARD:
            reset = ResetAction.SOFT
            if "RESET_REGIME_SWITCH" in codes:
                reset = reset_for(asked.regime, plan.regime)
        self.take(plan, policy)
        self.plan = attrs.evolve(
            plan, reset_action=reset, reason_codes=(*plan.reason_codes, *codes)
        )
        return self.plan

    def _why_reset(self, plan: GridPlan, asked: GridPlan, policy: str) -> tuple[str, ...]:
        """Return the codes of everything that lets the ladder be built anew."""
        codes = []
        if policy != self._policy:
            codes.append("RESET_POLICY_SWITCH")
        if plan.regime is not asked.regime:
            codes.append("RESET_REGIME_SWITCH")
        if plan.mode is not asked.mode:
            codes.append("RESET_MODE_SWITCH")
        if self._is_off_centre(plan, asked):
            codes.append("RESET_CENTER_DRIFT")
        if self._is_off_step(plan, asked):
            is_by_volatility = not codes and plan.reason_codes == asked.reason_codes
            codes += ["RESET_STEP_DRIFT", "STEP_VOL_ADJ"][: 2 if is_by_volatility else 1]
        if not _has_sizes(plan, asked):
            codes.append("RESET_SIZE_DRIFT")
        return tuple(codes)

    def _is_off_centre(self, plan: GridPlan, asked: GridPlan) -> bool:
        if 0 != abs(plan.skew_bps - asked.skew_bps) >= self._settings.step_reset_bps:
            return True
        drift = abs(plan.middle - asked.middle) * BPS
        return 0 != drift >= Decimal(repr(self._settings.recentre_min_bps)) * asked.middle

    def _is_off_step(self, plan: GridPlan, asked: GridPlan) -> bool:
        step = abs(plan.spacing_bps - asked.spacing_bps)
        # The penalty of a shallow book grows under one code.
        is_other = plan.reason_codes != asked.reason_codes or PENALTY in plan.reason_codes
        limit = CHANGE_MIN * asked.spacing_bps
        return 0 != step >= self._settings.step_reset_bps or (is_other and step >= limit)


def _has_shape(plan: GridPlan, other: GridPlan) -> bool:
    return plan.levels_up == other.levels_up and plan.levels_down == other.levels_down


def _has_sizes(plan: GridPlan, other: GridPlan) -> bool:
    """Return whether each size is about what it was; levels that only one has do not count."""
    return all(
        abs(float(one) - float(was)) < CHANGE_MIN * float(was) or one == was
        for one, was in zip(plan.size_schedule, other.size_schedule, strict=False)
    )


def _staying(plan: GridPlan, held: GridPlan) -> GridPlan:
    """Return ``plan`` where ``held`` is: levels come and go, what rests stays."""
    return attrs.evolve(
        plan,
        center_price=held.center_price,
        spacing_bps=held.spacing_bps,
        skew_bps=held.skew_bps,
        size_schedule=_extended(held.size_schedule, plan.size_schedule),
    )


def _extended(sizes: tuple[Decimal, ...], by: tuple[Decimal, ...]) -> tuple[Decimal, ...]:
    return (*sizes[: len(by)], *by[len(sizes) :])
