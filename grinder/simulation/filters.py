"""The venue's filters: what a price, a quantity and their product may be."""

from __future__ import annotations

from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

from grinder.model.instrument import Instrument
from grinder.model.order import Side
from grinder.simulation.book import Book
from grinder.simulation.external import FAR
from grinder.simulation.orders import PriceMatch
from grinder.simulation.refusals import Refusal, Rule


def _decimals(value: Decimal) -> int:
    exponent = value.as_tuple().exponent
    assert isinstance(exponent, int), "checked to be finite"
    return max(0, -exponent)


def _needed_decimals(value: Decimal) -> int:
    # Counted, because normalize() rounds what is longer than the context's precision.
    digits = value.as_tuple().digits
    zeros = next((at for at, digit in enumerate(reversed(digits)) if digit), len(digits))
    return max(0, _decimals(value) - zeros)


def _check_precision(value: Decimal, step: Decimal) -> None:
    # The step is taken as written (0.10 allows two decimals): more decimals are a matter of
    # precision, which is looked at before the range; a value between the steps one of the filter.
    if _needed_decimals(value) > _decimals(step):
        raise Refusal(Rule.PRECISION)


def _steps(value: Decimal, step: Decimal, off_step: Rule) -> int:
    steps = value / step
    if steps != steps.to_integral_value():
        raise Refusal(off_step)
    return int(steps)


def check_price(instrument: Instrument, price: Decimal) -> int:
    """Return ``price`` in ticks.

    Raises:
        Refusal: -1102, -1111, -4002, -4013 or -4014.
    """
    if not price.is_finite():
        raise Refusal(Rule.BAD_PARAMETER, name="price")
    _check_precision(price, instrument.tick)
    if price < instrument.price(instrument.price_ticks_min):
        raise Refusal(Rule.PRICE_MIN)
    if price > instrument.price(instrument.price_ticks_max):
        raise Refusal(Rule.PRICE_MAX)
    return _steps(price, instrument.tick, Rule.PRICE_TICK)


def check_qty(instrument: Instrument, qty: Decimal, *, is_market: bool) -> int:
    """Return ``qty`` in lots.

    Raises:
        Refusal: -1102, -1111, -4003, -4004, -4005 or -4023.
    """
    if not qty.is_finite():
        raise Refusal(Rule.BAD_PARAMETER, name="quantity")
    if qty <= 0:
        raise Refusal(Rule.QTY_ZERO)
    _check_precision(qty, instrument.lot)
    if qty < instrument.qty(instrument.qty_lots_min):
        raise Refusal(Rule.QTY_MIN)
    lots_max = instrument.qty_lots_max
    if is_market:
        lots_max = min(lots_max, instrument.market_qty_lots_max)
    if qty > instrument.qty(lots_max):
        raise Refusal(Rule.QTY_MAX)
    return _steps(qty, instrument.lot, Rule.QTY_STEP)


def check_notional(instrument: Instrument, notional: Decimal, rule: Rule) -> None:
    """Refuse an order worth less than the instrument's minimum.

    Raises:
        Refusal: ``rule``, which is -4164 for a new order and -5029 for an amendment.
    """
    if notional < instrument.notional_min:
        raise Refusal(rule, notional=format(instrument.notional_min.normalize(), "f"))


def check_percent_price(book: Book, side: Side, price: Decimal) -> None:
    """Refuse a limit price too far from the mark price; nothing is refused without one.

    Raises:
        Refusal: -4016 for a buy above mark x multiplier, -4024 for a sell below it; where the
            instrument is banded, either for any side.
    """
    if book.mark_price is None:
        return
    instrument = book.instrument
    cap = book.mark_price * instrument.multiplier_up
    if price > cap and (side is Side.BUY or instrument.is_banded):
        raise Refusal(Rule.PRICE_CAP, limit=cap.quantize(instrument.tick, ROUND_FLOOR))
    floor = book.mark_price * instrument.multiplier_down
    if price < floor and (side is Side.SELL or instrument.is_banded):
        raise Refusal(Rule.PRICE_FLOOR, limit=floor.quantize(instrument.tick, ROUND_CEILING))


def matched_ticks(book: Book, side: Side, match: PriceMatch) -> int:
    """Return the price of the level that ``match`` means for an order of ``side``, in ticks.

    Where fewer levels are known than it counts, the farthest known one is meant.

    Raises:
        Refusal: -5041 when nothing stands on that side of the book.
    """
    half = book.opposite(side) if match.is_opponent else book.half(side)
    known = {key for key in half.external.keys_within(FAR - 1) if half.external.available(key)}
    keys = sorted(known.union(half.keys))
    if not keys:
        raise Refusal(Rule.NO_DEPTH)
    return keys[min(match.level, len(keys)) - 1] * half.direction


def market_price(book: Book, side: Side) -> Decimal | None:
    """Return the best price that a market order of ``side`` would meet; None on an empty side."""
    opposite = book.opposite(side)
    key = min(opposite.best, opposite.external.touch)
    return None if key == FAR else book.instrument.price(key * opposite.direction)


def check_market_price(book: Book, side: Side) -> None:
    """Refuse a market order whose counterparty is too far from the mark price.

    Raises:
        Refusal: -4131.
    """
    best = market_price(book, side)
    if best is None or book.mark_price is None:
        return
    instrument = book.instrument
    if side is Side.BUY:
        is_outside = best > book.mark_price * instrument.multiplier_up
    else:
        is_outside = best < book.mark_price * instrument.multiplier_down
    if is_outside:
        raise Refusal(Rule.MARKET_PRICE_BAND)
