"""The door for orders: everything that is checked before an order is placed or amended."""

from __future__ import annotations

import re
from decimal import Decimal

import attrs

from grinder.model.order import OrderType, PositionSide, Side, TimeInForce
from grinder.simulation.account import Desk
from grinder.simulation.filters import (
    check_market_price,
    check_notional,
    check_percent_price,
    check_price,
    check_qty,
    market_price,
    matched_ticks,
)
from grinder.simulation.orders import CONDITIONAL_TYPES, LiveOrder, NewOrder, PriceMatch
from grinder.simulation.positions import Leg
from grinder.simulation.refusals import Refusal, Rule

CLIENT_ID = re.compile(r"[.A-Z:/a-z0-9_-]{1,36}")
"""The venue's pattern of a client order id."""

GOOD_TILL_LEAD_MS = 600_000
"""A GTD order must live longer than this."""

GOOD_TILL_END_MS = 253_402_300_799_000
"""A GTD order must end before this, the last second of the year 9999."""

AMENDMENTS_MAX = 10_000
"""Amendments of one order (the venue's maxMoveOrderLimit)."""


@attrs.frozen
class Checked:
    """An order that passed the door, in ticks and lots."""

    ticks: int
    lots: int
    good_till_ms: int
    reduce_only: bool


def check_new(desk: Desk, new: NewOrder, now_ms: int) -> Checked:
    """Return what may be placed.

    Raises:
        Refusal: the first rule that ``new`` breaks.
    """
    check_position_side(desk, new.position_side, reduce_only=new.reduce_only)
    closes = new.position_side.opening is new.side.opposite
    reduce_only = new.reduce_only or closes
    _check_words(desk, new, reduce_only=reduce_only)
    good_till_ms = check_good_till(new.time_in_force, new.good_till_ms, now_ms)
    is_market = new.type == OrderType.MARKET
    price, ticks = new.price, 0
    if new.price_match is not PriceMatch.NONE:
        price = desk.instrument.price(matched_ticks(desk.book, new.side, new.price_match))
    if price is not None:
        ticks = check_price(desk.instrument, price)
    lots = check_qty(desk.instrument, new.qty, is_market=is_market)
    if price is not None:
        check_percent_price(desk.book, new.side, price)
    else:
        check_market_price(desk.book, new.side)
    if new.client_order_id is not None and new.client_order_id in desk.open_ids:
        raise Refusal(Rule.CLIENT_ID_IN_USE)
    if not is_market and len(desk.open) >= desk.instrument.orders_max:
        raise Refusal(Rule.ORDERS_MAX)
    leg = desk.legs[new.position_side]
    if reduce_only:
        lots = _check_reduce_only(leg, new.side, lots, is_market=is_market)
    else:
        _check_opening(leg, new, ticks, lots)
    if new.time_in_force is TimeInForce.GTX and desk.book.would_take(new.side, ticks):
        raise Refusal(Rule.POST_ONLY)
    return Checked(ticks, lots, good_till_ms, reduce_only)


def check_amendment(
    order: LiveOrder, side: Side, price: Decimal, qty: Decimal, *, reduce_only: bool
) -> Checked:
    """Return the price and quantity to which ``order`` may be amended.

    ``reduce_only`` is the flag sent with the amendment: it waives the minimum notional. A quantity
    at or below what is filled passes: it cancels the order.

    Raises:
        Refusal: the first rule that the amendment breaks; the order stays as it was.
    """
    desk = order.desk
    if side is not order.side:
        raise Refusal(Rule.SIDE)
    if reduce_only and not order.reduce_only:
        raise Refusal(Rule.AMEND_NOT_REDUCE_ONLY)
    if order.amendments >= AMENDMENTS_MAX:
        raise Refusal(Rule.AMENDMENTS_MAX)
    ticks = check_price(desk.instrument, price)
    lots = check_qty(desk.instrument, qty, is_market=False)
    if ticks == order.ticks and lots == order.lots:
        raise Refusal(Rule.AMEND_UNCHANGED)
    check_percent_price(desk.book, side, price)
    if not reduce_only:
        check_notional(desk.instrument, price * qty, Rule.AMEND_NOTIONAL_MIN)
    left, leg = lots - order.filled, order.leg
    if left <= 0:
        return Checked(ticks, lots, order.good_till_ms, order.reduce_only)
    if order.reduce_only:
        if leg.reducing[side] - order.remaining + left > leg.reducible(side):
            raise Refusal(Rule.REDUCE_ONLY_SURPLUS)
    else:
        bound = desk.units(side, order.ticks, order.remaining)
        desk.check_funds(leg, side, desk.units(side, ticks, left) - bound)
    return Checked(ticks, lots, order.good_till_ms, order.reduce_only)


