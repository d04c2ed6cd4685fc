"""liquidation-catcher: after the first wave of forced orders, stand against the move."""

from __future__ import annotations

from enum import StrEnum
from typing import ClassVar

import attrs

from grinder.model.grid import GridPlan
from grinder.model.settings import Config
from grinder.policy.base import MarketView
from grinder.policy.options import number, read_options
from grinder.policy.plans import one_sided, paused


@attrs.frozen(kw_only=True)
class LiquidationCatcherOptions:
    """What ``policy.options`` may say."""

    cooldown_samples: int = number(30, 0, 10_000)
    """From the beginning of a surge, so long nothing is caught."""
    recovery_samples: int = number(60, 1, 10_000)
    """So long it goes on after cooldown and surge are both over."""
    levels: int = number(3, 1, 20)
    spacing_bps: float = number(20.0, 1, 400)
    size: int = number(80, 1, 1_000)
    """100 is an ordinary level."""
    skew_bps: float = number(10.0, 0, 100)


class Phase(StrEnum):
    """Where a symbol is between calm and calm."""

    CALM = "CALM"
    SURGE = "SURGE"
    COOLDOWN = "COOLDOWN"
    """The surge is over, the pause since its beginning is not."""
    RECOVERY = "RECOVERY"


class LiquidationCatcherPolicy:
    """Buy what is dumped, or sell what is chased, once the worst of a liquidation surge is over."""

    name: ClassVar[str] = "liquidation-catcher"
    priority: ClassVar[int] = 20
    options: ClassVar[type] = LiquidationCatcherOptions
    reasons: ClassVar[tuple[str, ...]] = (
        "PAUSE_LIQ_SURGE_ACTIVE",
        "PAUSE_LIQ_COOLDOWN",
        "MODE_LIQ_RECOVERY_LONG",
        "MODE_LIQ_RECOVERY_SHORT",
        "LIQ_CATCHER_INACTIVE",
        "WARMUP_INCOMPLETE",
        "SIZE_BELOW_MINIMUM",
    )

    def __init__(self, settings: Config) -> None:
        self._options = read_options(LiquidationCatcherOptions, self.name, settings)
        self._phase = Phase.CALM
        self._seen_ns = -1
        self._since_start = 0
        """Samples since the surge began."""
        self._left = 0
        """Samples of recovery that are left without a surge."""
        self._was_surging = False
        self._side = 0
        """1 to buy what was dumped, -1 to sell what was chased; 0 before it is decided."""

    def should_activate(self, view: MarketView) -> bool:
        """Return whether a surge is on or was on shortly before."""
        return self._follow(view) is not Phase.CALM

    def evaluate(self, view: MarketView) -> GridPlan:
        """Return a pause in the first samples of a surge, then one side against the move."""
        options, phase = self._options, self._follow(view)
        if view.known("liq_surge") is None and phase is Phase.CALM:
            return paused(view, "WARMUP_INCOMPLETE", "LIQ_CATCHER_INACTIVE")
        if phase is Phase.CALM:
            return paused(view, "LIQ_CATCHER_INACTIVE")
        if phase is not Phase.RECOVERY:
            is_on = phase is Phase.SURGE
            return paused(view, "PAUSE_LIQ_SURGE_ACTIVE" if is_on else "PAUSE_LIQ_COOLDOWN")
        if not self._side:
            return paused(view, "WARMUP_INCOMPLETE")
        is_long = self._side > 0
        return one_sided(
            view,
            is_long,
            levels=options.levels,
            spacing_bps=options.spacing_bps,
            size=options.size,
            skew_bps=options.skew_bps,
            reasons=(f"MODE_LIQ_RECOVERY_{'LONG' if is_long else 'SHORT'}",),
        )

    def _follow(self, view: MarketView) -> Phase:
        """Take a sample in, once, however often it is asked about; return the phase after it."""
        if view.now_ns == self._seen_ns:
            return self._phase
        self._seen_ns = view.now_ns
        is_surging = bool(view.known("liq_surge"))
        is_new = is_surging and not self._was_surging
        self._was_surging = is_surging
        if is_new and self._phase in (Phase.CALM, Phase.RECOVERY):
            self._since_start = 0
        self._phase = self._next(is_surging)
        momentum = view.known("momentum_1m")
        if self._phase is not Phase.RECOVERY:
            self._side = 0
        elif not self._side and momentum is not None:
            # Decided once: whoever stands against a move does not turn with each wave of it.
            self._side = 1 if momentum < 0 else -1
        return self._phase

    def _next(self, is_surging: bool) -> Phase:
        if self._phase is Phase.CALM and not is_surging:
            return Phase.CALM
        self._since_start += 1
        if is_surging:
            self._left = self._options.recovery_samples
        if self._since_start <= self._options.cooldown_samples:
            self._left = self._options.recovery_samples
            return Phase.SURGE if is_surging else Phase.COOLDOWN
        if not is_surging:
            self._left -= 1
        return Phase.RECOVERY if self._left >= 0 else Phase.CALM
