"""adaptive: step and width follow volatility, the market's regime chooses their multiples.

Integer arithmetic throughout, so that no platform computes another ladder. Volatility is the
normalised true range in whole basis points; width is ``k_tail`` standard deviations over the
horizon, by the square root of time.
"""

from __future__ import annotations

from decimal import Decimal
from math import isqrt
from typing import ClassVar

import attrs

from grinder.model.grid import GridPlan, MarketRegime, ResetAction
from grinder.model.settings import Config
from grinder.model.strategy import AdaptiveSettings
from grinder.model.units import BPS
from grinder.policy.base import MarketView, qty_for
from grinder.policy.options import choice, number, read_options
from grinder.policy.plans import (
    DEPTH_BPS_MAX,
    fitting,
    inventory_skew_bps,
    paused,
    placeable,
)

BARS_MIN = 15
"""Bars before the true range is one of fourteen."""
PAUSING = (MarketRegime.EMERGENCY, MarketRegime.TOXIC, MarketRegime.PAUSED)


@attrs.frozen(kw_only=True)
class AdaptiveOptions:
    """What ``policy.options`` may say besides [adaptive]."""

    sizing: str = choice("equal-quantity", "equal-notional")
    """equal-notional: no level is worth more than policy.level_notional at its own price."""
    taper: float = number(1.0, 0.25, 4)
    """Size of the outermost level as a multiple of the innermost; all together stay as big."""
    skew_bps_max: float = number(10.0, 0, 100)
    """The centre moves against what is held by so much at the cap."""


@attrs.frozen(kw_only=True)
class Shape:
    """Step and sides of a ladder, in whole basis points and levels."""

    step_bps: int
    width_up_bps: int
    width_down_bps: int
    levels_up: int
    levels_down: int
    notes: tuple[str, ...] = ()
    """Reason codes of what had to give way."""


class AdaptivePolicy:
    """Quote both sides, wider and deeper as the market moves more."""

    name: ClassVar[str] = "adaptive"
    priority: ClassVar[int] = 110
    options: ClassVar[type] = AdaptiveOptions
    reasons: ClassVar[tuple[str, ...]] = (
        *(f"REGIME_{one}" for one in MarketRegime),
        "WARMUP_INCOMPLETE",
        "NATR_FALLBACK",
        "ASYMMETRIC_GRID",
        "STEP_CAPPED",
        "WIDTH_CAP_EXCEEDED",
        "WIDTH_NOT_REACHED",
        "INVENTORY_SKEW",
        "SIZE_BELOW_MINIMUM",
    )

    def __init__(self, settings: Config) -> None:
        self._settings = settings.adaptive
        self._fallback = settings.policy
        self._options = read_options(AdaptiveOptions, self.name, settings)
        self._taper = Decimal(repr(self._options.taper))

    def should_activate(self, view: MarketView) -> bool:
        """Return True: it has an answer to every regime."""
        return True

    def evaluate(self, view: MarketView) -> GridPlan:
        """Return the ladder for the volatility and regime of ``view``.

        While the true range is not known, step and levels are those of [policy].
        """
        regime = view.regime
        reasons = [f"REGIME_{regime}"]
        if regime in PAUSING:
            return paused(
                view,
                *reasons,
                spacing_bps=self._settings.step_min_bps,
                reset=ResetAction.HARD,
            )
        natr = view.known("natr_bps")
        if not view.is_warm or natr is None or view.get("warmup_bars", BARS_MIN) < BARS_MIN:
            reasons.append("WARMUP_INCOMPLETE")
        if natr is None:
            shape = self._fallback_shape()
        else:
            shape = shape_for(max(0, int(natr)), regime, self._settings)
        reasons += shape.notes
        skew = inventory_skew_bps(view, self._options.skew_bps_max)
        if skew:
            reasons.append("INVENTORY_SKEW")
        sizes = self._sizes(view, shape)
        if not any(sizes):
            return paused(view, "SIZE_BELOW_MINIMUM", *reasons, spacing_bps=shape.step_bps)
        return GridPlan(
            center_price=view.mid,
            spacing_bps=shape.step_bps,
            levels_up=shape.levels_up,
            levels_down=shape.levels_down,
            size_schedule=sizes,
            skew_bps=skew,
            regime=regime,
            width_bps=(shape.width_up_bps + shape.width_down_bps) // 2,
            reason_codes=tuple(reasons),
        )

    def _fallback_shape(self) -> Shape:
        step = max(self._fallback.spacing_bps, self._settings.step_min_bps)
        levels = fitting(self._fallback.levels, step)
        width = step * levels
        return Shape(
            step_bps=step,
            width_up_bps=width,
            width_down_bps=width,
            levels_up=levels,
            levels_down=levels,
            notes=("NATR_FALLBACK",),
        )

    def _sizes(self, view: MarketView, shape: Shape) -> tuple[Decimal, ...]:
        """Return the quantity of each level, innermost first."""
        count = max(shape.levels_up, shape.levels_down)
        taper, is_worth = self._taper, self._options.sizing == "equal-notional"
        if taper == 1 and not is_worth:
            return (placeable(view, view.qty()),) * count
        # One schedule serves both sides; the sell of a level is the dearer of the two.
        prices = [
            view.mid * (BPS + (shape.step_bps * level if is_worth else 0)) / BPS
            for level in range(1, count + 1)
        ]
        return tuple(
            placeable(view, qty_for(view.level_notional * weight, price))
            for weight, price in zip(taper_weights(count, taper), prices, strict=True)
        )