def check_position_side(desk: Desk, side: PositionSide, *, reduce_only: bool) -> None:
    """Refuse a position side that is not of the account's mode.

    Raises:
        Refusal: -4061, or -1106 for the reduce-only flag in hedge mode.
    """
    is_hedged = desk.account.is_hedged
    if is_hedged is (side is PositionSide.BOTH):
        raise Refusal(Rule.POSITION_SIDE)
    if is_hedged and reduce_only:
        raise Refusal(Rule.UNWANTED_PARAMETER, name="reduceonly")


def _check_words(desk: Desk, new: NewOrder, *, reduce_only: bool) -> None:
    if new.type in CONDITIONAL_TYPES:
        raise Refusal(Rule.CONDITIONAL_TYPE)
    _check_price_words(new)
    if new.client_order_id is not None and not CLIENT_ID.fullmatch(new.client_order_id):
        raise Refusal(Rule.CLIENT_ID)
    if desk.instrument.status != "TRADING" and not reduce_only:
        raise Refusal(Rule.SYMBOL_STATUS)


def _check_price_words(new: NewOrder) -> None:
    is_matched = new.price_match is not PriceMatch.NONE
    if is_matched and new.type != OrderType.LIMIT:
        raise Refusal(Rule.PRICE_MATCH_TYPE)
    if is_matched and new.price is not None:
        raise Refusal(Rule.UNWANTED_PARAMETER, name="price")
    if new.type == OrderType.LIMIT:
        if new.price is None and not is_matched:
            raise Refusal(Rule.BAD_PARAMETER, name="price")
    elif new.type == OrderType.MARKET:
        if new.price is not None:
            raise Refusal(Rule.UNWANTED_PARAMETER, name="price")
        if new.time_in_force is not TimeInForce.GTC:
            raise Refusal(Rule.UNWANTED_PARAMETER, name="timeInForce")
    else:
        raise Refusal(Rule.ORDER_TYPE)


def check_good_till(time_in_force: TimeInForce, wanted_ms: int | None, now_ms: int) -> int:
    """Return when an order expires, epoch ms rounded down to whole seconds; 0 unless GTD.

    Raises:
        Refusal: -1102, -1106 or -5040.
    """
    if time_in_force is not TimeInForce.GTD:
        if wanted_ms is not None:
            raise Refusal(Rule.UNWANTED_PARAMETER, name="goodTillDate")
        return 0
    if wanted_ms is None:
        raise Refusal(Rule.BAD_PARAMETER, name="goodTillDate")
    # The venue counts whole seconds; rounding down never lets an order live longer than asked.
    good_till_ms = wanted_ms // 1000 * 1000
    if not now_ms + GOOD_TILL_LEAD_MS < good_till_ms < GOOD_TILL_END_MS:
        raise Refusal(Rule.GOOD_TILL)
    return good_till_ms


def _check_reduce_only(leg: Leg, side: Side, lots: int, *, is_market: bool) -> int:
    reducible = leg.reducible(side)
    if reducible == 0:
        raise Refusal(Rule.REDUCE_ONLY)
    if is_market:
        return min(lots, reducible)
    if leg.reducing[side] + lots > reducible:
        raise Refusal(Rule.REDUCE_ONLY_SURPLUS)
    return lots


def _check_opening(leg: Leg, new: NewOrder, ticks: int, lots: int) -> None:
    book, instrument = leg.book, leg.book.instrument
    if ticks:
        check_notional(instrument, instrument.price(ticks) * new.qty, Rule.NOTIONAL_MIN)
        leg.desk.check_funds(leg, new.side, leg.desk.units(new.side, ticks, lots))
        return
    reference = book.mark_price
    if reference is None:
        reference = market_price(book, new.side)
    if reference is not None:
        check_notional(instrument, reference * new.qty, Rule.NOTIONAL_MIN)
        leg.desk.check_market(leg, new.side, lots, reference)
