"""Settings of what stands between the answer of a policy and its ladder."""

from __future__ import annotations

import attrs


@attrs.frozen(kw_only=True)
class ControllerSettings:
    """[controller]: a multiplier on the spacing of the static policy."""

    enabled: bool = False
    """Off, the static ladder is exactly what [policy] says."""
    window_samples: int = 10
    """Mids and spreads that are looked back on."""
    spread_pause_bps: float = 50.0
    """A wider spread in the window: no entries."""
    widen_above_bps: float = 300.0
    """More absolute returns in the window: wider."""
    tighten_below_bps: float = 50.0
    """Less: tighter."""
    widen_mult: int = 150
    """In hundredths; so is the next one."""
    tighten_mult: int = 80


@attrs.frozen(kw_only=True)
class ThrottleSettings:
    """[throttle]: what makes the plan of any policy thinner, besides toxicity."""

    l2_impact_threshold_bps: int = 200
    """An order of ordinary size that moves one side of the book by so much ends entries there;
    so does a book that cannot take it. 0 turns both off."""
    l2_penalty_pct: int = 150
    """At that impact the step of a plan is so many hundredths of what it was, gradually from a
    quarter of it on; 100 is off. The static policy stays as it is."""
    drawdown_share: float = 0.5
    """Share of risk.drawdown_limit from which the grid is wider, smaller and thinner; 0 is off."""
