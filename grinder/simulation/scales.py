"""How an instrument's ticks and lots become money: linear contracts and inverse ones.

Costs are whole numbers of atoms. For a linear contract an atom is 1e-8 quote, or finer where
tick x lot is finer than 1e-8, so that price x quantity is always whole. For an inverse contract,
whose money is its base coin, an atom is 1e-20 coin, and what one lot is worth is rounded to it.

An inverse contract is a linear one in another price: with ``weight = -size / price`` instead of the
price itself, profit is quantity x change of weight for both. So everything that books profit and
cost speaks of weights, and everything that needs a size of its magnitude, the ``worth``.
"""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Decimal

import attrs

from grinder.model.instrument import Instrument
from grinder.simulation.money import E8, ceiling, half_even

PRICE_STEP = Decimal("1e-8")
"""Averages are shown with eight decimals, ROUND_HALF_EVEN; they are never computed with."""

INVERSE_DECIMALS = 20
INVERSE_ATOMS = 10**INVERSE_DECIMALS


@attrs.frozen
class Scale:
    """A linear contract: worth price x quantity, in quote units."""

    instrument: Instrument
    unit_atoms: int
    """Atoms in one lot x one unit of weight."""
    e8_atoms: int
    """Atoms in 1e-8 of the money; 1 for a linear contract unless tick x lot is finer than that."""
    lot: tuple[int, int]
    """One lot as a ratio of whole numbers."""

    direction = 1
    """The sign of the weight of a price."""

    @classmethod
    def of(cls, instrument: Instrument) -> Scale:
        """Return the scale of a linear ``instrument``."""
        unit = (instrument.tick * instrument.lot).normalize()
        exponent = unit.as_tuple().exponent
        assert isinstance(exponent, int), "tick and lot are finite"
        decimals = max(8, -exponent)
        return cls(
            instrument,
            int(unit.scaleb(decimals)),
            10 ** (decimals - 8),
            instrument.lot.as_integer_ratio(),
        )

    @property
    def asset(self) -> str:
        """The asset in which profit, commission and funding are paid."""
        return self.instrument.quote_asset

    def weight(self, ticks: int) -> int:
        """Return what profit is counted in: it rises with the price; 0 for no price."""
        return ticks

    def worth(self, ticks: int) -> int:
        """Return the magnitude of the weight."""
        return ticks

    def atoms_at(self, price_e8: int, lots: int) -> int:
        """Return the weight of signed ``lots`` at a price off the tick grid, ROUND_HALF_EVEN."""
        return half_even(price_e8 * lots * self.lot[0] * self.e8_atoms, self.lot[1])

    def e8(self, atoms: int) -> int:
        """Return atoms in units of 1e-8, ROUND_HALF_EVEN (exact when an atom is 1e-8)."""
        return atoms if self.e8_atoms == 1 else half_even(atoms, self.e8_atoms)

    def funding_e8(self, rate: Decimal, price: Decimal, lots: int) -> int:
        """Return rate x value of signed ``lots``, ROUND_HALF_EVEN; positive is paid by longs."""
        (a, b), (c, d) = rate.as_integer_ratio(), price.as_integer_ratio()
        return half_even(a * c * self.lot[0] * lots * E8, b * d * self.lot[1])

    def commission_e8(self, rate: Decimal, ticks: int, lots: int) -> int:
        """Return rate x value, ROUND_CEILING from what is exact, so that it never flatters."""
        a, b = rate.as_integer_ratio()
        return ceiling(ticks * lots * self.unit_atoms * a, b * self.e8_atoms)

    def total(self, units: int) -> Decimal:
        """Return the money of ``units`` (worth x lots), exact."""
        return self.instrument.tick * self.instrument.lot * units

    def average(self, units: int, lots: int) -> Decimal:
        """Return the average price of ``lots`` that are worth ``units``, ROUND_HALF_EVEN."""
        price = self.total(units) / (self.instrument.lot * lots)
        return price.quantize(PRICE_STEP, ROUND_HALF_EVEN)

    def entry_price(self, cost: int, lots: int) -> Decimal:
        """Return the price at which signed ``lots`` cost ``cost`` atoms, ROUND_HALF_EVEN."""
        units = Decimal(cost) / (self.unit_atoms * lots)
        return (units * self.instrument.tick).quantize(PRICE_STEP, ROUND_HALF_EVEN)

    def price_where(self, money: Decimal, qty: Decimal) -> Decimal:
        """Return the price at which signed ``qty`` weighs ``money``; 0 when there is none."""
        return max(Decimal(0), (money / qty).quantize(PRICE_STEP, ROUND_HALF_EVEN))

    def ticks_where(self, atoms: int, lots: int) -> int:
        """Return the price at which signed ``lots`` weigh ``atoms``: up for a long, down else."""
        unit = lots * self.unit_atoms
        return ceiling(atoms, unit) if lots > 0 else atoms // unit

    def dear_ticks(self, price: Decimal) -> int:
        """Return the tick beside ``price`` at which a lot is worth more."""
        return self.instrument.ticks_up(price)


