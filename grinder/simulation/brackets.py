"""Notional tiers: how much leverage a position may have, and what margin keeps it alive."""

from __future__ import annotations

from decimal import Decimal

import attrs

from grinder.simulation.money import E8, ceiling, to_e8


@attrs.frozen(kw_only=True)
class Bracket:
    """One tier of the value of a position."""

    number: int
    """1 is the smallest."""
    leverage_max: int
    floor: int
    """Quote units, inclusive."""
    cap: int
    """Quote units."""
    rate: Decimal
    """Maintenance margin of the value in this tier."""
    cum: Decimal
    """What ``rate`` x value has too much, because smaller tiers have smaller rates."""


def ladder(*rows: tuple[int, int, str]) -> tuple[Bracket, ...]:
    """Return brackets from (largest value, largest leverage, maintenance rate), in order."""
    found: list[Bracket] = []
    floor, cum, rate_before = 0, Decimal(0), Decimal(0)
    for number, (cap, leverage_max, text) in enumerate(rows, 1):
        rate = Decimal(text)
        cum += floor * (rate - rate_before)
        found.append(
            Bracket(
                number=number,
                leverage_max=leverage_max,
                floor=floor,
                cap=cap,
                rate=rate,
                cum=cum.normalize(),
            )
        )
        floor, rate_before = cap, rate
    return tuple(found)


def bracket_of(brackets: tuple[Bracket, ...], value_e8: int) -> Bracket:
    """Return the tier of a value in 1e-8 quote; beyond the last one, the last."""
    return next((each for each in brackets if value_e8 <= each.cap * E8), brackets[-1])


def maintenance_e8(brackets: tuple[Bracket, ...], value_e8: int) -> int:
    """Return the maintenance margin of a value, both in 1e-8 quote, ROUND_CEILING."""
    bracket = bracket_of(brackets, value_e8)
    numerator, denominator = bracket.rate.as_integer_ratio()
    return max(0, ceiling(value_e8 * numerator, denominator) - to_e8(bracket.cum))


def notional_max(brackets: tuple[Bracket, ...], leverage: int) -> int:
    """Return the largest value, in quote units, that a position may have at ``leverage``."""
    return max((each.cap for each in brackets if each.leverage_max >= leverage), default=0)


def leverage_max(brackets: tuple[Bracket, ...]) -> int:
    """Return the largest leverage that any position may have."""
    return max(each.leverage_max for each in brackets)
