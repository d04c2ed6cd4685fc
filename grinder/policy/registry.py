"""Every policy by its name. One line here and one file under ``policies`` make a new one known.

Policies of other packages are put in by ``register``, once, where the settings are read
(``grinder.config.plugins``).
"""

from __future__ import annotations

from collections.abc import Iterable

from grinder.errors import ConfigError
from grinder.model.settings import Config
from grinder.policy.base import Policy
from grinder.policy.policies.adaptive import AdaptivePolicy
from grinder.policy.policies.emergency import EmergencyPolicy
from grinder.policy.policies.funding_harvester import FundingHarvesterPolicy
from grinder.policy.policies.liquidation_catcher import LiquidationCatcherPolicy
from grinder.policy.policies.mean_reversion import MeanReversionPolicy
from grinder.policy.policies.pause import PausePolicy
from grinder.policy.policies.range import RangePolicy
from grinder.policy.policies.static import StaticPolicy
from grinder.policy.policies.trend import TrendPolicy
from grinder.policy.policies.volatility_breakout import VolatilityBreakoutPolicy

AUTO = "auto"
"""As ``policy.name``: the selector decides."""

POLICIES: dict[str, type[Policy]] = {
    kind.name: kind
    for kind in (
        StaticPolicy,
        AdaptivePolicy,
        RangePolicy,
        TrendPolicy,
        FundingHarvesterPolicy,
        LiquidationCatcherPolicy,
        MeanReversionPolicy,
        VolatilityBreakoutPolicy,
        PausePolicy,
        EmergencyPolicy,
    )
}
OWN = frozenset(POLICIES)
"""Names that no other package may take."""


def register(kind: type[Policy]) -> None:
    """Make a policy of another package known by its name; again for the same class is nothing.

    Raises:
        ConfigError: one of our own is called so.
    """
    if kind.name in OWN or kind.name == AUTO:
        raise ConfigError(f'expected another name than "{kind.name}" for {kind.__qualname__}')
    POLICIES[kind.name] = kind


def make_policies(names: Iterable[str], settings: Config) -> dict[str, Policy]:
    """Return a new policy for each name, for one symbol, in the order of ``names``.

    Raises:
        ConfigError: with every name that is not known and every option that does not fit.
    """
    made: dict[str, Policy] = {}
    problems: list[str] = []
    for name in names:
        kind = POLICIES.get(name)
        if kind is None:
            problems.append(f'expected one of {", ".join(POLICIES)}, was "{name}"')
            continue
        try:
            made[name] = kind(settings)
        except ConfigError as error:
            problems += error.problems
    if problems:
        raise ConfigError(tuple(problems))
    return made
