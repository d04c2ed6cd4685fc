"""A position and its average price: open, add, reduce, close, turn."""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Context, Decimal

import attrs

_MEAN = Context(prec=40, rounding=ROUND_HALF_EVEN)
"""A mean needs a division; everything else here is exact."""
_ZERO = Decimal(0)


@attrs.frozen(kw_only=True)
class Holding:
    """What is held of one symbol, and what it cost on average."""

    lots: int = 0
    """Signed: positive long, negative short."""
    average: Decimal = _ZERO
    """In quote per base, to 40 digits; 0 when flat."""

    def traded(self, signed_lots: int, price: Decimal) -> tuple[Holding, Decimal]:
        """Return what is held after a fill, and the profit it realises for one base unit a lot.

        Reducing leaves the average as it is; turning realises on what is closed and begins anew at
        the price of the fill.
        """
        before, after = self.lots, self.lots + signed_lots
        if before * signed_lots >= 0:
            return Holding(lots=after, average=self._mean(signed_lots, price)), _ZERO
        closed = min(abs(before), abs(signed_lots))
        realized = (price - self.average) * (closed if before > 0 else -closed)
        if after == 0:
            return Holding(), realized
        average = self.average if before * after > 0 else price
        return Holding(lots=after, average=average), realized

    def _mean(self, signed_lots: int, price: Decimal) -> Decimal:
        before, added = abs(self.lots), abs(signed_lots)
        if not before:
            return price
        cost = _MEAN.add(_MEAN.multiply(self.average, Decimal(before)), price * added)
        return _MEAN.divide(cost, Decimal(before + added))
