"""Accounts: wallets, and per symbol a desk with its positions and its orders."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from decimal import Decimal
from typing import TYPE_CHECKING

from grinder.model.fees import FeeRates
from grinder.model.instrument import Instrument
from grinder.model.order import OrderType, PositionSide, Side
from grinder.simulation.book import Book
from grinder.simulation.brackets import leverage_max, notional_max
from grinder.simulation.money import E8, from_e8
from grinder.simulation.orders import LiveOrder
from grinder.simulation.ordertable import CLOSED_ORDERS_MAX, OrderTable
from grinder.simulation.positions import Leg, Position
from grinder.simulation.refusals import Refusal, Rule
from grinder.simulation.reports import (
    AccountTrade,
    BalanceChange,
    Income,
    IncomeType,
    MarginMove,
    PositionState,
    Settled,
)
from grinder.simulation.wallet import Wallet

if TYPE_CHECKING:
    from grinder.simulation.algo import LiveAlgo

__all__ = ["CLOSED_ORDERS_MAX", "Account", "Desk", "Position"]

TRADES_MAX = 10_000
"""Fills remembered per account."""
INCOME_MAX = 10_000
"""Changes of the wallet remembered per account."""
MARGIN_MOVES_MAX = 1_000
"""Margin moved into and out of isolated positions, remembered per account."""
LEVERAGE = 20
"""The venue's leverage for a symbol that was never set up."""
MARGIN = "USDT"
"""The asset of an account that is told only how much it has."""


class Desk(OrderTable):
    """What one account has on one symbol: positions, open orders, closed orders.

    This one is of futures, linear or inverse as the book's scale says: what is opened needs margin,
    and a fill moves the wallet by its profit. ``grinder.simulation.spot`` has the other kind.
    """

    __slots__ = (
        "_both",
        "_hedge_legs",
        "account",
        "book",
        "countdown_ms",
        "instrument",
        "is_isolated",
        "legs",
        "leverage",
        "wallet",
    )

    tells_orders = False
    """Whether balances change with orders, not only with fills."""

    def __init__(self, account: Account, book: Book) -> None:
        super().__init__()
        self.account = account
        self.book = book
        self.instrument: Instrument = book.instrument
        self.wallet = account.wallet(self.asset)
        self.wallet.desks.append(self)
        self.leverage = min(LEVERAGE, leverage_max(book.brackets))
        self.is_isolated = False
        self.legs = {side: Leg(self, side) for side in PositionSide}
        self._both = self.legs[PositionSide.BOTH]
        self._hedge_legs = (self.legs[PositionSide.LONG], self.legs[PositionSide.SHORT])
        self.countdown_ms = 0
        """When the dead-man switch fires; 0 while it is off."""

    @property
    def asset(self) -> str:
        """The asset of the margin: the coin of inverse contracts, the same one for all others."""
        scale = self.book.scale
        return MARGIN if scale.direction > 0 else scale.asset

    @property
    def position(self) -> Position:
        """The one-way position."""
        return self._both.position

    @property
    def exposure(self) -> dict[Side, int]:
        """What is open beside the one-way position, in units, without reduce-only orders."""
        return self._both.exposure

    @property
    def reducing(self) -> dict[Side, int]:
        """Lots of the open orders that may only reduce the one-way position."""
        return self._both.reducing

    def count(self, order: LiveOrder, lots: int) -> None:
        """Add ``lots`` (negative: remove) of an open order to what the account has open."""
        leg = order.leg
        if not order.reduce_only:
            leg.exposure[order.side] += self.units(order.side, order.ticks, lots)
        elif order.type is not OrderType.MARKET:
            # A market order never rests: the resting ones make room for it when it fills.
            leg.reducing[order.side] += lots

    def reducible(self, side: Side) -> int:
        """Return the lots that orders of ``side`` can take from the one-way position."""
        return self._both.reducible(side)

    @property
    def active_legs(self) -> tuple[Leg, ...]:
        """The positions that the account's mode knows."""
        return self._hedge_legs if self.account.is_hedged else (self._both,)

    @property
    def has_position(self) -> bool:
        """Whether any position is not flat."""
        return any(leg.position.lots for leg in self.active_legs)

    def unrealised_e8(self) -> int:
        """Return the profit not yet realised, at the mark price (0 without one)."""
        return sum(leg.unrealised_e8() for leg in self.active_legs)

    def margin_e8(self) -> int:
        """Return the initial margin of positions and orders."""
        return sum(leg.margin_e8() for leg in self.active_legs)

    def position_margin_e8(self) -> int:
        """Return the part of the margin that the positions alone need."""
        return sum(leg.position_margin_e8() for leg in self.active_legs)

    def isolated_e8(self) -> int:
        """Return what of the wallet is set apart for the positions; 0 under crossed margin."""
        return sum(leg.isolated_e8 for leg in self.active_legs)

    def units(self, _: Side, ticks: int, lots: int) -> int:
        """Return what ``lots`` at a price bind, in the units in which exposure is counted."""
        return self.book.scale.worth(ticks) * lots

    def locked_e8(self, _: str) -> int:
        """Return what open orders lock of an asset: nothing, they bind margin."""
        return 0

    def check_funds(self, leg: Leg, side: Side, units: int) -> None:
        """Refuse what needs more initial margin than the account has.

        ``units`` is what comes to be open on ``side``. What does not raise the margin is never
        refused, so that an account under water can still reduce.

        Raises:
            Refusal: -2019, or -2027 when it may become larger than the leverage allows.
        """
        buys, sells = (units, 0) if side is Side.BUY else (0, units)
        before, after = leg.margin_e8(), leg.margin_e8(buys, sells)
        if after <= before:
            return
        if after - before > self.wallet.free_e8():
            raise Refusal(Rule.MARGIN)
        if leg.worst_e8(buys, sells) > notional_max(self.book.brackets, self.leverage) * E8:
            raise Refusal(Rule.POSITION_MAX)

    def check_market(self, leg: Leg, side: Side, lots: int, reference: Decimal) -> None:
        """Refuse a market order that needs more margin than there is, at the reference price.

        Rounded to the dearer tick, so that the margin of a market order is never understated.

        Raises:
            Refusal: as ``check_funds``.
        """
        self.check_funds(leg, side, self.units(side, self.book.scale.dear_ticks(reference), lots))

    def settle(self, order: LiveOrder, ticks: int, lots: int, rate: Decimal) -> Settled:
        """Book a fill: the position, its profit and the commission, a fraction of its value."""
        scale, leg, signed = self.book.scale, order.leg, order.sign * lots
        commission_e8 = scale.commission_e8(rate, ticks, lots)
        leg.position.pay(signed, commission_e8)
        realised_e8 = leg.apply(signed, ticks)
        self.wallet.book_trade(realised_e8, commission_e8)
        return Settled(realised_e8, commission_e8, scale.asset)

    def balances(self, change_e8: int) -> tuple[BalanceChange, ...]:
        """Return the balances that an event of this desk changes."""
        wallet = self.wallet
        change = BalanceChange(
            asset=self.book.scale.asset,
            wallet=from_e8(wallet.wallet_e8),
            cross_wallet=from_e8(wallet.wallet_e8 - wallet.isolated_e8()),
            change=from_e8(change_e8),
        )
        return (change,)

    def touched(self, leg: Leg) -> tuple[PositionState, ...]:
        """Return the positions that a fill of ``leg`` changes, as the venue tells them."""
        is_whole = self.account.is_hedged and self.is_isolated
        return tuple(each.state() for each in (self.legs.values() if is_whole else (leg,)))