@attrs.frozen
class InverseScale(Scale):
    """An inverse contract: worth a fixed sum of quote, paid in its base coin."""

    lot_quote: tuple[int, int] = (0, 1)
    """What one lot is worth in quote units, as a ratio."""
    tick: tuple[int, int] = (0, 1)

    direction = -1

    @classmethod
    def of(cls, instrument: Instrument) -> InverseScale:
        """Return the scale of an inverse ``instrument``."""
        assert instrument.contract_size is not None, "an inverse contract has a size"
        return cls(
            instrument,
            1,
            10 ** (INVERSE_DECIMALS - 8),
            instrument.lot.as_integer_ratio(),
            (instrument.contract_size * instrument.lot).as_integer_ratio(),
            instrument.tick.as_integer_ratio(),
        )

    @property
    def asset(self) -> str:
        """The base coin."""
        return self.instrument.base_asset

    def weight(self, ticks: int) -> int:
        """Return minus what one lot is worth, in atoms, ROUND_HALF_EVEN; 0 for no price."""
        return -self.worth(ticks)

    def worth(self, ticks: int) -> int:
        """Return what one lot is worth, in atoms, ROUND_HALF_EVEN; 0 for no price."""
        if not ticks:
            return 0
        (quote, per), (step, part) = self.lot_quote, self.tick
        return half_even(quote * part * INVERSE_ATOMS, per * step * ticks)

    def atoms_at(self, price_e8: int, lots: int) -> int:
        """Return the weight of signed ``lots`` at a price off the tick grid, ROUND_HALF_EVEN."""
        quote, per = self.lot_quote
        return -half_even(quote * lots * INVERSE_ATOMS * E8, per * price_e8)

    def funding_e8(self, rate: Decimal, price: Decimal, lots: int) -> int:
        """Return rate x value of signed ``lots`` in coin, ROUND_HALF_EVEN; longs pay positive."""
        (a, b), (c, d) = rate.as_integer_ratio(), price.as_integer_ratio()
        quote, per = self.lot_quote
        return half_even(a * quote * d * lots * E8, b * per * c)

    def commission_e8(self, rate: Decimal, ticks: int, lots: int) -> int:
        """Return rate x value in coin, ROUND_CEILING from what is exact."""
        (a, b), (quote, per), (step, part) = rate.as_integer_ratio(), self.lot_quote, self.tick
        return ceiling(a * quote * part * lots * E8, b * per * step * ticks)

    def total(self, units: int) -> Decimal:
        """Return the coin of ``units`` (worth x lots), exact."""
        return Decimal(units).scaleb(-INVERSE_DECIMALS)

    def average(self, units: int, lots: int) -> Decimal:
        """Return the price at which ``lots`` are worth ``units``: the harmonic mean."""
        return self.entry_price(-units, lots)

    def entry_price(self, cost: int, lots: int) -> Decimal:
        """Return the price at which signed ``lots`` cost ``cost`` atoms, ROUND_HALF_EVEN."""
        quote, per = self.lot_quote
        price = Decimal(-quote * lots * INVERSE_ATOMS) / Decimal(per * cost)
        return price.quantize(PRICE_STEP, ROUND_HALF_EVEN)

    def price_where(self, money: Decimal, qty: Decimal) -> Decimal:
        """Return the price at which signed ``qty`` weighs ``money``; 0 when there is none."""
        weight, size = money / qty, self.instrument.contract_size
        assert size is not None, "an inverse contract has a size"
        if weight >= 0:
            return Decimal(0)
        return (-size / weight).quantize(PRICE_STEP, ROUND_HALF_EVEN)

    def ticks_where(self, atoms: int, lots: int) -> int:
        """Return the price at which signed ``lots`` weigh ``atoms``: up for a long, down else."""
        (quote, per), (step, part) = self.lot_quote, self.tick
        if atoms * lots >= 0:
            # No price is high enough: a short can't lose more than it is worth.
            return self.instrument.price_ticks_max
        ticks, unit = -quote * part * INVERSE_ATOMS * lots, per * step * atoms
        return ceiling(ticks, unit) if lots > 0 else ticks // unit

    def dear_ticks(self, price: Decimal) -> int:
        """Return the tick beside ``price`` at which a lot is worth more: the lower one."""
        return max(1, self.instrument.ticks_down(price))


def scale_of(instrument: Instrument) -> Scale:
    """Return the scale of an instrument of either kind."""
    kind = Scale if instrument.contract_size is None else InverseScale
    return kind.of(instrument)
