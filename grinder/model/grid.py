"""What a grid is told to be: its mode, the market it stands in, and the plan for one symbol."""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum

import attrs

from grinder.model.units import BPS


class GridMode(StrEnum):
    """What kind of ladder is wanted."""

    BILATERAL = "BILATERAL"
    UNI_LONG = "UNI_LONG"
    """Buys only; what is held is sold by exits."""
    UNI_SHORT = "UNI_SHORT"
    THROTTLE = "THROTTLE"
    """Fewer, smaller, wider."""
    PAUSE = "PAUSE"
    """No new entries; with a HARD reset those that rest are taken off, else they stay."""
    EMERGENCY = "EMERGENCY"
    """No entries, and whatever is held is to go; levels, if any, are of the side that reduces."""


class MarketRegime(StrEnum):
    """What the market is doing, as the classifier of ``grinder.policy.regime`` sees it."""

    RANGE = "RANGE"
    TREND_UP = "TREND_UP"
    TREND_DOWN = "TREND_DOWN"
    VOL_SHOCK = "VOL_SHOCK"
    THIN_BOOK = "THIN_BOOK"
    TOXIC = "TOXIC"
    PAUSED = "PAUSED"
    EMERGENCY = "EMERGENCY"


class ResetAction(StrEnum):
    """What becomes of the ladder that rests when another plan comes."""

    NONE = "NONE"
    """It stays where it is; levels that are missing are added, levels too many are taken off."""
    SOFT = "SOFT"
    """Orders that do not fit the new plan are replaced, the others stay."""
    HARD = "HARD"
    """Every entry is taken off and the ladder is built anew."""


class ToxicityLevel(StrEnum):
    """How harmful the flow is to whoever quotes: the graded composite score."""

    LOW = "LOW"
    MID = "MID"
    HIGH = "HIGH"
    EXTREME = "EXTREME"

    @property
    def is_harmful(self) -> bool:
        """True when nothing new may be placed."""
        return self in (ToxicityLevel.HIGH, ToxicityLevel.EXTREME)


@attrs.frozen(kw_only=True)
class GridPlan:
    """Where, how wide, how deep and how big: the whole answer of a policy.

    Raises:
        ValueError: a spacing of 0, a negative number of levels, or an active grid without sizes.
    """

    mode: GridMode = GridMode.BILATERAL
    center_price: Decimal
    """Price around which the ladder is built, in quote per base."""
    spacing_bps: float
    """Distance between neighbouring levels, above 0."""
    levels_up: int
    """Sells above the centre."""
    levels_down: int
    """Buys below the centre."""
    size_schedule: tuple[Decimal, ...] = ()
    """Quantity in base units of level 1, 2, ...; the last one holds for all further levels."""
    skew_bps: float = 0.0
    """The centre is moved by so much: above 0 upwards."""
    regime: MarketRegime = MarketRegime.RANGE
    width_bps: float = 0.0
    """Distance of the outermost levels from the centre, mean of both sides."""
    reset_action: ResetAction = ResetAction.NONE
    reason_codes: tuple[str, ...] = ()
    """Why: at least one, the first of them the gravest."""

    def __attrs_post_init__(self) -> None:
        if self.spacing_bps <= 0 or self.levels_up < 0 or self.levels_down < 0:
            raise ValueError(f"expected a spacing above 0 and levels from 0, was {self}")
        if self.center_price <= 0 or any(one < 0 for one in self.size_schedule):
            raise ValueError(f"expected a price above 0 and sizes from 0, was {self}")
        if self.is_active and not any(self.size_schedule):
            raise ValueError(f"expected sizes for an active grid, was {self}")

    @property
    def is_active(self) -> bool:
        """True when the plan wants entries."""
        return self.levels_up + self.levels_down > 0

    @property
    def middle(self) -> Decimal:
        """The centre with its skew."""
        return self.center_price * (1 + Decimal(repr(self.skew_bps)) / BPS)

    def size(self, level: int) -> Decimal:
        """Return the quantity of ``level`` (from 1), in base units; 0 without a schedule."""
        schedule = self.size_schedule
        return schedule[min(level, len(schedule)) - 1] if schedule else Decimal(0)
