"""Liquidation: what the venue does when the margin of a position is gone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from grinder.model.fees import FeeRates
from grinder.model.instrument import Instrument
from grinder.model.order import OrderType, Side, TimeInForce
from grinder.simulation.account import Account, Desk
from grinder.simulation.book import Book
from grinder.simulation.conditionals import Conditionals
from grinder.simulation.matching import take
from grinder.simulation.orders import LiveOrder, SelfTradePrevention
from grinder.simulation.positions import Leg
from grinder.simulation.queueing import QueueRules
from grinder.simulation.reports import MarginCallReport
from grinder.simulation.warning import called, called_crossed


class Liquidating(Conditionals):
    """The part of the exchange that closes positions against their owner's will.

    A mark price is the moment: when equity no longer covers the maintenance margin, the open orders
    that share the margin are cancelled, then positions are closed, the one with the largest
    maintenance margin first, until the rest is covered. A position is closed in the book down to
    its bankruptcy price, where the venue itself takes over what is left. A loss beyond the margin
    is paid by the venue. Before that, at the same moment if need be, a margin call warns.
    """

    def __init__(
        self,
        instruments: Mapping[str, Instrument],
        fees: FeeRates,
        queue: QueueRules,
        *,
        can_liquidate: bool,
    ) -> None:
        super().__init__(instruments, fees, queue)
        self._can_liquidate = can_liquidate

    def _liquidate(self, book: Book, now_ms: int) -> None:
        if not self._can_liquidate:
            return
        for account in self._accounts.values():
            desk = account.desks.get(book.instrument.symbol)
            if desk is None or not desk.has_position:
                continue
            if desk.is_isolated:
                for leg in desk.active_legs:
                    self._warn(called(leg, now_ms))
                    self._liquidate_isolated(leg, now_ms)
            else:
                self._warn(called_crossed(account, now_ms))
                self._liquidate_crossed(account, now_ms)

    def _warn(self, call: MarginCallReport | None) -> None:
        if call is not None:
            self._clearing.emit(call)

    def _liquidate_isolated(self, leg: Leg, now_ms: int) -> None:
        if not leg.position.lots or _isolated_equity_e8(leg) >= leg.maintenance_e8():
            return
        self._cancel_desk(leg.desk, now_ms)
        # Cancelling changes no position, so the margin is still gone.
        account = leg.desk.account
        before_e8 = account.wallet_e8 - leg.isolated_e8
        self._close_out(leg, _isolated_equity_e8(leg), now_ms)
        if account.wallet_e8 < before_e8:
            self._clearing.insure(leg.desk, before_e8 - account.wallet_e8, now_ms)

    def _liquidate_crossed(self, account: Account, now_ms: int) -> None:
        if not _is_crossed_gone(account):
            return
        crossed = [desk for desk in account.desks.values() if not desk.is_isolated]
        for desk in crossed:
            self._cancel_desk(desk, now_ms)
        for leg in sorted(_held(crossed), key=_maintenance, reverse=True):
            if not _is_crossed_gone(account):
                return
            self._close_out(leg, account.cross_equity_e8(), now_ms)
        short_e8 = account.isolated_e8() - account.wallet_e8
        if short_e8 > 0:
            self._clearing.insure(crossed[0], short_e8, now_ms)

    def _close_out(self, leg: Leg, equity_e8: int, now_ms: int) -> None:
        lots, desk = leg.position.lots, leg.desk
        side = Side.SELL if lots > 0 else Side.BUY
        order_id = self._next_order_id()
        order = LiveOrder(
            desk=desk,
            order_id=order_id,
            client_order_id=f"autoclose-{now_ms}{order_id % 10**6:06d}",
            side=side,
            sign=side.sign,
            type=OrderType.LIMIT,
            time_in_force=TimeInForce.IOC,
            ticks=_bankruptcy_ticks(leg, equity_e8),
            lots=abs(lots),
            reduce_only=False,
            self_trade_prevention=SelfTradePrevention.EXPIRE_MAKER,
            position_side=leg.side,
            created_ms=now_ms,
            updated_ms=now_ms,
            is_forced=True,
        )
        self._clearing.open(order, now_ms)
        take(self._clearing, leg.book, order, now_ms)
        if order.remaining:
            trade_id = leg.book.next_trade_id()
            self._clearing.fill(
                order, order.ticks, order.remaining, trade_id, now_ms, is_maker=False
            )


def _isolated_equity_e8(leg: Leg) -> int:
    return leg.isolated_e8 + leg.unrealised_e8()


def _is_crossed_gone(account: Account) -> bool:
    return account.cross_equity_e8() < account.cross_maintenance_e8()


def _held(desks: Iterable[Desk]) -> list[Leg]:
    return [leg for desk in desks for leg in desk.active_legs if leg.position.lots]


def _maintenance(leg: Leg) -> int:
    return leg.maintenance_e8()


def _bankruptcy_ticks(leg: Leg, equity_e8: int) -> int:
    """Return the price at which closing leaves nothing of ``equity_e8``, rounded for the owner.

    Equity is at the mark price, so the distance from there is equity over quantity.
    """
    book, lots = leg.book, leg.position.lots
    # value(price) = value(mark) - equity, for a long and for a short with its negative lots.
    atoms = (leg.value_e8() - equity_e8) * book.scale.e8_atoms
    ticks = (
        -(-atoms // (lots * book.scale.unit_atoms))
        if lots > 0
        else atoms // (lots * book.scale.unit_atoms)
    )
    return min(max(ticks, 1), book.instrument.price_ticks_max)
