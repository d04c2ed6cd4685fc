"""Price-time matching among participants and against the external book.

Three things fill orders: an order that takes (``take``), an external trade (``print_trade``) and an
external book that crosses resting orders (``cross``). In each the best price goes first and within
a price the line of ``queueing.Level``.
"""

from __future__ import annotations

from grinder.model.order import OrderStatus, OrderType, Side, TimeInForce
from grinder.simulation.book import Book, HalfBook
from grinder.simulation.clearing import Clearing
from grinder.simulation.external import FAR
from grinder.simulation.orders import ExpireReason, LiveOrder, SelfTradePrevention


def execute(clearing: Clearing, book: Book, order: LiveOrder, now_ms: int) -> None:
    """Match an open ``order`` that is not in the book; rest or expire what is left."""
    time_in_force = order.time_in_force
    if time_in_force is not TimeInForce.FOK or fillable(book, order) >= order.remaining:
        take(clearing, book, order, now_ms)
    if not order.remaining:
        return
    if order.type is OrderType.MARKET:
        clearing.end(order, OrderStatus.EXPIRED, now_ms, ExpireReason.MARKET_NOT_FILLED)
    elif time_in_force in (TimeInForce.IOC, TimeInForce.FOK):
        clearing.end(order, OrderStatus.EXPIRED, now_ms, ExpireReason.REST_NOT_FILLED)
    else:
        book.half(order.side).rest(order)


def take(clearing: Clearing, book: Book, order: LiveOrder, now_ms: int) -> None:
    """Fill ``order`` from the other side of the book as far as its price allows."""
    half = book.opposite(order.side)
    limit = _limit(half, order)
    external = half.external.keys_within(limit)
    at = 0
    while order.remaining:
        while at < len(external) and not half.external.available(external[at]):
            at += 1
        key = min(half.best, external[at] if at < len(external) else FAR)
        if key > limit or key == FAR:
            return
        _take_level(clearing, book, half, key, order=order, now_ms=now_ms)


def fillable(book: Book, order: LiveOrder) -> int:
    """Return the lots that ``order`` is sure to fill at once.

    Reduce-only makers are not counted, because a fill of their owner may cut them; the taker's own
    orders are not either, and unless its mode expires them the walk ends before them.
    """
    half = book.opposite(order.side)
    limit = _limit(half, order)
    own_end = limit
    lots = 0
    for key in half.keys:
        if key > limit:
            break
        makers = half.levels[key].orders.values()
        is_own = any(maker.desk.account is order.desk.account for maker in makers)
        if is_own and order.self_trade_prevention is not SelfTradePrevention.EXPIRE_MAKER:
            own_end = key - 1
            break
        lots += sum(
            maker.remaining
            for maker in makers
            if maker.desk is not order.desk and not maker.reduce_only
        )
    return lots + sum(half.external.available(key) for key in half.external.keys_within(own_end))


def print_trade(
    clearing: Clearing,
    book: Book,
    half: HalfBook,
    key: int,
    *,
    lots: int,
    trade_id: int,
    now_ms: int,
) -> None:
    """Let an external trade of ``lots`` at ``key`` meet the resting orders of ``half``.

    The first fill bears its id (0: one of its own); each further one has an id of its own.

    Orders at better prices fill first and do not wait for their queue: the market went through
    them. Every printed lot fills at most one order.
    """
    left = lots
    for own in tuple(half.keys):
        if own >= key:
            break
        level = half.levels.get(own)
        if level is None:
            continue
        level.clear_ahead()
        while left and level.orders:
            maker = level.head()
            left -= _fill_resting(clearing, book, maker, left, now_ms, trade_id=trade_id)
            trade_id = 0
    level = half.levels.get(key)
    if level is None:
        return
    eaten = 0
    while left and level.orders:
        maker = level.head()
        step = max(0, min(maker.ahead - eaten, left))
        eaten += step
        left -= step
        if left:
            left -= _fill_resting(clearing, book, maker, left, now_ms, trade_id=trade_id)
            trade_id = 0
    level.shorten(eaten)
    level.traded += lots


def cross(clearing: Clearing, book: Book, side: Side, now_ms: int) -> None:
    """Fill resting orders of ``side`` that the external book now crosses.

    Each displayed lot that crosses fills at most one resting order, at the resting price.
    """
    half, external = book.half(side), book.opposite(side).external
    if external.touch == FAR:
        return
    for own in half.keys:
        if own > -external.touch:
            break
        half.levels[own].clear_ahead()
    for key in external.keys_within(-half.best):
        left = external.available(key)
        while left and half.best <= -key:
            maker = half.levels[half.best].head()
            filled = _fill_resting(clearing, book, maker, left, now_ms, trade_id=0)
            external.take(key, filled)
            left -= filled


def _limit(half: HalfBook, order: LiveOrder) -> int:
    return FAR if order.type is OrderType.MARKET else order.ticks * half.direction


def _fill_resting(
    clearing: Clearing, book: Book, maker: LiveOrder, lots_max: int, now_ms: int, *, trade_id: int
) -> int:
    lots = min(lots_max, maker.remaining)
    number = trade_id or book.next_trade_id()
    clearing.fill(maker, maker.ticks, lots, number, now_ms, is_maker=True)
    return lots


def _take_level(
    clearing: Clearing, book: Book, half: HalfBook, key: int, *, order: LiveOrder, now_ms: int
) -> None:
    """Walk the line at ``key``: external lots and participants' orders in turn."""
    ticks = key * half.direction
    available = half.external.available(key)
    level = half.levels.get(key)
    eaten = 0
    while level is not None and level.orders and order.remaining:
        maker = level.head()
        step = min(maker.ahead - eaten, available - eaten, order.remaining)
        if step > 0:
            eaten += step
            clearing.fill(order, ticks, step, book.next_trade_id(), now_ms, is_maker=False)
            continue
        if maker.desk is order.desk:
            _prevent_self_trade(clearing, maker, order, now_ms)
            continue
        _match(clearing, book, maker, order, now_ms)
    step = min(available - eaten, order.remaining)
    if step > 0:
        eaten += step
        clearing.fill(order, ticks, step, book.next_trade_id(), now_ms, is_maker=False)
    half.external.take(key, eaten)
    if level is not None:
        level.shorten(eaten)


def _match(clearing: Clearing, book: Book, maker: LiveOrder, taker: LiveOrder, now_ms: int) -> None:
    lots = min(maker.remaining, taker.remaining)
    trade_id = book.next_trade_id()
    ticks = maker.ticks
    clearing.fill(maker, ticks, lots, trade_id, now_ms, is_maker=True)
    clearing.fill(taker, ticks, lots, trade_id, now_ms, is_maker=False)
    clearing.own_trade(book, ticks, lots, trade_id, now_ms, buyer_is_maker=maker.side is Side.BUY)


def _prevent_self_trade(
    clearing: Clearing, maker: LiveOrder, taker: LiveOrder, now_ms: int
) -> None:
    mode = taker.self_trade_prevention
    for order, spared_by in (
        (maker, SelfTradePrevention.EXPIRE_TAKER),
        (taker, SelfTradePrevention.EXPIRE_MAKER),
    ):
        if mode is not spared_by:
            clearing.end(order, OrderStatus.EXPIRED_IN_MATCH, now_ms, ExpireReason.SELF_TRADE)
