"""What a policy sees, and the one interface that every policy has.

A policy is a plain object: equal views in the same order give equal plans. It sees no clock and no
venue, keeps its own memory of one symbol between calls, and answers with a ``GridPlan``.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from decimal import Decimal
from typing import ClassVar, Protocol

import attrs

from grinder.model.grid import GridPlan, MarketRegime, ToxicityLevel
from grinder.model.instrument import Instrument
from grinder.model.settings import Config


@attrs.frozen(kw_only=True)
class MarketView:
    """One symbol at one moment, once in each sample interval."""

    symbol: str
    now_ns: int
    mid: Decimal
    """In quote per base; above 0."""
    instrument: Instrument
    features: Mapping[str, float]
    """What is known and fresh, by the names of ``grinder features``; the rest is absent."""
    is_warm: bool
    """True once the indicators of the regime have the bars that they need."""
    regime: MarketRegime
    toxicity: ToxicityLevel = ToxicityLevel.LOW
    position_qty: Decimal = Decimal(0)
    """Held, in base units; negative when short."""
    entry_price: Decimal = Decimal(0)
    level_notional: Decimal
    """What one level of ordinary size is worth, in quote units."""
    position_notional_max: Decimal
    """The cap of this symbol, in quote units."""
    is_killed: bool = False
    session_drawdown: float = 0.0
    """Loss from the highest equity of the run, as a fraction of it."""
    daily_drawdown: float = 0.0
    """Loss since midnight UTC, as a fraction of the equity then."""
    drawdown_limit: float = 1.0
    """At or above it everything has to go."""

    @property
    def inventory(self) -> float:
        """What is held as a share of the cap, in [-1, 1] within the cap; negative when short."""
        cap = self.position_notional_max
        return float(self.position_qty * self.mid / cap) if cap > 0 else 0.0

    def get(self, name: str, default: float = 0.0) -> float:
        """Return a feature, or ``default`` while it is not known."""
        return self.features.get(name, default)

    def known(self, name: str) -> float | None:
        """Return a feature, or None while it is not known or not a finite number."""
        value = self.features.get(name)
        return value if value is not None and math.isfinite(value) else None

    def qty(self, factor: Decimal | int = 1) -> Decimal:
        """Return ``factor`` ordinary levels as a quantity in base units, down to 8 decimals."""
        return qty_for(self.level_notional * factor, self.mid)


class Policy(Protocol):
    """Decides one symbol's grid. Made once for each symbol, with the settings of the run.

    A class may state besides, for ``grinder policies`` to show: ``options``, the attrs class of
    what ``policy.options`` may say to it, and ``reasons``, every reason code that it gives.
    """

    name: ClassVar[str]
    """As ``policy.name`` calls it."""
    priority: ClassVar[int]
    """Whose turn it is first when several would act; lower is earlier."""

    def __init__(self, settings: Config) -> None: ...

    def should_activate(self, view: MarketView) -> bool:
        """Return whether this is a market for this policy; the selector asks on each sample."""

    def evaluate(self, view: MarketView) -> GridPlan:
        """Return the plan for ``view``."""


def qty_for(notional: Decimal, price: Decimal) -> Decimal:
    """Return ``notional`` quote units as base units at ``price``, rounded down to 8 decimals.

    The only place where worth becomes a quantity for a plan.

    Raises:
        ValueError: the price is not positive or the notional is negative.
    """
    if price <= 0 or notional < 0:
        raise ValueError(f"expected price > 0 and notional >= 0, was {price} and {notional}")
    return (notional / price).quantize(_EIGHT, rounding="ROUND_DOWN")


_EIGHT = Decimal("0.00000001")
