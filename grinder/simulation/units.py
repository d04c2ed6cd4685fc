"""Decimal texts of a recording as ticks and lots, with integers only."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from grinder.model.instrument import Instrument
from grinder.simulation.market import Level

SCALE_DIGITS = 12


class Units:
    """Converts prices and quantities of one instrument.

    Every method raises ValueError when a text is no plain decimal number or does not fit.
    """

    def __init__(self, instrument: Instrument, *, skips_odd_levels: bool = False) -> None:
        """Prepare the conversion.

        Args:
            instrument: whose tick and lot count.
            skips_odd_levels: whether levels of a book that do not fit the tick are left out: orders
                that rest from before the venue widened it.
        """
        self.instrument = instrument
        self._skips_odd_levels = skips_odd_levels
        self._tick = _scaled(format(instrument.tick, "f"))
        self._lot = _scaled(format(instrument.lot, "f"))

    def ticks(self, text: str) -> int:
        """Return a price in ticks."""
        return _whole(text, self._tick, "tick")

    def lots(self, text: str) -> int:
        """Return a quantity in lots."""
        return _whole(text, self._lot, "lot")

    def levels(self, rows: Sequence[Sequence[str]]) -> tuple[Level, ...]:
        """Return rows of price and quantity as levels."""
        if self._skips_odd_levels:
            rows = [row for row in rows if not _scaled(row[0]) % self._tick]
        return tuple((self.ticks(price), self.lots(qty)) for price, qty in rows)


def _scaled(text: str) -> int:
    whole, _, fraction = text.partition(".")
    fraction = fraction.rstrip("0")
    if not whole.isdecimal() or (fraction and not fraction.isdecimal()):
        raise ValueError(f"expected a plain decimal number, was {text!r}")
    if len(fraction) > SCALE_DIGITS:
        raise ValueError(f"expected at most {SCALE_DIGITS} decimals, was {text!r}")
    return int(whole + fraction.ljust(SCALE_DIGITS, "0"))


def _whole(text: str, unit: int, word: str) -> int:
    count, rest = divmod(_scaled(text), unit)
    if rest:
        size = Decimal(unit).scaleb(-SCALE_DIGITS).normalize()
        raise ValueError(f"{text} is not a multiple of the {word} {size:f}")
    return count
