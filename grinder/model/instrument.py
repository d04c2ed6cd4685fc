"""An instrument, its venue filters, and the only place where money changes its unit.

Inside the system a price is a whole number of ticks and a quantity a whole number of lots; at the
edges both are Decimal. Every conversion names its rounding direction. A buy is rounded down and a
sell up to the tick, so no rounding moves an order towards the market; a quantity is rounded down.
"""

from __future__ import annotations

from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from functools import cached_property

import attrs

from grinder.model.order import PositionSide

SEPARATOR = ":"
"""Stands between a market and the side of a leg: ``BTCUSDT:LONG``."""
_LEG_SIDES = {f"{SEPARATOR}{side.value}": side for side in PositionSide if side.opening}


def side_of(leg: str) -> PositionSide:
    """Return which of its market's positions a leg is, by its name; BOTH in one-way mode."""
    for suffix, side in _LEG_SIDES.items():
        if leg.endswith(suffix):
            return side
    return PositionSide.BOTH


@attrs.frozen(kw_only=True)
class Instrument:
    """One tradable contract with the filters that the venue enforces on it.

    Source: ``GET /fapi/v1/exchangeInfo``; ``pricePrecision`` and ``quantityPrecision`` there are
    display hints and are not used.
    """

    symbol: str
    """Name of what is traded: the venue's symbol, or a leg of it in hedge mode (``grinder.model.
    legs``)."""
    status: str = "TRADING"
    """The venue's contract status; anything but TRADING allows only cancels and exits."""
    base_asset: str
    quote_asset: str = "USDT"
    tick: Decimal
    """Price step, in quote per base (PRICE_FILTER tickSize)."""
    lot: Decimal
    """Quantity step in base units (LOT_SIZE stepSize); in contracts for an inverse one."""
    price_ticks_min: int = 1
    price_ticks_max: int = 2**62
    qty_lots_min: int = 1
    qty_lots_max: int = 2**62
    market_qty_lots_max: int = 2**62
    notional_min: Decimal = Decimal(0)
    """Smallest price x quantity in quote units; reduce-only orders are exempt."""
    multiplier_up: Decimal = Decimal(10)
    """A buy limit may not exceed mark price x this (PERCENT_PRICE)."""
    multiplier_down: Decimal = Decimal(0)
    """A sell limit may not be below mark price x this (PERCENT_PRICE)."""
    is_banded: bool = False
    """The multipliers bound buys from below and sells from above, too (PERCENT_PRICE_BY_SIDE)."""
    trigger_protect: Decimal = Decimal("0.05")
    """How far the last price may be from the mark price, as a fraction of it, for a conditional
    order with price protection to trigger (``triggerProtect``)."""
    orders_max: int = 200
    """Open orders allowed on this symbol (MAX_NUM_ORDERS)."""
    contract_size: Decimal | None = None
    """What one contract of an inverse instrument is worth, in quote units: its quantity is in
    contracts, its money in the base coin. None for a linear one."""

    @cached_property
    def market(self) -> str:
        """The venue's symbol."""
        side = self.position_side
        return self.symbol if side.opening is None else self.symbol.rpartition(SEPARATOR)[0]

    @cached_property
    def position_side(self) -> PositionSide:
        """Which of the market's positions is traded; BOTH in one-way mode."""
        return side_of(self.symbol)

    def price(self, ticks: int) -> Decimal:
        """Return the price of ``ticks``, exact, in quote per base."""
        return self.tick * ticks

    def qty(self, lots: int) -> Decimal:
        """Return the quantity of ``lots``, exact, in base units."""
        return self.lot * lots

    def notional(self, ticks: int, lots: int) -> Decimal:
        """Return price x quantity, exact, in quote units."""
        return self.tick * self.lot * (ticks * lots)

    def ticks_exact(self, price: Decimal) -> int:
        """Return ``price`` in ticks.

        Raises:
            ValueError: ``price`` is not a multiple of the tick.
        """
        ticks = price / self.tick
        if ticks != ticks.to_integral_value():
            raise ValueError(f"price {price} is not a multiple of tick {self.tick}")
        return int(ticks)

    def lots_exact(self, qty: Decimal) -> int:
        """Return ``qty`` in lots.

        Raises:
            ValueError: ``qty`` is not a multiple of the lot.
        """
        lots = qty / self.lot
        if lots != lots.to_integral_value():
            raise ValueError(f"quantity {qty} is not a multiple of lot {self.lot}")
        return int(lots)

    def ticks_down(self, price: Decimal) -> int:
        """Return ``price`` in ticks, rounded towards minus infinity (for buys)."""
        return int((price / self.tick).to_integral_value(ROUND_FLOOR))

    def ticks_up(self, price: Decimal) -> int:
        """Return ``price`` in ticks, rounded towards plus infinity (for sells)."""
        return int((price / self.tick).to_integral_value(ROUND_CEILING))

    def lots_down(self, qty: Decimal) -> int:
        """Return ``qty`` in lots, rounded towards zero for positive quantities."""
        return int((qty / self.lot).to_integral_value(ROUND_FLOOR))

    def lots_for_notional(self, notional: Decimal, ticks: int) -> int:
        """Return the largest number of lots worth at most ``notional`` quote units at ``ticks``.

        Raises:
            ValueError: the price is not positive or the notional is negative.
        """
        if ticks <= 0 or notional < 0:
            raise ValueError(f"expected price > 0 and notional >= 0, was {ticks} and {notional}")
        return self.lots_down(notional / self.price(ticks))
