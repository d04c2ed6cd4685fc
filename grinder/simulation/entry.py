"""The door for orders: everything that is checked before an order is placed or amended."""

from __future__ import annotations

import re
from decimal import Decimal

import attrs

from grinder.model.order import OrderType, Side, TimeInForce
from grinder.simulation.account import Desk
from grinder.simulation.filters import (
    check_market_price,
    check_notional,
    check_percent_price,
    check_price,
    check_qty,
    market_price,
)
from grinder.simulation.orders import CONDITIONAL_TYPES, LiveOrder, NewOrder
from grinder.simulation.refusals import Refusal, Rule

CLIENT_ID = re.compile(r"[.A-Z:/a-z0-9_-]{1,36}")
"""The venue's pattern of a client order id."""

GOOD_TILL_LEAD_MS = 600_000
"""A GTD order must live longer than this."""

AMENDMENTS_MAX = 10_000
"""Amendments of one order (the venue's maxMoveOrderLimit)."""


@attrs.frozen
class Checked:
    """An order that passed the door, in ticks and lots."""

    ticks: int
    lots: int
    good_till_ms: int


def check_new(desk: Desk, new: NewOrder, now_ms: int) -> Checked:
    """Return what may be placed.

    Raises:
        Refusal: the first rule that ``new`` breaks.
    """
    _check_words(desk, new)
    good_till_ms = _check_good_till(new, now_ms)
    is_market = new.type == OrderType.MARKET
    ticks = 0
    if new.price is not None:
        ticks = check_price(desk.instrument, new.price)
    lots = check_qty(desk.instrument, new.qty, is_market=is_market)
    if new.price is not None:
        check_percent_price(desk.book, new.side, new.price)
    else:
        check_market_price(desk.book, new.side)
    if new.client_order_id is not None and new.client_order_id in desk.open_ids:
        raise Refusal(Rule.CLIENT_ID_IN_USE)
    if not is_market and len(desk.open) >= desk.instrument.orders_max:
        raise Refusal(Rule.ORDERS_MAX)
    if new.reduce_only:
        _check_reduce_only(desk, new.side, lots)
    else:
        _check_opening(desk, new, ticks, lots)
    if new.time_in_force is TimeInForce.GTX and desk.book.would_take(new.side, ticks):
        raise Refusal(Rule.POST_ONLY)
    return Checked(ticks, lots, good_till_ms)


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
    left = lots - order.filled
    if left <= 0:
        return Checked(ticks, lots, order.good_till_ms)
    if order.reduce_only:
        if desk.reducing[side] - order.remaining + left > desk.reducible(side):
            raise Refusal(Rule.REDUCE_ONLY_SURPLUS)
    else:
        check_margin(desk, side, ticks * left - order.ticks * order.remaining)
    return Checked(ticks, lots, order.good_till_ms)


def check_margin(desk: Desk, side: Side, units: int) -> None:
    """Refuse what needs more initial margin than the account has.

    ``units`` (ticks x lots) is what comes to be open on ``side``. What does not raise the margin is
    never refused, so that an account under water can still reduce.

    Raises:
        Refusal: -2019.
    """
    before = desk.margin_e8()
    if side is Side.BUY:
        after = desk.margin_e8(buy_units=units)
    else:
        after = desk.margin_e8(sell_units=units)
    account = desk.account
    if after <= before:
        return
    if account.margin_e8() - before + after > account.wallet_e8 + account.unrealised_e8():
        raise Refusal(Rule.MARGIN)


def _check_words(desk: Desk, new: NewOrder) -> None:
    if new.type in CONDITIONAL_TYPES:
        raise Refusal(Rule.CONDITIONAL_TYPE)
    if new.type == OrderType.LIMIT:
        if new.price is None:
            raise Refusal(Rule.BAD_PARAMETER, name="price")
    elif new.type == OrderType.MARKET:
        if new.price is not None:
            raise Refusal(Rule.UNWANTED_PARAMETER, name="price")
        if new.time_in_force is not TimeInForce.GTC:
            raise Refusal(Rule.UNWANTED_PARAMETER, name="timeInForce")
    else:
        raise Refusal(Rule.ORDER_TYPE)
    if new.client_order_id is not None and not CLIENT_ID.fullmatch(new.client_order_id):
        raise Refusal(Rule.CLIENT_ID)
    if desk.instrument.status != "TRADING" and not new.reduce_only:
        raise Refusal(Rule.SYMBOL_STATUS)


def _check_good_till(new: NewOrder, now_ms: int) -> int:
    if new.time_in_force is not TimeInForce.GTD:
        if new.good_till_ms is not None:
            raise Refusal(Rule.UNWANTED_PARAMETER, name="goodTillDate")
        return 0
    if new.good_till_ms is None:
        raise Refusal(Rule.BAD_PARAMETER, name="goodTillDate")
    # The venue counts whole seconds; rounding down never lets an order live longer than asked.
    good_till_ms = new.good_till_ms // 1000 * 1000
    if good_till_ms <= now_ms + GOOD_TILL_LEAD_MS:
        raise Refusal(Rule.GOOD_TILL)
    return good_till_ms


def _check_reduce_only(desk: Desk, side: Side, lots: int) -> None:
    reducible = desk.reducible(side)
    if reducible == 0:
        raise Refusal(Rule.REDUCE_ONLY)
    if desk.reducing[side] + lots > reducible:
        raise Refusal(Rule.REDUCE_ONLY_SURPLUS)


def _check_opening(desk: Desk, new: NewOrder, ticks: int, lots: int) -> None:
    book = desk.book
    if new.price is not None:
        check_notional(desk.instrument, new.price * new.qty, Rule.NOTIONAL_MIN)
        check_margin(desk, new.side, ticks * lots)
        return
    reference = book.mark_price
    if reference is None:
        reference = market_price(book, new.side)
    if reference is not None:
        check_notional(desk.instrument, reference * new.qty, Rule.NOTIONAL_MIN)
        # Rounded up to the tick, so that the margin of a market order is never understated.
        check_margin(desk, new.side, desk.instrument.ticks_up(reference) * lots)
