"""Whole numbers for money: amounts in units of 1e-8, costs in atoms of an instrument.

An atom is 1e-8 quote, or finer for an instrument whose tick x lot is finer than 1e-8, so that
price x quantity is always a whole number of atoms. Nothing is rounded but where a function says so.
"""

from __future__ import annotations

from decimal import Decimal

import attrs

from grinder.model.instrument import Instrument

E8 = 10**8
"""Units of an amount in one whole quote unit: balances carry eight decimals."""


def half_even(numerator: int, denominator: int) -> int:
    """Return the quotient rounded to the nearest whole number, ties to even (ROUND_HALF_EVEN).

    ``denominator`` must be positive.
    """
    quotient, rest = divmod(numerator, denominator)
    if 2 * rest > denominator or (2 * rest == denominator and quotient & 1):
        return quotient + 1
    return quotient


def ceiling(numerator: int, denominator: int) -> int:
    """Return the quotient rounded towards plus infinity (ROUND_CEILING)."""
    return -(-numerator // denominator)


def to_e8(value: Decimal) -> int:
    """Return ``value`` in units of 1e-8, ROUND_HALF_EVEN where it has more decimals."""
    numerator, denominator = value.as_integer_ratio()
    return half_even(numerator * E8, denominator)


def from_e8(amount_e8: int) -> Decimal:
    """Return an amount of 1e-8 units as Decimal, exact."""
    return Decimal(amount_e8).scaleb(-8)


@attrs.frozen
class Scale:
    """How an instrument's ticks and lots become atoms and units of 1e-8."""

    unit_atoms: int
    """Atoms in one tick x one lot."""
    e8_atoms: int
    """Atoms in 1e-8 quote; 1 unless tick x lot is finer than that."""
    lot_numerator: int
    lot_denominator: int

    @classmethod
    def of(cls, instrument: Instrument) -> Scale:
        """Return the scale of ``instrument``."""
        unit = (instrument.tick * instrument.lot).normalize()
        exponent = unit.as_tuple().exponent
        assert isinstance(exponent, int), "tick and lot are finite"
        decimals = max(8, -exponent)
        numerator, denominator = instrument.lot.as_integer_ratio()
        return cls(int(unit.scaleb(decimals)), 10 ** (decimals - 8), numerator, denominator)

    def atoms_at(self, price_e8: int, lots: int) -> int:
        """Return the value of signed ``lots`` at a price off the tick grid, ROUND_HALF_EVEN."""
        return half_even(price_e8 * lots * self.lot_numerator * self.e8_atoms, self.lot_denominator)

    def e8(self, atoms: int) -> int:
        """Return atoms in units of 1e-8, ROUND_HALF_EVEN (exact when an atom is 1e-8)."""
        return atoms if self.e8_atoms == 1 else half_even(atoms, self.e8_atoms)
