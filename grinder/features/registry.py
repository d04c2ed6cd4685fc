"""Every feature by name: what it means, what it is made of, and when it is known.

The order of ``FEATURES`` is that of the values of ``FeaturesSampled``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

import attrs

from grinder.features import catalogue_flow, catalogue_price
from grinder.features.declared import Feature, Group

GROUPS: Final[tuple[Group, ...]] = (*catalogue_price.GROUPS, *catalogue_flow.GROUPS)
FEATURES: Final[tuple[Feature, ...]] = tuple(one for group in GROUPS for one in group.features)
NAMES: Final[tuple[str, ...]] = tuple(feature.name for feature in FEATURES)
INDEX: Final[dict[str, int]] = {name: at for at, name in enumerate(NAMES)}
"""Where the value of a feature stands."""


def known(values: Sequence[float | None]) -> dict[str, float]:
    """Return what is known of the values of a sample, by name."""
    return {name: value for name, value in zip(NAMES, values, strict=True) if value is not None}


def described() -> Iterator[dict[str, object]]:
    """Yield each feature as plain values, in order, for a table or for JSON."""
    for group in GROUPS:
        for feature in group.features:
            yield {
                **attrs.asdict(feature),
                "group": group.name,
                "inputs": [kind.value for kind in group.inputs],
                "stale_after": group.stale_after,
            }
