"""mean-reversion: stand against a move that has run far while the flow behind it has turned."""

from __future__ import annotations

from typing import ClassVar

import attrs

from grinder.model.grid import GridPlan
from grinder.model.settings import Config
from grinder.policy.base import MarketView
from grinder.policy.options import number, read_options
from grinder.policy.plans import one_sided, paused


@attrs.frozen(kw_only=True)
class MeanReversionOptions:
    """What ``policy.options`` may say."""

    momentum_min: float = number(3.0, 0.1, 20)
    """Standard deviations of five-minute momentum that are a move run far."""
    momentum_exit: float = number(1.0, 0, 20)
    """Below it the move has come back."""
    recent_min: float = number(2.0, 0.1, 20)
    """Of one-minute momentum, in the same direction, with order flow against it."""
    ofi_min: float = number(1.0, 0.1, 20)
    """Standard deviations of order-flow imbalance that are against it."""
    levels: int = number(3, 1, 20)
    spacing_bps: float = number(8.0, 1, 400)
    size: int = number(60, 1, 1_000)
    """100 is an ordinary level."""
    skew_bps: float = number(5.0, 0, 100)


class MeanReversionPolicy:
    """Sell into a rise, or buy into a fall, that volume or order flow no longer carries."""

    name: ClassVar[str] = "mean-reversion"
    priority: ClassVar[int] = 40
    options: ClassVar[type] = MeanReversionOptions
    reasons: ClassVar[tuple[str, ...]] = (
        "MODE_MEAN_REVERSION_SHORT",
        "MODE_MEAN_REVERSION_LONG",
        "PAUSE_LIQ_SURGE",
        "SNIPER_INACTIVE",
        "WARMUP_INCOMPLETE",
        "SIZE_BELOW_MINIMUM",
    )

    def __init__(self, settings: Config) -> None:
        self._options = read_options(MeanReversionOptions, self.name, settings)
        self._seen_ns = -1
        self._move = 0
        """1 for a rise to sell into, -1 for a fall to buy into, 0 for neither."""

    def should_activate(self, view: MarketView) -> bool:
        """Return whether a move has run far, has lost its carrier, and nobody is liquidated."""
        self._follow(view)
        return self._move != 0 and not view.known("liq_surge")

    def evaluate(self, view: MarketView) -> GridPlan:
        """Return one side against the move until it has come back; a pause while there is none."""
        options = self._options
        self._follow(view)
        if view.known("momentum_5m") is None:
            return paused(view, "WARMUP_INCOMPLETE", "SNIPER_INACTIVE")
        if view.known("liq_surge"):
            return paused(view, "PAUSE_LIQ_SURGE")
        if not self._move:
            return paused(view, "SNIPER_INACTIVE")
        is_long = self._move < 0
        return one_sided(
            view,
            is_long,
            levels=options.levels,
            spacing_bps=options.spacing_bps,
            size=options.size,
            skew_bps=options.skew_bps,
            reasons=(f"MODE_MEAN_REVERSION_{'LONG' if is_long else 'SHORT'}",),
        )

    def _follow(self, view: MarketView) -> None:
        """Take a sample in, once, however often it is asked about."""
        if view.now_ns == self._seen_ns:
            return
        self._seen_ns = view.now_ns
        momentum = view.known("momentum_5m") or 0.0
        if momentum * self._move < self._options.momentum_exit:
            self._move = 0
        self._move = self._move or self._new_move(view, momentum)

    def _new_move(self, view: MarketView, momentum: float) -> int:
        options = self._options
        if abs(momentum) <= options.momentum_min:
            return 0
        sign = 1 if momentum > 0 else -1
        volume = view.known("cvd_change_5m")
        recent, flow = view.known("momentum_1m"), view.known("ofi_zscore")
        is_against = volume is not None and volume * sign < 0
        is_turning = (
            recent is not None
            and flow is not None
            and recent * sign > options.recent_min
            and flow * sign < -options.ofi_min
        )
        return sign if is_against or is_turning else 0
