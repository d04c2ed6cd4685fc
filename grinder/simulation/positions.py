"""Positions: signed lots and their cost, and what an account has open beside each of them."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from grinder.model.order import PositionSide, Side
from grinder.simulation.brackets import bracket_of, maintenance_e8
from grinder.simulation.money import ceiling, from_e8, half_even
from grinder.simulation.reports import PositionState
from grinder.simulation.scales import Scale

if TYPE_CHECKING:
    from grinder.simulation.account import Desk


class Position:
    """Signed lots and what they weighed when they came, in atoms."""

    __slots__ = ("cost", "lots", "opening_fees_e8", "realised_e8", "updated_ms")

    def __init__(self) -> None:
        self.lots = 0
        self.cost = 0
        self.opening_fees_e8 = 0
        """Commission that was paid to open what is held."""
        self.realised_e8 = 0
        self.updated_ms = 0

    def pay(self, signed_lots: int, commission_e8: int) -> None:
        """Book the commission of the fill that comes next.

        What closes takes its share of the opening commission along, ROUND_HALF_EVEN.
        """
        held, size = self.lots, abs(signed_lots)
        closed = min(abs(held), size) if held * signed_lots < 0 else 0
        if closed:
            self.opening_fees_e8 -= half_even(self.opening_fees_e8 * closed, abs(held))
        self.opening_fees_e8 += half_even(commission_e8 * (size - closed), size)

    def apply(self, signed_lots: int, ticks: int, scale: Scale) -> int:
        """Book a fill and return the profit it realises, in 1e-8, ROUND_HALF_EVEN.

        What rounding leaves stays in the cost of what is still held, so the profits of a position
        add up to the exact sum once it is flat.
        """
        held = self.lots
        self.lots = held + signed_lots
        unit = scale.weight(ticks) * scale.unit_atoms
        value = signed_lots * unit
        if held * signed_lots >= 0:
            self.cost += value
            return 0
        size = abs(held)
        closed = min(size, abs(signed_lots))
        proceeds = (closed if held > 0 else -closed) * unit
        realised_e8 = half_even(proceeds * size - self.cost * closed, size * scale.e8_atoms)
        self.realised_e8 += realised_e8
        if closed < size:
            self.cost -= proceeds - realised_e8 * scale.e8_atoms
        else:
            self.cost = value + proceeds
        return realised_e8


class Leg:
    """One position of a desk: BOTH in one-way mode, LONG and SHORT in hedge mode."""

    __slots__ = (
        "book",
        "desk",
        "exposure",
        "is_called",
        "isolated_e8",
        "position",
        "reducing",
        "side",
    )

    def __init__(self, desk: Desk, side: PositionSide) -> None:
        self.desk = desk
        self.book = desk.book
        self.side = side
        self.position = Position()
        self.exposure = {Side.BUY: 0, Side.SELL: 0}
        """Sum of units (worth x remaining lots) of open orders that are not reduce-only."""
        self.reducing = {Side.BUY: 0, Side.SELL: 0}
        """Remaining lots of open reduce-only orders that may rest."""
        self.isolated_e8 = 0
        """The part of the wallet that is set apart for this position; 0 under crossed margin."""
        self.is_called = False
        """Whether the owner has been warned of too little isolated margin, until it is enough."""

    def apply(self, signed_lots: int, ticks: int) -> int:
        """Book a fill and return the profit it realises, in 1e-8, ROUND_HALF_EVEN.

        Under isolated margin, what opens takes its initial margin from the wallet (ROUND_CEILING)
        and what closes gives back its share (ROUND_HALF_EVEN; all of it once flat).
        """
        scale, held = self.book.scale, self.position.lots
        realised_e8 = self.position.apply(signed_lots, ticks, scale)
        if self.desk.is_isolated:
            closed = min(abs(held), abs(signed_lots)) if held * signed_lots < 0 else 0
            if closed:
                self.isolated_e8 -= half_even(self.isolated_e8 * closed, abs(held))
            opened = abs(signed_lots) - closed
            value_e8 = scale.e8(opened * scale.worth(ticks) * scale.unit_atoms)
            self.isolated_e8 += ceiling(value_e8, self.desk.leverage)
        return realised_e8

    def reducible(self, side: Side) -> int:
        """Return the lots that orders of ``side`` can take from the position."""
        return max(0, -self.position.lots * side.sign)

    def value_e8(self) -> int:
        """Return the position's signed value at the mark price (at cost without one)."""
        scale = self.book.scale
        return scale.direction * scale.e8(self._weight())

    def _weight(self) -> int:
        book, position = self.book, self.position
        if book.mark_price is None:
            return position.cost
        return book.scale.atoms_at(book.mark_e8, position.lots)

    def unrealised_e8(self) -> int:
        """Return the profit not yet realised, at the mark price (0 without one)."""
        book, position = self.book, self.position
        if book.mark_price is None or not position.lots:
            return 0
        return book.scale.e8(book.scale.atoms_at(book.mark_e8, position.lots) - position.cost)

    def margin_e8(self, buy_units: int = 0, sell_units: int = 0) -> int:
        """Return the initial margin with that much more open: the worst value over the leverage.

        ROUND_CEILING.
        """
        return ceiling(self.worst_e8(buy_units, sell_units), self.desk.leverage)

    def worst_e8(self, buy_units: int = 0, sell_units: int = 0) -> int:
        """Return the largest value that position and orders can reach, with that much more open.

        The larger of position plus buys and position less sells: only one side of a grid can make
        the position grow.
        """
        scale, value = self.book.scale, self.value_e8()
        buys = scale.e8((self.exposure[Side.BUY] + buy_units) * scale.unit_atoms)
        sells = scale.e8((self.exposure[Side.SELL] + sell_units) * scale.unit_atoms)
        return max(abs(value), value + buys, sells - value)

    def position_margin_e8(self) -> int:
        """Return the part of the margin that the position alone needs, ROUND_CEILING."""
        return ceiling(abs(self.value_e8()), self.desk.leverage)

    def maintenance_e8(self) -> int:
        """Return the margin below which the position is liquidated, ROUND_CEILING."""
        return maintenance_e8(self.book.brackets, abs(self.value_e8()))

    def liquidation_price(self) -> Decimal:
        """Return the mark price at which the margin is gone, if nothing else moves.

        Eight decimals, ROUND_HALF_EVEN, computed with the rate of today's bracket; 0 for a flat
        position and for one that no price can bring so far.
        """
        book, wallet, lots = self.book, self.desk.wallet, self.position.lots
        if not lots or book.mark_price is None:
            return Decimal(0)
        bracket = bracket_of(book.brackets, abs(self.value_e8()))
        others_e8 = 0
        if self.desk.is_isolated:
            equity_e8 = self.isolated_e8 + self.unrealised_e8()
        else:
            equity_e8 = wallet.cross_equity_e8()
            others_e8 = wallet.cross_maintenance_e8() - self.maintenance_e8()
        scale, qty = book.scale, book.instrument.lot * lots
        # weight(price) - weight(mark) + equity = |weight(price)| x rate - cum + what others need
        money = from_e8(scale.e8(self._weight()) - equity_e8 + others_e8) - bracket.cum
        return scale.price_where(money, qty - scale.direction * abs(qty) * bracket.rate)

    def bankruptcy_ticks(self, equity_e8: int) -> int:
        """Return the price at which closing leaves nothing of ``equity_e8``.

        Equity is at the mark price, so it is what the weight may fall from there. Rounded for the
        owner.
        """
        scale = self.book.scale
        atoms = (scale.e8(self._weight()) - equity_e8) * scale.e8_atoms
        ticks = scale.ticks_where(atoms, self.position.lots)
        return min(max(ticks, 1), self.book.instrument.price_ticks_max)

    def entry_price(self) -> Decimal:
        """Return the average entry price, eight decimals, ROUND_HALF_EVEN; 0 when flat."""
        lots = self.position.lots
        return self.book.scale.entry_price(self.position.cost, lots) if lots else Decimal(0)

    def break_even_price(self) -> Decimal:
        """Return the entry price moved by the commission that opening cost; 0 when flat.

        Recorded positions show just this: neither the commission of closing nor earlier profits
        are in it. Eight decimals, ROUND_HALF_EVEN.
        """
        lots, scale = self.position.lots, self.book.scale
        if not lots:
            return Decimal(0)
        atoms = self.position.cost + self.position.opening_fees_e8 * scale.e8_atoms
        return scale.entry_price(atoms, lots)

    def state(self) -> PositionState:
        """Return the position as the venue shows it."""
        position, instrument = self.position, self.book.instrument
        return PositionState(
            symbol=instrument.symbol,
            side=self.side,
            qty=instrument.lot * position.lots,
            qty_lots=position.lots,
            entry_price=self.entry_price(),
            break_even=self.break_even_price(),
            realised=from_e8(position.realised_e8),
            unrealised=from_e8(self.unrealised_e8()),
            maintenance=from_e8(self.maintenance_e8()),
            is_isolated=self.desk.is_isolated,
            isolated_wallet=from_e8(self.isolated_e8),
            updated_ms=position.updated_ms,
        )
