"""Fixed prices: a grid whose lines stay where they are, or follow the market by whole steps.

What holds of the lines at every moment: there are always as many, neighbours are always one step
apart (or one ratio), and a shift by some steps takes as many off the far side as it puts on the
near one; every line between them is the same line as before.
"""

from __future__ import annotations

from decimal import Decimal

from grinder.model.instrument import Instrument
from grinder.model.order import Side


class Lines:
    """The lines of one symbol. Prices are Decimal, in quote per base."""

    __slots__ = (
        "_instrument",
        "_ratio",
        "_step",
        "base",
        "count",
        "gap",
        "lower",
        "may_fall",
        "may_rise",
    )

    def __init__(
        self, instrument: Instrument, lower: Decimal, upper: Decimal, count: int, *, geometric: bool
    ) -> None:
        """Lay ``count`` lines from ``lower`` to ``upper``, fewer where a tick is wider than a step.

        Raises:
            ValueError: there is no room for two lines.
        """
        self._instrument = instrument
        count = min(count, 1 + int((upper - lower) / instrument.tick))
        if lower <= 0 or count < 2:
            raise ValueError(f"expected room for two lines, was {lower} to {upper}")
        self.lower = lower
        self.count = count
        self.base = 0
        """Number of the lowest line; a shift moves it."""
        self.gap: int | None = None
        """Number of the line that stays empty: the nearest to the market when last flat."""
        self.may_rise = self.may_fall = False
        """Whether the lines follow a market above or below them."""
        self._step = (upper - lower) / (count - 1)
        self._ratio = (upper / lower) ** (Decimal(1) / (count - 1)) if geometric else None

    def price(self, number: int) -> Decimal:
        """Return the price of line ``number``; those of the grid begin at ``base``."""
        if self._ratio is not None:
            return self.lower * self._ratio**number
        return self.lower + self._step * number

    @property
    def top(self) -> int:
        """Number of the highest line."""
        return self.base + self.count - 1

    def step_at(self, number: int) -> Decimal:
        """Return the distance from line ``number`` to the one above it."""
        return self.price(number + 1) - self.price(number)

    def prices(self, side: Side) -> list[int]:
        """Return where orders of one side stand, in ticks, from the empty line outwards."""
        gap = self.base if self.gap is None else self.gap
        if side is Side.BUY:
            numbers = range(min(gap - 1, self.top), self.base - 1, -1)
            return [self._instrument.ticks_down(self.price(number)) for number in numbers]
        numbers = range(max(gap + 1, self.base), self.top + 1)
        return [self._instrument.ticks_up(self.price(number)) for number in numbers]

    def beyond(self, side: Side, ticks: int) -> Decimal:
        """Return the line one step beyond an entry of ``side`` that stood at ``ticks``."""
        price = self._instrument.price(ticks)
        nearest = self._nearest(price)
        return self.price(nearest + 1 if side is Side.BUY else nearest - 1)

    def _nearest(self, price: Decimal) -> int:
        if self._ratio is not None:
            exact = (price / self.lower).ln() / self._ratio.ln()
        else:
            exact = (price - self.lower) / self._step
        return int(exact.to_integral_value())

    def nearest(self, mid: Decimal) -> int:
        """Return the number of the line nearest to the mid."""
        return max(self.base, min(self.top, self._nearest(mid)))

    def is_outside(self, mid: Decimal) -> bool:
        """Return whether the market is beyond lines that do not follow it."""
        is_below, is_above = mid < self.price(self.base), mid > self.price(self.top)
        return (is_below and not self.may_fall) or (is_above and not self.may_rise)

    def recentre(self, mid: Decimal) -> bool:
        """Leave the line nearest to the mid empty; return whether that is another one now.

        The one before stays until the market is a whole step away from it. On a side with orders
        it never gets there: the first of them is filled before.
        """
        nearest = self.nearest(mid)
        gap = self.gap
        if gap is not None and self.base <= gap <= self.top:
            off = mid - self.price(gap)
            step = self.step_at(gap) if off > 0 else self.step_at(gap - 1)
            if nearest == gap or abs(off) < step:
                return False
        self.gap = nearest
        return True

    def shift(self, mid: Decimal) -> int:
        """Follow a market that is a whole step or more beyond the lines; return by how many steps.

        Lines that may rise return a number above 0, lines that may fall one below it.
        """
        steps = 0
        while self.may_rise and mid >= self.price(self.top + steps + 1):
            steps += 1
        while self.may_fall and steps <= 0 < mid <= self.price(self.base + steps - 1):
            steps -= 1
        self.base += steps
        return steps

    def calm(
        self, mid: Decimal, *, is_flat: bool, is_settled: bool = False
    ) -> tuple[Decimal, Decimal | None]:
        """Return between which prices the lines stay as they are; None: whatever is above.

        ``is_settled`` says that the empty line does not follow the market.
        """
        bottom, top = self.price(self.base), self.price(self.top)
        if mid > top:
            return top, self.price(self.top + 1) if is_flat and self.may_rise else None
        if mid < bottom:
            return (self.price(self.base - 1) if is_flat and self.may_fall else Decimal(0)), bottom
        if not is_flat or is_settled or self.gap is None:
            return bottom, top
        return max(bottom, self.price(self.gap - 1)), min(top, self.price(self.gap + 1))
