"""What holds a plan back: harmful flow, a violent market, losses, a book that bears nothing.

Every function takes a plan and returns it, the same object where there is nothing to do. None of
them touches what only reduces: a plan of mode EMERGENCY passes as it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

import attrs

from grinder.model.grid import GridMode, GridPlan, MarketRegime, ResetAction, ToxicityLevel
from grinder.policy.plans import DEPTH_BPS_MAX, fitting
from grinder.policy.regime import Verdict

SPACING_FACTOR = 1.5
SIZE_FACTOR = Decimal("0.6")
LEVELS_LESS = 2
LEVELS_LEAST = 2
"""A throttled side keeps so many levels, if it had them."""
RECOVERED = 0.8
"""The throttle for losses ends below this share of where it began."""

_HALTED = frozenset({GridMode.PAUSE, GridMode.EMERGENCY})
_FORBIDDING = frozenset({MarketRegime.TOXIC, MarketRegime.EMERGENCY})


class DrawdownBrake:
    """Whether losses are such that the grid is throttled; ends by itself with recovery."""

    __slots__ = ("_from", "is_on")

    def __init__(self, share: float, limit: float) -> None:
        self._from = share * limit
        self.is_on = False

    def follow(self, drawdown: float) -> bool:
        """Take the larger of the run's and the day's drawdown; return whether it throttles."""
        least = self._from * RECOVERED if self.is_on else self._from
        self.is_on = self._from > 0 and drawdown >= least
        return self.is_on


def forbid(plan: GridPlan, verdict: Verdict) -> GridPlan:
    """Return ``plan`` without entries where the market allows nobody any new risk."""
    if verdict.regime not in _FORBIDDING or plan.mode in _HALTED:
        return plan
    reason = "GATE_TOXIC" if verdict.regime is MarketRegime.TOXIC else verdict.reason
    return halted(plan, GridMode.PAUSE, ResetAction.HARD, reason)


def calm(plan: GridPlan, level: ToxicityLevel, verdict: Verdict) -> GridPlan:
    """Return ``plan`` as harmful flow of ``level`` leaves it.

    MID makes it wider, smaller and thinner; HIGH places nothing new and keeps what rests; EXTREME
    takes every entry off. What a policy has answered to MID by itself is not answered twice.
    """
    if level is ToxicityLevel.LOW or plan.mode is GridMode.EMERGENCY:
        return plan
    if level is ToxicityLevel.EXTREME:
        return halted(plan, GridMode.EMERGENCY, ResetAction.HARD, "EMERGENCY_TOX_EXTREME")
    if level is ToxicityLevel.HIGH:
        # A book torn open is another matter than the flow: then what rests is taken off.
        is_flow = verdict.regime is not MarketRegime.TOXIC or verdict.reason == "TOXIC_FLOW"
        is_cleared = plan.reset_action is ResetAction.HARD and verdict.regime not in _FORBIDDING
        reset = ResetAction.NONE if is_flow and not is_cleared else ResetAction.HARD
        return halted(plan, GridMode.PAUSE, reset, "PAUSE_TOX_HIGH")
    if not plan.is_active or "THROTTLE_TOX_MID" in plan.reason_codes:
        return plan
    return throttled(plan, "THROTTLE_TOX_MID", SPACING_FACTOR)


def temper(plan: GridPlan, regime: MarketRegime, is_losing: bool) -> GridPlan:
    """Return ``plan`` smaller and thinner in a violent market, and wider, too, after losses."""
    if plan.mode in _HALTED or not plan.is_active:
        return plan
    if is_losing:
        plan = throttled(plan, "THROTTLE_DRAWDOWN", SPACING_FACTOR)
    if regime is MarketRegime.VOL_SHOCK:
        # Policies widen by themselves in it.
        plan = throttled(plan, "THROTTLE_VOL_SHOCK", 1.0)
    return plan


def throttled(plan: GridPlan, reason: str, spacing_factor: float) -> GridPlan:
    """Return ``plan`` with fewer levels and smaller sizes, ``spacing_factor`` times as wide."""
    fewer = attrs.evolve(
        plan,
        mode=GridMode.THROTTLE if plan.mode is GridMode.BILATERAL else plan.mode,
        levels_up=_fewer(plan.levels_up),
        levels_down=_fewer(plan.levels_down),
        size_schedule=tuple([one * SIZE_FACTOR for one in plan.size_schedule]),
        reason_codes=(reason, *plan.reason_codes),
    )
    return spaced(fewer, plan.spacing_bps * spacing_factor)


def spaced(plan: GridPlan, spacing_bps: float) -> GridPlan:
    """Return ``plan`` with another step, and no level that would stand too near to a price of 0."""
    spacing = min(spacing_bps, DEPTH_BPS_MAX)
    up, down = fitting(plan.levels_up, spacing), fitting(plan.levels_down, spacing)
    return attrs.evolve(
        plan,
        spacing_bps=spacing,
        levels_up=up,
        levels_down=down,
        width_bps=spacing * (up + down) / 2,
    )


def halted(plan: GridPlan, mode: GridMode, reset: ResetAction, reason: str) -> GridPlan:
    """Return ``plan`` without levels."""
    return attrs.evolve(_emptied(plan, reason), mode=mode, reset_action=reset)


class BookGate:
    """Which sides of the book could not bear entries, and why.

    Buys are judged by what a market buy of reference size would do to the asks, sells by the bids.
    A side that was blocked opens after some samples in a row without a cause, so that an impact
    around the threshold does not take orders off and put them back with every sample. Depth that
    is not known, or too old to be told, blocks nothing.
    """

    __slots__ = ("_patience", "_sides", "_threshold_bps")

    def __init__(self, threshold_bps: int, patience: int) -> None:
        """Begin with both sides open.

        Args:
            threshold_bps: impact from which a side is blocked; 0 blocks nothing.
            patience: samples without a cause before a blocked side opens.
        """
        self._threshold_bps = threshold_bps
        self._patience = patience
        self._sides = {"buy": ("", 0), "sell": ("", 0)}
        """Why a side is blocked, and for how many more samples without a cause."""

    def follow(self, features: Mapping[str, float]) -> tuple[str, str]:
        """Take a sample; return why buys and why sells are blocked, empty where they are not."""
        return self._why("buy", features), self._why("sell", features)

    def _why(self, side: str, features: Mapping[str, float]) -> str:
        impact = features.get(f"impact_{side}_bps")
        is_short = features.get(f"impact_{side}_insufficient")
        if not self._threshold_bps or (impact is None and is_short is None):
            self._sides[side] = ("", 0)
            return ""
        if is_short:
            self._sides[side] = (f"L2_INSUFFICIENT_DEPTH_{side.upper()}", self._patience)
        elif impact is not None and impact >= self._threshold_bps:
            self._sides[side] = (f"L2_IMPACT_{side.upper()}_HIGH", self._patience)
        else:
            why, left = self._sides[side]
            self._sides[side] = (why, left - 1) if left > 0 else ("", 0)
        return self._sides[side][0]


def gate_by_book(plan: GridPlan, buy: str, sell: str) -> GridPlan:
    """Return ``plan`` without the sides for which there is a reason; one of EMERGENCY passes."""
    if not (buy or sell) or plan.mode is GridMode.EMERGENCY or not plan.is_active:
        return plan
    if buy and sell:
        return _emptied(plan, buy, sell)
    up, down = (plan.levels_up, 0) if buy else (0, plan.levels_down)
    if not up + down:
        return _emptied(plan, buy or sell)
    block = "L2_BLOCK_BUY" if buy else "L2_BLOCK_SELL"
    return attrs.evolve(
        plan,
        levels_up=up,
        levels_down=down,
        width_bps=plan.spacing_bps * (up + down) / 2,
        reason_codes=(buy or sell, block, *plan.reason_codes),
    )


def scale(plan: GridPlan, ratio: Decimal | None) -> GridPlan:
    """Return ``plan`` with sizes scaled by what is left of the drawdown budget.

    Raises:
        ValueError: ``ratio`` is outside [0, 1].
    """
    if ratio is None:
        return plan
    if not 0 <= ratio <= 1:
        raise ValueError(f"expected a budget ratio in [0, 1], was {ratio}")
    if ratio == 1 or plan.mode is GridMode.EMERGENCY or not plan.is_active:
        return plan
    if ratio == 0:
        return _emptied(plan, "DD_BLOCK_ENTRIES")
    return attrs.evolve(
        plan,
        size_schedule=tuple([one * ratio for one in plan.size_schedule]),
        reason_codes=(*plan.reason_codes, "DD_SCALE_APPLIED"),
    )


def _emptied(plan: GridPlan, *reasons: str) -> GridPlan:
    others = [code for code in plan.reason_codes if code not in reasons]
    return attrs.evolve(
        plan,
        levels_up=0,
        levels_down=0,
        size_schedule=(),
        width_bps=0.0,
        reset_action=ResetAction.HARD,
        reason_codes=(*reasons, *others),
    )


def _fewer(levels: int) -> int:
    return levels if levels <= LEVELS_LEAST else max(LEVELS_LEAST, levels - LEVELS_LESS)
