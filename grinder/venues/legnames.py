"""Which of our legs a row or a frame of the venue is about."""

from __future__ import annotations

from collections.abc import Mapping

from grinder.model.instrument import Instrument, side_of
from grinder.model.legs import HEDGE, ONE_WAY, closes, markets_of
from grinder.model.order import Side
from grinder.venues.fixed import Scale


class LegNames:
    """The legs that are traded, by what the venue calls them."""

    def __init__(self, instruments: Mapping[str, Instrument]) -> None:
        self._names = {
            (one.market, one.position_side.value): name for name, one in instruments.items()
        }
        self._is_hedged = any(one.position_side.opening for one in instruments.values())

    def find(self, market: str, side: str) -> str | None:
        """Return the leg's name; None for one that is not traded."""
        return self._names.get((market, side))

    def name(self, market: str, side: str) -> str:
        """Return the name of the leg that an order or a trade is of; the market in one-way mode.

        Raises:
            ValueError: there is no such leg in hedge mode: the account's mode has changed.
        """
        return self.held(market, side) if self._is_hedged else market

    def held(self, market: str, side: str) -> str:
        """Return the name of the leg that a position is of.

        Raises:
            ValueError: there is no such leg: the account is in another position mode.
        """
        name = self._names.get((market, side))
        if name is None:
            mode = HEDGE if self._is_hedged else ONE_WAY
            raise ValueError(f"expected {mode} mode, was {market} {side}")
        return name


def scales_of(instruments: Mapping[str, Instrument]) -> dict[str, Scale]:
    """Return what turns the venue's numbers into ticks and lots, by market."""
    return {market: Scale(one) for market, one in markets_of(instruments).items()}


def is_reducing(name: str, order_side: Side, *, is_flagged: bool) -> bool:
    """Return whether an order of the leg called ``name`` can only reduce its position.

    In hedge mode no flag is sent with it, and the sides of order and position decide.
    """
    return is_flagged or closes(side_of(name), order_side)
