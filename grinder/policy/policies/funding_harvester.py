"""funding-harvester: quote both sides, but deeper on the one that is paid funding."""

from __future__ import annotations

from typing import ClassVar

import attrs

from grinder.model.grid import GridPlan
from grinder.model.settings import Config
from grinder.policy.base import MarketView
from grinder.policy.options import number, read_options
from grinder.policy.plans import Ladder, ladder, paused


@attrs.frozen(kw_only=True)
class FundingHarvesterOptions:
    """What ``policy.options`` may say."""

    rate: float = number(0.0005, 0, 0.1)
    """Funding of one period from which a side is favoured, as a fraction; either sign."""
    extreme_rate: float = number(0.001, 0, 0.1)
    levels: int = number(4, 1, 20)
    """On the side that is paid, and on both while nobody is favoured."""
    paying_levels: int = number(2, 0, 20)
    extreme_levels: int = number(6, 1, 20)
    extreme_paying_levels: int = number(1, 0, 20)
    spacing_bps: float = number(12.0, 1, 400)
    size: int = number(120, 1, 1_000)
    """100 is an ordinary level."""
    skew_bps: float = number(5.0, 0, 100)
    """The centre moves so much towards a better price for the favoured side."""


class FundingHarvesterPolicy:
    """Favour shorts while longs pay high funding, and longs while shorts do."""

    name: ClassVar[str] = "funding-harvester"
    priority: ClassVar[int] = 30
    options: ClassVar[type] = FundingHarvesterOptions
    reasons: ClassVar[tuple[str, ...]] = (
        "MODE_FUNDING_SHORT",
        "MODE_FUNDING_LONG",
        "MODE_FUNDING_SHORT_EXTREME",
        "MODE_FUNDING_LONG_EXTREME",
        "MODE_RANGE_FUNDING_NORMAL",
        "WARMUP_INCOMPLETE",
        "SIZE_BELOW_MINIMUM",
    )

    def __init__(self, settings: Config) -> None:
        self._options = read_options(FundingHarvesterOptions, self.name, settings)

    def should_activate(self, view: MarketView) -> bool:
        """Return whether funding is at least moderate."""
        rate = view.known("funding_rate")
        return rate is not None and abs(rate) >= self._options.rate

    def evaluate(self, view: MarketView) -> GridPlan:
        """Return a ladder with most of its levels on the side that is paid."""
        options, rate = self._options, view.known("funding_rate")
        if rate is None:
            return paused(view, "WARMUP_INCOMPLETE")
        is_short = rate > 0
        paid, paying, reason = options.levels, options.paying_levels, "MODE_FUNDING_"
        reason += "SHORT" if is_short else "LONG"
        skew = options.skew_bps if is_short else -options.skew_bps
        if abs(rate) >= options.extreme_rate:
            paid, paying = options.extreme_levels, options.extreme_paying_levels
            reason += "_EXTREME"
        elif abs(rate) < options.rate:
            paying, skew, reason = paid, 0.0, "MODE_RANGE_FUNDING_NORMAL"
        return ladder(
            view,
            Ladder(
                spacing_bps=options.spacing_bps,
                up=paid if is_short else paying,
                down=paying if is_short else paid,
                size=options.size,
                skew_bps=skew,
                reasons=(reason,),
            ),
        )
