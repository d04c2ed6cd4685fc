"""What the simulated venue says: events to participants, and the values its reads return."""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum
from typing import TYPE_CHECKING

import attrs

from grinder.model.order import PositionSide, Side
from grinder.simulation.orders import Order

if TYPE_CHECKING:
    from grinder.simulation.algo import Algo


class Execution(StrEnum):
    """The venue's ``x``: what happened to an order."""

    NEW = "NEW"
    CANCELED = "CANCELED"
    EXPIRED = "EXPIRED"
    CALCULATED = "CALCULATED"
    """A fill by which the venue liquidates a position."""
    TRADE = "TRADE"
    AMENDMENT = "AMENDMENT"


class AccountReason(StrEnum):
    """The venue's ``m``: why balance or position changed."""

    ORDER = "ORDER"
    FUNDING_FEE = "FUNDING_FEE"
    INSURANCE_CLEAR = "INSURANCE_CLEAR"
    MARGIN_TRANSFER = "MARGIN_TRANSFER"


@attrs.frozen(kw_only=True)
class OrderReport:
    """One change of one order, told to its owner (ORDER_TRADE_UPDATE).

    The fields about a fill are zero unless ``execution`` is TRADE or CALCULATED.
    """

    account: str
    ts_ms: int
    execution: Execution
    order: Order
    """The order after the change."""
    last_qty: Decimal = Decimal(0)
    last_price: Decimal = Decimal(0)
    commission: Decimal = Decimal(0)
    """Positive is paid, in ``commission_asset``."""
    commission_asset: str = "USDT"
    realised_profit: Decimal = Decimal(0)
    """Before commission."""
    trade_id: int = 0
    is_maker: bool = False
    bid_notional: Decimal = Decimal(0)
    """Value of the account's open buys on the symbol, without reduce-only orders."""
    ask_notional: Decimal = Decimal(0)


@attrs.frozen
class Settled:
    """What a fill did to a wallet, in units of 1e-8."""

    realised_e8: int
    commission_e8: int
    commission_asset: str


@attrs.frozen(kw_only=True)
class BalanceChange:
    """One asset's balance after a change."""

    asset: str
    wallet: Decimal
    cross_wallet: Decimal
    """Without what is set apart for isolated positions, or locked by open spot orders."""
    change: Decimal
    """What changed the balance apart from profit and commission; funding is here."""


@attrs.frozen(kw_only=True)
class PositionState:
    """A position as the venue shows it. ``qty`` is signed: positive long."""

    symbol: str
    qty: Decimal
    qty_lots: int
    entry_price: Decimal
    """Shown with eight decimals, ROUND_HALF_EVEN; the cost behind it is kept exact."""
    break_even: Decimal = Decimal(0)
    """The entry price with the commission of opening; eight decimals, ROUND_HALF_EVEN."""
    realised: Decimal
    """Profit realised so far on the symbol, before commission."""
    unrealised: Decimal
    """At the mark price; 0 while no mark price is known."""
    updated_ms: int
    side: PositionSide = PositionSide.BOTH
    maintenance: Decimal = Decimal(0)
    """The margin below which it is liquidated."""
    is_isolated: bool = False
    isolated_wallet: Decimal = Decimal(0)
    """What of the wallet is set apart for it; 0 under crossed margin."""


@attrs.frozen(kw_only=True)
class AccountReport:
    """Balance and position that changed (ACCOUNT_UPDATE); it comes before the OrderReport."""

    account: str
    ts_ms: int
    reason: AccountReason
    balances: tuple[BalanceChange, ...]
    positions: tuple[PositionState, ...]
    """Empty for funding of a crossed position, which does not change by it."""


@attrs.frozen(kw_only=True)
class OwnTrade:
    """A trade between two participants, for the public tape."""

    symbol: str
    ts_ms: int
    trade_id: int
    price: Decimal
    qty: Decimal
    price_ticks: int
    qty_lots: int
    buyer_is_maker: bool


@attrs.frozen(kw_only=True)
class AlgoReport:
    """One change of a conditional order (ALGO_UPDATE)."""

    account: str
    ts_ms: int
    algo: Algo


@attrs.frozen(kw_only=True)
class CalledPosition:
    """A position that a margin call is about."""

    state: PositionState
    mark_price: Decimal


@attrs.frozen(kw_only=True)
class MarginCallReport:
    """The margin of these positions is nearly gone (MARGIN_CALL)."""

    account: str
    ts_ms: int
    cross_wallet: Decimal | None
    """The wallet that crossed positions share; None for an isolated one."""
    positions: tuple[CalledPosition, ...]


OwnReport = OrderReport | AccountReport | AlgoReport | MarginCallReport
"""What is told to one account alone."""

Event = OwnReport | OwnTrade


@attrs.frozen(kw_only=True)
class AccountTrade:
    """One fill of one account, unique by (symbol, trade_id)."""

    symbol: str
    trade_id: int
    order_id: int
    client_order_id: str
    side: Side
    price: Decimal
    qty: Decimal
    price_ticks: int
    qty_lots: int
    commission: Decimal
    commission_asset: str
    realised_profit: Decimal
    is_maker: bool
    ts_ms: int
    position_side: PositionSide = PositionSide.BOTH


class IncomeType(StrEnum):
    """The venue's name for a change of the wallet."""

    REALIZED_PNL = "REALIZED_PNL"
    COMMISSION = "COMMISSION"
    FUNDING_FEE = "FUNDING_FEE"
    INSURANCE_CLEAR = "INSURANCE_CLEAR"


@attrs.frozen(kw_only=True)
class Income:
    """One change of the wallet; negative was paid."""

    income_id: int
    symbol: str
    type: IncomeType
    amount: Decimal
    asset: str
    trade_id: int
    """0 unless a fill was the cause."""
    ts_ms: int


@attrs.frozen(kw_only=True)
class MarginMove:
    """Margin that its owner added to an isolated position; negative was taken out."""

    symbol: str
    position_side: PositionSide
    amount: Decimal
    asset: str
    ts_ms: int


@attrs.frozen(kw_only=True)
class Balance:
    """What an account has of one asset."""

    asset: str
    wallet: Decimal
    unrealised: Decimal
    position_margin: Decimal
    order_margin: Decimal
    available: Decimal
    """What new orders may bind: crossed wallet and profit less the margins, not below 0."""
    cross_wallet: Decimal
    cross_unrealised: Decimal
    locked: Decimal = Decimal(0)
    """What open spot orders bind of the wallet."""


@attrs.frozen(kw_only=True)
class Margins:
    """What one position needs, in the asset of its margin."""

    value: Decimal
    """Signed value at the mark price."""
    position: Decimal
    orders: Decimal
    """What open orders need besides: only one side can make the position grow."""
    bid_value: Decimal
    """Value of open buys, without reduce-only orders."""
    ask_value: Decimal


@attrs.frozen(kw_only=True)
class Ledger:
    """Exact totals: wallet = start + realised - commission + funding + insurance."""

    start: Decimal
    realised: Decimal
    commission: Decimal
    funding: Decimal
    insurance: Decimal
    """What the venue paid for losses larger than the margin."""
    fills: int
    orders: int
    """Orders accepted."""
