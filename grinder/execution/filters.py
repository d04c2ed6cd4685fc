"""The venue's filters, checked before an order leaves.

A price or a quantity inside the system is a whole number of ticks and lots, so only a Decimal that
enters at an edge can be off the grid (``off_grid``); everything else is ``check``. Named rounding
is done by ``Instrument``, never here: an order that does not fit is refused, not bent.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from math import ceil

from grinder.execution.denials import DenialCode, denial
from grinder.messages.grid import Denial, Intent, Manner
from grinder.model.instrument import Instrument
from grinder.model.order import Side

PARTS_MAX = 10
"""Orders of one try to close a position, where the venue allows none large enough for all."""


def parts_of(lots: int, most: int, least: int) -> list[int]:
    """Return ``lots`` in parts of at most ``most`` and, if that can be, at least ``least``.

    A rest too small for the venue takes what it lacks from the part before it.
    """
    parts = [min(most, lots - taken) for taken in range(0, lots, most)]
    if len(parts) > 1 and parts[-1] < least:
        parts[-2] -= least - parts[-1]
        parts[-1] = least
    return parts


class Bounds:
    """The filters of one symbol in integers, for the orders that fit: nearly all of them."""

    def __init__(self, instrument: Instrument, mark_price: Decimal | None) -> None:
        self.instrument = instrument
        self.mark_price = mark_price
        low, high = instrument.price_ticks_min, instrument.price_ticks_max
        self._low = self._high = (low, high)
        if mark_price is not None:
            self._high = (
                low,
                min(high, instrument.ticks_down(mark_price * instrument.multiplier_up)),
            )
            self._low = (
                max(low, instrument.ticks_up(mark_price * instrument.multiplier_down)),
                high,
            )
        unit = Fraction(instrument.tick * instrument.lot)
        self._units_min = ceil(Fraction(instrument.notional_min) / unit)

    def fits(self, intents: Sequence[Intent], open_orders: int) -> bool:
        """Return whether ``check`` finds nothing in any of several placements, counted in turn.

        Without a book to cross, and each of them open as soon as the next one is looked at.
        """
        instrument = self.instrument
        lots_min, lots_max = instrument.qty_lots_min, instrument.qty_lots_max
        is_trading = instrument.status == "TRADING"
        units_min = self._units_min
        buys, sells, buy = self._high, self._low, Side.BUY
        for intent in intents:
            ticks, lots = intent.price_ticks, intent.qty_lots
            low, high = buys if intent.side is buy else sells
            is_well = low <= ticks <= high and lots_min <= lots <= lots_max
            if not is_well or not (
                intent.reduce_only or (is_trading and ticks * lots >= units_min)
            ):
                return False
        return open_orders + len(intents) <= instrument.orders_max

    def find(self, intent: Intent, open_orders: int) -> Denial | None:
        """Return what ``check`` finds in one of them, without a book to cross."""
        return check(
            intent,
            self.instrument,
            bid_ticks=0,
            ask_ticks=0,
            mark_price=self.mark_price,
            open_orders=open_orders,
        )


def off_grid(instrument: Instrument, price: Decimal, qty: Decimal) -> DenialCode | None:
    """Return which of the two is no multiple of its step, the price first; None when both are."""
    if price % instrument.tick != 0:
        return DenialCode.FILTER_VIOLATION_TICK_SIZE
    if qty % instrument.lot != 0:
        return DenialCode.FILTER_VIOLATION_STEP_SIZE
    return None


def check(
    intent: Intent,
    instrument: Instrument,
    *,
    bid_ticks: int,
    ask_ticks: int,
    mark_price: Decimal | None,
    open_orders: int,
    is_post_only: bool = True,
) -> Denial | None:
    """Return why a placement may not be sent as it is, or None.

    A market order has no price, and a limit of its own for its quantity.

    Args:
        intent: a placement with price and quantity.
        instrument: the filters.
        bid_ticks: best bid; 0 when none is known.
        ask_ticks: best ask; 0 when none is known.
        mark_price: for the venue's price band; None skips that check.
        open_orders: orders of the symbol that rest or are under way.
        is_post_only: an order that may not take must not touch the other side.
    """
    if instrument.status != "TRADING" and intent.adds_risk:
        return denial(DenialCode.SYMBOL_NOT_TRADING, intent, status=instrument.status)
    if intent.manner is Manner.MARKET:
        return _check_quantity(intent, instrument)
    if is_post_only and _crosses(intent, bid_ticks, ask_ticks):
        return denial(
            DenialCode.WOULD_CROSS_SPREAD,
            intent,
            price=instrument.price(intent.price_ticks),
            bid=instrument.price(bid_ticks),
            ask=instrument.price(ask_ticks),
        )
    return (
        _check_quantity(intent, instrument)
        or _check_price(intent, instrument, mark_price)
        or _check_count(intent, instrument, open_orders)
    )


def _crosses(intent: Intent, bid_ticks: int, ask_ticks: int) -> bool:
    if intent.side is Side.BUY:
        return 0 < ask_ticks <= intent.price_ticks
    return intent.price_ticks <= bid_ticks


def _check_quantity(intent: Intent, instrument: Instrument) -> Denial | None:
    lots, most = intent.qty_lots, instrument.qty_lots_max
    if intent.manner is Manner.MARKET:
        most = min(most, instrument.market_qty_lots_max)
    if lots < instrument.qty_lots_min:
        return denial(
            DenialCode.FILTER_VIOLATION_MIN_QTY,
            intent,
            qty=instrument.qty(lots),
            min=instrument.qty(instrument.qty_lots_min),
        )
    if lots > most:
        return denial(
            DenialCode.FILTER_VIOLATION_MAX_QTY,
            intent,
            qty=instrument.qty(lots),
            max=instrument.qty(most),
        )
    notional = instrument.notional(intent.price_ticks, lots)
    if notional < instrument.notional_min and not intent.reduce_only:
        return denial(
            DenialCode.FILTER_VIOLATION_MIN_NOTIONAL,
            intent,
            notional=notional,
            min=instrument.notional_min,
        )
    return None


def _check_price(
    intent: Intent, instrument: Instrument, mark_price: Decimal | None
) -> Denial | None:
    ticks = intent.price_ticks
    low = instrument.price(instrument.price_ticks_min)
    high = instrument.price(instrument.price_ticks_max)
    if mark_price is not None:
        if intent.side is Side.BUY:
            high = min(high, mark_price * instrument.multiplier_up)
        else:
            low = max(low, mark_price * instrument.multiplier_down)
    price = instrument.price(ticks)
    if low <= price <= high:
        return None
    return denial(DenialCode.FILTER_VIOLATION_PRICE_RANGE, intent, price=price, min=low, max=high)


def _check_count(intent: Intent, instrument: Instrument, open_orders: int) -> Denial | None:
    if open_orders < instrument.orders_max:
        return None
    return denial(DenialCode.MAX_OPEN_ORDERS, intent, open=open_orders, max=instrument.orders_max)
