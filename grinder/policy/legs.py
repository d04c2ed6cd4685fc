"""The settings of one leg: those of all, with the direction that its side is."""

from __future__ import annotations

import attrs

from grinder.model.order import PositionSide
from grinder.model.settings import Config

DIRECTIONS = {PositionSide.LONG: "long", PositionSide.SHORT: "short"}


def settings_of_leg(config: Config, side: PositionSide) -> Config:
    """Return the settings under which a leg of ``side`` plans; those given for BOTH."""
    direction = DIRECTIONS.get(side)
    if direction is None:
        return config
    return attrs.evolve(config, policy=attrs.evolve(config.policy, direction=direction))
