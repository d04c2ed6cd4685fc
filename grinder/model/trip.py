"""A position from flat to flat, while it is open."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

import attrs

LONG: Final = "long"
SHORT: Final = "short"
_ZERO = Decimal(0)


@attrs.frozen(kw_only=True)
class OpenTrip:
    """What has been paid in and out of a position so far. Money in quote units."""

    direction: str
    """long or short."""
    entry_ns: int
    """Venue time of the first entry fill."""
    entry_qty: Decimal
    entry_cost: Decimal
    """Sum of price x quantity."""
    entry_fee: Decimal
    entry_fills: int
    exit_ns: int = 0
    """Venue time of the last exit fill; 0 without any."""
    exit_qty: Decimal = _ZERO
    exit_cost: Decimal = _ZERO
    exit_fee: Decimal = _ZERO
    exit_fills: int = 0

    def check(self) -> None:
        """Make sure that this can have been kept.

        Raises:
            ValueError: the numbers contradict each other.
        """
        if self.direction not in (LONG, SHORT):
            raise ValueError(f"expected {LONG} or {SHORT}, was {self.direction}")
        if self.entry_fills < 1 or self.exit_fills < 0 or self.entry_ns <= 0:
            raise ValueError("an open trip has a first fill, and its time")
        if not 0 <= self.exit_qty < self.entry_qty:
            raise ValueError(f"{self.exit_qty} out of {self.entry_qty} is no open trip")
        if (self.exit_fills == 0) != (self.exit_qty == 0):
            raise ValueError("exit fills and exit quantity contradict each other")

    @property
    def sign(self) -> int:
        """+1 for long, -1 for short."""
        return 1 if self.direction == LONG else -1

    @property
    def qty(self) -> Decimal:
        """What is still held, signed."""
        return (self.entry_qty - self.exit_qty) * self.sign


@attrs.frozen(kw_only=True)
class TripState:
    """All that has to be known of a symbol's past to go on with its round trips."""

    symbol: str
    untracked_qty: Decimal = _ZERO
    """Signed: what was held before the first fill that is known. It ends in no round trip."""
    open: OpenTrip | None = None

    def check(self) -> None:
        """Make sure that this can have been kept.

        Raises:
            ValueError: it names both a trip and a position of unknown origin, or a broken trip.
        """
        if self.open is not None:
            self.open.check()
            if self.untracked_qty:
                raise ValueError("a position is either tracked or not")

    @property
    def qty(self) -> Decimal:
        """What is held, signed."""
        return self.untracked_qty if self.open is None else self.open.qty
