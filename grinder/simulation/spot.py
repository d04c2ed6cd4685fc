"""Spot: the same book and the same fills, with two assets in place of a position.

A buy pays quote and receives base, a sell the other way round. Open orders lock what they may have
to pay. The value of a fill is rounded down to 1e-8 for both of its sides (it is whole where tick x
lot is), and commission, taken from what is received, is rounded up.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from grinder.errors import InvariantError
from grinder.model.fees import FeeRates
from grinder.model.instrument import Instrument
from grinder.model.order import Side
from grinder.simulation.account import Account, Desk
from grinder.simulation.book import Book
from grinder.simulation.exchange import Exchange
from grinder.simulation.filters import check_qty
from grinder.simulation.money import E8, ceiling, from_e8
from grinder.simulation.orders import ExpireReason, LiveOrder, Order
from grinder.simulation.positions import Leg
from grinder.simulation.queueing import QueueRules
from grinder.simulation.refusals import Refusal, Rule
from grinder.simulation.reports import BalanceChange, Execution, PositionState, Settled
from grinder.simulation.wallet import Wallet


class SpotDesk(Desk):
    """What one account has on one spot symbol: orders, and the two wallets they draw on.

    Exposure counts what buys bind in ticks x lots, and what sells bind in lots.
    """

    __slots__ = ("base", "lot_e8")

    tells_orders = True

    def __init__(self, account: Account, book: Book) -> None:
        super().__init__(account, book)
        self.base: Wallet = account.wallet(book.instrument.base_asset)
        self.base.desks.append(self)
        numerator, denominator = book.scale.lot
        self.lot_e8, rest = divmod(numerator * E8, denominator)
        if rest:
            raise InvariantError(f"expected a lot of whole 1e-8, was {book.instrument.lot}")

    @property
    def asset(self) -> str:
        """The quote asset."""
        return self.book.scale.asset

    def units(self, side: Side, ticks: int, lots: int) -> int:
        """Return what ``lots`` bind: ticks x lots of quote for a buy, lots of base for a sell."""
        return ticks * lots if side is Side.BUY else lots

    def locked_e8(self, asset: str) -> int:
        """Return what open orders lock of an asset, ROUND_CEILING."""
        if asset == self.asset:
            return self._quote_e8(self.exposure[Side.BUY])
        return self.exposure[Side.SELL] * self.lot_e8

    def margin_e8(self) -> int:
        """Return 0: nothing is borrowed."""
        return 0

    def check_funds(self, leg: Leg, side: Side, units: int) -> None:
        """Refuse what needs more than is free.

        Raises:
            Refusal: -2019.
        """
        if side is Side.BUY:
            before, after = leg.exposure[side], leg.exposure[side] + units
            is_short = self._quote_e8(after) - self._quote_e8(before) > self.wallet.free_e8()
        else:
            is_short = units * self.lot_e8 > self.base.free_e8()
        if units > 0 and is_short:
            raise Refusal(Rule.MARGIN)

    def check_market(self, leg: Leg, side: Side, lots: int, reference: Decimal) -> None:
        """Refuse a market order that costs more than is free, at the prices that it will meet.

        Raises:
            Refusal: -2019.
        """
        if side is Side.SELL:
            self.check_funds(leg, side, lots)
            return
        cost = 0
        for ticks, available in self.book.walk(side, self):
            step = min(lots, available)
            cost += ticks * step
            lots -= step
            if not lots:
                break
        self.check_funds(leg, side, cost)

    def settle(self, order: LiveOrder, ticks: int, lots: int, rate: Decimal) -> Settled:
        """Book a fill: what is paid, what is received, and the commission from the latter."""
        scale = self.book.scale
        paid, received = self.wallet, self.base
        paid_e8 = ticks * lots * scale.unit_atoms // scale.e8_atoms
        received_e8 = lots * self.lot_e8
        if order.side is Side.SELL:
            paid, received, paid_e8, received_e8 = received, paid, received_e8, paid_e8
        numerator, denominator = rate.as_integer_ratio()
        commission_e8 = ceiling(received_e8 * numerator, denominator)
        paid.book_trade(-paid_e8, 0)
        received.book_trade(received_e8, commission_e8)
        return Settled(0, commission_e8, received.asset)

    def balances(self, _: int) -> tuple[BalanceChange, ...]:
        """Return both balances."""
        return tuple(
            BalanceChange(
                asset=wallet.asset,
                wallet=from_e8(wallet.wallet_e8),
                cross_wallet=from_e8(wallet.free_e8()),
                change=Decimal(0),
            )
            for wallet in (self.base, self.wallet)
        )

    def touched(self, _: Leg) -> tuple[PositionState, ...]:
        """Return nothing: there are no positions."""
        return ()

    def lots_for(self, side: Side, quote_qty: Decimal) -> int:
        """Return the lots that an order of ``side`` gets for a sum of quote, rounded down."""
        instrument = self.instrument
        left = int(quote_qty / (instrument.tick * instrument.lot))
        lots = 0
        for ticks, available in self.book.walk(side, self):
            step = min(available, left // ticks)
            lots += step
            left -= ticks * step
            if step < available:
                break
        return lots

    def _quote_e8(self, units: int) -> int:
        scale = self.book.scale
        return ceiling(units * scale.unit_atoms, scale.e8_atoms)


class SpotExchange(Exchange):
    """The exchange with wallets in place of positions; leverage and the like mean nothing here."""

    def __init__(
        self,
        instruments: Mapping[str, Instrument],
        *,
        fees: FeeRates | None = None,
        queue: QueueRules | None = None,
        start_ms: int = 0,
    ) -> None:
        super().__init__(
            instruments,
            fees=fees or FeeRates(),
            queue=queue or QueueRules(),
            start_ms=start_ms,
            desk_kind=SpotDesk,
        )

    def qty_for(self, account: str, symbol: str, side: Side, quote_qty: Decimal) -> Decimal:
        """Return the quantity that a market order gets for a sum of quote, as the book stands.

        Raises:
            Refusal: -4003 for a sum that is not above 0.
        """
        desk = self._desk(account, symbol)
        assert isinstance(desk, SpotDesk), "every desk of this exchange is one"
        if not quote_qty.is_finite() or quote_qty <= 0:
            raise Refusal(Rule.QTY_ZERO)
        return desk.instrument.qty(desk.lots_for(side, quote_qty))

    def shrink(
        self,
        account: str,
        symbol: str,
        *,
        order_id: int | None = None,
        client_order_id: str | None = None,
        qty: Decimal,
        now_ms: int,
    ) -> Order:
        """Give an open order a smaller total quantity; it keeps its place in the queue.

        Raises:
            Refusal: -2013 when it is not open, -2038 for a quantity that is not smaller, or not
                above what is filled, or a filter is broken; the order is unchanged.
        """
        self._catch_up(now_ms)
        desk = self._desk(account, symbol)
        order = self._open_order(desk, order_id, client_order_id, Rule.UNKNOWN_ON_QUERY)
        lots = check_qty(desk.instrument, qty, is_market=False)
        if not order.filled < lots < order.lots:
            raise Refusal(Rule.AMEND_INCREASE)
        desk.count(order, lots - order.lots)
        order.lots = lots
        order.amendments += 1
        order.expire_reason = ExpireReason.NONE
        self._clearing.report(order, Execution.AMENDMENT, now_ms)
        return order.snapshot()
