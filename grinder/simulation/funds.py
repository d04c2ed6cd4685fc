"""What the simulated venue answers when it is asked for money; nothing here changes anything."""

from __future__ import annotations

from grinder.model.order import PositionSide, Side
from grinder.simulation.account import Account
from grinder.simulation.money import from_e8
from grinder.simulation.reads import Reads
from grinder.simulation.reports import Balance, Ledger, Margins
from grinder.simulation.wallet import Wallet


class Funds(Reads):
    """The part of the exchange that shows wallets and margins.

    Every method raises Refusal -2015 for an unknown account and -1121 for an unknown symbol.
    """

    def balance(self, account: str, asset: str | None = None) -> Balance:
        """Return what an account has of an asset, or of its first one."""
        found = self._account(account)
        return _balance(found.wallet(asset) if asset else _first(found))

    def balances(self, account: str) -> tuple[Balance, ...]:
        """Return what an account has of every asset, by its name."""
        wallets = self._account(account).wallets
        return tuple(_balance(wallets[asset]) for asset in sorted(wallets))

    def ledger(self, account: str, asset: str | None = None) -> Ledger:
        """Return the exact totals of an asset, or of the first, since the account was opened."""
        found = self._account(account)
        wallet = found.wallet(asset) if asset else _first(found)
        return Ledger(
            start=from_e8(wallet.start_e8),
            realised=from_e8(wallet.realised_e8),
            commission=from_e8(wallet.commission_e8),
            funding=from_e8(wallet.funding_e8),
            insurance=from_e8(wallet.insurance_e8),
            fills=found.fills,
            orders=found.orders,
        )

    def margins(self, account: str, symbol: str, side: PositionSide) -> Margins:
        """Return what a position and its open orders need."""
        leg = self._desk(account, symbol).legs[side]
        scale, position_e8 = leg.book.scale, leg.position_margin_e8()
        return Margins(
            value=from_e8(leg.value_e8()),
            position=from_e8(position_e8),
            orders=from_e8(leg.margin_e8() - position_e8),
            bid_value=scale.total(leg.exposure[Side.BUY]),
            ask_value=scale.total(leg.exposure[Side.SELL]),
        )


def _first(account: Account) -> Wallet:
    return next(iter(account.wallets.values()))


def _balance(wallet: Wallet) -> Balance:
    margin = sum(desk.margin_e8() for desk in wallet.desks)
    position_margin = sum(desk.position_margin_e8() for desk in wallet.desks)
    cross_wallet = wallet.wallet_e8 - wallet.isolated_e8()
    return Balance(
        asset=wallet.asset,
        wallet=from_e8(wallet.wallet_e8),
        unrealised=from_e8(wallet.unrealised_e8()),
        position_margin=from_e8(position_margin),
        order_margin=from_e8(margin - position_margin),
        available=from_e8(max(0, wallet.free_e8())),
        cross_wallet=from_e8(cross_wallet),
        cross_unrealised=from_e8(wallet.cross_equity_e8() - cross_wallet),
        locked=from_e8(wallet.locked_e8()),
    )
