"""Which of our legs a row or a frame of the venue is about."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from grinder.model.instrument import Instrument
from grinder.model.legs import ONE_WAY, closes, markets_of
from grinder.model.order import PositionSide, Side
from grinder.venues.fixed import Scale


class LegNames:
    """The legs that are traded, by what the venue calls them."""

    def __init__(self, instruments: Mapping[str, Instrument]) -> None:
        self._names = {
            (one.market, one.position_side.value): name for name, one in instruments.items()
        }
        is_one_way = all(one.position_side.opening is None for one in instruments.values())
        self._mode = ONE_WAY if is_one_way else "hedge"

    def find(self, market: str, side: str) -> str | None:
        """Return the leg's name; None for one that is not traded."""
        return self._names.get((market, side))

    def name(self, market: str, side: str) -> str:
        """Return the leg's name.

        Raises:
            ValueError: the market is traded, but not on that side: the account's mode has changed.
        """
        name = self._names.get((market, side))
        if name is None:
            raise ValueError(f"expected {self._mode} mode, was {market} {side}")
        return name


def scales_of(instruments: Mapping[str, Instrument]) -> dict[str, Scale]:
    """Return what turns the venue's numbers into ticks and lots, by market."""
    return {market: Scale(one) for market, one in markets_of(instruments).items()}


def is_reducing(row: Mapping[str, Any], flag: str, side: str, order_side: Side) -> bool:
    """Return whether an order can only reduce its position.

    ``flag`` and ``side`` name the fields that say so. In hedge mode no flag may be sent, and the
    sides of order and position decide.
    """
    leg = PositionSide(row.get(side, PositionSide.BOTH))
    return row.get(flag) is True or closes(leg, order_side)
