"""Exchange: a simulated Binance venue as a pure state machine; by itself, of futures.

Market data and participants' requests go in, events come out of ``drain()``. There is no clock,
chance, thread or socket: every method that can change something is given ``now_ms`` (epoch ms) and
first does what was due by then, so a run is a function of its calls. Accounts are independent of
each other but share one book per symbol.

What the fill model assumes
---------------------------

*Our orders do not move the market.* The feed goes on as it was recorded. What participants take
from a displayed level is gone for all of them until the feed states another quantity at that price
(or, without depth, until the touch has left the price and come back). Repeating the same quantity
gives nothing back.

*Queue.* A resting order joins behind the external quantity displayed at its price, as known from
depth, or from the quote when its price is the touch. At a price of which the feed said nothing (no
depth, not the touch) it is assumed to be first, which is optimistic;
``QueueRules.unknown_ahead_lots`` changes that. A price better than the touch is empty.

*Trades.* A print at the price of an order, on its side, first eats the queue ahead, then fills the
order, then what stands behind it, so partial fills happen. A print at a worse price went through:
orders at better prices fill first, without a queue, but never more lots in total than were printed.

*Cancellations.* A smaller displayed quantity that prints do not explain was cancelled somewhere in
the line. By default it is spread evenly (the part ahead shrinks in proportion, rounded down);
``CancelShare.BEHIND`` assumes the worst. A larger quantity joined behind. Prints, quotes and depth
must be fed in the order of the matching engine. A quote that comes before the print that caused it
looks like a cancellation and the print then shortens the queue a second time; depth that lags
behind quotes of the same price looks like growth and cancellation in turn. Both are optimistic.

*Crossing.* When the external book crosses a resting order (an ask at or below its price for a buy),
the order fills at its own price, at most as many lots as are displayed across it, each displayed
lot once until it is refreshed. Its external queue is taken to be gone.

*Taking.* A limit, IOC, FOK or market order walks the levels known from depth, or only the touch
without depth, together with other participants' orders in price-time order, at the displayed
prices and without delay. What the feed does not display cannot be taken. A market order and an IOC
expire with the rest; a FOK fills whole or not at all. Post-only is refused when a participant or
the touch displayed by the feed, taken or not, stands at its price or better.

*Money.* Cost, profit and commission are whole numbers of 1e-8 quote. Of an inverse contract, whose
profit is contracts x size x (1/entry - 1/exit), they are 1e-8 coin; its cost is kept to 1e-20 coin,
and a position that becomes flat drops at most half of 1e-8. Realised profit and funding are rounded
half to even, commission towards plus infinity; what rounding leaves stays in the cost of the
position, so wallet = start + realised - commission + funding + insurance holds to the last digit.
Initial margin is the larger of position plus buys and position less sells at mark price, over the
leverage. Funding needs a mark price. Only an exchange that ``can_liquidate`` closes positions whose
margin is gone; else a wallet may become negative. What spot does instead stands in
``grinder.simulation.spot``.

*Conditional orders.* The contract price that triggers is the last trade, moved by a quote that
excludes it. Triggered orders are placed after everything else that the same event does. One with
price protection expires instead when last price and mark price are further apart than the symbol's
``trigger_protect``; the venue documents the bound and not what becomes of the order.

*Undocumented by the venue, decided here:* when a position shrinks, the newest reduce-only orders
are cut (AMENDMENT) or expire first; a reduce-only market order may be larger than the position, a
limit order may not; every amendment loses the place in the queue; an amendment that names the wrong
side is -1117; orders that close a LONG or SHORT position are shown as reduce-only; a price match
deeper than the known book means its last level; a liquidated position goes to the book down to its
bankruptcy price and the rest to the venue at that price, without a clearance fee; a triggered order
bears the name of its conditional order; closing a position leaves conditional orders alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from grinder.model.fees import FeeRates
from grinder.model.instrument import Instrument
from grinder.model.order import OrderStatus, Side, TimeInForce
from grinder.simulation.account import Desk
from grinder.simulation.deadlines import Due
from grinder.simulation.entry import check_amendment
from grinder.simulation.feeds import Feeds
from grinder.simulation.filters import matched_ticks
from grinder.simulation.matching import execute
from grinder.simulation.numbering import ids_before
from grinder.simulation.orders import ExpireReason, LiveOrder, NewOrder, Order, PriceMatch
from grinder.simulation.queueing import QueueRules
from grinder.simulation.refusals import Refusal, Rule
from grinder.simulation.reports import Execution


class Exchange(Feeds):
    """The venue; the module docstring says what its fills assume.

    ``start_ms`` is where its ids begin (``numbering``); 0 counts from 1.

    Requests raise Refusal and then have changed nothing. Market data, ``advance`` and ``drain`` are
    in ``Feeds``, everything that only asks is in ``Reads``.
    """

    def __init__(
        self,
        instruments: Mapping[str, Instrument],
        *,
        fees: FeeRates = FeeRates(),  # noqa: B008 - frozen
        queue: QueueRules = QueueRules(),  # noqa: B008 - frozen
        can_liquidate: bool = False,
        start_ms: int = 0,
        desk_kind: type[Desk] = Desk,
    ) -> None:
        super().__init__(instruments, fees, queue, can_liquidate=can_liquidate, desk_kind=desk_kind)
        self._count_from(ids_before(start_ms))

    def place(self, account: str, new: NewOrder, now_ms: int) -> Order:
        """Accept, match and rest an order; return it as it then is.

        Raises:
            Refusal: a rule was broken and nothing happened; no order id was used.
        """
        self._catch_up(now_ms)
        desk = self._desk(account, new.symbol)
        order = self._accept(desk, new, now_ms)
        self._look(desk.book, now_ms)
        return order.snapshot()

    def amend(
        self,
        account: str,
        symbol: str,
        *,
        order_id: int | None = None,
        client_order_id: str | None = None,
        side: Side,
        price: Decimal | None = None,
        qty: Decimal,
        price_match: PriceMatch = PriceMatch.NONE,
        reduce_only: bool = False,
        modify_id: int | None = None,
        now_ms: int,
    ) -> Order:
        """Give an open order another price and total quantity, at the end of the queue.

        ``price_match`` takes the place of ``price``. A quantity not above what is filled, or a
        post-only order that would take, cancels it. ``modify_id`` is told with the amendment.

        Raises:
            Refusal: -2013 when it is not open, or a rule was broken and the order is unchanged.
        """
        self._catch_up(now_ms)
        desk = self._desk(account, symbol)
        order = self._open_order(desk, order_id, client_order_id, Rule.UNKNOWN_ON_QUERY)
        if price_match is not PriceMatch.NONE:
            if price is not None:
                raise Refusal(Rule.UNWANTED_PARAMETER, name="price")
            price = desk.instrument.price(matched_ticks(desk.book, side, price_match))
        if price is None:
            raise Refusal(Rule.BAD_PARAMETER, name="price")
        checked = check_amendment(order, side, price, qty, reduce_only=reduce_only)
        is_post_only = order.time_in_force is TimeInForce.GTX
        would_take = is_post_only and desk.book.would_take(side, checked.ticks)
        if checked.lots <= order.filled or would_take:
            self._clearing.end(order, OrderStatus.CANCELED, now_ms)
            return order.snapshot()
        desk.book.half(side).remove(order)
        desk.count(order, -order.remaining)
        order.ticks, order.lots = checked.ticks, checked.lots
        order.amendments += 1
        order.price_match, order.modify_id = price_match, modify_id
        order.expire_reason = ExpireReason.NONE
        desk.count(order, order.remaining)
        self._clearing.report(order, Execution.AMENDMENT, now_ms)
        execute(self._clearing, desk.book, order, now_ms)
        self._look(desk.book, now_ms)
        return order.snapshot()

    def cancel(
        self,
        account: str,
        symbol: str,
        *,
        order_id: int | None = None,
        client_order_id: str | None = None,
        now_ms: int,
    ) -> Order:
        """Cancel an open order and return it.

        Raises:
            Refusal: -2011 when it is unknown or closed.
        """
        self._catch_up(now_ms)
        desk = self._desk(account, symbol)
        order = self._open_order(desk, order_id, client_order_id, Rule.UNKNOWN_ON_CANCEL)
        self._clearing.end(order, OrderStatus.CANCELED, now_ms)
        return order.snapshot()

    def cancel_all(self, account: str, symbol: str, now_ms: int) -> int:
        """Cancel every open order of the account on the symbol; return how many there were."""
        self._catch_up(now_ms)
        return self._cancel_desk(self._desk(account, symbol), now_ms)

    def set_countdown(self, account: str, symbol: str, countdown_ms: int, now_ms: int) -> None:
        """Cancel all orders of the symbol ``countdown_ms`` from now unless set again; 0 stops it.

        Raises:
            Refusal: -1102 for a negative countdown.
        """
        self._catch_up(now_ms)
        if countdown_ms < 0:
            raise Refusal(Rule.BAD_PARAMETER, name="countdownTime")
        desk = self._desk(account, symbol)
        if desk.countdown_ms:
            self._deadlines.discard((desk.countdown_ms, Due.COUNTDOWN, 0, account, symbol))
        desk.countdown_ms = now_ms + countdown_ms if countdown_ms else 0
        if desk.countdown_ms:
            self._deadlines.add((desk.countdown_ms, Due.COUNTDOWN, 0, account, symbol))

    def _open_order(
        self, desk: Desk, order_id: int | None, client_order_id: str | None, unknown: Rule
    ) -> LiveOrder:
        if order_id is None and client_order_id is None:
            raise Refusal(Rule.NO_ORDER_KEY)
        order = desk.find_open(order_id, client_order_id)
        if order is None:
            raise Refusal(unknown)
        return order