def shape_for(natr_bps: int, regime: MarketRegime, settings: AdaptiveSettings) -> Shape:
    """Return step, widths and levels at a true range of ``natr_bps``, 0 or more.

    Where least levels and width contradict each other the step stays: a step narrower than the
    market's noise would be filled by it. ``WIDTH_CAP_EXCEEDED`` says so, ``WIDTH_NOT_REACHED``
    that the most levels end before the width does.
    """
    raw = settings.step_alpha * natr_bps * _step_mult(regime, settings) // 10_000
    step = max(settings.step_min_bps, raw)
    notes = []
    if step * settings.levels_min > DEPTH_BPS_MAX:
        step = DEPTH_BPS_MAX // settings.levels_min
        notes.append("STEP_CAPPED")
    width = _width(natr_bps, settings)
    wider = width * settings.trend_width_mult // 100
    up = wider if regime is MarketRegime.TREND_UP else width
    down = wider if regime is MarketRegime.TREND_DOWN else width
    if up != down:
        notes.append("ASYMMETRIC_GRID")
    levels_up, levels_down = (_levels(one, step, settings) for one in (up, down))
    sides = ((up, levels_up), (down, levels_down))
    if any(levels == settings.levels_min and step * levels > one for one, levels in sides):
        notes.append("WIDTH_CAP_EXCEEDED")
    if any(step * levels < one for one, levels in sides):
        notes.append("WIDTH_NOT_REACHED")
    return Shape(
        step_bps=step,
        width_up_bps=up,
        width_down_bps=down,
        levels_up=levels_up,
        levels_down=levels_down,
        notes=tuple(notes),
    )


def taper_weights(count: int, taper: Decimal) -> tuple[Decimal, ...]:
    """Return ``count`` weights of mean 1 that grow evenly up to ``taper`` times the first."""
    if taper == 1 or count < 2:
        return (Decimal(1),) * count
    raw = [1 + (taper - 1) * number / (count - 1) for number in range(count)]
    mean = sum(raw, Decimal(0)) / count
    return tuple(one / mean for one in raw)


def _step_mult(regime: MarketRegime, settings: AdaptiveSettings) -> int:
    if regime is MarketRegime.VOL_SHOCK:
        return settings.vol_shock_step_mult
    is_bad = regime in (MarketRegime.THIN_BOOK, MarketRegime.TOXIC)
    return settings.thin_book_step_mult if is_bad else 100


def _width(natr_bps: int, settings: AdaptiveSettings) -> int:
    bars = max(1, settings.horizon_minutes // settings.bar_interval_minutes)
    sigma = natr_bps * isqrt(bars * 10_000) // 100
    return max(settings.x_min_bps, min(settings.x_cap_bps, settings.k_tail * sigma // 100))


def _levels(width: int, step: int, settings: AdaptiveSettings) -> int:
    most = min(settings.levels_max, DEPTH_BPS_MAX // step)
    return max(settings.levels_min, min(most, -(-width // step)))
