"""Whole numbers for money: amounts in units of 1e-8, and the roundings that are named."""

from __future__ import annotations

from decimal import Decimal

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
