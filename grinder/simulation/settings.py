"""What an account sets up: leverage, margin type and position mode."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from grinder.errors import InvariantError
from grinder.model.fees import FEE_TIERS, FeeRates
from grinder.model.order import PositionSide
from grinder.simulation.account import MARGIN, Account
from grinder.simulation.brackets import leverage_max, notional_max
from grinder.simulation.money import E8, from_e8, to_e8
from grinder.simulation.placing import Placing
from grinder.simulation.positions import Leg
from grinder.simulation.refusals import Refusal, Rule
from grinder.simulation.reports import AccountReason, MarginMove


class Settings(Placing):
    """The part of the exchange that changes how an account trades."""

    _income_id = 0

    def open_account(
        self,
        account: str,
        balance: Decimal | Mapping[str, Decimal],
        *,
        fee_tier: int = 0,
        fees: FeeRates | None = None,
    ) -> None:
        """Open ``account`` with ``balance``: so much of each asset, or of USDT (eight decimals).

        Args:
            account: its name.
            balance: opening wallet balances.
            fee_tier: VIP level, 0 to 9; level 0 pays what the exchange was made with.
            fees: its own rates, in place of those of the level.

        Raises:
            InvariantError: the account is open already, or there is no such level.
        """
        if account in self._accounts:
            raise InvariantError(f"expected a new account, was {account!r}")
        rates = self._rates(fee_tier, fees)
        start = balance if isinstance(balance, Mapping) else {MARGIN: balance}
        amounts = {asset: to_e8(amount) for asset, amount in start.items()}
        found = Account(account, amounts, self._desk_kind, rates, fee_tier)
        self._accounts[account] = found
        found.income_id = self._income_id

    def set_fees(self, account: str, fee_tier: int, fees: FeeRates | None = None) -> None:
        """Give an account another VIP level, or rates of its own, for fills from now on.

        Raises:
            Refusal: -2015 for an unknown account.
            InvariantError: there is no such level.
        """
        found = self._account(account)
        found.fees, found.fee_tier = self._rates(fee_tier, fees), fee_tier

    def set_leverage(self, account: str, symbol: str, leverage: int) -> None:
        """Set the leverage of a symbol, 1 to the largest of its brackets, from now on.

        What is set apart for an isolated position stays as it is.

        Raises:
            Refusal: -4028; -4161 for less leverage on an isolated position; -2027 when position and
                orders are larger than the leverage allows; -2028 when the account can't pay the
                margin that less leverage needs.
        """
        desk = self._desk(account, symbol)
        if not 1 <= leverage <= leverage_max(desk.book.brackets):
            raise Refusal(Rule.LEVERAGE, leverage=leverage)
        if desk.is_isolated and desk.has_position and leverage < desk.leverage:
            raise Refusal(Rule.ISOLATED_LEVERAGE)
        worst_e8 = max(leg.worst_e8() for leg in desk.active_legs)
        if worst_e8 > notional_max(desk.book.brackets, leverage) * E8:
            raise Refusal(Rule.POSITION_MAX)
        before, was_free_e8 = desk.leverage, desk.wallet.free_e8()
        desk.leverage = leverage
        if desk.wallet.free_e8() < min(0, was_free_e8):
            desk.leverage = before
            raise Refusal(Rule.LEVERAGE_MARGIN)

    def set_isolated(self, account: str, symbol: str, is_isolated: bool) -> None:
        """Choose between isolated and crossed margin for a symbol.

        Raises:
            Refusal: -4046 when it is so already, -4047 with open orders, -4048 with a position.
        """
        desk = self._desk(account, symbol)
        if desk.is_isolated is is_isolated:
            raise Refusal(Rule.MARGIN_TYPE_SAME)
        if desk.open or self._waits(account, symbol):
            raise Refusal(Rule.MARGIN_TYPE_ORDERS)
        if desk.has_position:
            raise Refusal(Rule.MARGIN_TYPE_POSITION)
        desk.is_isolated = is_isolated

    def move_margin(
        self, account: str, symbol: str, side: PositionSide, amount: Decimal, now_ms: int
    ) -> None:
        """Add ``amount`` to the margin of an isolated position; a negative one is taken out.

        What the position gained can't be taken out, nor what its initial margin needs.

        Raises:
            Refusal: -4061; -4055 for nothing; -4049 under crossed margin; -4054 for a flat
                position; -4050 when the account has not so much, -4051 when the position has not.
        """
        self._catch_up(now_ms)
        desk = self._desk(account, symbol)
        leg, amount_e8 = desk.legs[side], to_e8(amount)
        _check_move(leg, amount_e8)
        leg.isolated_e8 += amount_e8
        self._clearing.report_account(
            desk, AccountReason.MARGIN_TRANSFER, 0, (leg.state(),), now_ms
        )
        desk.account.margin_moves.append(
            MarginMove(
                symbol=symbol,
                position_side=side,
                amount=from_e8(amount_e8),
                asset=desk.book.scale.asset,
                ts_ms=now_ms,
            )
        )

    def margin_moves(self, account: str) -> tuple[MarginMove, ...]:
        """Return what ``move_margin`` did, oldest first, as far as it is remembered."""
        return tuple(self._account(account).margin_moves)

    def set_hedged(self, account: str, is_hedged: bool) -> None:
        """Choose between hedge and one-way mode for every symbol of the account.

        Raises:
            Refusal: -4059 when it is so already, -4067 with open orders, -4068 with a position.
        """
        found = self._account(account)
        if found.is_hedged is is_hedged:
            raise Refusal(Rule.POSITION_MODE_SAME)
        if found.algos or any(desk.open for desk in found.desks.values()):
            raise Refusal(Rule.POSITION_MODE_ORDERS)
        if any(desk.has_position for desk in found.desks.values()):
            raise Refusal(Rule.POSITION_MODE_POSITION)
        found.is_hedged = is_hedged

    def _rates(self, fee_tier: int, fees: FeeRates | None) -> FeeRates:
        if not 0 <= fee_tier < len(FEE_TIERS):
            raise InvariantError(f"expected a fee tier of 0 to 9, was {fee_tier}")
        if fees is not None:
            return fees
        return FEE_TIERS[fee_tier] if fee_tier else self._fees

    def _waits(self, account: str, symbol: str) -> bool:
        return any(algo.new.symbol == symbol for algo in self._account(account).algos.values())


def _check_move(leg: Leg, amount_e8: int) -> None:
    if leg not in leg.desk.active_legs:
        raise Refusal(Rule.POSITION_SIDE)
    if not amount_e8:
        raise Refusal(Rule.AMOUNT)
    if not leg.desk.is_isolated:
        raise Refusal(Rule.MARGIN_OF_CROSSED)
    if not leg.position.lots:
        raise Refusal(Rule.MARGIN_OF_FLAT)
    if amount_e8 > max(0, leg.desk.wallet.free_e8()):
        raise Refusal(Rule.CROSSED_BALANCE)
    spare_e8 = leg.isolated_e8 + min(0, leg.unrealised_e8()) - leg.position_margin_e8()
    if -amount_e8 > max(0, spare_e8):
        raise Refusal(Rule.ISOLATED_BALANCE)
