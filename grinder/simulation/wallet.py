"""Wallets: what one account has in one asset, and the desks that share it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from grinder.simulation.account import Desk


class Wallet:
    """Exact totals of one asset, in units of 1e-8.

    ``wallet_e8`` = start + realised - commission + funding + insurance, always.
    """

    __slots__ = (
        "asset",
        "commission_e8",
        "desks",
        "funding_e8",
        "insurance_e8",
        "is_called",
        "realised_e8",
        "start_e8",
        "wallet_e8",
    )

    def __init__(self, asset: str, start_e8: int) -> None:
        self.asset = asset
        self.start_e8 = start_e8
        self.wallet_e8 = start_e8
        self.realised_e8 = 0
        """Profit; on spot what trades brought, less what they took."""
        self.commission_e8 = 0
        self.funding_e8 = 0
        self.insurance_e8 = 0
        """What the venue paid for losses that were larger than the margin."""
        self.is_called = False
        """Whether the owner has been warned of too little margin, until it is enough again."""
        self.desks: list[Desk] = []
        """The desks whose margin or funds are in this asset."""

    def book_trade(self, realised_e8: int, commission_e8: int) -> None:
        """Move the wallet by a fill's profit and commission."""
        self.wallet_e8 += realised_e8 - commission_e8
        self.realised_e8 += realised_e8
        self.commission_e8 += commission_e8

    def book_funding(self, amount_e8: int) -> None:
        """Move the wallet by a funding payment; negative was paid."""
        self.wallet_e8 += amount_e8
        self.funding_e8 += amount_e8

    def book_insurance(self, amount_e8: int) -> None:
        """Move the wallet by what the venue pays after a liquidation."""
        self.wallet_e8 += amount_e8
        self.insurance_e8 += amount_e8

    def unrealised_e8(self) -> int:
        """Return the profit not yet realised over all symbols."""
        return sum(desk.unrealised_e8() for desk in self.desks)

    def isolated_e8(self) -> int:
        """Return what of the wallet is set apart for isolated positions."""
        return sum(desk.isolated_e8() for desk in self.desks)

    def cross_equity_e8(self) -> int:
        """Return the wallet and the unrealised profit that crossed positions share."""
        crossed = sum(each.unrealised_e8() for each in self.desks if not each.is_isolated)
        return self.wallet_e8 - self.isolated_e8() + crossed

    def cross_maintenance_e8(self) -> int:
        """Return the margin that keeps all crossed positions alive."""
        return sum(
            leg.maintenance_e8()
            for desk in self.desks
            if not desk.is_isolated
            for leg in desk.active_legs
        )

    def free_e8(self) -> int:
        """Return what can still be bound by new orders; negative when too much is bound.

        An isolated position has paid for itself already; its orders have not.
        """
        bound = 0
        for desk in self.desks:
            bound += desk.margin_e8()
            if desk.is_isolated:
                bound -= desk.position_margin_e8()
        return self.cross_equity_e8() - bound - self.locked_e8()

    def locked_e8(self) -> int:
        """Return what open spot orders bind."""
        return sum(desk.locked_e8(self.asset) for desk in self.desks)
