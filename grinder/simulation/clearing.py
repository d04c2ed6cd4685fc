"""Books what happens to orders: fills, ends, funding; and reports it."""

from __future__ import annotations

from decimal import Decimal

from grinder.errors import InvariantError
from grinder.model.order import OrderStatus, OrderType, Side
from grinder.simulation.account import Account, Desk
from grinder.simulation.algo import AlgoStatus, LiveAlgo
from grinder.simulation.book import Book
from grinder.simulation.deadlines import Deadline, Deadlines, Due
from grinder.simulation.money import from_e8
from grinder.simulation.orders import ExpireReason, LiveOrder
from grinder.simulation.positions import Leg
from grinder.simulation.reports import (
    AccountReason,
    AccountReport,
    AccountTrade,
    AlgoReport,
    Event,
    Execution,
    IncomeType,
    OrderReport,
    OwnTrade,
    PositionState,
    Settled,
)

EVENTS_MAX = 1_000_000
"""Events that may wait to be drained; more means that nobody drains them."""


class Clearing:
    """Turns matches into wallets, positions, order states and events."""

    def __init__(self, deadlines: Deadlines) -> None:
        self._deadlines = deadlines
        self.events: list[Event] = []

    def emit(self, event: Event) -> None:
        """Append ``event`` for whoever drains.

        Raises:
            InvariantError: nobody has drained for EVENTS_MAX events.
        """
        if len(self.events) >= EVENTS_MAX:
            raise InvariantError(f"expected fewer than {EVENTS_MAX} undrained events")
        self.events.append(event)

    def report(self, order: LiveOrder, execution: Execution, now_ms: int) -> None:
        """Tell the owner about a change of ``order`` that is not a fill."""
        order.updated_ms = now_ms
        desk = order.desk
        self.emit(
            OrderReport(
                account=desk.account.name,
                ts_ms=now_ms,
                execution=execution,
                order=order.snapshot(),
                commission_asset=desk.book.scale.asset,
                bid_notional=_open_notional(desk, Side.BUY),
                ask_notional=_open_notional(desk, Side.SELL),
            )
        )
        if desk.tells_orders:
            self.report_account(desk, AccountReason.ORDER, 0, (), now_ms)

    def open(self, order: LiveOrder, now_ms: int) -> None:
        """Accept ``order``: it is open, counted and reported NEW."""
        order.desk.add(order)
        order.desk.count(order, order.remaining)
        order.desk.account.orders += 1
        if order.good_till_ms:
            self._deadlines.add(_good_till(order))
        self.report(order, Execution.NEW, now_ms)

    def fill(
        self,
        order: LiveOrder,
        ticks: int,
        lots: int,
        trade_id: int,
        now_ms: int,
        *,
        is_maker: bool,
    ) -> None:
        """Fill ``lots`` of ``order`` at ``ticks``: account first, then the order, as recorded."""
        desk = order.desk
        leg, fees = order.leg, desk.account.fees
        settled = desk.settle(order, ticks, lots, fees.maker if is_maker else fees.taker)
        leg.position.updated_ms = now_ms
        trade = _trade(order, ticks, lots, trade_id, now_ms, settled=settled, is_maker=is_maker)
        desk.account.note_trade(trade, settled)
        desk.count(order, -lots)
        order.filled += lots
        order.expire_reason = ExpireReason.NONE
        order.units += desk.book.scale.worth(ticks) * lots
        desk.book.last_ticks = ticks
        order.updated_ms = now_ms
        is_done = order.filled == order.lots
        order.status = OrderStatus.FILLED if is_done else OrderStatus.PARTIALLY_FILLED
        if is_done:
            self._retire(order)
        self._report_fill(order, trade, now_ms)
        if is_done and order.algo is not None:
            self._finish(order.algo, now_ms)
        if leg.reducing[order.side.opposite] or leg.reducing[order.side]:
            self._trim(leg, now_ms)

    def end(
        self,
        order: LiveOrder,
        status: OrderStatus,
        now_ms: int,
        reason: ExpireReason = ExpireReason.NONE,
    ) -> None:
        """Close an open ``order`` without filling its rest: canceled or expired."""
        order.desk.count(order, -order.remaining)
        order.status = status
        order.expire_reason = reason
        self._retire(order)
        canceled = status is OrderStatus.CANCELED
        self.report(order, Execution.CANCELED if canceled else Execution.EXPIRED, now_ms)
        if order.algo is not None:
            self._finish(order.algo, now_ms)

    def own_trade(
        self, book: Book, ticks: int, lots: int, trade_id: int, now_ms: int, *, buyer_is_maker: bool
    ) -> None:
        """Print a trade between two participants."""
        instrument = book.instrument
        self.emit(
            OwnTrade(
                symbol=instrument.symbol,
                ts_ms=now_ms,
                trade_id=trade_id,
                price=instrument.price(ticks),
                qty=instrument.qty(lots),
                price_ticks=ticks,
                qty_lots=lots,
                buyer_is_maker=buyer_is_maker,
            )
        )

    def fund(self, account: Account, desk: Desk, now_ms: int) -> None:
        """Charge or pay funding: rate x value at mark, ROUND_HALF_EVEN to eight decimals.

        A positive rate is paid by longs to shorts. Without a mark price nothing is charged. An
        isolated position pays from what is set apart for it.
        """
        book = desk.book
        if book.mark_price is None:
            return
        held = [leg for leg in desk.active_legs if leg.position.lots]
        for leg in held:
            amount_e8 = -book.scale.funding_e8(
                book.funding_rate, book.mark_price, leg.position.lots
            )
            desk.wallet.book_funding(amount_e8)
            account.note_change(IncomeType.FUNDING_FEE, desk, amount_e8, now_ms)
            leg.isolated_e8 += amount_e8 if desk.is_isolated else 0
            rows = (leg.state(),) if desk.is_isolated else ()
            self.report_account(desk, AccountReason.FUNDING_FEE, amount_e8, rows, now_ms)

    def insure(self, desk: Desk, amount_e8: int, now_ms: int) -> None:
        """Pay what a liquidation lost beyond its margin."""
        desk.wallet.book_insurance(amount_e8)
        desk.account.note_change(IncomeType.INSURANCE_CLEAR, desk, amount_e8, now_ms)
        self.report_account(desk, AccountReason.INSURANCE_CLEAR, amount_e8, (), now_ms)

    def _finish(self, algo: LiveAlgo, now_ms: int) -> None:
        algo.status, algo.updated_ms = AlgoStatus.FINISHED, now_ms
        self.emit(AlgoReport(account=algo.desk.account.name, ts_ms=now_ms, algo=algo.snapshot()))

    def _retire(self, order: LiveOrder) -> None:
        order.desk.book.half(order.side).remove(order)
        order.desk.close(order)
        if order.good_till_ms:
            self._deadlines.discard(_good_till(order))

    def _report_fill(self, order: LiveOrder, trade: AccountTrade, now_ms: int) -> None:
        desk = order.desk
        self.report_account(desk, AccountReason.ORDER, 0, desk.touched(order.leg), now_ms)
        self.emit(
            OrderReport(
                account=desk.account.name,
                ts_ms=now_ms,
                execution=Execution.CALCULATED if order.is_forced else Execution.TRADE,
                order=order.snapshot(),
                last_qty=trade.qty,
                last_price=trade.price,
                commission=trade.commission,
                commission_asset=trade.commission_asset,
                realised_profit=trade.realised_profit,
                trade_id=trade.trade_id,
                is_maker=trade.is_maker,
                bid_notional=_open_notional(desk, Side.BUY),
                ask_notional=_open_notional(desk, Side.SELL),
            )
        )

    def report_account(
        self,
        desk: Desk,
        reason: AccountReason,
        change_e8: int,
        positions: tuple[PositionState, ...],
        now_ms: int,
    ) -> None:
        """Tell the owner of wallet and positions; ``change_e8`` is neither profit nor fee."""
        self.emit(
            AccountReport(
                account=desk.account.name,
                ts_ms=now_ms,
                reason=reason,
                balances=desk.balances(change_e8),
                positions=positions,
            )
        )

    def _trim(self, leg: Leg, now_ms: int) -> None:
        """Cut or expire what reduce-only orders have more than the position, newest first.

        The venue does not document which order goes first; newest first keeps queue places.
        """
        desk = leg.desk
        for side, open_lots in leg.reducing.items():
            surplus = open_lots - leg.reducible(side)
            if surplus <= 0:
                continue
            for order in reversed(tuple(desk.open.values())):
                if surplus <= 0:
                    break
                if not order.reduce_only or order.side is not side or order.leg is not leg:
                    continue
                if order.type is OrderType.MARKET:
                    continue
                if surplus >= order.remaining:
                    surplus -= order.remaining
                    self.end(order, OrderStatus.EXPIRED, now_ms, ExpireReason.REDUCE_ONLY)
                    continue
                desk.count(order, -surplus)
                order.lots -= surplus
                order.modify_id = None
                order.expire_reason = ExpireReason.REDUCE_ONLY
                surplus = 0
                self.report(order, Execution.AMENDMENT, now_ms)


def _good_till(order: LiveOrder) -> Deadline:
    desk = order.desk
    return (
        order.good_till_ms,
        Due.GOOD_TILL,
        order.order_id,
        desk.account.name,
        desk.instrument.symbol,
    )


def _open_notional(desk: Desk, side: Side) -> Decimal:
    return desk.book.scale.total(sum(leg.exposure[side] for leg in desk.active_legs))


def _trade(
    order: LiveOrder,
    ticks: int,
    lots: int,
    trade_id: int,
    now_ms: int,
    *,
    settled: Settled,
    is_maker: bool,
) -> AccountTrade:
    instrument = order.desk.instrument
    return AccountTrade(
        symbol=instrument.symbol,
        trade_id=trade_id,
        order_id=order.order_id,
        client_order_id=order.client_order_id,
        side=order.side,
        price=instrument.price(ticks),
        qty=instrument.qty(lots),
        price_ticks=ticks,
        qty_lots=lots,
        commission=from_e8(settled.commission_e8),
        commission_asset=settled.commission_asset,
        realised_profit=from_e8(settled.realised_e8),
        is_maker=is_maker,
        ts_ms=now_ms,
        position_side=order.position_side,
    )