class Account:
    """One participant, with a wallet for each asset."""

    __slots__ = (
        "_desk_kind",
        "algos",
        "algos_done",
        "desks",
        "fee_tier",
        "fees",
        "fills",
        "income",
        "income_id",
        "is_hedged",
        "margin_moves",
        "name",
        "orders",
        "trades",
        "wallets",
    )

    def __init__(
        self,
        name: str,
        start_e8: Mapping[str, int],
        desk_kind: type[Desk],
        fees: FeeRates,
        fee_tier: int,
    ) -> None:
        self.name = name
        self.fees = fees
        self.fee_tier = fee_tier
        """The VIP level that the venue shows."""
        self.wallets = {asset: Wallet(asset, amount) for asset, amount in start_e8.items()}
        self.is_hedged = False
        self.fills = 0
        self.orders = 0
        self.desks: dict[str, Desk] = {}
        self.algos: dict[int, LiveAlgo] = {}
        """Conditional orders that wait, by id."""
        self.algos_done: deque[LiveAlgo] = deque(maxlen=CLOSED_ORDERS_MAX)
        """Conditional orders that triggered or ended, oldest first."""
        self.trades: deque[AccountTrade] = deque(maxlen=TRADES_MAX)
        self.income: deque[Income] = deque(maxlen=INCOME_MAX)
        self.margin_moves: deque[MarginMove] = deque(maxlen=MARGIN_MOVES_MAX)
        self.income_id = 0
        """Of the newest change of the wallet."""
        self._desk_kind = desk_kind

    def wallet(self, asset: str) -> Wallet:
        """Return the wallet of an asset, made empty on first use."""
        found = self.wallets.get(asset)
        if found is None:
            found = self.wallets[asset] = Wallet(asset, 0)
        return found

    def desk(self, book: Book) -> Desk:
        """Return the desk of ``book``'s symbol, made on first use."""
        symbol = book.instrument.symbol
        found = self.desks.get(symbol)
        if found is None:
            found = self.desks[symbol] = self._desk_kind(self, book)
        return found

    def note_trade(self, trade: AccountTrade, settled: Settled) -> None:
        """Remember a fill, and what it did to the wallet."""
        self.fills += 1
        self.trades.append(trade)
        if settled.realised_e8:
            self._note(IncomeType.REALIZED_PNL, trade, settled.realised_e8)
        if settled.commission_e8:
            self._note(IncomeType.COMMISSION, trade, -settled.commission_e8)

    def note_change(self, kind: IncomeType, desk: Desk, amount_e8: int, now_ms: int) -> None:
        """Remember a change of the wallet that no fill caused."""
        self.income_id += 1
        self.income.append(
            Income(
                income_id=self.income_id,
                symbol=desk.instrument.symbol,
                type=kind,
                amount=from_e8(amount_e8),
                asset=desk.book.scale.asset,
                trade_id=0,
                ts_ms=now_ms,
            )
        )

    def _note(self, kind: IncomeType, trade: AccountTrade, amount_e8: int) -> None:
        self.income_id += 1
        self.income.append(
            Income(
                income_id=self.income_id,
                symbol=trade.symbol,
                type=kind,
                amount=from_e8(amount_e8),
                asset=trade.commission_asset,
                trade_id=trade.trade_id,
                ts_ms=trade.ts_ms,
            )
        )
