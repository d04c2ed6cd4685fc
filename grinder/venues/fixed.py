"""Decimal text to whole numbers of a step, without a float and, mostly, without a Decimal."""

from __future__ import annotations

from collections.abc import Callable
from decimal import ROUND_HALF_EVEN, Decimal, InvalidOperation

from grinder.model.instrument import Instrument

DIGITS_MAX = 28
"""Digits of a number of steps; the largest quantity at any venue is far below."""


def whole_steps(step: Decimal) -> Callable[[str], int]:
    """Return a function from decimal text to the exact number of ``step`` in it.

    The function raises ValueError for a text that is no decimal number or no multiple of the
    step, and for a value that is no text: a JSON number would have been a float.
    """
    exponent = step.normalize().as_tuple().exponent
    assert isinstance(exponent, int)
    digits = max(0, -exponent)
    unit: int = int(step.scaleb(digits))
    # Text with n digits behind the point is a whole number of 10**-n: the usual n are prepared.
    scales: tuple[int, ...] = tuple(10 ** (digits - n) for n in range(digits + 1))

    def convert(text: str) -> int:
        try:
            whole, _, fraction = text.partition(".")
            scaled: int = int(whole + fraction) * scales[len(fraction)]
        except (AttributeError, IndexError, ValueError):
            return _slowly(text, step)
        if unit == 1:
            return scaled
        steps, rest = divmod(scaled, unit)
        if rest:
            raise ValueError(f"expected a multiple of {step}, was {text}")
        return steps

    return convert


def _slowly(text: object, step: Decimal) -> int:
    if not isinstance(text, str):
        raise ValueError(f"expected decimal text, was {text!r}")
    try:
        steps = Decimal(text) / step
        # An exponent can name a number that would fill the memory with its digits.
        if steps.adjusted() < DIGITS_MAX and steps == steps.to_integral_value():
            return int(steps)
    except InvalidOperation:
        raise ValueError(f"expected decimal text, was {text!r}") from None
    raise ValueError(f"expected a multiple of {step}, was {text}")


class Scale:
    """The conversions of one instrument."""

    __slots__ = ("_tick", "lots", "ticks")

    def __init__(self, instrument: Instrument) -> None:
        self.ticks = whole_steps(instrument.tick)
        self.lots = whole_steps(instrument.lot)
        self._tick = instrument.tick

    def nearest_ticks(self, text: object) -> int:
        """Return the tick nearest to a price that need not be on one: an average, say.

        Raises:
            ValueError: it is not text, or not a finite decimal number.
        """
        return int((money(text) / self._tick).to_integral_value(ROUND_HALF_EVEN))


def money(text: object) -> Decimal:
    """Return decimal text as Decimal.

    Raises:
        ValueError: it is not text, or not a finite decimal number.
    """
    if not isinstance(text, str):
        raise ValueError(f"expected decimal text, was {text!r}")
    try:
        value = Decimal(text)
    except InvalidOperation:
        raise ValueError(f"expected decimal text, was {text!r}") from None
    if not value.is_finite():
        raise ValueError(f"expected a finite number, was {text!r}")
    return value
