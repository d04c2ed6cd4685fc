"""Sizes for a plan: from equity, budget and adverse move, and never below what the venue takes."""

from __future__ import annotations

from decimal import Decimal

import attrs

from grinder.messages.risk import RiskBudgetChanged
from grinder.model.grid import GridMode, GridPlan, ResetAction
from grinder.model.instrument import Instrument
from grinder.model.settings import Config
from grinder.model.units import BPS
from grinder.policy.base import MarketView
from grinder.policy.plans import least_qty
from grinder.policy.throttle import halted
from grinder.sizing.levels import SizingInputs, Weights, size_levels

_CENT = _SHARE_LEAST = Decimal("0.01")
ROOM_BPS = 5
"""Sizes are worked out anew once the mid has moved so far."""


class AutoSizer:
    """Sizes of one symbol's ladder; the same ones until something that they depend on changes."""

    __slots__ = ("_answer", "_config", "_instrument", "_key", "_mid")

    def __init__(self, instrument: Instrument, config: Config) -> None:
        self._instrument = instrument
        self._config = config
        self._key: object = None
        self._mid = Decimal(0)
        self._answer: tuple[int, int, tuple[Decimal, ...], tuple[str, ...]] = (0, 0, (), ())

    def size(self, plan: GridPlan, view: MarketView, budget: RiskBudgetChanged | None) -> GridPlan:
        """Return ``plan`` with sizes that lose no more than the budget.

        The sizes that the policy asked for count as shares of an ordinary level, up to a whole
        one. While the equity is not known what rests stays, and nothing is placed.
        """
        if plan.mode is GridMode.EMERGENCY or not plan.is_active:
            return plan
        if budget is None or budget.equity <= 0:
            return halted(plan, GridMode.PAUSE, ResetAction.NONE, "SIZE_UNKNOWN")
        if budget.budget <= 0:
            return halted(plan, GridMode.PAUSE, ResetAction.HARD, "SIZE_NO_ROOM")
        key = (
            plan.levels_up,
            plan.levels_down,
            round(2 * plan.spacing_bps),
            round(plan.skew_bps),
            view.position_qty,
            budget.equity,
            budget.budget,
        )
        if key != self._key or abs(view.mid - self._mid) * BPS >= ROOM_BPS * self._mid:
            self._key, self._mid = key, view.mid
            self._answer = self._compute(plan, view, budget)
        up, down, schedule, reasons = self._answer
        if not any(schedule):
            return halted(plan, GridMode.PAUSE, ResetAction.HARD, "SIZE_NO_ROOM")
        share = _share(plan, view)
        return attrs.evolve(
            plan,
            levels_up=up,
            levels_down=down,
            size_schedule=tuple([one * share for one in schedule]) if share != 1 else schedule,
            width_bps=plan.spacing_bps * (up + down) / 2,
            reason_codes=(*plan.reason_codes, "SIZE_AUTO", *reasons),
        )

    def _compute(
        self, plan: GridPlan, view: MarketView, budget: RiskBudgetChanged
    ) -> tuple[int, int, tuple[Decimal, ...], tuple[str, ...]]:
        instrument, config = self._instrument, self._config
        middle = plan.middle
        step = middle * Decimal(repr(plan.spacing_bps)) / BPS
        sized = size_levels(
            SizingInputs(
                equity=budget.equity,
                budget=min(budget.budget, budget.equity),
                adverse_move=config.sizing.adverse_move,
                price=view.mid,
                buy_prices=tuple(
                    [middle - step * number for number in range(1, plan.levels_down + 1)]
                ),
                sell_prices=tuple(
                    [middle + step * number for number in range(1, plan.levels_up + 1)]
                ),
                weights=Weights(config.sizing.weights),
                position_qty=view.position_qty,
                lot=instrument.lot,
                qty_min=instrument.qty(instrument.qty_lots_min),
                notional_min=instrument.notional_min,
                order_notional_max=config.risk.order_notional_max,
                position_notional_max=view.position_notional_max,
            )
        )
        reasons = tuple(f"SIZE_{one.removeprefix('SIZE_')}" for one in sized.reasons)
        return sized.levels_up, sized.levels_down, sized.schedule, reasons


def fitted(plan: GridPlan, view: MarketView, is_scaled: bool) -> GridPlan:
    """Return ``plan`` without a size that the venue would not take.

    What was made smaller is put up to the venue's least size; not where losses scaled it, because
    that is the budget's answer: such levels get none, and a plan without a size has no entries.
    """
    if plan.mode is GridMode.EMERGENCY or not plan.is_active:
        return plan
    least = least_qty(view)
    if min(plan.size_schedule) >= least:
        return plan
    other = Decimal(0) if is_scaled else least
    sizes = tuple([one if one >= least or not one else other for one in plan.size_schedule])
    if not any(sizes):
        return halted(plan, GridMode.PAUSE, ResetAction.HARD, "SIZE_BELOW_MINIMUM")
    return attrs.evolve(plan, size_schedule=sizes)


def _share(plan: GridPlan, view: MarketView) -> Decimal:
    """Return the size of the first level as a share of an ordinary one, at most 1."""
    ordinary = view.qty()
    if ordinary <= 0:
        return Decimal(1)
    share = plan.size_schedule[0] / ordinary
    # Rounding to the lot is no wish for less.
    return Decimal(1) if share > Decimal("0.95") else max(_SHARE_LEAST, share.quantize(_CENT))
